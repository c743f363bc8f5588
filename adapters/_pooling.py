"""How the lines of a population become those of a rate: each its own, all as one, or consecutive groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.adapter import njit
from hybrid.errors import ConfigurationError, WiringError
from hybrid.signals import Spikes
from hybrid.units import FloatArray, whole_numbers


class Pooling:
    """Sums the spikes of lines that become one.

    Parameters
    ----------
    pool: ``None`` keeps the lines, ``"mean"`` and ``"sum"`` make the whole population one line.
    groups: instead, the sizes of consecutive groups; each becomes one line, its mean.
    what: the adapter, for messages.
    """

    def __init__(self, pool: str | None, groups: Sequence[int] | None, what: str) -> None:
        if pool not in (None, "mean", "sum"):
            raise ConfigurationError(f"{what}: pool = {pool!r} is not known; give None, 'mean' or 'sum'")
        if pool is not None and groups is not None:
            raise ConfigurationError(f"{what}: pool = {pool!r} and groups exclude each other; give one of them")
        self._pool, self._what = pool, what
        self._groups = None if groups is None else _sizes(groups, what)
        self._becomes: NDArray[np.int64] | None = None

    def describe(self) -> dict[str, Any]:
        """What the adapter keeps with the results, besides ``pool``."""
        return {} if self._groups is None else {"groups": self._groups.tolist()}

    def lines(self, size: int) -> int:
        """How many lines ``size`` become; ``WiringError`` if the groups do not add up to it."""
        if self._groups is None:
            return size if self._pool is None else 1
        if self._groups.sum() != size:
            raise WiringError(
                f"{self._what}: groups {self._groups.tolist()} have {self._groups.sum()} lines together, the source has {size}"
            )
        return len(self._groups)

    def sums(self, signal: Spikes) -> FloatArray:
        """Spikes in each tick ``[ticks, lines]``: whole numbers."""
        window = signal.window
        sums = np.zeros((window.stop - window.start, self.lines(signal.size)))
        _add_up(signal.ticks, signal.ids, signal.counts, window.start, self._line_of(signal.size), sums)
        return sums

    def rates(self, signal: Spikes, tick_s: float) -> FloatArray:
        """Spikes per second in each tick ``[ticks, lines]``, a mean where it is one."""
        rates = self.sums(signal)
        _per_second(rates, np.asarray(self.share(signal.size)).reshape(-1), tick_s)
        return rates

    def mean_of(self, total: FloatArray) -> FloatArray:
        """Of the spikes of all lines those of each that they become, a mean where it is one."""
        pooled = np.zeros(self.lines(total.size))
        np.add.at(pooled, self._line_of(total.size), total)
        mean: FloatArray = pooled / self.share(total.size)
        return mean

    def share(self, size: int) -> FloatArray | float:
        """How many lines a mean is over (1 where it is no mean), a number or ``[lines]``."""
        if self._groups is not None:
            return self._groups.astype(np.float64)
        return float(size) if self._pool == "mean" else 1.0

    def _line_of(self, size: int) -> NDArray[np.int64]:
        """The line that each of ``size`` lines becomes."""
        if self._becomes is None or self._becomes.size != size:
            if self._groups is not None:
                self._becomes = np.repeat(np.arange(len(self._groups)), self._groups)
            else:
                self._becomes = np.arange(size) if self._pool is None else np.zeros(size, np.int64)
        return self._becomes


@njit(nogil=True, cache=True)
def _add_up(ticks: Any, ids: Any, counts: Any, start: int, line_of: Any, sums: Any) -> None:
    for k in range(ids.size):
        sums[ticks[k] - start, line_of[ids[k]]] += counts[k]


@njit(nogil=True, cache=True)
def _per_second(sums: Any, share: Any, tick_s: float) -> None:
    for t in range(sums.shape[0]):
        for line in range(sums.shape[1]):
            sums[t, line] = sums[t, line] / share[line if share.size > 1 else 0] / tick_s


def _sizes(groups: Sequence[int], what: str) -> NDArray[np.int64]:
    given = whole_numbers(groups, np.int32, f"{what}: groups", at_least=1)
    if not given.size:
        raise ConfigurationError(f"{what}: groups = {groups!r} must be sizes of groups, at least one")
    return given.astype(np.int64)
