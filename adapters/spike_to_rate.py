"""Spikes to rate: a causal exponential filter that keeps every spike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from adapters._filters import filter_in_place
from adapters._pooling import Pooling
from hybrid.adapter import Adapter, arrays, check_fits
from hybrid.clock import Clock, Window
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
    groups: instead of ``pool``, the sizes of consecutive groups of lines: the mean rate per line of each (one line each).
    """

    accepts = Spikes
    emits = Rates

    def __init__(
        self,
        tau_ms: Any = 20.0,
        pool: Literal["mean", "sum"] | None = None,
        groups: Sequence[int] | None = None,
    ) -> None:
        self.tau_ms = number(tau_ms, "ms", "SpikeToRate: tau_ms", positive=True)
        self.pool = pool
        self._pooling = Pooling(pool, groups, "SpikeToRate")

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock, self._tick_s = clock, clock.tick_ms * 1e-3
        self._keep = float(arrays.exp(-clock.tick_ms / self.tau_ms))
        self._memory = np.zeros((1, self.emitted_size(source.size)))  # what the next tick starts from, Hz
        SpikeToRate.convert(
            self, Spikes.silence(Window(0, 0), source.size)
        )  # compiles now, if ever, and not in the first window

    def emitted_size(self, size: int) -> int:
        return self._pooling.lines(size)

    def convert(self, signal: Spikes) -> Rates:
        hz = self._pooling.rates(signal, self._tick_s)
        filter_in_place(hz, 1 - self._keep, 0.0, self._keep, self._memory[0])
        return Rates.of(signal.window, hz.shape[1], hz)

    def expected(self, signal: Spikes) -> Moments:
        return self.expected_of_total(signal.total(self._clock))

    def expected_of_total(self, total: FloatArray) -> Moments:
        mean = self._pooling.mean_of(total)
        return Moments(mean, np.zeros_like(mean))

    def held(self) -> FloatArray:
        left: FloatArray = self._memory[0] / (1 - self._keep) * self._tick_s
        return left

    def state(self) -> dict[str, NDArray[Any]]:
        return {"memory": self._memory.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_fits(type(self).__name__, state, self.state())
        self._memory = np.array(state["memory"], dtype=np.float64)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), **self._pooling.describe()}
