"""MPI: the one place that talks to mpi4py, and that never waits in it without looking up."""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np
from mpi4py import MPI

from hybrid.errors import ConfigurationError, HybridError, PeerError
from hybrid.run.stopping import StopRequest
from hybrid.run.transport.contract import Exchanged, Failure, Transport
from hybrid.run.transport.launcher import check_launch
from hybrid.run.transport.tasks import Tasks

_SIGNALS, _FAILURE, _NOTICE = 0, 1, 2
_HEADER = np.dtype([("kind", "i8"), ("size", "i8"), ("stop", "i8"), ("busy", "S64")])
_TAG, _DATA_TAG = 1, 2
_PIECE = 2**30  # bytes of one message; MPI counts in 32 bits
_QUICK = 500  # tries before it is worth sleeping between two
_GRACE_S = 20.0  # how long a rank that was told to end waits for the others to finish their window
_LOOK_EVERY_S = 0.2


class MpiTransport(Transport):
    """The ranks of ``COMM_WORLD``, or of an mpi4py communicator.

    Every rank first sends each other one a header (has it failed, is it to stop, how many bytes follow), then the bytes. While
    it waits it looks after the others: one that sent nothing for ``timeout_s``, or whose process is gone, is given up by name.
    """

    def __init__(self, timeout_s: float, comm: Any, stopping: StopRequest) -> None:
        self._timeout_s, self._stopping = timeout_s, stopping
        if comm is None:
            check_launch(MPI.COMM_WORLD.Get_size(), MPI.Get_library_version().split(",")[0].splitlines()[0].strip("\0"))
            comm = MPI.COMM_WORLD
        elif not isinstance(comm, MPI.Intracomm) or comm == MPI.COMM_NULL:
            raise ConfigurationError(
                f"comm = {comm!r} is no intracommunicator of mpi4py; give one such as MPI.COMM_WORLD"
            )
        _unquiet()
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self._others = [rank for rank in range(self.size) if rank != self.rank]
        self._busy: dict[int, str] = {}
        self._processes: dict[int, int] = {}  # of other ranks on this machine
        self._heard = time.monotonic()
        self._comm, request = comm.Idup()
        self._wait([request], "the start", lambda: self._others)
        self._out, self._in = np.zeros(self.size, _HEADER), np.zeros(self.size, _HEADER)
        parts = [(rank, slice(rank, rank + 1)) for rank in self._others]
        self._sends = [self._comm.Send_init([self._out[part].view("u1"), MPI.BYTE], rank, _TAG) for rank, part in parts]
        self._receives = {
            rank: self._comm.Recv_init([self._in[part].view("u1"), MPI.BYTE], rank, _TAG) for rank, part in parts
        }
        self._told: list[tuple[Any, Any]] = []  # notices under way, with their buffers
        for rank, (host, process) in enumerate(self.everyone((socket.gethostname(), os.getpid()), "the start")):
            if rank != self.rank and host == socket.gethostname() and _lives(process):
                self._processes[rank] = process

    # -- what a run does with it ---------------------------------------------------------------------------------------

    def exchange(
        self, outgoing: dict[int, bytes], failure: Failure | None, where: object, stop: str | None = None
    ) -> Exchanged:
        if failure is not None:
            outgoing = dict.fromkeys(self._others, pickle.dumps(failure))
        self._out["kind"] = _SIGNALS if failure is None else _FAILURE
        self._out["size"] = [len(outgoing.get(rank, b"")) for rank in range(self.size)]
        self._out["stop"] = signal.Signals[stop] if stop else 0
        self._meet(where)
        kinds, sizes = self._in["kind"], self._in["size"]
        kinds[self.rank], sizes[self.rank] = self._out["kind"][self.rank], 0
        self._in["stop"][self.rank] = self._out["stop"][self.rank]
        signalled = int(self._in["stop"].max())
        wish = signal.Signals(signalled).name if signalled else None
        failed = np.flatnonzero(kinds == _FAILURE)
        if failed.size:
            sent = outgoing if failure is not None else {}
            told = self._transfer(sent, {int(rank): int(sizes[rank]) for rank in failed if rank != self.rank}, where)
            failures = [pickle.loads(told[rank]) if rank in told else failure for rank in failed]
            return Exchanged({}, failures[0], wish)
        senders = {int(rank): int(sizes[rank]) for rank in np.flatnonzero(sizes)}
        return Exchanged(self._transfer(outgoing, senders, where), None, wish)

    def tell(self, busy: str) -> None:
        notice = np.zeros(1, _HEADER)
        notice["kind"], notice["busy"] = _NOTICE, busy.encode()[:64]
        self._told = [each for each in self._told if not each[0].Test()]
        for rank in self._others:
            buffer = notice.copy()
            self._told.append((self._comm.Isend([buffer.view("u1"), MPI.BYTE], rank, _TAG), buffer))

    def close(self) -> None:
        self._wait([request for request, _ in self._told], "the end", lambda: self._others)
        for request in (*self._sends, *self._receives.values()):
            request.Free()
        self._comm.Free()

    def give_up(self, error: BaseException) -> None:
        if isinstance(error, HybridError) and error.failed_rank is not None:  # all ranks raise it
            if error.failed_rank != self.rank:
                _quiet(self.rank)
            return self.close()
        with contextlib.suppress(OSError, ValueError, AttributeError):
            traceback.print_exception(error)
            sys.stderr.flush()
        self._comm.Abort(130 if isinstance(error, KeyboardInterrupt) else getattr(error, "exit_code", 1))

    # -- waiting -------------------------------------------------------------------------------------------------------

    def _meet(self, where: object) -> None:
        """Send each other rank its header, and wait until theirs are here."""
        requests = [*self._sends, *self._receives.values()]
        self._heard = time.monotonic()
        self._busy.clear()
        MPI.Prequest.Startall(requests)
        while True:
            self._wait(requests, where, self._silent, self._take_notices)
            if not self._take_notices():
                return

    def _transfer(self, outgoing: dict[int, bytes], sizes: dict[int, int], where: object) -> dict[int, bytearray]:
        """Send buffers and receive those of the given sizes, by rank."""
        incoming = {rank: bytearray(size) for rank, size in sizes.items()}
        requests = {
            rank: [self._comm.Irecv([piece, MPI.BYTE], rank, _DATA_TAG) for piece in _pieces(buffer)]
            for rank, buffer in incoming.items()
        }
        sends = [
            self._comm.Isend([piece, MPI.BYTE], rank, _DATA_TAG)
            for rank, buffer in outgoing.items()
            for piece in _pieces(buffer)
        ]
        self._heard = time.monotonic()
        every = [*(request for each in requests.values() for request in each), *sends]
        self._wait(every, where, lambda: list(requests) or self._others)
        return incoming

    def _wait(
        self, requests: list[Any], where: object, missing: Callable[[], list[int]], meanwhile: Callable[[], Any] = bool
    ) -> None:
        """Until all requests are complete: without a pause at first, as MPI would, then looking around now and then."""
        for _ in range(_QUICK):
            if MPI.Request.Testall(requests):
                return
            os.sched_yield()
        began = look_at = time.monotonic()
        gone: set[int] = set()
        while not MPI.Request.Testall(requests):
            now = time.monotonic()
            meanwhile()
            if now >= look_at:
                look_at = now + _LOOK_EVERY_S
                gone = self._look(where, missing(), gone)
            time.sleep(50e-6 if now - began < 0.1 else 1e-3)

    def _look(self, where: object, missing: list[int], gone: set[int]) -> set[int]:
        """End this process if the ranks that are missing will not come; returns those whose process was not found."""
        now = time.monotonic()
        names = ", ".join(f"{rank} ({self._busy[rank]})" if rank in self._busy else str(rank) for rank in missing)
        lost = {rank for rank in missing if rank in self._processes and not _lives(self._processes[rank])}
        if lost & gone:  # twice: what it sent before it went has been received by now
            self._end(f"rank(s) {', '.join(map(str, sorted(lost & gone)))} died before or at {where}")
        if now - self._heard > self._timeout_s:
            self._end(f"rank {self.rank} waited {self._timeout_s:g} s for rank(s) {names} at {where}; giving up")
        told = self._stopping.asked
        if told and now - self._stopping.at > _GRACE_S:
            self._end(
                f"rank {self.rank} was told to end ({told}) and waited {_GRACE_S:g} s for rank(s) {names} at {where}: lost, or "
                f"busy for too long"
            )
        return lost

    def _silent(self) -> list[int]:
        return [rank for rank, request in self._receives.items() if not request.Get_status()]

    def _take_notices(self) -> bool:
        """Read what busy ranks tell; whether any did."""
        found = False
        for rank, request in self._receives.items():
            if request.Test() and self._in["kind"][rank] == _NOTICE:
                found = True
                self._heard = time.monotonic()
                self._busy[rank] = self._in["busy"][rank].decode(errors="ignore")
                self._in["kind"][rank] = _SIGNALS
                request.Start()
                if self.on_notice:
                    self.on_notice(rank, self._busy[rank])
        return found

    def _end(self, message: str) -> NoReturn:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            print(f"PeerError: {message}. No results were written.", file=sys.stderr, flush=True)
        os._exit(PeerError.exit_code)  # MPI would wait for the others in its finalisation


class MpiTasks(Tasks):
    """Numbers of tasks go out from rank 0 of ``COMM_WORLD`` and answers come back, as messages between two ranks."""

    def __init__(self) -> None:
        check_launch(MPI.COMM_WORLD.Get_size(), MPI.Get_library_version().split(",")[0].splitlines()[0].strip("\0"))
        self._comm = MPI.COMM_WORLD.Dup()
        self.rank, self.size = self._comm.Get_rank(), self._comm.Get_size()
        here = socket.gethostname()
        self._processes = {
            rank: process
            for rank, (host, process) in enumerate(self._comm.allgather((here, os.getpid())))
            if rank != self.rank and host == here and _lives(process)
        }

    def _send(self, rank: int, value: Any) -> None:
        self._comm.send(value, rank, _TAG)

    def _receive(self) -> tuple[int, Any]:
        """What the next message says and who sent it, without keeping a processor busy meanwhile."""
        status, pause_s = MPI.Status(), 100e-6
        look_at = time.monotonic() + 1.0
        while not self._comm.Iprobe(MPI.ANY_SOURCE, _TAG, status):
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 10e-3)
            if time.monotonic() > look_at:  # not every launcher ends the others when one has died
                look_at = time.monotonic() + 1.0
                self._look()
        return status.Get_source(), self._comm.recv(None, status.Get_source(), _TAG)

    def _look(self) -> None:
        """End the job if a rank on this machine that this one waits for is gone."""
        heard = (
            self._processes if self.rank == 0 else {rank: each for rank, each in self._processes.items() if rank == 0}
        )
        lost = [str(rank) for rank, process in heard.items() if not _lives(process)]
        if lost:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                print(f"PeerError: rank(s) {', '.join(lost)} died; what was done is kept", file=sys.stderr, flush=True)
            self._comm.Abort(PeerError.exit_code)


def _pieces(buffer: bytes | bytearray) -> Iterator[memoryview]:
    view = memoryview(buffer)
    return (view[start : start + _PIECE] for start in range(0, len(view), _PIECE))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


class _Quiet:
    """A hook that leaves it to the rank that failed to print the error that all ranks raise."""

    def __init__(self, rank: int) -> None:
        self.rank, self.before = rank, sys.excepthook

    def __call__(self, kind: Any, error: BaseException, trace: Any) -> None:
        if getattr(error, "failed_rank", None) in (None, self.rank):
            self.before(kind, error, trace)


def _quiet(rank: int) -> None:
    _unquiet()
    sys.excepthook = _Quiet(rank)


def _unquiet() -> None:
    if isinstance(sys.excepthook, _Quiet):
        sys.excepthook = sys.excepthook.before


@atexit.register
def _abort_after_uncaught_error() -> None:
    """Between two runs an exception on one rank would leave it waiting in MPI's finalisation, and the others in their run."""
    error = getattr(sys, "last_value", None)
    agreed = getattr(error, "failed_rank", None) is not None
    at_prompt = hasattr(sys, "ps1")
    if error is None or agreed or at_prompt or MPI.Is_finalized() or MPI.COMM_WORLD.Get_size() < 2:
        return
    sys.stderr.flush()
    MPI.COMM_WORLD.Abort(getattr(error, "exit_code", 1))
