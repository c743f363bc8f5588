"""How spikes enter a library and what it emitted leaves, without a new buffer in every window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.circuits.compiled.library import view
from hybrid.signals import Spikes

_SMALLEST = 1024


class Inlet:
    """Memory from which the library reads the events of one input.

    ``row`` is what the library is handed: the number of events, and where their ticks, ids and counts lie.
    """

    def __init__(self, row: NDArray[np.int64]) -> None:
        self._row = row
        self._reserve(_SMALLEST)

    def _reserve(self, events: int) -> None:
        self._ticks, self._ids, self._counts = (np.empty(events, kind) for kind in (np.int64, np.int32, np.int32))
        self._row[1:] = [each.ctypes.data for each in (self._ticks, self._ids, self._counts)]

    def put(self, spikes: Spikes) -> None:
        """Hand these events to the library's next advance."""
        events = spikes.ticks.size
        self._row[0] = events
        if not events:
            return
        if events > self._ticks.size:
            self._reserve(2 * events)
        self._ticks[:events] = spikes.ticks
        self._ids[:events] = spikes.ids
        self._counts[:events] = spikes.counts


class Outlet:
    """The vectors in which the library leaves what one output emitted, seen in place until they move."""

    def __init__(self, kinds: list[np.dtype[Any]]) -> None:
        self._kinds = kinds
        self._where: tuple[int, ...] = ()
        self._seen: list[NDArray[Any]] = [np.empty(0, kind) for kind in kinds]

    def take(self, number: int, *where: int) -> list[NDArray[Any]]:
        """Copies of the ``number`` values of each vector; ``where``: what they can hold, and where they lie."""
        if number and where != self._where:
            self._where = where
            capacity, *addresses = where
            self._seen = [view(at, capacity, kind) for at, kind in zip(addresses, self._kinds, strict=False)]
        return [seen[:number].copy() for seen in self._seen]
