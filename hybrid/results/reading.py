"""Reads a file of results without trusting it: nothing outside of it, no more memory than its size makes plausible."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from hybrid.clock import Clock, Window
from hybrid.errors import DataError
from hybrid.ports import Port
from hybrid.results.chunks import read_rows
from hybrid.results.layout import (
    ARRAYS,
    DOCUMENTS,
    FORMAT,
    VERSION,
    Broken,
    array_names,
    documents_digest,
    metadata_digest,
    plausible_bytes,
)
from hybrid.results.recording import Recording
from hybrid.results.stored import StoredFile, StoredRows, with_arrays
from hybrid.signals import KINDS

_DEFLATE_AT_BEST = 1100  # no deflated data expand by more than 1032:1; a file that claims so was not written by us
LAZY_BYTES = 2**30  # what needs more memory than this is left in its file until it is asked for
_SHUFFLED_AND_DEFLATED = [h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong while ``path`` is read becomes one ``DataError``."""
    try:
        if not path.exists():
            raise Broken("there is no such file")
        if not path.is_file():
            raise Broken("this is no file")
        yield
    except Broken as error:
        raise DataError(f"{path}: {error}") from None
    except DataError:  # of a part that was left in the file
        raise
    except Exception as error:  # damaged bytes make the HDF5 library and numpy raise almost anything
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"{path}: not a readable file of results, or damaged: {reason}") from error


def read(path: Path, max_bytes: int | None = None, lazy: bool | None = None) -> dict[str, Any]:
    """What ``Results`` is made of, and the ``content_sha256`` the file claims; call it inside :func:`reading`.

    ``lazy``: leave the arrays in the file, to be read by slices; if not said, where they need more than ``LAZY_BYTES``.
    """
    with path.open("rb"):  # says why, where HDF5 would only say no
        pass
    if not h5py.is_hdf5(path):
        raise Broken("this is not an HDF5 file")
    file_bytes = path.stat().st_size
    with h5py.File(path, "r", locking=False) as file:  # files appear whole: no lock is needed, and some disks have none
        _check_attributes(file)
        version = _version(file)
        claimed = _walk(file, file_bytes)
        lazy = max_bytes is None and claimed > LAZY_BYTES if lazy is None else lazy
        _check_plausible(claimed, file_bytes, max_bytes)
        if version > 1 and metadata_digest(file) != _attribute(file, "metadata_sha256", str):
            raise Broken("its metadata are not those that were saved (metadata_sha256 differs)")
        documents = _member(file, "documents", h5py.Group)
        texts = {name: _text(documents, name) for name in DOCUMENTS}
        if version == 1 and documents_digest(texts) != _attribute(file, "documents_sha256", str):
            raise Broken("its documents are not those that were saved (documents_sha256 differs)")
        clock = Clock(_attribute(file, "tick_ms", float))
        ports = _member(file, "ports", h5py.Group)
        stored = StoredFile(path, _attribute(file, "content_sha256", str)) if lazy else None
        recordings = [_read_recording(_member(ports, name, h5py.Group), clock, version, stored) for name in ports]
        return {
            "recordings": {str(recording.port): recording for recording in recordings},
            "clock": clock,
            "duration": _attribute(file, "duration_ticks", int),
            "seed": int(_attribute(file, "seed", int, str)),
            "created": _attribute(file, "created", str),
            "interrupted_by": (_attribute(file, "interrupted_by", str) or None) if version > 1 else None,
            "content_sha256": _attribute(file, "content_sha256", str),
            **{name: _document(name, text) for name, text in texts.items()},
        }


def _version(file: h5py.File) -> int:
    if "format" not in file.attrs or _attribute(file, "format", str) != FORMAT:
        raise Broken(f"this is an HDF5 file, but not one of results (it has no attribute format={FORMAT!r})")
    version = int(_attribute(file, "format_version", int))
    if version > VERSION:
        raise Broken(
            f"it has format version {version}, this program reads versions up to {VERSION}; "
            "update it: pip install --upgrade hybrid-brain-simulation"
        )
    if version < 1:
        raise Broken(f"there is no format version {version}")
    return version


def _walk(file: h5py.File, file_bytes: int) -> int:
    """Refuse, before anything is read, what could lead outside the file, round in circles, or to more than it holds.

    Returns how much memory reading all of it takes.
    """
    groups, seen, claimed = [file], {h5py.h5o.get_info(file.id).addr}, 0
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
                claimed += _claimed_bytes(item, where, file_bytes)
            else:
                raise Broken(f"{where} is neither a group nor a dataset")
            _check_attributes(item)
    return claimed


def _check_plausible(claimed: int, file_bytes: int, max_bytes: int | None) -> None:
    max_bytes = plausible_bytes(file_bytes) if max_bytes is None else max_bytes
    if claimed > max_bytes:
        raise Broken(
            f"it holds {claimed:,} bytes of data in a file of {file_bytes:,} bytes, which is more than is plausible "
            f"({max_bytes:,}); if you trust it: Results.load(path, max_bytes={claimed})"
        )


def _check_attributes(item: h5py.Group | h5py.Dataset) -> None:
    for name in item.attrs:
        stored = item.attrs.get_id(name)
        if stored.shape != () or stored.dtype.kind not in "biufS":
            kind = "one number or text of fixed length"
            raise Broken(f"{item.name}: the attribute {name} should be {kind}")


def _claimed_bytes(dataset: h5py.Dataset, where: str, file_bytes: int) -> int:
    """How much memory reading it takes at most."""
    if dataset.is_virtual or dataset.external:
        raise Broken(f"{where} keeps its data outside this file; that is refused")
    if dataset.shape is None or (dataset.dtype not in ARRAYS.values() and dataset.dtype.kind != "S"):
        raise Broken(f"{where} has the type {dataset.dtype}, which results do not have")
    values = max(math.prod(dataset.shape), math.prod(dataset.chunks or (0,)))
    claimed: int = values * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    if dataset.size and (claimed > stored * _DEFLATE_AT_BEST or stored > file_bytes):
        raise Broken(f"{where} claims {claimed:,} bytes, but only {min(stored, file_bytes):,} are stored")
    if dataset.chunks is None:
        packed = claimed > stored
    else:
        settings = dataset.id.get_create_plist()
        filters = [settings.get_filter(k)[0] for k in range(settings.get_nfilters())]
        packed = dataset.dtype.kind == "S" or filters != _SHUFFLED_AND_DEFLATED
        packed = packed or dataset.chunks[1:] != dataset.shape[1:]
    if packed:
        raise Broken(f"{where} is stored in a way in which results are not")
    return claimed


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
    value = item.attrs[name].item()
    value = _decoded(value) if isinstance(value, bytes) else value
    if type(value) not in kinds:
        raise Broken(f"{item.name}: the attribute {name} should be one {kinds[0].__name__}")
    return value


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")


def _text(group: h5py.Group, name: str) -> str:
    dataset = _member(group, name, h5py.Dataset)
    if dataset.shape != () or dataset.dtype.kind != "S":
        raise Broken(f"{dataset.name} should be one text")
    return _decoded(bytes(dataset[()]))


def _document(name: str, text: str) -> Any:
    document = json.loads(text)
    rows = document if name == "audit" else [document]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Broken(f"/documents/{name} is not what such a document is")
    return document


def _labels(group: h5py.Group, version: int) -> tuple[str, ...]:
    if "labels" not in group:
        return ()
    if version == 1:
        labels = json.loads(_text(group, "labels"))
    else:
        stored = _member(group, "labels", h5py.Dataset)
        labels = [_decoded(label) for label in stored[()].tolist()] if stored.dtype.kind == "S" else None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise Broken(f"{group.name}/labels should be texts")
    return tuple(labels)


def _read_recording(group: h5py.Group, clock: Clock, version: int, stored: StoredFile | None) -> Recording:
    kind_name = _attribute(group, "kind", str)
    direction = _attribute(group, "direction", str)
    every = _attribute(group, "every_ticks", int)
    if kind_name not in KINDS or direction not in ("in", "out") or every < 1:
        raise Broken(f"{group.name}: kind {kind_name!r}, direction {direction!r} or every_ticks {every} is impossible")
    port = Port(
        _attribute(group, "component", str),
        _attribute(group, "name", str),
        KINDS[kind_name],
        _attribute(group, "size", int),
        direction,
        _attribute(group, "unit", str),
        _labels(group, version),
    )
    window = Window(_attribute(group, "start", int), _attribute(group, "stop", int))
    shape = None if port.carries_events else (len(window), port.size)
    datasets = [_dataset(group, name, shape) for name in array_names(port.carries_events)]
    if stored is None:
        signal = port.kind.from_payload(window, port.size, tuple(read_rows(each, 0, len(each)) for each in datasets))
    else:
        if len({len(each) for each in datasets}) > 1:
            raise Broken(f"{group.name}: ticks, ids and counts should be equally many")
        signal = with_arrays(port, window, [StoredRows(stored, each.name, each.shape, each.dtype) for each in datasets])
    return Recording(port, signal, every, clock, _attribute(group, "averaged", bool))


def _dataset(group: h5py.Group, name: str, shape: tuple[int, ...] | None) -> h5py.Dataset:
    dataset = _member(group, name, h5py.Dataset)
    if dataset.dtype != ARRAYS[name] or dataset.ndim != len(shape or (0,)) or shape not in (None, dataset.shape):
        found = f"{dataset.dtype} {list(dataset.shape)}"
        raise Broken(f"{dataset.name} should be {ARRAYS[name]} {list(shape or ['events'])}, but is {found}")
    return dataset
