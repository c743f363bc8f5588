"""The Epileptor: a phenomenological model of seizure-like events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hybrid.elementary import arrays
from hybrid.masses.coupling import Coupling, Difference
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


def epileptor(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Jirsa et al. (2014) eq. 1-5, in the form and with the coupling terms of The Virtual Brain."""
    x1, y1, z, x2, y2, g = state
    from_x1, from_x2 = coupling
    if x1 < 0.0:
        f1 = (p.b - p.a * x1) * x1
    else:
        f1 = p.slope - x2 + 0.6 * (z - 4.0) ** 2
    current = p.Iext + p.K_vf * from_x1 + p.drive_gain * drive_hz
    h = p.s * (x1 - p.x0)
    if z < 0.0:
        h -= 0.1 * z**7
    f2 = 0.0 if x2 < -0.25 else p.aa * (x2 + 0.25)
    return (
        p.tt * (y1 - z + current + f1 * x1),
        p.tt * (p.c - p.d * x1 * x1 - y1),
        p.tt * p.r * (h - z + p.K_s * from_x1),
        p.tt * (x2 - y2 - x2 * x2 * x2 + p.Iext2 + p.bb * g - 0.3 * (z - 3.5) + p.K_f * from_x2),
        p.tt * (f2 - y2) / p.tau,
        p.tt * -p.gamma * (g - 0.1 * x1),
    )


@dataclass(frozen=True, eq=False)
class Epileptor(MassModel):
    """Two fast populations and a slow variable that carries a region into seizures and out of them.

    Jirsa, Stacey, Quilichini, Ivanov & Bernard (2014) On the nature of seizure dynamics, Brain 137:2210, with slow
    coupling from Proix et al. (2014) J Neurosci 34:15009. Names of parameters are those of The Virtual Brain, whose
    equations these are. All are dimensionless numbers or arrays ``[node]`` where no unit is given.

    Variables: ``x1``, ``y1`` fast population (discharges); ``z`` slow permittivity; ``x2``, ``y2`` second population
    (spike-wave events); ``g`` filtered x1. Others feel ``x1`` and ``x2``.

    As a rate: ``rate_max_hz / (1 + exp(-(x1 - rate_x1) / rate_slope))``, which is 1.5 Hz at rest (x0 = -2.2). A drive
    enters x1 as the current ``drive_gain * drive_hz``. With the defaults, a drive that is switched on tips a resting
    region into a seizure from 5-10 Hz at x0 = -2.1, from 30-50 Hz at -2.2 and from 150-200 Hz at -2.5; the 1-2 Hz of a
    healthy region do not. Seizures go on while the current exceeds ``-4 x0 - 8.248``.

    Parameters
    ----------
    x0: epileptogenicity; a region alone seizes by itself above the critical -2.0620 and rests below it.
    a, b, c, d: of the fast population. r: rate of the slow variable (1/tau0 of the paper). s: slope of its nullcline.
    Iext, Iext2: currents into the populations. slope: linear term of x1 in a seizure.
    tau: time constant of y2, in time units. aa: of y2. bb: effect of g on x2. gamma: rate of the filter g.
    tt: speed of everything.
    K_vf, K_f: effect of the others' x1 on x1 and of their x2 on x2. K_s: of the others' x1 on z.
    rate_max_hz, rate_x1, rate_slope: the map from x1 to a rate.
    drive_gain: current for each Hz of drive.
    time_unit_ms: how many ms one time unit lasts.
    """

    variables: ClassVar[tuple[str, ...]] = ("x1", "y1", "z", "x2", "y2", "g")
    coupled: ClassVar[tuple[str, ...]] = ("x1", "x2")
    # for TVB's weights as they are (rows sum to up to 70); from about 0.1 a step of 0.1 ms is too long for that
    default_coupling: ClassVar[Coupling] = Difference(0.03)
    rhs = staticmethod(epileptor)

    x0: ArrayLike = -2.2
    a: ArrayLike = 1.0
    b: ArrayLike = 3.0
    c: ArrayLike = 1.0
    d: ArrayLike = 5.0
    r: ArrayLike = 0.00035
    s: ArrayLike = 4.0
    Iext: ArrayLike = 3.1
    slope: ArrayLike = 0.0
    Iext2: ArrayLike = 0.45
    tau: ArrayLike = 10.0
    aa: ArrayLike = 6.0
    bb: ArrayLike = 2.0
    gamma: ArrayLike = 0.01
    tt: ArrayLike = 1.0
    K_vf: ArrayLike = 1.0
    K_f: ArrayLike = 0.0
    K_s: ArrayLike = 0.0
    rate_max_hz: ArrayLike = 100.0
    rate_x1: ArrayLike = 0.0
    rate_slope: ArrayLike = 0.35
    drive_gain: ArrayLike = 0.002
    time_unit_ms: float = 1.0

    def rate_hz(self, state: FloatArray) -> FloatArray:
        below = np.minimum((self.rate_x1 - state[0]) / self.rate_slope, 700.0)  # np.exp overflows beyond
        result: FloatArray = self.rate_max_hz / (1.0 + arrays.exp(below))
        return result

    def felt(self) -> tuple[bool, ...]:
        return bool(np.any(self.K_vf) or np.any(self.K_s)), bool(np.any(self.K_f))

    def initial(self, n: int) -> FloatArray:
        """The resting state of an uncoupled node; where there is none (x0 above critical), close to its brink."""
        p = self.parameters(n)
        brink = (p["b"] - p["d"]) / (1.5 * p["a"])  # of the left branch z = c + Iext + (b-d) x1^2 - a x1^3
        x1 = np.full(n, -2.0)
        for _ in range(50):  # Newton for the crossing of that branch with z = s (x1 - x0)
            excess = p["c"] + p["Iext"] + ((p["b"] - p["d"]) - p["a"] * x1) * x1**2 - p["s"] * (x1 - p["x0"])
            x1 = np.minimum(x1 - excess / ((2 * (p["b"] - p["d"]) - 3 * p["a"] * x1) * x1 - p["s"]), brink)
        z = p["c"] + p["Iext"] + ((p["b"] - p["d"]) - p["a"] * x1) * x1**2
        g = 0.1 * x1
        x2 = np.full(n, -1.2)
        for _ in range(50):  # the lowest rest of x2, where y2 = 0
            excess = x2 - x2**3 + p["Iext2"] + p["bb"] * g - 0.3 * (z - 3.5)
            x2 = x2 - excess / (1 - 3 * x2**2)
        return np.array([x1, p["c"] - p["d"] * x1**2, z, x2, np.zeros(n), g])
