"""Wendling's column, the Epileptor's slow half and the mean field with potassium, against theory."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from masses_toys import lived, nodes, one_node, prepared
from scipy.integrate import solve_ivp
from scipy.linalg import solve_continuous_lyapunov
from scipy.optimize import brentq, root

from hybrid.circuits.potassium_cell import PotassiumCell
from hybrid.connectome import Connectome
from hybrid.errors import DivergedError
from hybrid.masses import (
    Difference,
    Epileptor,
    Epileptor2D,
    JansenRit,
    KIonEx,
    Linear,
    MassModel,
    MassNetwork,
    Noise,
    Wendling,
)
from hybrid.testing import check_component

TYPES = {  # (A, B, G), mV
    "background": (5.0, 50.0, 15.0),
    "sporadic spikes": (5.0, 40.0, 15.0),
    "sustained spikes": (5.0, 25.0, 15.0),
    "slow rhythm": (5.0, 10.0, 15.0),
    "low-voltage fast": (5.0, 5.0, 25.0),
    "quasi-sinusoidal": (5.0, 15.0, 0.0),
}


def slopes(model: MassModel, state: Any) -> Any:
    return model.derivatives(np.reshape(state, (-1, 1)), np.zeros((len(state), 1)))[:, 0]


@pytest.mark.parametrize("model", [Wendling(), Epileptor2D(x0=-1.9), KIonEx()], ids=lambda m: type(m).__name__)
def test_keeps_the_contract_of_a_component(model: MassModel) -> None:
    tick_ms = 0.02 if isinstance(model, KIonEx) else 0.1
    noise = Noise({model.variables[-1]: 1e-4})
    check_component(lambda: MassNetwork("net", nodes(5), model, noise=noise), tick_ms=tick_ms)


# Wendling et al. (2002)


def wendling(t: float, y: Any, A: float, B: float, G: float, p: float = 90.0) -> list[float]:
    """The ten equations, in seconds, as the paper has them."""
    a, b, g, C = 100.0, 50.0, 500.0, 135.0

    def fires(v: float) -> float:
        return 5.0 / (1.0 + math.exp(0.56 * (6.0 - v)))

    pyramidal = fires(y[1] - y[2] - y[3])
    return [
        *y[5:],
        A * a * pyramidal - 2 * a * y[5] - a * a * y[0],
        A * a * (p + 0.8 * C * fires(C * y[0])) - 2 * a * y[6] - a * a * y[1],
        B * b * 0.25 * C * fires(0.25 * C * y[0]) - 2 * b * y[7] - b * b * y[2],
        G * g * 0.8 * C * fires(0.3 * C * y[0] - 0.1 * C * y[4]) - 2 * g * y[8] - g * g * y[3],
        B * b * fires(0.25 * C * y[0]) - 2 * b * y[9] - b * b * y[4],
    ]


def potential(outputs: Any) -> Any:
    return outputs["y1"] - outputs["y2"] - outputs["y3"]


def columns(**options: Any) -> MassNetwork:
    A, B, G = np.transpose(list(TYPES.values()))
    return prepared(MassNetwork("net", nodes(len(A), density=0.0), Wendling(A_mv=A, B_mv=B, G_mv=G), **options))


def at_rest(A: float, B: float, G: float) -> Any:
    start = solve_ivp(wendling, (0.0, 5.0), np.zeros(10), args=(A, B, G)).y[:, -1]
    found = root(lambda y: wendling(0.0, y, A, B, G), start, tol=1e-13)
    assert found.success
    return found.x


def linearized(A: float, B: float, G: float) -> Any:
    """The Jacobian at rest, 1/s."""
    rest, steps = at_rest(A, B, G), 1e-6 * np.eye(10)
    ahead, behind = ([wendling(0.0, rest + sign * d, A, B, G) for d in steps] for sign in (1.0, -1.0))
    return (np.array(ahead) - np.array(behind)).T / 2e-6


def test_wendling_has_the_equations_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    for A, B, G in TYPES.values():
        y = rng.normal(0.0, 5.0, 10) * [0.1, 1.0, 1.0, 1.0, 0.1, 0.01, 0.1, 0.1, 0.1, 0.01]
        in_seconds = wendling(0.0, y * np.repeat([1.0, 1e3], 5), A, B, G)
        expected = np.array(in_seconds) * np.repeat([1e-3, 1e-6], 5)
        slope = slopes(Wendling(A_mv=A, B_mv=B, G_mv=G), y)
        np.testing.assert_allclose(slope, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("without", [{"G_mv": 0.0}, {"C7": 0.0}, {"C5": 0.0, "C6": 0.0, "C7": 0.0}])
def test_wendling_without_fast_inhibition_is_jansen_rit_to_the_bit(without: dict[str, float]) -> None:
    ours, theirs = Wendling(A_mv=3.25, p_hz=220.0, **without), JansenRit()
    of_theirs = [0, 1, 2, 5, 6, 7]
    rng = np.random.default_rng(1)
    state, coupling = rng.normal(0.0, 5.0, (10, 20)), rng.normal(0.0, 0.1, (10, 20))
    state[[3, 8]] = 0.0  # no fast potential
    slope = ours.derivatives(state, coupling, drive_hz=30.0)
    expected = theirs.derivatives(state[of_theirs], coupling[of_theirs], drive_hz=30.0)
    np.testing.assert_array_equal(slope[of_theirs], expected)
    np.testing.assert_array_equal(slope[[3, 8]], 0.0)
    rates = [lived(prepared(MassNetwork("net", nodes(4), model)), 3000)["rate"] for model in (ours, theirs)]
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-12)


def test_wendling_slow_inhibition_of_pyramidal_and_fast_cells_is_the_same_up_to_its_synapses() -> None:
    outputs = lived(columns(), 5000)
    np.testing.assert_allclose(outputs["y2"], 33.75 * outputs["y4"], rtol=1e-12, atol=1e-14)


def test_wendling_columns_feel_each_others_pyramidal_rate() -> None:
    """A column that is fed only by another's rate behaves as with that rate as afferent rate."""
    connectome = Connectome(("a", "b"), [[0, 0], [2, 0]], [[1, 1], [5, 1]], np.zeros((2, 3)))
    network = MassNetwork("net", connectome, Wendling(p_hz=[90.0, 50.0]), speed_m_s=1.0, coupling=Linear(3.0))
    coupled = lived(prepared(network), 8000)
    drive = np.full((8000, 1), 6.0 * coupled["rate"][0, 0])
    drive[50:, 0] = 6.0 * coupled["rate"][:-50, 0]
    driven = lived(prepared(MassNetwork("net", one_node(), Wendling(p_hz=50.0))), 8000, drive_hz=drive)
    assert np.ptp(coupled["rate"][:, 0]) > 1.0
    np.testing.assert_allclose(coupled["y1"][:, 1], driven["y1"][:, 0], rtol=1e-9, atol=1e-12)


def test_wendling_rests_or_oscillates_without_noise_as_its_type_does() -> None:
    v = potential(lived(columns(), 80_000))[40_000:]
    by_type = dict(zip(TYPES, v.T, strict=True))
    for name in ("background", "sporadic spikes", "slow rhythm", "low-voltage fast"):
        assert np.ptp(by_type[name]) < 1e-6
        rest = at_rest(*TYPES[name])
        assert by_type[name][-1] == pytest.approx(rest[1] - rest[2] - rest[3], abs=1e-6)
    for name in ("sustained spikes", "quasi-sinusoidal"):
        exact = solve_ivp(wendling, (0.0, 8.0), np.zeros(10), args=TYPES[name], rtol=1e-7, atol=1e-7, dense_output=True)
        y = exact.sol(np.linspace(4.0, 8.0, 40_001)[:-1])
        v_exact = y[1] - y[2] - y[3]
        rises = [np.flatnonzero((x[:-1] < 8.0) & (x[1:] >= 8.0)) for x in (by_type[name], v_exact)]
        assert np.diff(rises[0]).mean() == pytest.approx(np.diff(rises[1]).mean(), rel=1e-3)
        assert np.ptp(by_type[name]) == pytest.approx(np.ptp(v_exact), rel=1e-3)
        hz = 1e4 / np.diff(rises[0]).mean()
        assert (3.0 < hz < 6.0) if name == "sustained spikes" else (9.0 < hz < 13.0)


def test_wendling_types_of_activity_with_noise() -> None:
    """The afferent rate fluctuates by 30 Hz every 2 ms; 60 s of each type."""
    A = np.array([each[0] for each in TYPES.values()])
    sigma = 1e-3 * A * 0.1 * 30.0 * math.sqrt(2.0)
    v = potential(lived(columns(noise=Noise({"y6": sigma})), 620_000))[20_000::10]  # [ms, type]
    by_type = dict(zip(TYPES, v.T, strict=True))
    spikes = {name: int(((x[:-1] < 8.0) & (x[1:] >= 8.0)).sum()) for name, x in by_type.items()}
    assert spikes["background"] == 0
    assert 6 < spikes["sporadic spikes"] < 60  # less than one a second
    assert spikes["sustained spikes"] > 180
    for name in ("background", "slow rhythm", "low-voltage fast"):  # where noise is small, linear theory holds
        J, spread = linearized(*TYPES[name]), np.zeros((10, 10))
        spread[6, 6] = (5.0 * 100.0 * 30.0 * math.sqrt(2e-3)) ** 2
        covariance = solve_continuous_lyapunov(J, -spread)
        out = np.array([0.0, 1.0, -1.0, -1.0, 0, 0, 0, 0, 0, 0])
        slowest_s = -1.0 / np.linalg.eigvals(J).real.max()
        uncertain = math.sqrt(slowest_s / 60.0)  # of a standard deviation, the variance of 60 s being sqrt(2 tau/T)
        assert by_type[name].std() == pytest.approx(math.sqrt(out @ covariance @ out), rel=4.0 * uncertain)
    assert by_type["low-voltage fast"].std() < min(by_type[name].std() for name in TYPES if name != "low-voltage fast")
    centroid = {}
    for name, x in by_type.items():
        power = abs(np.fft.rfft(x - x.mean())) ** 2
        hz = np.fft.rfftfreq(len(x), 1e-3)
        centroid[name] = (hz * power)[hz > 1.0].sum() / power[hz > 1.0].sum()
    assert max(centroid, key=centroid.__getitem__) == "low-voltage fast"
    assert centroid["low-voltage fast"] > 15.0


# the Epileptor's slow half: Proix et al. (2014)


def test_epileptor_2d_rests_where_the_epileptor_does() -> None:
    x0 = np.array([-3.0, -2.5, -2.2, -2.07])
    np.testing.assert_allclose(Epileptor2D(x0=x0).initial(4), Epileptor(x0=x0).initial(4)[[0, 2]], rtol=1e-9)
    below, above = (Epileptor2D(x0=-2.062037 + d) for d in (-2e-6, 2e-6))  # the fold x1 = -4/3, z = 2.914815
    np.testing.assert_allclose(slopes(below, below.initial(1)[:, 0]), 0.0, atol=1e-12)
    assert abs(slopes(above, above.initial(1)[:, 0])).max() > 1e-10
    np.testing.assert_allclose(above.initial(1)[:, 0], [-4.0 / 3.0, 2.914815], atol=1e-6)


def test_modified_epileptor_2d_starts_at_its_rest() -> None:
    x0 = np.array([2.5, 2.6, 2.7])
    model = Epileptor2D(x0=x0, modification=1.0)

    def excess(x1: float, x0: float) -> float:
        return 4.1 - 2.0 * x1**2 - x1**3 - (x0 + 3.0 / (1.0 + math.exp(-(x1 + 0.5) / 0.1)))

    exact = [brentq(excess, -3.0, -4.0 / 3.0, args=(each,)) if excess(-4 / 3, each) < 0 else -4 / 3 for each in x0]
    np.testing.assert_allclose(model.initial(3)[0], exact, rtol=1e-9)


def test_epileptor_2d_cycle() -> None:
    """x0 = -1.6 against scipy; r ten times larger than usual for a shorter cycle."""

    def slow_half(t: float, y: Any) -> list[float]:
        x, z = y
        f = x * x + 2.0 * x if x < 0 else 5.0 * x - 0.6 * (z - 4.0) ** 2
        return [4.1 - z - f * x, 0.0035 * (4.0 * (x + 1.6) - z)]

    network = MassNetwork("net", one_node(), Epileptor2D(x0=-1.6, r=0.0035), initial={"x1": -1.6, "z": 3.0})
    x1 = lived(prepared(network, 0.05), 60_000)["x1"][:, 0]
    exact = solve_ivp(slow_half, (0.0, 3000.0), [-1.6, 3.0], rtol=1e-9, atol=1e-11, max_step=0.5, dense_output=True)
    expected = exact.sol(np.arange(60_000) * 0.05)[0]
    rises = [np.flatnonzero((x[:-1] < 0.0) & (x[1:] >= 0.0)) * 0.05 for x in (x1, expected)]
    assert len(rises[0]) > 5
    np.testing.assert_allclose(rises[0], rises[1], rtol=1e-3)
    assert (x1.min(), x1.max()) == pytest.approx((expected.min(), expected.max()), rel=1e-2)


@pytest.mark.parametrize(("K_s", "recruits"), [(-1.0, True), (0.0, False), (1.0, False)])
def test_epileptor_2d_recruits_through_permittivity(K_s: float, recruits: bool) -> None:
    connectome = Connectome(("a", "b"), [[0, 0], [1, 0]], np.full((2, 2), 5.0), np.zeros((2, 3)))
    network = MassNetwork("net", connectome, Epileptor2D(x0=[-1.6, -2.2], K_s=K_s, r=0.0035), coupling=Difference(0.5))
    x1 = lived(prepared(network), 20_000)["x1"]
    assert x1[:, 0].max() > 0.5
    assert (x1[:, 1].max() > 0.5) == recruits


# the mean field with potassium; against The Virtual Brain in test_masses_tvb.py


def test_k_ion_ex_has_the_physiology_of_the_cells() -> None:
    shared = {each.name for each in fields(PotassiumCell)} & {each.name for each in fields(KIonEx)}
    assert len(shared) == len(fields(PotassiumCell)) - 2  # but for what counts as a spike
    for name in shared:
        assert getattr(KIonEx(), name) == getattr(PotassiumCell(), name)


def test_k_ion_ex_rests_bursts_or_is_blocked_as_the_bath_has_it() -> None:
    """5.5, 12 and 25 mM in the bath."""
    bath = np.array([5.5, 12.0, 25.0])
    network = MassNetwork("net", nodes(3, density=0.0), KIonEx(k_bath_mm=bath))
    outputs = lived(prepared(network, 0.02), 300_000)
    V = outputs["V"][100_000:]
    spikes = [np.flatnonzero((v[:-1] < -20.0) & (v[1:] >= -20.0)) * 0.02 for v in V.T]
    assert len(spikes[0]) == 0
    assert np.ptp(V[:, 0]) < 1.0
    assert 4.0 < outputs["rate"][-1, 0] < 6.0
    gaps = np.diff(spikes[1])
    assert gaps.min() < 30.0
    assert (gaps > 300.0).sum() >= 2  # bursts, and silence between them
    assert np.ptp(V[150_000:, 2]) < 1.0
    assert V[-1, 2] == pytest.approx(-20.2, abs=0.5)
    potassium_out = (4.8 - 3.0 * outputs["DKi"] + outputs["Kg"])[100_000:]
    assert potassium_out[-1, 0] == pytest.approx(5.5, abs=0.2)
    assert potassium_out[:, 1].min() < 11.5
    assert potassium_out[:, 1].max() > 12.5
    assert potassium_out[-1, 2] > 24.0


def test_k_ion_ex_drive_counts_as_the_rate_of_others() -> None:
    """What arrives of x is the rate pi / R times smaller, in 1/ms."""
    model, state = KIonEx(), KIonEx().initial(1)
    arriving = np.zeros((5, 1))
    arriving[0] = 0.02
    by_drive = model.derivatives(state, np.zeros((5, 1)), drive_hz=model.rate_hz(arriving))
    np.testing.assert_allclose(by_drive, model.derivatives(state, arriving), rtol=1e-13)


def test_k_ion_ex_without_potassium_diverges_instead_of_going_on() -> None:
    network = prepared(MassNetwork("net", one_node(), KIonEx(), initial={"DKi": -130.5}), 0.02)
    with pytest.raises(DivergedError, match="x of a became nan"):
        lived(network, 10)
