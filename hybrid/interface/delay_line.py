"""What is in flight between two components: weighed and delayed sums of continuous signals, and delayed spikes.

Both lines answer the same question: what arrives at target i during a window, ``sum_j w[i, j] * x[j](t - d[i, j])``.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hybrid.cache import njit
from hybrid.clock import Window
from hybrid.component import check_fits
from hybrid.errors import CheckpointError, TimeError
from hybrid.interface.matrices import used
from hybrid.signals import ArraySignal, Spikes
from hybrid.units import FloatArray

IntArray = NDArray[np.int64]
_MOST = np.iinfo(np.int32).max  # spikes of a line in a tick


@njit(nogil=True, cache=True)
def _take_in(values: FloatArray, history: FloatArray, end: int) -> None:
    """Put ``values[tick, source]`` behind what is in the history."""
    for source in range(values.shape[1]):
        for tick in range(values.shape[0]):
            history[source, end + tick] = values[tick, source]


@njit(nogil=True, cache=True)
def _weighed_sums(
    history: FloatArray,
    at: int,
    indptr: IntArray,
    indices: IntArray,
    weights: FloatArray,
    delays: IntArray,
    row_of: IntArray,
    out: FloatArray,
) -> None:
    """``out[tick, target]`` in the order of sources; column ``at`` of the history is the first tick of ``out``."""
    ticks, rows = out.shape[0], indptr.size - 1
    sums = np.zeros((rows, ticks))
    for row in range(rows):
        for k in range(indptr[row], indptr[row + 1]):
            source, first, weight = indices[k], at - delays[k], weights[k]
            for tick in range(ticks):
                sums[row, tick] += weight * history[source, first + tick]
    for tick in range(ticks):
        for target in range(out.shape[1]):
            out[tick, target] = sums[row_of[target], tick]


class DelayLine:
    """Weighed, delayed sums of a continuous signal, over whole windows at a time.

    Parameters
    ----------
    weights, delays: ``[target, source]``, dense or of one sparse pattern; delays are whole ticks. Pairs of weight 0 are left
        out.

    Before tick 0 every source was silent. How the ticks are cut into calls does not change a bit of what comes out.
    """

    def __init__(self, weights: Any, delays: Any) -> None:
        weights, delays = used(weights, delays)
        self._sources = weights.shape[1]
        self._longest = int(delays.data.max(initial=0))
        self._shortest = int(delays.data.min(initial=self._longest))
        # targets with the same weights and delays hear the same: sum once, hand out many times
        first, self._row_of = _distinct_rows(weights, delays)
        weights, delays = weights[first], delays[first]
        self._indptr, self._indices = weights.indptr.astype(np.int64), weights.indices.astype(np.int64)
        self._row_weights, self._row_delays = weights.data, delays.data.astype(np.int64)
        self._history = np.zeros((self._sources, 2 * self._longest + 64))
        self._first = -self._longest  # tick of the history's first column
        self._until = 0  # first tick not yet known
        self.read(Window(0, 0))  # compiles now, if ever, and not in the first window
        _take_in(np.zeros((0, self._sources)), self._history, 0)

    def push(self, signal: ArraySignal) -> None:
        """Take what the sources did over the next window."""
        _check_next(signal.window, self._until)
        end, ticks = self._until - self._first, len(signal.window)
        if end + ticks > self._history.shape[1]:
            self._make_room(ticks)
            end = self._until - self._first
        _take_in(signal.values, self._history, end)
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
        out = np.empty((window.stop - window.start, self._row_of.size))
        _weighed_sums(
            self._history, window.start - self._first, self._indptr, self._indices, self._row_weights, self._row_delays,
            self._row_of, out,
        )  # fmt: skip
        return out

    def in_flight(self) -> FloatArray:
        """Per target, the weighed sum over ticks of what was sent and has not arrived."""
        recent = self._history[:, : self._until - self._first]
        last = np.concatenate([np.zeros((self._sources, 1)), np.cumsum(recent[:, ::-1], axis=1)], axis=1)
        on_the_way = self._row_weights * last[self._indices, self._row_delays]
        rows = np.repeat(np.arange(len(self._indptr) - 1), np.diff(self._indptr))
        return np.bincount(rows, on_the_way, len(self._indptr) - 1).astype(np.float64)[self._row_of]

    def state(self) -> dict[str, NDArray[Any]]:
        end = self._until - self._first
        return {"history": self._history[:, end - self._longest : end].copy(), "until": np.array(self._until)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_fits("what is in flight", state, self.state())
        self._until = int(state["until"])
        self._first = self._until - self._longest
        self._history[:, : self._longest] = state["history"]


@njit(nogil=True, cache=True)
def _queued(
    ticks: IntArray,
    ids: NDArray[np.int32],
    counts: NDArray[np.int32],
    first: IntArray,
    target: IntArray,
    copies: IntArray,
    delay: IntArray,
    queue: IntArray,
    targets: int,
) -> IntArray:
    """``queue[3, event]`` (ticks, targets, counts) with what events of sources become, sorted by tick, then by target."""
    more = 0
    for k in range(ids.size):
        more += first[ids[k] + 1] - first[ids[k]]
    at = queue.shape[1]
    longer = np.empty((3, at + more), np.int64)
    longer[:, :at] = queue
    for k in range(ids.size):
        for pair in range(first[ids[k]], first[ids[k] + 1]):
            longer[0, at] = ticks[k] + delay[pair]
            longer[1, at] = target[pair]
            longer[2, at] = counts[k] * copies[pair]
            at += 1
    place = (longer[0] - longer[0].min() if at else longer[0]) * targets + longer[1]
    for k in range(1, at):
        if place[k] < place[k - 1]:
            return longer[:, np.argsort(place, kind="mergesort")]
    return longer


@njit(nogil=True, cache=True)
def _due(queue: IntArray, stop: int) -> int:
    """How many events of the queue come before ``stop``; below 0 where a count is too large."""
    due = 0
    while due < queue.shape[1] and queue[0, due] < stop:
        if queue[2, due] > _MOST:
            return -1
        due += 1
    return due


class SpikeLine:
    """Delayed spikes: an event of source j reaches target i after ``delays[i, j]`` ticks, ``weights[i, j]`` times.

    ``weights`` are whole numbers: synaptic strength belongs to the circuit's ``Synapses``.
    """

    def __init__(self, weights: Any, delays: Any) -> None:
        weights, delays = used(weights, delays)
        self._targets = weights.shape[0]
        by_source, delays = weights.tocsc(), delays.tocsc()  # an event needs all targets of its source
        self._first = by_source.indptr.astype(np.int64)
        self._target, self._copies = by_source.indices.astype(np.int64), by_source.data.astype(np.int64)
        self._delay = delays.data.astype(np.int64)
        self._until = 0
        self._events = np.empty((3, 0), np.int64)  # ticks, targets, counts
        self.push(Spikes(Window(0, 0), weights.shape[1]))  # compiles now, if ever
        self.read(Window(0, 0))

    def push(self, signal: Spikes) -> None:
        _check_next(signal.window, self._until)
        self._until = signal.window.stop
        self._events = _queued(
            signal.ticks, signal.ids, signal.counts, self._first, self._target, self._copies, self._delay,
            self._events, self._targets,
        )  # fmt: skip

    def read(self, window: Window) -> Spikes:
        """What arrives; it leaves the line."""
        due = _due(self._events, window.stop)
        if due < 0:  # says which
            return Spikes(window, self._targets, *self._events[:, : np.searchsorted(self._events[0], window.stop)])
        ticks, ids, counts = self._events[:, :due]
        self._events = self._events[:, due:].copy()
        return Spikes.of(window, self._targets, ticks, ids.astype(np.int32), counts.astype(np.int32))

    def in_flight(self) -> FloatArray:
        return np.bincount(self._events[1], weights=self._events[2], minlength=self._targets).astype(np.float64)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"events": self._events.copy(), "until": np.array(self._until)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_fits("what is in flight", state, {"until": np.array(0)})
        events, until = np.asarray(state.get("events")), int(state["until"])
        self._check(events, until)
        self._until, self._events = until, events.astype(np.int64)

    def _check(self, events: NDArray[Any], until: int) -> None:
        """Refuse events that could not be in flight here: compiled code counts by their targets."""
        whole = events.ndim == 2 and len(events) == 3 and events.dtype.kind == "i"
        if whole and events.size:
            ticks, targets, counts = events
            whole = bool(0 <= targets.min() <= targets.max() < self._targets and counts.min() >= 1)
            whole = whole and bool((np.diff(ticks) >= 0).all() and ticks[0] >= until)
        if not whole:
            raise CheckpointError(
                f"the spikes in flight are none that could be under way to {self._targets} lines from tick {until} on"
            )


def _distinct_rows(weights: csr_array, delays: csr_array) -> tuple[IntArray, IntArray]:
    """The first of all rows that have the same entries, and for every row which of these it equals."""
    distinct: dict[bytes, int] = {}
    first: list[int] = []
    row_of = np.empty(weights.shape[0], np.int64)
    for row in range(weights.shape[0]):
        here = slice(weights.indptr[row], weights.indptr[row + 1])
        parts = (weights.indices[here], weights.data[here], delays.data[here])
        key = blake2b(b"".join(part.tobytes() for part in parts)).digest()
        row_of[row] = distinct.setdefault(key, len(distinct))
        if len(first) < len(distinct):
            first.append(row)
    return np.array(first, np.int64), row_of


def _check_next(window: Window, until: int) -> None:
    if window.start != until:
        raise TimeError(f"a signal over {window} came where the one that starts at tick {until} was due")
