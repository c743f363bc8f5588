"""The options that meet in a network of masses, in pairs: time cut, left and taken up, whole and in parts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from alive import lived, require_same
from covering import all_pairs, label
from masses_toys import Oscillator

from hybrid import Brain, Connectome, Sinusoid, Stimulus
from hybrid.errors import ConfigurationError
from hybrid.masses import Difference, HyperbolicTangent, Linear, MassNetwork, Noise, Sigmoidal, Sine

TICKS, HALF, TICK_MS = 90, 45, 0.1
NOISES = {
    "quiet": None,
    "white": lambda: Noise({"x": 0.05}),
    "multiplicative": lambda: Noise(0.05, multiplicative=True),
    "coloured": lambda: Noise({"x": 0.05, "w": 0.02}, tau_ms=2.0),
}
COUPLINGS = {
    "linear": lambda: Linear(0.02),
    "difference": lambda: Difference(0.02),
    "sine": lambda: Sine(0.02),
    "sigmoidal": lambda: Sigmoidal(0.02),
    "tanh": lambda: HyperbolicTangent(0.02),
}
OPTIONS = {
    "parts": [1, 2, 3],
    "dt_ms": [None, 0.05, 0.02],
    "delays": ["rounded", "interpolated"],
    "noise": [*NOISES],
    "threads": [1, 2],
    "history": [False, True],
    "regions": [5, 16, 19, 260],  # 260: so many pairs that threads share them
}  # of one kernel, as are all that follow of one each
KERNELS = {
    "coupling": [*COUPLINGS],
    "coupling_in_step": ["held", "interpolated"],
    "integrator": ["euler", "heun", "rk4"],
}
ONE_KERNEL = {"coupling": "difference", "coupling_in_step": "held", "integrator": "heun"}


def refused(case):
    """What parts need not be able to do; tried below."""
    in_step = case.get("coupling_in_step") == "interpolated"
    return case.get("parts", 1) > 1 and bool(case.get("history") or case.get("dt_ms") or in_step)


CASES = [{**case, **ONE_KERNEL} for case in all_pairs(OPTIONS, refused)]
LONG = [pytest.param(case, marks=pytest.mark.long) for case in all_pairs({**OPTIONS, **KERNELS}, refused)]


def connectome(n):
    """At 1 m/s delays of 33 to 60 ticks, and one in twenty of 4.3 to 33, none of which is a whole number."""
    rng = np.random.default_rng(n)
    weights = rng.uniform(0.1, 1.0, (n, n)) * (rng.random((n, n)) < (0.6 if n < 100 else 1.0)) * (5 / n)
    lengths = rng.uniform(3.3, 6.0, (n, n))
    near = np.argwhere(weights)[19::20]
    lengths[tuple(near.T)] = rng.uniform(0.43, 3.3, len(near))
    return Connectome(tuple(f"r{k}" for k in range(n)), weights, lengths, rng.normal(size=(n, 3)))


def brain(case, parts=None):
    n, noise = case["regions"], NOISES[case["noise"]]
    given = {key: case[key] for key in ("dt_ms", "delays", "threads", "coupling_in_step", "integrator")}
    given |= {"coupling": COUPLINGS[case["coupling"]](), "noise": noise() if noise else None, "speed_m_s": 1.0}
    if case["history"]:
        given["history"] = lambda t_ms: {"x": np.cos(t_ms), "w": 0.1 * t_ms}
    parts = parts or case["parts"]
    whole = connectome(n)
    model = Oscillator(k=np.linspace(0.05, 0.2, n))
    brain = Brain(TICK_MS)
    if parts == 1:
        networks = [brain.add(MassNetwork("m", whole, model, **given))]
    else:
        networks = MassNetwork.in_parts("m", whole, model, parts=parts, **given)
        brain.join(*networks)
    for network in networks:
        wave = brain.add(Stimulus(f"{network.name}_wave", list(network.regions), Sinusoid(5.0, 5.0, 40.0)))
        brain.connect(wave["rate"], network["drive"], delay_ms=0.5)
    return brain


def states(outputs, variable):
    """Of all regions, in their order: ``[tick, region]``."""
    return np.concatenate(
        [parts[0] for port, parts in sorted(outputs.items()) if port.endswith(f".{variable}")], axis=1
    )


@pytest.mark.parametrize("case", [*CASES, *LONG], ids=label)
def test_options_of_masses_get_along(case):
    if is_refused(case):
        return
    outputs = lived(lambda: brain(case), TICKS, 4)
    require_same(outputs, lived(lambda: brain(case), TICKS, 3))
    require_same(outputs, lived(lambda: brain(case), TICKS, 1))
    require_same(outputs, lived(lambda: brain(case), TICKS, 4, leave_at=HALF), since=HALF)
    if case["threads"] > 1:
        require_same(outputs, lived(lambda: brain({**case, "threads": 1}), TICKS, 4))
    if case["parts"] > 1 and case["noise"] == "quiet":
        same_as_whole(outputs, case)


def is_refused(case):
    """Parts with steps below a tick must be: what they send each other travels tick by tick."""
    if case["parts"] == 1 or case["dt_ms"] is None:
        return False
    with pytest.raises(ConfigurationError, match="tick"):
        brain(case)
    return True


def same_as_whole(outputs, case):
    whole = lived(lambda: brain(case, parts=1), TICKS, 4)
    for variable in Oscillator.variables:
        np.testing.assert_allclose(states(outputs, variable), states(whole, variable), rtol=1e-10, atol=1e-12)


QUIET = {"noise": "quiet", "threads": 1, "history": False, "regions": 5, **ONE_KERNEL}


@pytest.mark.parametrize("dt_ms", [None, 0.05, 0.02])
@pytest.mark.parametrize("delays", ["rounded", "interpolated"])
@pytest.mark.parametrize("parts", [2, 3])
def test_parts_are_the_whole_or_are_refused(parts, delays, dt_ms):
    case = {**QUIET, "parts": parts, "dt_ms": dt_ms, "delays": delays}
    if not is_refused(case):
        same_as_whole(lived(lambda: brain(case), TICKS, 4), case)


@pytest.mark.parametrize("option", [{"history": True}, {"coupling_in_step": "interpolated"}])
def test_what_parts_cannot_do_is_refused(option):
    case = {**QUIET, "parts": 2, "dt_ms": None, "delays": "rounded", **option}
    with pytest.raises(ConfigurationError, match="part of a whole"):
        brain(case)


def test_every_pair_is_tried():
    cases = all_pairs(OPTIONS, refused)
    for a, b in itertools.combinations(OPTIONS, 2):
        tried = {(case[a], case[b]) for case in cases}
        assert tried == {(x, y) for x in OPTIONS[a] for y in OPTIONS[b] if not refused({a: x, b: y})}
    assert len(cases) <= 32  # 16 pairs of the two longest are the least there can be
