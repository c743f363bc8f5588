"""What every adapter costs, by the window and by the spike, and the tables of docs/choosing_an_adapter.md.

100 lines at 10 Hz (maps: at a rate or state they take) in windows of 1 and 10 ms, ``convert()`` and ``expected()`` of each.
Before anything is timed, what is delivered must agree with what is expected. The floor under all spikes is numpy's own
Poisson count for every line and tick, without the list of spikes that anybody could use. Medians of processor time, in turns.
Run: ``python benchmarks/interface.py [--table docs/choosing_an_adapter.md]``; the latter also measures what each preserves.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.preserved import CASES, CLOCK, Case, Figure, Preserved, measure
from hybrid.adapter import Adapter
from hybrid.clock import Window
from hybrid.signals import Signal, Spikes

LINES, RATE_HZ, LOW = 100, 10.0, {"InverseSigmoid": 1.5}
WINDOWS = {10: 100, 100: 40}  # ticks of a window: how many of them
FLOOR = "numpy's Poisson, dense"


class Cost(NamedTuple):
    """Median time of a window, and of what it is spent on: spikes delivered (or taken), or lines times ticks."""

    us: float
    ns: float
    per: str


def inputs(case: Case, ticks: int, windows: int) -> list[Any]:
    """What the adapter converts, window by window."""
    accepts, random = case.make().accepts, np.random.default_rng(1)
    level = LOW.get(case.name, RATE_HZ)
    signals: list[Any] = []
    for window in Window(0, ticks * windows).cut(ticks):
        if accepts is Spikes:
            signals.append(Spikes.from_counts(window, random.poisson(level * _tick_s(), (ticks, LINES))))
        else:
            signals.append(accepts.from_payload(window, LINES, (np.full((ticks, LINES), level),)))
    return signals


def _tick_s() -> float:
    return CLOCK.tick_ms * 1e-3


def check_right(case: Case, signals: list[Signal]) -> float:
    """Spikes that a run delivers or takes, 0 if none; ``AssertionError`` if it is not what was expected, within 5 sigma."""
    adapter, delivered, expected, variance, spikes = case.prepared(LINES), 0.0, 0.0, 0.0, 0.0
    for signal in signals:
        out = adapter.convert(signal)
        moments = adapter.expected(signal)
        delivered += out.total(CLOCK).sum()
        expected += moments.mean.sum()
        variance += moments.variance.sum() if moments.variance_of_sum is None else moments.variance_of_sum
        spikes += sum(each.counts.sum() for each in (out, signal) if isinstance(each, Spikes))
    delivered += np.sum(adapter.held())
    assert abs(delivered - expected) <= 5 * np.sqrt(variance) + 1e-9 * expected, (
        f"{case.label}: {delivered}, not {expected}"
    )
    return expected if adapter.emits is Spikes else spikes


def converting(adapter: Adapter, signals: list[Signal]) -> Callable[[], Any]:
    return lambda: [(adapter.convert(signal), adapter.expected(signal)) for signal in signals]


def floor(ticks: int, windows: int) -> Callable[[], list[Any]]:
    """Counts for each line and tick, and no more; their mean is that of :class:`adapters.RateToPoisson`, or it is an error."""
    random, mean = np.random.default_rng(1), RATE_HZ * _tick_s()

    def run() -> list[Any]:
        return [random.poisson(mean, (ticks, LINES)) for _ in range(windows)]

    due = mean * ticks * LINES * windows
    assert abs(np.sum(run()) - due) < 5 * np.sqrt(due), "the floor is not what it should be"
    return run


def costs() -> dict[str, dict[int, Cost]]:
    """Of each case, by the length of the window in ticks."""
    from benchmarks.masses import medians  # who only measures what is preserved needs none of that

    found: dict[str, dict[int, Cost]] = {}
    for ticks, windows in WINDOWS.items():
        work: dict[str, Callable[[], Any]] = {FLOOR: floor(ticks, windows)}
        units = {FLOOR: (RATE_HZ * _tick_s() * ticks * LINES * windows, "spike")}
        for case in CASES:
            signals = inputs(case, ticks, windows)
            spikes = check_right(case, signals)
            units[case.label] = (spikes, "spike") if spikes else (float(LINES * ticks * windows), "line and tick")
            work[case.label] = converting(case.prepared(LINES), signals)
        for label, us in medians(work, windows).items():
            number, per = units[label]
            found.setdefault(label, {})[ticks] = Cost(us, us * windows / number * 1e3, per)
    return found


def show(found: dict[str, dict[int, Cost]]) -> None:
    print(f"{LINES} lines at {RATE_HZ:g} Hz, ticks of {CLOCK.tick_ms:g} ms, convert() and expected()")
    print(f"{'':38s}{'us a window of 1 ms':>20s}{'of 10 ms':>10s}{'ns':>10s}{'ns':>10s}  per")
    for label, by_ticks in found.items():
        short, long = by_ticks[10], by_ticks[100]
        print(f"{label:38s}{short.us:20.1f}{long.us:10.1f}{short.ns:10.0f}{long.ns:10.0f}  {short.per}")


def preserved_row(case: Case, each: Preserved) -> list[str]:
    """The measured cells of its row in the page's table."""
    adapter = case.make()
    unit = f" ({adapter.unit})" if adapter.unit else ""
    mean = "exact"
    if each.mean.error:
        mean = measured_cell(Figure(*(100 * part for part in each.mean)), "+", " %")
    latency = f"{each.latency_ms.value:.2f} ({each.latency_ms.theory:g})" if each.latency_ms.value else "0"
    return [
        f"{adapter.accepts.__name__.lower()} → {adapter.emits.__name__.lower()}{unit}",
        mean,
        measured_cell(each.variance) if each.variance.theory else "0",
        "–" if each.correlation is None else measured_cell(each.correlation),
        latency,
    ]


def measured_cell(figure: Figure, sign: str = "-", unit: str = "") -> str:
    """With as many digits as its error allows."""
    digits = int(np.clip(-np.floor(np.log10(figure.error)), 2, 4))
    value, theory = (f"{each + 0.0:{sign}.{digits}f}" for each in (figure.value, figure.theory))
    theory = theory if figure.theory else "0"
    return f"{value} ± {figure.error:.{digits}f}{unit} ({theory})"


def tables(found: dict[str, dict[int, Cost]]) -> dict[str, list[str]]:
    """The tables of the page, by the name in their markers."""
    rows = {case.label: " | ".join(preserved_row(case, measure(case))) for case in CASES}
    preserved = [
        "| adapter | takes → gives | mean | variance | correlation | latency, ms | cost |",
        "|---|---|---|---|---|---|---|",
    ]
    by_window = ["| adapter | window of 1 ms | of 10 ms | in 1 ms | in 10 ms | per |", "|---|---|---|---|---|---|"]
    for label, by_ticks in found.items():
        short, long = by_ticks[10], by_ticks[100]
        if label in rows:
            preserved.append(f"| `{label}` | {rows[label]} | {_time(long.ns)} a {long.per} |")
        name = label if label == FLOOR else f"`{label}`"
        by_window.append(
            f"| {name} | {_two(short.us)} µs | {_two(long.us)} µs | {_time(short.ns)} | {_time(long.ns)} | {short.per} |"
        )
    return {"preserved": preserved, "cost": by_window}


def _time(ns: float) -> str:
    return f"{_two(ns)} ns" if ns < 1e3 else f"{_two(ns / 1e3)} µs"


def _two(value: float) -> str:
    """Two digits that count."""
    return f"{float(f'{value:.2g}'):,g}"


def write(page: Path, new: dict[str, list[str]]) -> None:
    """Put each table between its markers, ``<!-- NAME -->`` and ``<!-- /NAME -->``."""
    text = page.read_text(encoding="utf-8")
    for name, lines in new.items():
        before, opening, rest = text.partition(f"<!-- {name} -->\n")
        _, closing, after = rest.partition(f"<!-- /{name} -->")
        if not (opening and closing):
            raise SystemExit(f"{page} has no pair of markers <!-- {name} --> and <!-- /{name} -->")
        text = before + opening + "\n".join([*lines, ""]) + closing + after
    page.write_text(text, encoding="utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--table", type=Path, help="the page whose tables to write")
    page = options.parse_args().table
    found = costs()
    show(found)
    if page is not None:
        write(page, tables(found))


if __name__ == "__main__":
    main()
