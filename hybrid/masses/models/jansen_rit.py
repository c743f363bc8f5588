"""A cortical column that makes alpha waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from hybrid.elementary import arrays
from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.functions import exp
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


@njit(error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def fires(v: float, p: Any) -> float:
    """Rate, 1/ms, at the potential v, mV."""
    return float(2e-3 * p.e0_hz / (1.0 + exp(p.slope * (p.v0_mv - v))))


def pyramidal_rate(state: Any, p: Any) -> tuple[float]:
    """What others feel of a column."""
    return (fires(state[1] - state[2], p),)


def jansen_rit(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Jansen & Rit (1995) eq. 6."""
    y0, y1, y2, y3, y4, y5 = state
    into = 1e-3 * (p.p_hz + p.drive_gain * drive_hz) + coupling[0]
    return (
        y3,
        y4,
        y5,
        p.a_per_ms * (p.A_mv * fires(y1 - y2, p) - 2.0 * y3 - p.a_per_ms * y0),
        p.a_per_ms * (p.A_mv * (into + p.C2 * fires(p.C1 * y0, p)) - 2.0 * y4 - p.a_per_ms * y1),
        p.b_per_ms * (p.B_mv * p.C4 * fires(p.C3 * y0, p) - 2.0 * y5 - p.b_per_ms * y2),
    )


@dataclass(frozen=True, eq=False)
class JansenRit(MassModel):
    """Pyramidal cells with an excitatory and an inhibitory population of interneurons.

    Jansen & Rit (1995) Electroencephalogram and visual evoked potential generation in a mathematical model of coupled
    cortical columns, Biol Cybern 73:357. Time is in ms, so the rates of the synapses are in 1/ms.

    Variables: ``y0``, ``y1``, ``y2`` potentials, mV, that pyramidal, excitatory and inhibitory cells cause, ``y3``,
    ``y4``, ``y5`` their derivatives, mV/ms. ``y1 - y2`` is the potential of the pyramidal cells, which the
    electroencephalogram follows. Others feel the rate of the pyramidal cells, 1/ms, in the place of ``y1``: what arrives
    is an addition to the afferent rate.

    As a rate: that of the pyramidal cells, ``2 e0_hz / (1 + exp(slope (v0_mv - (y1 - y2))))``. A drive is an afferent
    rate like p: ``drive_gain * drive_hz`` is added to ``p_hz``.

    Parameters (numbers or arrays ``[node]``)
    ----------
    A_mv, B_mv: size of excitatory and inhibitory potentials. a_per_ms, b_per_ms: inverse time constants.
    C1, C2, C3, C4: synapses, pyramidal to excitatory and back, pyramidal to inhibitory and back.
    e0_hz: half the largest rate. v0_mv: potential of half the largest rate. slope: of the response, 1/mV.
    p_hz: afferent rate. drive_gain: afferent rate for each Hz of drive.
    """

    variables: ClassVar[tuple[str, ...]] = ("y0", "y1", "y2", "y3", "y4", "y5")
    coupled: ClassVar[tuple[str, ...]] = ("y1",)
    units: ClassVar[dict[str, str]] = {"y0": "mV", "y1": "mV", "y2": "mV", "y3": "mV/ms", "y4": "mV/ms", "y5": "mV/ms"}
    default_coupling: ClassVar[Coupling] = Linear(1.0)
    rhs = staticmethod(jansen_rit)
    emitted = staticmethod(pyramidal_rate)

    A_mv: ArrayLike = 3.25
    B_mv: ArrayLike = 22.0
    a_per_ms: ArrayLike = 0.1
    b_per_ms: ArrayLike = 0.05
    C1: ArrayLike = 135.0
    C2: ArrayLike = 108.0
    C3: ArrayLike = 33.75
    C4: ArrayLike = 33.75
    e0_hz: ArrayLike = 2.5
    v0_mv: ArrayLike = 6.0
    slope: ArrayLike = 0.56
    p_hz: ArrayLike = 220.0
    drive_gain: ArrayLike = 1.0

    def rate_hz(self, state: FloatArray) -> FloatArray:
        above = np.minimum(self.slope * (self.v0_mv - (state[1] - state[2])), 700.0)  # np.exp overflows beyond
        result: FloatArray = 2.0 * np.asarray(self.e0_hz) / (1.0 + arrays.exp(above))
        return result
