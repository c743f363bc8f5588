"""What is in flight between two components: weighed and delayed sums of continuous signals, and delayed spikes.

Both lines answer the same question: what arrives at target i during a window, ``sum_j w[i, j] * x[j](t - d[i, j])``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.cache import njit
from hybrid.clock import Window
from hybrid.errors import TimeError
from hybrid.signals import ArraySignal, Spikes
from hybrid.units import FloatArray

IntArray = NDArray[np.int64]


@njit(nogil=True, cache=True)
def _weighed_sums(
    history: FloatArray,
    at: int,
    indptr: IntArray,
    indices: IntArray,
    weights: FloatArray,
    delays: IntArray,
    out: FloatArray,
) -> None:
    """``out[tick, target]`` in the order of sources; column ``at`` of the history is the first tick of ``out``."""
    ticks = out.shape[0]
    sums = np.empty(ticks)
    for target in range(out.shape[1]):
        sums[:] = 0.0
        for k in range(indptr[target], indptr[target + 1]):
            source, first, weight = indices[k], at - delays[k], weights[k]
            for tick in range(ticks):
                sums[tick] += weight * history[source, first + tick]
        out[:, target] = sums


class DelayLine:
    """Weighed, delayed sums of a continuous signal, over whole windows at a time.

    Parameters
    ----------
    weights, delays: ``[target, source]``; delays are whole ticks. Entries of weight 0 are left out.

    Before tick 0 every source was silent. How the ticks are cut into calls does not change a bit of what comes out.
    """

    def __init__(self, weights: FloatArray, delays: IntArray) -> None:
        used = weights != 0
        self._sources = weights.shape[1]
        self._longest = int(delays[used].max(initial=0))
        self._shortest = int(delays[used].min(initial=self._longest))
        # targets with the same weights and delays hear the same: sum once, hand out many times
        distinct, self._row_of = np.unique(
            np.concatenate([weights, np.where(used, delays, 0)], axis=1), axis=0, return_inverse=True
        )
        self._weights, self._delays = weights, delays
        row_weights, row_delays = distinct[:, : self._sources], distinct[:, self._sources :]
        self._row_of = self._row_of.ravel()  # numpy 2.0 gives a column
        rows, self._indices = (index.astype(np.int64) for index in np.nonzero(row_weights))
        self._indptr = np.searchsorted(rows, np.arange(len(distinct) + 1)).astype(np.int64)
        self._row_weights = np.ascontiguousarray(row_weights[row_weights != 0])
        self._row_delays = row_delays[row_weights != 0].astype(np.int64)
        self._history = np.zeros((self._sources, 2 * self._longest + 64))
        self._first = -self._longest  # tick of the history's first column
        self._until = 0  # first tick not yet known
        self.read(Window(0, 0))  # compiles now, if ever, and not in the first window

    def push(self, signal: ArraySignal) -> None:
        """Take what the sources did over the next window."""
        _check_next(signal.window, self._until)
        end = self._until - self._first
        if end + len(signal.window) > self._history.shape[1]:
            self._make_room(len(signal.window))
            end = self._until - self._first
        self._history[:, end : end + len(signal.window)] = signal.values.T
        self._until = signal.window.stop

    def _make_room(self, ticks: int) -> None:
        """Keep the longest delay, forget the rest, and have space for ``ticks`` more."""
        keep = self._history[:, self._until - self._longest - self._first : self._until - self._first]
        if self._longest + ticks > self._history.shape[1]:
            self._history = np.zeros((self._sources, 2 * (self._longest + ticks)))
        self._history[:, : self._longest] = keep.copy()
        self._first = self._until - self._longest

    def read(self, window: Window) -> FloatArray:
        """What arrives, ``[ticks, target]``; every tick of it must have been sent already."""
        if len(self._indices) and not (
            self._first <= window.start - self._longest and window.stop - self._shortest <= self._until
        ):
            raise TimeError(
                f"what arrives over {window} cannot be told: known are the ticks {self._first} to {self._until}"
            )
        sums = np.empty((len(window), len(self._indptr) - 1))
        at = window.start - self._first
        _weighed_sums(self._history, at, self._indptr, self._indices, self._row_weights, self._row_delays, sums)
        return sums[:, self._row_of]

    def in_flight(self) -> FloatArray:
        """Per target, the weighed sum over ticks of what was sent and has not arrived."""
        recent = self._history[:, : self._until - self._first]
        last = np.concatenate([np.zeros((self._sources, 1)), np.cumsum(recent[:, ::-1], axis=1)], axis=1)
        on_the_way = last[np.arange(self._sources), np.where(self._weights != 0, self._delays, 0)]
        flying: FloatArray = (self._weights * on_the_way).sum(axis=1)
        return flying

    def state(self) -> dict[str, NDArray[Any]]:
        end = self._until - self._first
        return {"history": self._history[:, end - self._longest : end].copy(), "until": np.array(self._until)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._until = int(state["until"])
        self._first = self._until - self._longest
        self._history[:, : self._longest] = state["history"]


class SpikeLine:
    """Delayed spikes: an event of source j reaches target i after ``delays[i, j]`` ticks, ``weights[i, j]`` times.

    ``weights`` are whole numbers: synaptic strength belongs to the circuit's ``Synapses``.
    """

    def __init__(self, weights: FloatArray, delays: IntArray) -> None:
        self._copies = weights.astype(np.int64)
        self._targets, self._delays = len(weights), delays
        self._until = 0
        self._events: tuple[IntArray, IntArray, IntArray] = _no_events()

    def push(self, signal: Spikes) -> None:
        _check_next(signal.window, self._until)
        self._until = signal.window.stop
        targets, events = np.nonzero(self._copies[:, signal.ids])
        sources = signal.ids[events]
        sent = (
            signal.ticks[events] + self._delays[targets, sources],
            targets,
            signal.counts[events] * self._copies[targets, sources],
        )
        ticks, ids, counts = (np.concatenate(pair) for pair in zip(self._events, sent, strict=True))
        order = np.lexsort((ids, ticks))
        self._events = ticks[order], ids[order], counts[order]

    def read(self, window: Window) -> Spikes:
        """What arrives; it leaves the line."""
        due = int(np.searchsorted(self._events[0], window.stop))
        ticks, ids, counts = (column[:due] for column in self._events)
        self._events = tuple(column[due:] for column in self._events)  # type: ignore[assignment]
        return Spikes(window, self._targets, ticks, ids, counts)

    def in_flight(self) -> FloatArray:
        return np.bincount(self._events[1], weights=self._events[2], minlength=self._targets).astype(np.float64)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"events": np.array(self._events), "until": np.array(self._until)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._until = int(state["until"])
        ticks, ids, counts = np.array(state["events"], dtype=np.int64)
        self._events = ticks, ids, counts


def _no_events() -> tuple[IntArray, IntArray, IntArray]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)


def _check_next(window: Window, until: int) -> None:
    if window.start != until:
        raise TimeError(f"a signal over {window} came where the one that starts at tick {until} was due")
