"""Ends a process that waits for ever inside ``MPI_Init``, during which Python stands still and cannot help itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

_PROGRAM = """
import os, select, signal, sys
patience_s, pid, message = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if not select.select([0], [], [], patience_s)[0]:
    try:
        os.write(2, message.encode() + b"\\n")
    except OSError:
        pass
    os.kill(pid, signal.SIGKILL)
"""


@contextlib.contextmanager
def guarded(timeout_s: float, message: str) -> Iterator[None]:
    """Within, a small process watches this one: after ``timeout_s`` it prints ``message`` and kills it.

    What is waited for are the other ranks, and their launcher ends them when it sees this one killed.
    """
    if not sys.executable:  # embedded in a program that is not Python
        yield
        return
    watch = subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", _PROGRAM, str(timeout_s), str(os.getpid()), message],
        stdin=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is not meant for it
    )
    try:
        yield
    finally:
        assert watch.stdin
        watch.stdin.close()  # it ends when it reads the end of its input
        watch.wait()
