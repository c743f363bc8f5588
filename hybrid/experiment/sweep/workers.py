"""Points of a sweep on several processes of this machine; one that is killed loses its point alone."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from hybrid import errors
from hybrid.errors import HybridError, SweepError
from hybrid.experiment.sweep.outcome import FAILED, Outcome

_MODULE = "hybrid.experiment.sweep.worker"
_ANSWER_S = 5.0  # for a process that has ended to say how


class _Worker:
    """A process, and the point that it is at."""

    def __init__(self, folder: Path, threads: int) -> None:
        environment = {
            "OMP_NUM_THREADS": "1",  # unless the user wants more: the processes are the parallelism
            **os.environ,
            "PYTHONPATH": os.pathsep.join(each or os.getcwd() for each in sys.path),  # it finds what this one finds
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, str(folder), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # a Ctrl-C is not meant for it: it ends when its standard input does
        )
        self.number: int | None = None
        self.began = 0.0

    def give(self, number: int) -> None:
        self.number, self.began = number, time.perf_counter()
        assert self.process.stdin
        with contextlib.suppress(OSError):  # it is gone, which its standard output tells as well
            self.process.stdin.write(f"{number}\n".encode())
            self.process.stdin.flush()

    def end(self) -> int:
        """Leave it, and wait until it is gone; its exit code."""
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()
        try:
            return self.process.wait(_ANSWER_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def on_workers(
    numbers: Iterable[int], workers: int, folder: Path, threads: int, done: Callable[[int, Outcome], None]
) -> None:
    """Do points on so many processes, calling ``done`` with each as it ends.

    Raises
    ------
    HybridError: what a worker raised that is no fault of its point, such as a full disk.
    """
    waiting = deque(numbers)
    with selectors.DefaultSelector() as ready, contextlib.ExitStack() as ends:
        crew: set[_Worker] = set()

        def hire() -> None:
            worker = _Worker(folder, threads)
            crew.add(worker)
            ends.callback(worker.end)
            ready.register(worker.process.stdout, selectors.EVENT_READ, worker)  # type: ignore[arg-type]
            worker.give(waiting.popleft())

        for _ in range(min(workers, len(waiting))):
            hire()
        while crew:
            for key, _ in ready.select():
                worker: _Worker = key.data
                answer = worker.process.stdout.readline().decode().strip()  # type: ignore[union-attr]
                assert worker.number is not None
                if answer.isdecimal():
                    done(worker.number, Outcome.load(folder, worker.number))
                    if waiting:
                        worker.give(waiting.popleft())
                        continue
                ready.unregister(key.fileobj)
                crew.remove(worker)
                code = worker.end()
                if answer and not answer.isdecimal():
                    raise _raised(answer)
                if not answer:
                    done(worker.number, _lost(worker, code, folder))
                    if waiting:
                        hire()


def _lost(worker: _Worker, code: int, folder: Path) -> Outcome:
    """The point whose process ended without a word, as one that a signal kills."""
    how = f"exit code {code}"
    if code < 0:
        with contextlib.suppress(ValueError):
            how = signal.Signals(-code).name
    what = f"its process ended without a word ({how}); out of memory, or a crash in compiled code"
    assert worker.number is not None
    outcome = Outcome(FAILED, seconds=time.perf_counter() - worker.began, error=what)
    outcome.save(folder, worker.number)
    return outcome


def _raised(answer: str) -> HybridError:
    name, _, message = answer.partition(" ")
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, HybridError):
        return kind(message)
    return SweepError(f"a process of the sweep failed: {answer}")
