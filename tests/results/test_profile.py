"""Where each rank's time went: the table, the rank that the others wait for, and what is shown of many ranks."""

from __future__ import annotations

from typing import Any

import pytest
from small_results import a_run

from hybrid.results import format_info
from hybrid.results.profile import rank_rows, shown_rows, slowest_line


def rank(exchange: float, **components: float) -> dict[str, Any]:
    """A rank that ran for 10 s and worked for the rest of them."""
    parts = {**components, "connections": 0.5, "exchange": exchange, "recording": 0.25}
    return {
        "prepare_s": 3.0,
        "running_s": 10.0,
        "parts_s": {**parts, "scheduling": 10.0 - sum(parts.values())},
    }


THREE = [rank(5.0, focus=4.0), rank(7.0), rank(1.0, cortex=7.1, other=0.5)]


def test_a_row_adds_up_what_the_components_of_a_rank_took():
    row = rank_rows(THREE)[2]
    assert row["components"] == pytest.approx(7.6)
    assert row["mostly"] == "cortex 71 %"
    assert list(row) == [
        "rank", "prepare", "components", "connections", "exchange", "recording", "scheduling", "running", "mostly",
    ]  # fmt: skip
    seconds = [value for name, value in row.items() if name not in ("rank", "prepare", "running", "mostly")]
    assert sum(seconds) == pytest.approx(row["running"])


def test_a_part_that_is_no_component_has_a_column_of_its_own_where_components_are_known():
    ranks = [rank(1.0, cortex=2.0, checkpoints=1.5)]
    assert rank_rows(ranks, ["cortex"])[0]["checkpoints"] == 1.5
    assert rank_rows(ranks, ["cortex"])[0]["components"] == 2.0
    assert rank_rows(ranks)[0]["components"] == 3.5


def test_the_slowest_is_the_rank_that_waits_least():
    line = slowest_line(rank_rows(THREE))
    assert line == "slowest: rank 2 (cortex 71 %); rank 1 spent 70 % of its time in exchanges, waiting included"
    assert slowest_line(rank_rows(THREE[:1])) == "slowest: rank 0 (focus 40 %)"


def test_of_many_ranks_the_slowest_are_shown_and_how_far_they_spread():
    rows = shown_rows(rank_rows([rank(9.0 - 0.01 * k, cortex=0.01 * k) for k in range(100)]))
    assert [row["rank"] for row in rows] == [99, 98, 97, 96, "median", "least", "most"]
    assert [row["components"] for row in rows[4:]] == ["0.49", "0.00", "0.99"]
    assert len(shown_rows(rank_rows(THREE))) == 3


def test_info_shows_the_table():
    timing = {"total_s": 14.0, "ranks": THREE}
    plan = {"placement": {"focus": 0, "cortex": 2, "other": 2}}
    lines = format_info(a_run(timing=timing, plan=plan).info()).splitlines()
    table = lines[lines.index("Timing") + 2 :]
    assert table[0].startswith("  slowest: rank 2 (cortex 71 %); rank 1")
    assert table[1].split()[:3] == ["rank", "prepare", "components"]
    assert table[4].split() == ["2", "3.00", "7.60", "0.50", "1.00", "0.25", "0.65", "10.00", "cortex", "71", "%"]
    assert table[2].index("5.00") == table[3].index("7.00")  # aligned


def test_timing_of_another_shape_is_shown_as_it_is():
    for timing in ({}, {"ranks": []}, {"ranks": [{"a": 1.0}]}, {"ranks": [3]}):
        text = format_info(a_run(timing=timing).info())
        assert "slowest" not in text
