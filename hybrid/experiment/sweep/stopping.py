"""Ctrl-C and SIGTERM stop a sweep at once: what of a point is not whole is not kept."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from hybrid.errors import interrupted
from hybrid.run.progress import say


@contextlib.contextmanager
def raising_signals(told: bool) -> Iterator[None]:
    """Ctrl-C and SIGTERM stop the point under way at once, for what is not whole is not kept."""
    asked: list[str] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(signal.Signals(number).name)
        raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(each) in (signal.SIG_DFL, signal.default_int_handler):
                before[each] = signal.signal(each, note)
    try:
        yield
    except KeyboardInterrupt:
        if not asked:
            raise
        message = (
            f"interrupted ({asked[0]}); the points that are done are kept, and the same command goes on with the rest"
        )
        if told:
            say(message)
        raise interrupted(message, asked[0]) from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
