"""The contract of a transport: how signals, failures and the wish to stop reach other ranks."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_LARGE_BYTES = 2**16  # of an array that is worth a message


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong on one rank, as it travels to the others."""

    error: str  # name of the class in hybrid.errors
    message: str
    rank: int


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What an exchange brought, the same failure and the same wish to stop on every rank.

    ``incoming``: a buffer by rank, nothing if any rank failed; ``stop``: the signal by which a rank was asked to stop.
    """

    incoming: Mapping[int, bytes | bytearray] = field(default_factory=dict)
    failure: Failure | None = None
    stop: str | None = None


class Transport(ABC):
    """Carries buffers between ranks, in step: every rank calls :meth:`exchange` the same number of times."""

    rank: int
    size: int
    on_notice: Callable[[int, str], None] | None = None  # is called with what another rank tells while this one waits

    @abstractmethod
    def exchange(
        self, outgoing: dict[int, bytes], failure: Failure | None, where: object, stop: str | None = None
    ) -> Exchanged:
        """Send a buffer to each rank that needs one, receive theirs.

        A failure on any rank reaches all (that of the lowest rank, if several failed), and then no buffers travel; so does
        the wish to ``stop``. The text of ``where`` says in a message what was being waited for.
        """

    @abstractmethod
    def tell(self, busy: str) -> None:
        """Tell the ranks that wait for this one that it lives and what it is busy with: their patience begins anew."""

    @abstractmethod
    def close(self) -> None:
        """Give back what this transport holds; every rank calls it when the run is over."""

    @abstractmethod
    def give_up(self, error: BaseException) -> None:
        """This rank leaves a run with an error that the others do not know of: end them, for they would wait for ever."""

    def everyone(self, value: Any, where: str, stop: str | None = None) -> list[Any]:
        """All ranks' values in order, on every rank. Large arrays in them travel as they are: no copy is made of them."""
        if self.size == 1:
            return [value]
        arrays: list[Any] = []
        text = pickle.dumps(value, pickle.HIGHEST_PROTOCOL, buffer_callback=lambda each: _apart(each, arrays))
        others = [rank for rank in range(self.size) if rank != self.rank]
        head = pickle.dumps((len(arrays), text))
        incoming = self.exchange(dict.fromkeys(others, head), None, where, stop).incoming
        heads = {rank: pickle.loads(incoming[rank]) for rank in others}
        apart: dict[int, list[Any]] = {rank: [] for rank in others}
        for k in range(max(len(arrays), *(count for count, _ in heads.values()))):
            outgoing = dict.fromkeys(others, arrays[k]) if k < len(arrays) else {}
            received = self.exchange(outgoing, None, where, stop).incoming
            for rank, buffer in received.items():
                apart[rank].append(buffer)
        return [
            value if rank == self.rank else pickle.loads(heads[rank][1], buffers=apart[rank])
            for rank in range(self.size)
        ]


def _apart(buffer: pickle.PickleBuffer, arrays: list[Any]) -> bool:
    """Keep a large array for a message of its own; a small one goes with the rest."""
    view = buffer.raw()
    if view.nbytes < _LARGE_BYTES:
        return True
    arrays.append(view)
    return False
