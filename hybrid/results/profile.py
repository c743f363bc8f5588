"""Where the time of each rank went, as a table, and which rank the others wait for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from statistics import median
from typing import Any

PARTS = ("connections", "exchange", "recording", "scheduling")
MOST = 8  # ranks that are shown one by one; of more the slowest
SLOWEST = 4
_TEXTS = ("rank", "mostly")


def rank_rows(ranks: Sequence[Mapping[str, Any]], components: Collection[str] = ()) -> list[dict[str, Any]]:
    """Seconds by rank: preparation, all its components, what is around them, the whole run; and what it worked on mostly.

    Parameters
    ----------
    ranks: ``timing["ranks"]`` of results: ``prepare_s``, ``running_s`` and ``parts_s`` of each.
    components: their names; if none are given, all that is no known part counts as one.

    Returns
    -------
    A row for each rank, in order. ``exchange`` holds the waiting for other ranks. Components that advance in several threads
    add up to more than the run took.
    """
    rows = []
    for rank, given in enumerate(ranks):
        parts = dict(given["parts_s"])
        here = [name for name in parts if (name in components if components else name not in PARTS)]
        lived = sum(parts.pop(name) for name in here)
        around = {name: parts.pop(name, 0.0) for name in PARTS}
        rows.append(
            {"rank": rank, "prepare": given["prepare_s"], "components": lived}
            | around
            | parts
            | {"running": given["running_s"], "mostly": _most(given)}
        )
    return rows


def at_work_s(row: Mapping[str, Any]) -> float:
    """Seconds in which a rank did not exchange signals or wait for other ranks."""
    return float(row["running"] - row["exchange"])


def slowest_first(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The ranks, by how long they were at work: the others wait for the first in their exchanges."""
    return sorted(range(len(rows)), key=lambda rank: -at_work_s(rows[rank]))


def shown_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows for a table, to the hundredth of a second; of many ranks those of the slowest, the median and the range."""
    chosen = [dict(row) for row in rows]
    if len(rows) > MOST:
        names = dict.fromkeys(name for row in rows for name in row)
        columns = [name for name in names if name not in _TEXTS]
        chosen = [dict(rows[rank]) for rank in slowest_first(rows)[:SLOWEST]]
        for label, of in (("median", median), ("least", min), ("most", max)):
            chosen.append({"rank": label} | {name: of([row.get(name, 0.0) for row in rows]) for name in columns})
    return [{name: value if name in _TEXTS else f"{value:.2f}" for name, value in row.items()} for row in chosen]


def slowest_line(rows: Sequence[Mapping[str, Any]]) -> str:
    """Which rank was at work longest, on what most, and what that cost the rank that waited most."""
    order = slowest_first(rows)
    slowest, idle = order[0], max(order, key=lambda rank: rows[rank]["exchange"])
    line = f"slowest: rank {slowest} ({rows[slowest]['mostly']})"
    if len(rows) > 1 and (share := _percent(rows[idle]["exchange"], rows[idle]["running"])):
        line += f"; rank {idle} spent {share} % of its time in exchanges, waiting included"
    return line


def _most(rank: Mapping[str, Any]) -> str:
    """The part of a rank's work, a component or what is around them, that took most of its time."""
    parts = {name: seconds for name, seconds in rank["parts_s"].items() if name != "exchange"}
    if not parts:
        return "nothing"
    name = max(parts, key=lambda each: parts[each])
    return f"{name} {_percent(parts[name], rank['running_s'])} %"


def _percent(part: float, whole: float) -> int:
    return round(100 * part / whole) if whole > 0 else 0
