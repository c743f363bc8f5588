"""Independent tasks on many ranks: rank 0 hands out one after the other, and the others do them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from hybrid.errors import HybridError, told


class Tasks(ABC):
    """Rank 0 calls :meth:`hand_out` or :meth:`dismiss`, every other rank :meth:`serve`; none of them computes and hands out."""

    rank: int
    size: int

    @abstractmethod
    def _send(self, rank: int, value: Any) -> None:
        """Send a value to a rank."""

    @abstractmethod
    def _receive(self) -> tuple[int, Any]:
        """The rank and the value of the next message."""

    def hand_out(self, plan: Any, tasks: Iterable[int], done: Callable[[int, Any], None]) -> None:
        """Give every task to one rank, whichever is free, and call ``done`` with it and the answer.

        An answer that is an exception ends it: what is under way is waited for, and the exception is raised.
        """
        waiting, under_way = deque(tasks), 0
        failure: Exception | None = None
        free = list(range(1, self.size))
        for rank in free:
            self._send(rank, plan)
        while waiting or under_way:
            while free and waiting:
                self._send(free.pop(0), waiting.popleft())
                under_way += 1
            rank, (task, answer) = self._receive()
            under_way -= 1
            free.append(rank)
            if isinstance(answer, Exception):
                failure = failure or answer
                waiting.clear()
            else:
                done(task, answer)
        self.dismiss()
        if failure is not None:
            raise failure

    def dismiss(self) -> None:
        """Tell every other rank that there is nothing more to do."""
        for rank in range(1, self.size):
            self._send(rank, None)

    def serve(self, begin: Callable[[Any], Callable[[int], Any]]) -> None:
        """Do tasks until there are no more: ``begin(plan)(task)`` is the answer, or the exception that it raises."""
        _, plan = self._receive()
        if plan is None:
            return
        work: Callable[[int], Any] | None = None
        while (task := self._receive()[1]) is not None:
            try:
                work = work or begin(plan)
                answer = work(task)
            except HybridError as error:
                answer = error
            except Exception as error:
                answer = HybridError(f"rank {self.rank}: {told(error)}")
            self._send(0, (task, answer))
