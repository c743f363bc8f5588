"""How far a sweep is, on standard error: a bar with the time left on a terminal, plain lines in a log file."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any

from tqdm import tqdm

from hybrid.experiment.sweep.outcome import FAILED, Outcome
from hybrid.run.progress import say

_LINE_EVERY_S = 10.0


class _Bar(tqdm):  # type: ignore[misc]
    monitor_interval = 0  # no thread that outlives the sweep


class SweepProgress:
    """Shows how many of ``total`` points are done, and tells of those that fail; silent unless ``shown``."""

    def __init__(self, total: int, shown: bool) -> None:
        self._total, self._shown = total, shown
        self._done = self._failed = 0
        self._began = self._last = time.monotonic()
        self._bar: Any = None
        if shown and total and _is_terminal():
            with contextlib.suppress(OSError, ValueError):
                self._bar = _Bar(total=total, unit="point", smoothing=0.1, leave=False)

    def passed(self, number: int, outcome: Outcome) -> None:
        """A point has been done, or has failed."""
        self._done += 1
        self._failed += outcome.status == FAILED
        if not self._shown:
            return
        if outcome.told:
            self._tell(f"point {number}{' failed' if outcome.status == FAILED else ''}: {outcome.told[:300]}")
        now = time.monotonic()
        if self._bar is not None:
            try:
                self._bar.set_postfix(failed=self._failed, refresh=False) if self._failed else None
                self._bar.update(1)
            except (OSError, ValueError):  # the terminal is gone
                self._bar = None
        elif now - self._last > _LINE_EVERY_S:
            self._last = now
            left_s = (now - self._began) / self._done * (self._total - self._done)
            failed = f", {self._failed} failed" if self._failed else ""
            say(f"{self._done:,} of {self._total:,} points{failed}, {left_s:.0f} s left")

    def _tell(self, text: str) -> None:
        if self._bar is None:
            say(text)
        else:
            with contextlib.suppress(OSError, ValueError):
                self._bar.write(text, file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError, ValueError):
                self._bar.close()
            self._bar = None


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (ValueError, AttributeError):  # closed, or none
        return False
