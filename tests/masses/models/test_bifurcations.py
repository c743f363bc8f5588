"""Where rests lose their stability, by root finding on the models' equations, and that networks do there what they should."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from masses_toys import lived, one_node, prepared
from scipy.optimize import brentq, root

from hybrid.connectome import Connectome
from hybrid.masses import JansenRit, Kuramoto, MassModel, MassNetwork, Sine, WilsonCowan

Make = Callable[[float], MassModel]


def slopes(model: MassModel, state: Any) -> Any:
    x = np.asarray(state, dtype=float)[:, None]
    return model.derivatives(x, np.zeros_like(x))[:, 0]


def jacobian(model: MassModel, state: Any) -> Any:
    steps = 1e-5 * np.eye(len(state))
    return np.array([(slopes(model, state + d) - slopes(model, state - d)) / 2e-5 for d in steps]).T


def still(model: MassModel, near: Any) -> Any:
    found = root(lambda x: slopes(model, x), near, tol=1e-12)
    assert abs(slopes(model, found.x)).max() < 1e-9
    return found.x


def leading(model: MassModel, near: Any) -> complex:
    """The exponent of small deviations from the fixed point that decays slowest or grows fastest, its frequency above 0."""
    values = np.linalg.eigvals(jacobian(model, still(model, near)))
    first = values[values.real.argmax()]
    return complex(first.real, abs(first.imag))


def hopf(make: Make, between: tuple[float, float], near: Any) -> float:
    """The parameter between two at which a pair of exponents crosses the imaginary axis."""
    value = brentq(lambda p: leading(make(p), near).real, *between, xtol=1e-9)
    assert leading(make(value), near).imag > 0.0
    return float(value)


def deviation(
    model: MassModel, near: Any, size: float, tick_ms: float, ticks: int, variable: str, integrator: str = "rk4"
) -> Any:
    """What becomes of a small step off the fixed point in every variable."""
    rest = still(model, near)
    network = MassNetwork("net", one_node(), model, initial=(rest * (1.0 + size))[:, None], integrator=integrator)
    return lived(prepared(network, tick_ms), ticks)[variable][:, 0] - rest[model.variables.index(variable)]


def exponent(x: Any, tick_ms: float) -> complex:
    """Growth and frequency of an oscillation, from its peaks."""
    peaks = np.flatnonzero((x[1:-1] > x[:-2]) & (x[1:-1] >= x[2:])) + 1
    growth, _ = np.polyfit(tick_ms * peaks, np.log(x[peaks]), 1)
    return complex(growth, 2.0 * math.pi / (tick_ms * np.diff(peaks).mean()))


# Jansen & Rit: the Hopf bifurcations of Grimbert & Faugeras (2006) Bifurcation analysis of Jansen's neural mass model,
# Neural Comput 18:3052

ALPHA_BEGINS = ((85.0, 95.0), [0.098, 20.2, 13.4, 0.0, 0.0, 0.0])
ALPHA_ENDS = ((305.0, 325.0), [0.124, 27.9, 19.8, 0.0, 0.0, 0.0])


def jansen_rit(p_hz: float) -> JansenRit:
    return JansenRit(p_hz=p_hz)


@pytest.mark.parametrize(("where", "p_hz"), [(ALPHA_BEGINS, 89.8), (ALPHA_ENDS, 315.7)])
def test_jansen_rit_hopf_points(where: Any, p_hz: float) -> None:
    assert hopf(jansen_rit, *where) == pytest.approx(p_hz, abs=0.05)


@pytest.mark.parametrize(("where", "beyond"), [(ALPHA_BEGINS, 15.0), (ALPHA_ENDS, -20.0)])
def test_jansen_rit_oscillates_between_its_hopf_points_and_rests_beyond(where: Any, beyond: float) -> None:
    """Deviations of 1e-6 change as the eigenvalues say; in 60 s one of 1 % becomes alpha, or dies out."""
    near, point = where[1], hopf(jansen_rit, *where)
    for inside in (True, False):
        model = jansen_rit(point + (beyond if inside else -beyond))
        expected = leading(model, near)
        assert (expected.real > 0.0) == inside
        measured = exponent(deviation(model, near, 1e-6, 0.5, 30_000, "y2")[4000:], 0.5)
        assert measured.real == pytest.approx(expected.real, rel=0.02)
        assert measured.imag == pytest.approx(expected.imag, rel=1e-3)
        late = deviation(model, near, 1e-2, 0.5, 120_000, "y2")[-4000:]
        if inside:
            assert np.ptp(late) > 1.0
            assert 8.0 < 1e3 * exponent(late - late.mean(), 0.5).imag / (2.0 * math.pi) < 12.0
        else:
            assert np.ptp(late) < 1e-3


def test_jansen_rit_alpha_at_its_default() -> None:
    """10.938 Hz at 220/s, computed independently."""
    y2 = deviation(JansenRit(), ALPHA_ENDS[1], 0.1, 0.1, 150_000, "y2")[100_000:]
    assert 1e3 * exponent(y2 - y2.mean(), 0.1).imag / (2.0 * math.pi) == pytest.approx(10.938, rel=2e-3)


# Wilson & Cowan (1972), their limit cycle with tau of 8 ms: from a saddle-node to a Hopf bifurcation

ACTIVE = [0.25, 0.2]


def wilson_cowan(P: float) -> WilsonCowan:
    return WilsonCowan(P=P)


def test_wilson_cowan_oscillations_end_in_a_hopf_bifurcation() -> None:
    point = hopf(wilson_cowan, (1.7, 2.1), ACTIVE)
    for beyond in (-0.05, 0.05):
        model = wilson_cowan(point + beyond)
        expected = leading(model, ACTIVE)
        assert np.sign(expected.real) == -np.sign(beyond)
        measured = exponent(deviation(model, ACTIVE, 1e-5, 0.02, 50_000, "E", "heun")[5000:], 0.02)
        assert measured.real == pytest.approx(expected.real, rel=0.02)
        assert measured.imag == pytest.approx(expected.imag, rel=1e-3)


def test_wilson_cowan_oscillations_begin_where_rest_meets_a_saddle() -> None:
    """At the fold E'(P) is infinite, so it is P that is found for each E, and the fold is its maximum."""

    def held(E: float) -> float:
        def pull(rest: Any) -> Any:
            return slopes(wilson_cowan(rest[1]), [E, rest[0]])

        found = root(pull, [0.001, 1.05], tol=1e-12)
        assert abs(pull(found.x)).max() < 1e-12
        return float(found.x[1])

    grid = np.linspace(0.02, 0.06, 401)
    P = np.array([held(E) for E in grid])
    fold = P.max()
    state = still(wilson_cowan(fold - 1e-9), [grid[P.argmax()], 0.001])
    assert abs(np.linalg.eigvals(jacobian(wilson_cowan(fold), state))).min() < 1e-3
    for beyond in (-0.005, 0.005):
        network = MassNetwork("net", one_node(), wilson_cowan(fold + beyond), initial={"E": state[0] - 0.01, "I": 0.0})
        late = lived(prepared(network, 0.05), 60_000)["E"][40_000:]
        assert (np.ptp(late) > 0.05) == (beyond > 0.0)


# Kuramoto


@pytest.mark.parametrize("strength", [1.0, 4.0])
def test_kuramoto_order_grows_and_decays_as_on_the_manifold_of_ott_and_antonsen(strength: float) -> None:
    """Ott & Antonsen (2008) Chaos 18:037113: r' = r (K/2 - D) - (K/2) r^3 for paces of half-width D = 1."""
    n, begun = 1000, 0.2
    uniform = 2.0 * np.pi * np.modf(np.arange(n) * (math.sqrt(5.0) - 1.0) / 2.0)[0] - np.pi
    phases = 2.0 * np.arctan((1.0 - begun) / (1.0 + begun) * np.tan(uniform / 2.0))
    omega = np.tan(np.pi * ((np.arange(n) + 0.5) / n - 0.5))
    every = Connectome(tuple(map(str, range(n))), np.full((n, n), 1.0 / n), np.full((n, n), 1e-3), np.zeros((n, 3)))
    network = MassNetwork("net", every, Kuramoto(omega=omega), coupling=Sine(strength), initial={"theta": phases})
    theta = lived(prepared(network, 0.005), 401)["theta"]
    t = 0.005 * np.arange(401)
    growth = strength / 2.0 - 1.0
    squared = 2.0 * growth / strength / (1.0 + (2.0 * growth / strength / begun**2 - 1.0) * np.exp(-2.0 * growth * t))
    np.testing.assert_allclose(abs(np.exp(1j * theta).mean(axis=1)), np.sqrt(squared), atol=0.02)
