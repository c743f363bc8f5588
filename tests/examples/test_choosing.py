"""Choosing an adapter: every one has its row, what the page says was measured is what is measured, and theory agrees."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest
from floors import ROOT
from shipped import OURS

import adapters
from benchmarks import interface
from benchmarks.preserved import CASES, measure

PAGE = ROOT / "docs" / "choosing_an_adapter.md"
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def table(name):
    """Cells of a table of the page, by adapter."""
    text = PAGE.read_text(encoding="utf-8").partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0]
    rows = [line.strip("| ").split(" | ") for line in text.strip().splitlines()[2:]]
    return {row[0].strip("`"): row[1:] for row in rows}


def require_same(cell, now):
    """The same text; numbers may differ by one in their last digit."""
    assert NUMBER.sub("#", cell) == NUMBER.sub("#", now)
    for written, found in zip(NUMBER.findall(cell), NUMBER.findall(now), strict=True):
        last_digit = 10.0 ** -len(written.partition(".")[2])
        assert float(written) == pytest.approx(float(found), abs=1.01 * last_digit), f"{cell!r}, now {now!r}"


def test_every_adapter_of_ours_has_its_rows():
    labels = [case.label for case in CASES]
    assert {f"{kind.__name__}()" for kind in OURS} <= set(labels)
    assert list(table("preserved")) == labels
    assert list(table("cost")) == [interface.FLOOR, *labels]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_what_is_measured_is_what_theory_says_and_what_the_page_says(case):
    measured = measure(case)
    for name, figure in measured._asdict().items():
        if figure is not None:
            away = abs(figure.value - figure.theory)
            assert away <= (1.0 if name == "latency_ms" else 4.5) * figure.error + 1e-9, (name, figure)
    row = table("preserved")[case.label]
    for cell, now in zip(row[:-1], interface.preserved_row(case, measured), strict=True):
        require_same(cell, now)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_nothing_is_timed_that_is_wrong(case, monkeypatch):
    signals = interface.inputs(case, 100, 20)
    counts = interface.check_right(case, signals) > 0
    assert counts == ("Spikes" in (case.make().accepts.__name__, case.make().emits.__name__))
    kind = getattr(adapters, case.name)
    expected = kind.expected

    def too_many(self, signal):
        moments = expected(self, signal)
        return type(moments)(10 * moments.mean, moments.variance, moments.variance_of_sum)

    monkeypatch.setattr(kind, "expected", too_many)
    with pytest.raises(AssertionError, match=re.escape(case.label)):
        interface.check_right(case, signals)


def test_costs_are_by_the_window_and_by_what_it_holds(monkeypatch):
    asked = []

    def medians(work, steps):
        asked.append({name: run() for name, run in work.items()})
        return dict.fromkeys(work, 50.0)

    # the module itself sets environment variables, for a process of its own
    monkeypatch.setitem(sys.modules, "benchmarks.masses", SimpleNamespace(medians=medians))
    found = interface.costs()
    assert [len(each["RateToPoisson()"]) for each in asked] == list(interface.WINDOWS.values())
    expected = interface.LINES * interface.RATE_HZ * 1e-3  # spikes in a ms
    assert found["RateToPoisson()"][10] == pytest.approx((50.0, 50e3 / expected, "spike"))
    assert found[interface.FLOOR][100].ns == pytest.approx(50e3 / (10 * expected))
    assert found["Affine()"][100].ns == pytest.approx(50e3 / (interface.LINES * 100))
    taken = sum(signal.counts.sum() for signal in interface.inputs(CASES[-1]._replace(name="SpikeToRate"), 100, 40))
    assert found["SpikeToRate()"][100].ns == pytest.approx(50e3 * 40 / taken)


def test_tables_go_between_their_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- cost -->\nold\n<!-- /cost -->\nbelow\n", encoding="utf-8")
    interface.write(page, {"cost": ["| new |", "|---|"]})
    assert page.read_text(encoding="utf-8") == "above\n<!-- cost -->\n| new |\n|---|\n<!-- /cost -->\nbelow\n"
    with pytest.raises(SystemExit, match=r"page\.md has no pair of markers <!-- preserved -->"):
        interface.write(page, {"preserved": []})


def test_numbers_are_shown_with_the_digits_that_count():
    assert interface.measured_cell(interface.Figure(0.26184, 0.0051, 0.265625)) == "0.262 ± 0.005 (0.266)"
    assert interface.measured_cell(interface.Figure(-2.6184, 0.051, 0.0), "+", " %") == "-2.62 ± 0.05 % (0)"
