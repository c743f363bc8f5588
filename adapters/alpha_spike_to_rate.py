"""Spikes to rate: the alpha function of a synapse, which rises before it decays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from adapters._pooling import Pooling
from hybrid.adapter import Adapter
from hybrid.clock import Clock
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
        self._tick_s = clock.tick_ms * 1e-3
        self._keep = float(np.exp(-clock.tick_ms / self.tau_ms))
        self._memory = np.zeros((2, self.emitted_size(source.size)))  # what both filters start the next tick from, Hz

    def emitted_size(self, size: int) -> int:
        return self._pooling.lines(size)

    def convert(self, signal: Spikes) -> Rates:
        from scipy.signal import lfilter  # it takes as long to import as all else

        spikes_per_s = self._pooling.sums(signal) / self._pooling.share(signal.size) / self._tick_s
        gain, decay, first, second = 1 - self._keep, [1.0, -self._keep], self._memory[:1], self._memory[1:]
        rising, first = lfilter([gain], decay, spikes_per_s, axis=0, zi=first)
        hz, second = lfilter([0.0, gain], decay, rising, axis=0, zi=second)
        self._memory = np.concatenate([first, second])
        return Rates(signal.window, hz.shape[1], hz)

    def expected(self, signal: Spikes) -> Moments:
        total = self._pooling.total(signal)
        return Moments(total, np.zeros_like(total))

    def held(self) -> FloatArray:
        left: FloatArray = self._memory.sum(axis=0) / (1 - self._keep) * self._tick_s
        return left

    def state(self) -> dict[str, NDArray[Any]]:
        return {"memory": self._memory.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._memory = np.array(state["memory"], dtype=np.float64)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), **self._pooling.describe()}
