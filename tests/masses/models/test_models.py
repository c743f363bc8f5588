"""Models against published and analytic numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from masses_toys import Relaxation, lived, one_node, prepared

from hybrid.connectome import Connectome
from hybrid.masses import (
    Epileptor,
    Epileptor2D,
    FiringRate,
    Generic2dOscillator,
    JansenRit,
    KIonEx,
    Kuramoto,
    Linear,
    MassModel,
    MassNetwork,
    MontbrioPazoRoxin,
    PotassiumWilsonCowan,
    ReducedWongWang,
    Robinson,
    Sine,
    StuartLandau,
    Wendling,
    WilsonCowan,
    WongWangExcInh,
)

MODELS = [
    Epileptor(),
    Epileptor2D(),
    FiringRate(),
    Generic2dOscillator(),
    JansenRit(),
    KIonEx(),
    Kuramoto(),
    MontbrioPazoRoxin(),
    PotassiumWilsonCowan(),
    ReducedWongWang(),
    Robinson(),
    StuartLandau(),
    Wendling(),
    WilsonCowan(),
    WongWangExcInh(),
]


def slopes(model: MassModel, *state: float) -> Any:
    return model.derivatives(np.array(state)[:, None], np.zeros((len(state), 1)))[:, 0]


def jacobian(model: MassModel, *state: float) -> Any:
    steps = 1e-6 * np.eye(len(state))
    return np.array([(slopes(model, *(state + d)) - slopes(model, *(state - d))) / 2e-6 for d in steps]).T


def alone(model: MassModel, tick_ms: float, ticks: int, **options: Any) -> Any:
    return lived(prepared(MassNetwork("net", one_node(), model, **options), tick_ms), ticks)


def upward(x: Any, level: float) -> Any:
    """Times, in ticks, at which x rises through ``level``, between ticks by a straight line."""
    k = np.flatnonzero((x[:-1] < level) & (x[1:] >= level))
    return k + (level - x[k]) / (x[k + 1] - x[k])


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_model_keeps_its_contract(model: MassModel) -> None:
    n = 5
    state = model.initial(n)
    assert state.shape == (len(model.variables), n)
    assert set(model.coupled) <= set(model.variables)
    slope = model.derivatives(state, np.zeros_like(state))
    assert slope.shape == state.shape
    assert np.isfinite(slope).all()
    rate = model.rate_hz(state)
    assert rate.shape == (n,)
    assert ((rate >= 0) & (rate < 200)).all()
    assert model.rate_hz(np.stack([state, state], axis=1)).shape == (2, n)
    more = model.derivatives(state, np.zeros_like(state), drive_hz=50.0)
    assert (more > slope).any()  # drive excites


# Montbrió, Pazó & Roxin (2015), parameters of their figure 2; the numbers were solved independently


@pytest.mark.parametrize(("r", "v"), [(0.0811344, -1.96162), (0.472980, -0.336494), (1.030597, -0.154430)])
def test_montbrio_fixed_points(r: float, v: float) -> None:
    np.testing.assert_allclose(slopes(MontbrioPazoRoxin(), r, v), 0.0, atol=1e-5)


def test_montbrio_stability() -> None:
    stable, saddle, focus = (
        np.linalg.eigvals(jacobian(MontbrioPazoRoxin(), r, v))
        for r, v in ((0.0811344, -1.96162), (0.472980, -0.336494), (1.030597, -0.154430))
    )
    assert (np.isreal(stable) & (stable.real < 0)).all()
    assert saddle.real.min() < 0 < saddle.real.max()
    np.testing.assert_allclose(np.sort_complex(focus), [-0.308860 - 3.318629j, -0.308860 + 3.318629j], atol=2e-6)


@pytest.mark.parametrize(("eta", "r"), [(-3.136134, 0.16257), (-5.743527, 0.75392)])
def test_montbrio_folds(eta: float, r: float) -> None:
    v = -1.0 / (2.0 * math.pi * r)
    model = MontbrioPazoRoxin(eta=eta)
    np.testing.assert_allclose(slopes(model, r, v), 0.0, atol=2e-5)
    assert abs(np.linalg.det(jacobian(model, r, v))) < 2e-3
    assert abs(np.linalg.det(jacobian(model, 1.1 * r, v / 1.1))) > 0.1


@pytest.mark.parametrize(("eta", "r"), [(-5.0, 0.0708265), (0.0, 0.2250791), (1.0, 0.3497220)])
def test_montbrio_without_recurrence(eta: float, r: float) -> None:
    """r = sqrt(eta + sqrt(eta^2 + Delta^2)) / (sqrt(2) pi)."""
    exact = math.sqrt(eta + math.sqrt(eta**2 + 1.0)) / (math.sqrt(2.0) * math.pi)
    assert exact == pytest.approx(r, abs=1e-7)
    model = MontbrioPazoRoxin(J=0.0, eta=eta)
    assert model.initial(1)[0, 0] == pytest.approx(exact, abs=1e-9)
    settled = alone(model, 0.01, 5000, initial={"r": 0.5, "v": 0.0})["r"][-1, 0]
    assert settled == pytest.approx(exact, abs=1e-6)


def test_montbrio_time_constant_stretches_time_and_rate() -> None:
    slow = MontbrioPazoRoxin(tau_ms=10.0)
    assert slow.rate_hz(slow.initial(1))[0] == pytest.approx(8.11344, abs=1e-4)
    fast = MontbrioPazoRoxin()
    np.testing.assert_allclose(slopes(slow, 0.03, -1.0), slopes(fast, 0.3, -1.0) / [100.0, 10.0], rtol=1e-12)


# Jirsa et al. (2014)


def test_epileptor_critical_epileptogenicity() -> None:
    """The fast fold is at x1 = -4/3, z = 2.914815, so rest ends at x0 = -2.062037 (algebra; papers quote -2.05)."""
    for x0, x1 in ((-2.2, -1.462426), (-2.5, -1.694361)):
        rest = Epileptor(x0=x0).initial(1)
        assert rest[0, 0] == pytest.approx(x1, abs=1e-6)
        np.testing.assert_allclose(slopes(Epileptor(x0=x0), *rest[:, 0]), 0.0, atol=1e-9)
    below, above = (Epileptor(x0=-2.062037 + d) for d in (-2e-6, 2e-6))
    np.testing.assert_allclose(slopes(below, *below.initial(1)[:, 0])[:3], 0.0, atol=1e-12)
    assert abs(slopes(above, *above.initial(1)[:, 0])[:3]).max() > 1e-9
    brink = Epileptor(x0=-2.062037).initial(1)[:, 0]
    np.testing.assert_allclose(brink[[0, 2]], [-4.0 / 3.0, 2.914815], atol=1e-3)


def test_epileptor_equations_on_both_sides_of_their_switches() -> None:
    """Against The Virtual Brain 2.10: x1, z and x2 on either side of 0, 0 and -0.25."""
    model = Epileptor(x0=-1.9, K_vf=0.3, K_f=0.2, K_s=-0.4, tt=0.9, slope=0.2)
    states = [[-1.2, -8, -0.7, -0.3, 0.4, -0.1], [0.8, -3, 3.4, -0.2, 1.1, 0.05], [0.3, 1, 4.6, 0.9, -0.2, 0.3]]
    coupling = np.zeros((6, 3))
    coupling[0], coupling[3] = [0.5, -1.0, 0.1], [-0.2, 0.4, 1.0]
    expected = [
        [1.7982, 1.62, 1.04209416045e-3, 0.7173, -0.036, -1.8e-4],
        [-2.79648, 0.72, 2.457e-3, -0.5688, -0.072, 2.7e-4],
        [-0.55368, -0.405, 1.3104e-3, 1.1619, 0.639, -2.43e-3],
    ]
    np.testing.assert_allclose(model.derivatives(np.transpose(states), coupling).T, expected, rtol=1e-12)


def test_epileptor_seizes_above_and_rests_below() -> None:
    kicked = {"x1": -1.4, "z": 2.95}
    seizing = alone(Epileptor(x0=-2.05), 0.1, 200_000, initial=kicked)["x1"]
    resting = alone(Epileptor(x0=-2.2), 0.1, 200_000, initial=kicked)["x1"]
    assert seizing.max() > 0.5
    assert resting.max() < -1.2
    assert resting[-1, 0] == pytest.approx(-1.462426, abs=1e-5)


def test_epileptor_period_and_length_of_seizures() -> None:
    """x0 = -1.6, 1/r = 2857, tau = 10: period 1933.1, of which z rises for 977.6 time units; z averaged over 401
    samples turns at 2.869 and 4.118 (computed independently)."""
    z = alone(Epileptor(x0=-1.6, r=1 / 2857.0), 0.05, 160_000)["z"][40_000:, 0]
    smooth = np.convolve(z, np.full(401, 1 / 401), "valid")
    assert (smooth.min(), smooth.max()) == pytest.approx((2.869, 4.118), rel=0.01)
    one_period = round(1933.1 / 0.05)
    lowest = np.argmin(smooth[:one_period])
    rising = np.argmax(smooth[lowest : lowest + one_period])
    assert rising * 0.05 == pytest.approx(977.6, rel=0.01)
    next_lowest = lowest + one_period // 2 + np.argmin(smooth[lowest + one_period // 2 :][:one_period])
    assert (next_lowest - lowest) * 0.05 == pytest.approx(1933.1, rel=0.01)


@pytest.mark.parametrize(("drive_hz", "seizes"), [(0.0, False), (2.0, False), (100.0, True)])
def test_strong_drive_makes_a_resting_epileptor_seize_and_weak_drive_does_not(drive_hz: float, seizes: bool) -> None:
    network = prepared(MassNetwork("net", one_node(), Epileptor(x0=-2.1)))
    outputs = lived(network, 5000, drive_hz=np.full((5000, 1), drive_hz))
    assert (outputs["rate"].max() > 50.0) == seizes
    assert outputs["rate"][0, 0] < 3.0


def test_epileptor_time_unit_stretches_time_only() -> None:
    fast = alone(Epileptor(x0=-1.8), 0.1, 1000)
    slow = alone(Epileptor(x0=-1.8, time_unit_ms=10.0), 1.0, 1000)
    np.testing.assert_allclose(slow["x1"], fast["x1"], rtol=1e-9)


# Wilson & Cowan (1972), figure of the limit cycle; numbers recomputed independently


@pytest.mark.parametrize(("P", "period"), [(1.25, 5.0034), (1.5, 3.3386)])
def test_wilson_cowan_limit_cycle(P: float, period: float) -> None:
    E = alone(WilsonCowan(P=P, tau_e_ms=1.0, tau_i_ms=1.0), 0.002, 100_000)["E"][60_000:, 0]
    assert np.diff(upward(E, E.mean())).mean() * 0.002 == pytest.approx(period, rel=1e-4)
    if P == 1.25:
        assert (E.min(), E.max()) == pytest.approx((0.1015, 0.2715), abs=1e-4)


def test_wilson_cowan_rests_with_less_input_and_oscillates_at_25_hz_by_default() -> None:
    assert np.ptp(alone(WilsonCowan(P=1.0), 0.1, 10_000)["E"][5000:]) < 1e-6
    E = alone(WilsonCowan(), 0.05, 40_000)["E"][10_000:, 0]
    assert 1e3 / (np.diff(upward(E, E.mean())).mean() * 0.05) == pytest.approx(25.0, rel=2e-3)


def test_wilson_cowan_drive_of_100_hz_counts_as_a_coupled_region_fully_active() -> None:
    state, nothing = np.array([[0.2], [0.1]]), np.zeros((2, 1))
    by_drive = WilsonCowan().derivatives(state, nothing, drive_hz=100.0)
    by_region = WilsonCowan().derivatives(state, [[1.0], [5.0]])
    np.testing.assert_allclose(by_drive, by_region, rtol=1e-14)


# Jansen & Rit (1995); frequencies of the deterministic cycle, computed independently


@pytest.mark.parametrize(("p_hz", "hz"), [(120, 10.466), (150, 10.623), (200, 10.863), (250, 11.030), (300, 11.133)])
def test_jansen_rit_alpha(p_hz: float, hz: float) -> None:
    """From the cycle at 200/s: at 120/s there is a slow one beside it. Cycles are approached within seconds."""
    begun = alone(JansenRit(p_hz=200.0), 0.1, 20_000)
    initial = {variable: begun[variable][-1, 0] for variable in JansenRit.variables}
    outputs = alone(JansenRit(p_hz=p_hz), 0.1, 150_000, initial=initial)
    y = (outputs["y1"] - outputs["y2"])[100_000:, 0]
    assert 1e3 / (np.diff(upward(y, y.mean())).mean() * 0.1) == pytest.approx(hz, rel=2e-3)
    if p_hz == 200:
        assert (y.min(), y.max()) == pytest.approx((5.949, 8.923), abs=1e-3)
    assert 0.0 < outputs["rate"].min() < outputs["rate"].max() < 5.0


def test_jansen_rit_columns_feel_each_others_pyramidal_rate() -> None:
    """A column that is fed only by another's rate behaves as with that rate as afferent rate."""
    connectome = Connectome(("a", "b"), [[0, 0], [2, 0]], [[1, 1], [5, 1]], np.zeros((2, 3)))
    network = MassNetwork("net", connectome, JansenRit(p_hz=[220.0, 50.0]), speed_m_s=1.0, coupling=Linear(3.0))
    coupled = lived(prepared(network), 5000)
    drive = np.zeros((5000, 1))
    drive[50:, 0] = 6.0 * coupled["rate"][:-50, 0]
    drive[:50, 0] = 6.0 * coupled["rate"][0, 0]
    driven = lived(prepared(MassNetwork("net", one_node(), JansenRit(p_hz=50.0))), 5000, drive_hz=drive)
    np.testing.assert_allclose(coupled["y1"][:, 1], driven["y1"][:, 0], rtol=1e-9, atol=1e-12)


# Kuramoto


@pytest.mark.parametrize(("strength", "order"), [(4.0, math.sqrt(0.5)), (1.0, 0.0)])
def test_kuramoto_order_with_lorentzian_paces(strength: float, order: float) -> None:
    """Half-width 1: K_c = 2 and r = sqrt(1 - K_c / K); N = 500 quantiles, a delay of one short tick."""
    n = 500
    omega = np.tan(np.pi * ((np.arange(n) + 0.5) / n - 0.5))
    every = Connectome(tuple(map(str, range(n))), np.full((n, n), 1.0 / n), np.full((n, n), 1e-3), np.zeros((n, 3)))
    phases = np.random.default_rng(0).permutation(2 * np.pi * np.arange(n) / n)
    network = MassNetwork("net", every, Kuramoto(omega=omega), coupling=Sine(strength), initial={"theta": 0.5 * phases})
    theta = lived(prepared(network, 0.01), 2500)["theta"][1500:]
    r = abs(np.exp(1j * theta).mean(axis=1)).mean()
    assert r == pytest.approx(order, abs=0.03 if order else 0.1)


def test_kuramoto_pair_locks_at_the_delayed_difference() -> None:
    """Two equal oscillators with delay: theta' = omega - K sin(theta' d), with d = 1."""
    connectome = Connectome(("a", "b"), [[0, 1], [1, 0]], [[1, 1], [1, 1]], np.zeros((2, 3)))
    network = MassNetwork(
        "net", connectome, Kuramoto(omega=1.0), speed_m_s=1.0, coupling=Sine(0.2), initial={"theta": [0.0, 0.4]}
    )
    theta = lived(prepared(network, 0.02), 10_000)["theta"]
    pace = 1.0
    for _ in range(200):
        pace = 1.0 - 0.2 * math.sin(pace)
    np.testing.assert_allclose((theta[-1] - theta[-501]) / 10.0, pace, rtol=1e-6)


# Wong & Wang, reduced


def test_reduced_wong_wang_response_is_smooth_where_it_is_0_over_0() -> None:
    model = ReducedWongWang(w=0.0, I_o=0.108 / 0.27)  # a I = b
    at, near = (slopes(ReducedWongWang(w=0.0, I_o=0.4 + d), 0.5)[0] for d in (0.0, 1e-6))
    assert slopes(model, 0.5)[0] == pytest.approx(-0.005 + 0.5 * 0.641 / 154.0, rel=1e-12)
    assert near - at == pytest.approx(0.5 * 0.641 * 0.27 * 1e-6 / 2, rel=1e-3)


def test_reduced_wong_wang_rate_is_the_one_that_holds_the_gating() -> None:
    outputs = alone(ReducedWongWang(), 0.1, 50_000)
    S, rate = outputs["S"][-1, 0], outputs["rate"][-1, 0]
    u = 154.0 * (0.27 * (0.6 * 0.2609 * S + 0.33) - 0.108)
    assert rate == pytest.approx(1e3 * u / (1 - math.exp(-u)) / 154.0, rel=1e-6)


# a delay differential equation, by the method of steps


def delayed(tick_ms: float) -> Any:
    """dx/dt = -x(t - 1), x = 1 before 0, at t = 0 .. 3."""
    itself = Connectome(("a",), [[1.0]], [[1.0]], np.zeros((1, 3)))
    network = MassNetwork("net", itself, Relaxation(), speed_m_s=1.0, coupling=Linear(-1.0), initial={"x": 1.0})
    per_unit = round(1.0 / tick_ms)
    return lived(prepared(network, tick_ms), 3 * per_unit + 1)["x"][::per_unit, 0]


def test_delayed_equation_converges_to_the_method_of_steps() -> None:
    """x(1) = 0, x(2) = -1/2, x(3) = -1/6; the delayed sum is taken at the start of a step, so the order is one."""
    exact = np.array([1.0, 0.0, -0.5, -1.0 / 6.0])
    errors = np.array([abs(delayed(tick_ms) - exact)[2:] for tick_ms in (0.01, 0.005, 0.0025)])
    assert errors.max() < 0.01
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), 1.0, atol=0.05)
    extrapolated = 2.0 * delayed(0.0005) - delayed(0.001)
    np.testing.assert_allclose(extrapolated, exact, atol=1e-6)
