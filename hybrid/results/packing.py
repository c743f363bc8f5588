"""Arrays as bytes on a disk: shuffled and deflated where that makes them smaller, as HDF5's filters do."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TRIED_BYTES = 2**15
_WORTH = 0.85  # of its size: what is left of noise is not worth the time, some 20 ms a MiB


def packed(values: NDArray[Any]) -> tuple[bytes | bytearray, bool]:
    """The bytes of an array, and whether they are shuffled and deflated; they are if a sample of it gets smaller by that."""
    size, item = values.nbytes, values.itemsize
    flat = values.reshape(-1)
    if size > 4 * _TRIED_BYTES:
        middle, count = flat.size // 2, _TRIED_BYTES // item
        if len(_deflated(flat[middle : middle + count])) > _WORTH * count * item:
            return _bytes(flat), False
    if size:
        data = _deflated(flat)
        if len(data) <= _WORTH * size:
            return data, True
    return _bytes(flat), False


def _bytes(flat: NDArray[Any]) -> bytes:
    return flat.tobytes()


def _deflated(flat: NDArray[Any]) -> bytes:
    return zlib.compress(shuffled(flat.view(np.uint8), flat.itemsize), 1)


def shuffled(data: Any, item: int, back: bool = False) -> bytearray:
    """All first bytes of the items, then all second bytes, …; or ``back``."""
    taken = np.frombuffer(data, np.uint8)
    shape = (item, -1) if back else (-1, item)
    out = bytearray(taken.size)
    moved = taken.reshape(shape).T
    np.frombuffer(out, np.uint8).reshape(moved.shape)[:] = moved
    return out
