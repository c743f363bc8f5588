"""What every connectome must satisfy; the first violation is named with its regions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import DataError
from hybrid.units import FloatArray, array

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def frozen(values: NDArray[Any]) -> NDArray[Any]:
    """A contiguous copy that nobody can write to."""
    copy = np.array(values, order="C", copy=True)
    copy.flags.writeable = False
    return copy


def check_labels(labels: Sequence[str], where: str) -> tuple[str, ...]:
    """At least one label, none empty, none twice."""
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise DataError(f"{where}: labels must be a list of names, not {labels!r}")
    names = tuple(str(label) for label in labels)
    if not names:
        raise DataError(f"{where}: there is no region")
    first: dict[str, int] = {}
    for row, name in enumerate(names, start=1):
        if not name.strip():
            raise DataError(f"{where}: the label of region {row} is empty")
        if _CONTROL.search(name):
            raise DataError(f"{where}: the label of region {row}, {name[:80]!r}, holds a control character")
        if name in first:
            raise DataError(
                f"{where}: label {name!r} names two regions, {first[name]} and {row}; labels must be unique"
            )
        first[name] = row
    return names


def _first(found: NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the first that is true."""
    row, column = divmod(int(found.argmax()), found.shape[1])
    return row, column


def _numbers(values: Any, unit: str, what: str, where: str) -> FloatArray:
    if hasattr(values, "dim"):
        return array(values, unit, f"{where}: {what}")
    try:
        given = np.asarray(values)
        if given.dtype.kind not in "biufO":
            raise TypeError(f"its type is {given.dtype}")
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where}: {what} is not an array of numbers: {error}") from None


def check_matrix(values: Any, labels: tuple[str, ...], unit: str, what: str, where: str) -> FloatArray:
    """Square, one row and column a region, finite, nothing below 0."""
    matrix = _numbers(values, unit, what, where)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise DataError(f"{where}: {what} has shape {matrix.shape}; it must be square, [target, source]")
    if len(matrix) != len(labels):
        raise DataError(f"{where}: {what} has {len(matrix)} regions, but there are {len(labels)} labels")
    bad = ~(np.isfinite(matrix) & (matrix >= 0))
    if bad.any():
        target, source = _first(bad)
        count = np.count_nonzero(bad)
        more = f" ({count} such entries)" if count > 1 else ""
        raise DataError(
            f"{where}: {what} in row {target + 1} ({labels[target]}), column {source + 1} ({labels[source]}) "
            f"is {matrix[target, source]:g}; it must be finite and not below 0{more}"
        )
    return matrix


def check_centres(values: Any, labels: tuple[str, ...], where: str) -> FloatArray:
    """``[n, 3]``, finite."""
    centres = _numbers(values, "mm", "centres_mm", where)
    if centres.shape != (len(labels), 3):
        raise DataError(
            f"{where}: centres_mm has shape {centres.shape}; for {len(labels)} labels it must be ({len(labels)}, 3)"
        )
    bad = ~np.isfinite(centres)
    if bad.any():
        row, axis = _first(bad)
        raise DataError(
            f"{where}: coordinate {'xyz'[axis]} of the centre of {labels[row]} (row {row + 1}) "
            f"is {centres[row, axis]:g}; it must be finite"
        )
    return centres


def check_hemispheres(values: Any, labels: tuple[str, ...], where: str) -> NDArray[np.bool_] | None:
    """``[n]`` of 0 (left) and 1 (right), or ``None`` where nobody knows."""
    if values is None:
        return None
    try:
        given = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{where}: hemispheres is not an array: {error}") from None
    if given.shape != (len(labels),):
        raise DataError(
            f"{where}: hemispheres has shape {given.shape}; it must hold one value a region ({len(labels)})"
        )
    if not np.isin(given, (0, 1)).all():
        raise DataError(f"{where}: hemispheres must hold 0 (left) and 1 (right) only")
    return given.astype(np.bool_)


def check_tracts(weights: FloatArray, lengths_mm: FloatArray, labels: tuple[str, ...], where: str) -> None:
    """Whatever has a weight has a length: a connection without a length has no delay."""
    bad = (weights > 0) & (lengths_mm == 0)
    if not bad.any():
        return
    target, source = _first(bad)
    raise DataError(
        f"{where}: the tract from {labels[source]} to {labels[target]} (row {target + 1}, column {source + 1}) has "
        f"weight {weights[target, source]:g} but length 0 ({np.count_nonzero(bad)} such tracts); give its length, or load with "
        f'zero_lengths="distance" (between the centres) or "shortest" (the shortest other tract)'
    )
