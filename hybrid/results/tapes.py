"""How what is recorded of one port is kept in memory: events, samples, or means over stretches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hybrid.clock import Window
from hybrid.ports import Port
from hybrid.units import FloatArray

State = dict[str, NDArray[Any]]
Columns = tuple[NDArray[Any], ...]

_BATCH = 512  # ticks gathered before they are averaged: large enough to vectorise, small enough to stay in cache


class Rows:
    """An array ``[rows, ...]`` that grows along its first axis."""

    def __init__(self, dtype: DTypeLike, *shape: int) -> None:
        self._data: NDArray[Any] = np.empty((256, *shape), dtype)
        self._used = 0
        self._given = False

    def __len__(self) -> int:
        return self._used

    @property
    def nbytes(self) -> int:
        return self._used * self._data.strides[0]

    def extend(self, rows: NDArray[Any]) -> None:
        needed = self._used + len(rows)
        if needed > len(self._data) or self._given:
            grown = np.empty((max(needed, 2 * len(self._data)), *self._data.shape[1:]), self._data.dtype)
            grown[: self._used] = self.rows
            self._data, self._given = grown, False
        self._data[self._used : needed] = rows
        self._used = needed

    def clear(self) -> None:
        self._used = 0

    @property
    def rows(self) -> NDArray[Any]:
        return self._data[: self._used]

    def give(self) -> NDArray[Any]:
        """The rows for good and not copied, which would take as much memory again; what is added later goes elsewhere."""
        self._given = True
        return self.rows


class Events:
    """The spikes of one port."""

    def __init__(self, port: Port) -> None:
        self._columns = {"ticks": Rows(np.int64), "ids": Rows(np.int32), "counts": Rows(np.int32)}

    @property
    def nbytes(self) -> int:
        return 16 * len(self._columns["ticks"])

    def take(self, window: Window, payload: Columns) -> None:
        for column, values in zip(self._columns.values(), payload, strict=True):
            column.extend(values)

    def finish(self, window: Window) -> tuple[Window, Columns]:
        return window, tuple(column.give() for column in self._columns.values())

    def complete(self) -> Columns:
        return tuple(column.rows for column in self._columns.values())

    def clear(self) -> None:
        for column in self._columns.values():
            column.clear()

    def open(self) -> State:
        return {}

    def reopen(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.clear()

    def state(self) -> State:
        return {name: column.rows.copy() for name, column in self._columns.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        for name, column in self._columns.items():
            column.clear()
            column.extend(state[name])


class Samples:
    """A continuous signal: every tick, or the sample at the start of each stretch."""

    def __init__(self, port: Port, every: int) -> None:
        self._every = every
        self._kept = Rows(np.float64, port.size)

    @property
    def nbytes(self) -> int:
        return self._kept.nbytes

    def take(self, window: Window, payload: Columns) -> None:
        self._kept.extend(payload[0][-window.start % self._every :: self._every])

    def finish(self, window: Window) -> tuple[Window, Columns]:
        first = window.start // self._every
        return Window(first, first + len(self._kept)), (self._kept.give(),)

    def complete(self) -> Columns:
        return (self._kept.rows,)

    def clear(self) -> None:
        self._kept.clear()

    def open(self) -> State:
        return {}

    def reopen(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.clear()

    def state(self) -> State:
        return {"kept": self._kept.rows.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._kept.clear()
        self._kept.extend(state["kept"])


class Means:
    """A continuous signal: the mean over each complete stretch.

    Every mean is summed from 0 in the order of ticks, element by element, so that neither the cutting into windows nor
    the batches below can change a bit of it.
    """

    def __init__(self, port: Port, every: int) -> None:
        self._every = every
        self._means = Rows(np.float64, port.size)
        self._batch = Rows(np.float64, port.size)
        self._total = np.zeros(port.size)  # of the stretch that is not complete yet
        self._filled = 0  # ticks in it

    @property
    def nbytes(self) -> int:
        return self._means.nbytes + self._batch.nbytes

    def take(self, window: Window, payload: Columns) -> None:
        self._batch.extend(payload[0])
        if len(self._batch) >= _BATCH:
            self._fold()

    def _fold(self) -> None:
        rows, every = self._batch.rows, self._every
        head = min(len(rows), every - self._filled) if self._filled else 0
        whole = (len(rows) - head) // every
        stretches = rows[head : head + whole * every].reshape(whole, every, rows.shape[1])
        self._add_to_open_stretch(rows[:head])
        if whole:
            totals = np.zeros((whole, rows.shape[1]))
            for tick in range(every):
                totals += stretches[:, tick]
            self._means.extend(totals / every)
        self._add_to_open_stretch(rows[head + whole * every :])
        self._batch.clear()

    def _add_to_open_stretch(self, rows: FloatArray) -> None:
        for row in rows:
            self._total += row
        self._filled += len(rows)
        if self._filled == self._every:
            self._means.extend(self._total[np.newaxis] / self._every)
            self._total[:] = 0.0
            self._filled = 0

    def finish(self, window: Window) -> tuple[Window, Columns]:
        self._fold()
        first = window.start // self._every
        return Window(first, first + len(self._means)), (self._means.give(),)

    def complete(self) -> Columns:
        """The means of all stretches that are complete."""
        self._fold()
        return (self._means.rows,)

    def clear(self) -> None:
        """Forget the means; the open stretch goes on."""
        self._means.clear()

    def open(self) -> State:
        """The stretch that is not complete yet; call it after :meth:`complete`."""
        return {"total": self._total.copy(), "filled": np.array(self._filled)}

    def reopen(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._batch.clear()
        self._means.clear()
        self._total[:] = state["total"]
        self._filled = int(state["filled"])

    def state(self) -> State:
        self._fold()
        return {"means": self._means.rows.copy(), **self.open()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.reopen(state)
        self._means.extend(state["means"])
