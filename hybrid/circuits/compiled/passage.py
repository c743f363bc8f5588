"""How signals enter a library and what it emitted leaves, without a new buffer in every window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.circuits.compiled.library import view
from hybrid.circuits.engine import NO_EVENTS, Events
from hybrid.signals import Spikes
from hybrid.units import FloatArray

_SMALLEST = 1024
_TICKS, _IDS, _VALUES = np.dtype(np.int64), np.dtype(np.int32), np.dtype(np.float64)


class Inlet:
    """Memory from which the library reads the events of one input.

    ``row`` is what the library is handed: the number of events, and where their ticks, ids and counts lie.
    """

    def __init__(self, row: NDArray[np.int64]) -> None:
        self._row = row
        self._reserve(_SMALLEST)

    def _reserve(self, events: int) -> None:
        self._room = events
        self._ticks, self._ids, self._counts = (np.empty(events, kind) for kind in (_TICKS, _IDS, _IDS))
        self._row[1:] = [each.ctypes.data for each in (self._ticks, self._ids, self._counts)]

    def put(self, spikes: Spikes) -> None:
        """Hand these events to the library's next advance."""
        events = spikes.ticks.size
        self._row[0] = events
        if not events:
            return
        if events > self._room:
            self._reserve(2 * events)
        self._ticks[:events] = spikes.ticks
        self._ids[:events] = spikes.ids
        self._counts[:events] = spikes.counts


class Injector:
    """Memory from which the library reads the values of one injection, in units of ``scale`` SI units.

    ``place[k]`` is what the library is handed: where they lie.
    """

    def __init__(self, place: NDArray[np.int64], k: int, size: int, scale: float) -> None:
        self._place, self._k, self._size, self._scale = place, k, size, scale
        self._reserve(1)

    def _reserve(self, ticks: int) -> None:
        self._si = np.empty((ticks, self._size))
        self._place[self._k] = self._si.ctypes.data

    def put(self, values: FloatArray) -> None:
        """Hand these values ``[ticks, size]`` to the library's next advance."""
        ticks = len(values)
        if ticks > len(self._si):
            self._reserve(ticks)
        np.multiply(values, self._scale, out=self._si[:ticks])


class Outlet:
    """The vectors in which the library leaves the events of one output, seen in place until they move."""

    def __init__(self) -> None:
        self._where: list[int] = []

    def take(self, row: list[int]) -> Events:
        """Copies of the ticks, ids and counts; ``row``: how many, how many there is room for, and where they lie."""
        number = row[0]
        if not number:
            return NO_EVENTS
        if row[1:] != self._where:
            self._where = row[1:]
            room, ticks, ids, counts = self._where
            self._ticks, self._ids, self._counts = (
                view(ticks, room, _TICKS),
                view(ids, room, _IDS),
                view(counts, room, _IDS),
            )
        return self._ticks[:number].copy(), self._ids[:number].copy(), self._counts[:number].copy()


class Gauge:
    """The vector in which the library leaves the values of one readout, seen in place until it moves."""

    def __init__(self) -> None:
        self._where: list[int] = []
        self._seen: NDArray[Any] = np.empty(0)

    def look(self, row: list[int]) -> FloatArray:
        """The values in place, to be overwritten by the next advance; ``row`` as for :meth:`Outlet.take`."""
        number = row[0]
        if number and row[1:] != self._where:
            self._where = row[1:]
            self._seen = view(row[2], row[1], _VALUES)
        return self._seen[:number]
