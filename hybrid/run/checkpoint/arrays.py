"""One file of a checkpoint: named arrays in an uncompressed ``.npz`` that holds numbers only and is read within bounds."""

from __future__ import annotations

import hashlib
import io
import math
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as numpy_format
from numpy.typing import NDArray

from hybrid.component import State
from hybrid.errors import CheckpointError, HybridError

npy: Any = numpy_format  # which declares no types
_KINDS = "biufcSU"  # numbers, truth values and texts; nothing that would have to be executed to be read
_AT_ONCE = 2**20
_LONGEST_HEADER = 10_000


@dataclass(frozen=True)
class Entry:
    """A file as the manifest knows it."""

    file: str
    size: int
    sha256: str


def write_bytes(path: Path, data: bytes) -> Entry:
    """A new file, on the disk before this returns."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return Entry(path.name, len(data), hashlib.sha256(data).hexdigest())


def write_arrays(path: Path, state: Mapping[str, NDArray[Any]], who: str) -> Entry:
    """A new file with these arrays, on the disk before this returns; ``numpy.load`` opens it too.

    Raises
    ------
    CheckpointError: ``who`` gave something that is no array of numbers. OSError: the disk refuses.
    """
    with path.open("xb") as file:
        hashed = _Hashed(file)
        with zipfile.ZipFile(hashed, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
            for key, value in state.items():
                array = np.asarray(value, order="C")
                if array.dtype.kind not in _KINDS or "\0" in key:
                    raise CheckpointError(
                        f"{who}: state() gave {key!r} as an array of {array.dtype}; a checkpoint takes numbers only"
                    )
                member = zipfile.ZipInfo(f"{key}.npy")
                with archive.open(member, "w", force_zip64=True) as stream:
                    npy.write_array(stream, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return Entry(path.name, hashed.size, hashed.digest.hexdigest())


class _Hashed(io.RawIOBase):
    """Writes through and hashes; it cannot seek, so that what is hashed is what lies on the disk."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(data)
        self.digest.update(data)
        length = memoryview(data).nbytes
        self.size += length
        return length

    def flush(self) -> None:
        self._file.flush()


def read_bytes(folder: Path, entry: Entry, most: int) -> bytes:
    """A whole file that is as the manifest says; ``CheckpointError`` if not, or if it has more than ``most`` bytes."""
    if entry.size > most:
        raise CheckpointError(f"{folder / entry.file} has {entry.size:,} bytes; at most {most:,} are read")
    with _checked(folder, entry) as file:
        return file.read()


def read_arrays(folder: Path, entry: Entry) -> State:
    """The arrays of a file that is as the manifest says, to the last byte; ``CheckpointError`` if it is not."""
    path = folder / entry.file
    try:
        with _checked(folder, entry) as file, zipfile.ZipFile(file) as archive:
            return {each.filename.removesuffix(".npy"): _array(archive, each, path) for each in archive.infolist()}
    except HybridError:
        raise
    except MemoryError:
        raise CheckpointError(f"{path} needs more memory than there is") from None
    except Exception as error:  # zipfile alone knows nine kinds
        raise CheckpointError(f"{path} cannot be read: {error or type(error).__name__}") from error


def _checked(folder: Path, entry: Entry) -> IO[bytes]:
    """The file, open at its start, after its size and hash have been compared."""
    path = folder / entry.file
    try:
        file = path.open("rb")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    try:
        size = os.fstat(file.fileno()).st_size
        if size != entry.size:
            raise CheckpointError(f"{path} has {size:,} bytes, not the {entry.size:,} that were written")
        digest = hashlib.sha256()
        while part := file.read(_AT_ONCE):
            digest.update(part)
        if digest.hexdigest() != entry.sha256:
            raise CheckpointError(f"{path} is not as it was written: its SHA-256 differs")
        file.seek(0)
    except OSError as error:
        file.close()
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except BaseException:
        file.close()
        raise
    return file


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> NDArray[Any]:
    """One member, whose header is held against its size before any memory is asked for."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise CheckpointError(f"{path}: {member.filename!r} is compressed; a checkpoint never is")
    opened: Any = archive.open(member)
    with opened as stream:
        version = npy.read_magic(stream)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
        if read is None:
            raise CheckpointError(f"{path}: {member.filename!r} is an array of an unknown format")
        shape, by_columns, dtype = read(stream, max_header_size=_LONGEST_HEADER)
        size = math.prod(shape) * dtype.itemsize
        if dtype.kind not in _KINDS or by_columns or size != member.file_size - stream.tell():
            raise CheckpointError(f"{path}: {member.filename!r} is no array of numbers, or not of the size it tells")
        data = np.empty(size, np.uint8)
        at = 0
        while at < size:
            count = stream.readinto(data[at : at + _AT_ONCE].data)
            if not count:
                raise CheckpointError(f"{path}: {member.filename!r} ends before its time")
            at += count
        array: NDArray[Any] = data.view(dtype).reshape(shape) if size else np.empty(shape, dtype)
        return array
