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
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hybrid.connectome.archives import Archive, Folder, Zip
from hybrid.connectome.tables import read_centres, read_numbers
from hybrid.errors import DataError

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
    if not path.exists():
        raise DataError(f"{path} does not exist")
    if path.is_dir():
        return _read_tables(Folder(path), path.resolve().name)
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


def _table(archive: Archive, *stems: str) -> tuple[bytes, str]:
    name = _find(archive, *stems)
    if name is None:
        raise DataError(
            f"{archive.where} holds no {' or '.join(stem + '.txt' for stem in stems)} (nor .csv, nor .bz2 of them); "
            f"it holds: {', '.join(archive.names()[:20]) or 'nothing'}"
        )
    return archive.read(name), f"{archive.where}: {name}"


def _read_tables(archive: Archive, name: str) -> Raw:
    weights = read_numbers(*_table(archive, "weights"))
    lengths = read_numbers(*_table(archive, "tract_lengths", "lengths"))
    labels, centres = read_centres(*_table(archive, "centres", "centers"))
    hemispheres = None
    if _find(archive, "hemispheres", "hemisphere"):
        hemispheres = read_numbers(*_table(archive, "hemispheres", "hemisphere")).ravel()
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
        raise DataError(f"{path} has no {', '.join(missing)}; an .npz holds labels, weights, lengths_mm and centres_mm")

    def optional(key: str) -> NDArray[Any] | None:
        return _npy(archive, key) if f"{key}.npy" in present else None

    name, provenance, notes = optional("name"), optional("provenance"), optional("notes")
    return Raw(
        where=str(path),
        name=path.stem if name is None else str(name),
        labels=[str(label) for label in _npy(archive, "labels").ravel()],
        weights=_npy(archive, "weights"),
        lengths_mm=_npy(archive, "lengths_mm"),
        centres_mm=_npy(archive, "centres_mm"),
        hemispheres=optional("hemispheres"),
        provenance=_unknown_origin(path) if provenance is None else str(provenance),
        notes=() if notes is None else tuple(str(note) for note in notes.ravel()),
    )


def _npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    formats: Any = np.lib.format  # numpy leaves these functions untyped
    header = formats.read_array_header_1_0 if formats.read_magic(file) == (1, 0) else formats.read_array_header_2_0
    shape, _, dtype = header(file)
    return shape, dtype


def _npy(archive: Zip, key: str) -> NDArray[Any]:
    """One array. Its header is held against the bytes that are there before numpy reserves any memory for it."""
    data = archive.read(f"{key}.npy")
    where = f"{archive.where}: {key}.npy"
    file = io.BytesIO(data)
    try:
        shape, dtype = _npy_header(file)
        claimed = dtype.itemsize * np.prod([float(size) for size in shape])
        if claimed > len(data):
            raise DataError(f"{where} claims {claimed:.3g} bytes of numbers but holds {len(data)}")
        file.seek(0)
        return np.asarray(np.load(file, allow_pickle=False))
    except DataError:
        raise
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{where} is no readable array: {error}") from None
