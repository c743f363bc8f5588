"""The schedule: what reaches whom, and when; the same for every window, placement and order of adding."""

from __future__ import annotations

import numpy as np
import pytest
from mixed import mixed_brain, mixed_hash
from toys import Failing, RampSource, RandomSpikes, Relay

from adapters import SpikeToRate
from hybrid import Brain, Simulation, Spikes
from hybrid.errors import ComponentError, DivergedError, TimeError


def heard(delay_ms, window_ms=None, ticks=40):
    """What a relay hears of a ramp (rate = tick) after a delay."""
    brain = Brain(tick_ms=0.5)
    source, relay = brain.add(RampSource("source")), brain.add(Relay("relay"))
    brain.connect(source["rate"], relay["in"], delay_ms=delay_ms)
    results = Simulation(brain, record=[relay["out"]], window_ms=window_ms).run(ticks * 0.5)
    return results[relay["out"]].hz[:, 0]


@pytest.mark.parametrize("delay_ticks", [1, 2, 3, 7, 39])
def test_a_signal_arrives_exactly_after_its_delay(delay_ticks):
    expected = np.maximum(np.arange(40.0) - delay_ticks, 0.0)
    np.testing.assert_array_equal(heard(delay_ticks * 0.5), expected)


@pytest.mark.parametrize("window_ms", [0.5, 1.0, 1.5, 3.5])
def test_the_window_does_not_change_what_arrives(window_ms):
    np.testing.assert_array_equal(heard(3.5, window_ms), heard(3.5))


# MUSIC issue 66: a delay of 1.1 worked while 1.0 and 2.0 did not
@pytest.mark.parametrize("delay_ms", [1.0, 1.1, 1.9, 2.0, 2.1])
def test_delays_around_multiples_of_the_window_are_exact(delay_ms):
    brain = Brain(tick_ms=0.1)
    source, relay = brain.add(RampSource("source")), brain.add(Relay("relay"))
    brain.connect(source["rate"], relay["in"], delay_ms=delay_ms)
    results = Simulation(brain, record=[relay["out"]], window_ms=1.0).run(10)
    np.testing.assert_array_equal(results["relay.out"].hz[:, 0], np.maximum(np.arange(100) - round(delay_ms / 0.1), 0))


def test_a_window_longer_than_the_shortest_delay_is_refused():
    brain = Brain(tick_ms=0.1)
    source, relay = brain.add(RampSource("source")), brain.add(Relay("relay"))
    brain.connect(source["rate"], relay["in"], delay_ms=0.9)
    with pytest.raises(
        TimeError, match=r"window_ms = 1 must be .* at most the shortest delay, 0.9 ms of source.rate -> relay.in"
    ):
        Simulation(brain, window_ms=1.0)


def test_the_schedule_of_a_loop_in_text():
    """Two relays pass a pulse to and fro; each leg takes its own delay."""
    brain = Brain(tick_ms=1.0)
    there, back = brain.add(Relay("there", kind=Spikes)), brain.add(Relay("back", kind=Spikes))
    pulse = brain.add(OnePulse("pulse", at_tick=1))
    brain.connect(pulse["spikes"], there["in"], delay_ms=2)
    brain.connect(there["out"], back["in"], delay_ms=3)
    brain.connect(back["out"], there["in"], delay_ms=5)
    simulation = Simulation(brain, record=["there.out", "back.out"])
    results = simulation.run(25)
    assert simulation.plan.window == 2
    text = {name: " ".join(map(str, results[f"{name}.out"].ticks)) for name in ("there", "back")}
    assert text == {"there": "3 11 19", "back": "6 14 22"}


class OnePulse(RandomSpikes):
    def __init__(self, name, at_tick):
        super().__init__(name, size=1)
        self.at_tick = at_tick

    def advance(self, window, inputs):
        ticks = [self.at_tick] if self.at_tick in window else []
        return {"spikes": Spikes(window, 1, ticks, [0] * len(ticks))}


def test_neither_order_nor_window_matters_but_the_seed_does():
    reference = mixed_hash()
    assert mixed_hash(order=(3, 1, 0, 2)) == reference
    assert mixed_hash(window_ms=0.1) == reference
    assert mixed_hash(window_ms=0.7) == reference
    assert mixed_hash(seed=2) != reference


def test_every_interface_of_a_run_is_audited():
    results = Simulation(mixed_brain(), seed=1, record=["a.rate"]).run(200)
    assert [row["connection"] for row in results.audit] == ["a_to_b", "b_to_r", "r_to_a", "s_to_b", "self"]
    for row in results.audit:
        assert row["delivered"] > 0
        assert not row["drifts"], row


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ZeroDivisionError("oh"), ComponentError, r"f failed in window \[20, 30\) \(t = 2 ms\): ZeroDivisionError: oh"),
        (DivergedError("x is nan"), DivergedError, r"f failed in window \[20, 30\) \(t = 2 ms\): x is nan"),
    ],
)
def test_a_failure_names_component_window_time_and_cause(error, kind, text):
    brain = Brain(tick_ms=0.1)
    failing, source = brain.add(Failing("f", 25, error)), brain.add(RampSource("source", 2))
    brain.connect(source["rate"], failing["in"], delay_ms=1.0)
    with pytest.raises(kind, match=text) as caught:
        Simulation(brain).run(5)
    assert caught.value.__cause__ is error


def test_a_failing_adapter_is_named_and_not_what_follows_from_it():
    class Broken(SpikeToRate):
        def convert(self, signal):
            if 25 in signal.window:
                raise ZeroDivisionError("oh")
            return super().convert(signal)

    brain = Brain(tick_ms=0.1)
    source, relay = brain.add(RandomSpikes("s", 2)), brain.add(Relay("r", 2))
    brain.connect(source["spikes"], relay["in"], delay_ms=1.0, adapter=Broken(5))
    with pytest.raises(
        ComponentError, match=r"^s_to_r failed in window \[20, 30\) \(t = 2 ms\): ZeroDivisionError: oh"
    ):
        Simulation(brain).run(5)


def test_a_component_that_returns_the_wrong_signal_is_named():
    class Wrong(RampSource):
        def advance(self, window, inputs):
            return {"rat": None}

    brain = Brain(tick_ms=0.1)
    brain.add(Wrong("w"))
    with pytest.raises(
        ComponentError, match=r"w failed .* advance\(\) returned \['rat'\], but the outputs are \['rate'\]"
    ):
        Simulation(brain).run(1)
