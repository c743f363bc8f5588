"""Compressed datasets of a results file, chunk by chunk: written without a second copy, read without trusting them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hybrid.results.layout import Broken
from hybrid.results.lazy import LazyArray
from hybrid.results.packing import packed, shuffled

_CHUNK_BYTES = 2**19
COMPRESS_FROM_BYTES = 2**16
_NEITHER = 3  # filter mask: HDF5's shuffle and deflate were left out


def chunked(shape: tuple[int, ...], nbytes: int) -> dict[str, Any]:
    """Options of a dataset of that shape: compressed if it is large."""
    if nbytes < COMPRESS_FROM_BYTES:
        return {}
    rows = min(shape[0], max(_CHUNK_BYTES // max(nbytes // shape[0], 1), 1))
    return {"chunks": (rows, *shape[1:]), "compression": "gzip", "compression_opts": 1, "shuffle": True}


def write_lazily(
    group: h5py.Group, name: str, array: LazyArray, dtype: np.dtype[Any], written: Callable[[NDArray[Any]], None]
) -> None:
    """A dataset from an array in a file; ``written`` is called with every part, in order."""
    options = chunked(array.shape, array.nbytes)
    if not options:
        values = np.asarray(array)
        group.create_dataset(name, data=values, dtype=dtype)
        return written(values)
    dataset = group.create_dataset(name, array.shape, dtype, **options)
    rows = options["chunks"][0]
    for first in range(0, len(array), rows):
        part = np.ascontiguousarray(array.read(first, min(first + rows, len(array))), dtype)
        written(part)
        if len(part) < rows:  # chunks are whole
            whole = np.zeros((rows, *part.shape[1:]), dtype)
            whole[: len(part)] = part
            part = whole
        data, is_packed = packed(part)
        start = (first, *(0 for _ in array.shape[1:]))
        dataset.id.write_direct_chunk(start, bytes(data), 0 if is_packed else _NEITHER)


def read_rows(dataset: h5py.Dataset, first: int, stop: int) -> NDArray[Any]:
    """Rows ``[first, stop)``; chunk by chunk, for the library itself would inflate a chunk to whatever size it has."""
    if dataset.chunks is None:
        values: NDArray[Any] = dataset[first:stop]
        return values
    rows = dataset.chunks[0]
    found = np.empty((stop - first, *dataset.shape[1:]), dataset.dtype)
    for at in range(first - first % rows, stop, rows):
        low, high = max(at, first), min(at + rows, stop)
        found[low - first : high - first] = read_chunk(dataset, at)[low - at : high - at]
    return found


def read_chunk(dataset: h5py.Dataset, first: int) -> NDArray[Any]:
    """The chunk that begins at a row."""
    item, chunk_bytes = dataset.dtype.itemsize, math.prod(dataset.chunks) * dataset.dtype.itemsize
    start = (first, *(0 for _ in dataset.shape[1:]))
    stored_bytes = dataset.id.get_chunk_info_by_coord(start).size
    if not 0 < stored_bytes <= 2 * chunk_bytes:
        raise Broken(f"{dataset.name}: the chunk at {first} has {stored_bytes:,} bytes, which cannot be")
    skipped, data = dataset.id.read_direct_chunk(start)
    if not skipped & 2:  # HDF5 leaves out a filter that did not help
        data = zlib.decompressobj().decompress(data, chunk_bytes)
    if len(data) != chunk_bytes:
        raise Broken(f"{dataset.name}: the chunk at {first} is incomplete")
    if not skipped & 1:
        data = shuffled(data, item, back=True)
    return np.frombuffer(data, dataset.dtype).reshape(dataset.chunks)
