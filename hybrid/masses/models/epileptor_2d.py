"""The Epileptor's slow half: into seizures and out of them, without the discharges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hybrid.elementary import arrays
from hybrid.masses.coupling import Coupling, Difference
from hybrid.masses.functions import logistic
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


def epileptor_2d(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """The reduction of Proix et al. (2014), in the form and with the coupling terms of The Virtual Brain."""
    x1, z = state
    from_x1 = coupling[0]
    if x1 < 0.0:
        f1 = (p.a * x1 + (p.d - p.b)) * x1
    else:
        f1 = p.d * x1 - p.slope - 0.6 * (z - 4.0) ** 2
    current = p.Iext + p.K_vf * from_x1 + p.drive_gain * drive_hz
    if p.modification != 0.0:
        h = p.x0 + 3.0 * logistic((x1 + 0.5) / 0.1)
    else:
        h = 4.0 * (x1 - p.x0)
        if z < 0.0:
            h -= 0.1 * z**7
    return (
        p.tt * (p.c - z + current - f1 * x1),
        p.tt * p.r * (h - z + p.K_s * from_x1),
    )


@dataclass(frozen=True, eq=False)
class Epileptor2D(MassModel):
    """Two variables of the Epileptor, its first population with ``y1`` at rest and its slow permittivity.

    Proix, Bartolomei, Chauvel, Bernard & Jirsa (2014) Permittivity coupling across brain regions determines seizure
    recruitment in partial epilepsy, J Neurosci 34:15009. Names of parameters are those of The Virtual Brain, whose
    equations these are. All are dimensionless numbers or arrays ``[node]`` where no unit is given.

    Variables: ``x1`` activity, about -1.5 between seizures and 1 in them; ``z`` slow permittivity. Others feel ``x1``.

    Conventions: the paper subtracts the coupling in z, so its ``K`` is ``-K_s`` here and in The Virtual Brain, and a
    negative ``K_s`` recruits. The Virtual Brain's default couples nothing and seizes (``K_s = 0``, ``x0 = -1.6``); here
    regions rest and recruit each other unless told otherwise. With ``modification`` The Virtual Brain leaves out the term
    of z below 0, and so does this.

    As a rate: ``rate_max_hz / (1 + exp(-(x1 - rate_x1) / rate_slope))``, as for the
    :class:`~hybrid.masses.models.epileptor.Epileptor`. A drive enters x1 as the current ``drive_gain * drive_hz``.

    Parameters
    ----------
    x0: epileptogenicity; a region alone seizes by itself above the critical -2.0620 and rests below it.
    a, b, c, d: of the fast variable. r: rate of the slow variable (1/tau0 of the paper).
    Iext: current into x1. slope: linear term of x1 in a seizure.
    modification: 0 for a slow variable that follows ``4 (x1 - x0)``, anything else for one that follows
        ``x0 + 3 / (1 + exp(-(x1 + 0.5) / 0.1))``, with an x0 of another meaning.
    tt: speed of everything.
    K_vf, K_s: effect of the others' x1 on x1 and on z.
    rate_max_hz, rate_x1, rate_slope: the map from x1 to a rate.
    drive_gain: current for each Hz of drive.
    time_unit_ms: how many ms one time unit lasts.
    """

    variables: ClassVar[tuple[str, ...]] = ("x1", "z")
    coupled: ClassVar[tuple[str, ...]] = ("x1",)
    default_coupling: ClassVar[Coupling] = Difference(0.03)
    rhs = staticmethod(epileptor_2d)

    x0: ArrayLike = -2.2
    a: ArrayLike = 1.0
    b: ArrayLike = 3.0
    c: ArrayLike = 1.0
    d: ArrayLike = 5.0
    r: ArrayLike = 0.00035
    Iext: ArrayLike = 3.1
    slope: ArrayLike = 0.0
    modification: ArrayLike = 0.0
    tt: ArrayLike = 1.0
    K_vf: ArrayLike = 0.0
    K_s: ArrayLike = -1.0
    rate_max_hz: ArrayLike = 100.0
    rate_x1: ArrayLike = 0.0
    rate_slope: ArrayLike = 0.35
    drive_gain: ArrayLike = 0.002
    time_unit_ms: float = 1.0

    def rate_hz(self, state: FloatArray) -> FloatArray:
        above = np.divide(state[0] - self.rate_x1, self.rate_slope)
        result: FloatArray = np.multiply(self.rate_max_hz, 0.5 * (1.0 + arrays.tanh(0.5 * above)))
        return result

    def felt(self) -> tuple[bool, ...]:
        return (bool(np.any(self.K_vf) or np.any(self.K_s)),)

    def initial(self, n: int) -> FloatArray:
        """The resting state of an uncoupled node; where there is none (x0 above critical), the brink of it."""
        p = self.parameters(n)
        deepest, brink = np.full(n, -10.0), (p["b"] - p["d"]) / (1.5 * p["a"])  # the ends of the resting branch
        low, high = deepest, brink
        for _ in range(60):  # halving: the branch falls with x1, what z follows rises
            x1 = 0.5 * (low + high)
            rise = arrays.tanh(5.0 * (x1 + 0.5))  # 2 / (1 + exp(-(x1 + 0.5) / 0.1)) - 1
            follows = np.where(p["modification"] != 0, p["x0"] + 1.5 + 1.5 * rise, 4.0 * (x1 - p["x0"]))
            above = _branch(x1, p) > follows
            low, high = np.where(above, x1, low), np.where(above, high, x1)
        return np.array([high, _branch(high, p)])


def _branch(x1: FloatArray, p: dict[str, FloatArray]) -> FloatArray:
    """The z at which x1 below 0 is at rest."""
    return p["c"] + p["Iext"] + ((p["b"] - p["d"]) - p["a"] * x1) * x1**2
