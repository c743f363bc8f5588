"""How far a run is, on standard error: a bar with the time left on a terminal, plain lines in a log file."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import Any

from tqdm import tqdm

from hybrid.clock import Clock, Window

_LINE_EVERY_S = 10.0
_QUICK_S = 3.0  # a preparation that takes no longer is not worth a line


class _Bar(tqdm):  # type: ignore[misc]
    monitor_interval = 0  # no thread that outlives the run


def say(text: str) -> None:
    """One line to standard error, or nothing where that is closed or full: a run does not end for it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(text, file=sys.stderr, flush=True)


class Progress:
    """Shows preparation, then the progress through the run; silent unless ``shown``.

    The time left is reckoned from the second window on: the first may load and compile what the others find.
    """

    def __init__(self, clock: Clock, shown: bool) -> None:
        self._span, self._clock, self._shown = Window(0, 0), clock, shown
        self._terminal = shown and _is_terminal()
        self._bar: Any = None
        self._done = 0  # ms that the bar shows
        self._from: tuple[int, float] | None = None  # tick and time from which the speed is reckoned
        self._began = self._last = time.monotonic()
        self._what = ""
        self._timer: threading.Timer | None = None

    def preparing(self, what: str) -> None:
        """A component of this rank is being prepared."""
        self._stage(f"preparing {what} ...")

    def told(self, rank: int, busy: str) -> None:
        """Another rank, for which this one waits, tells what it is doing."""
        self._stage(f"rank {rank}: {busy} ...")

    def _stage(self, what: str) -> None:
        self._what = what
        left_s = self._began + _QUICK_S - time.monotonic()
        if not self._shown:
            return
        if left_s <= 0:
            say(what)
        elif self._timer is None:  # by then something will be going on that takes long
            self._timer = threading.Timer(left_s, lambda: say(self._what))
            self._timer.daemon = True
            self._timer.start()

    def prepared(self, seconds: float, span: Window) -> None:
        """Preparation is over, and the run through ``span`` begins."""
        self._span = span
        if not self._shown:
            return
        self._stop_timer()
        if seconds >= _QUICK_S:
            say(f"prepared in {seconds:.1f} s")
        self._last = time.monotonic()
        if self._terminal:
            with contextlib.suppress(OSError, ValueError):
                self._bar = _Bar(total=round(self._clock.ms(len(self._span))), unit="ms", smoothing=0.1, leave=False)

    def passed(self, window: Window) -> None:
        """A window has passed."""
        if not self._shown:
            return
        now = time.monotonic()
        if self._from is None:
            self._from = (window.stop, now)
            if self._bar is not None:
                self._bar.start_t = self._bar.last_print_t = self._bar._time()
        if self._bar is not None:
            self._show_bar(int(self._clock.ms(window.stop - self._span.start)))
        elif not self._terminal and now - self._last > _LINE_EVERY_S and window.stop > self._from[0]:
            self._last = now
            left_s = (now - self._from[1]) * (self._span.stop - window.stop) / (window.stop - self._from[0])
            done_ms, whole_ms = (self._clock.ms(ticks - self._span.start) for ticks in (window.stop, self._span.stop))
            say(f"{done_ms:,.0f} of {whole_ms:,.0f} ms, {left_s:.0f} s left")

    def _show_bar(self, done: int) -> None:
        try:
            self._bar.update(done - self._done)
            self._done = done
        except (OSError, ValueError):  # the terminal is gone
            self._bar = None

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()

    def close(self) -> None:
        self._stop_timer()
        if self._bar is not None:
            with contextlib.suppress(OSError, ValueError):
                self._bar.close()
            self._bar = None


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (ValueError, AttributeError):  # closed, or none
        return False
