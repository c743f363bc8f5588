"""A file for HDF5 to write to that never fails, because HDF5 does not survive a failing disk.

Where a write fails, closing an HDF5 file ends in a segmentation fault. So HDF5 is not told: the first error is kept,
nothing is written from then on, and the error is raised when HDF5 is done.
"""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_A_WHILE_S = 5.0


class Sink(io.RawIOBase):
    """Passes on to ``raw``, an unbuffered binary file, until that fails; :meth:`check` raises the first error."""

    def __init__(self, raw: io.FileIO) -> None:
        self._raw = raw
        self.error: BaseException | None = None

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def write(self, data: Any) -> int:
        view = memoryview(data)
        size = len(view)
        while len(view) and self.error is None:  # one call may write a part only
            try:
                view = view[self._raw.write(view) :]
            except Exception as error:
                self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        if self.error is None:
            try:
                return self._raw.truncate(size)
            except OSError as error:
                self.error = error
        return size or 0

    def readinto(self, buffer: Any) -> int:
        return self._raw.readinto(buffer) or 0

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()


def write_through(raw: io.FileIO, build: Callable[[Sink], T], meanwhile: Callable[[], object] | None = None) -> T:
    """``build(sink)``, with whatever the disk answered raised afterwards; ``meanwhile`` is called every few seconds.

    It runs in a thread of its own: a signal would raise ``KeyboardInterrupt`` inside of HDF5's call to :class:`Sink`, but
    Python handles signals in the main thread only. The thread ends at the next :meth:`Sink.check` then.
    """
    sink, built = Sink(raw), list[T]()
    building, done = threading.Event(), threading.Event()

    def work() -> None:
        building.set()
        try:
            sink.check()
            built.append(build(sink))
        except BaseException as error:
            sink.error = sink.error or error
        finally:
            done.set()

    try:
        threading.Thread(target=work, name="hybrid-save").start()
        while not done.wait(
            _A_WHILE_S
        ):  # not join(), which takes the thread for ended when it is interrupted (Python 3.11)
            if meanwhile:
                meanwhile()
    except BaseException as error:
        sink.error = error
        # the file must not be closed under the thread, however often the user presses Ctrl-C
        while building.is_set() and not done.is_set():
            with contextlib.suppress(BaseException):
                done.wait()
        raise
    sink.check()
    return built[0]
