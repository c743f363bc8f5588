"""Writes the kernel for a model and a coupling as one Python module, and has numba compile it or find it compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from types import CodeType
from typing import Any

from numba.core.errors import NumbaError

from hybrid.bits import portable
from hybrid.elementary import functions as elementary
from hybrid.errors import ConfigurationError
from hybrid.masses import functions
from hybrid.masses.compiled import address, block, far, kernel, lanes, normals
from hybrid.masses.compiled.kept import module_of
from hybrid.masses.compiled.script import INLINED, Script
from hybrid.masses.compiled.weaver import Weaver


def _text_of(module: Any) -> str:
    return Path(str(module.__file__)).read_text(encoding="utf-8")


_KERNEL, _BLOCK = _text_of(kernel), _text_of(block)
_IMPORTED = tuple(map(_text_of, (address, block, elementary, far, functions, kernel, lanes, normals)))
# from here on ``math`` is ours, also for functions above that are compiled when they are first called
_PORTABLE = "math = modules.portable_math"
_RECORDS = {
    "far": far.Far._fields,
    "near": far.Near._fields,
    "step": kernel.Step._fields,
    "random": normals.Random._fields,
}
_COMPILED = "cache.njit(error_model='numpy', nogil=True, {}cache=CACHED)"
_CALLED = ["advance", "derivatives"]  # from outside


@dataclass(frozen=True)
class Scheme:
    """How steps are taken. Each way has a kernel of its own."""

    integrator: str = "heun"  # or "euler", "rk4"
    held: bool = True  # what arrives, over a step
    multiplicative: bool = False  # noise
    joined: bool = False  # a part of a network whose other nodes are elsewhere


HEUN = Scheme()
_compiled: dict[Any, Compiled] = {}


@dataclass(frozen=True)
class Equations:
    """What of a model and a coupling goes into a kernel."""

    model: str  # names, for messages
    coupling: str
    rhs: Any
    emitted: Any
    pre: Any
    post: Any
    variables: tuple[str, ...]
    coupled: tuple[str, ...]
    between: tuple[str, ...]
    parameters: tuple[str, ...]
    numbers: tuple[str, ...]
    sine: bool

    @property
    def functions(self) -> dict[str, Any]:
        """What the kernel calls these, and ``None`` where there is none."""
        emitted = None if self.between else self.emitted
        return {"rhs": self.rhs, "felt_of": emitted, "pre": self.pre, "post": self.post}


@dataclass(frozen=True)
class Rows:
    """Where the rows of each kind begin in ``cells[chunk, row, lane]``; those of the state come first."""

    variables: int
    arriving: int
    of_ahead: int
    of_parameters: int

    @property
    def kick(self) -> int:
        return self.variables

    @property
    def received(self) -> int:
        return 2 * self.variables

    @property
    def ahead(self) -> int:
        return self.received + self.arriving

    @property
    def drive(self) -> int:
        return self.ahead + self.of_ahead

    @property
    def parameters(self) -> int:
        return self.drive + 1

    @property
    def total(self) -> int:
        return self.parameters + self.of_parameters


@dataclass(frozen=True)
class Compiled:
    """The functions of :mod:`hybrid.masses.compiled.kernel`, made for one kind of model."""

    rows: Rows
    advance: Callable[..., bool]
    derivatives: Callable[..., None]


class Block:
    """The functions of :mod:`hybrid.masses.compiled.block`, made for one length of a block."""

    def __init__(self, ticks: int) -> None:
        weaver = Weaver([_text_of(far), _BLOCK], {"BLOCK": ticks})
        made = (f"\n\n@{_COMPILED.format('')}\n{weaver.function(name)}" for name in ("sum_block", "draw"))
        imported = "from hybrid.masses.compiled.normals import coloured, normals"
        text = "\n".join(("import numpy as np", "from hybrid import cache", imported, *made, ""))
        module: Any = module_of(text, _IMPORTED, [])
        self.sum_block: Callable[..., None] = module.sum_block
        self.draw: Callable[..., None] = module.draw

    @cached_property
    def sum_block_at(self) -> int:
        return address.address_of(self.sum_block, block.SUMS)

    @cached_property
    def draw_at(self) -> int:
        return address.address_of(self.draw, block.DRAW)


block_of = cache(Block)


def compiled_for(equations: Equations, scheme: Scheme = HEUN) -> Compiled:
    """The kernel for these equations: compiled at its first call, or loaded if that was ever done before.

    Its text has all that the machine code depends on: the kernel, the model's equations, the coupling's, and the values that
    these refer to, as they are now. Equal texts are one kernel, here and in the cache.
    """
    plain = {name: getattr(function, "py_func", function) for name, function in equations.functions.items()}
    given = frozenset(name for name, function in plain.items() if function is not None)
    rows, kernel_text = _kernel(
        replace(equations, model="", coupling="", rhs=None, emitted=None, pre=None, post=None), scheme, given
    )
    script = Script(
        "", "", "import math", "from collections import namedtuple", "from types import ModuleType", "import numpy as np",
        "from numba import njit", "from hybrid import cache",
        "from hybrid.masses.compiled.kernel import draw_at, sum_block_at",
        "from hybrid.masses.compiled.lanes import copy_lanes, multiply_lanes, reader, writer",
        *([_PORTABLE] if portable() else []), f"inlined = njit({_options(INLINED)})",
    )  # fmt: skip
    script.lines += [f"{name} = {script.function(plain[name])}" for name in plain if name in given]
    script.lines.append(kernel_text)
    key = script.text, *(each if isinstance(each, CodeType) else id(each) for each in script.given)
    if key not in _compiled:
        module = module_of(script.text, _IMPORTED, script.given)
        _compiled[key] = Compiled(rows, *(getattr(module, name) for name in _CALLED))
    return _compiled[key]


@cache
def _kernel(equations: Equations, scheme: Scheme, given: frozenset[str]) -> tuple[Rows, str]:
    """The kernel of all equations of this form: its rows and its text, in which those functions that are ``given`` are called."""
    variables = len(equations.variables)
    coupled, between = (
        tuple(map(equations.variables.index, which)) for which in (equations.coupled, equations.between)
    )
    sent = 1 if between else len(coupled)
    features = sent * (2 if equations.sine else 1)
    sums = len(coupled) if scheme.held else features
    rows = Rows(variables, sums, 0 if scheme.held else sums, len(equations.parameters))
    intrinsics = {
        "state_of": f"reader(0, {variables})",
        "kick_of": f"reader({rows.kick}, {variables})",
        "received_of": f"reader({rows.received}, {sums})",
        "ahead_of": f"reader({rows.received if scheme.held else rows.ahead}, {sums})",
        "drive_of": f"reader({rows.drive}, 1)",
        "parameters_of": f"reader({rows.parameters}, {len(equations.parameters)}, Parameters)",
        "put_state": f"writer(0, {variables})",
        "put_kick": f"writer({rows.kick}, {variables})",
    }
    numbers = ", ".join(f"array[{k}]" for k in range(len(equations.numbers)))
    declared = {
        "numbers_of": f"def numbers_of(array): return Numbers({numbers})",
        "put_sent": lanes.sender("put_sent", sent, equations.sine),
        "moved": lanes.mover("moved", variables),
        "plus": lanes.stepper("plus", variables),
        "added": lanes.adder("added", variables),
        "mean_sums": lanes.mean("mean_sums", sums),
        "kicked": lanes.kicker("kicked", variables, scheme.multiplicative),
        "kicked_between": lanes.kicker_between("kicked_between", variables, scheme.multiplicative),
        "felt_of": lanes.difference("felt_of", *between) if between else lanes.picker("felt_of", *coupled),
        "pre": lanes.unchanged("pre"),
        "post": lanes.unchanged("post"),
        "arrives": lanes.held("arrives")
        if scheme.held
        else lanes.coupler("arrives", sent, len(coupled), equations.sine),
    }
    constants = {
        "VARIABLES": variables, "FEATURES": features, "COUPLED": sent, "SINE": equations.sine, "HELD": scheme.held,
        "JOINED": scheme.joined, "KICK": rows.kick, "RECEIVED": rows.received, "DRIVE": rows.drive, "ROWS": rows.total,
        "LANES": lanes.LANES, "SHIFT": lanes.SHIFT, "UNBORN": kernel.UNBORN,
    }  # fmt: skip
    texts = (text for name, text in declared.items() if name not in given)
    weaver = Weaver([_KERNEL.replace("step_all(", f"{scheme.integrator}("), *texts], constants, _RECORDS)
    compiled = _COMPILED.format("no_cfunc_wrapper=True, ")
    return rows, "\n".join(
        (
            f"Parameters = namedtuple('Parameters', {equations.parameters})",
            f"Numbers = namedtuple('Numbers', {equations.numbers})",
            *(f"{name} = {made}" for name, made in intrinsics.items()),
            *(f"\n\n@{compiled}\n{weaver.function(name)}" for name in _CALLED),
        )
    )


def _options(options: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in options.items())


def does_not_compile(equations: Equations, error: NumbaError) -> ConfigurationError:
    """What to raise where numba refused the equations of a model or a coupling."""
    own = [f"{equations.coupling}.{name}" for name in ("pre", "post") if getattr(equations, name) is not None]
    either = f" (or {' or '.join(own)}, which takes (x, q) and returns a float)" if own else ""
    code = getattr(equations.rhs, "py_func", equations.rhs).__code__
    return ConfigurationError(
        f"{equations.model}.rhs{either} does not compile; it must take (state, coupling, drive_hz, p) and return "
        f"{len(equations.variables)} floats, one for each of {', '.join(equations.variables)}, and what it calls must be "
        f"compiled too (@numba.njit). It stands in {code.co_filename}, line {code.co_firstlineno}. The compiler says: "
        f"{_cause(error)}"
    )


def _cause(error: NumbaError) -> str:
    """What numba found and where; the rest of its message tells by what way it got there."""
    lines = [line for line in str(error).splitlines() if not line.startswith("Failed in nopython mode")]
    return "\n".join(lines).partition("\nDuring:")[0].strip()[:800]
