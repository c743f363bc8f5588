"""Numbers and labels from text, with the row and column of what is wrong."""

from __future__ import annotations

import numpy as np

from hybrid.errors import DataError
from hybrid.units import FloatArray


def _rows(data: bytes, where: str) -> list[tuple[int, list[str]]]:
    """Line number and fields of every line that is not blank; commas separate where there are any, else white space."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{where} is not a text file: {error}") from None
    rows = [
        (number, [field.strip() for field in line.split(",")] if "," in line else line.split())
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    if not rows:
        raise DataError(f"{where} is empty")
    return rows


def _as_numbers(fields: list[str], row: int, first_column: int, where: str) -> list[float]:
    result = []
    for column, field in enumerate(fields, start=first_column):
        try:
            result.append(float(field))
        except ValueError:
            raise DataError(f"{where}: row {row}, column {column}: {field!r} is not a number") from None
    return result


def read_numbers(data: bytes, where: str) -> FloatArray:
    """A table of numbers and nothing else, ``[rows, columns]``; every row must be as long as the first."""
    rows = _rows(data, where)
    columns = len(rows[0][1])
    table = []
    for row, fields in rows:
        table.append(_as_numbers(fields, row, 1, where))
        if len(fields) != columns:
            raise DataError(f"{where}: row {row} has {len(fields)} columns, row {rows[0][0]} has {columns}")
    return np.array(table, dtype=np.float64)


def read_centres(data: bytes, where: str) -> tuple[list[str], FloatArray]:
    """Labels and centres ``[n, 3]`` from lines of ``label x y z``; further columns are not read."""
    labels, centres = [], []
    for row, fields in _rows(data, where):
        if len(fields) < 4:
            raise DataError(f"{where}: row {row} has {len(fields)} columns; it must hold a label, x, y and z")
        labels.append(fields[0])
        centres.append(_as_numbers(fields[1:4], row, 2, where))
    return labels, np.array(centres, dtype=np.float64)
