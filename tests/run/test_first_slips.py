"""First slips with a simulation: each answered with what was found and what to write."""

from __future__ import annotations

import pytest
from toys import Accumulator, RampSource

from hybrid import Brain, Every, Simulation
from hybrid.errors import ArgumentError, ConfigurationError, UnknownNameError


@pytest.fixture
def brain():
    made = Brain(0.5)
    source, sink = made.add(RampSource("source", 2)), made.add(Accumulator("sink"))
    made.connect(source["rate"], sink["in"], delay_ms=1)
    return made


def test_one_port_is_recorded_without_a_list(brain):
    for wanted in ("sink.rate", brain["sink"]["rate"], Every(brain["sink"]["rate"], 1.0)):
        assert list(Simulation(brain, record=wanted).run(2).recordings) == ["sink.rate"]
        assert list(Simulation(brain, record=(each for each in [wanted])).run(2).recordings) == ["sink.rate"]


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"seed": "1"}, ConfigurationError, "seed = '1' must be a whole number, 0 or above"),
        ({"seed": 1.0}, ConfigurationError, "seed = 1.0 must be a whole number"),
        ({"seed": 10**5000}, ConfigurationError, "seed = <int> must be a whole number, .*of at most 77 digits"),
        ({"sed": 1}, ArgumentError, r"Simulation\(\) has no argument 'sed'; did you mean 'seed'"),
        ({"record": "sink.rat"}, UnknownNameError, "sink: port 'rat' does not exist; did you mean 'rate'"),
        ({"record": "snk.rate"}, UnknownNameError, "component 'snk' does not exist; did you mean 'sink'"),
        ({"record": "sink"}, ConfigurationError, "cannot record 'sink'; give a port, or its name as in 'focus.spikes'"),
        ({"record": 5}, ConfigurationError, "cannot record 5; give a port"),
        ({"record": [None]}, ConfigurationError, "cannot record None; give a port"),
        ({"placement": ["sink"]}, ConfigurationError, r"placement takes a dictionary .*, not list \(\['sink'\]\)"),
        ({"placement": {"snk": 0}}, UnknownNameError, "placement: component 'snk' does not exist"),
        ({"transport": "mp"}, ConfigurationError, "transport = 'mp' is not known; give 'auto', 'serial' or 'mpi'"),
        ({"timeout_s": "1"}, ConfigurationError, "timeout_s = '1' is not a number"),
        ({"timeout_s": 0}, ConfigurationError, "timeout_s = 0 must be above 0"),
        ({"window_ms": "1"}, ConfigurationError, "window_ms = '1' is not a number"),
        ({"on_drift": "stop"}, ConfigurationError, "on_drift = 'stop' is not known"),
    ],
)  # fmt: skip
def test_a_slip_is_answered_with_a_remedy(brain, arguments, kind, text):
    with pytest.raises(kind, match=text):
        Simulation(brain, **arguments)


def test_a_component_is_no_port_and_no_brain(brain):
    with pytest.raises(ConfigurationError, match=r"cannot record <.*>; give a port, .* \(it has: in, rate\)"):
        Simulation(brain, record=brain["sink"])
    with pytest.raises(ConfigurationError, match=r"Simulation\(\) takes a Brain, not Accumulator"):
        Simulation(brain["sink"])
    with pytest.raises(ConfigurationError, match=r"Simulation\(\) takes a Brain, not the class Brain"):
        Simulation(Brain)


@pytest.mark.parametrize("duration", ["10", None, [1, 2], 1e300, float("inf"), 0])
def test_a_time_that_is_none(brain, duration):
    with pytest.raises(ConfigurationError, match="duration_ms"):
        Simulation(brain).run(duration)
