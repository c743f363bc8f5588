"""Stuart-Landau, the generic two-dimensional oscillator and Wong-Wang with inhibition, against theory."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from masses_toys import lived, nodes, one_node, prepared
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, root

from hybrid.connectome import Connectome
from hybrid.masses import Generic2dOscillator, Linear, MassModel, MassNetwork, Noise, StuartLandau, WongWangExcInh
from hybrid.masses.functions import linoid, logistic
from hybrid.testing import check_component


def slopes(model: MassModel, state: Any) -> Any:
    return model.derivatives(np.reshape(state, (-1, 1)), np.zeros((len(state), 1)))[:, 0]


def eigenvalues(model: MassModel, state: Any) -> Any:
    steps = 1e-6 * np.eye(len(state))
    return np.linalg.eigvals(np.array([(slopes(model, state + d) - slopes(model, state - d)) / 2e-6 for d in steps]).T)


def rises(x: Any, level: float) -> Any:
    """Ticks at which x rises through ``level``, between ticks by a straight line."""
    k = np.flatnonzero((x[:-1] < level) & (x[1:] >= level))
    return k + (level - x[k]) / (x[k + 1] - x[k])


MODELS = [StuartLandau(a=0.01), Generic2dOscillator(), WongWangExcInh()]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_keeps_the_contract_of_a_component(model: MassModel) -> None:
    check_component(lambda: MassNetwork("net", nodes(5), model, noise=Noise(1e-3)))


def test_elementary_functions() -> None:
    x = np.concatenate([np.linspace(-30.0, 30.0, 2001), np.geomspace(1e-9, 1e-2, 200), [-800.0, 800.0]])
    np.testing.assert_allclose([logistic(each) for each in x], 0.5 * (1.0 + np.tanh(0.5 * x)), rtol=1e-13, atol=1e-15)
    assert linoid(0.0) == 1.0
    nonzero = x[x != 0.0]
    with np.errstate(over="ignore"):
        np.testing.assert_allclose([linoid(u) for u in nonzero], nonzero / -np.expm1(-nonzero), rtol=2e-12, atol=1e-300)


# Stuart-Landau: exactly solvable


@pytest.mark.parametrize("a", [0.01, 0.04])
def test_stuart_landau_turns_at_its_pace_on_a_circle_of_radius_sqrt_a(a: float) -> None:
    omega = 0.07
    network = MassNetwork("net", one_node(), StuartLandau(a=a, omega=omega), initial={"x": 0.01})
    outputs = lived(prepared(network, 0.05), 40_000)
    z = (outputs["x"] + 1j * outputs["y"])[20_000:, 0]
    np.testing.assert_allclose(abs(z), math.sqrt(a), rtol=(omega * 0.05) ** 2)  # Heun's method is of second order
    turned = np.unwrap(np.angle(z))
    assert (turned[-1] - turned[0]) / ((len(z) - 1) * 0.05) == pytest.approx(omega, rel=1e-5)


@pytest.mark.parametrize("a", [-0.03, 0.02])
def test_stuart_landau_grows_or_decays_as_the_exact_solution(a: float) -> None:
    """r^2 = a / (1 - (1 - a / r0^2) exp(-2 a t)); the time unit only stretches time."""
    network = MassNetwork("net", one_node(), StuartLandau(a=a, time_unit_ms=2.0), initial={"x": 0.1})
    outputs = lived(prepared(network, 0.02), 10_000)
    t = np.arange(10_000) * 0.01
    exact = a / (1.0 - (1.0 - a / 0.01) * np.exp(-2.0 * a * t))
    np.testing.assert_allclose((outputs["x"] ** 2 + outputs["y"] ** 2)[:, 0], exact, rtol=1e-5)


def test_stuart_landau_noise_at_rest_has_the_variance_of_an_ornstein_uhlenbeck_process() -> None:
    """Far below the bifurcation: sigma^2 / (2 |a|) in x and in y, of 16 nodes over 400 correlation times each."""
    sigma, a = 1e-3, -0.1
    outputs = lived(prepared(MassNetwork("net", nodes(16, density=0.0), StuartLandau(a=a), noise=Noise(sigma))), 41_000)
    mean_square = np.mean((outputs["x"] ** 2 + outputs["y"] ** 2)[1000:])
    variance = sigma**2 / abs(a)
    independent = 16 * 4000.0 * 2.0 * abs(a)  # of the exponentially distributed r^2, correlated as exp(-2 |a| t)
    assert abs(mean_square / variance - 1.0) < 4.0 * math.sqrt(2.0 / independent)


def test_stuart_landau_rate_is_never_negative() -> None:
    rate = StuartLandau(rate_mean_hz=5.0, rate_gain_hz=20.0).rate_hz(np.array([[-1.0, 0.0, 0.5], [0.0, 0.0, 0.0]]))
    np.testing.assert_array_equal(rate, [0.0, 5.0, 15.0])


# the generic oscillator, against scipy's root finding and integration


def g2d(state: Any, a: float) -> list[float]:
    V, W = state
    return [0.02 * (W - V**3 + 3.0 * V**2), 0.02 * (a - 10.0 * V - W)]


@pytest.mark.parametrize("a", [-2.0, 2.0])
def test_generic_oscillator_rests_or_oscillates(a: float) -> None:
    """The excitable configuration of The Virtual Brain's table 1 and its limit cycle."""
    model = Generic2dOscillator(a=a)
    fixed = root(g2d, [0.1 * a, 0.0], args=(a,), tol=1e-13).x
    np.testing.assert_allclose(model.initial(1)[:, 0], fixed, rtol=1e-9)
    growth = eigenvalues(model, fixed).real.max()
    assert (growth < 0) == (a < 0)
    outputs = lived(prepared(MassNetwork("net", one_node(), model, initial={"V": 1.0, "W": 0.0})), 30_000)
    V = outputs["V"][:, 0]
    if a < 0:
        assert V[-1] == pytest.approx(fixed[0], abs=1e-6)
        return
    exact = solve_ivp(lambda t, x: g2d(x, a), (0, 3000), [1.0, 0.0], rtol=1e-10, atol=1e-12, dense_output=True)
    V_exact = exact.sol(np.arange(30_000) * 0.1)[0]
    lowest, highest = V_exact[15_000:].min(), V_exact[15_000:].max()
    assert (V[15_000:].min(), V[15_000:].max()) == pytest.approx((lowest, highest), rel=1e-4)
    periods = [np.diff(rises(x[15_000:], 0.5 * (lowest + highest))).mean() for x in (V, V_exact)]
    assert periods[0] == pytest.approx(periods[1], rel=1e-4)


def test_generic_oscillator_starts_at_0_without_a_fixed_point() -> None:
    np.testing.assert_array_equal(Generic2dOscillator(beta=0.0, b=0.0).initial(2), np.zeros((2, 2)))


def test_generic_oscillator_gamma_turns_coupling_and_current_around() -> None:
    state, arriving = np.array([[0.3], [0.1]]), np.array([[0.7], [5.0]])
    turned = Generic2dOscillator(gamma=-1.0, I=0.2).derivatives(state, arriving, drive_hz=10.0)
    np.testing.assert_allclose(
        turned, Generic2dOscillator(I=-0.2).derivatives(state, -arriving, drive_hz=-10.0), rtol=1e-14
    )


# Wong-Wang with inhibition: Deco et al. (2014)


def response(current: float) -> float:
    """H of excitatory cells."""
    x = 310.0 * current - 125.0
    return x / (1.0 - math.exp(-0.16 * x))


def at_rest(network: MassNetwork) -> dict[str, Any]:
    return {name: values[-1] for name, values in lived(prepared(network), 30_000).items()}


def test_wong_wang_alone_fires_at_3_hz() -> None:
    """Deco et al. aim at an input 0.026 nA below b/a, to within 0.005 nA, where H gives 3.0631 Hz."""
    assert response(125.0 / 310.0 - 0.026) == pytest.approx(3.0631, abs=1e-3)
    rest = at_rest(MassNetwork("net", one_node(), WongWangExcInh()))
    S_e, S_i = rest["S_e"][0], rest["S_i"][0]
    current = 1.4 * 0.15 * S_e - S_i + 0.382
    assert current - 125.0 / 310.0 == pytest.approx(-0.026, abs=0.005)
    assert rest["rate"][0] == pytest.approx(response(current), rel=1e-6)  # the rate that holds the gating
    assert rest["rate"][0] == pytest.approx(3.0631, abs=0.05)


def test_feedback_inhibition_control_brings_coupled_nodes_back_to_3_hz() -> None:
    connectome = Connectome(("a", "b"), [[0, 0.3], [0.9, 0]], np.full((2, 2), 5.0), np.zeros((2, 3)))
    coupled = MassNetwork("net", connectome, WongWangExcInh(), coupling=Linear(0.5))
    assert at_rest(coupled)["rate"].min() > 3.5
    target = 3.0631
    S_e = 0.0641 * target / (1.0 + 0.0641 * target)
    own = 0.15 * S_e

    def gating_of_inhibition(S_i: float) -> float:
        x = 615.0 * (own - S_i + 0.7 * 0.382) - 177.0
        return 1e-3 * x / (1.0 - math.exp(-0.087 * x)) - S_i / 10.0

    S_i = brentq(gating_of_inhibition, 0.0, 0.2, xtol=1e-14)
    wanted = brentq(lambda current: response(current) - target, 0.3, 0.45, xtol=1e-14)
    received = 0.5 * 0.15 * np.array([0.3, 0.9]) * S_e
    J_i = (1.4 * own + 0.382 + received - wanted) / S_i
    assert (J_i > 1.0).all()
    assert J_i[1] > J_i[0]
    controlled = MassNetwork("net", connectome, WongWangExcInh(J_i=J_i), coupling=Linear(0.5))
    np.testing.assert_allclose(at_rest(controlled)["rate"], target, rtol=1e-4)


def test_wong_wang_feed_forward_inhibition_reaches_the_inhibitory_cells() -> None:
    state, arriving = np.array([[0.2], [0.05]]), np.array([[1.0], [0.0]])
    without = WongWangExcInh().derivatives(state, arriving)
    by_lamda = replace(WongWangExcInh(), lamda=1.0).derivatives(state, arriving)
    assert by_lamda[0, 0] == without[0, 0]
    assert by_lamda[1, 0] > without[1, 0]
