"""How what a node receives follows from the delayed, weighted sum over the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import ConfigurationError, unknown
from hybrid.masses.functions import exp
from hybrid.masses.names import check_names
from hybrid.units import FloatArray, number

_NAMES = ("variables", "between")  # the fields that are no numbers


@dataclass(frozen=True)
class Coupling:
    """Node i receives ``post(strength * (sum_j w_ij pre(x_j(t - d_ij)) - pull_i pre(x_i(t))) + offset)`` of every coupled
    variable x.

    ``differs`` decides the pull: ``sum_j w_ij`` for :class:`Difference`, nothing for the others. With ``sine`` what is
    summed is the sine of the difference. A coupling of your own is a frozen dataclass whose fields are numbers and that
    points ``pre`` or ``post`` (or both) at plain functions ``(x, q) -> float`` in the subset of Python that numba
    compiles; ``q`` has every number of the dataclass, and another value of it needs no new compilation.

    Parameters
    ----------
    strength, offset: numbers.
    variables: those of the model's coupled variables that are coupled; the others receive 0. By default all.
    """

    strength: float
    offset: float = 0.0
    variables: tuple[str, ...] | None = field(default=None, kw_only=True)
    differs: ClassVar[bool] = False
    sine: ClassVar[bool] = False
    pre: ClassVar[Callable[..., float] | None] = None
    post: ClassVar[Callable[..., float] | None] = None
    between: ClassVar[tuple[str, ...]] = ()  # two variables: what is sent is their difference, and nothing else

    def __new__(cls, *_: Any, **given: Any) -> Self:
        check_names(cls, given)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name in self.number_names:
            object.__setattr__(self, name, number(getattr(self, name), "1", f"{type(self).__name__}.{name}"))
        for name in _NAMES:
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, (given,) if isinstance(given, str) else tuple(given))

    @property
    def number_names(self) -> tuple[str, ...]:
        return tuple(each.name for each in fields(self) if each.name not in _NAMES)

    @property
    def numbers(self) -> FloatArray:
        """Every number, in the order of :attr:`number_names`."""
        return np.array([getattr(self, name) for name in self.number_names], dtype=np.float64)

    def felt(self, variables: tuple[str, ...], coupled: tuple[str, ...], felt: tuple[bool, ...]) -> NDArray[np.bool_]:
        """For each thing a node sends: whether anybody feels it; ``UnknownNameError`` if a variable is none of the model's.

        Parameters
        ----------
        variables, coupled, felt: of the model.
        """
        for name in self.variables or ():
            if name not in coupled:
                raise unknown(f"{type(self).__name__}: coupled variable", name, coupled)
        for name in self.between:
            if name not in variables:
                raise unknown(f"{type(self).__name__}.between: variable", name, variables)
        chosen = coupled if self.variables is None else self.variables
        every = [any_effect and name in chosen for any_effect, name in zip(felt, coupled, strict=True)]
        return np.array(every[:1] if self.between else every)

    def describe(self) -> dict[str, Any]:
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            "kind": type(self).__name__,
            **{k: list(v) if k in _NAMES else v for k, v in given.items() if v is not None},
        }


@dataclass(frozen=True)
class Linear(Coupling):
    """``strength * sum_j w_ij x_j(t - d_ij) + offset``; the weights are used as they are."""


@dataclass(frozen=True)
class Difference(Coupling):
    """``strength * sum_j w_ij (x_j(t - d_ij) - x_i(t)) + offset``: diffusive coupling, the node's own state undelayed."""

    differs: ClassVar[bool] = True


@dataclass(frozen=True)
class Sine(Coupling):
    """``strength * sum_j w_ij sin(x_j(t - d_ij) - x_i(t)) + offset``: between phases, the node's own undelayed.

    The sine of a difference is made of the sines and cosines of the two, so that these are what is delayed and summed.
    """

    sine: ClassVar[bool] = True


def _sigmoid_of_sum(total: float, q: Any) -> float:
    return float(q.cmin + (q.cmax - q.cmin) / (1.0 + exp(-q.a * ((total - q.midpoint) / q.sigma))))


@dataclass(frozen=True)
class Sigmoidal(Coupling):
    """``cmin + (cmax - cmin) / (1 + exp(-a (s - midpoint) / sigma))`` of ``s = strength * sum_j w_ij x_j(t - d_ij) +
    offset``: the sum saturates. That of The Virtual Brain, whose parameters and defaults these are (there strength is 1)."""

    strength: float = 1.0
    cmin: float = -1.0
    cmax: float = 1.0
    midpoint: float = 0.0
    a: float = 1.0
    sigma: float = 230.0
    post = staticmethod(_sigmoid_of_sum)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_not_0(self, "sigma")


def _one_plus_tanh(x: float, q: Any) -> float:
    return float(2.0 / (1.0 + exp(-2.0 * ((q.b * x - q.midpoint) / q.sigma))))


@dataclass(frozen=True)
class HyperbolicTangent(Coupling):
    """``strength * sum_j w_ij (1 + tanh((b x_j(t - d_ij) - midpoint) / sigma)) + offset``: what each sends saturates. That of
    The Virtual Brain (there strength is called a)."""

    strength: float = 1.0
    b: float = 1.0
    midpoint: float = 0.0
    sigma: float = 1.0
    pre = staticmethod(_one_plus_tanh)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_not_0(self, "sigma")


def _sigmoid_of_potential(v: float, q: Any) -> float:
    return float(q.cmin + (q.cmax - q.cmin) / (1.0 + exp(q.r * (q.midpoint - v))))


@dataclass(frozen=True)
class SigmoidalJansenRit(Coupling):
    """``strength * sum_j w_ij S(x_j(t - d_ij)) + offset`` with ``S(x) = cmin + (cmax - cmin) / (1 + exp(r (midpoint - x)))``,
    in the place of the model's first coupled variable; others receive 0.

    x is the difference of the two variables ``between``: y1 - y2 is the potential of the pyramidal cells of Jansen & Rit
    (1995) Biol Cybern 73:357. That of The Virtual Brain (there strength is called a). It takes the place of whatever a
    model has others feel.
    """

    strength: float = 1.0
    cmin: float = 0.0
    cmax: float = 0.005
    midpoint: float = 6.0
    r: float = 0.56
    between: tuple[str, ...] = field(default=("y1", "y2"), kw_only=True)  # type: ignore[misc]
    pre = staticmethod(_sigmoid_of_potential)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.between) != 2:
            raise ConfigurationError(f"SigmoidalJansenRit.between = {list(self.between)}; give two variables")


def _check_not_0(coupling: Any, name: str) -> None:
    if getattr(coupling, name) == 0.0:
        raise ConfigurationError(f"{type(coupling).__name__}.{name} is 0; it divides, so give another number")
