"""What a file of results is made of, and the checksum of everything in it that is no recorded number.

Layout, version 2::

    /                      format, format_version, created, content_sha256, metadata_sha256, tick_ms, duration_ticks,
                           seed, interrupted_by (empty if the run was completed)
    /ports/<port>          component, name, kind, unit, size, direction, every_ticks, averaged, start, stop
    /ports/<port>/labels   texts [size]: names of the lines, if they have any
    /ports/<port>/values   float64 [samples, size]                    (continuous ports)
    /ports/<port>/ticks, ids, counts    int64, int32, int32 [events]  (spikes)
    /documents/<name>      configuration, versions, plan, audit, timing, provenance as JSON text

``start`` and ``stop`` count samples of ``every_ticks`` ticks. In the name of a group, ``%2F`` stands for a slash. Texts
are UTF-8 of fixed length: those of variable length live in a heap in which one damaged byte can make the HDF5 library
loop for ever (HDFGroup/hdf5 issue 1707), so none is read.

``content_sha256`` is that of the recorded data (:attr:`hybrid.Results.content_sha256`), ``metadata_sha256`` that of all
else: names, order, types and shapes of groups and datasets, every attribute and every text. In version 1 there was
``documents_sha256`` in its place, of the documents alone; labels were one JSON text, and there was no ``interrupted_by``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import h5py
import numpy as np

FORMAT, VERSION = "hybrid-results", 2
DOCUMENTS = ("configuration", "versions", "plan", "audit", "timing", "provenance")
ARRAYS: dict[str, np.dtype[Any]] = {
    "values": np.dtype("<f8"),
    "ticks": np.dtype("<i8"),
    "ids": np.dtype("<i4"),
    "counts": np.dtype("<i4"),
}

_FREE_BYTES = 2**28  # whatever a file's size, it may need so much memory
_BYTES_PER_BYTE = 100
_LONGEST_NAME = 180  # bytes; most file systems take 255


class Broken(Exception):  # noqa: N818 (becomes a DataError that names the file)
    """What is wrong with a file that is being read."""


def array_names(events: bool) -> tuple[str, ...]:
    return ("ticks", "ids", "counts") if events else ("values",)


def file_name(port: str) -> str:
    """The name of a port where a slash would lead elsewhere."""
    return port.replace("%", "%25").replace("/", "%2F")


def part_name(port: str) -> str:
    """The name of the file to which a port's recording is appended; one too long for a file is cut and told apart."""
    name = os.fsencode(file_name(port).replace("\0", "%00"))
    if len(name) > _LONGEST_NAME:
        name = name[:_LONGEST_NAME] + b"-" + hashlib.sha256(name).hexdigest()[:16].encode()
    return os.fsdecode(name) + ".frames"


def plausible_bytes(file_bytes: int) -> int:
    """How much memory a file of this size may need: above a small allowance, a hundred times its size."""
    return max(_FREE_BYTES, _BYTES_PER_BYTE * file_bytes)


def file_bytes_for(memory_bytes: int) -> int:
    """The least size of a file for which ``memory_bytes`` are plausible."""
    return 0 if memory_bytes <= _FREE_BYTES else -(-memory_bytes // _BYTES_PER_BYTE)


def everything(group: h5py.Group) -> Iterator[h5py.Group | h5py.Dataset]:
    """The group and all that is in it, each group before its members."""
    yield group
    for member in group.values():
        if isinstance(member, h5py.Group):
            yield from everything(member)
        else:
            yield member


def metadata_digest(file: h5py.File) -> str:
    """SHA-256 of everything in the file but itself and the recorded arrays, which ``content_sha256`` covers."""
    digest = hashlib.sha256()
    for item in everything(file):
        shape = [item.dtype.str, *item.shape] if isinstance(item, h5py.Dataset) else None
        digest.update(_line(item.name, shape))
        for name in sorted(item.attrs):
            if name != "metadata_sha256":
                value = np.asarray(item.attrs[name])
                digest.update(_line(name, value.dtype.str, value.tobytes().hex()))
        if shape is not None and item.dtype.kind == "S":
            digest.update(np.asarray(item[()]).tobytes())
    return digest.hexdigest()


def documents_digest(texts: Mapping[str, str]) -> str:
    """The checksum of version 1."""
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()


def _line(*values: object) -> bytes:
    return json.dumps(values).encode() + b"\n"
