"""Compiles the kernel for a model, and finds it again in a cache that cannot be stale."""

from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from numba.core.errors import NumbaError

from hybrid.cache import cache_folder, njit
from hybrid.errors import ConfigurationError
from hybrid.masses import functions
from hybrid.masses.compiled import far, kernel, lanes, normals
from hybrid.masses.compiled.fingerprint import fingerprint
from hybrid.masses.compiled.private import UNWRAPPED, private
from hybrid.masses.coupling import Coupling, Linear

if TYPE_CHECKING:
    from hybrid.masses.model import MassModel

_SOURCES = tuple(Path(str(m.__file__)).read_text(encoding="utf-8") for m in (kernel, far, functions, lanes, normals))
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
SUMS = Linear(1.0)
_compiled: dict[Any, Compiled] = {}


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


def compiled_for(model: MassModel, block: int = 16, coupling: Coupling = SUMS, scheme: Scheme = HEUN) -> Compiled:
    """The kernel for this kind of model: compiled at its first call, or loaded if that was ever done before.

    Numba checks a cached function only against the file that holds it, and so would miss a change in what it calls.
    Here that file is a copy of the kernel whose *name* is a hash of all that the machine code depends on: the kernel,
    the model's equations, the coupling's, and whatever these refer to. A model that refers to something which cannot be
    hashed is compiled anew in every process.
    """
    rhs, emitted, pre, post = (
        getattr(function, "py_func", function) for function in (model.rhs, model.emitted, coupling.pre, coupling.post)
    )
    names = (*model.parameter_names, *model.derived()), coupling.number_names
    coupled, between = (tuple(map(model.variables.index, which)) for which in (model.coupled, coupling.between))
    key = (rhs, emitted, pre, post, names, len(model.variables), coupled, between, block, coupling.sine, scheme)
    if key not in _compiled:
        _compiled[key] = _compile(*key)
    return _compiled[key]


def _compile(
    rhs: Any,
    emitted: Any,
    pre: Any,
    post: Any,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    variables: int,
    coupled: tuple[int, ...],
    between: tuple[int, ...],
    block: int,
    sine: bool,
    scheme: Scheme,
) -> Compiled:
    sent = 1 if between else len(coupled)
    sums = len(coupled) if scheme.held else sent * (2 if sine else 1)
    rows = Rows(variables, sums, 0 if scheme.held else sums, len(names[0]))
    filled_in = {
        "BLOCK": block,
        "VARIABLES": variables,
        "SINE": sine,
        "HELD": scheme.held,
        "JOINED": scheme.joined,
        "KICK": rows.kick,
        "RECEIVED": rows.received,
        "AHEAD": rows.ahead,
        "DRIVE": rows.drive,
        "ROWS": rows.total,
    }
    digest = fingerprint(
        _SOURCES, rhs, emitted, pre, post, names, coupled, between, tuple(filled_in.items()), astuple(scheme)
    )
    path = _kept_source(digest) if digest else None
    mark = (digest or uuid4().hex)[:16]
    namespace: dict[str, Any] = {
        "__name__": kernel.__name__,  # numba imports it again when it loads from the cache
        "Parameters": namedtuple("Parameters", names[0]),  # type: ignore[misc]
        "Numbers": namedtuple("Numbers", names[1]),  # type: ignore[misc]
        **filled_in,
    }
    received_of = lanes.reader(*range(rows.received, rows.ahead))
    felt_of = lanes.difference(*between) if between else emitted or lanes.picker(*coupled)
    inlined = {
        "rhs": rhs,
        "felt_of": felt_of,
        "pre": pre or lanes.unchanged(),
        "post": post or lanes.unchanged(),
        "state_of": lanes.reader(*range(variables)),
        "kick_of": lanes.reader(*range(rows.kick, rows.received)),
        "received_of": received_of,
        "ahead_of": received_of if scheme.held else lanes.reader(*range(rows.ahead, rows.drive)),
        "drive_of": lanes.reader(rows.drive),
        "parameters_of": lanes.reader(*range(rows.parameters, rows.total)),
        "numbers_of": lanes.numbers(len(names[1])),
        "put_state": lanes.writer(*range(variables)),
        "put_kick": lanes.writer(*range(rows.kick, rows.received)),
        "moved": lanes.mover(variables),
        "plus": lanes.stepper(variables),
        "added": lanes.adder(variables),
        "mean": lanes.mean(variables),
        "mean_sums": lanes.mean(sums),
        "kicked": lanes.kicker(variables, scheme.multiplicative),
        "coupled": lanes.coupler(sent, len(coupled), sine),
    }
    for name, function in inlined.items():
        namespace[name] = private(function, f"{name}_{mark}", **UNWRAPPED)
    exec(compile(_SOURCES[0], str(path or kernel.__file__), "exec"), namespace)
    if scheme.held:
        namespace["arrives"] = lanes.held()
    for name in _PARTS:
        namespace[name] = _own(namespace[name], mark)
    for name in _IN_LOOPS:
        namespace[name] = _own(namespace[name], mark, forceinline=True)
    namespace["step_all"] = _own(namespace[scheme.integrator], mark)
    for name in _CALLED:
        namespace[name] = _own(namespace[name], mark, nogil=True, cache=path is not None, no_cpython_wrapper=False)
    return Compiled(rows, *(namespace[name] for name in _CALLED))


def _own(function: Any, mark: str, **options: Any) -> Any:
    """One of the kernel's functions under a name of its own (:mod:`hybrid.masses.compiled.private` tells why)."""
    function.__qualname__ = f"{function.__name__}_{mark}"
    return njit(error_model="numpy", **UNWRAPPED | options)(function)


def does_not_compile(model: MassModel, error: NumbaError, coupling: Coupling = SUMS) -> ConfigurationError:
    """What to raise where numba refused the equations of a model or a coupling."""
    own = [f"{type(coupling).__name__}.{name}" for name in ("pre", "post") if getattr(coupling, name) is not None]
    either = f" (or {' or '.join(own)}, which takes (x, q) and returns a float)" if own else ""
    return ConfigurationError(
        f"{type(model).__name__}.rhs{either} does not compile; it must take (state, coupling, drive_hz, p) and return "
        f"{len(model.variables)} floats, one for each of {', '.join(model.variables)}, and what it calls must be "
        f"compiled too (@numba.njit). The compiler says: {_cause(error)}"
    )


def _cause(error: NumbaError) -> str:
    """What numba found and where; the rest of its message tells by what way it got there."""
    lines = [line for line in str(error).splitlines() if not line.startswith("Failed in nopython mode")]
    return "\n".join(lines).partition("\nDuring:")[0].strip()[:800]


def _kept_source(digest: str) -> Path | None:
    """The copy of the kernel that numba keeps machine code beside; ``None`` if there is nowhere to write."""
    path = cache_folder("masses") / f"kernel_{digest[:32]}.py"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_suffix(f".{os.getpid()}")
            aside.write_text(_SOURCES[0], encoding="utf-8")
            os.utime(aside, (0, 0))  # several ranks may race: whoever wins, numba finds the same stamp
            os.replace(aside, path)
    except OSError:
        return None
    return path
