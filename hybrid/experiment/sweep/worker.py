"""A process of its own that does points of a sweep: their numbers come on standard input, a line goes out for each."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from pathlib import Path

from hybrid.errors import HybridError, told
from hybrid.experiment.sweep.design import Design
from hybrid.experiment.sweep.work import Work


def main(folder: str, threads: str) -> None:
    """Do points until standard input ends; then whoever asked for them is gone, and the point under way is left at once."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what components print is no answer
    numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(numbers,), daemon=True).start()
    try:
        work = Work(Design.load(Path(folder)), Path(folder), int(threads))
        while True:
            number = numbers.get()
            work.do(number)
            _say(answers, str(number))
    except HybridError as error:
        _say(answers, f"{type(error).__name__} {' '.join(str(error).split())}")
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        _say(answers, f"HybridError {' '.join(told(error).split())}")


def _read(numbers: queue.SimpleQueue[int]) -> None:
    for line in sys.stdin:
        numbers.put(int(line))
    os._exit(0)


def _say(answers: object, line: str) -> None:
    with contextlib.suppress(OSError):
        print(line, file=answers, flush=True)  # type: ignore[call-overload]


if __name__ == "__main__":
    main(*sys.argv[1:])
