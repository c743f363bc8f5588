"""Spikes to rate: the alpha function of a synapse, which rises before it decays."""

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


class AlphaSpikeToRate(Adapter):
    """Filter spikes into rates: a spike adds ``t / tau^2 exp(-t / tau)``, 1/s, whose integral over all later time is one.

    The shape of Rall (1967) J Neurophysiol 30:1138, which starts at 0, peaks at ``tau`` and lags by ``2 tau``; as noise the
    rate of a Poisson line r has the variance ``r / (4 tau)``, half that of the exponential filter. In discrete time
    ``k[n] = (1-a)^2 / tick * n a^(n-1)`` with ``a = exp(-tick/tau)``, the same shape at the ticks, with sum exactly 1. It is
    two exponential filters in a row, the second one tick late, whose memories are carried across windows.

    Parameters
    ----------
    tau_ms: time constant, and time of the peak.
    pool: ``None`` gives a rate for each line, ``"mean"`` the mean rate per line of the whole population (one line),
        ``"sum"`` the population's summed rate (one line).
    groups: instead of ``pool``, the sizes of consecutive groups of lines: the mean rate per line of each (one line each).
    """

    accepts = Spikes
    emits = Rates
    shape = "alpha"  # of the filter

    def __init__(
        self,
        tau_ms: Any = 10.0,
        pool: Literal["mean", "sum"] | None = None,
        groups: Sequence[int] | None = None,
    ) -> None:
        self.tau_ms = number(tau_ms, "ms", "AlphaSpikeToRate: tau_ms", positive=True)
        self.pool = pool
        self._pooling = Pooling(pool, groups, "AlphaSpikeToRate")

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock, self._tick_s = clock, clock.tick_ms * 1e-3
        self._keep = float(arrays.exp(-clock.tick_ms / self.tau_ms))
        self._memory = np.zeros((2, self.emitted_size(source.size)))  # what both filters start the next tick from, Hz
        AlphaSpikeToRate.convert(
            self, Spikes.silence(Window(0, 0), source.size)
        )  # compiles now, if ever, and not in the first window

    def emitted_size(self, size: int) -> int:
        return self._pooling.lines(size)

    def convert(self, signal: Spikes) -> Rates:
        hz, gain = self._pooling.rates(signal, self._tick_s), 1 - self._keep
        filter_in_place(hz, gain, 0.0, self._keep, self._memory[0])
        filter_in_place(hz, 0.0, gain, self._keep, self._memory[1])
        return Rates.of(signal.window, hz.shape[1], hz)

    def expected(self, signal: Spikes) -> Moments:
        return self.expected_of_total(signal.total(self._clock))

    def expected_of_total(self, total: FloatArray) -> Moments:
        mean = self._pooling.mean_of(total)
        return Moments(mean, np.zeros_like(mean))

    def held(self) -> FloatArray:
        left: FloatArray = self._memory.sum(axis=0) / (1 - self._keep) * self._tick_s
        return left

    def state(self) -> dict[str, NDArray[Any]]:
        return {"memory": self._memory.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_fits(type(self).__name__, state, self.state())
        self._memory = np.array(state["memory"], dtype=np.float64)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), **self._pooling.describe()}
