"""Recordings that stay in a file of results and are read from it by slices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hybrid.clock import Window
from hybrid.errors import DataError
from hybrid.ports import Port
from hybrid.results.chunks import read_chunk
from hybrid.results.layout import Broken
from hybrid.results.lazy import LazyArray
from hybrid.results.recording import Recording
from hybrid.signals import Signal


class StoredFile:
    """A file of results that is opened when it is first read from, and stays open as long as something of it is in use.

    Parameters
    ----------
    path: where it is, or will be when something is read.
    content_sha256: what it should say of its data, so that one which took its place is not taken for it.
    """

    def __init__(self, path: Path, content_sha256: str) -> None:
        self.path, self._sha256 = path.absolute(), content_sha256
        self._file: h5py.File | None = None

    def dataset(self, name: str) -> h5py.Dataset:
        """``DataError``: there is none, or the file is another one by now."""
        try:
            if self._file is None:
                with self.path.open("rb"):  # says why, where HDF5 would only say no
                    pass
                file = h5py.File(self.path, "r", locking=False)
                if file.attrs["content_sha256"].item().decode() != self._sha256:
                    raise Broken("these are not the results that were there; load them anew")
                self._file = file
            return self._file[name]
        except Exception as error:  # damaged bytes make the HDF5 library raise almost anything
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise DataError(f"{self.path}: cannot be read: {reason}") from error


class StoredRows(LazyArray):
    """A dataset of a file of results."""

    def __init__(self, file: StoredFile, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        super().__init__(shape, dtype)
        self._file, self._name = file, name
        self._last: tuple[int, NDArray[Any]] | None = None

    def _read(self, first: int, stop: int) -> NDArray[Any]:
        dataset = self._file.dataset(self._name)
        try:
            if dataset.shape != self.shape or dataset.dtype != self.dtype:
                raise Broken(f"{self._name} is not what it was")
            found: NDArray[Any] = dataset[first:stop] if dataset.chunks is None else self._rows(dataset, first, stop)
        except Broken as error:
            raise DataError(f"{self._file.path}: {error}") from None
        except Exception as error:
            raise DataError(f"{self._file.path}: {self._name} cannot be read, it is damaged: {error}") from error
        return found

    def _rows(self, dataset: h5py.Dataset, first: int, stop: int) -> NDArray[Any]:
        rows = dataset.chunks[0]
        found = np.empty((stop - first, *self.shape[1:]), self.dtype)
        for at in range(first - first % rows, stop, rows):
            if self._last is None or self._last[0] != at:  # it is asked for row by row, sometimes
                self._last = at, read_chunk(dataset, at)
            low, high = max(at, first), min(at + rows, stop)
            found[low - first : high - first] = self._last[1][low - at : high - at]
        return found


class StoredRecordings(dict[str, Recording]):
    """Recordings that are in a file, whose checksum is known without reading them all again."""

    def __init__(self, recordings: Mapping[str, Recording], content_sha256: str | None) -> None:
        super().__init__(recordings)
        self.content_sha256 = content_sha256

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def with_arrays(port: Port, window: Window, arrays: Sequence[LazyArray]) -> Signal:
    """A signal around arrays in a file; of spikes, what is read is checked as that of other files is."""
    if port.carries_events:
        for array, limits in zip(arrays, ((window.start, window.stop), (0, port.size), (0, 2**31)), strict=True):
            array.check = _within(port, *limits)
    kind: Any = port.kind
    signal: Signal = kind.of(window, port.size, *arrays)
    return signal


def _within(port: Port, lowest: int, below: int) -> Callable[[NDArray[Any]], None]:
    def check(values: NDArray[Any]) -> None:
        if values.size and not lowest <= values.min() <= values.max() < below:
            found = f"{values.min()} to {values.max()} where only {lowest} to {below - 1} can be"
            raise DataError(f"{port}: its file is damaged, for it holds numbers from {found}")

    return check
