"""One process: nothing has to travel."""

from __future__ import annotations

from hybrid.run.transport.contract import Exchanged, Failure, Transport


class SerialTransport(Transport):
    """Rank 0 of 1."""

    rank, size = 0, 1

    def exchange(
        self, outgoing: dict[int, bytes], failure: Failure | None, where: object, stop: str | None = None
    ) -> Exchanged:
        return Exchanged({}, failure, stop)

    def tell(self, busy: str) -> None:
        pass

    def close(self) -> None:
        pass

    def give_up(self, error: BaseException) -> None:
        pass
