"""Several calls side by side on one rank: compiled code lets Python go on while it runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class Threads:
    """So many threads, of which the caller's is one. With one, everything is called plainly and in order."""

    def __init__(self, count: int) -> None:
        self._helpers = count - 1
        self._pool = ThreadPoolExecutor(self._helpers) if self._helpers else None

    def each(self, action: Callable[[int], object], numbers: list[int]) -> None:
        """Call ``action`` with every number, each thread taking the next one when it is free; returns when all are done.

        ``action`` must keep its errors to itself.
        """
        left = iter(numbers)

        def share() -> None:
            for number in left:
                action(number)

        helping = [self._pool.submit(share) for _ in range(min(self._helpers, len(numbers) - 1))] if self._pool else []
        share()
        for each in helping:
            each.result()

    def close(self) -> None:
        """Let the other threads go."""
        if self._pool is not None:
            self._pool.shutdown()
