"""The file a run appends the recordings of one port to: a header, then frames of rows, each with its checksums.

Layout: ``HYBRIDFR``, version and length of a JSON text that describes the port, its CRC-32, the text. Then frames: ``FRME``,
number of columns, rows, the stretch of ticks ``[start, stop)`` that is complete with this frame (``start == stop``: none yet);
for each column its stored bytes, whether they are shuffled and deflated, their CRC-32; the CRC-32 of all that; the bytes of
the columns. Numbers are little-endian. It is no HDF5, which does not survive a kill or a failing disk.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.clock import Clock
from hybrid.errors import ConfigurationError
from hybrid.ports import Port
from hybrid.results.layout import ARRAYS, Broken, array_names
from hybrid.results.packing import packed, shuffled
from hybrid.signals import KINDS

_HEAD = struct.Struct("<8sIII")
_MAGIC, _VERSION, _FRAME_MAGIC = b"HYBRIDFR", 1, b"FRME"
_FRAME_BYTES = 2**22  # of the rows of a frame, so that reading one takes little memory
_LONGEST_TEXT = 2**30
_MOST_FRAME_BYTES = 2**26  # or one row, where that is more


@dataclass(frozen=True)
class Told:
    """What the header of such a file says: the port, and how and from which tick on it was recorded."""

    port: Port
    every: int
    averaged: bool
    start: int
    clock: Clock

    @property
    def columns(self) -> list[tuple[np.dtype[Any], tuple[int, ...]]]:
        """Type and shape of a row in every column."""
        names = array_names(self.port.carries_events)
        return [(ARRAYS[name], () if self.port.carries_events else (self.port.size,)) for name in names]

    def samples(self, stop: int) -> int:
        """How many rows a continuous port has when the ticks until ``stop`` have been."""
        last = stop // self.every if self.averaged else -(-stop // self.every)
        return last - self.start // self.every

    def text(self) -> bytes:
        port = self.port
        return json.dumps(
            {
                "component": port.component,
                "name": port.name,
                "kind": port.kind.__name__,
                "unit": port.unit,
                "size": port.size,
                "labels": list(port.labels),
                "direction": port.direction,
                "every": self.every,
                "averaged": self.averaged,
                "start": self.start,
                "tick_ms": self.clock.tick_ms,
            }
        ).encode()

    @classmethod
    def read(cls, text: bytes) -> Told:
        """Raises ``Broken`` if this describes no port."""
        try:
            told = json.loads(text)
            kind, direction, size = KINDS[told["kind"]], told["direction"], told["size"]
            numbers = (size, told["every"], told["start"])
            if direction not in ("in", "out") or any(type(each) is not int for each in numbers) or told["every"] < 1:
                raise ValueError("a number or a direction is impossible")
            labels = tuple(map(str, told["labels"]))
            port = Port(str(told["component"]), str(told["name"]), kind, size, direction, str(told["unit"]), labels)
            return cls(port, told["every"], bool(told["averaged"]), told["start"], Clock(told["tick_ms"]))
        except (ValueError, KeyError, TypeError, ConfigurationError) as error:
            raise Broken(f"its header does not describe a port ({error})") from None


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a frame is: ``at`` of its bytes, the rows before it and in it, and each column's place, size, packing and CRC."""

    at: int
    before: int
    rows: int
    stop: int | None
    columns: tuple[tuple[int, int, int, int], ...]
    end: int


def _frame_head(columns: int) -> struct.Struct:
    return struct.Struct("<4sIQqq" + "QII" * columns + "I")


class FrameWriter:
    """Appends to the file of one port; ``position`` and ``rows`` are what it holds so far.

    Parameters
    ----------
    path: a new file, unless ``position`` is given: then one that is cut back to that, which must be the end of a frame.
    told: for its header.
    position, rows: where an earlier run was, at a checkpoint.

    Raises
    ------
    OSError: the file cannot be made or written.
    Broken: what should be continued is another file, shorter, or ``position`` is not the end of a frame.
    """

    def __init__(self, path: Path, told: Told, position: int | None = None, rows: int = 0) -> None:
        self.path, self._told = path, told
        if position is None:
            self._raw = io.FileIO(path, "xb")
            self.position = self.rows = 0
            text = told.text()
            head = _HEAD.pack(_MAGIC, _VERSION, len(text), zlib.crc32(text))
            try:
                self._write([memoryview(head + text)])
            except BaseException:
                self._raw.close()
                path.unlink(missing_ok=True)
                raise
        else:
            _check_border(path, told, position, rows)
            self._raw = io.FileIO(path, "r+b")
            self._raw.truncate(position)
            self.position, self.rows = self._raw.seek(position), rows

    def append(self, columns: Sequence[NDArray[Any]], start: int, stop: int) -> None:
        """Rows (columns alike), with which the ticks ``[start, stop)`` are complete; none of it stays if that fails."""
        position, rows = self.position, self.rows
        row_bytes = max(sum(column[:1].nbytes for column in columns), 1)
        at_once = max(1, _FRAME_BYTES // row_bytes)
        try:
            for first in range(0, max(len(columns[0]), 1), at_once):
                part = [column[first : first + at_once] for column in columns]
                is_last = first + at_once >= len(columns[0])
                self._append_frame(part, start, stop if is_last else start)
        except BaseException:
            self.position, self.rows = position, rows
            with contextlib.suppress(OSError):
                self._raw.truncate(position)
                self._raw.seek(position)
            raise

    def _append_frame(self, columns: Sequence[NDArray[Any]], start: int, stop: int) -> None:
        fields: list[int] = []
        parts: list[memoryview] = []
        for column, (dtype, _) in zip(columns, self._told.columns, strict=True):
            data, is_packed = packed(np.ascontiguousarray(column, dtype))
            fields += [len(data), int(is_packed), zlib.crc32(data)]
            parts.append(memoryview(data))
        layout = _frame_head(len(columns))
        head = layout.pack(_FRAME_MAGIC, len(columns), len(columns[0]), start, stop, *fields, 0)[:-4]
        self._write([memoryview(head + struct.pack("<I", zlib.crc32(head))), *parts])
        self.rows += len(columns[0])

    def _write(self, parts: list[memoryview]) -> None:
        for part in parts:
            while len(part):  # one call may write a part only
                written = self._raw.write(part)
                part = part[written:]
                self.position += written

    def sync(self) -> None:
        os.fsync(self._raw.fileno())

    def close(self) -> None:
        self._raw.close()


def _check_border(path: Path, told: Told, position: int, rows: int) -> None:
    if not path.is_file():
        raise Broken("there is no such file")
    size = path.stat().st_size
    if size < position:
        raise Broken(f"it has {size:,} bytes, but {position:,} when the state to continue from was taken")
    found, frames = scanned(path, stop_at=position)
    if found.text() != told.text():
        raise Broken("it holds the recording of another port, or of one that was recorded otherwise")
    end, held = (frames[-1].end, frames[-1].before + frames[-1].rows) if frames else (_text_end(path), 0)
    if (end, held) != (position, rows):
        raise Broken(f"byte {position:,} is not the end of a frame with {rows:,} rows before it")


def _text_end(path: Path) -> int:
    with path.open("rb") as raw:
        return _HEAD.size + int(_HEAD.unpack(raw.read(_HEAD.size))[2])


def scanned(path: Path, stop_at: int | None = None) -> tuple[Told, list[Frame]]:
    """The header of a file and where its frames are, up to ``stop_at`` or to what a killed run had not finished.

    Raises
    ------
    Broken: it is no such file, or a frame in the middle of it is damaged.
    """
    with path.open("rb") as raw:
        size = raw.seek(0, 2) if stop_at is None else stop_at
        raw.seek(0)
        told = _read_told(raw, size)
        frames: list[Frame] = []
        at, before = raw.tell(), 0
        while at < size:
            frame = _frame_at(raw, told, at, before, size)
            if frame is None:
                later = None if stop_at is not None else _later_frame(raw, told, at + 1, size)
                if later is not None:
                    raise Broken(
                        f"frame {len(frames)} at byte {at:,} is damaged, and others follow from byte {later:,} on"
                    )
                break
            frames.append(frame)
            at, before = frame.end, before + frame.rows
        while (
            frames and stop_at is None and not _is_sound(raw, frames[-1])
        ):  # the machine went down before it was synced
            frames.pop()
    return told, frames


def _read_told(raw: io.BufferedReader, size: int) -> Told:
    head = raw.read(_HEAD.size)
    if len(head) < _HEAD.size or not head.startswith(_MAGIC):
        raise Broken("this is not a file of recorded frames")
    _, version, length, checksum = _HEAD.unpack(head)
    if version > _VERSION:
        raise Broken(
            f"it has version {version}, this program reads versions up to {_VERSION}; "
            "update it: pip install --upgrade hybrid-brain-simulation"
        )
    text = raw.read(length) if length <= min(size, _LONGEST_TEXT) else b""
    if len(text) != length or zlib.crc32(text) != checksum:
        raise Broken("its header is damaged")
    return Told.read(text)


def _frame_at(raw: io.BufferedReader, told: Told, at: int, before: int, size: int) -> Frame | None:
    """The frame that begins there, if one does and is there to its end."""
    kinds = told.columns
    layout = _frame_head(len(kinds))
    raw.seek(at)
    head = raw.read(layout.size)
    if len(head) < layout.size or not head.startswith(_FRAME_MAGIC):
        return None
    _, count, rows, start, stop, *fields = layout.unpack(head)
    if zlib.crc32(head[:-4]) != fields.pop() or count != len(kinds):
        return None
    columns, place = [], at + layout.size
    for k, (dtype, shape) in enumerate(kinds):
        stored, is_packed, checksum = fields[3 * k : 3 * k + 3]
        row_bytes = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        raw_bytes = rows * row_bytes
        if raw_bytes > max(_MOST_FRAME_BYTES, row_bytes) or stored > raw_bytes or is_packed > 1:
            return None
        columns.append((place, stored, is_packed, checksum))
        place += stored
    if place > size:
        return None
    return Frame(at, before, rows, stop if stop > start else None, tuple(columns), place)


def _later_frame(raw: io.BufferedReader, told: Told, at: int, size: int) -> int | None:
    """Where the next frame begins that is there to its end."""
    block = 2**20
    while at < size:
        raw.seek(at)
        data = raw.read(block + len(_FRAME_MAGIC) - 1)
        found = data.find(_FRAME_MAGIC)
        while found >= 0:
            frame = _frame_at(raw, told, at + found, 0, size)
            if frame is not None and _is_sound(raw, frame):
                return at + found
            found = data.find(_FRAME_MAGIC, found + 1)
        at += block
    return None


def _is_sound(raw: io.BufferedReader, frame: Frame) -> bool:
    for place, stored, _, checksum in frame.columns:
        raw.seek(place)
        if zlib.crc32(raw.read(stored)) != checksum:
            return False
    return True


def read_column(raw: io.BufferedReader, told: Told, frame: Frame, column: int) -> NDArray[Any]:
    """One column of a frame; ``Broken`` names it if its bytes are not those that were written."""
    dtype, shape = told.columns[column]
    place, stored, is_packed, checksum = frame.columns[column]
    raw.seek(place)
    data: bytes | bytearray = raw.read(stored)
    wanted = frame.rows * dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    if len(data) == stored and zlib.crc32(data) == checksum:
        if is_packed:
            inflated = zlib.decompressobj().decompress(data, wanted) if wanted else b""
            data = shuffled(inflated, dtype.itemsize, back=True) if len(inflated) == wanted else b""
        if len(data) == wanted:
            return np.frombuffer(data, dtype).reshape(frame.rows, *shape)
    raise Broken(f"the frame at byte {frame.at:,} (rows from {frame.before:,} on) is damaged")
