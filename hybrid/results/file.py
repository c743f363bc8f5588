"""The file of results: one self-describing HDF5 file, written all or nothing; :mod:`hybrid.results.layout` has its layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hybrid.clock import Clock
from hybrid.errors import DataError, HybridError
from hybrid.results.layout import (
    ARRAYS,
    DOCUMENTS,
    FORMAT,
    VERSION,
    Broken,
    array_names,
    everything,
    file_bytes_for,
    metadata_digest,
)
from hybrid.results.place import check_place, written_aside
from hybrid.results.reading import read, reading
from hybrid.results.recorder import Recording
from hybrid.results.sink import Sink, write_through

__all__ = ["DOCUMENTS", "Broken", "check_place", "read", "reading", "write"]

_CHUNK_BYTES = 2**19
_COMPRESS_FROM_BYTES = 2**16


def write(
    path: Path,
    recordings: Mapping[str, Recording],
    clock: Clock,
    duration: int,
    header: Mapping[str, Any],
    documents: Mapping[str, Any],
    overwrite: bool,
) -> None:
    """Write the file aside, flush it to the disk, and move it to ``path`` in one step.

    Raises
    ------
    OutputExistsError, ConfigurationError: see :func:`check_place`.
    DataError: the disk is full, or fails; nothing is left behind.
    """
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in documents.items()}
    attributes = {
        "format": FORMAT,
        "format_version": VERSION,
        **header,
        "tick_ms": clock.tick_ms,
        "duration_ticks": duration,
        "seed": _exact(header["seed"]),
    }

    def build(sink: Sink) -> int:
        with h5py.File(sink, "w") as file:
            _write_attributes(file, attributes)
            ports = file.create_group("ports", track_order=True)
            for name, recording in recordings.items():
                _write_recording(ports.create_group(name.replace("%", "%25").replace("/", "%2F")), recording)
                sink.check()
            for name, text in texts.items():
                _write_text(file.require_group("documents"), name, text)
            sink.check()
            file.attrs.create("metadata_sha256", **_fixed(metadata_digest(file)))
            return sum(item.nbytes for item in everything(file) if isinstance(item, h5py.Dataset))

    try:
        with written_aside(path, overwrite) as raw:
            memory_bytes = write_through(raw, build)
            if raw.seek(0, 2) < file_bytes_for(memory_bytes):  # very quiet data: so that the size announces them
                raw.truncate(file_bytes_for(memory_bytes))
    except (OSError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        if isinstance(error, HybridError):
            raise
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(
            f"{path}: could not be written ({reason}); the results are still in memory: make room, or save elsewhere"
        ) from error


def _exact(seed: int) -> np.uint64 | str:
    """A seed too large for any integer of HDF5 is written in decimal."""
    return np.uint64(seed) if 0 <= seed < 2**64 else str(seed)


def _write_recording(group: h5py.Group, recording: Recording) -> None:
    port, window = recording.port, recording.signal.window
    attributes = {
        "component": port.component,
        "name": port.name,
        "kind": port.kind.__name__,
        "unit": port.unit,
        "size": port.size,
        "direction": port.direction,
        "every_ticks": recording.every,
        "averaged": recording.averaged,
        "start": window.start,
        "stop": window.stop,
    }
    _write_attributes(group, attributes)
    if port.labels:
        texts = [_encoded(label) for label in port.labels]
        kind = h5py.string_dtype("utf-8", max(map(len, [*texts, b" "])))
        group.create_dataset("labels", data=np.array(texts, kind), dtype=kind)
    for name, values in zip(array_names(port.carries_events), recording.signal.payload(), strict=True):
        options: dict[str, Any] = {}
        if values.nbytes >= _COMPRESS_FROM_BYTES:
            row_bytes = max(values.nbytes // len(values), 1)
            rows = min(len(values), max(_CHUNK_BYTES // row_bytes, 1))
            options = {
                "chunks": (rows, *values.shape[1:]),
                "compression": "gzip",
                "compression_opts": 1,
                "shuffle": True,
            }
        group.create_dataset(name, data=values, dtype=ARRAYS[name], **options)


def _write_attributes(item: h5py.Group, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        if isinstance(value, str):
            item.attrs.create(name, **_fixed(value))
        else:
            item.attrs[name] = value


def _write_text(group: h5py.Group, name: str, text: str) -> None:
    group.create_dataset(name, **_fixed(text))


def _fixed(text: str) -> dict[str, Any]:
    data = _encoded(text)
    return {"data": np.bytes_(data), "dtype": h5py.string_dtype("utf-8", max(len(data), 1))}


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # names of files that are no UTF-8 come as surrogates
