"""An error that all ranks raise is printed by one of them."""

from __future__ import annotations

import sys
from typing import Any


class _Quiet:
    """A hook that leaves it to the rank that failed to print the error that all ranks raise."""

    def __init__(self, rank: int) -> None:
        self.rank, self.before = rank, sys.excepthook

    def __call__(self, kind: Any, error: BaseException, trace: Any) -> None:
        if getattr(error, "failed_rank", None) in (None, self.rank):
            self.before(kind, error, trace)


def quiet(rank: int) -> None:
    """From now on this rank does not print an error that another one will."""
    unquiet()
    sys.excepthook = _Quiet(rank)


def unquiet() -> None:
    """Put back the hook that was there before :func:`quiet`."""
    if isinstance(sys.excepthook, _Quiet):
        sys.excepthook = sys.excepthook.before
