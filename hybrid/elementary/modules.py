"""``math`` and ``numpy`` for equations that numba compiles, with our elementary functions in place of the library's."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from hybrid.elementary import functions

_NAMES = ("exp", "expm1", "log", "log1p", "log10", "sin", "cos", "tan", "sinh", "cosh", "tanh", "pow")
_INVERSE = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}


def _replaced(module: ModuleType, ours: dict[str, Any]) -> ModuleType:
    made = ModuleType(module.__name__)
    vars(made).update(vars(module))
    vars(made).update(ours)
    return made


_OF_MATH = {name: getattr(functions, name) for name in (*_NAMES, *_INVERSE)}
_OF_NUMPY = {
    **{name: getattr(functions, name) for name in _NAMES},
    **{theirs: getattr(functions, ours) for ours, theirs in _INVERSE.items()},
    "power": functions.pow,
}
portable_math = _replaced(math, _OF_MATH)
portable_numpy = _replaced(np, _OF_NUMPY)


def replacement(module: str, name: str) -> str | None:
    """The attribute of this module that stands for ``module.name``, or for the module; ``None`` if nothing need be replaced."""
    ours = {"math": _OF_MATH, "numpy": _OF_NUMPY}.get(module)
    if ours is None or (name and name not in ours):
        return None
    return f"portable_{module}{'.' if name else ''}{name}"
