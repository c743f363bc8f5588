"""Standard output and error of the command line: never in the way of a run, and one line for what nobody foresaw."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from typing import Any, NoReturn

from hybrid.errors import DataError


def fail(error: Exception, of_many: bool) -> NoReturn:
    """End on what nobody foresaw: one line, and the traceback in a file; all of it here with ``HYBRID_DEBUG=1``.

    ``of_many``: other processes run the same, which ``mpirun`` ends when this one has gone.
    """
    what = f"{type(error).__name__}: {str(error) or 'no message'}".splitlines()[0]
    if os.environ.get("HYBRID_DEBUG"):
        traceback.print_exc()
    elif isinstance(error, MemoryError):
        print(f"there is not enough memory ({what})", file=sys.stderr)
    else:
        try:
            with tempfile.NamedTemporaryFile(
                "w", prefix="hybrid-", suffix=".txt", delete=False, encoding="utf-8"
            ) as file:
                traceback.print_exc(file=file)
            where = f"the traceback is in {file.name}"
        except OSError:
            where = "HYBRID_DEBUG=1 shows the traceback"
        print(f"{what}; this is a fault of hybrid, please report it ({where})", file=sys.stderr)
    sys.stderr.flush()
    if of_many:
        os._exit(1)  # without a word to MPI, so that mpirun ends the other ranks
    sys.exit(1)


@contextlib.contextmanager
def steady_streams() -> Iterator[None]:
    """Standard output and error that never raise: closed, full, read no further, or unable to show a letter.

    A run whose reader has gone (``hybrid run ... | head -1``) goes on and saves its results. Output that could not be written for
    another reason ends with exit code 3.
    """
    for descriptor in range(3):  # one that is closed would be given to the next file that is opened
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    before = sys.stdout, sys.stderr
    out, err = (_Steady(stream or open(os.devnull, "w", encoding="utf-8")) for stream in before)  # noqa: SIM115
    sys.stdout, sys.stderr = out, err  # type: ignore[assignment]
    try:
        yield
    finally:
        out.flush()
        if out.problem is not None and out.problem.errno != errno.EPIPE:
            print(f"standard output cannot be written: {out.problem.strerror}", file=err)
        err.flush()
        sys.stdout, sys.stderr = before
        if out.problem is not None and out.problem.errno != errno.EPIPE and sys.exc_info()[0] is None:
            sys.exit(DataError.exit_code)


class _Steady:
    """A stream that keeps its first problem instead of raising it, and is silent from then on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.problem: OSError | None = None
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, act: Any, *arguments: Any) -> None:
        if self.problem is not None:
            return
        try:
            act(*arguments)
        except OSError as error:
            self.problem = error
            with contextlib.suppress(OSError, ValueError):  # what is still buffered goes nowhere, also when Python ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
