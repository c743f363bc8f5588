"""A hash of functions and of everything they refer to, so that their compilation can be kept under that name."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from hashlib import sha256
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numba
import numpy as np

from hybrid.masses.compiled.private import is_compiled, mentioned

_LIBRARIES = {"math", "cmath", "operator", "numpy", "numba"}  # fixed by the versions of Python, numpy and numba
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


class _UnhashableError(Exception):
    """Something is referred to whose content cannot be hashed."""


def fingerprint(*values: Any) -> str | None:
    """A hexadecimal hash of functions and plain values; ``None`` if something in them cannot be hashed.

    A function counts by its bytecode and, in turn, by all globals, closure cells and defaults it uses: what numba
    freezes when it compiles.
    """
    hashed = sha256(f"{sys.version} numpy {np.__version__} numba {numba.__version__}".encode())
    try:
        for part in _parts(values, (), {}):
            hashed.update(part.encode() + b"\0")
    except _UnhashableError:
        return None
    return hashed.hexdigest()


def _parts(value: Any, names: tuple[str, ...], seen: dict[int, int]) -> Iterator[str]:
    """The hashable parts of ``value``; ``names`` are those its user's bytecode mentions (attributes of modules)."""
    if id(value) in seen:
        yield f"again {seen[id(value)]}"
        return
    if isinstance(value, _PLAIN):
        yield repr(value)
    elif isinstance(value, tuple | list):
        yield f"{type(value).__name__} {len(value)} {getattr(value, '_fields', '')}"
        for each in value:
            yield from _parts(each, names, seen)
    elif isinstance(value, np.ndarray | np.generic):
        yield f"{value.dtype.str} {value.shape} {np.asarray(value).tobytes().hex()}"
    elif isinstance(value, CodeType):
        yield value.co_code.hex()
        yield from _parts((value.co_consts, value.co_names, value.co_varnames), (), seen)
    elif isinstance(value, type | BuiltinFunctionType | np.ufunc | FunctionType) and _from_library(value):
        yield f"{getattr(value, '__module__', '')} {value.__name__}"
    elif isinstance(value, FunctionType):
        seen[id(value)] = len(seen)
        yield from _function(value, seen)
    elif is_compiled(value):
        seen[id(value)] = len(seen)
        yield repr(sorted(value.targetoptions.items(), key=str))
        yield from _function(value.py_func, seen)
    elif isinstance(value, ModuleType):
        yield value.__name__
        if value.__name__.partition(".")[0] not in _LIBRARIES:
            seen[id(value)] = len(seen)
            for name in names:
                if hasattr(value, name):
                    yield from _parts(getattr(value, name), names, seen)
    else:
        raise _UnhashableError


def _function(function: FunctionType, seen: dict[int, int]) -> Iterator[str]:
    names = mentioned(function.__code__)
    yield from _parts((function.__code__, function.__defaults__), (), seen)
    for name in names:
        if name in function.__globals__:
            yield from _parts(function.__globals__[name], names, seen)
        elif hasattr(builtins, name):
            yield name
    for cell in function.__closure__ or ():
        yield from _parts(cell.cell_contents, names, seen)


def _from_library(value: Any) -> bool:
    if isinstance(value, np.ufunc):
        return True
    known = _LIBRARIES if isinstance(value, FunctionType) else _LIBRARIES | {"builtins"}  # exec may name no module
    return str(value.__module__).partition(".")[0] in known
