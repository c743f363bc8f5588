"""A cortical column with slow and fast inhibition, whose balance makes the activities seen around a seizure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hybrid.elementary import arrays
from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.model import MassModel
from hybrid.masses.models.jansen_rit import fires
from hybrid.units import FloatArray


def pyramidal_rate(state: Any, p: Any) -> tuple[float]:
    """What others feel of a column."""
    return (fires(state[1] - state[2] - state[3], p),)


def wendling(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Wendling et al. (2002), the ten equations of their model section."""
    y0, y1, y2, y3, y4, y5, y6, y7, y8, y9 = state
    into = 1e-3 * (p.p_hz + p.drive_gain * drive_hz) + coupling[0]
    slow = fires(p.C3 * y0, p)
    return (
        y5,
        y6,
        y7,
        y8,
        y9,
        p.a_per_ms * (p.A_mv * fires(y1 - y2 - y3, p) - 2.0 * y5 - p.a_per_ms * y0),
        p.a_per_ms * (p.A_mv * (into + p.C2 * fires(p.C1 * y0, p)) - 2.0 * y6 - p.a_per_ms * y1),
        p.b_per_ms * (p.B_mv * p.C4 * slow - 2.0 * y7 - p.b_per_ms * y2),
        p.g_per_ms * (p.G_mv * p.C7 * fires(p.C5 * y0 - p.C6 * y4, p) - 2.0 * y8 - p.g_per_ms * y3),
        p.b_per_ms * (p.B_mv * slow - 2.0 * y9 - p.b_per_ms * y4),
    )


@dataclass(frozen=True, eq=False)
class Wendling(MassModel):
    """Pyramidal cells, excitatory interneurons, and two kinds of inhibitory ones: slow (dendrites) and fast (somata).

    Wendling, Bartolomei, Bellanger & Chauvel (2002) Epileptic fast activity can be explained by a model of impaired
    GABAergic dendritic inhibition, Eur J Neurosci 15:1499. Time is in ms, so the rates of the synapses are in 1/ms.
    Without the fast cells (``C7 = 0`` or ``G_mv = 0``) it is :class:`~hybrid.masses.models.jansen_rit.JansenRit`. The Virtual
    Brain 2.10 has no such model.

    Variables: ``y0`` ... ``y4`` potentials, mV, that pyramidal cells, excitatory interneurons (with the afferents), slow
    inhibitory ones at pyramidal cells, fast ones at pyramidal cells, and slow ones at fast ones cause; ``y5`` ... ``y9``
    their derivatives, mV/ms. ``y1 - y2 - y3`` is the potential of the pyramidal cells, which the electroencephalogram
    follows. Others feel the rate of the pyramidal cells, 1/ms, in the place of ``y1``: what arrives is an addition to
    the afferent rate.

    As a rate: that of the pyramidal cells, ``2 e0_hz / (1 + exp(slope (v0_mv - (y1 - y2 - y3))))``. A drive is an
    afferent rate like p: ``drive_gain * drive_hz`` is added to ``p_hz``.

    The types of activity that the paper names, with ``(A_mv, B_mv, G_mv)`` as published implementations give them and
    what each does here at 90 Hz with fluctuations: background (5, 50, 15); sporadic spikes (5, 40, 15); sustained spikes
    (5, 25, 15), 4.5 a second; slow rhythm (5, 10, 15), about 9 Hz; low-voltage fast activity (5, 5, 25), the weakest and
    fastest; slow quasi-sinusoidal (5, 15, 0), 11 Hz. The defaults spike 4.6 times a second. Fluctuations of p with the
    standard deviation s (30 Hz in such implementations), drawn anew every h ms (2, for example), are
    :class:`~hybrid.masses.noise.Noise` on ``y6`` of the strength ``1e-3 A_mv a_per_ms s sqrt(h)``.

    Parameters (numbers or arrays ``[node]``)
    ----------
    A_mv, B_mv, G_mv: size of excitatory, slow and fast inhibitory potentials. a_per_ms, b_per_ms, g_per_ms: inverse time
        constants.
    C1, C2, C3, C4: synapses, pyramidal to excitatory and back, pyramidal to slow inhibitory and back.
    C5, C6, C7: synapses, pyramidal to fast inhibitory, slow to fast inhibitory, fast inhibitory to pyramidal.
    e0_hz: half the largest rate. v0_mv: potential of half the largest rate. slope: of the response, 1/mV.
    p_hz: afferent rate. drive_gain: afferent rate for each Hz of drive.
    """

    variables: ClassVar[tuple[str, ...]] = tuple(f"y{k}" for k in range(10))
    coupled: ClassVar[tuple[str, ...]] = ("y1",)
    units: ClassVar[dict[str, str]] = {f"y{k}": "mV" if k < 5 else "mV/ms" for k in range(10)}
    default_coupling: ClassVar[Coupling] = Linear(1.0)
    rhs = staticmethod(wendling)
    emitted = staticmethod(pyramidal_rate)

    A_mv: ArrayLike = 5.0
    B_mv: ArrayLike = 22.0
    G_mv: ArrayLike = 20.0
    a_per_ms: ArrayLike = 0.1
    b_per_ms: ArrayLike = 0.05
    g_per_ms: ArrayLike = 0.5
    C1: ArrayLike = 135.0
    C2: ArrayLike = 108.0
    C3: ArrayLike = 33.75
    C4: ArrayLike = 33.75
    C5: ArrayLike = 40.5
    C6: ArrayLike = 13.5
    C7: ArrayLike = 108.0
    e0_hz: ArrayLike = 2.5
    v0_mv: ArrayLike = 6.0
    slope: ArrayLike = 0.56
    p_hz: ArrayLike = 90.0
    drive_gain: ArrayLike = 1.0

    def rate_hz(self, state: FloatArray) -> FloatArray:
        v = state[1] - state[2] - state[3]
        result: FloatArray = self.e0_hz * (1.0 + arrays.tanh(0.5 * np.multiply(self.slope, v - self.v0_mv)))
        return result
