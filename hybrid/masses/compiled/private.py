"""Copies of functions that are compiled under a name nobody else has.

Machine code that numba loads from its cache is linked by name, and two functions of one qualified name that were
compiled in different processes can have the same symbol: the linker then takes the first it meets, and a model would
run with the equations of another. So every function that goes into a kernel is renamed, with all that it calls.
"""

from __future__ import annotations

from types import CellType, CodeType, FunctionType
from typing import Any

from numba import njit

# for what only compiled code calls: to let Python and C call it too takes a fifth of the time to compile a kernel
UNWRAPPED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def private(function: Any, mark: str, **options: Any) -> Any:
    """``function``, plain or compiled, compiled anew with ``mark`` in its name and inlined wherever it is called."""
    options = {"error_model": "numpy", "forceinline": True, **options}
    return njit(**options)(_renamed(getattr(function, "py_func", function), mark, {}))


def _renamed(function: FunctionType, mark: str, done: dict[FunctionType, Any]) -> FunctionType:
    """A copy with ``mark`` in its name that calls such copies of the compiled functions it calls."""

    def own(value: Any) -> Any:
        if not is_compiled(value) or value.py_func is function:
            return value
        if value.py_func not in done:
            settings = {"error_model": "numpy", "forceinline": True, **value.targetoptions, **UNWRAPPED}
            settings.pop("nopython", None)
            done[value.py_func] = njit(**settings)(_renamed(value.py_func, mark, done))
        return done[value.py_func]

    names = mentioned(function.__code__)
    scope = {k: own(v) if k in names else v for k, v in function.__globals__.items()}
    cells = tuple(CellType(own(cell.cell_contents)) for cell in function.__closure__ or ())
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells or None)
    copy.__qualname__ = f"{function.__qualname__}_{mark}".replace("<locals>", "").replace("<lambda>", "lambda")
    copy.__module__ = __name__  # numba keeps this name with the machine code, and imports it: a file of yours may move
    return copy


def is_compiled(value: Any) -> bool:
    """Whether this is a function that numba compiles."""
    return hasattr(value, "py_func") and hasattr(value, "targetoptions")


def mentioned(code: CodeType) -> tuple[str, ...]:
    """The names of globals and attributes in this bytecode and in that of the functions inside."""
    inside = (name for constant in code.co_consts if isinstance(constant, CodeType) for name in mentioned(constant))
    return (*code.co_names, *inside)
