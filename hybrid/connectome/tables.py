"""Numbers and labels from text, with the row and column of what is wrong; no more is held than the numbers need."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np

from hybrid.connectome.archives import Stream, shown
from hybrid.errors import DataError
from hybrid.units import FloatArray

MAX_REGIONS = 20_000
_MAX_LINE = 2**20  # bytes: 52 for each of so many numbers
_MAX_LINES = 2 * MAX_REGIONS  # blank ones too


def _lines(file: Stream, where: str) -> Iterator[str]:
    for number in range(1, _MAX_LINES + 2):
        line = file.readline(_MAX_LINE + 1)
        if not line:
            return
        if len(line) > _MAX_LINE:
            raise DataError(f"{where}: row {number} is longer than {_MAX_LINE:,} bytes; this is no connectome")
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{where} is not a text file: row {number}: {error}") from None
        yield from text.splitlines()
    raise DataError(f"{where} has more than {_MAX_LINES:,} lines; this is no connectome")


def _rows(file: Stream, where: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of every line that is not blank; commas separate where there are any, else white space."""
    rows = 0
    for number, line in enumerate(_lines(file, where), start=1):
        if line.strip():
            rows += 1
            if rows > MAX_REGIONS:
                raise DataError(f"{where} has more than {MAX_REGIONS:,} rows; this is no connectome")
            yield number, [field.strip() for field in line.split(",")] if "," in line else line.split()
    if not rows:
        raise DataError(f"{where} is empty")


def _as_numbers(fields: list[str], row: int, first_column: int, where: str) -> list[float]:
    try:
        return list(map(float, fields))
    except ValueError:
        column, field = next((k, each) for k, each in enumerate(fields, first_column) if not _is_number(each))
        raise DataError(f"{where}: row {row}, column {column}: {shown(field)!r} is not a number") from None


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def read_matrix(file: Stream, where: str) -> FloatArray:
    """A table of as many rows as columns; one that the budget cannot hold is refused after its first row."""
    return read_numbers(file, where, square=True)


def read_numbers(file: Stream, where: str, square: bool = False) -> FloatArray:
    """A table of numbers and nothing else, ``[rows, columns]``; every row must be as long as the first."""
    table, columns, first = array("d"), 0, 0
    for row, fields in _rows(file, where):
        if not columns:
            columns, first = len(fields), row
            if columns > MAX_REGIONS:
                raise DataError(f"{where} has {columns:,} columns; a connectome has at most {MAX_REGIONS:,} regions")
            if square:
                file.budget.check(2 * columns * (columns - 1) - _MAX_LINE)  # of which some may have been read ahead
        if square and len(table) == columns**2:
            raise DataError(f"{where} has {columns} columns but more rows; it must be square, [target, source]")
        table.extend(_as_numbers(fields, row, 1, where))
        if len(fields) != columns:
            raise DataError(f"{where}: row {row} has {len(fields)} columns, row {first} has {columns}")
    return np.frombuffer(table, dtype=np.float64).reshape(-1, columns)


def read_centres(file: Stream, where: str) -> tuple[list[str], FloatArray]:
    """Labels and centres ``[n, 3]`` from lines of ``label x y z``; further columns are not read."""
    labels, centres = [], []
    for row, fields in _rows(file, where):
        if len(fields) < 4:
            raise DataError(f"{where}: row {row} has {len(fields)} columns; it must hold a label, x, y and z")
        labels.append(fields[0])
        centres.append(_as_numbers(fields[1:4], row, 2, where))
    return labels, np.array(centres, dtype=np.float64)
