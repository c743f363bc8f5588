"""Compiles the kernel for a model, and finds it again in a cache that cannot be stale."""

from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from numba import njit
from numba.core.errors import NumbaError

from hybrid.cache import cache_folder
from hybrid.errors import ConfigurationError
from hybrid.masses import far, functions, kernel, lanes, normals
from hybrid.masses.fingerprint import fingerprint
from hybrid.masses.private import private

if TYPE_CHECKING:
    from hybrid.masses.model import MassModel

_SOURCES = tuple(Path(str(m.__file__)).read_text(encoding="utf-8") for m in (kernel, far, functions, lanes, normals))
_PARTS = [
    "all_finite",
    "make_room",
    "felt_of",
    "emit",
    "fill_past",
    "write_down",
    "arriving",
    "receive",
    "push",
    "euler",
    "heun",
]
_compiled: dict[Any, Compiled] = {}


@dataclass(frozen=True)
class Rows:
    """Where the rows of each kind begin in ``cells[chunk, row, lane]``; those of the state come first."""

    variables: int
    coupled: int
    of_parameters: int

    @property
    def kick(self) -> int:
        return self.variables

    @property
    def received(self) -> int:
        return 2 * self.variables

    @property
    def drive(self) -> int:
        return self.received + self.coupled

    @property
    def parameters(self) -> int:
        return self.drive + 1

    @property
    def total(self) -> int:
        return self.parameters + self.of_parameters


@dataclass(frozen=True)
class Compiled:
    """The functions of :mod:`hybrid.masses.kernel`, made for one kind of model and one length of block."""

    rows: Rows
    advance: Callable[..., bool]
    derivatives: Callable[..., None]


def compiled_for(model: MassModel, block: int = 16, sine: bool = False) -> Compiled:
    """The kernel for this kind of model: compiled at its first call, or loaded if that was ever done before.

    Numba checks a cached function only against the file that holds it, and so would miss a change in what it calls.
    Here that file is a copy of the kernel whose *name* is a hash of all that the machine code depends on: the kernel,
    the model's equations, and whatever these refer to. A model that refers to something which cannot be hashed is
    compiled anew in every process.
    """
    rhs, emitted = (getattr(function, "py_func", function) for function in (model.rhs, model.emitted))
    names = (*model.parameter_names, *model.derived())
    coupled = tuple(model.variables.index(name) for name in model.coupled)
    key = (rhs, emitted, names, len(model.variables), coupled, block, sine)
    if key not in _compiled:
        _compiled[key] = _compile(*key)
    return _compiled[key]


def _compile(
    rhs: Any, emitted: Any, names: tuple[str, ...], variables: int, coupled: tuple[int, ...], block: int, sine: bool
) -> Compiled:
    rows = Rows(variables, len(coupled), len(names))
    filled_in = {
        "BLOCK": block,
        "VARIABLES": variables,
        "SINE": sine,
        "KICK": rows.kick,
        "RECEIVED": rows.received,
        "DRIVE": rows.drive,
        "ROWS": rows.total,
    }
    digest = fingerprint(_SOURCES, rhs, emitted, names, coupled, tuple(filled_in.items()))
    path = _kept_source(digest) if digest else None
    mark = (digest or uuid4().hex)[:16]
    namespace: dict[str, Any] = {
        "__name__": kernel.__name__,  # numba imports it again when it loads from the cache
        "Parameters": namedtuple("Parameters", names),  # type: ignore[misc]
        **filled_in,
    }
    inlined = {
        "rhs": rhs,
        "state_of": lanes.reader(*range(variables)),
        "kick_of": lanes.reader(*range(rows.kick, rows.received)),
        "received_of": lanes.reader(*range(rows.received, rows.drive)),
        "drive_of": lanes.reader(rows.drive),
        "parameters_of": lanes.reader(*range(rows.parameters, rows.total)),
        "put_state": lanes.writer(*range(variables)),
        "put_kick": lanes.writer(*range(rows.kick, rows.received)),
        "moved": lanes.mover(variables),
        "added": lanes.adder(variables),
    }
    if emitted is not None:
        inlined["emitted"] = emitted
    for name, function in inlined.items():
        namespace[name] = private(function, f"{name}_{mark}")
    exec(compile(_SOURCES[0], str(path or kernel.__file__), "exec"), namespace)
    if emitted is None:
        namespace["felt_of"] = lanes.reader(*coupled)
    for name in _PARTS:
        namespace[name] = _own(namespace[name], mark)
    for name in ("advance", "derivatives"):
        namespace[name] = _own(namespace[name], mark, nogil=True, cache=path is not None)
    return Compiled(rows, namespace["advance"], namespace["derivatives"])


def _own(function: Any, mark: str, **options: Any) -> Any:
    """One of the kernel's functions under a name of its own (:mod:`hybrid.masses.private` tells why)."""
    function.__qualname__ = f"{function.__name__}_{mark}"
    return njit(error_model="numpy", **options)(function)


def does_not_compile(model: MassModel, error: NumbaError) -> ConfigurationError:
    """What to raise where numba refused a model's equations."""
    return ConfigurationError(
        f"{type(model).__name__}.rhs does not compile; it must take (state, coupling, drive_hz, p) and return "
        f"{len(model.variables)} floats, one for each of {', '.join(model.variables)}, and what it calls must be "
        f"compiled too (@numba.njit). The compiler says: {str(error).strip()[-500:]}"
    )


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
