"""What a run has written to its folder, as recordings that are read from there by slices."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.clock import Window
from hybrid.errors import DataError
from hybrid.results.folder import FINISHED, RECORDINGS, about
from hybrid.results.frames import Frame, Told, read_column, scanned
from hybrid.results.layout import Broken
from hybrid.results.lazy import LazyArray, Part
from hybrid.results.recording import Recording
from hybrid.results.stored import with_arrays

KILLED = "failure or kill"  # stands for the signal that interrupted a run, if none did


class _FrameFile:
    """The file of one port, opened when it is first read from."""

    def __init__(self, path: Path, told: Told, frames: Sequence[Frame]) -> None:
        self.path, self.told, self.frames = path, told, frames
        self.rows = frames[-1].before + frames[-1].rows if frames else 0
        self.before = [frame.before for frame in frames]
        self._raw: io.BufferedReader | None = None

    def column(self, frame: Frame, column: int) -> NDArray[Any]:
        try:
            if self._raw is None:
                self._raw = self.path.open("rb")
            return read_column(self._raw, self.told, frame, column)
        except (OSError, Broken) as error:
            raise DataError(f"{self.path}: {getattr(error, 'strerror', None) or error}") from error


class FramedRows(LazyArray):
    """One column of the file of a port."""

    def __init__(self, file: _FrameFile, column: int) -> None:
        dtype, shape = file.told.columns[column]
        super().__init__((file.rows, *shape), dtype)
        self._file, self._column = file, column
        self._last: tuple[int, NDArray[Any]] | None = None

    def _read(self, first: int, stop: int) -> NDArray[Any]:
        found = np.empty((stop - first, *self.shape[1:]), self.dtype)
        at = first
        number = bisect_right(self._file.before, first) - 1
        while at < stop:
            frame = self._file.frames[number]
            if self._last is None or self._last[0] != number:
                self._last = number, self._file.column(frame, self._column)
            low = at - frame.before
            part = self._last[1][low : low + stop - at]
            found[at - first : at - first + len(part)] = part
            at += len(part)
            number += 1
        return found


@dataclass(frozen=True)
class Kept:
    """The file of a port: what its header says, its arrays, and up to which tick it is complete."""

    path: Path
    told: Told
    frames: Sequence[Frame]
    arrays: tuple[LazyArray, ...]
    stop: int

    @classmethod
    def of(cls, path: Path, told: Told, frames: Sequence[Frame]) -> Kept:
        """From what :func:`hybrid.results.frames.scanned` found, without looking at the file."""
        file = _FrameFile(path, told, frames)
        stop = next((frame.stop for frame in reversed(frames) if frame.stop is not None), told.start)
        return cls(path, told, frames, tuple(FramedRows(file, column) for column in range(len(told.columns))), stop)

    def recording(self, stop: int) -> Recording:
        """All of it until tick ``stop``."""
        told = self.told
        if told.port.carries_events:
            ends_there = bool(self.frames) and self.frames[-1].stop == stop
            rows = len(self.arrays[0]) if ends_there else int(self.arrays[0].searchsorted(stop))
            window = Window(told.start, stop)
        else:
            first, rows = told.start // told.every, told.samples(stop)
            window = Window(first, first + rows)
            if rows > len(self.arrays[0]):
                raise DataError(f"{self.path}: it has {len(self.arrays[0]):,} rows where {rows:,} should be")
        arrays = [each if len(each) == rows else Part(each, rows) for each in self.arrays]
        return Recording(told.port, with_arrays(told.port, window, arrays), told.every, told.clock, told.averaged)


def kept(path: Path) -> Kept:
    """The file of a port; ``DataError`` names what is wrong with it."""
    try:
        told, frames = scanned(path)
    except (OSError, Broken) as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    return Kept.of(path, told, frames)


def read_folder(path: Path) -> dict[str, Any]:
    """What ``Results`` is made of, from the folder of a run: as far as all of its ports had been written.

    Raises
    ------
    DataError: there is no such folder, nothing in it, or a file is damaged.
    """
    told = about(path)
    files = [kept(each) for each in sorted((path / RECORDINGS).glob("*.frames"))]
    if not told:
        raise DataError(f"{path}: this is no file of results, and no folder of a run that writes its recordings")
    if not files:
        raise DataError(f"{path}: the run that did not finish had not written any recordings")
    finished = about(path, FINISHED)
    stop = min(each.stop for each in files)
    missing = sorted(set(told.get("ports", ())) - {str(each.told.port) for each in files})
    if missing and finished:
        raise DataError(f"{path}: the recording of {', '.join(missing)} is missing")
    if finished and stop != finished.get("duration"):
        shortest = min(files, key=lambda each: each.stop)
        raise DataError(
            f"{shortest.path}: it ends at tick {shortest.stop}, but the run at tick {finished.get('duration')}"
        )
    recordings = [each.recording(stop) for each in files]
    return {
        "recordings": dict(sorted((str(each.port), each) for each in recordings)),
        "clock": files[0].told.clock,
        "duration": stop - files[0].told.start,
        "provenance": {"not recorded yet": missing} if missing else {},
        **_documents({"interrupted_by": KILLED, **told, **finished}),
    }


def _documents(told: Mapping[str, Any]) -> dict[str, Any]:
    names = ("configuration", "versions", "plan", "audit", "timing", "provenance", "created", "interrupted_by")
    return {"seed": int(told["seed"]), **{name: told[name] for name in names if name in told}}
