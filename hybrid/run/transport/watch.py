"""Looks after the other ranks while this one waits: who is missing, who lives, and when one is given up."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import PeerError
from hybrid.run.stopping import StopRequest

_ROUND, _HERE, _BUSY = 0, 1, 2
_NAMED = 8  # ranks that a report can name
_REPORT = np.dtype(
    {
        "names": ("number", "waits_in", "missing", "kind", "rank", "who", "names", "busy"),
        "formats": ("i8", "i8", "i8", "i4", "i4", "i4", ("i4", _NAMED), "S64"),
    }
)
_TAG = 3
_GRACE_S = 20.0  # how long a rank that was told to end waits for the others to finish their window
_LOOK_EVERY_S = 0.2
_ASK_AFTER_S = 1.0
_DRAIN_EVERY = 64  # exchanges


class Watch:
    """What one rank knows of the others.

    In an exchange nobody hears of ranks that it shares no connection with, so who waits cannot know for whom. Rank 0 finds
    out: when it has waited for a second it asks all, those that wait too answer at once, and to them it tells who did not,
    and at most once a second what has changed. A rank that works long tells rank 0, which passes it on; if rank 0 is
    missing itself, the others know it by its silence. Nothing of this is sent in an exchange that takes less than a second.

    Parameters
    ----------
    noticed: is called with what a rank tells of itself.
    """

    def __init__(
        self,
        rank: int,
        size: int,
        timeout_s: float,
        stopping: StopRequest,
        noticed: Callable[[int, str], None],
    ) -> None:
        self._rank, self._size, self._timeout_s = rank, size, timeout_s
        self._stopping, self._noticed = stopping, noticed
        self.comm: Any = None  # of mpi4py, once there is one
        self.processes: dict[int, int] = {}  # of other ranks on this machine
        self.sent = np.zeros(2, np.int64)  # reports to rank 0 (summed over the ranks: all of them), and from it to each
        self._received = 0
        self._told: list[tuple[Any, Any]] = []  # reports under way, with their buffers
        self._ask_after_s = min(_ASK_AFTER_S, timeout_s / 4)
        self._ask_rank_0_after_s = min(timeout_s / 2, _GRACE_S / 2)
        self._number = 0  # of the exchange
        self._began = self._heard = self._look_at = self._round_at = 0.0
        self._asked = self._answered = self._asked_rank_0 = 0  # numbers of exchanges
        self._here: dict[int, int] = {}  # rank 0: who waits, and in which exchange
        self._missing: list[int] = []  # other ranks: what rank 0 told last
        self._more, self._knows = 0, False
        self._busy: dict[int, tuple[int, str]] = {}  # before which exchange, and with what
        self._news = -1  # the rank that told something that rank 0 has not passed on yet
        self._shown: list[int] | None = None
        self._gone: set[int] = set()
        self._armed = -np.inf
        self._can_dump = size > 1 and sys.__stderr__ is not None

    # -- what the transport tells it -----------------------------------------------------------------------------------

    def enter(self) -> None:
        """The next exchange begins."""
        self._number += 1
        if self._busy:
            self._busy = {rank: busy for rank, busy in self._busy.items() if busy[0] >= self._number}
            self._news = self._news if self._news in self._busy else -1
        self._arm(time.monotonic())
        if not self._number % _DRAIN_EVERY:
            self._read()

    def begin(self, now: float) -> None:
        """A wait begins that was not over at once."""
        self._began = self._heard = now
        self._look_at = now

    def tell(self, busy: str) -> None:
        """Say what this rank is busy with before it comes to the next exchange."""
        self._armed = -np.inf
        self._arm(time.monotonic())
        report = self._report(_BUSY, self._number + 1)
        report["who"], report["busy"] = self._rank, busy.encode()[:64]
        self._send(report)

    def look(self, now: float, where: object, awaited: Callable[[], list[int]], exact: bool) -> None:
        """Read what others report; end this process if those that are missing will not come."""
        self._read()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_EVERY_S
        self._arm(now)
        known = awaited()
        if self._rank == 0:
            self._ask(now, known if exact else [])
        elif self._asked_rank_0 != self._number:
            patience_s = self._ask_after_s if self._stopping.asked else self._ask_rank_0_after_s
            if now - self._began > patience_s:
                self._asked_rank_0 = self._number
                self._send(self._report(_HERE, self._number))
        self._judge(now, where, known, exact)

    def stop(self) -> None:
        """The run is over: nothing is asked or answered any more."""
        if self._can_dump:
            faulthandler.cancel_dump_traceback_later()
        self._answered = self._number = sys.maxsize

    def is_empty(self, all_sent: NDArray[np.int64]) -> bool:
        """Whether every report has come; ``all_sent`` is ``sent``, summed over the ranks."""
        self._read()
        self._told = [each for each in self._told if not each[0].Test()]
        return self._received == all_sent[1 if self._rank else 0] and not self._told

    # -- reports -------------------------------------------------------------------------------------------------------

    def _report(self, kind: int, number: int) -> NDArray[Any]:
        report = np.zeros(1, _REPORT)
        report["kind"], report["rank"], report["number"], report["who"] = kind, self._rank, number, -1
        report["waits_in"], report["missing"] = self._number, -1
        return report

    def _send(self, report: NDArray[Any]) -> None:
        """To rank 0, or from it to all."""
        if self.comm is None:
            return
        self._told = [each for each in self._told if not each[0].Test()]
        buffer = report.tobytes()
        self.sent[0 if self._rank else 1] += 1
        for rank in range(1, self._size) if self._rank == 0 else (0,):
            self._told.append((self.comm.Isend(buffer, rank, _TAG), buffer))

    def _read(self) -> None:
        while self.comm is not None and self.comm.Iprobe(tag=_TAG):
            report = np.zeros(1, _REPORT)
            self.comm.Recv(report.view("u1"), tag=_TAG)
            self._received += 1
            number = int(report["number"][0])
            if number < self._number:
                continue
            if report["kind"] == _HERE:
                self._here[int(report["rank"][0])] = int(report["waits_in"][0])
            else:
                self._hear(report, number)

    def _hear(self, report: NDArray[Any], number: int) -> None:
        """What a rank says of itself, or a round of rank 0."""
        who, busy = int(report["who"][0]), report["busy"][0].decode(errors="ignore")
        if who >= 0 and who != self._rank:
            self._heard, self._news = time.monotonic(), who
            self._busy[who] = (number, busy)
            self._noticed(who, busy)
        if report["kind"] == _ROUND:
            missing = int(report["missing"][0])
            self._asked, self._knows = number, missing >= 0
            self._missing = [int(rank) for rank in report["names"][0][: max(0, min(missing, _NAMED))]]
            self._more = max(0, missing - _NAMED)
            if self._answered < number:
                self._answered = number
                self._send(self._report(_HERE, number))

    def _ask(self, now: float, known: list[int]) -> None:
        """A round of rank 0, if it is time for one."""
        if self._asked != self._number:
            self._here = {rank: number for rank, number in self._here.items() if number >= self._number}
            if now - self._began < self._ask_after_s and not self._here:
                return
            self._asked, self._shown = self._number, known or None
        elif now - self._round_at < (self._ask_after_s if self._shown is not None else _LOOK_EVERY_S):
            return
        else:
            known = self._absent(known)
            if known == self._shown and self._news < 0:
                return
            self._shown = known
        self._round_at = now
        report = self._report(_ROUND, self._number)
        report["missing"] = -1 if self._shown is None else len(known)
        report["names"][0, : min(len(known), _NAMED)] = known[:_NAMED]
        report["who"], report["busy"] = self._news, self._busy.get(self._news, (0, ""))[1].encode()
        self._news = -1
        self._send(report)

    def _absent(self, known: list[int]) -> list[int]:
        """Rank 0: who has not answered, or else who is behind."""
        others = range(1, self._size)
        silent = [rank for rank in others if rank not in self._here]
        return known or silent or [rank for rank in others if self._here[rank] < self._number]

    # -- judgement -----------------------------------------------------------------------------------------------------

    def _judge(self, now: float, where: object, known: list[int], exact: bool) -> None:
        lost = {rank for rank, process in self.processes.items() if not lives(process)}
        if lost & self._gone:  # twice: what it sent before it went has been received by now
            self._end(f"rank(s) {', '.join(map(str, sorted(lost & self._gone)))} died before or at {where}")
        self._gone = lost
        learns = self._rank and self._asked >= self._number and not self._knows  # who is missing, at any moment
        if now - self._heard > self._timeout_s + learns * _ASK_AFTER_S:
            names = self._names(known, exact)
            self._end(f"rank {self._rank} waited {self._timeout_s:g} s for rank(s) {names} at {where}; giving up")
        told = self._stopping.asked
        if told and now - self._stopping.at > _GRACE_S and now - self._began > 3 * self._ask_after_s:
            names = self._names(known, exact)
            self._end(
                f"rank {self._rank} was told to end ({told}) and waited {_GRACE_S:g} s for rank(s) {names} at {where}: lost, or "
                f"busy for too long"
            )

    def _names(self, known: list[int], exact: bool) -> str:
        """Who is missing, as far as this rank knows, and what they were busy with."""
        more, missing = 0, known
        if self._rank == 0:
            missing = known if exact and known else self._absent([])
        elif not (exact and known):
            if self._asked >= self._number:  # rank 0 waits too
                missing, more = self._missing or known, self._more
            else:
                missing = sorted({0, *known})
        more += max(0, len(missing) - _NAMED)
        names = [f"{rank} ({self._busy[rank][1]})" if rank in self._busy else str(rank) for rank in missing[:_NAMED]]
        if more:
            names.append(f"{more} more")
        return ", ".join(names) or "that wait too (messages are lost)"

    def _arm(self, now: float) -> None:
        """Have the stacks of all threads printed if this rank does not look up before others give it up.

        By a thread of C, which needs no lock of Python's; started anew ten times within the patience, not in every window.
        """
        if self._can_dump and now - self._armed > 0.1 * self._timeout_s:
            self._armed = now
            faulthandler.dump_traceback_later(0.9 * self._timeout_s, file=2)

    def _end(self, message: str) -> NoReturn:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            print(f"PeerError: {message}. No results were written.", file=sys.stderr, flush=True)
        os._exit(PeerError.exit_code)  # MPI would wait for the others in its finalisation


def lives(process: int) -> bool:
    """Whether there is a process of this number on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
