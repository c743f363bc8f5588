"""The delayed sums of a network of masses alone, a block at a time, against a gather at every step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from benchmarks.timing import SPEED_M_S, TICK_MS, medians
from hybrid.connectome import Connectome
from hybrid.masses.compiled.far import far_sums, split


def coupling_kernel(block: int) -> Any:
    @njit(error_model="numpy")
    def sums(history: Any, base: int, far: Any, felt: Any) -> None:
        far_sums(history, base, far.first, far.shift, far.weight, far.sums, felt, block, 0, history.shape[1])

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
    times = medians(work, block, max(1, 1_000_000 // (target.size * block)), repeats=9)
    best = min(times["gather"], times["fastmath"])
    print(
        f"{name:26s}{target.size:8d} pairs, blocks of {block}: {times['blocks']:8.2f}   gather {times['gather']:8.2f}   "
        f"with fastmath {times['fastmath']:8.2f}   {best / times['blocks']:.1f} x"
    )


def measure(brain: Connectome) -> None:
    print("\ncoupling alone, against a gather at every step")
    ticks_of_delay = np.rint(brain.delays_ms(SPEED_M_S, TICK_MS) / TICK_MS).astype(int)
    random = np.random.default_rng(0)
    many, delays = random.random((1000, 1000)), random.integers(32, 500, (1000, 1000))
    some = many * (random.random(many.shape) < 0.27)
    for length in (16, 32):
        measure_coupling("76 regions of a brain", np.array(brain.weights), ticks_of_delay, length)
        measure_coupling("1,000 nodes, all pairs", many, delays, length)
        measure_coupling("1,000 nodes, 27 % of pairs", some, delays, length)
