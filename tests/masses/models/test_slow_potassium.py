"""Seizures by slow potassium: both bifurcations found by root finding, and met by simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from masses_toys import lived, nodes, one_node, prepared
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import brentq, root

from hybrid.masses import MassNetwork, Noise, PotassiumWilsonCowan
from hybrid.testing import check_component

HOPF, SNIC = PotassiumWilsonCowan(), PotassiumWilsonCowan.snic()
K_HOPF, K_SNIC = 4.6526, 4.2995  # mM, as documented; found anew below
TICK_MS = 0.2


# the populations with k held, written down independently


def response(x: float, a: Any, theta: Any) -> float:
    return float(1.0 / (1.0 + math.exp(-a * (x - theta))))


def flow(p: Any, E: float, I: float, k: float) -> Any:  # noqa: E741
    into_e, into_i = p.c_ee * E - p.c_ei * I + p.P, p.c_ie * E - p.c_ii * I + p.Q
    to_e = response(into_e, p.a_e, p.theta_e - p.shift_per_mm * k)
    return np.array([(to_e - E) / p.tau_e_ms, (response(into_i, p.a_i, p.theta_i) - I) / p.tau_i_ms])


def jacobian(p: Any, E: float, I: float) -> Any:  # noqa: E741
    """At an equilibrium, where the responses are E and I."""
    e, i = p.a_e * E * (1.0 - E), p.a_i * I * (1.0 - I)
    return np.array(
        [
            [(p.c_ee * e - 1.0) / p.tau_e_ms, -p.c_ei * e / p.tau_e_ms],
            [p.c_ie * i / p.tau_i_ms, (-p.c_ii * i - 1.0) / p.tau_i_ms],
        ]
    )


def equilibrium(p: Any, k: float) -> Any:
    found = root(lambda x: flow(p, *x, k), [0.2, 0.3], tol=1e-13)
    assert found.success
    return found.x


def fold(p: Any) -> Any:
    """E, I and k where the resting state meets a saddle."""
    found = root(lambda x: [*flow(p, *x), np.linalg.det(jacobian(p, x[0], x[1]))], [0.05, 0.02, 4.3], tol=1e-13)
    assert found.success
    return found.x


def held(model: Any, k: Any, ms: float, E: float) -> Any:
    """E ``[tick, node]`` of nodes alone whose potassium stands still at k."""
    frozen = type(model)(**{name: getattr(model, name) for name in model.parameter_names} | {"tau_k_ms": 1e300})
    network = MassNetwork("net", nodes(len(k), density=0.0), frozen, initial={"k": k, "E": E, "I": 0.1})
    return lived(prepared(network, TICK_MS), round(ms / TICK_MS))["E"]


def frequency_hz(E: Any, level: float) -> float:
    rises = np.flatnonzero((E[:-1] < level) & (E[1:] >= level))
    return float(1e3 / (np.diff(rises).mean() * TICK_MS)) if len(rises) > 1 else 0.0


def test_the_model_is_these_equations() -> None:
    rng = np.random.default_rng(0)
    for model in (HOPF, SNIC):
        E, I, k, pump = rng.uniform(0.0, 1.0, 4) * [1.0, 1.0, 8.0, 1.0]  # noqa: E741
        slope = model.derivatives([[E], [I], [k], [pump]], np.zeros((4, 1)))[:, 0]
        np.testing.assert_allclose(slope[:2], flow(model, E, I, k), rtol=1e-12)
        release_and_clearance = model.bath_mm - k + model.release_mm * E - model.pump_gain * pump * k
        assert slope[2] == pytest.approx(release_and_clearance / model.tau_k_ms, rel=1e-12)
        turned_on = response(k, 1.0 / model.pump_slope_mm, model.pump_half_mm)
        assert slope[3] == pytest.approx((turned_on - pump) / model.tau_pump_ms, rel=1e-12)


def test_drive_of_100_hz_counts_as_a_coupled_region_fully_active() -> None:
    state, nothing = HOPF.initial(1), np.zeros((4, 1))
    by_region = HOPF.derivatives(state, [[1.0], [5.0], [5.0], [5.0]])
    np.testing.assert_allclose(HOPF.derivatives(state, nothing, drive_hz=100.0), by_region, rtol=1e-14)
    assert by_region[0, 0] > HOPF.derivatives(state, nothing)[0, 0]


@pytest.mark.parametrize("model", [HOPF, SNIC], ids=["hopf", "snic"])
def test_keeps_the_contract_of_a_component(model: PotassiumWilsonCowan) -> None:
    check_component(lambda: MassNetwork("net", nodes(5), model, noise=Noise({"E": 1e-3, "k": 0.01})))


# the Hopf bifurcation


def hopf() -> tuple[float, complex]:
    """Where the real part of the eigenvalues crosses 0, and the eigenvalue there."""

    def growth(k: float) -> float:
        return float(np.linalg.eigvals(jacobian(HOPF, *equilibrium(HOPF, k))).real.max())

    k = brentq(growth, 4.0, 5.5, xtol=1e-12)
    assert growth(k - 0.01) < 0 < growth(k + 0.01)
    return k, np.linalg.eigvals(jacobian(HOPF, *equilibrium(HOPF, k)))[0]


def test_hopf_point_is_where_it_is_documented() -> None:
    """With one time constant and no synapses among inhibitory cells, it is at a_e c_ee E (1 - E) = 2."""
    k, eigenvalue = hopf()
    assert equilibrium(HOPF, k)[0] == pytest.approx(0.5 * (1.0 - math.sqrt(1.0 - 8.0 / 12.0)), rel=1e-9)
    assert k == pytest.approx(K_HOPF, abs=1e-4)
    assert abs(eigenvalue.real) < 1e-12
    assert abs(eigenvalue.imag) / (2e-3 * math.pi) == pytest.approx(25.74, abs=0.01)  # Hz


def test_oscillations_begin_at_the_hopf_point_and_grow_as_its_square_root() -> None:
    k_hopf, eigenvalue = hopf()
    k = k_hopf * (1.0 + np.array([-0.01, 0.01, 0.015, 0.02, 0.03, 0.04]))
    E = held(HOPF, k, 20_000.0, E=0.25)[-25_000:]
    amplitude = 0.5 * np.ptp(E, axis=0)
    assert amplitude[1] > 0.01 > 100.0 * amplitude[0]
    onset, _ = np.polyfit(amplitude[1:] ** 2, k[1:], 1)[::-1]
    assert onset == pytest.approx(k_hopf, rel=2e-3)
    exponent = np.polyfit(np.log(k[1:] - k_hopf), np.log(amplitude[1:]), 1)[0]
    assert exponent == pytest.approx(0.5, abs=0.02)
    assert frequency_hz(E[:, 1], E[:, 1].mean()) == pytest.approx(abs(eigenvalue.imag) / (2e-3 * math.pi), rel=0.01)


# the saddle-node on the cycle


def test_snic_point_is_where_it_is_documented() -> None:
    E, I, k = fold(SNIC)  # noqa: E741
    assert k == pytest.approx(K_SNIC, abs=1e-4)
    eigenvalues = np.sort(np.linalg.eigvals(jacobian(SNIC, E, I)).real)
    assert abs(eigenvalues[1]) < 1e-12
    assert eigenvalues[0] < -0.01  # a saddle and a node, not two saddles


def passage_hz(p: Any, beyond: Any) -> Any:
    """Of the normal form x' = a (k - k_c) + b x^2 at the fold: one round takes pi / sqrt(a b (k - k_c)) ms."""
    E, I, k = fold(p)  # noqa: E741
    _, _, right = np.linalg.svd(jacobian(p, E, I))
    _, _, left = np.linalg.svd(jacobian(p, E, I).T)
    v = right[-1]
    w = left[-1] / (left[-1] @ v)
    along = [flow(p, *(np.array([E, I]) + step * v), k) for step in (-1e-4, 0.0, 1e-4)]
    a = w @ (flow(p, E, I, k + 1e-5) - flow(p, E, I, k - 1e-5)) / 2e-5
    b = w @ (along[0] - 2.0 * along[1] + along[2]) / (2.0 * 1e-8)
    return 1e3 * np.sqrt(a * b * beyond) / math.pi


def test_spikes_begin_at_the_snic_point_from_frequency_0() -> None:
    k_snic = fold(SNIC)[2]
    beyond = 4e-5 * np.array([1.0, 4.0, 16.0])
    E = held(SNIC, k_snic + np.array([*beyond, 0.005 * k_snic, -0.005 * k_snic]), 45_000.0, E=0.9)
    assert E[-50_000:, 4].max() < 0.06  # no cycle beside the rest: thrown off it, the node comes back
    assert np.ptp(E[-50_000:, 4]) < 1e-4
    assert np.ptp(E[-50_000:, 3]) > 0.9
    hz = np.array([frequency_hz(E[:, node], 0.5) for node in range(4)])
    exponent = np.polyfit(np.log(beyond), np.log(hz[:3]), 1)[0]
    assert exponent == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(hz[:3], passage_hz(SNIC, beyond), rtol=0.06)
    assert hz[3] > 10.0 * hz[0]


# slow potassium


def seizures(model: PotassiumWilsonCowan, seconds: int, **options: Any) -> tuple[Any, Any, Any, Any]:
    """E, k, and the ticks at which oscillations (faster than a few a second) begin and end."""
    outputs = lived(prepared(MassNetwork("net", one_node(), model, **options), TICK_MS), round(seconds * 1e3 / TICK_MS))
    E = outputs["E"][:, 0]
    thinned = E[::10]
    fast = abs(thinned - gaussian_filter1d(thinned, 10.0 / TICK_MS))  # without what takes 100 ms and more
    inside = np.diff((gaussian_filter1d(fast, 20.0 / TICK_MS) > 0.01).astype(int))
    return E, outputs["k"][:, 0], 10 * np.flatnonzero(inside > 0), 10 * np.flatnonzero(inside < 0)


@pytest.mark.parametrize("kind", ["hopf", "snic"])
def test_seizures_recur_without_change_of_drive(kind: str) -> None:
    model, k_on = (HOPF, K_HOPF) if kind == "hopf" else (SNIC, K_SNIC)
    E, k, begins, ends = seizures(model, 160)
    begins, ends = begins[1:4], ends[ends > begins[1]][:3]  # the first depends on where the run starts
    assert len(begins) == len(ends) == 3
    lengths, between = (ends - begins) * TICK_MS, (begins[1:] - ends[:-1]) * TICK_MS
    assert ((lengths > 3_000.0) & (lengths < 25_000.0)).all()
    assert (between > 10_000.0).all()
    assert np.ptp(np.diff(begins)) < 0.02 * np.diff(begins)[0]  # like a clock: nothing is random here
    for begin, end in zip(begins, ends, strict=True):
        middle = (begin + end) // 2
        assert k[begin:end].max() > k_on
        assert k[middle] > k_on
        assert k[end + 25_000] < k_on
        assert k[end] == pytest.approx(k_on, rel=0.05)  # it ends where it can no longer be
    quiet = E[(ends[0] + begins[1]) // 2]
    assert quiet < 0.1
    spike = E[begins[0] : ends[0]]
    if kind == "hopf":
        assert spike.max() < 0.6
        assert 25.0 < frequency_hz(spike[2500:-5000], 0.22) < 32.0
    else:
        assert spike.max() > 0.9
        assert k[begins[0]] == pytest.approx(k_on, rel=0.02)
        rises = np.diff(np.flatnonzero((spike[:-1] < 0.5) & (spike[1:] >= 0.5))) * TICK_MS
        assert rises.min() < 0.6 * rises[-1]  # slows down before the end
        assert 1e3 / rises.min() < 8.0


def test_noise_shortens_the_delay_of_the_hopf_onset() -> None:
    _, k_without, begins, _ = seizures(HOPF, 80)
    _, k_with, noisy_begins, _ = seizures(HOPF, 80, noise=Noise({"E": 2e-4}))
    assert K_HOPF < k_with[noisy_begins[1]] < k_without[begins[1]] - 0.3


def test_with_a_weak_pump_a_seizure_does_not_end() -> None:
    E, k, begins, ends = seizures(PotassiumWilsonCowan.snic(pump_gain=0.8), 60)
    assert len(begins) == 1
    assert len(ends) == 0
    assert E[-50_000:].max() > 0.9
    assert k[-1] > K_SNIC


def test_snic_takes_changed_parameters() -> None:
    changed = PotassiumWilsonCowan.snic(P=[-0.5, -0.7], tau_k_ms=1e4)
    np.testing.assert_array_equal(changed.P, [-0.5, -0.7])
    assert (changed.tau_k_ms, changed.c_ee, changed.tau_i_ms) == (1e4, 16.0, 20.0)
