"""Spikes under way in a synaptic pathway, for the runtime engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int32]
_NONE: IntArray = np.empty(0, np.int32)


class DelayQueue:
    """Which synapses are reached in the present step and in those to come.

    Takes the place of Brian2's own queue, in the same order of events. It lets a synapse that is reached several
    times in one step (a count on an afferent fibre) be reached in as many rounds: numpy code would apply
    ``on_pre`` once only, whatever it does.
    """

    def __init__(self, source_start: int, source_end: int) -> None:
        self._start, self._stop = source_start, source_end
        self._waiting: list[list[IntArray]] = [[]]
        self._now = 0
        self.reached = _NONE

    def prepare(self, delays_s: ArrayLike, dt_s: float, sources: ArrayLike) -> None:
        """Learn the delay and the source of every synapse; a single delay is that of all."""
        origin = np.asarray(sources)
        self._steps = np.floor(np.asarray(delays_s) / dt_s + 0.5).astype(np.int64)
        self._order = np.argsort(origin, kind="stable").astype(np.int32)
        self._first = np.searchsorted(origin[self._order], np.arange(self._start, self._stop + 1))
        missing = int(self._steps.max(initial=0)) + 1 - len(self._waiting)
        self._waiting += [[] for _ in range(missing)]

    def push(self, spikes: IntArray) -> None:
        """Send the spikes of these sources on their way."""
        own = spikes[(spikes >= self._start) & (spikes < self._stop)] - self._start
        if not own.size:
            return
        synapses = np.concatenate([self._order[self._first[k] : self._first[k + 1]] for k in own])
        delays = self._steps if self._steps.size == 1 else self._steps[synapses]
        for delay in np.unique(delays):
            late = (self._now + int(delay)) % len(self._waiting)
            self._waiting[late].append(synapses if delays.size == 1 else synapses[delays == delay])

    def rounds(self) -> Iterator[IntArray]:
        """The synapses reached in this step; one that is reached n times is in n of the parts."""
        left = self._concatenated(self._now)
        while left.size:
            _, first = np.unique(left, return_index=True)
            first.sort()
            yield left[first]
            left = np.delete(left, first)

    def next_step(self) -> None:
        self._waiting[self._now] = []
        self._now = (self._now + 1) % len(self._waiting)

    def peek(self) -> IntArray:
        """What Brian2's code asks for: the synapses of the present round."""
        return self.reached

    def advance(self) -> None:
        """What Brian2's code calls after every round; time moves on in :meth:`next_step`."""

    def get_capsule(self) -> None:
        """What Brian2 from 2.10 on asks for on behalf of Cython code, which does not run here."""

    def numbers(self) -> IntArray:
        """Everything that is under way: the offset, the number of steps, how many wait in each, and which."""
        parts = [self._concatenated(k) for k in range(len(self._waiting))]
        return np.concatenate([[self._now, len(parts)], [part.size for part in parts], *parts]).astype(np.int32)

    def restore(self, numbers: IntArray) -> None:
        """Take over what :meth:`numbers` gave."""
        self._now, steps = int(numbers[0]), int(numbers[1])
        ends = np.cumsum(numbers[2 : 2 + steps])
        self._waiting = [[part] for part in np.split(numbers[2 + steps :].astype(np.int32), ends[:-1])]

    def _concatenated(self, k: int) -> IntArray:
        return np.concatenate(self._waiting[k]) if self._waiting[k] else _NONE
