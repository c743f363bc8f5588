"""Arrays that stay in their file and are read by slices, where a signal has its values or events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK_BYTES = 2**22


class LazyArray(np.lib.mixins.NDArrayOperatorsMixin, ABC):
    """Rows in a file. Slices, rows and columns are read when they are asked for, a block at a time; whatever else is asked of
    it (``.mean()``, ``+``, numpy's functions) reads all of it into memory first.

    Parameters
    ----------
    shape, dtype: as of the array that :func:`numpy.asarray` makes of it.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype
        self.check: Callable[[NDArray[Any]], None] | None = None  # raises DataError for what cannot be

    @abstractmethod
    def _read(self, first: int, stop: int) -> NDArray[Any]:
        """Rows ``[first, stop)``, which are within the array."""

    def read(self, first: int, stop: int) -> NDArray[Any]:
        """Rows ``[first, stop)``, which are within the array."""
        rows = self._read(first, stop)
        if self.check:
            self.check(rows)
        return rows

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={list(self.shape)}, dtype={self.dtype}; read by slices)"

    def blocks(self, first: int = 0, stop: int | None = None) -> Iterator[NDArray[Any]]:
        """Rows ``[first, stop)`` in parts of a few MiB."""
        stop = len(self) if stop is None else stop
        row_bytes = max(self.nbytes // max(len(self), 1), 1)
        rows = max(1, _BLOCK_BYTES // row_bytes)
        for at in range(first, stop, rows):
            yield self.read(at, min(at + rows, stop))

    def __iter__(self) -> Iterator[Any]:
        return (row for block in self.blocks() for row in block)

    def __getitem__(self, key: Any) -> Any:
        rows, *rest = key if isinstance(key, tuple) and key else (key,)
        if isinstance(rows, int | np.integer) and not isinstance(rows, bool):
            at = int(rows) + (len(self) if rows < 0 else 0)
            if not 0 <= at < len(self):
                raise IndexError(f"row {rows} is not among the {len(self):,} rows")
            return self.read(at, at + 1)[(0, *rest)]
        if isinstance(rows, slice) and not any(each is None or each is Ellipsis for each in rest):
            return self._sliced(range(len(self))[rows], tuple(rest))
        return np.asarray(self)[key]

    def _sliced(self, rows: range, rest: tuple[Any, ...]) -> NDArray[Any]:
        """Of every block only what is wanted is kept."""
        upwards = rows if rows.step > 0 else rows[::-1]
        if not upwards:
            return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
        parts, at = [], upwards.start
        for block in self.blocks(upwards.start, upwards[-1] + 1):
            skipped = -(at - upwards.start) % upwards.step
            parts.append(block[(slice(skipped, None, upwards.step), *rest)])
            at += len(block)
        found = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return found if rows.step > 0 else found[::-1]

    def searchsorted(self, values: Any, side: str = "left") -> Any:
        """As of a sorted array, by looking at a few rows; ``np.searchsorted`` comes here."""
        found = np.array([self._place(value, side) for value in np.ravel(values)], np.int64)
        return found.reshape(np.shape(values)) if np.ndim(values) else found[0]

    def _place(self, value: Any, side: str) -> int:
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            there = self.read(middle, middle + 1)[0]
            if there < value or (side == "right" and there == value):
                low = middle + 1
            else:
                high = middle
        return low

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("it is in a file: reading it makes a copy")
        whole = np.empty(self.shape, self.dtype)
        at = 0
        for block in self.blocks():
            whole[at : at + len(block)] = block
            at += len(block)
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        loaded = [np.asarray(each) if isinstance(each, LazyArray) else each for each in inputs]
        return getattr(ufunc, method)(*loaded, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(np.asarray(self), name)

    def __reduce__(self) -> Any:
        """A copy elsewhere holds the numbers."""
        return np.asarray(self).__reduce__()


class Part(LazyArray):
    """The first ``rows`` of another."""

    def __init__(self, whole: LazyArray, rows: int) -> None:
        super().__init__((rows, *whole.shape[1:]), whole.dtype)
        self._whole = whole

    def _read(self, first: int, stop: int) -> NDArray[Any]:
        return self._whole.read(first, stop)


class Scaled(LazyArray):
    """Another, times a number."""

    def __init__(self, whole: LazyArray, factor: float) -> None:
        super().__init__(whole.shape, np.dtype(np.float64))
        self._whole, self._factor = whole, factor

    def _read(self, first: int, stop: int) -> NDArray[Any]:
        scaled: NDArray[Any] = self._whole.read(first, stop) * self._factor
        return scaled


def arrays_of(signal: Any) -> tuple[Any, ...]:
    """The arrays that carry a signal, as :meth:`Signal.payload` gives them, but those that are in a file stay there."""
    own = (signal.ticks, signal.ids, signal.counts) if hasattr(signal, "ticks") else (signal.values,)
    return own if any(isinstance(each, LazyArray) for each in own) else signal.payload()


def is_lazy(signal: Any) -> bool:
    return any(isinstance(each, LazyArray) for each in arrays_of(signal))


def blocks_of(array: Any) -> Iterator[NDArray[Any]]:
    """An array in parts of a few MiB if it is in a file, else as it is."""
    if isinstance(array, LazyArray):
        yield from array.blocks()
    else:
        yield array
