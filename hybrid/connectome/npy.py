"""Arrays of an ``.npz``: the header is read by pattern, not evaluated, and held against what may be, before any number."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.connectome.archives import Stream, shown
from hybrid.connectome.tables import MAX_REGIONS
from hybrid.errors import DataError

_MAX_HEADER = 4096
_MAX_TEXT = 10_000  # characters of one text
_MAX_TEXTS = 16 * 2**20  # bytes of all
_MAGIC = b"\x93NUMPY"
_NUMBERS, _TEXTS = "biuf", "U"
_PARTS = {
    "descr": re.compile(r"""['"]descr['"]\s*:\s*['"]([^'"]*)['"]"""),
    "fortran_order": re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)"""),
    "shape": re.compile(r"""['"]shape['"]\s*:\s*\(((?:\s*\d{1,18}L?\s*,?)*)\s*\)"""),
}
_KIND = re.compile(r"[<>|=]?([a-zA-Z])(\d{0,6})")


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype[Any]
    fortran_order: bool
    shape: tuple[int, ...]


def read_npy(file: Stream, where: str, *, texts: bool = False, dimensions: int) -> NDArray[Any]:
    """One array of numbers, or of texts, with at most so many ``dimensions``."""
    header = _header(file, where)
    _check(header, where, _TEXTS if texts else _NUMBERS, dimensions)
    size = math.prod(header.shape) * header.dtype.itemsize
    if texts and size > _MAX_TEXTS:
        raise DataError(f"{where} claims {size:,} bytes of text; a connectome has at most {_MAX_TEXTS:,}")
    file.budget.check(size - _MAX_HEADER)  # of which some may have been read ahead
    data = np.empty(size, np.uint8)
    found = file.readinto(data.data)
    if found != size:
        raise DataError(f"{where} claims {size:,} bytes of numbers but holds {found:,}")
    if file.read(1):  # which also makes zipfile compare its checksum
        raise DataError(f"{where} holds more than the {size:,} bytes its header tells of")
    values = data.view(header.dtype)
    return values.reshape(header.shape[::-1]).T if header.fortran_order else values.reshape(header.shape)


def _header(file: Stream, where: str) -> _Header:
    start = file.read(8)
    width = 2 if start[6:7] == b"\x01" else 4
    length = int.from_bytes(file.read(width), "little")
    if start[:6] != _MAGIC or start[6:7] not in (b"\x01", b"\x02", b"\x03") or length > _MAX_HEADER:
        raise DataError(f"{where} is no readable array: it does not begin as an .npy file does")
    text = file.read(length).decode("latin-1")
    found = {name: pattern.findall(text) for name, pattern in _PARTS.items()}
    wrong = [name for name, values in found.items() if len(values) != 1]
    if wrong:
        raise DataError(f"{where} is no readable array: its header tells no plain {wrong[0]}: {shown(text.strip())}")
    shape = tuple(int(size) for size in re.findall(r"\d+", found["shape"][0]))
    return _Header(_dtype(found["descr"][0], where), found["fortran_order"][0] == "True", shape)


def _dtype(name: str, where: str) -> np.dtype[Any]:
    kind = _KIND.fullmatch(name)
    if kind is None or kind[1] not in _NUMBERS + _TEXTS + "c":
        raise DataError(f"{where} is no readable array: it is of the type {shown(name)!r}; save numbers or texts")
    try:
        dtype = np.dtype(name)
    except (TypeError, ValueError):
        raise DataError(f"{where} is no readable array: there is no type {name!r}") from None
    if not 0 < dtype.itemsize <= 4 * _MAX_TEXT:
        raise DataError(f"{where} is no readable array: {name!r} has entries of {dtype.itemsize:,} bytes")
    return dtype


def _check(header: _Header, where: str, kinds: str, dimensions: int) -> None:
    if header.dtype.kind not in kinds:
        what = "texts" if kinds == _TEXTS else "numbers"
        raise DataError(f"{where} is not an array of {what}: its type is {header.dtype}")
    if len(header.shape) > dimensions:
        raise DataError(f"{where} has {len(header.shape)} dimensions; it must have {dimensions}")
    if any(size > MAX_REGIONS for size in header.shape):
        raise DataError(f"{where} has shape {header.shape}; a connectome has at most {MAX_REGIONS:,} regions")
