"""Spikes to rate: the count of the last milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from adapters._pooling import Pooling
from hybrid.adapter import Adapter, check_fits
from hybrid.clock import Clock, Window
from hybrid.errors import TimeError
from hybrid.signals import Moments, Rates, Spikes
from hybrid.units import FloatArray, number


class BoxSpikeToRate(Adapter):
    """The rate as the number of spikes in the trailing ``width``, divided by ``width``: ``y[t] = sum_{k<w} n[t-k] / (w tick)``.

    The counts of the last ``w`` ticks are carried across windows, so that each spike counts in exactly ``w`` ticks, one
    spike in all. As noise the rate of a Poisson line r has the variance ``r / width``; the lag is ``width / 2``. Counts are
    summed as whole numbers, without rounding.

    Parameters
    ----------
    width_ms: a whole number of ticks.
    pool: ``None`` gives a rate for each line, ``"mean"`` the mean rate per line of the whole population (one line),
        ``"sum"`` the population's summed rate (one line).
    groups: instead of ``pool``, the sizes of consecutive groups of lines: the mean rate per line of each (one line each).
    """

    accepts = Spikes
    emits = Rates

    def __init__(
        self,
        width_ms: Any = 20.0,
        pool: Literal["mean", "sum"] | None = None,
        groups: Sequence[int] | None = None,
    ) -> None:
        self.width_ms = number(width_ms, "ms", "BoxSpikeToRate: width_ms", positive=True)
        self.pool = pool
        self._pooling = Pooling(pool, groups, "BoxSpikeToRate")

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock, self._tick_s = clock, clock.tick_ms * 1e-3
        self._width = clock.ticks(self.width_ms, "BoxSpikeToRate: width_ms")
        if self._width < 1:
            raise TimeError(
                f"BoxSpikeToRate: width_ms = {self.width_ms:g} must be at least a tick, {clock.tick_ms:g} ms"
            )
        self._share = self._pooling.share(source.size)
        self._recent = np.zeros((self._width, self.emitted_size(source.size)))  # spikes of the last ticks, oldest first
        BoxSpikeToRate.convert(
            self, Spikes.silence(Window(0, 0), source.size)
        )  # compiles now, if ever, and not in the first window

    def emitted_size(self, size: int) -> int:
        return self._pooling.lines(size)

    def convert(self, signal: Spikes) -> Rates:
        entering = self._pooling.sums(signal)
        both = np.concatenate([self._recent, entering])
        leaving = both[: len(entering)]
        inside = self._recent.sum(axis=0) + np.cumsum(entering - leaving, axis=0)
        self._recent = both[len(entering) :]
        return Rates(signal.window, inside.shape[1], inside / self._share / (self._width * self._tick_s))

    def expected(self, signal: Spikes) -> Moments:
        return self.expected_of_total(signal.total(self._clock))

    def expected_of_total(self, total: FloatArray) -> Moments:
        mean = self._pooling.mean_of(total)
        return Moments(mean, np.zeros_like(mean))

    def held(self) -> FloatArray:
        to_come = np.arange(self._width) / self._width  # the oldest has counted in all its ticks, the newest in one
        left: FloatArray = to_come @ self._recent / self._share
        return left

    def state(self) -> dict[str, NDArray[Any]]:
        return {"recent": self._recent.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_fits(type(self).__name__, state, self.state())
        self._recent = np.array(state["recent"], dtype=np.float64)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), **self._pooling.describe()}
