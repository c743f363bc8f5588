"""The contract of a transport: how signals, failures and the wish to stop reach other ranks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong on one rank, as it travels to the others."""

    error: str  # name of the class in hybrid.errors
    message: str
    rank: int


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What an exchange brought, the same failure and the same wish to stop on every rank.

    ``incoming``: a buffer from each rank that sends to this one, nothing if any rank failed; ``stop``: the signal by which a
    rank was asked to stop.
    """

    incoming: Mapping[int, bytes | bytearray] = field(default_factory=dict)
    failure: Failure | None = None
    stop: str | None = None


class Transport(ABC):
    """Carries buffers between ranks, in step: every rank makes the same calls in the same order.

    ``where``, in all of them: its text says in a message what was being waited for.
    """

    rank: int
    size: int
    on_notice: Callable[[int, str], None] | None = None  # is called with what another rank tells while this one waits

    @abstractmethod
    def connect(self, outgoing: Iterable[int], incoming: Iterable[int]) -> None:
        """Say once to and from which ranks signals travel in the exchanges that follow; before, there are none."""

    @abstractmethod
    def exchange(
        self, outgoing: Mapping[int, bytes], failure: Failure | None, where: object, stop: str | None = None
    ) -> Exchanged:
        """Send a buffer to ranks that this one is connected to (or none), receive theirs.

        A failure on any rank reaches all (that of the lowest rank, if several failed), and then no buffers arrive; so does the
        wish to ``stop``.
        """

    @abstractmethod
    def highest(self, values: NDArray[np.int64], where: object) -> NDArray[np.int64]:
        """Each number's maximum over the ranks, on all of them."""

    @abstractmethod
    def gathered(self, value: Any, where: object) -> list[Any] | None:
        """All ranks' values in order, on rank 0 alone; elsewhere ``None``."""

    @abstractmethod
    def everyone(self, value: Any, where: object) -> list[Any]:
        """All ranks' values in order, on every rank: for little, where all of them need it."""

    @abstractmethod
    def tell(self, busy: str) -> None:
        """Tell the ranks that wait for this one that it lives and what it is busy with: their patience begins anew."""

    @abstractmethod
    def close(self) -> None:
        """Give back what this transport holds; every rank calls it when the run is over."""

    @abstractmethod
    def give_up(self, error: BaseException) -> None:
        """This rank leaves a run with an error that the others do not know of: end them, for they would wait for ever."""
