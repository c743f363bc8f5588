"""The file of results: one self-describing HDF5 file, written all or nothing; :mod:`hybrid.results.layout` has its layout."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hybrid.clock import Clock
from hybrid.errors import DataError, HybridError
from hybrid.results.chunks import chunked, write_lazily
from hybrid.results.digest import ContentDigest
from hybrid.results.layout import (
    ARRAYS,
    DOCUMENTS,
    FORMAT,
    VERSION,
    Broken,
    array_names,
    everything,
    file_bytes_for,
    file_name,
    metadata_digest,
)
from hybrid.results.lazy import LazyArray, arrays_of, is_lazy
from hybrid.results.place import check_place, written_aside
from hybrid.results.reading import read, reading
from hybrid.results.recording import Recording
from hybrid.results.sink import Sink, write_through

__all__ = ["DOCUMENTS", "Broken", "check_place", "read", "reading", "write"]


def write(
    path: Path,
    recordings: Mapping[str, Recording],
    clock: Clock,
    duration: int,
    header: Mapping[str, Any],
    documents: Mapping[str, Any],
    overwrite: bool,
    told: Callable[[float], object] | None = None,
) -> str:
    """Write the file aside, flush it to the disk, and move it to ``path`` in one step; returns its ``content_sha256``.

    What recordings have in files is copied a part at a time. Where there is such a one, the checksum is that of what was
    copied, and must be that of the header, if it has one; else it is taken from there.

    ``told`` is called now and then with the share of the data that is written.

    Raises
    ------
    OutputExistsError, ConfigurationError: see :func:`check_place`.
    DataError: the disk is full, or fails; nothing is left behind.
    """
    in_files = any(is_lazy(each.signal) for each in recordings.values())
    recordings = dict(sorted(recordings.items())) if in_files else recordings  # the order of the checksum
    digest = ContentDigest(clock.tick_ms, duration) if in_files else None
    share = _Share(recordings)
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in documents.items()}
    attributes = {
        "format": FORMAT,
        "format_version": VERSION,
        **{name: value for name, value in header.items() if value is not None},
        "tick_ms": clock.tick_ms,
        "duration_ticks": duration,
        "seed": _exact(header["seed"]),
    }

    def build(sink: Sink) -> tuple[int, str]:
        with h5py.File(sink, "w") as file:
            _write_attributes(file, attributes)
            ports = file.create_group("ports", track_order=True)
            for name, recording in recordings.items():
                if digest:
                    digest.begin(name, recording)
                _write_recording(ports.create_group(file_name(name)), recording, digest, share, sink)
                sink.check()
            for name, text in texts.items():
                _write_text(file.require_group("documents"), name, text)
            sink.check()
            if digest:
                _check_sum(digest.hexdigest(), header["content_sha256"])
                _write_attributes(file, {"content_sha256": digest.hexdigest()})
            file.attrs.create("metadata_sha256", **_fixed(metadata_digest(file)))
            memory_bytes = sum(item.nbytes for item in everything(file) if isinstance(item, h5py.Dataset))
            return memory_bytes, digest.hexdigest() if digest else header["content_sha256"]

    try:
        with written_aside(path, overwrite) as raw:
            memory_bytes, checksum = write_through(raw, build, told and (lambda: told(share.done)))
            if raw.seek(0, 2) < file_bytes_for(memory_bytes):  # very quiet data: so that the size announces them
                raw.truncate(file_bytes_for(memory_bytes))
    except (OSError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        if isinstance(error, HybridError):
            raise
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        where = "where they were" if in_files else "in memory"
        raise DataError(
            f"{path}: could not be written ({reason}); the results are still {where}: make room, or save elsewhere"
        ) from error
    return checksum


class _Share:
    """How much of the data has been written."""

    def __init__(self, recordings: Mapping[str, Recording]) -> None:
        self._bytes = sum(array.nbytes for each in recordings.values() for array in arrays_of(each.signal))
        self._written = 0

    def add(self, rows: NDArray[Any]) -> None:
        self._written += rows.nbytes

    @property
    def done(self) -> float:
        return self._written / self._bytes if self._bytes else 1.0


def _check_sum(found: str, expected: str | None) -> None:
    if expected not in (None, found):
        raise ValueError("the data are not those that were recorded (content_sha256 differs)")


def _exact(seed: int) -> np.uint64 | str:
    """A seed too large for any integer of HDF5 is written in decimal."""
    return np.uint64(seed) if 0 <= seed < 2**64 else str(seed)


def _write_recording(
    group: h5py.Group, recording: Recording, digest: ContentDigest | None, share: _Share, sink: Sink
) -> None:
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

    def written(rows: NDArray[Any]) -> None:
        share.add(rows)
        if digest:
            sink.check()
            digest.add(rows)

    for name, values in zip(array_names(port.carries_events), arrays_of(recording.signal), strict=True):
        if isinstance(values, LazyArray):
            write_lazily(group, name, values, ARRAYS[name], written)
        else:
            group.create_dataset(name, data=values, dtype=ARRAYS[name], **chunked(values.shape, values.nbytes))
            written(values)


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
