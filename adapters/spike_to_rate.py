"""Spikes to rate: a causal exponential filter that keeps every spike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from hybrid.adapter import Adapter
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError
from hybrid.signals import Moments, Rates, Spikes
from hybrid.units import FloatArray, number


class SpikeToRate(Adapter):
    """Low-pass filter spikes into rates: a spike adds ``exp(-t / tau) / tau``, whose integral over all later time is one.

    The filter's memory is carried across windows, so the integral of the rate equals the number of spikes for any window.
    In discrete time ``y[t] = a y[t-1] + (1-a)/tick * n[t]`` with ``a = exp(-tick/tau)``: the sum of a spike's share is exactly 1.

    Parameters
    ----------
    tau_ms: time constant of the filter.
    pool: ``None`` gives a rate for each line, ``"mean"`` the mean rate per line of the whole population (one line),
        ``"sum"`` the population's summed rate (one line).
    """

    accepts = Spikes
    emits = Rates

    def __init__(self, tau_ms: Any = 20.0, pool: Literal["mean", "sum"] | None = None) -> None:
        self.tau_ms = number(tau_ms, "ms", "SpikeToRate: tau_ms", positive=True)
        if pool not in (None, "mean", "sum"):
            raise ConfigurationError(f"SpikeToRate: pool = {pool!r} is not known; give None, 'mean' or 'sum'")
        self.pool = pool

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock, self._tick_s = clock, clock.tick_ms * 1e-3
        self._keep = float(np.exp(-clock.tick_ms / self.tau_ms))
        self._memory = np.zeros((1, self.emitted_size(source.size)))  # what the next tick starts from, Hz

    def emitted_size(self, size: int) -> int:
        return size if self.pool is None else 1

    def convert(self, signal: Spikes) -> Rates:
        spikes_per_s = self._pooled(signal) / self._tick_s
        hz, self._memory = lfilter([1 - self._keep], [1.0, -self._keep], spikes_per_s, axis=0, zi=self._memory)
        return Rates(signal.window, hz.shape[1], hz)

    def _pooled(self, signal: Spikes) -> FloatArray:
        """Spikes per tick, ``[ticks, lines out]``."""
        if self.pool is None:
            return signal.to_counts().astype(np.float64)
        ticks = signal.ticks - signal.window.start
        together = np.bincount(ticks, weights=signal.counts, minlength=len(signal.window))[:, None]
        return together / (signal.size if self.pool == "mean" else 1)

    def expected(self, signal: Spikes) -> Moments:
        total = signal.total(self._clock)
        if self.pool is not None:
            total = np.array([total.sum() / (signal.size if self.pool == "mean" else 1)])
        return Moments(total, np.zeros_like(total))

    def held(self) -> FloatArray:
        left: FloatArray = self._memory[0] / (1 - self._keep) * self._tick_s
        return left

    def state(self) -> dict[str, NDArray[Any]]:
        return {"memory": self._memory.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._memory = np.array(state["memory"], dtype=np.float64)
