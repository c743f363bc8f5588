"""Phase oscillators."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import ArrayLike

from hybrid.elementary import arrays
from hybrid.masses.coupling import Coupling, Sine
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


def kuramoto(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Kuramoto (1984) Chemical Oscillations, Waves, and Turbulence, eq. 5.4.1."""
    return (p.omega + coupling[0] + p.drive_gain * drive_hz,)


@dataclass(frozen=True, eq=False)
class Kuramoto(MassModel):
    """A phase that turns at its own pace and is pulled towards the phases of others.

    Kuramoto (1984) Chemical Oscillations, Waves, and Turbulence, with delays. Variable: ``theta``, the phase, rad; it
    grows without bound. Others feel it through its sine: ``strength * sum_j w_ij sin(theta_j(t - d_ij) - theta_i(t))``.

    As a rate: ``rate_mean_hz * (1 + cos theta)``. A drive speeds the phase up by ``drive_gain * drive_hz``.

    Parameters (numbers or arrays ``[node]``)
    ----------
    omega: own pace, rad per time unit; the default is 10 Hz.
    rate_mean_hz: mean rate. drive_gain: rad per time unit for each Hz of drive.
    time_unit_ms: how many ms one time unit lasts.
    """

    variables: ClassVar[tuple[str, ...]] = ("theta",)
    coupled: ClassVar[tuple[str, ...]] = ("theta",)
    units: ClassVar[dict[str, str]] = {"theta": "rad"}
    default_coupling: ClassVar[Coupling] = Sine(1.0)
    rhs = staticmethod(kuramoto)

    omega: ArrayLike = 2.0 * math.pi * 0.01
    rate_mean_hz: ArrayLike = 10.0
    drive_gain: ArrayLike = 0.001
    time_unit_ms: float = 1.0

    def rate_hz(self, state: FloatArray) -> FloatArray:
        result: FloatArray = self.rate_mean_hz * (1.0 + arrays.cos(state[0]))
        return result
