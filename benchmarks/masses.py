"""What a network of masses costs: its coupling against a gather at every step, and the whole against neurolib.

Run: ``python benchmarks/masses.py``. Results are compared before anything is timed; figures are medians of processor
time, taken in turns so that a busy machine disturbs all alike. neurolib is measured if it is installed
(``pip install neurolib``).
"""

from __future__ import annotations

import os

os.environ["NUMBA_NUM_THREADS"] = "1"  # one core, before numba is imported

import itertools
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import njit

from hybrid.clock import Clock, Window
from hybrid.connectome import Connectome
from hybrid.masses import Difference, Epileptor, Linear, MassNetwork, MontbrioPazoRoxin, Noise, WilsonCowan
from hybrid.masses.compiled.far import far_sums, split
from hybrid.random import named_stream
from hybrid.signals import Rates

TICK_MS, SPEED_M_S, REPEATS = 0.1, 3.0, 15


def medians(work: dict[str, Callable[[], Any]], steps: int, calls: int = 1) -> dict[str, float]:
    """Median time of each, microseconds a step, all taking turns."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(REPEATS):
        for name, run in work.items():
            begin = time.process_time()
            for _ in range(calls):
                run()
            times[name].append((time.process_time() - begin) / (steps * calls) * 1e6)
    return {name: statistics.median(each) for name, each in times.items()}


def coupling_kernel(block: int) -> Any:
    @njit(error_model="numpy")
    def sums(history: Any, base: int, far: Any, felt: Any) -> None:
        far_sums(history, base, far, felt, block)

    return sums


def gather_kernel(fastmath: bool) -> Any:
    """The same sums one step at a time: linear history (no modulo), zeros skipped, one row after the other."""

    @njit(error_model="numpy", fastmath=fastmath)
    def gather(flat: Any, base: int, first: Any, shift: Any, weight: Any, out: Any) -> None:
        for s in range(out.shape[1]):
            for i in range(out.shape[0]):
                total = 0.0
                for k in range(first[i], first[i + 1]):
                    total += weight[k] * flat[np.uint64(shift[k] + base + s)]
                out[i, s] = total

    return gather


def measure_coupling(name: str, weights: Any, delays: Any, block: int) -> None:
    delays = np.maximum(delays, block)
    _, far, _, capacity = split(weights, delays, 1, block)
    target, source = np.nonzero(weights)
    weight, shift = weights[target, source], (source * capacity - delays[target, source]).astype(np.int32)
    first = np.searchsorted(target, np.arange(len(weights) + 1))
    history = np.random.default_rng(0).random((1, len(weights), capacity))
    flat, out, felt = history.ravel(), np.empty((len(weights), block)), np.ones(1, bool)
    sums, plain, fast = coupling_kernel(block), gather_kernel(False), gather_kernel(True)
    work = {
        "blocks": lambda: sums(history, far.longest, far, felt),
        "gather": lambda: plain(flat, far.longest, first, shift, weight, out),
        "fastmath": lambda: fast(flat, far.longest, first, shift, weight, out),
    }
    for run in work.values():
        run()
        if run is not work["blocks"]:
            np.testing.assert_allclose(far.sums[0], out, rtol=1e-12)
    times = medians(work, block, max(1, 2_000_000 // (target.size * block)))
    best = min(times["gather"], times["fastmath"])
    print(
        f"{name:26s}{target.size:8d} pairs, blocks of {block}: {times['blocks']:8.2f}   gather {times['gather']:8.2f}   "
        f"with fastmath {times['fastmath']:8.2f}   {best / times['blocks']:.1f} x"
    )


def prepared(network: MassNetwork) -> MassNetwork:
    network.prepare(Clock(TICK_MS), named_stream(1, "component", network.name))
    return network


def lived(network: MassNetwork, ticks: int, window: int, start: int = 0) -> Any:
    parts = []
    for each in Window(start, start + ticks).cut(window):
        parts.append(network.advance(each, {"drive": Rates.silence(each, network["drive"].size)}))
    return parts


def measure_networks(connectome: Connectome) -> None:
    kicks = Noise({"x2": 0.02, "y2": 0.02})
    cases = {
        "Epileptor, Heun": (Epileptor(), {"coupling": Difference(0.01)}),
        "Epileptor, Heun, 152 noises": (Epileptor(), {"coupling": Difference(0.01), "noise": kicks}),
        "Montbrió-Pazó-Roxin, Heun": (MontbrioPazoRoxin(), {"coupling": Linear(0.01)}),
        "Wilson-Cowan, Heun": (WilsonCowan(), {"coupling": Linear(0.02)}),
    }
    for name, (model, options) in cases.items():
        work = {}
        for window in (2000, 16, 1):
            network = prepared(MassNetwork("net", connectome, model, speed_m_s=SPEED_M_S, **options))
            starts = itertools.count(step=2000)
            work[window] = lambda n=network, w=window, s=starts: lived(n, 2000, w, next(s))
        for run in work.values():
            run()
        times = medians(work, 2000)
        print(f"{name:32s}" + "   ".join(f"windows of {w}: {t:6.2f}" for w, t in times.items()))


def measure_against_neurolib(connectome: Connectome) -> None:
    """neurolib's Wilson-Cowan network is stepped by Euler's method, so ours is too; it has no noise here (sigma 0, which it
    draws none the less), the same weights, delays, initial state, and nothing is recorded but the two states."""
    try:
        from neurolib.models.wc import WCModel
        from neurolib.models.wc.timeIntegration import timeIntegration
    except ImportError:
        print("neurolib is not installed: no comparison")
        return
    ticks, n = 10_000, len(connectome.labels)
    initial = np.random.default_rng(0).uniform(0.0, 0.1, (2, n))
    theirs = WCModel(Cmat=np.array(connectome.weights), Dmat=np.array(connectome.lengths_mm), seed=1)
    theirs.params.update(signalV=SPEED_M_S, dt=TICK_MS, duration=ticks * TICK_MS, K_gl=0.02, exc_ext=0.65, sigma_ou=0.0)

    def run_theirs() -> Any:
        theirs.params.exc_init, theirs.params.inh_init = initial[0][:, None].copy(), initial[1][:, None].copy()
        return timeIntegration(theirs.params)[1]

    model = WilsonCowan(a_e=1.5, a_i=1.5, theta_e=3.0, theta_i=3.0, shifted=0.0, P=0.65, tau_e_ms=2.5, tau_i_ms=3.75)
    ours = MassNetwork(
        "net", connectome, model, speed_m_s=SPEED_M_S, coupling=Linear(0.02), integrator="euler", initial=initial
    )

    def run_ours(window: int = ticks) -> Any:
        return lived(prepared(ours), ticks, window)

    expected = run_theirs()[:, -ticks - 1 : -1].T
    np.testing.assert_allclose(run_ours()[0]["E"].values, expected, rtol=1e-9, atol=1e-12)
    assert np.ptp(expected, axis=0).min() > 0.01
    times = medians({"ours": run_ours, "in windows of 16": lambda: run_ours(16), "neurolib": run_theirs}, ticks)
    for name, each in times.items():
        print(f"Wilson-Cowan, Euler, {n} nodes: {name:18s}{each:8.2f}   {times['neurolib'] / each:5.1f} x")


if __name__ == "__main__":
    print(f"Python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}, one core")
    print(f"medians of {REPEATS}, microseconds a step of {TICK_MS} ms\n")
    tvb76 = Connectome.load("tvb76")
    print("coupling")
    ticks_of_delay = np.rint(tvb76.delays_ms(SPEED_M_S, TICK_MS) / TICK_MS).astype(int)
    random = np.random.default_rng(0)
    many, delays = random.random((1000, 1000)), random.integers(32, 500, (1000, 1000))
    some = many * (random.random(many.shape) < 0.27)
    for length in (16, 32):
        measure_coupling("76 regions of a brain", np.array(tvb76.weights), ticks_of_delay, length)
        measure_coupling("1,000 nodes, all pairs", many, delays, length)
        measure_coupling("1,000 nodes, 27 % of pairs", some, delays, length)
    print("\nwhole networks, 76 regions, all outputs")
    measure_networks(tvb76)
    print()
    measure_against_neurolib(tvb76)
