"""MPI: the one place that talks to mpi4py, and that never waits in it without looking up."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pickle
import signal
import socket
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from hybrid.errors import ConfigurationError, HybridError, PeerError
from hybrid.run.stopping import StopRequest
from hybrid.run.transport.contract import Exchanged, Failure, Transport
from hybrid.run.transport.launcher import check_launch
from hybrid.run.transport.mail import Mail, apart, pieces, received, sent
from hybrid.run.transport.quiet import quiet, unquiet
from hybrid.run.transport.tasks import Tasks
from hybrid.run.transport.watch import Watch, lives

_QUICK = 500  # tries before it is worth sleeping between two
_CLOSING_S = 5.0  # how long a rank waits for others at the end of a run before it leaves its communicator behind
_TASK_TAG = 1
_RANK_BITS = 32  # of a failure's vote: the rest is the length of its text


class MpiTransport(Transport):
    """The ranks of ``COMM_WORLD``, or of an mpi4py communicator.

    In an exchange each rank sends a letter to those that need its signals, and all take part in one reduction of two integers:
    has anybody failed, is anybody asked to stop. While a rank waits, :class:`Watch` looks after the others: one that sent
    nothing for ``timeout_s``, or whose process is gone, is given up by name.
    """

    def __init__(self, timeout_s: float, comm: Any, stopping: StopRequest) -> None:
        if comm is None:
            check_launch(MPI.COMM_WORLD.Get_size(), MPI.Get_library_version().split(",")[0].splitlines()[0].strip("\0"))
            comm = MPI.COMM_WORLD
        elif not isinstance(comm, MPI.Intracomm) or comm == MPI.COMM_NULL:
            raise ConfigurationError(
                f"comm = {comm!r} is no intracommunicator of mpi4py; give one such as MPI.COMM_WORLD"
            )
        unquiet()
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self._watch = Watch(self.rank, self.size, timeout_s, stopping, self._noticed)
        self._watch.enter()
        self._comm, request = comm.Idup()
        self._wait([request], "the start", self._others)
        self._watch.comm = self._comm
        self._mail = Mail(self._comm, (), ())
        self._vote, self._agreed = np.zeros(2, np.int64), np.zeros(2, np.int64)
        self._ballot = [self._vote, MPI.INT64_T], [self._agreed, MPI.INT64_T]
        self._watch.processes = self._neighbours_on_this_machine()

    def connect(self, outgoing: Iterable[int], incoming: Iterable[int]) -> None:
        self._mail.close()
        self._mail = Mail(self._comm, outgoing, incoming)

    # -- what a run does with it ---------------------------------------------------------------------------------------

    def exchange(
        self, outgoing: Mapping[int, bytes], failure: Failure | None, where: object, stop: str | None = None
    ) -> Exchanged:
        self._watch.enter()
        told = b""
        if failure is not None:
            outgoing, told = {}, json.dumps([failure.error, failure.message, failure.rank]).encode()
        self._vote[0] = (self.size - self.rank) << _RANK_BITS | len(told) if told else 0
        self._vote[1] = signal.Signals[stop] if stop else 0
        requests = self._mail.post(outgoing)
        requests.append(self._comm.Iallreduce(*self._ballot, MPI.MAX))
        self._wait(requests, where, self._mail.silent, exact=False)
        worst, signalled = self._agreed.tolist()
        wish = signal.Signals(signalled).name if signalled else None
        if worst:
            lowest, length = self.size - (worst >> _RANK_BITS), worst % (1 << _RANK_BITS)
            shared = self._share(told if lowest == self.rank else None, length, lowest, where)
            return Exchanged({}, Failure(*json.loads(bytes(shared))), wish)
        whole, following = self._mail.opened()
        transfers = self._mail.transfer(outgoing, following)
        if transfers:
            self._wait([each for many in transfers.values() for each in many], where, lambda: list(transfers))
        return Exchanged({**whole, **following}, None, wish)

    def highest(self, values: NDArray[np.int64], where: object) -> NDArray[np.int64]:
        self._watch.enter()
        found = np.zeros_like(values)
        self._wait([self._comm.Iallreduce([values, MPI.INT64_T], [found, MPI.INT64_T], MPI.MAX)], where)
        return found

    def gathered(self, value: Any, where: object) -> list[Any] | None:
        self._watch.enter()
        mine = pickle.dumps(value, pickle.HIGHEST_PROTOCOL) if self.rank else b""
        sizes = np.zeros(self.size, np.int64)
        room = None if self.rank else [sizes, MPI.INT64_T]
        self._wait([self._comm.Igather([np.array([len(mine)]), MPI.INT64_T], room, 0)], where)
        if self.rank:
            self._wait(sent(self._comm, mine, 0), where)
            return None
        values = [value]
        for rank in range(1, self.size):
            buffer = bytearray(int(sizes[rank]))
            self._wait(received(self._comm, buffer, rank), where, lambda rank=rank: [rank])  # type: ignore[misc]
            values.append(pickle.loads(buffer))
        return values

    def everyone(self, value: Any, where: object) -> list[Any]:
        text, arrays = apart(value)
        heads = self._all_heads((text, [each.nbytes for each in arrays]), where)
        found = []
        for rank, (other, sizes) in enumerate(heads):
            mine = arrays if rank == self.rank else [None] * len(sizes)
            rooms = [self._share(array, size, rank, where) for array, size in zip(mine, sizes, strict=True)]
            found.append(value if rank == self.rank else pickle.loads(other, buffers=rooms))
        return found

    def _all_heads(self, head: Any, where: object) -> list[Any]:
        """What is small of all ranks: through rank 0."""
        heads = self.gathered(head, where)
        mine = None if heads is None else pickle.dumps(heads, pickle.HIGHEST_PROTOCOL)
        length = np.array([len(mine) if mine else 0])
        self._wait([self._comm.Ibcast([length, MPI.INT64_T], 0)], where)
        shared = self._share(mine, int(length[0]), 0, where)
        return pickle.loads(shared) if heads is None else heads  # type: ignore[no-any-return]

    def tell(self, busy: str) -> None:
        self._watch.tell(busy)

    def close(self) -> None:
        """Without a report under way, or the next run might find it; a rank that is late costs a communicator at most."""
        self._watch.stop()
        reports, all_reports = self._watch.sent.copy(), np.zeros(2, np.int64)
        request = self._comm.Iallreduce([reports, MPI.INT64_T], [all_reports, MPI.INT64_T], MPI.SUM)
        until = time.monotonic() + _CLOSING_S
        while not (request.Test() and self._watch.is_empty(all_reports)):
            if time.monotonic() > until:
                return
            time.sleep(50e-6)
        self._mail.close()
        self._comm.Free()

    def give_up(self, error: BaseException) -> None:
        if isinstance(error, HybridError) and error.failed_rank is not None:  # all ranks raise it
            if error.failed_rank != self.rank:
                quiet(self.rank)
            return self.close()
        with contextlib.suppress(OSError, ValueError, AttributeError):
            traceback.print_exception(error)
            sys.stderr.flush()
        self._comm.Abort(130 if isinstance(error, KeyboardInterrupt) else getattr(error, "exit_code", 1))

    # -- how -----------------------------------------------------------------------------------------------------------

    def _share(self, buffer: bytes | memoryview | None, length: int, root: int, where: object) -> Any:
        """A buffer of so many bytes from one rank, on all of them."""
        room = bytearray(length) if buffer is None else buffer
        for piece in pieces(room):
            self._wait([self._comm.Ibcast([piece, MPI.BYTE], root)], where)
        return room

    def _wait(
        self, requests: list[Any], where: object, awaited: Callable[[], list[int]] = list, exact: bool = True
    ) -> None:
        """Until all requests are complete: without a pause at first, as MPI would, then looking around now and then.

        ``awaited``: ranks that are known to be waited for; if it is ``exact`` and there are any, no others are.
        """
        for _ in range(_QUICK):
            if MPI.Request.Testall(requests):
                return
            os.sched_yield()
        began = time.monotonic()
        self._watch.begin(began)
        while not MPI.Request.Testall(requests):
            now = time.monotonic()
            self._watch.look(now, where, awaited, exact)
            time.sleep(50e-6 if now - began < 0.1 else 1e-3)

    def _others(self) -> list[int]:
        return [rank for rank in range(self.size) if rank != self.rank]

    def _noticed(self, rank: int, busy: str) -> None:
        if self.on_notice:
            self.on_notice(rank, busy)

    def _neighbours_on_this_machine(self) -> dict[int, int]:
        """Processes by rank; of each other rank 8 bytes travel, and those elsewhere are forgotten."""
        here = zlib.crc32(socket.gethostname().encode())
        found = np.zeros(self.size, np.int64)
        mine = np.array([(here << 31) | os.getpid()])
        self._wait([self._comm.Iallgather([mine, MPI.INT64_T], [found, MPI.INT64_T])], "the start")
        ranks = np.flatnonzero(found >> 31 == here)
        processes = {int(rank): int(found[rank] & (2**31 - 1)) for rank in ranks if rank != self.rank}
        return {rank: process for rank, process in processes.items() if lives(process)}


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
            if rank != self.rank and host == here and lives(process)
        }

    def _send(self, rank: int, value: Any) -> None:
        self._comm.send(value, rank, _TASK_TAG)

    def _receive(self) -> tuple[int, Any]:
        """What the next message says and who sent it, without keeping a processor busy meanwhile."""
        status, pause_s = MPI.Status(), 100e-6
        look_at = time.monotonic() + 1.0
        while not self._comm.Iprobe(MPI.ANY_SOURCE, _TASK_TAG, status):
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 10e-3)
            if time.monotonic() > look_at:  # not every launcher ends the others when one has died
                look_at = time.monotonic() + 1.0
                self._look()
        return status.Get_source(), self._comm.recv(None, status.Get_source(), _TASK_TAG)

    def _look(self) -> None:
        """End the job if a rank on this machine that this one waits for is gone."""
        heard = (
            self._processes if self.rank == 0 else {rank: each for rank, each in self._processes.items() if rank == 0}
        )
        lost = [str(rank) for rank, process in heard.items() if not lives(process)]
        if lost:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                print(f"PeerError: rank(s) {', '.join(lost)} died; what was done is kept", file=sys.stderr, flush=True)
            self._comm.Abort(PeerError.exit_code)


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


def library() -> str:
    """MPI's name and version, as it tells them."""
    return MPI.Get_library_version().split(",")[0].splitlines()[0].strip("\0 ")
