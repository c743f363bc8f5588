"""The contract of a neural-mass model: its equations for one node, its parameters, and its currency."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import fields
from typing import Any, ClassVar, Self

import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import ArrayLike

from hybrid.errors import ConfigurationError
from hybrid.masses.compiled.compiler import Equations, compiled_for, does_not_compile
from hybrid.masses.compiled.lanes import packed, unpacked
from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.names import check_names
from hybrid.units import FloatArray, array

_SUMS = Linear(1.0)


class MassModel(ABC):
    """A frozen dataclass of parameters plus one function, ``rhs``, compiled for one node.

    A model of your own is a dataclass (``@dataclass(frozen=True, eq=False)``) that names ``variables`` and ``coupled``
    and points ``rhs`` at a plain function in the subset of Python that numba compiles::

        def rhs(state, coupling, drive_hz, p):
            return (dx_dt, dy_dt, ...)          # floats, one for each variable, per time unit

    ``state`` is a tuple with one float for each of ``variables``, ``coupling`` one for each of ``coupled``, ``drive_hz``
    is the rate at the ``drive`` port, and ``p`` has every field of the dataclass (and of :meth:`derived`) as one float
    of this node. What it calls must be compiled too (``@numba.njit``). Network and :meth:`derivatives` use this one
    function.

    Where others do not feel the coupled variables themselves but functions of the state, ``emitted`` points at a
    function ``(state, p) -> (...)`` with one float for each of ``coupled``.

    Parameters may be numbers or arrays ``[node]``. ``time_unit_ms`` says how many ms one time unit of ``rhs`` lasts; it
    is a number, the same for all nodes.
    """

    variables: ClassVar[tuple[str, ...]]
    coupled: ClassVar[tuple[str, ...]]
    rhs: ClassVar[Callable[..., tuple[float, ...]]]
    emitted: ClassVar[Callable[..., tuple[float, ...]] | None] = None
    units: ClassVar[dict[str, str]] = {}
    default_coupling: ClassVar[Coupling] = Linear(1.0)
    time_unit_ms: float = 1.0

    def __new__(cls, *_: Any, **given: Any) -> Self:
        check_names(cls, given)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name in self.parameter_names:
            unit = next((u for u in ("ms", "hz") if name.endswith("_" + u)), "1")
            value = array(getattr(self, name), unit, f"{type(self).__name__}.{name}")
            if value.ndim > 1:
                raise ConfigurationError(
                    f"{type(self).__name__}.{name} has shape {value.shape}; give a number or one for each node"
                )
            value.setflags(write=False)
            object.__setattr__(self, name, float(value) if value.ndim == 0 else value)
        if np.ndim(self.time_unit_ms) or not self.time_unit_ms > 0:
            raise ConfigurationError(
                f"{type(self).__name__}.time_unit_ms = {self.time_unit_ms}; it must be one number above 0"
            )

    @abstractmethod
    def rate_hz(self, state: FloatArray) -> FloatArray:
        """The firing rate, Hz, of ``state[variable, ..., node]``; elementwise, so the result is ``[..., node]``."""

    def initial(self, n: int) -> FloatArray:
        """The state ``[variable, node]`` that ``n`` nodes start from, near rest; zeros unless a model knows better."""
        return np.zeros((len(self.variables), n))

    def derived(self) -> dict[str, Any]:
        """Constants that follow from the parameters, worked out once instead of at every step; ``rhs`` finds them in
        ``p``."""
        return {}

    def felt(self) -> tuple[bool, ...]:
        """For each of ``coupled``: whether it has any effect with these parameters (if not, its sum is left out)."""
        return (True,) * len(self.coupled)

    def equations(self, coupling: Coupling) -> Equations:
        """All that is compiled for this model and coupling."""
        return Equations(
            model=type(self).__name__,
            coupling=type(coupling).__name__,
            rhs=self.rhs,
            emitted=self.emitted,
            pre=coupling.pre,
            post=coupling.post,
            variables=self.variables,
            coupled=self.coupled,
            between=coupling.between,
            parameters=(*self.parameter_names, *self.derived()),
            numbers=coupling.number_names,
            sine=coupling.sine,
        )

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return tuple(field.name for field in fields(self))  # type: ignore[arg-type]

    def parameters(self, n: int) -> dict[str, FloatArray]:
        """Everything ``rhs`` finds in ``p``, as arrays of ``n`` nodes; ``ConfigurationError`` if one does not fit."""
        values = {name: getattr(self, name) for name in self.parameter_names} | self.derived()
        for name, value in values.items():
            if np.shape(value) not in ((), (n,)):
                raise ConfigurationError(
                    f"{type(self).__name__}.{name} has {len(value)} values for {n} nodes; give one number or {n}"
                )
        return {name: np.broadcast_to(np.asarray(value, dtype=np.float64), n) for name, value in values.items()}

    def parameter_rows(self, n: int) -> FloatArray:
        """The same as one array ``[parameter, node]``."""
        return np.array(list(self.parameters(n).values())).reshape(-1, n)

    def derivatives(self, state: ArrayLike, coupling: ArrayLike, drive_hz: ArrayLike = 0.0) -> FloatArray:
        """The right-hand side ``[variable, node]``, per time unit.

        Parameters
        ----------
        state, coupling: ``[variable, node]``; ``coupling[v]`` is what arrives from variable v of the other nodes
            (rows of variables that are not coupled have no effect).
        drive_hz: rate at the drive port, a number or ``[node]``.
        """
        x = self._rows(state, "state")
        n = x.shape[1]
        received = self._rows(coupling, "coupling", n)[[self.variables.index(name) for name in self.coupled]]
        drive = np.broadcast_to(np.asarray(drive_hz, dtype=np.float64), (1, n))
        equations = self.equations(_SUMS)
        compiled = compiled_for(equations)
        cells = packed(np.concatenate([x, np.zeros_like(x), received, drive, self.parameter_rows(n)]))
        try:
            compiled.derivatives(cells.reshape(-1))
        except NumbaError as error:
            raise does_not_compile(equations, error) from error
        return unpacked(cells, compiled.rows.kick, compiled.rows.received, n)

    def _rows(self, value: ArrayLike, what: str, n: int | None = None) -> FloatArray:
        rows = np.ascontiguousarray(value, dtype=np.float64)
        if rows.ndim != 2 or len(rows) != len(self.variables) or n not in (None, rows.shape[1]):
            raise ConfigurationError(
                f"{type(self).__name__}: {what} has shape {rows.shape}; it must be [variable, node], "
                f"one row for each of {', '.join(self.variables)}"
            )
        return rows

    def describe(self) -> dict[str, Any]:
        """Kind and parameters as plain values."""
        kind = type(self)
        plain = {name: np.asarray(getattr(self, name)).tolist() for name in self.parameter_names}
        return {"kind": f"{kind.__module__}:{kind.__qualname__}", **plain}
