"""MPI: the one place that talks to mpi4py, and that keeps a failing rank from leaving the others waiting."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from types import FrameType, TracebackType
from typing import Any

import numpy as np
from mpi4py import MPI

from hybrid.errors import HybridError, PeerError
from hybrid.run.transport.contract import Failure, Transport


class MpiTransport(Transport):
    """Every rank of ``COMM_WORLD``.

    A failure is data: it travels with the exchange. What cannot speak is covered otherwise: an exception nobody caught and a
    ``sys.exit`` abort the whole run (a hook), a rank that hangs is given up after ``timeout_s`` (a watchdog), and when
    ``mpirun`` ends the ranks because one was killed, each says so before it goes.
    """

    def __init__(self, timeout_s: float = 600.0) -> None:
        self._comm = MPI.COMM_WORLD.Dup()
        self.rank, self.size = self._comm.Get_rank(), self._comm.Get_size()
        self._sizes = np.zeros((self.size, 1 + self.size), np.int64)  # per rank: has it failed, bytes it sends to each
        self._watch = _Watch(self.rank, self.size, timeout_s)

    def exchange(
        self, outgoing: dict[int, bytes], failure: Failure | None, where: str
    ) -> tuple[dict[int, bytes], Failure | None]:
        mine = np.zeros(1 + self.size, np.int64)
        mine[0] = failure is not None
        if failure is None:
            for rank, buffer in outgoing.items():
                mine[1 + rank] = len(buffer)
        with self._watch.waiting(where):
            self._comm.Allgather(mine, self._sizes)
            failed = np.flatnonzero(self._sizes[:, 0])
            if failed.size:
                self._watch.stop()
                return {}, self._comm.bcast(failure, root=int(failed[0]))
            requests = [self._comm.Isend([buffer, MPI.BYTE], rank) for rank, buffer in outgoing.items() if buffer]
            incoming = {int(rank): bytearray(self._sizes[rank, 1 + self.rank]) for rank in self._senders()}
            requests += [self._comm.Irecv([buffer, MPI.BYTE], rank) for rank, buffer in incoming.items()]
            MPI.Request.Waitall(requests)
        return {rank: bytes(buffer) for rank, buffer in incoming.items()}, None

    def _senders(self) -> Any:
        return np.flatnonzero(self._sizes[:, 1 + self.rank])

    def gather(self, value: Any) -> list[Any] | None:
        with self._watch.waiting("gathering results"):
            gathered: list[Any] | None = self._comm.gather(value, root=0)
        return gathered

    def share(self, value: Any) -> Any:
        with self._watch.waiting("sharing results"):
            shared = self._comm.bcast(value, root=0)
        self._watch.stop()  # the last thing a run does together
        return shared


class _Watch:
    """Ends this process, and through ``mpirun`` the others, when it can do nothing better."""

    def __init__(self, rank: int, size: int, timeout_s: float) -> None:
        self._rank, self._size, self._timeout_s = rank, size, timeout_s
        self._since: float | None = None
        self._where = "the start"
        self._running = True
        _abort_on_uncaught_exceptions()
        atexit.register(self._leaving)
        self._told_to_end = _wake_on_sigterm()
        threading.Thread(target=self._watch, name="hybrid-watchdog", daemon=True).start()

    @contextlib.contextmanager
    def waiting(self, where: str) -> Any:
        self._where, self._since = where, time.monotonic()
        yield
        self._since = None

    def stop(self) -> None:
        """The run is over: from now on this process may end as it likes."""
        self._running, self._since = False, None
        atexit.unregister(self._leaving)
        if threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _watch(self) -> None:
        while self._running:
            if self._told_to_end.wait(0.2):
                self._end(
                    f"rank {self._rank} was told to end (SIGTERM) at {self._where}: another rank was lost, or "
                    f"the job was cancelled"
                )
            since = self._since
            if since is not None and time.monotonic() - since > self._timeout_s:
                others = ", ".join(str(rank) for rank in range(self._size) if rank != self._rank)
                self._end(
                    f"rank {self._rank} waited {self._timeout_s:g} s for rank(s) {others} at {self._where}; giving up"
                )

    def _end(self, message: str) -> None:
        print(f"PeerError: {message}. No results were written.", file=sys.stderr, flush=True)
        os._exit(PeerError.exit_code)

    def _leaving(self) -> None:
        """``sys.exit`` in the middle of a run would leave the other ranks waiting for ever."""
        print(f"rank {self._rank} left during {self._where}; ending the other ranks", file=sys.stderr, flush=True)
        MPI.COMM_WORLD.Abort(PeerError.exit_code)


def _abort_on_uncaught_exceptions() -> None:
    """Under plain ``python`` an uncaught exception would leave the other ranks waiting for ever."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        agreed = isinstance(error, HybridError) and error.failed_rank is not None
        if not agreed or error.failed_rank == MPI.COMM_WORLD.Get_rank():  # type: ignore[attr-defined]
            traceback.print_exception(kind, error, trace)
            sys.stderr.flush()
        if not agreed:
            MPI.COMM_WORLD.Abort(130 if kind is KeyboardInterrupt else getattr(error, "exit_code", 1))

    sys.excepthook = hook


def _wake_on_sigterm() -> threading.Event:
    """An event that is set when SIGTERM comes, also while the main thread is inside MPI and runs no Python."""
    told = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        return told

    def ignore(number: int, frame: FrameType | None) -> None:
        """The watchdog acts; this only keeps the process from ending without a word."""

    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.signal(signal.SIGTERM, ignore)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)

    def listen() -> None:
        while not told.is_set():
            if signal.SIGTERM in os.read(read, 64):
                told.set()

    threading.Thread(target=listen, name="hybrid-signals", daemon=True).start()
    return told
