"""The contract of a transport: how signals and failures reach other ranks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong on one rank, as it travels to the others."""

    error: str  # name of the class in hybrid.errors
    message: str
    rank: int


class Transport(ABC):
    """Carries buffers between ranks, in step: every rank calls every method the same number of times."""

    rank: int
    size: int

    @abstractmethod
    def exchange(
        self, outgoing: dict[int, bytes], failure: Failure | None, where: str
    ) -> tuple[dict[int, bytes], Failure | None]:
        """Send a buffer to each rank that needs one, receive theirs.

        A failure on any rank reaches all (that of the lowest rank, if several failed), and then no buffers travel.
        ``where`` says in a watchdog's message what was being waited for.
        """

    @abstractmethod
    def gather(self, value: Any) -> list[Any] | None:
        """All ranks' values in order, on rank 0; ``None`` on the others."""

    @abstractmethod
    def share(self, value: Any) -> Any:
        """Rank 0's value, on every rank."""
