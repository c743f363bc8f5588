"""What is said of a run that is over: its timing, and why it stopped early."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hybrid.clock import Window
from hybrid.errors import Interrupted, interrupted
from hybrid.results import Results
from hybrid.run.checkpoint import unfinished
from hybrid.run.progress import say
from hybrid.run.wish import Wish


def timing(ranks: list[dict[str, float]], biological_ms: float, prepare_s: float, total_s: float) -> dict[str, Any]:
    """Seconds by rank and part; what no part accounts for is scheduling."""
    rows: list[dict[str, Any]] = []
    for seconds in ranks:
        parts = {name: value for name, value in seconds.items() if name not in ("running", "prepare")}
        parts["scheduling"] = max(0.0, seconds["running"] - sum(parts.values()))
        rows.append({"prepare_s": seconds.get("prepare", 0.0), "running_s": seconds["running"], "parts_s": parts})
    slowest: float = max(row["running_s"] for row in rows)
    return {
        "total_s": total_s,
        "prepare_s": prepare_s,
        "running_s": slowest,
        "real_time_factor": slowest / (biological_ms * 1e-3),
        "ranks": rows,
    }


def interruption(
    by: str, results: Results | None, whole: Window, wish: Wish, output: Path | None, told: bool
) -> Interrupted:
    """What to raise after a run that was asked to stop; ``told``: here it is also said.

    Parameters
    ----------
    by: the signal.
    results: of what was lived through of ``whole``; ``None`` if it was stopped in preparation.
    output: where the results are.
    """
    if results is None:
        message = f"interrupted ({by}) in preparation, before the first window: there are no results"
    else:
        whole_ms = results.clock.ms(len(whole))
        at = f"at {results.duration_ms:g} of {whole_ms:g} ms" if results.interrupted_by else "when the run was complete"
        kept = "in .results of this exception; run(..., out=PATH) saves them"
        where = f"saved in {output}" if output is not None else kept
        message = f"interrupted ({by}) {at}; the results until then are {where}"
        if wish.out is not None and wish.keeps and results.interrupted_by:
            message += f"; go on with: hybrid resume {unfinished(wish.out)}"
    if told:
        say(message)
    return interrupted(message, by, results)
