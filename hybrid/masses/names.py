"""Refuses arguments by names that do not exist."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from inspect import Parameter, signature

from hybrid.errors import unknown


def check_names(kind: type, given: Iterable[str]) -> None:
    """``UnknownNameError``, with a guess at what was meant, if a class is made with an argument that it does not take."""
    known = _arguments(kind)
    for name in given:
        if known is not None and name not in known:
            raise unknown(f"{kind.__name__}: argument", name, known)


@lru_cache(None)
def _arguments(kind: type) -> tuple[str, ...] | None:
    """All that a class takes by name; ``None`` if it takes any."""
    parameters = list(signature(kind.__init__).parameters.values())[1:]  # type: ignore[misc]
    if any(each.kind is Parameter.VAR_KEYWORD for each in parameters):
        return None
    return tuple(each.name for each in parameters)
