"""Noise: the right numbers, the right strength, and the same whatever else happens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from masses_toys import Oscillator, Relaxation, lived, nodes, prepared
from numba import njit
from scipy import stats

from hybrid.masses import MassNetwork, Noise
from hybrid.masses.functions import exp, log
from hybrid.masses.normals import lanes, normals, on_circle, philox


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
    tau, sigma, tick, n = 2.0, 0.7, 0.5, 4000
    network = MassNetwork(
        "net", nodes(n, density=0.0), Relaxation(tau_ms=tau), integrator=integrator, noise=Noise(sigma)
    )
    x = lived(prepared(network, tick), 1000)["x"][50:]
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

    for model, unit_ms in ((Relaxation(), 1.0), (Slow(), 20.0)):
        network = MassNetwork("net", nodes(5000, density=0.0), model, noise=Noise({"x": 0.3}))
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
