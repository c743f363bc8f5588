"""Excitatory and inhibitory populations with refractoriness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hybrid.elementary import arrays
from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.functions import exp
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


def wilson_cowan(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Wilson & Cowan (1972) eq. 11 and 12."""
    E, I = state  # noqa: E741
    (from_e,) = coupling
    into_e = p.c_ee * E - p.c_ei * I + p.P + from_e + p.drive_gain * drive_hz
    into_i = p.c_ie * E - p.c_ii * I + p.Q
    s_e = 1.0 / (1.0 + exp(p.a_e * (p.theta_e - into_e))) - p.s_e_at_0
    s_i = 1.0 / (1.0 + exp(p.a_i * (p.theta_i - into_i))) - p.s_i_at_0
    return (
        ((p.k_e - p.r_e * E) * s_e - E) / p.tau_e_ms,
        ((p.k_i - p.r_i * I) * s_i - I) / p.tau_i_ms,
    )


@dataclass(frozen=True, eq=False)
class WilsonCowan(MassModel):
    """Proportions of excitatory and inhibitory cells that fire.

    Wilson & Cowan (1972) Excitatory and inhibitory interactions in localized populations of model neurons, Biophys J
    12:1. The defaults are those of its limit cycle.

    Variables: ``E`` and ``I``, the proportions. Others feel ``E``, as an addition to P.

    As a rate: ``rate_max_hz * E`` Hz (0 where E is negative, which the shifted response allows). A drive adds
    ``drive_gain * drive_hz`` to P; by default 100 Hz count as much as a fully active region coupled with weight 1.

    Parameters (numbers or arrays ``[node]``)
    ----------
    c_ee, c_ei, c_ie, c_ii: coupling within the node; c_ei is that from I to E, c_ie that from E to I.
    a_e, theta_e, a_i, theta_i: slope and threshold of the response ``S(x) = 1/(1 + exp(-a (x - theta)))``.
    shifted: 1 subtracts S(0), as the paper does, so that no input gives no response; 0 does not.
    r_e, r_i: refractoriness. k_e, k_i: what is left of it at saturation (1 here).
    P, Q: external input to E and I.
    tau_e_ms, tau_i_ms: time constants.
    rate_max_hz: rate at E = 1.
    drive_gain: addition to P for each Hz of drive.
    """

    variables: ClassVar[tuple[str, ...]] = ("E", "I")
    coupled: ClassVar[tuple[str, ...]] = ("E",)
    default_coupling: ClassVar[Coupling] = Linear(0.1)
    rhs = staticmethod(wilson_cowan)

    c_ee: ArrayLike = 16.0
    c_ei: ArrayLike = 12.0
    c_ie: ArrayLike = 15.0
    c_ii: ArrayLike = 3.0
    a_e: ArrayLike = 1.3
    theta_e: ArrayLike = 4.0
    a_i: ArrayLike = 2.0
    theta_i: ArrayLike = 3.7
    shifted: ArrayLike = 1.0
    r_e: ArrayLike = 1.0
    r_i: ArrayLike = 1.0
    k_e: ArrayLike = 1.0
    k_i: ArrayLike = 1.0
    P: ArrayLike = 1.25
    Q: ArrayLike = 0.0
    tau_e_ms: ArrayLike = 8.0
    tau_i_ms: ArrayLike = 8.0
    rate_max_hz: ArrayLike = 100.0
    drive_gain: ArrayLike = 0.01

    def derived(self) -> dict[str, Any]:
        return {
            "s_e_at_0": self.shifted / (1.0 + arrays.exp(np.multiply(self.a_e, self.theta_e))),
            "s_i_at_0": self.shifted / (1.0 + arrays.exp(np.multiply(self.a_i, self.theta_i))),
        }

    def rate_hz(self, state: FloatArray) -> FloatArray:
        result: FloatArray = self.rate_max_hz * np.maximum(state[0], 0.0)
        return result
