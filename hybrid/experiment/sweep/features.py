"""Numbers computed from the results of a point by functions of the user's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.errors import ConfigurationError, shown, told
from hybrid.experiment.references import resolve_function
from hybrid.results import Results

HOME = "hybrid.analysis"
RESERVED = ("point", "status", "content_sha256", "seconds", "error")


class Features:
    """Functions named by ``module:function``, or the bare name of one in ``hybrid.analysis``.

    Each takes :class:`hybrid.Results` and returns a number, kept by the name of the function, or a dictionary of numbers,
    kept as ``function.key``. Modules are installed ones, or lie in ``folder``, beside the experiment file.
    """

    def __init__(self, references: Iterable[str], folder: Path) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}
        for reference in references:
            function = resolve_function(reference, HOME, folder)
            name = reference.rpartition(":")[2]
            if name in RESERVED:
                raise ConfigurationError(f"a feature cannot be called {name!r}, as a column of the index; rename it")
            if name in self._functions:
                raise ConfigurationError(f"two features are called {name!r}; give one of the functions another name")
            self._functions[name] = function

    def __len__(self) -> int:
        return len(self._functions)

    def of(self, results: Results) -> tuple[dict[str, float], dict[str, str]]:
        """The numbers by name, and for functions that failed what they raised."""
        numbers: dict[str, float] = {}
        errors: dict[str, str] = {}
        for name, function in self._functions.items():
            try:
                numbers |= _named(name, function(results))
            except Exception as error:
                errors[name] = told(error, 1000)
        return numbers, errors


def _named(name: str, found: Any) -> dict[str, float]:
    if isinstance(found, Mapping):
        return {f"{name}.{key}": _number(value, f"{name}()[{key!r}]") for key, value in found.items()}
    return {name: _number(found, f"{name}()")}


def _number(value: Any, what: str) -> float:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_):
        return int(value)
    if not isinstance(value, Real):
        raise ConfigurationError(f"{what} is {shown(value)}; return a number, or a dictionary of numbers")
    if isinstance(value, int | np.integer):
        return int(value)
    return float(value)
