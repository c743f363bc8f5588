"""Writes the kernel for a model and a coupling as one Python module, and has numba compile it or find it compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from numba.core.errors import NumbaError

from hybrid.bits import portable
from hybrid.elementary import functions as elementary
from hybrid.errors import ConfigurationError
from hybrid.masses import functions
from hybrid.masses.compiled import far, kernel, lanes, normals
from hybrid.masses.compiled.kept import module_of
from hybrid.masses.compiled.script import INLINED, UNWRAPPED, Script

_KERNEL = Path(str(kernel.__file__)).read_text(encoding="utf-8")
_IMPORTED = tuple(
    Path(str(m.__file__)).read_text(encoding="utf-8") for m in (far, functions, lanes, normals, elementary)
)
# from here on ``math`` is ours, also for the functions above, which are compiled when they are first called
_PORTABLE = (
    "from hybrid.elementary import functions as elementary_functions, modules",
    "math = modules.portable_math",
)
_PARTS = [
    "all_finite",
    "make_room",
    "sum_block",
    "emit",
    "fill_past",
    "write_down",
    "arriving",
    "receive",
    "gather",
    "push",
    "hand_over",
]
_CALLED = ["advance", "derivatives", "begin_block", "sum_targets"]  # from outside
_IN_LOOPS = ["finished", "arrives", "pushed"]  # a loop is vectorised only if all that it calls is inlined


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
    """The functions of :mod:`hybrid.masses.compiled.kernel`, made for one kind of model and one length of block."""

    rows: Rows
    advance: Callable[..., bool]
    derivatives: Callable[..., None]
    begin_block: Callable[..., None]
    sum_targets: Callable[..., None]


def compiled_for(equations: Equations, block: int = 16, scheme: Scheme = HEUN) -> Compiled:
    """The kernel for these equations: compiled at its first call, or loaded if that was ever done before.

    Its text has all that the machine code depends on: the kernel, the model's equations, the coupling's, and the values that
    these refer to, as they are now. Equal texts are one kernel, here and in the cache.
    """
    rows, script = _written(equations, block, scheme)
    key = script.text, *(each if isinstance(each, CodeType) else id(each) for each in script.given)
    if key not in _compiled:
        module = module_of(_KERNEL + script.text, _IMPORTED, script.given)
        _compiled[key] = Compiled(rows, *(getattr(module, name) for name in _CALLED))
    return _compiled[key]


def _written(equations: Equations, block: int, scheme: Scheme) -> tuple[Rows, Script]:
    """What stands below the kernel in its module: the names it declares, and that all is compiled."""
    variables = len(equations.variables)
    coupled, between = (
        tuple(map(equations.variables.index, which)) for which in (equations.coupled, equations.between)
    )
    sent = 1 if between else len(coupled)
    sums = len(coupled) if scheme.held else sent * (2 if equations.sine else 1)
    rows = Rows(variables, sums, 0 if scheme.held else sums, len(equations.parameters))
    received = range(rows.received, rows.ahead)
    script = Script(
        "",
        "",
        "# ---- what is declared above, for one kind of model ----",
        "from collections import namedtuple",
        "from types import ModuleType",
        "from hybrid import cache",
        "from numba import njit",
        f"inlined = njit({_options(INLINED)})",
        f"inner = njit({_options({'error_model': 'numpy', **UNWRAPPED})})",
        "called = cache.njit(error_model='numpy', nogil=True, no_cfunc_wrapper=True, cache=CACHED)",
        f"BLOCK, VARIABLES, SINE, HELD, JOINED = {block, variables, equations.sine, scheme.held, scheme.joined}",
        f"KICK, RECEIVED, AHEAD, DRIVE, ROWS = {rows.kick, rows.received, rows.ahead, rows.drive, rows.total}",
        f"Parameters = namedtuple('Parameters', {equations.parameters})",
        f"Numbers = namedtuple('Numbers', {equations.numbers})",
        *(_PORTABLE if portable() else ()),
        lanes.reader("state_of", *range(variables)),
        lanes.reader("kick_of", *range(rows.kick, rows.received)),
        lanes.reader("received_of", *received),
        lanes.reader("ahead_of", *(received if scheme.held else range(rows.ahead, rows.drive))),
        lanes.reader("drive_of", rows.drive),
        lanes.reader("parameters_of", *range(rows.parameters, rows.total)),
        lanes.numbers("numbers_of", len(equations.numbers)),
        lanes.writer("put_state", *range(variables)),
        lanes.writer("put_kick", *range(rows.kick, rows.received)),
        lanes.mover("moved", variables),
        lanes.stepper("plus", variables),
        lanes.adder("added", variables),
        lanes.mean("mean", variables),
        lanes.mean("mean_sums", sums),
        lanes.kicker("kicked", variables, scheme.multiplicative),
        lanes.coupler("coupled", sent, len(coupled), equations.sine),
    )
    felt_of = lanes.difference("felt_of", *between) if between else lanes.picker("felt_of", *coupled)
    for name, function, otherwise in (
        ("rhs", equations.rhs, ""),
        ("felt_of", None if between else equations.emitted, felt_of),
        ("pre", equations.pre, lanes.unchanged("pre")),
        ("post", equations.post, lanes.unchanged("post")),
    ):
        plain = getattr(function, "py_func", function)
        script.lines.append(otherwise if plain is None else f"{name} = {script.function(plain)}")
    if scheme.held:
        script.lines.append(lanes.held("arrives"))
    own = [name for name in _IN_LOOPS if not (scheme.held and name == "arrives")]
    script.lines += [f"{name} = inlined({name})" for name in own]
    script.lines += [f"{name} = inner({name})" for name in _PARTS]
    script.lines += [f"step_all = inner({scheme.integrator})", *(f"{name} = called({name})" for name in _CALLED)]
    return rows, script


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
