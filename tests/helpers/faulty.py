"""Parts with a fault on purpose, which an experiment file can name: what the campaign lets happen to a run."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from toys import Accumulator

from hybrid import Rates, Spikes, Window
from hybrid.adapter import Adapter
from hybrid.run.transport import launched_rank, launched_ranks
from hybrid.signals import Moments


class Unpicklable(Exception):  # noqa: N818
    """Cannot be copied, compared or told without care."""

    def __init__(self, lock: Any, needed: Any) -> None:
        super().__init__("cannot travel")
        self.lock = lock


class Unspeakable(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise RuntimeError("no words for it")


class Severe(BaseException):
    """No Exception, as asyncio's CancelledError."""


def _raise(error: BaseException) -> None:
    raise error


def _recurse(depth: int = 0) -> int:
    return _recurse(depth + 1) + 1


def _send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.5)  # until it has come


def _warn() -> None:
    warnings.simplefilter("error")
    warnings.warn("now an error", RuntimeWarning, stacklevel=1)


def _pool() -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(abs, [-1, 2]) == [1, 2]


def _fill_disk() -> None:
    """From now on no file may become longer than a kilobyte, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))


DEEDS: dict[str, Callable[[], Any]] = {
    "raise": lambda: _raise(ZeroDivisionError("on purpose")),
    "raise value": lambda: _raise(ValueError("on purpose")),
    "exit 0": lambda: sys.exit(0),
    "exit 3": lambda: sys.exit(3),
    "exit text": lambda: sys.exit("on purpose"),
    "_exit 0": lambda: os._exit(0),
    "_exit 3": lambda: os._exit(3),
    "keyboard": lambda: _raise(KeyboardInterrupt()),
    "SIGINT": lambda: _send(signal.SIGINT),
    "SIGTERM": lambda: _send(signal.SIGTERM),
    "SIGKILL": lambda: _send(signal.SIGKILL),
    "SIGSTOP": lambda: _send(signal.SIGSTOP),
    "SIGSEGV": lambda: _send(signal.SIGSEGV),
    "hang": lambda: time.sleep(1000),
    "recursion": _recurse,
    "memory": lambda: _raise(MemoryError()),
    "unpicklable": lambda: _raise(Unpicklable(threading.Lock(), 1)),
    "unspeakable": lambda: _raise(Unspeakable()),
    "severe": lambda: _raise(Severe("on purpose")),
    "huge": lambda: _raise(ValueError("on purpose " + "x" * 10_000_000)),
    "non-ASCII": lambda: _raise(ValueError("on purpose: Δφ \N{BRAIN} \ud800")),
    "warning": _warn,
    "pool": _pool,
    "full disk": _fill_disk,
}


class Faulty(Accumulator):
    """Does what ``deed`` says where ``where`` says; in ``advance`` at ``at_tick``, elsewhere at once, on the last rank."""

    def __init__(self, name: str, deed: str = "", where: str = "advance", at_tick: int = 95) -> None:
        super().__init__(name)
        self.deed, self.where, self.at_tick = deed, where, at_tick
        if launched_rank() == launched_ranks() - 1:
            self._do("init")

    def _do(self, where: str) -> None:
        if self.where == where and self.deed in DEEDS:
            DEEDS[self.deed]()

    def prepare(self, clock, rng):
        super().prepare(clock, rng)
        self._do("prepare")

    def advance(self, window, inputs):
        outputs = super().advance(window, inputs)
        if self.at_tick not in window:
            return outputs
        self._do("advance")
        hz = np.array(outputs["rate"].hz)
        later = Window(window.start + 1, window.stop + 1)
        wrong = {
            "nan": lambda: {"rate": Rates(window, 2, np.where(hz > 0, np.nan, hz))},
            "inf": lambda: {"rate": Rates(window, 2, np.where(hz > 0, np.inf, hz))},
            "wrong window": lambda: {"rate": Rates(later, 2, hz)},
            "wrong size": lambda: {"rate": Rates(window, 3, 1.0)},
            "wrong kind": lambda: {"rate": Spikes.silence(window, 2)},
            "another output": lambda: {"rates": Rates(window, 2, hz)},
            "no outputs": lambda: None,
            "an array": lambda: {"rate": hz},
        }
        return wrong[self.deed]() if self.deed in wrong else outputs

    def state(self):
        self._do("state")
        return super().state()

    def describe(self):
        self._do("describe")
        return super().describe()

    def close(self):
        self._do("close")


class FaultyAdapter(Adapter):
    """Rates as they are, until a window that begins at ``at_tick`` or later."""

    accepts = Rates
    emits = Rates

    def __init__(self, deed: str, where: str = "convert", at_tick: int = 80) -> None:
        self.deed, self.where, self.at_tick = deed, where, at_tick

    def prepare(self, clock, source, target, rng):
        self.clock = clock
        if self.where == "prepare":
            DEEDS[self.deed]()

    def convert(self, signal):
        if self.where == "convert" and signal.window.start >= self.at_tick:
            if self.deed == "nan":
                return Rates(signal.window, signal.size, np.nan)
            DEEDS[self.deed]()
        return signal

    def expected(self, signal):
        total = signal.total(self.clock)
        return Moments(total, np.zeros_like(total))
