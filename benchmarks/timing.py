"""Taking the time of several things in turns, and of networks of masses in particular."""

from __future__ import annotations

import os

os.environ["NUMBA_NUM_THREADS"] = "1"  # one core, before numba and numpy are imported
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hybrid.clock import Clock, Window
from hybrid.connectome import Connectome
from hybrid.masses import MassNetwork
from hybrid.random import named_stream
from hybrid.signals import Rates
from hybrid.units import FloatArray

TICK_MS, SPEED_M_S, REPEATS = 0.1, 3.0, 15


def medians(
    work: Mapping[str, Callable[[], Any]], steps: int | Mapping[str, int], calls: int = 1, repeats: int = REPEATS
) -> dict[str, float]:
    """Median processor time of each, microseconds a step, all taking turns; ``steps`` of one call, of all or of each."""
    each_steps = dict.fromkeys(work, steps) if isinstance(steps, int) else steps
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, run in work.items():
            begin = time.process_time()
            for _ in range(calls):
                run()
            times[name].append((time.process_time() - begin) / (each_steps[name] * calls) * 1e6)
    return {name: statistics.median(each) for name, each in times.items()}


def prepared(network: MassNetwork) -> MassNetwork:
    network.prepare(Clock(TICK_MS), named_stream(1, "component", network.name))
    return network


def lived(network: MassNetwork, ticks: int, window: int, start: int = 0) -> Any:
    parts = []
    for each in Window(start, start + ticks).cut(window):
        parts.append(network.advance(each, {"drive": Rates.silence(each, network["drive"].size)}))
    return parts


def living(network: MassNetwork, ticks: int, window: int | None = None) -> Callable[[], Any]:
    """A function that takes a network so many ticks on, each time it is called."""
    starts = itertools.count(step=ticks)
    prepared(network)
    return lambda: lived(network, ticks, window or ticks, next(starts))


def synthetic(n: int, density: float, seed: int = 0) -> Connectome:
    """``n`` nodes with this share of all tracts, their lengths drawn from those between the 76 regions of tvb76.

    Weights are uniform and add up to 1 for the mean target, as numbers that single precision can hold.
    """
    rng = np.random.default_rng(seed)
    brain = Connectome.load("tvb76")
    known = brain.lengths_mm[np.array(brain.weights) > 0]
    lengths = known[rng.integers(known.size, size=(n, n), dtype=np.uint16)]
    weights = rng.random((n, n), dtype=np.float32)
    if density < 1.0:
        weights *= rng.random((n, n), dtype=np.float32) < density
    np.fill_diagonal(weights, 0.0)
    np.fill_diagonal(lengths, 0.0)
    return Connectome(tuple(f"n{k}" for k in range(n)), normalised(weights), lengths, np.zeros((n, 3)))


def normalised(weights: Any) -> FloatArray:
    """Divided by the mean sum over sources, and rounded to single precision, which some peers compute in."""
    return np.asarray(weights / weights.sum(axis=1).mean(), dtype=np.float32).astype(np.float64)


def met(reached: bool) -> str:
    return "met" if reached else "MISSED"
