"""Noise: the right numbers, the right strength, and the same whatever else happens."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from masses_toys import Oscillator, Relaxation, lived, nodes, prepared
from numba import njit
from scipy import stats
from scipy.linalg import block_diag, solve_continuous_lyapunov, solve_discrete_lyapunov

from hybrid.connectome import Connectome
from hybrid.errors import ConfigurationError
from hybrid.masses import Linear, MassNetwork, Noise
from hybrid.masses.compiled.normals import lanes, normals, on_circle, philox
from hybrid.masses.functions import exp, log


@njit
def words(counter: Any, key: Any) -> Any:
    return philox(counter[0], counter[1], counter[2], counter[3], key)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0] * 4, 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([0xFFFFFFFF] * 4, 0xFFFFFFFFFFFFFFFF, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            0x299F31D0A4093822,
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_known_answers_of_random123(counter: list[int], key: int, expected: str) -> None:
    got = words(np.array(counter, dtype=np.uint64), np.uint64(key))
    assert " ".join(f"{int(word):08x}" for word in got) == expected


@njit
def each(function: Any, x: Any) -> Any:
    result = np.empty(x.size)
    for i in range(x.size):
        result[i] = function(x[i])
    return result


@njit
def circle(r: Any) -> Any:
    result = np.empty((2, r.size))
    for i in range(r.size):
        result[0, i], result[1, i] = on_circle(r[i])
    return result


def test_elementary_functions_agree_with_numpy() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-650, 650, 100_000)
    np.testing.assert_allclose(each(exp, x), np.exp(x), rtol=1e-15)
    np.testing.assert_allclose(each(exp, x / 300), np.exp(x / 300), rtol=1e-15)
    u = rng.random(100_000)
    np.testing.assert_allclose(each(log, u), np.log(u), rtol=1e-15)
    edges = each(exp, np.array([np.nan, np.inf, -np.inf, 0.0]))
    assert np.isnan(edges[0])
    assert np.isfinite(edges[1:]).all()
    assert edges[3] == 1.0


def test_points_are_spread_evenly_over_the_circle() -> None:
    r = (np.arange(4096, dtype=np.uint64) << np.uint64(20)) + np.uint64(2**19)
    x, y = circle(r)
    np.testing.assert_allclose(x**2 + y**2, 1.0, rtol=1e-15)
    angles = np.sort(np.arctan2(y, x))
    np.testing.assert_allclose(np.diff(angles), 2 * np.pi / 4096, rtol=1e-5)


def draws(key: int, first: int, groups: int, nodes: int, variables: int = 2) -> Any:
    """``[tick, variable, node]``."""
    random = lanes(np.uint64(key), np.ones((variables, nodes)), 4 * groups)
    normals(random.key, first, groups, random.node, random.variable, random.z)
    return random.z.reshape(4 * groups, variables, nodes).copy()


def test_draws_depend_on_key_tick_node_and_variable_only() -> None:
    whole = draws(5, 0, 64, 50)
    assert np.array_equal(whole[160:168], draws(5, 40, 2, 50))  # blocks cut elsewhere
    assert np.array_equal(whole[:, :, :13], draws(5, 0, 64, 13))  # other nodes do not matter
    assert np.array_equal(whole[:, :1], draws(5, 0, 64, 50, 1))  # nor other variables
    assert len(np.unique(whole)) == whole.size
    assert not np.isin(draws(6, 0, 64, 50), whole).any()


def test_draws_are_standard_normal_and_independent() -> None:
    z = draws(11, 0, 2500, 100)  # two million
    n = z.size
    assert abs(z.mean()) < 4 / np.sqrt(n)
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs((z**3).mean()) < 4 * np.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 4 * np.sqrt(96 / n)
    assert stats.kstest(z[:2000].ravel(), "norm").pvalue > 1e-3
    assert abs(z).max() < 6.8
    for a, b in (
        (z[1:], z[:-1]),  # neighbouring ticks, among them the two numbers of one Box-Muller pair
        (z[::4], z[1::4]),
        (z[::4], z[2::4]),
        (z[4:], z[:-4]),
        (z[:, 0], z[:, 1]),
        (z[:, :, 1:], z[:, :, :-1]),
    ):
        assert abs((a * b).mean()) < 4.5 / np.sqrt(a.size)
        assert abs((a**2 * b**2).mean() - 1) < 4.5 * np.sqrt(8 / a.size)


@pytest.mark.parametrize("integrator", ["euler", "heun"])
def test_ornstein_uhlenbeck_variance_and_correlation(integrator: str) -> None:
    """dx = -x/tau dt + sigma dW has variance sigma^2 tau / 2; Euler's is larger by exactly 1/(1 - dt/2tau). Both schemes
    are x -> a x + kick here, with correlation a^lag, and a coarse tick shows it."""
    tau, sigma, tick, n = 2.0, 0.7, 0.5, 1000
    network = MassNetwork(
        "net", nodes(n, density=0.0), Relaxation(tau_ms=tau), integrator=integrator, noise=Noise(sigma)
    )
    x = lived(prepared(network, tick), 4000)["x"][50:]
    a = 1 - tick / tau if integrator == "euler" else 1 - tick / tau + tick**2 / (2 * tau**2)
    kick = sigma**2 * tick * (1.0 if integrator == "euler" else (1 - tick / (2 * tau)) ** 2)
    exact = kick / (1 - a * a)
    if integrator == "euler":
        assert exact == pytest.approx(sigma**2 * tau / 2 / (1 - tick / (2 * tau)), rel=1e-12)
    independent = x.size * (1 - a * a) / (1 + a * a)
    assert x.var() == pytest.approx(exact, abs=4.5 * exact * np.sqrt(2 / independent))
    for lag in (1, 4):
        correlation = (x[lag:] * x[:-lag]).mean() / x.var()
        assert correlation == pytest.approx(a**lag, abs=0.01)


def test_sigma_is_per_square_root_of_the_time_unit() -> None:
    """Without drift the variance after one time unit is sigma^2, whatever tick and time unit."""

    class Slow(Relaxation):
        time_unit_ms = 20.0

    connectome = nodes(5000, density=0.0)
    for model, unit_ms in ((Relaxation(), 1.0), (Slow(), 20.0)):
        network = MassNetwork("net", connectome, model, noise=Noise({"x": 0.3}))
        x = lived(prepared(network, unit_ms / 10), 11)["x"][10]
        assert x.var() == pytest.approx(0.09, rel=0.1)


def test_noise_moves_only_the_variables_and_nodes_it_is_on() -> None:
    connectome = nodes(20, density=0.0)
    options = {"initial": {"x": 0.1}}
    quiet = lived(prepared(MassNetwork("net", connectome, Oscillator(), **options)), 2)
    sigma = np.where(np.arange(20) % 2, 0.1, 0.0)
    noisy = lived(prepared(MassNetwork("net", connectome, Oscillator(), noise=Noise({"y": sigma}), **options)), 2)
    assert np.array_equal((noisy["y"] != quiet["y"])[1], np.arange(20) % 2 == 1)
    assert np.array_equal(noisy["w"], quiet["w"])


def test_seed_and_name_decide_the_noise() -> None:
    def run(name: str, seed: int) -> Any:
        network = MassNetwork(name, nodes(5), Relaxation(tau_ms=5.0), noise=Noise(0.1))
        return lived(prepared(network, seed=seed), 50)["x"]

    assert np.array_equal(run("a", 1), run("a", 1))
    assert not np.array_equal(run("a", 1), run("a", 2))
    assert not np.array_equal(run("a", 1), run("b", 1))


def test_spectrum_of_a_noisy_node() -> None:
    """The periodogram of a segment has the expectation sum_l (1 - |l|/N) C(l) cos(2 pi f l dt) dt, exactly, with the
    autocovariance C(l) = C(0) a^l of Euler's scheme; each node gives an independent exponential variable."""
    tau, sigma, tick, n, length = 5.0, 0.4, 0.5, 2000, 256
    network = MassNetwork("net", nodes(n, density=0.0), Relaxation(tau_ms=tau), integrator="euler", noise=Noise(sigma))
    x = lived(prepared(network, tick), 100 + length)["x"][100:]
    measured = (abs(np.fft.rfft(x, axis=0)) ** 2 * tick / length).mean(axis=1)
    lags, a = np.arange(-length + 1, length), 1 - tick / tau
    covariance = sigma**2 * tick / (1 - a * a) * a ** abs(lags)
    phase = 2 * np.pi * np.fft.rfftfreq(length)[:, None] * lags
    exact = ((1 - abs(lags) / length) * covariance * np.cos(phase)).sum(axis=1) * tick
    assert exact[1] > 50 * exact[-1]
    scatter = exact / np.sqrt(n) * np.where(np.isin(np.arange(exact.size), (0, length // 2)), np.sqrt(2), 1)
    assert abs((measured - exact) / scatter).max() < 4.5  # of 129 frequencies


def test_covariance_of_coupled_nodes_solves_the_lyapunov_equation() -> None:
    """dx = A x dt + S dW has the covariance C of A C + C A^T + S S^T = 0. Euler's scheme with its delay of a tick is a
    linear map of (x(t), x(t - 1)), whose own covariance is within 2 %; 100 copies of 4 nodes are measured."""
    tau, sigma, tick, copies = np.array([2.0, 3.0, 4.0, 2.5]), np.array([0.3, 0.0, 0.5, 0.2]), 0.02, 100
    one = np.array([[0.0, 0.6, 0.0, 0.3], [0.8, 0.0, 0.2, 0.0], [0.0, 0.0, 0.0, 0.9], [0.5, 0.0, 0.7, 0.0]])
    strength = 0.25
    drift = strength * one - np.diag(1 / tau)
    exact = solve_continuous_lyapunov(drift, -np.diag(sigma**2))
    step = np.block([[np.eye(4) - tick * np.diag(1 / tau), tick * strength * one], [np.eye(4), np.zeros((4, 4))]])
    of_scheme = solve_discrete_lyapunov(step, tick * block_diag(np.diag(sigma**2), np.zeros((4, 4))))[:4, :4]
    np.testing.assert_allclose(of_scheme, exact, rtol=0.02)

    weights = block_diag(*[one] * copies)
    labels = tuple(f"r{k}" for k in range(4 * copies))
    connectome = Connectome(labels, weights, np.full(weights.shape, 1e-3), np.zeros((4 * copies, 3)))
    network = prepared(
        MassNetwork(
            "net", connectome, Relaxation(tau_ms=np.tile(tau, copies)), coupling=Linear(strength), integrator="euler",
            noise=Noise({"x": np.tile(sigma, copies)}),
        ),
        tick,
    )  # fmt: skip
    slowest = -1 / np.linalg.eigvals(drift).real.max()
    apart = round(4 * slowest / tick)  # ticks: what is left of a correlation is exp(-4)
    x = np.concatenate([lived(network, apart + 1)["x"][-1].reshape(-1, 4) for _ in range(22)][2:])
    measured, count = x.T @ x / len(x), len(x)
    variances = np.diag(of_scheme)
    scatter = np.sqrt((np.outer(variances, variances) + of_scheme**2) / count * (1 + 2 * np.exp(-8)))
    assert abs((measured - of_scheme) / scatter).max() < 4.5


@pytest.mark.parametrize(
    "integrator", ["heun", *(pytest.param(each, marks=pytest.mark.long) for each in ("euler", "rk4"))]
)
def test_multiplicative_noise_is_that_of_ito_for_euler_and_of_stratonovich_for_the_others(integrator: str) -> None:
    """dx = -a x dt + s x dW is exp of a normal variable with variance s^2 t. Its mean is exp(-a t) in the sense of Itô,
    exp((s^2/2 - a) t) in that of Stratonovich (Kloeden & Platen 1992, section 4.4)."""
    a, s, t, tick, n = 0.3, 0.8, 2.0, 0.01, 3000
    network = MassNetwork(
        "net", nodes(n, density=0.0), Relaxation(tau_ms=1 / a), integrator=integrator, initial={"x": 1.0},
        noise=Noise(s, multiplicative=True),
    )  # fmt: skip
    x = lived(prepared(network, tick), round(t / tick) + 1)["x"][-1]
    ito = integrator == "euler"
    drift = -a if ito else s * s / 2 - a
    scatter = np.exp(drift * t) * np.sqrt((np.exp(s * s * t) - 1) / n)
    # Euler's mean is (1 - a dt)^(t/dt), 0.1 % off
    assert x.mean() == pytest.approx(np.exp(drift * t), abs=4 * scatter)
    assert abs(x.mean() - np.exp((s * s / 2 - a if ito else -a) * t)) > 12 * scatter
    level = np.log(x)
    assert level.mean() == pytest.approx((drift - s * s / 2) * t, abs=4 * s * np.sqrt(t / n) + 0.01)
    assert level.var() == pytest.approx(s * s * t, rel=4 * np.sqrt(2 / n) + 0.01)


def kicks(tau_ms: float | None, tick: float = 0.5, sigma: float = 0.7, n: int = 2000, ticks: int = 200) -> Any:
    """``[tick, node]``: what the noise adds in each step."""
    network = MassNetwork("net", nodes(n, density=0.0), Relaxation(), noise=Noise(sigma, tau_ms=tau_ms))
    return np.diff(lived(prepared(network, tick), ticks + 1)["x"], axis=0)


@pytest.mark.parametrize("tau", [0.3, 20.0, pytest.param(2.0, marks=pytest.mark.long)])
def test_coloured_noise_has_the_covariance_of_an_ornstein_uhlenbeck_process(tau: float) -> None:
    """Integrated over ticks of length h a process with covariance sigma^2 / (2 tau) exp(-|t| / tau) has the variance
    sigma^2 (h - tau (1 - a)) and at l ticks the covariance sigma^2 tau / 2 (1 - a)^2 a^(l - 1), a = exp(-h / tau):
    from the first tick on, as the noise is stationary."""
    h, sigma, n = 0.5, 0.7, 2000
    x, a = kicks(tau), np.exp(-h / tau)
    variance = sigma**2 * (h - tau * (1 - a))
    for tick in (0, 1, 31, 32, 199):
        assert x[tick].var() == pytest.approx(variance, rel=4.5 * np.sqrt(2 / n))
        assert abs(x[tick].mean()) < 4.5 * np.sqrt(variance / n)
    for lag in (1, 2, 5, 32, 64):
        exact = sigma**2 * tau / 2 * (1 - a) ** 2 * a ** (lag - 1)
        each = (x[lag:] * x[:-lag]).mean(axis=0)  # nodes are independent
        assert each.mean() == pytest.approx(exact, abs=4.5 * each.std() / np.sqrt(n))


def test_coloured_noise_becomes_the_white_one() -> None:
    """Kick by kick: a correlation of 1e-10 ticks is none."""
    np.testing.assert_allclose(kicks(5e-11, n=50), kicks(None, n=50), atol=5e-5)


def test_coloured_noise_of_a_node_agrees_with_theory() -> None:
    """x' = -x/T + noise has the variance sigma^2 T/2 T/(T + tau) (Hänggi & Jung 1995, Adv Chem Phys 89:239)."""
    T, tau, sigma, tick, n = 2.0, 3.0, 0.7, 0.05, 2000
    network = MassNetwork("net", nodes(n, density=0.0), Relaxation(tau_ms=T), noise=Noise(sigma, tau_ms=tau))
    x = lived(prepared(network, tick), 1001)["x"][600::400]  # 20 ms apart
    assert x.var() == pytest.approx(sigma**2 * T / 2 * T / (T + tau), rel=4.5 * np.sqrt(2 / x.size))


@pytest.mark.parametrize("ticks", [1, 31, 32, 777])
def test_coloured_noise_is_saved_and_does_not_depend_on_how_time_is_cut(ticks: int) -> None:
    def network(seed: int = 1) -> MassNetwork:
        noise = Noise({"x": 0.1, "w": np.linspace(0.0, 0.2, 20)}, tau_ms=3.0)
        return prepared(MassNetwork("net", nodes(20), Oscillator(), speed_m_s=1.0, noise=noise), seed=seed)

    original = network()
    lived(original, ticks, 5)
    saved = {name: np.array(value) for name, value in original.state().items()}
    expected = lived(original, 400)
    copy = network(seed=99)
    lived(copy, 100)
    copy.restore(saved)
    again = copy.state()
    assert all(np.array_equal(again[name], value) for name, value in saved.items())
    for name, values in lived(copy, 400, 13).items():
        assert np.array_equal(values, expected[name]), name


def test_bad_noise_is_refused_and_good_described() -> None:
    for tau_ms in (0.0, -1.0, float("nan")):
        with pytest.raises(ConfigurationError, match="tau_ms of a noise"):
            Noise(0.1, tau_ms=tau_ms)
    with pytest.raises(ConfigurationError, match="give True or False"):
        Noise(0.1, multiplicative=1.0)  # type: ignore[arg-type]
    described = json.loads(json.dumps(Noise({"x": 0.1}, multiplicative=True, tau_ms=2.0).describe()))
    assert described == {"kind": "Noise", "sigma": {"x": 0.1}, "multiplicative": True, "tau_ms": 2.0}
