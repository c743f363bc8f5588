"""Connectomes from files: a zip or a folder of text tables as TVB has them, or an ``.npz``.

A zip or a folder holds these tables, each as ``.txt`` or ``.csv``, and perhaps packed as ``.bz2``:

=============================== =====================================================================================
``weights``                     n rows of n numbers; rows are targets, columns are sources
``tract_lengths`` (``lengths``) n rows of n numbers in mm, the same order
``centres`` (``centers``)       n rows of label, x, y, z in mm; it names the regions, and further columns are not read
``hemispheres``                 optional: n rows of 0 (left) or 1 (right)
=============================== =====================================================================================

Columns are separated by commas or by white space, and there are no headers. That rows are targets is TVB's convention
(head of ``tvb/simulator/coupling.py``: the entry in row k and column j is the strength from j to k), and the opposite
of the Brain Connectivity Toolbox. Of two files that could be the same table, none is chosen: that is an error.

No file is trusted. There are at most 20,000 regions; a packed file may unpack to 32 MB, or to 200 times its own size;
bytes, rows and columns are counted while they are read, and an array's header is never evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from hybrid.connectome.archives import Archive, Folder, Stream, Zip, guarded, shown
from hybrid.connectome.npy import read_npy
from hybrid.connectome.tables import read_centres, read_matrix, read_numbers
from hybrid.errors import DataError

T = TypeVar("T")

_SUFFIXES = (".txt", ".csv", ".txt.bz2", ".csv.bz2")


@dataclass
class Raw:
    """What a file holds, unchecked."""

    where: str
    name: str
    labels: Sequence[str]
    weights: NDArray[Any]
    lengths_mm: NDArray[Any]
    centres_mm: NDArray[Any]
    hemispheres: NDArray[Any] | None
    provenance: str
    notes: tuple[str, ...] = ()


def read(path: Path) -> Raw:
    """Whatever lies at ``path``: a folder, the weights table of a folder, a zip or an ``.npz``; ``DataError`` if not."""
    with guarded(shown(path, 500)):
        if path.is_dir():
            return _read_tables(Folder(path), path.resolve().name)
        if not path.exists():
            raise DataError(f"{shown(path, 500)} does not exist")
        if not path.is_file():
            raise DataError(f"{shown(path, 500)} is neither a file nor a folder")
        if path.name in {f"weights{suffix}" for suffix in _SUFFIXES}:
            return _read_tables(Folder(path.parent), path.resolve().parent.name)
        archive = Zip(path)
        if path.suffix == ".npz" or "weights.npy" in archive.names():
            return _read_npz(archive, path)
        return _read_tables(archive, path.stem)


def _unknown_origin(path: Path) -> str:
    return f"Read from {path.name}, which does not say where its data come from."


def _find(archive: Archive, *stems: str) -> str | None:
    """The one file that holds a table, or ``None``."""
    present = set(archive.names())
    found = [stem + suffix for stem in stems for suffix in _SUFFIXES if stem + suffix in present]
    if len(found) > 1:
        raise DataError(f"{archive.where} holds {' and '.join(found)}; keep the one that is meant")
    return found[0] if found else None


def _table(archive: Archive, read_table: Callable[[Stream, str], T], *stems: str) -> T:
    name = _find(archive, *stems)
    if name is None:
        raise DataError(
            f"{archive.where} holds no {' or '.join(stem + '.txt' for stem in stems)} (nor .csv, nor .bz2 of them); "
            f"it holds: {shown(', '.join(archive.names()[:20]), 500) or 'nothing'}"
        )
    with archive.open(name) as file:
        return read_table(file, f"{archive.where}: {name}")


def _read_tables(archive: Archive, name: str) -> Raw:
    weights = _table(archive, read_matrix, "weights")
    lengths = _table(archive, read_matrix, "tract_lengths", "lengths")
    labels, centres = _table(archive, read_centres, "centres", "centers")
    hemispheres = None
    if _find(archive, "hemispheres", "hemisphere"):
        hemispheres = _table(archive, read_numbers, "hemispheres", "hemisphere").ravel()
    return Raw(
        where=archive.where,
        name=name,
        labels=labels,
        weights=weights,
        lengths_mm=lengths,
        centres_mm=centres,
        hemispheres=hemispheres,
        provenance=_unknown_origin(Path(archive.where)),
    )


def _read_npz(archive: Zip, path: Path) -> Raw:
    present = set(archive.names())
    missing = [key for key in ("labels", "weights", "lengths_mm", "centres_mm") if f"{key}.npy" not in present]
    if missing:
        raise DataError(
            f"{archive.where} has no {', '.join(missing)}; an .npz holds labels, weights, lengths_mm and centres_mm"
        )

    def numbers(key: str, dimensions: int) -> NDArray[Any]:
        with archive.open(f"{key}.npy") as file:
            return read_npy(file, f"{archive.where}: {key}.npy", dimensions=dimensions)

    def texts(key: str, dimensions: int = 1) -> list[str] | None:
        if f"{key}.npy" not in present:
            return None
        with archive.open(f"{key}.npy") as file:
            return _as_texts(read_npy(file, f"{archive.where}: {key}.npy", texts=True, dimensions=dimensions))

    name, provenance = texts("name", 0), texts("provenance", 0)
    return Raw(
        where=archive.where,
        name=path.stem if name is None else name[0],
        labels=texts("labels") or [],
        notes=tuple(texts("notes") or []),
        weights=numbers("weights", 2),
        lengths_mm=numbers("lengths_mm", 2),
        centres_mm=numbers("centres_mm", 2),
        hemispheres=numbers("hemispheres", 1) if "hemispheres.npy" in present else None,
        provenance=_unknown_origin(path) if provenance is None else provenance[0],
    )


def _as_texts(values: NDArray[Any]) -> list[str]:
    found = [str(text) for text in values.ravel()]
    for text in found:
        text.encode()  # half a surrogate pair is no text, and could be neither shown nor saved
    return found
