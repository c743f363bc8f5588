"""Ctrl-C (SIGINT) and SIGTERM ask a run to stop at the end of its window; a second one acts as it would without a run."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
CHECKPOINT = "SIGUSR1"  # asks for a checkpoint, where the run writes any
_listening: list[StopRequest] = []
_masks: list[set[int | signal.Signals]] = []  # of signals, around a fork


class StopRequest:
    """Listens for SIGINT and SIGTERM while a run goes on: ``asked`` is the name of the first that came, ``at`` when.

    In the main thread only, for Python lets no other listen; and only where the handler is Python's own: that of a program
    in which a run is embedded stays. It says so at once if it ``answers``. With ``checkpoints`` it listens for SIGUSR1, too:
    ``wished`` is set when it comes, as often as it comes.
    """

    def __init__(self, answers: bool = False, checkpoints: bool = False) -> None:
        self._answers, self._checkpoints = answers, checkpoints
        self.asked: str | None = None
        self.wished = False
        self.at = 0.0
        self._before: dict[signal.Signals, Any] = {}
        self._may_raise = self._others_interrupt = False

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                    self._before[number] = signal.signal(number, self._note)
            if self._checkpoints and signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL:
                self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._wish)
        self._others_interrupt = callable(signal.getsignal(signal.SIGINT)) and signal.SIGINT not in self._before
        _listening.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _listening.remove(self)
        self.give_back()

    def give_back(self, *numbers: signal.Signals) -> None:
        """Put back the handlers that were there before, of all signals or of these."""
        for number in numbers or tuple(self._before):
            if number in self._before:
                signal.signal(number, self._before.pop(number))

    @contextlib.contextmanager
    def raising(self) -> Iterator[None]:
        """Within, the signal also raises KeyboardInterrupt: where no window is run, there is nothing to complete."""
        self._may_raise = True
        try:
            if self.asked:
                raise KeyboardInterrupt
            yield
        finally:
            self._may_raise = False

    def meant(self, error: BaseException) -> bool:
        """Whether this is a KeyboardInterrupt of the user's, and not one that a component raised by itself."""
        from_user = self.asked is not None or (
            self._others_interrupt and threading.current_thread() is threading.main_thread()
        )
        return isinstance(error, KeyboardInterrupt) and from_user

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked, self.at = signal.Signals(number).name, time.monotonic()
        self.give_back(*_SIGNALS)
        if self._may_raise:
            raise KeyboardInterrupt
        if self._answers:
            with contextlib.suppress(OSError):  # sys.stderr may be in the middle of a line
                os.write(2, f"\n{self.asked}: stopping after this window; a second one ends at once\n".encode())

    def _wish(self, number: int, frame: FrameType | None) -> None:
        self.wished = True


# A child (of multiprocessing, say) ends by signals as others do: they are blocked until it has the handlers from before the run.


def _before_fork() -> None:
    if _listening:
        _masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, (*_SIGNALS, signal.SIGUSR1)))


def _after_fork_in_parent() -> None:
    if _masks:
        signal.pthread_sigmask(signal.SIG_SETMASK, _masks.pop())


def _after_fork_in_child() -> None:
    for request in _listening:
        request.give_back()
    _after_fork_in_parent()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
