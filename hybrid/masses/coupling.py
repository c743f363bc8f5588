"""How what a node receives follows from the delayed, weighted sum over the others."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from hybrid.units import number


@dataclass(frozen=True)
class Coupling:
    """Node i receives ``strength * (sum_j w_ij x_j(t - d_ij) - pull_i x_i(t)) + offset`` of every coupled variable x.

    ``differs`` decides the pull: ``sum_j w_ij`` for :class:`Difference`, nothing for :class:`Linear`. With ``sine`` what
    is summed is the sine of the difference.
    """

    strength: float
    offset: float = 0.0
    differs: ClassVar[bool] = False
    sine: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name in ("strength", "offset"):
            object.__setattr__(self, name, number(getattr(self, name), "1", f"{type(self).__name__}.{name}"))

    def describe(self) -> dict[str, Any]:
        return {"kind": type(self).__name__, **asdict(self)}


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
