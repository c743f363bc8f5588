"""One process: nothing has to travel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.run.transport.contract import Exchanged, Failure, Transport


class SerialTransport(Transport):
    """Rank 0 of 1."""

    rank, size = 0, 1

    def connect(self, outgoing: Iterable[int], incoming: Iterable[int]) -> None:
        pass

    def exchange(
        self, outgoing: Mapping[int, bytes], failure: Failure | None, where: object, stop: str | None = None
    ) -> Exchanged:
        return Exchanged({}, failure, stop)

    def highest(self, values: NDArray[np.int64], where: object) -> NDArray[np.int64]:
        return values

    def gathered(self, value: Any, where: object) -> list[Any]:
        return [value]

    def everyone(self, value: Any, where: object) -> list[Any]:
        return [value]

    def tell(self, busy: str) -> None:
        pass

    def close(self) -> None:
        pass

    def give_up(self, error: BaseException) -> None:
        pass
