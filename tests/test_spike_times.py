"""Spike times: every spike is sent, by its line, in its tick; and what is no time is refused by name."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
import pytest
from toys import Relay

from hybrid import Brain, Clock, Simulation, Spikes, SpikeTimes, Window
from hybrid.errors import ConfigurationError, TimeError, UnknownNameError
from hybrid.testing import check_component

LABELS = ("V1", "V2", "PFC")


def sent(*arguments: Any, ticks: int = 20, lines: Any = 3, **options: Any) -> list[tuple[int, int, int]]:
    component = SpikeTimes("s", lines, *arguments, **options)
    component.prepare(Clock(0.5), np.random.default_rng(0))
    spikes = component.advance(Window(0, ticks), {})["spikes"]
    return [tuple(map(int, event)) for event in zip(*spikes.payload(), strict=True)]


EXPECTED = [(2, 0, 1), (2, 2, 1), (5, 0, 1), (14, 2, 1)]


@pytest.mark.parametrize(
    "arguments",
    [
        ([[1.0, 2.5], [], [7.0, 1.0]],),
        ({0: [2.5, 1.0], 2: [1.0, 7.0]},),
        ({"0": [2.5, 1.0], "2": [1.0, 7.0]},),
        ([7.0, 1.0, 2.5, 1.0], [2, 0, 0, 2]),
        (np.array([1.0, 1.0, 2.5, 7.0]), np.array([0.0, 2.0, 0.0, 2.0])),
    ],
)
def test_spikes_are_sent_in_their_ticks_by_their_lines(arguments: Any) -> None:
    assert sent(*arguments) == EXPECTED


def test_lines_may_have_labels_and_a_single_line_needs_no_ids() -> None:
    assert sent({"V1": [1.0, 2.5], "PFC": [1.0, 7.0]}, lines=LABELS) == EXPECTED
    assert sent([0.5, 0.0], lines=1) == [(0, 0, 1), (1, 0, 1)]
    assert sent([], lines=1) == sent([[], [], []]) == sent({}) == sent([], []) == []


def test_several_spikes_of_a_line_in_one_tick_all_count() -> None:
    assert sum(count for *_, count in sent([[1.0, 1.0, 1.0]], lines=1)) == 3


def test_a_time_between_two_ticks_is_refused_unless_rounding_is_asked_for() -> None:
    with pytest.raises(TimeError) as caught:
        sent([[1.0], [2.0, 3.1], []])
    assert str(caught.value) == (
        "s: times_ms of line 1[1] = 3.1 ms is no multiple of the tick (0.5 ms); the nearest is 3 ms (1 such entries; "
        "rounded=True takes each to the nearest tick)"
    )
    assert sent([[1.0], [2.0, 3.1], []], rounded=True) == [(2, 0, 1), (4, 1, 1), (6, 1, 1)]


def test_keeps_the_contract_also_in_another_process() -> None:
    random = np.random.default_rng(0)
    times = random.integers(0, 200, 300) * 0.1
    check_component(partial(SpikeTimes, "s", 3, times.tolist(), random.integers(0, 3, 300).tolist()))


def test_recorded_spikes_can_be_sent_again() -> None:
    brain = Brain(tick_ms=0.1)
    source, relay = brain.add(SpikeTimes("s", 2, [[1.0, 3.0], [2.0]])), brain.add(Relay("r", 2, Spikes))
    brain.connect(source["spikes"], relay["in"], delay_ms=1.5)
    results = Simulation(brain, record=["s.spikes", "r.out"]).run(10)
    assert results["r.out"].ticks.tolist() == [25, 35, 45]
    again = sent(results.times_ms("r.out"), results["r.out"].ids, lines=2, ticks=20, rounded=True)
    assert [line for _, line, _ in again] == [0, 1, 0]


def test_brian2_times_are_taken() -> None:
    brian2 = pytest.importorskip("brian2")
    assert sent([1.0, 2.5] * brian2.ms, lines=1) == [(2, 0, 1), (5, 0, 1)]
    assert sent([[1.0 * brian2.ms], [], [2500 * brian2.us]]) == [(2, 0, 1), (5, 2, 1)]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([[1.0], [-0.5], []],), TimeError, "s: times_ms of line 1 has -0.5 ms, which is before the start at 0 ms"),
        (([[1.0], [np.nan], []],), ConfigurationError, r"times_ms of line 1 is not finite at \(0,\): nan"),
        (([[1.0], ["soon"], []],), ConfigurationError, "times_ms of line 1 is not an array of numbers in ms"),
        (
            ([[1.0], [2.0]],),
            ConfigurationError,
            "s: times_ms must be 3 lists, one a line, or one list together with ids",
        ),
        (([1.0, 2.0, 3.0],), ConfigurationError, "s: times_ms must be 3 lists, one a line"),
        ((5.0,), ConfigurationError, "s: times_ms = 5.0; give lists of times"),
        (("soon",), ConfigurationError, "s: times_ms = 'soon'; give lists of times"),
        (([1.0, 2.0], [0]), ConfigurationError, "s: 2 times_ms and 1 ids; give one for each spike"),
        (([1.0], [3]), ConfigurationError, "s: ids from 3 to 3, but there are 3 lines from 0"),
        (([1.0], [-1]), ConfigurationError, "s: ids from -1 to -1"),
        (([1.0], [0.5]), ConfigurationError, "s: ids must be whole numbers .* not 0.5"),
        (([1.0], [2**64]), ConfigurationError, "s: ids must be whole numbers"),
        (([1.0], [True]), ConfigurationError, "s: ids must be whole numbers, not True"),
        (({0: [1.0]}, [0]), ConfigurationError, "s: ids and times_ms by line exclude each other"),
        (({3: [1.0]},), UnknownNameError, "s: line 3 does not exist|s: line '3' does not exist"),
        (([[1e300], [], []],), TimeError, r"times_ms of line 0 has 1e\+300 ms, which is more than .* ticks away"),
    ],
)
def test_what_is_no_spike_time_is_refused_by_name(arguments: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        sent(*arguments)


def test_an_unknown_label_is_answered_with_a_guess() -> None:
    with pytest.raises(UnknownNameError, match="s: line 'PFD' does not exist; did you mean 'PFC'"):
        sent({"PFD": [1.0]}, lines=LABELS)


def test_the_description_tells_spikes_apart() -> None:
    found = SpikeTimes("s", 3, [[1.0], [2.0], []]).describe()
    assert found == json.loads(json.dumps(found))
    assert (found["kind"], found["spikes"], found["rounded"]) == ("SpikeTimes", 2, False)
    assert found != SpikeTimes("s", 3, [[1.0], [], [2.0]]).describe()
    assert found == SpikeTimes("s", 3, [1.0, 2.0], [0, 1]).describe()
