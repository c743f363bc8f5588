"""How the lines of a population become those of a rate: each its own, all as one, or consecutive groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        shape = len(signal.window), self.lines(signal.size)
        flat = (signal.ticks - signal.window.start) * shape[1] + self._line_of(signal)
        return _counted(flat, signal, shape[0] * shape[1]).reshape(shape)

    def total(self, signal: Spikes) -> FloatArray:
        """Spikes of the whole window, a mean where it is one, ``[lines]``."""
        return _counted(self._line_of(signal), signal, self.lines(signal.size)) / self.share(signal.size)

    def share(self, size: int) -> FloatArray | float:
        """How many lines a mean is over (1 where it is no mean), a number or ``[lines]``."""
        if self._groups is not None:
            return self._groups.astype(np.float64)
        return float(size) if self._pool == "mean" else 1.0

    def _line_of(self, signal: Spikes) -> NDArray[np.int64]:
        """The line that each event becomes."""
        if self._groups is not None:
            return np.searchsorted(np.cumsum(self._groups), signal.ids, side="right")
        return (signal.ids if self._pool is None else np.zeros_like(signal.ids)).astype(np.int64)


def _counted(places: NDArray[np.int64], signal: Spikes, size: int) -> FloatArray:
    return np.bincount(places, weights=signal.counts, minlength=size).astype(np.float64, copy=False)


def _sizes(groups: Sequence[int], what: str) -> NDArray[np.int64]:
    given = whole_numbers(groups, np.int32, f"{what}: groups", at_least=1)
    if not given.size:
        raise ConfigurationError(f"{what}: groups = {groups!r} must be sizes of groups, at least one")
    return given.astype(np.int64)
