"""Slow excitatory synapses held in check by fast inhibitory ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.functions import linoid
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


def wong_wang_exc_inh(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Deco et al. (2014), the reduced dynamic mean field: currents, responses and gating of both populations."""
    S_e, S_i = state
    from_others, own = p.J_N * coupling[0], p.J_N * S_e
    into_e = p.w_p * own - p.J_i * S_i + p.W_e * p.I_o + from_others + p.I_ext + p.drive_gain * drive_hz
    into_i = own - S_i + p.W_i * p.I_o + p.lamda * from_others
    rate_e = linoid(p.d_e * (p.a_e * into_e - p.b_e)) / p.d_e
    rate_i = linoid(p.d_i * (p.a_i * into_i - p.b_i)) / p.d_i
    return (
        -S_e / p.tau_e_ms + (1.0 - S_e) * p.gamma_e * rate_e,
        -S_i / p.tau_i_ms + p.gamma_i * rate_i,
    )


@dataclass(frozen=True, eq=False)
class WongWangExcInh(MassModel):
    """The mean gating of NMDA synapses of an excitatory population and of GABA synapses of an inhibitory one.

    Deco, Ponce-Alvarez, Hagmann, Romani, Mantini & Corbetta (2014) How local excitation-inhibition ratio impacts the
    whole brain dynamics, J Neurosci 34:7886. Names and values of parameters are those of The Virtual Brain's
    ``ReducedWongWangExcInh``, whose equations these are; its global coupling ``G`` (2 by default) is here the ``strength``
    of the coupling.

    Variables: ``S_e`` and ``S_i``, the gating, 0 to 1; others feel ``S_e``: what arrives adds ``J_N`` times itself, in nA,
    to the current into excitatory cells and ``lamda J_N`` times itself to that into inhibitory ones (feed-forward
    inhibition, absent by default). The Virtual Brain keeps both between 0 and 1 by force; here nothing does, and nothing
    needs to without noise.

    As a rate: S_e alone does not determine the rate, which depends on the current of the moment; given is the rate of
    excitatory cells that would hold S_e where it is, ``S_e / (gamma_e tau_e_ms (1 - S_e))`` Hz. A drive adds the current
    ``drive_gain * drive_hz`` to excitatory cells. A node alone fires at 3.1 Hz; feedback inhibition control is an array
    ``J_i`` that gives each node of a network this rate.

    Parameters (numbers or arrays ``[node]``)
    ----------
    a_e, b_e, d_e, a_i, b_i, d_i: of the responses of excitatory and inhibitory cells, Hz/nA, Hz, s.
    gamma_e, gamma_i: gating per ms for each Hz. tau_e_ms, tau_i_ms: decay of gating.
    w_p: recurrence of excitatory cells. J_N: excitatory synaptic coupling, nA. J_i: feedback inhibition, nA.
    I_o: external current, nA. W_e, W_i: how much of it excitatory and inhibitory cells feel.
    I_ext: current into excitatory cells besides, nA. lamda: feed-forward inhibition.
    drive_gain: nA for each Hz of drive.
    """

    variables: ClassVar[tuple[str, ...]] = ("S_e", "S_i")
    coupled: ClassVar[tuple[str, ...]] = ("S_e",)
    default_coupling: ClassVar[Coupling] = Linear(0.01)
    rhs = staticmethod(wong_wang_exc_inh)

    a_e: ArrayLike = 310.0
    b_e: ArrayLike = 125.0
    d_e: ArrayLike = 0.16
    gamma_e: ArrayLike = 0.641e-3
    tau_e_ms: ArrayLike = 100.0
    w_p: ArrayLike = 1.4
    J_N: ArrayLike = 0.15
    W_e: ArrayLike = 1.0
    a_i: ArrayLike = 615.0
    b_i: ArrayLike = 177.0
    d_i: ArrayLike = 0.087
    gamma_i: ArrayLike = 1e-3
    tau_i_ms: ArrayLike = 10.0
    W_i: ArrayLike = 0.7
    J_i: ArrayLike = 1.0
    I_o: ArrayLike = 0.382
    I_ext: ArrayLike = 0.0
    lamda: ArrayLike = 0.0
    drive_gain: ArrayLike = 0.001

    def rate_hz(self, state: FloatArray) -> FloatArray:
        S_e = np.clip(state[0], 0.0, 1.0 - 1e-6)
        result: FloatArray = S_e / (np.multiply(self.gamma_e, self.tau_e_ms) * (1.0 - S_e))
        return result

    def initial(self, n: int) -> FloatArray:
        """Near the rest of a node alone with the default parameters."""
        return np.array([np.full(n, 0.164), np.full(n, 0.039)])
