"""A population of the thalamocortical system: dendrites that filter, a sigmoid response, and waves in the cortex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from hybrid.elementary import arrays
from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.functions import logistic
from hybrid.masses.model import MassModel
from hybrid.masses.models.firing_rate import check_sign
from hybrid.units import FloatArray


@njit(error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def fires(v: float, p: Any) -> float:
    """Rate, Hz, at the potential v, mV."""
    return float(p.max_hz * logistic((v - p.theta_mv) / p.sigma_mv))


def signed_field(state: Any, p: Any) -> tuple[float]:
    """What others feel of a population."""
    sent = state[2] if p.gamma_per_ms > 0.0 else fires(state[0], p)
    return (p.sign * sent,)


def robinson(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Robinson et al. (2002), the equations of dendrites and of the uniform damped wave."""
    V, dV, phi, dphi = state
    into = coupling[0] + p.input_mv + p.drive_gain * drive_hz
    return (
        dV,
        p.alpha_per_ms * p.beta_per_ms * (into - V) - (p.alpha_per_ms + p.beta_per_ms) * dV,
        dphi,
        p.gamma_per_ms * (p.gamma_per_ms * (fires(V, p) - phi) - 2.0 * dphi),
    )


@dataclass(frozen=True, eq=False)
class Robinson(MassModel):
    """A population of Robinson's thalamocortical system, one of cortex, relay or reticular nucleus.

    Robinson, Rennie & Rowe (2002) Dynamics of large-scale brain activity in normal arousal states and epileptic seizures,
    Phys Rev E 65:041924. With time in ms::

        (1 / (alpha beta) d2/dt2 + (1 / alpha + 1 / beta) d/dt + 1) V = input
        Q = max_hz / (1 + exp(-(V - theta_mv) / sigma_mv))
        (1 / gamma^2 d2/dt2 + 2 / gamma d/dt + 1) phi = Q

    the last being its damped wave equation of the cortex without its term in space: activity that is the same everywhere.
    Populations without waves (``gamma_per_ms = 0``) send Q itself.

    Variables: ``V``, the potential, mV, and ``dV``, mV/ms; ``phi``, the rate that arrives at the ends of axons, Hz, which
    the electroencephalogram follows in the cortex, and ``dphi``, Hz/ms (both stand still in populations without waves).
    Others feel ``sign phi``, or ``sign Q``, Hz: weights are in mV/Hz, and none is below 0, so that it is the population
    that excites or inhibits.

    As a rate: Q. A drive adds ``drive_gain * drive_hz`` mV to the input.

    Parameters (numbers or arrays ``[node]``)
    ----------
    alpha_per_ms, beta_per_ms: inverse time constants of decay and rise of the potential.
    gamma_per_ms: damping rate of waves, or 0.
    max_hz, theta_mv, sigma_mv: largest rate, mean threshold and its spread.
    input_mv: constant input.
    sign: 1 of an excitatory population, -1 of an inhibitory one.
    drive_gain: input for each Hz of drive, mV/Hz.

    The defaults, but for the last three, are estimates for waking adults: Robinson et al. (2004) Estimation of multiscale
    neurophysiologic parameters by electroencephalographic means, Hum Brain Mapp 23:53, table I (there 1/alpha = 12 ms,
    1/beta = 1.3 ms; threshold and spread are the 12.92 and 3.8 mV that NFTsim uses).
    """

    variables: ClassVar[tuple[str, ...]] = ("V", "dV", "phi", "dphi")
    coupled: ClassVar[tuple[str, ...]] = ("phi",)
    units: ClassVar[dict[str, str]] = {"V": "mV", "dV": "mV/ms", "phi": "Hz", "dphi": "Hz/ms"}
    default_coupling: ClassVar[Coupling] = Linear(1.0)
    rhs = staticmethod(robinson)
    emitted = staticmethod(signed_field)

    alpha_per_ms: ArrayLike = 1.0 / 12.0
    beta_per_ms: ArrayLike = 1.0 / 1.3
    gamma_per_ms: ArrayLike = 0.116
    max_hz: ArrayLike = 340.0
    theta_mv: ArrayLike = 12.92
    sigma_mv: ArrayLike = 3.8
    input_mv: ArrayLike = 0.0
    sign: ArrayLike = 1.0
    drive_gain: ArrayLike = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sign(self)

    def rate_hz(self, state: FloatArray) -> FloatArray:
        above = np.divide(state[0] - self.theta_mv, self.sigma_mv)
        result: FloatArray = 0.5 * np.asarray(self.max_hz) * (1.0 + arrays.tanh(0.5 * above))
        return result

    def initial(self, n: int) -> FloatArray:
        """The fixed point of a population that receives nothing but its constant input."""
        return self.settled(self.parameters(n)["input_mv"])

    def settled(self, v_mv: FloatArray) -> FloatArray:
        """The state ``[variable, node]`` of populations that stand still at these potentials."""
        state = np.zeros((4, len(v_mv)))
        state[0] = v_mv
        state[2] = self.rate_hz(state)
        return state
