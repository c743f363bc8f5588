"""The file of results: one self-describing HDF5 file, written all or nothing, and not trusted when read.

Layout, version 1::

    /                      format, format_version, created, content_sha256, documents_sha256, tick_ms, duration_ticks, seed
    /ports/<port>          component, name, kind, unit, size, direction, every_ticks, averaged, start, stop
    /ports/<port>/labels   names of the lines, if they have any
    /ports/<port>/values   float64 [samples, size]                    (continuous ports)
    /ports/<port>/ticks, ids, counts    int64, int32, int32 [events]  (spikes)
    /documents/<name>      configuration, versions, plan, audit, timing, provenance as JSON text

``start`` and ``stop`` count samples of ``every_ticks`` ticks. In the name of a group, ``%2F`` stands for a slash. Texts
are UTF-8 of fixed length: those of variable length live in a heap in which one damaged byte can make the HDF5 library
loop for ever (HDFGroup/hdf5 issue 1707), so none is read.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import h5py
import numpy as np
from numpy.typing import NDArray

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError, DataError, OutputExistsError
from hybrid.ports import Port
from hybrid.results.recorder import Recording
from hybrid.signals import KINDS

FORMAT, VERSION = "hybrid-results", 1
DOCUMENTS = ("configuration", "versions", "plan", "audit", "timing", "provenance")

_ARRAYS = {"values": np.dtype("<f8"), "ticks": np.dtype("<i8"), "ids": np.dtype("<i4"), "counts": np.dtype("<i4")}
_CHUNK_BYTES = 2**19
_COMPRESS_FROM_BYTES = 2**16
_DEFLATE_AT_BEST = 1100  # no deflated data expand by more than 1032:1; a file that claims so was not written by us


class Broken(Exception):  # noqa: N818 (becomes a DataError that names the file)
    """What is wrong with a file that is being read."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong while ``path`` is read becomes one ``DataError``."""
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        yield
    except Broken as error:
        raise DataError(f"{path}: {error}") from None
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, MemoryError, OverflowError) as error:
        raise DataError(f"{path}: not a readable file of results, or damaged: {error}") from error


def write(
    path: Path,
    recordings: Mapping[str, Recording],
    clock: Clock,
    duration: int,
    header: Mapping[str, Any],
    documents: Mapping[str, Any],
    overwrite: bool,
) -> None:
    """Write the file aside, flush it to the disk, and move it to ``path`` in one step."""
    check_place(path, overwrite)
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in documents.items()}
    attributes = {
        "format": FORMAT,
        "format_version": VERSION,
        **header,
        "documents_sha256": _digest(texts),
        "tick_ms": clock.tick_ms,
        "duration_ticks": duration,
        "seed": _exact(header["seed"]),
    }
    aside = path.parent / f".hybrid-{uuid4().hex}.part"
    try:
        with h5py.File(aside, "x") as file:
            _write_attributes(file, attributes)
            ports = file.create_group("ports", track_order=True)
            for name, recording in recordings.items():
                _write_recording(ports.create_group(name.replace("%", "%25").replace("/", "%2F")), recording)
            for name, text in texts.items():
                _write_text(file.require_group("documents"), name, text)
        _sync(aside)
        _publish(aside, path, overwrite)
        _sync(path.parent)
    except OutputExistsError:
        raise
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{path}: could not be written ({error}); the results are still here: save elsewhere"
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def check_place(path: Path, overwrite: bool) -> None:
    """Refuse a place where no file of results can be written."""
    if not path.parent.is_dir():
        raise ConfigurationError(f"cannot save {path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise OutputExistsError(f"cannot save {path}: that is a folder; give the name of a file")
    if not overwrite and os.path.lexists(path):
        raise _exists(path)


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError(f"{path} exists already; choose another name, or save with overwrite=True")


def _publish(aside: Path, path: Path, overwrite: bool) -> None:
    """Give the finished file its name; a file that appeared there meanwhile is not overwritten unasked."""
    if not overwrite:
        try:
            os.link(aside, path)  # unlike a rename, this fails if the name is taken
        except FileExistsError:
            raise _exists(path) from None
        except OSError:  # a file system without links: look, then rename
            if os.path.lexists(path):
                raise _exists(path) from None
        else:
            return
    os.replace(aside, path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exact(seed: int) -> np.uint64 | str:
    """A seed too large for any integer of HDF5 is written in decimal."""
    return np.uint64(seed) if 0 <= seed < 2**64 else str(seed)


def _digest(texts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()


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
        _write_text(group, "labels", json.dumps(port.labels, ensure_ascii=False))
    for name, values in zip(_array_names(port.carries_events), recording.signal.payload(), strict=True):
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
        group.create_dataset(name, data=values, dtype=_ARRAYS[name], **options)


def _array_names(events: bool) -> tuple[str, ...]:
    return ("ticks", "ids", "counts") if events else ("values",)


def _write_attributes(item: h5py.Group, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        if isinstance(value, str):
            item.attrs.create(name, **_fixed(value))
        else:
            item.attrs[name] = value


def _write_text(group: h5py.Group, name: str, text: str) -> None:
    group.create_dataset(name, **_fixed(text))


def _fixed(text: str) -> dict[str, Any]:
    data = text.encode()
    return {"data": np.bytes_(data), "dtype": h5py.string_dtype("utf-8", max(len(data), 1))}


def read(path: Path) -> dict[str, Any]:
    """What ``Results`` is made of, and the ``content_sha256`` the file claims; call it inside :func:`reading`."""
    if not h5py.is_hdf5(path):
        raise Broken("this is not an HDF5 file")
    with h5py.File(path, "r") as file:
        _check_version(file)
        _walk(file, path.stat().st_size)
        clock = Clock(_attribute(file, "tick_ms", float))
        documents = _member(file, "documents", h5py.Group)
        texts = {name: _text(documents, name) for name in DOCUMENTS}
        if _digest(texts) != _attribute(file, "documents_sha256", str):
            raise Broken("its documents are not those that were saved (documents_sha256 differs)")
        ports = _member(file, "ports", h5py.Group)
        recordings = [_read_recording(_member(ports, name, h5py.Group), clock) for name in ports]
        return {
            "recordings": {str(recording.port): recording for recording in recordings},
            "clock": clock,
            "duration": _attribute(file, "duration_ticks", int),
            "seed": int(_attribute(file, "seed", int, str)),
            "created": _attribute(file, "created", str),
            "content_sha256": _attribute(file, "content_sha256", str),
            **{name: json.loads(text) for name, text in texts.items()},
        }


def _check_version(file: h5py.File) -> None:
    if "format" not in file.attrs or _attribute(file, "format", str) != FORMAT:
        raise Broken(f"this is an HDF5 file, but not one of results (it has no attribute format={FORMAT!r})")
    version = _attribute(file, "format_version", int)
    if version > VERSION:
        raise Broken(
            f"it has format version {version}, this program reads versions up to {VERSION}; "
            "update it: pip install --upgrade hybrid-brain-simulation"
        )


def _walk(file: h5py.File, file_bytes: int) -> None:
    """Refuse, before anything is read, what could lead outside the file, round in circles, or to more than it holds."""
    groups, seen = [file], {h5py.h5o.get_info(file.id).addr}
    while groups:
        group = groups.pop()
        for name in group:
            where = f"{group.name.rstrip('/')}/{name}"
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise Broken(f"{where} is a link to somewhere else ({type(link).__name__}); that is refused")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                raise Broken(f"{where} is a second name of something; that is refused")
            seen.add(address)
            if isinstance(item, h5py.Group):
                groups.append(item)
            elif isinstance(item, h5py.Dataset):
                _check_dataset(item, where, file_bytes)
            else:
                raise Broken(f"{where} is neither a group nor a dataset")


def _check_dataset(dataset: h5py.Dataset, where: str, file_bytes: int) -> None:
    if dataset.is_virtual or dataset.external:
        raise Broken(f"{where} keeps its data outside this file; that is refused")
    if dataset.shape is None or (dataset.dtype not in _ARRAYS.values() and dataset.dtype.kind != "S"):
        raise Broken(f"{where} has the type {dataset.dtype}, which results do not have")
    claimed = max(math.prod(dataset.shape), math.prod(dataset.chunks or ())) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    if dataset.size and (claimed > stored * _DEFLATE_AT_BEST or stored > file_bytes):
        raise Broken(f"{where} claims {claimed:,} bytes, but only {min(stored, file_bytes):,} are stored")


def _member(group: h5py.Group, name: str, kind: type) -> Any:
    where = f"{group.name.rstrip('/')}/{name}"
    if name not in group:
        raise Broken(f"{where} is missing")
    if not isinstance(group[name], kind):
        raise Broken(f"{where} should be a {kind.__name__.lower()}")
    return group[name]


def _attribute(item: h5py.Group, name: str, *kinds: type) -> Any:
    """A scalar attribute as the plain value it stands for."""
    if name not in item.attrs:
        raise Broken(f"{item.name}: the attribute {name} is missing")
    stored = item.attrs.get_id(name)
    if stored.shape == () and stored.dtype.kind in "biufS":
        value = item.attrs[name].item()
        value = value.decode() if isinstance(value, bytes) else value
        if type(value) in kinds:
            return value
    raise Broken(f"{item.name}: the attribute {name} should be one {kinds[0].__name__}")


def _text(group: h5py.Group, name: str) -> str:
    dataset = _member(group, name, h5py.Dataset)
    if dataset.shape != () or dataset.dtype.kind != "S":
        raise Broken(f"{dataset.name} should be one text")
    return bytes(dataset[()]).decode()


def _array(group: h5py.Group, name: str, shape: tuple[int, ...] | None) -> NDArray[Any]:
    dataset = _member(group, name, h5py.Dataset)
    if dataset.dtype != _ARRAYS[name] or dataset.ndim != len(shape or (0,)) or shape not in (None, dataset.shape):
        found = f"{dataset.dtype} {list(dataset.shape)}"
        raise Broken(f"{dataset.name} should be {_ARRAYS[name]} {list(shape or ['events'])}, but is {found}")
    values: NDArray[Any] = dataset[()]
    return values


def _read_recording(group: h5py.Group, clock: Clock) -> Recording:
    kind_name = _attribute(group, "kind", str)
    direction = _attribute(group, "direction", str)
    every = _attribute(group, "every_ticks", int)
    if kind_name not in KINDS or direction not in ("in", "out") or every < 1:
        raise Broken(f"{group.name}: kind {kind_name!r}, direction {direction!r} or every_ticks {every} is impossible")
    labels = tuple(json.loads(_text(group, "labels"))) if "labels" in group else ()
    port = Port(
        _attribute(group, "component", str),
        _attribute(group, "name", str),
        KINDS[kind_name],
        _attribute(group, "size", int),
        direction,
        _attribute(group, "unit", str),
        labels,
    )
    window = Window(_attribute(group, "start", int), _attribute(group, "stop", int))
    shape = None if port.carries_events else (len(window), port.size)
    arrays = tuple(_array(group, name, shape) for name in _array_names(port.carries_events))
    signal = port.kind.from_payload(window, port.size, arrays)
    return Recording(port, signal, every, clock, _attribute(group, "averaged", bool))
