"""Where the time of the demonstration goes on one rank: all but the components themselves should cost little."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch

from hybrid.experiment import Experiment
from hybrid.interface.audit import Ledger
from hybrid.run.scheduler import Scheduler

FILE = Path(__file__).parent.parent / "examples" / "seizure_spread.toml"
AIM = 0.10  # of the running time for connections, exchange, recording and scheduling together
AUDIT_AIM = 0.02  # of the running time


def main(repeats: int = 3, duration_ms: float = 5000.0) -> bool:
    """Print the table; true if the aims are met."""
    experiment = Experiment.load(FILE, [f"run.duration_ms={duration_ms}"])
    runs = [experiment.simulation().run(duration_ms) for _ in range(repeats + 1)][1:]  # the first compiles
    assert len({run.content_sha256 for run in runs}) == 1, "repeats differ"
    rows = [run.timing["ranks"][0] for run in runs]
    print(f"demonstration, {duration_ms / 1e3:g} s on one rank, median of {repeats} runs")
    for part in sorted(rows[0]["parts_s"], key=lambda part: -rows[0]["parts_s"][part]):
        seconds = median(row["parts_s"][part] for row in rows)
        share = median(row["parts_s"][part] / row["running_s"] for row in rows)
        print(f"  {part:12s} {seconds:7.3f} s {share:7.1%}")
    around = median(1 - (row["parts_s"]["focus"] + row["parts_s"]["cortex"]) / row["running_s"] for row in rows)
    factor = median(run.timing["real_time_factor"] for run in runs)
    print(f"  around the components: {around:.1%} (aim: under {AIM:.0%}); real-time factor {factor:.2f}")
    audit = audit_share(repeats, duration_ms)
    short = audit_share(repeats, duration_ms / 5, "run.window_ms=1")
    print(f"  audit: {audit:.1%} of the run, {short:.1%} in windows of 1 ms (aim: under {AUDIT_AIM:.0%})")
    return around < AIM and audit < AUDIT_AIM


def audit_share(repeats: int, duration_ms: float, *overrides: str) -> float:
    """The running time that goes into ledgers, what they are told to expect, and checks, timed call by call."""
    experiment = Experiment.load(FILE, [f"run.duration_ms={duration_ms}", *overrides])
    shares = []
    for _ in range(repeats):
        with _timed() as spent:
            run = experiment.simulation().run(duration_ms)
        shares.append(sum(spent) / run.timing["ranks"][0]["running_s"])
    return median(shares)


@contextmanager
def _timed() -> Iterator[list[float]]:
    """The seconds of every call that is there for the audit alone."""
    spent: list[float] = []

    def watched(function: Any) -> Any:
        def timed(*arguments: Any) -> Any:
            start = perf_counter()
            result = function(*arguments)
            spent.append(perf_counter() - start)
            return result

        return timed

    with ExitStack() as patches:
        for owner, name in (
            (Ledger, "enter"),
            (Scheduler, "_look"),
        ):
            patches.enter_context(patch.object(owner, name, watched(getattr(owner, name))))
        yield spent


if __name__ == "__main__":
    main()
