"""Writes functions, and all that they refer to, as the text of one module that stands alone."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import linecache
import math
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from textwrap import dedent
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from hybrid.bits import portable
from hybrid.elementary.modules import replacement

# for what only compiled code calls: to let Python and C call it too takes a fifth of the time to compile a kernel
UNWRAPPED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
INLINED = {"error_model": "numpy", "forceinline": True, **UNWRAPPED}
_LIBRARIES = {"math", "cmath", "operator", "builtins", "numpy", "numba"}  # fixed by their versions
_ELEMENTARY = "from hybrid.elementary import functions as elementary_functions, modules"  # for portable bits
_PLAIN = (bool, int, str, bytes, type(None))


class Script:
    """The text of a module, and what it needs that cannot be written.

    A function is written as its source inside of another function whose arguments are the globals and closure cells that it
    uses, with the values they have now. Where its source cannot be had, and for objects of any other kind, the text says
    ``given[k]``: then it can be executed in this process only, with ``given`` and :func:`remade` in its namespace.
    """

    def __init__(self, *lines: str) -> None:
        self.lines = [*([_ELEMENTARY] if portable() else []), *lines]
        self.given: list[Any] = []
        self._names: dict[Any, str] = {}  # of what is written already
        self._begun: set[int] = set()  # what is being written

    @property
    def text(self) -> str:
        return "\n".join((*self.lines, ""))

    def function(self, function: FunctionType, options: Mapping[str, Any] = INLINED) -> str:
        """Write a plain function, to be compiled with ``options``; the name it has in the text."""
        key = id(function), repr(options)
        if key in self._names:
            return self._names[key]
        self._begun.add(id(function))
        code = function.__code__
        scope = _scope(function)
        own = [name for name, value in scope.items() if getattr(value, "py_func", None) is function]  # it calls itself
        using = {name: self.expression(value, _names(code)) for name, value in scope.items() if name not in own}
        self._begun.remove(id(function))
        name = self._names[key] = f"{function.__name__.strip('<>')}_{len(self._names)}"
        written = ", ".join(f"{key}={self.expression(value)}" for key, value in options.items())
        compiled = "inlined" if options == INLINED else f"njit({written})"
        defaults = self.expression(function.__defaults__)
        hidden = {function.__name__, "inlined", "njit"} & using.keys()  # names that the text itself needs
        source = _source(function) if own in ([], [function.__name__]) and not hidden else None
        if source is None:
            using |= {name: self._give(scope[name]) for name in own}
            scoped = ", ".join(f"{key!r}: {value}" for key, value in using.items())
            self.lines.append(f"{name} = {compiled}(remade({self._give(code)}, {{{scoped}}}, {defaults}))")
        else:
            own_name, lines = source
            self.lines += [
                f"def make_{name}({', '.join(using)}):",
                *("    " + line for line in lines),
                *([f"    {own_name}.__defaults__ = {defaults}"] if function.__defaults__ else []),
                f"    {own_name} = {compiled}({own_name})",
                f"    return {own_name}",
                f"{name} = make_{name}({', '.join(using.values())})",
            ]
        return name

    def expression(self, value: Any, mentioned: Iterable[str] = ()) -> str:
        """What gives ``value`` in the text; of a module only the attributes that are ``mentioned``."""
        if type(value) in _PLAIN:
            return repr(value)
        if type(value) is float:
            return repr(value) if math.isfinite(value) else f"float('{value}')"
        if type(value) is tuple:
            return f"({''.join(self.expression(each) + ', ' for each in value)})"
        if isinstance(value, np.generic) and type(value.item()) in (bool, int, float):
            return f"np.{type(value).__name__}({self.expression(value.item())})"
        if type(value) is np.ndarray and value.dtype.kind in "biufc":
            written = f"np.frombuffer(bytes.fromhex('{value.tobytes().hex()}'), '{value.dtype.str}')"
            return f"{written}.reshape({value.shape}).copy()"
        if (library := _in_a_library(value)) is not None:
            module, name = library
            ours = replacement(module, name) if portable() else None
            if ours is not None:
                return f"modules.{ours}"
            if f"import {module}" not in self.lines:
                self.lines.append(f"import {module}")
            return f"{module}.{name}" if name else module
        if is_compiled(value) and id(value.py_func) not in self._begun:  # not two that call each other
            settings = {k: v for k, v in value.targetoptions.items() if k != "nopython" and v is not None}
            return self.function(value.py_func, INLINED | settings | UNWRAPPED)
        if isinstance(value, ModuleType):
            return self._module(value, tuple(mentioned))
        return self._give(value)

    def _module(self, module: ModuleType, mentioned: tuple[str, ...]) -> str:
        """One of the user's, with those attributes that are used."""
        used = {name: self.expression(getattr(module, name), mentioned) for name in mentioned if hasattr(module, name)}
        name = f"module_{len(self.lines)}"
        self.lines += [f"{name} = ModuleType({module.__name__!r})", *(f"{name}.{k} = {v}" for k, v in used.items())]
        return name

    def _give(self, value: Any) -> str:
        self.given.append(value)
        return f"given[{len(self.given) - 1}]"


def remade(code: CodeType, scope: dict[str, Any], defaults: tuple[Any, ...] | None) -> FunctionType:
    """The function of this bytecode, with these values of its globals and closure cells."""
    cells = tuple(CellType(scope[name]) for name in code.co_freevars)
    return FunctionType(code, {"__name__": __name__, **scope}, code.co_name, defaults, cells)


def is_compiled(value: Any) -> bool:
    """Whether this is a function that numba compiles."""
    return hasattr(value, "py_func") and hasattr(value, "targetoptions")


def _scope(function: FunctionType) -> dict[str, Any]:
    """The globals and closure cells that a function uses, by name."""
    found = {name: function.__globals__[name] for name in _globals(function.__code__) if name in function.__globals__}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return found | {name: cell.cell_contents for name, cell in cells}


@lru_cache(None)
def _globals(code: CodeType) -> tuple[str, ...]:
    """The globals in this bytecode and in that of the functions inside, in order of appearance."""
    own = [each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL"]
    return tuple(dict.fromkeys([*own, *(name for inner in _inner(code) for name in _globals(inner))]))


@lru_cache(None)
def _names(code: CodeType) -> tuple[str, ...]:
    """The globals and attributes in it."""
    return (*code.co_names, *(name for inner in _inner(code) for name in _names(inner)))


def _inner(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _in_a_library(value: Any) -> tuple[str, str] | None:
    """Module and name of what belongs to a library; its content follows from the library's version."""
    if isinstance(value, ModuleType):
        module, name = value.__name__, ""
    elif isinstance(value, type | BuiltinFunctionType | FunctionType | np.ufunc):
        module, name = getattr(value, "__module__", None) or "numpy", value.__name__
        if getattr(sys.modules.get(module), name, None) is not value:
            return None
    else:
        return None
    return (module, name) if module.partition(".")[0] in _LIBRARIES else None


def _source(function: FunctionType) -> tuple[str, tuple[str, ...]] | None:
    """Name and lines of what a function was made of, without decorators, annotations and defaults; ``None`` if that is not
    known or not all its globals are."""
    if all(name in function.__globals__ or hasattr(builtins, name) for name in _globals(function.__code__)):
        return _source_of(function.__code__)
    return None


@lru_cache(None)
def _source_of(code: CodeType) -> tuple[str, tuple[str, ...]] | None:
    text = "".join(linecache.getlines(code.co_filename))
    try:
        if code not in _all_inside(compile(text, code.co_filename, "exec", dont_inherit=True)):
            return None  # the file has changed since it was imported, or there is none
        (made,) = ast.parse(dedent(inspect.getsource(code))).body
    except (OSError, SyntaxError, ValueError):
        return None
    if not isinstance(made, ast.FunctionDef) or made.args.kwonlyargs:
        return None
    for argument in [*made.args.posonlyargs, *made.args.args]:
        argument.annotation = None
    if portable():
        made = _Powers().visit(made)
    made.decorator_list, made.returns, made.args.defaults = [], None, []
    return made.name, tuple(ast.unparse(made).splitlines())


class _Powers(ast.NodeTransformer):
    """``x**y`` is a product where y is a whole number that stands in the text; else it would be the library's ``pow``."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        right = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
        if not isinstance(node.op, ast.Pow) or (isinstance(right, ast.Constant) and isinstance(right.value, int)):
            return node
        raised = ast.Attribute(ast.Name("elementary_functions", ast.Load()), "pow", ast.Load())
        return ast.Call(raised, [node.left, node.right], [])


def _all_inside(code: CodeType) -> list[CodeType]:
    inner = _inner(code)
    return [*inner, *(each for one in inner for each in _all_inside(one))]
