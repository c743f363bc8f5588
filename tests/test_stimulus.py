"""A stimulus sends the rates of its plan, in the ticks it names, to the regions it names."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from masses_toys import Relaxation, nodes
from toys import Relay

from adapters import RateToPoisson
from hybrid import (
    Brain,
    Clock,
    Constant,
    Currents,
    Pulse,
    Rates,
    Samples,
    Simulation,
    Sinusoid,
    Spikes,
    States,
    Steps,
    Stimulus,
    Train,
    Window,
)
from hybrid.errors import ComponentError, ConfigurationError, DivergedError, TimeError, UnknownNameError, WiringError
from hybrid.masses import MassNetwork
from hybrid.stimulus import Function, Waveform
from hybrid.testing import check_component


def chirp(t_ms: float) -> Any:
    return [20.0 + 5.0 * np.sin(1e-3 * t_ms**2), t_ms]


LABELS = ("V1", "V2", "PFC")
WAVEFORMS = [
    Pulse(3.0, 7.5, 40.0),
    Train(2.0, 5.0, 1.5, 80.0, count=3),
    Sinusoid(20.0, 15.0, 40.0, 0.3),
    Samples(np.random.default_rng(0).uniform(0.0, 9.0, (90, 2))),
    Constant([3.0, 7.0]),
    Steps([1.0, 4.0, 9.5], [[5.0, 6.0], [0.0, 2.0], [1.0, 0.0]]),
    Function(chirp),
]


def rates(waveform: Any, ticks: int, tick_ms: float = 0.5, **options: Any) -> Any:
    stimulus = Stimulus("stimulus", options.pop("lines", 1), waveform, **options)
    stimulus.prepare(Clock(tick_ms), np.random.default_rng(0))
    return stimulus.advance(Window(0, ticks), {})["rate"].hz


@pytest.mark.parametrize("waveform", WAVEFORMS)
def test_keeps_the_contract_of_a_component(waveform: Any) -> None:
    check_component(lambda: Stimulus("stimulus", LABELS, waveform, regions=("PFC", "V1")), ticks=200)


def test_a_pulse_lasts_from_its_start_up_to_its_stop() -> None:
    hz = rates(Pulse(3.0, 4.5, 40.0), 20)[:, 0]
    assert np.flatnonzero(hz).tolist() == [6, 7, 8]
    assert set(hz) == {0.0, 40.0}


def test_a_train_repeats_its_pulse() -> None:
    endless = rates(Train(1.0, 2.5, 1.0, 80.0), 200)[:, 0]
    assert np.flatnonzero(endless)[:8].tolist() == [2, 3, 7, 8, 12, 13, 17, 18]
    assert np.flatnonzero(endless)[-1] == 198
    twice = rates(Train(1.0, 2.5, 1.0, 80.0, count=2), 200)[:, 0]
    assert np.flatnonzero(twice).tolist() == [2, 3, 7, 8]
    assert set(rates(Train(0.0, 2.0, 2.0, 80.0), 50)[:, 0]) == {80.0}


def test_a_sinusoid_goes_round_in_its_period() -> None:
    hz = rates(Sinusoid(20.0, 15.0, 40.0, math.pi / 2), 500)[:, 0]  # 25 ms are 50 ticks
    np.testing.assert_allclose(hz, 20.0 + 15.0 * np.cos(2 * np.pi * np.arange(500) / 50), rtol=1e-12)
    assert rates(Sinusoid(15.0, 15.0, 40.0), 1000).min() >= 0.0


def test_samples_are_followed_by_silence() -> None:
    values = np.arange(1.0, 7.0).reshape(3, 2)
    hz = rates(Samples(values), 5, lines=LABELS, regions=("PFC", "V1"))
    assert hz.tolist() == [[2, 0, 1], [4, 0, 3], [6, 0, 5], [0, 0, 0], [0, 0, 0]]
    assert rates(Samples([3.0, 4.0]), 3, lines=2).tolist() == [[3, 3], [4, 4], [0, 0]]


def test_only_the_chosen_regions_are_stimulated() -> None:
    hz = rates(Pulse(0.0, 1.0, 40.0), 3, lines=LABELS, regions="V2")
    assert hz.tolist() == [[0, 40, 0], [0, 40, 0], [0, 0, 0]]
    assert rates(Pulse(0.0, 1.0, 40.0), 1, lines=LABELS).tolist() == [[40, 40, 40]]
    assert Stimulus("stimulus", LABELS, Pulse(0.0, 1.0, 40.0))["rate"].labels == LABELS


def test_drives_a_network_in_the_ticks_expected() -> None:
    """The drive of tick t shows in the state of t + 1; the connection takes a tick."""
    brain = Brain(tick_ms=0.1)
    connectome = nodes(4, density=0.0)
    masses = brain.add(MassNetwork("masses", connectome, Relaxation()))
    stimulus = brain.add(Stimulus("stimulus", connectome.labels, Pulse(1.0, 1.3, 2.0), regions="r2"))
    brain.connect(stimulus["rate"], masses["drive"], delay_ms=0.1)
    x = Simulation(brain, record=[masses["x"]]).run(duration_ms=2.0)[masses["x"]]
    assert not x.values[:, [0, 1, 3]].any()
    assert np.flatnonzero(x.values[:, 2])[0] == 12
    np.testing.assert_allclose(x.values[[12, 13, 14, 15, 19], 2], [0.2, 0.4, 0.6, 0.6, 0.6])


def test_becomes_poisson_spikes_on_the_way_to_a_circuit() -> None:
    brain = Brain(tick_ms=0.1)
    listener = brain.add(Relay("listener", 100, Spikes))
    stimulus = brain.add(Stimulus("stimulus", 1, Pulse(20.0, 120.0, 50.0)))
    brain.connect(stimulus["rate"], listener["in"], weight=1.0, delay_ms=0.1, adapter=RateToPoisson())
    spikes = Simulation(brain, seed=3, record=[listener["out"]]).run(duration_ms=150.0)[listener["out"]]
    assert spikes.ticks.min() >= 201
    assert spikes.ticks.max() <= 1200
    assert abs(spikes.counts.sum() - 500) < 4 * np.sqrt(500)  # 50 Hz for 100 ms on 100 fibres


@dataclass(frozen=True)
class Ramp(Waveform):
    """A user's own."""

    hz_per_tick: float

    def values(self, window: Window, clock: Clock) -> Any:
        return self.hz_per_tick * np.arange(window.start, window.stop)


def test_a_waveform_may_be_ones_own_or_a_dictionary() -> None:
    assert rates(Ramp(2.0), 3)[:, 0].tolist() == [0.0, 2.0, 4.0]
    with pytest.raises(ConfigurationError, match="stimulus: Ramp gives the rate -2 Hz"):
        rates(Ramp(-2.0), 3)
    same = rates({"kind": "Pulse", "start_ms": 3.0, "stop_ms": 4.5, "hz": 40.0}, 20)
    assert np.array_equal(same, rates(Pulse(3.0, 4.5, 40.0), 20))


def test_times_between_two_ticks_are_refused_before_anything_runs() -> None:
    for waveform in (Pulse(0.2, 1.0, 5.0), Pulse(0.5, 1.2, 5.0), Train(0.0, 1.2, 1.0, 5.0), Train(0.0, 1.0, 0.7, 5.0)):
        with pytest.raises(TimeError, match=r"(Pulse|Train)\..*_ms = .* is no multiple of the tick"):
            rates(waveform, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pulse(0.0, 1.0, -5.0), r"Pulse\.hz = -5 must be at least 0"),
        (lambda: Pulse(2.0, 1.0, 5.0), r"Pulse\.stop_ms = 1 must be after start_ms = 2"),
        (lambda: Pulse(-1.0, 1.0, 5.0), r"Pulse\.start_ms = -1"),
        (lambda: Train(0.0, 1.0, 2.0, 5.0), r"Train\.width_ms = 2 must be above 0 and at most period_ms = 1"),
        (lambda: Train(0.0, 1.0, 0.5, 5.0, count=0), r"Train\.count = 0"),
        (lambda: Sinusoid(5.0, 6.0, 10.0), "falls below 0"),
        (lambda: Samples([1.0, -2.0]), r"Samples\.values_hz has an entry below 0 \(-2 Hz|\(-2\)"),
        (lambda: Samples(np.zeros((2, 2, 2))), r"\[tick, line\]"),
        (lambda: Stimulus("s", 3, Pulse(0.0, 1.0, 5.0), regions=("V1",)), "s: regions are chosen by label"),
        (lambda: Stimulus("s", 3, {"start_ms": 1.0}), "s: waveform = .*; give one of Pulse, Train"),
        (lambda: Stimulus("s", 3, {"kind": "Pulse", "start": 1.0}), "s: waveform Pulse: .*'start'"),
        (
            lambda: rates(Samples(np.zeros((5, 4))), 5, lines=3),
            r"Samples gives values \[1, 4\] for 1 ticks and 3 lines",
        ),
    ],
)
def test_bad_input_is_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_unknown_names_are_answered_with_a_guess() -> None:
    with pytest.raises(UnknownNameError, match="s: region 'PFD' does not exist; did you mean 'PFC'"):
        Stimulus("s", LABELS, Pulse(0.0, 1.0, 5.0), regions=("PFD",))
    with pytest.raises(UnknownNameError, match="did you mean 'Pulse'"):
        Stimulus("s", 3, {"kind": "Puls"})


def test_description_holds_plain_values_only() -> None:
    assert json.loads(json.dumps(Constant([1, 2]).describe())) == {"kind": "Constant", "value": [1.0, 2.0]}
    assert Steps([1, 2], [3, 4]).describe() == {"kind": "Steps", "times_ms": [1.0, 2.0], "steps": [3.0, 4.0]}
    assert Function(chirp).describe() == {"kind": "Function", "function": f"{__name__}:chirp"}
    for waveform in WAVEFORMS:
        described = json.loads(json.dumps(Stimulus("s", LABELS, waveform, regions=("V1", "V2")).describe()))
        assert described["waveform"]["kind"] == type(waveform).__name__
        assert described["regions"] == ["V1", "V2"]


# -- constants, steps and functions ------------------------------------------------------------------------------------


def test_a_number_or_one_a_line_is_a_constant_rate() -> None:
    assert rates(7.0, 2, lines=3).tolist() == [[7, 7, 7]] * 2
    assert rates([1.0, 2.0, 3.0], 2, lines=3).tolist() == [[1, 2, 3]] * 2
    assert rates(Constant([1.0, 2.0]), 1, lines=LABELS, regions=("PFC", "V1")).tolist() == [[2, 0, 1]]


def test_steps_hold_their_value_from_their_time_on() -> None:
    hz = rates(Steps([1.0, 2.5], [4.0, 9.0]), 8)[:, 0]
    assert hz.tolist() == [0, 0, 4, 4, 4, 9, 9, 9]
    two = rates(Steps([0.0, 1.0], [[1.0, 2.0], [0.0, 5.0]]), 3, lines=2)
    assert two.tolist() == [[1, 2], [1, 2], [0, 5]]


@pytest.mark.parametrize("function", [lambda t_ms: 3.0 * t_ms, lambda t_ms: np.maximum(3.0 * np.asarray(t_ms), 0.0)])
def test_a_function_of_the_time_is_asked_at_the_start_of_each_tick(function: Any) -> None:
    assert rates(function, 4)[:, 0].tolist() == [0.0, 1.5, 3.0, 4.5]
    assert rates(lambda t_ms: [t_ms, 1.0], 2, lines=2).tolist() == [[0.0, 1.0], [0.5, 1.0]]


@pytest.mark.parametrize(
    ("function", "error", "text"),
    [
        (
            lambda t_ms: 5.0 - t_ms,
            ConfigurationError,
            r"s failed .*: s: Function gives the rate -0.5 Hz; no rate is below 0",
        ),
        (lambda t_ms: math.nan if t_ms > 5 else 1.0, DivergedError, "nan for line 0 of s.rate at tick 11"),
        (lambda t_ms: 1 / abs(t_ms - 5.0), ComponentError, "s failed in window .*ZeroDivisionError"),
        (lambda t_ms: [1.0] * int(1 + t_ms), ConfigurationError, "gives no numbers, or not always as many, over "),
        (lambda t_ms: "loud", ConfigurationError, "<lambda> gives no numbers"),
        (lambda t_ms: [1.0, 2.0, 3.0], ConfigurationError, r"Function gives values \[1, 3\] for 1 ticks and 2 lines"),
    ],
)
def test_a_function_that_gives_what_cannot_be_is_named(function: Any, error: Any, text: str) -> None:
    brain = Brain(tick_ms=0.5)
    brain.add(Stimulus("s", 2, function))
    with pytest.raises(error, match=text):
        Simulation(brain).run(10)


# -- currents and other variables --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "port", "kind"),
    [("nA", "current", Currents), ("nS", "state", States), ("Hz", "rate", Rates), ("1", "state", States)],
)
def test_the_unit_decides_the_kind_of_signal(unit: str, port: str, kind: Any) -> None:
    stimulus = Stimulus("s", LABELS, Steps([1.0, 2.0], [0.5, 0.0]), regions="V2", unit=unit)
    assert list(stimulus.outputs) == [port]
    assert (stimulus[port].kind, stimulus[port].unit, stimulus[port].labels) == (kind, unit, LABELS)
    stimulus.prepare(Clock(0.5), np.random.default_rng(0))
    sent = stimulus.advance(Window(0, 5), {})[port]
    assert type(sent) is kind
    assert sent.payload()[0].tolist() == [[0, 0, 0], [0, 0, 0], [0, 0.5, 0], [0, 0.5, 0], [0, 0, 0]]
    assert stimulus.describe().get("unit", "Hz") == unit


@pytest.mark.parametrize("waveform", [Constant([-0.1, 0.2, 0.3]), -0.2, lambda t_ms: -t_ms])
def test_currents_may_be_negative_and_keep_the_contract(waveform: Any) -> None:
    check_component(lambda: Stimulus("s", 3, waveform, unit="nA"))


def test_units_must_fit() -> None:
    with pytest.raises(ConfigurationError, match=r"s: Pulse gives Hz, not nA; take Constant, Steps or a function"):
        Stimulus("s", 1, Pulse(0.0, 1.0, 5.0), unit="nA")
    with pytest.raises(ConfigurationError, match=r"s: unit = ''; give 'Hz', 'nA'"):
        Stimulus("s", 1, 1.0, unit="")
    brain = Brain()
    stimulus = brain.add(Stimulus("s", 1, 1.0, unit="mV"))
    relay = brain.add(Relay("r", 1, Currents))
    with pytest.raises(WiringError, match=r"s.state carries States, r.in takes Currents"):
        brain.connect(stimulus["state"], relay["in"], delay_ms=1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stimulus("s", 3, Pulse), r"s: waveform is the class Pulse; write Pulse\(\.\.\.\)"),
        (lambda: Stimulus("s", 3, "Pulse"), "s: waveform = 'Pulse'; give one of Pulse, Train"),
        (lambda: Stimulus("s", 3, [1.0, math.nan, 2.0]), r"Constant.value is not finite at \(1,\): nan"),
        (lambda: Stimulus("s", 3, np.ones((2, 2))), r"Constant.value has shape \[2, 2\]"),
        (lambda: Steps([1.0, 1.0], [1.0, 2.0]), "Steps.times_ms must rise"),
        (lambda: Steps([-1.0], [1.0]), "Steps.times_ms must rise, from 0 ms"),
        (lambda: Steps([1.0, 2.0], [1.0]), r"Steps.times_ms \[2\] and Steps.steps \[1\] do not fit"),
        (
            lambda: rates(Steps([1.2], [1.0]), 1),
            r"Steps.times_ms\[0\] = 1.2 ms is no multiple .* is 1 ms \(1 such entries\)$",
        ),
        (lambda: Function(3.0), "is no function of the time in ms"),
        (lambda: Stimulus("s", 0, 1.0), "s: lines = 0 must be at least 1"),
        (lambda: Stimulus("s", 2.5, 1.0), "s: lines = 2.5; give their number, or a list of labels"),
        (lambda: Stimulus("s", ("a", "a"), 1.0), "s: the label 'a' stands for more than one line"),
    ],
)
def test_more_bad_input_is_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


FILE = """
[run]
tick_ms = 0.5
duration_ms = 5.0
record = ["step.current", "constant.rate", "recorded.spikes"]

[components.step]
kind = "Stimulus"
parameters = { lines = 1, unit = "nA", waveform = { kind = "Steps", times_ms = [1.0, 2.0], steps = [0.5, 0.0] } }

[components.constant]
kind = "Stimulus"
parameters = { lines = ["V1", "V2"], waveform = { kind = "Constant", value = [5.0, 10.0] } }

[components.recorded]
kind = "SpikeTimes"
parameters = { lines = ["V1", "V2"], times_ms = { V2 = [1.0, 2.5] } }
"""


def test_an_experiment_file_may_have_all_of_them(tmp_path: Any) -> None:
    from hybrid.experiment import Experiment

    path = tmp_path / "stimuli.toml"
    path.write_text(FILE)
    results = Experiment.load(path).simulation().run(5.0)
    assert results["step.current"].na[:, 0].tolist() == [0, 0, 0.5, 0.5, 0, 0, 0, 0, 0, 0]
    assert results["constant.rate"].hz[7].tolist() == [5.0, 10.0]
    assert (results["recorded.spikes"].ticks.tolist(), results["recorded.spikes"].ids.tolist()) == ([2, 5], [1, 1])
    described = results.configuration["brain"]["components"]
    assert described["step"]["waveform"] == {"kind": "Steps", "times_ms": [1.0, 2.0], "steps": [0.5, 0.0]}
    assert described["recorded"]["spikes"] == 2
