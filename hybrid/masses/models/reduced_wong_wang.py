"""Slow excitatory synapses that keep a population at one of two rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.functions import exp
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


def reduced_wong_wang(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Deco et al. (2013) eq. 1-3."""
    (S,) = state
    current = p.w * p.J_N * S + p.J_N * coupling[0] + p.I_o + p.drive_gain * drive_hz
    u = p.d * (p.a * current - p.b)
    near_0 = abs(u) < 1e-4  # where u / (1 - exp(-u)) loses its digits
    rate = (1.0 + u / 2.0 + u * u / 12.0) / p.d if near_0 else u / (1.0 - exp(-u)) / p.d
    return (-S / p.tau_ms + (1.0 - S) * p.gamma * rate,)


@dataclass(frozen=True, eq=False)
class ReducedWongWang(MassModel):
    """The mean gating of NMDA synapses of a population that excites itself.

    Wong & Wang (2006) J Neurosci 26:1314, reduced to one population by Deco et al. (2013) Resting-state functional
    connectivity emerges from structurally and dynamically shaped slow linear fluctuations, J Neurosci 33:11239.

    Variable: ``S``, the gating, 0 to 1. Others feel it: what arrives adds ``J_N`` times itself to the current.

    As a rate: S alone does not determine the rate, which depends on the current of the moment; given is the rate that
    would hold S where it is, ``1000 S / (gamma tau_ms (1 - S))`` Hz, the true rate seen through the synapse. A drive
    adds the current ``drive_gain * drive_hz``.

    Parameters (numbers or arrays ``[node]``)
    ----------
    a, b, d: of the response of neurons, 1/(nA ms), 1/ms, ms. gamma: gating for each spike. tau_ms: decay of gating.
    w: recurrence. J_N: synaptic coupling, nA. I_o: external current, nA. drive_gain: nA for each Hz of drive.
    """

    variables: ClassVar[tuple[str, ...]] = ("S",)
    coupled: ClassVar[tuple[str, ...]] = ("S",)
    default_coupling: ClassVar[Coupling] = Linear(0.01)
    rhs = staticmethod(reduced_wong_wang)

    a: ArrayLike = 0.27
    b: ArrayLike = 0.108
    d: ArrayLike = 154.0
    gamma: ArrayLike = 0.641
    tau_ms: ArrayLike = 100.0
    w: ArrayLike = 0.6
    J_N: ArrayLike = 0.2609
    I_o: ArrayLike = 0.33
    drive_gain: ArrayLike = 0.001

    def rate_hz(self, state: FloatArray) -> FloatArray:
        S = np.clip(state[0], 0.0, 1.0 - 1e-6)
        result: FloatArray = 1e3 * S / (np.multiply(self.gamma, self.tau_ms) * (1.0 - S))
        return result

    def initial(self, n: int) -> FloatArray:
        return np.full((1, n), 0.1)
