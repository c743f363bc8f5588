"""Spikes: events of neurons or fibres, as lists."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError
from hybrid.signals.signal import Signal, check_matrix, line_count
from hybrid.signals.sums import add_counts
from hybrid.units import FloatArray, whole_numbers

MOST_SPIKES = 2_000_000_000  # of a line in a tick, as a mean: so that no count that is drawn exceeds its 32 bits
_MOST_PLACES = 2**63 - 1


class Spikes(Signal):
    """Events: ``counts[k]`` spikes of line ``ids[k]`` in tick ``ticks[k]``, sorted by tick, then by id.

    Parameters
    ----------
    window, size: when, and of how many lines.
    ticks, ids, counts: whole numbers, one entry an event; ``counts`` may be left out (one spike each). Several
        spikes of one line in one tick are a count, not a loss.
    """

    __slots__ = ("counts", "ids", "ticks")
    unit = "spikes"

    def __init__(
        self, window: Window, size: int, ticks: ArrayLike = (), ids: ArrayLike = (), counts: ArrayLike | None = None
    ) -> None:
        self.window, self.size = window, line_count(size)
        self.ticks = whole_numbers(ticks, np.int64, "ticks of spikes")
        self.ids = whole_numbers(ids, np.int32, "ids of spikes")
        self.counts = np.ones(self.ticks.size, np.int32) if counts is None else _counts(counts)
        events = self.ticks.size
        if not self.ids.size == self.counts.size == events:
            raise ConfigurationError(
                f"spikes need as many ids ({self.ids.size}) and counts ({self.counts.size}) as ticks ({events})"
            )
        if not events:
            return
        first, last = _ends(self.ticks)
        if first < window.start or last >= window.stop:
            raise ConfigurationError(f"spikes at ticks {first} to {last} are not in window {window}")
        lowest, highest = _ends(self.ids)
        if lowest < 0 or highest >= self.size:
            raise ConfigurationError(f"spikes of lines {lowest} to {highest}, but there are {self.size}")
        if counts is not None and (fewest := _ends(self.counts)[0]) < 0:
            raise ConfigurationError(f"a count of spikes is below 0: {fewest}")
        if (last - first + 1) * self.size > _MOST_PLACES:
            raise ConfigurationError(
                f"{self!r} has more ticks x lines than can be counted; cut it into shorter windows"
            )
        key = (self.ticks - first) * self.size + self.ids
        if (key[1:] < key[:-1]).any():
            order = np.argsort(key, kind="stable")
            self.ticks, self.ids, self.counts = self.ticks[order], self.ids[order], self.counts[order]

    @classmethod
    def of(
        cls, window: Window, size: int, ticks: NDArray[np.int64], ids: NDArray[np.int32], counts: NDArray[np.int32]
    ) -> Self:
        """From arrays of these types that are sorted and within bounds: nothing is checked, which would take too long."""
        signal = object.__new__(cls)
        signal.window, signal.size, signal.ticks, signal.ids, signal.counts = window, size, ticks, ids, counts
        return signal

    @classmethod
    def silence(cls, window: Window, size: int) -> Self:
        return cls(window, size)

    @classmethod
    def from_counts(cls, window: Window, counts: ArrayLike) -> Self:
        """From a dense array ``[ticks, size]`` of counts."""
        dense = np.asarray(counts)
        if dense.ndim != 2 or dense.shape[0] != len(window):
            raise ConfigurationError(f"counts of shape {dense.shape} do not fit {len(window)} ticks x lines")
        rows, ids = np.nonzero(dense)
        return cls(window, dense.shape[1], rows + window.start, ids, dense[rows, ids])

    def to_counts(self) -> NDArray[np.int32]:
        """A dense array ``[ticks, size]`` of counts."""
        most = np.iinfo(np.int32).max
        fits = int(self.counts.sum(dtype=np.int64)) <= most
        dense = np.zeros((len(self.window), self.size), np.int32 if fits else np.int64)
        np.add.at(dense, (self.ticks - self.window.start, self.ids), self.counts)
        if not fits and dense.max() > most:
            raise ConfigurationError(f"{dense.max()} spikes of one line in one tick; at most {most:,} can be counted")
        return dense.astype(np.int32, copy=False)

    def __add__(self, other: Self) -> Self:
        self._check_match(other)
        return type(self)(
            self.window,
            self.size,
            np.concatenate([self.ticks, other.ticks]),
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.counts, other.counts]),
        )

    def scaled(self, weight: ArrayLike) -> Self:
        whole = _copies(weight)
        if whole.ndim == 0:
            return type(self)(self.window, self.size, self.ticks, self.ids, self.counts.astype(np.int64) * whole)
        check_matrix(whole, self.size)
        targets, events = np.nonzero(whole[:, self.ids])
        return type(self)(
            self.window,
            whole.shape[0],
            self.ticks[events],
            targets,
            self.counts[events] * whole[targets, self.ids[events]],
        )

    def shifted(self, ticks: int) -> Self:
        return self.of(self.window.shifted(ticks), self.size, self.ticks + ticks, self.ids, self.counts)

    def during(self, window: Window) -> Self:
        self._check_covers(window)
        first, last = np.searchsorted(self.ticks, (window.start, window.stop))
        return self.of(window, self.size, self.ticks[first:last], self.ids[first:last], self.counts[first:last])

    def total(self, clock: Clock) -> FloatArray:
        totals = np.zeros(self.size)
        add_counts(np.asarray(self.ids), np.asarray(self.counts), totals)  # of results they may still be in a file
        return totals

    def add_to(self, totals: FloatArray) -> None:
        add_counts(self.ids, self.counts, totals)

    @classmethod
    def in_total(cls, totals: FloatArray, clock: Clock) -> FloatArray:
        return totals

    def payload(self) -> tuple[NDArray[Any], ...]:
        return self.ticks, self.ids, self.counts

    @classmethod
    def from_payload(cls, window: Window, size: int, payload: tuple[NDArray[Any], ...]) -> Self:
        return cls(window, size, *payload)


def _counts(value: ArrayLike) -> NDArray[np.int32]:
    """Counts of spikes; yes and no are one spike and none."""
    given = np.asarray(value)
    return whole_numbers(given.astype(np.int32) if given.dtype == bool else given, np.int32, "counts of spikes")


def _copies(weight: ArrayLike) -> NDArray[np.int64]:
    """Weights of spikes: so small that their product with a count is exact."""
    given = np.asarray(weight)
    try:
        whole = whole_numbers(given.ravel(), np.int32, "weights of spikes", at_least=0)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; synaptic strength belongs to the circuit's Synapses") from None
    return whole.astype(np.int64).reshape(given.shape)


def _ends(values: NDArray[Any]) -> tuple[int, int]:
    return int(np.minimum.reduce(values)), int(np.maximum.reduce(values))
