"""Oscillators on either side of a Hopf bifurcation, in its simplest form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hybrid.masses.coupling import Coupling, Difference
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


def stuart_landau(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Deco et al. (2017): ``dz/dt = (a + i omega) z - |z|^2 z + coupling`` with ``z = x + i y``."""
    x, y = state
    growth = p.a - x * x - y * y
    return (
        growth * x - p.omega * y + coupling[0] + p.drive_gain * drive_hz,
        growth * y + p.omega * x + coupling[1],
    )


@dataclass(frozen=True, eq=False)
class StuartLandau(MassModel):
    """The normal form of a supercritical Hopf bifurcation: rest for ``a < 0``, a cycle of radius ``sqrt(a)`` above.

    Deco, Kringelbach, Jirsa & Ritter (2017) The dynamics of resting fluctuations in the brain: metastability and its
    dynamical cortical core, Sci Rep 7:3095. It is The Virtual Brain's ``SupHopf``, with the same names; there a is -0.5
    and omega 1 rad/ms (159 Hz) by default, here they are a weakly damped 10 Hz.

    Variables: ``x`` and ``y``, the real and imaginary part, dimensionless. Others feel both, each in its own place: what
    arrives is an addition to dx/dt and dy/dt, per time unit.

    As a rate: ``rate_mean_hz + rate_gain_hz * x``, 0 where that is negative. A drive adds ``drive_gain * drive_hz`` to
    dx/dt.

    Parameters (numbers or arrays ``[node]``)
    ----------
    a: distance from the bifurcation, per time unit. omega: own pace, rad per time unit; the default is 10 Hz.
    rate_mean_hz: rate at x = 0. rate_gain_hz: change of the rate for x = 1.
    drive_gain: addition to dx/dt for each Hz of drive.
    time_unit_ms: how many ms one time unit lasts.
    """

    variables: ClassVar[tuple[str, ...]] = ("x", "y")
    coupled: ClassVar[tuple[str, ...]] = ("x", "y")
    default_coupling: ClassVar[Coupling] = Difference(0.001)
    rhs = staticmethod(stuart_landau)

    a: ArrayLike = -0.02
    omega: ArrayLike = 2.0 * math.pi * 0.01
    rate_mean_hz: ArrayLike = 10.0
    rate_gain_hz: ArrayLike = 10.0
    drive_gain: ArrayLike = 0.001
    time_unit_ms: float = 1.0

    def rate_hz(self, state: FloatArray) -> FloatArray:
        result: FloatArray = np.maximum(self.rate_mean_hz + self.rate_gain_hz * state[0], 0.0)
        return result
