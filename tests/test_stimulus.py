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
from hybrid import Brain, Clock, Pulse, Samples, Simulation, Sinusoid, Spikes, Stimulus, Train, Window
from hybrid.errors import ConfigurationError, TimeError, UnknownNameError
from hybrid.masses import MassNetwork
from hybrid.stimulus import Waveform
from hybrid.testing import check_component

LABELS = ("V1", "V2", "PFC")
WAVEFORMS = [
    Pulse(3.0, 7.5, 40.0),
    Train(2.0, 5.0, 1.5, 80.0, count=3),
    Sinusoid(20.0, 15.0, 40.0, 0.3),
    Samples(np.random.default_rng(0).uniform(0.0, 9.0, (90, 2))),
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

    def rates_hz(self, window: Window, clock: Clock) -> Any:
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
        (lambda: rates(Samples(np.zeros((5, 4))), 5, lines=3), r"Samples gives rates \[0, 4\] for 0 ticks and 3 lines"),
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
    for waveform in WAVEFORMS:
        described = json.loads(json.dumps(Stimulus("s", LABELS, waveform, regions=("V1", "V2")).describe()))
        assert described["waveform"]["kind"] == type(waveform).__name__
        assert described["regions"] == ["V1", "V2"]
