"""How far a run is: a bar with the time left on a terminal, plain lines in a log file."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from hybrid.clock import Clock, Window

_LINE_EVERY_S = 10.0


class Progress:
    """Shows the progress through ``span`` on standard error; silent unless ``shown``."""

    def __init__(self, span: Window, clock: Clock, shown: bool) -> None:
        self._span, self._clock = span, clock
        self._began = self._last = time.monotonic()
        self._done = 0
        terminal = shown and sys.stderr.isatty()
        self._lines = shown and not terminal
        self._bar = tqdm(total=round(clock.ms(len(span))), unit="ms", disable=not terminal, smoothing=0.1, leave=False)

    def passed(self, window: Window) -> None:
        """A window has passed."""
        done = int(self._clock.ms(window.stop - self._span.start))
        if not self._bar.disable:
            self._bar.update(done - self._done)
            self._done = done
        elif self._lines and time.monotonic() - self._last > _LINE_EVERY_S:
            self._last = time.monotonic()
            fraction = (window.stop - self._span.start) / len(self._span)
            left_s = (self._last - self._began) * (1 - fraction) / fraction
            print(
                f"{done:,} of {self._clock.ms(len(self._span)):,.0f} ms, {left_s:.0f} s left",
                file=sys.stderr,
                flush=True,
            )

    def close(self) -> None:
        self._bar.close()
