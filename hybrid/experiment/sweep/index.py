"""The index of a sweep: a row a point with its values, status, hash, time, error and features, as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hybrid.experiment.sweep.design import Design
from hybrid.experiment.sweep.outcome import DONE, FAILED, Outcome
from hybrid.experiment.sweep.storage import INDEX, OUTCOMES, POINTS, numbers_in, write_text


def outcomes_in(folder: Path, points: int) -> list[Outcome]:
    """What came of each point so far; done are those whose results are there, too."""
    told, saved = numbers_in(folder / OUTCOMES, ".json"), numbers_in(folder / POINTS, ".h5")
    found = [Outcome.load(folder, number) if number in told else Outcome() for number in range(points)]
    return [
        each if each.status == FAILED or (each.status == DONE and number in saved) else Outcome()
        for number, each in enumerate(found)
    ]


def names_of(outcomes: Sequence[Outcome]) -> list[str]:
    """Of all features, in the order in which they first come."""
    return list(dict.fromkeys(name for each in outcomes for name in each.features))


def rows(design: Design, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """A dictionary a point: number, values by key, status, hash, seconds, error, features."""
    features = names_of(outcomes)
    return [
        {
            "point": number,
            **design.grid[number],
            "status": outcome.status,
            "content_sha256": outcome.content_sha256,
            "seconds": outcome.seconds,
            "error": outcome.told,
            **{name: outcome.features.get(name, float("nan")) for name in features},
        }
        for number, outcome in enumerate(outcomes)
    ]


def write_index(folder: Path, table: Sequence[Mapping[str, Any]]) -> Path:
    """Replace ``index.csv`` in one step. Numbers are written so that they are read back exactly; NaN as an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table[0].keys())
    writer.writerows([_cell(value) for value in row.values()] for row in table)
    write_text(folder / INDEX, text.getvalue())
    return folder / INDEX


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else repr(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
