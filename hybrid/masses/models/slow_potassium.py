"""Excitatory and inhibitory populations that potassium carries into seizures, and a pump out of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.functions import logistic
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


def potassium_wilson_cowan(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Wilson & Cowan (1972) eq. 11 and 12 without refractoriness, and the balance of potassium."""
    E, I, k, pump = state  # noqa: E741
    theta_e = p.theta_e - p.shift_per_mm * k
    into_e = p.c_ee * E - p.c_ei * I + p.P + coupling[0] + p.drive_gain * drive_hz
    into_i = p.c_ie * E - p.c_ii * I + p.Q
    return (
        (logistic(p.a_e * (into_e - theta_e)) - E) / p.tau_e_ms,
        (logistic(p.a_i * (into_i - p.theta_i)) - I) / p.tau_i_ms,
        (p.bath_mm - k + p.release_mm * E - p.pump_gain * pump * k) / p.tau_k_ms,
        (logistic((k - p.pump_half_mm) / p.pump_slope_mm) - pump) / p.tau_pump_ms,
    )


@dataclass(frozen=True, eq=False)
class PotassiumWilsonCowan(MassModel):
    """A Wilson-Cowan node whose excitatory cells fire the more easily, the more potassium their firing has released.

    The populations are those of Wilson & Cowan (1972) Excitatory and inhibitory interactions in localized populations of
    model neurons, Biophys J 12:1, without refractoriness and with an unshifted response. What is slow is new here (no
    paper's equations): extracellular potassium ``k`` lowers the threshold of excitatory cells, is released by them,
    exchanges with a bath, and is cleared by a pump that it switches on with delay::

        theta_e(k)           = theta_e - shift_per_mm k
        tau_k_ms dk/dt       = bath_mm - k + release_mm E - pump_gain pump k
        tau_pump_ms dpump/dt = 1 / (1 + exp(-(k - pump_half_mm) / pump_slope_mm)) - pump

    How a seizure begins is a bifurcation of the populations with k held (the taxonomy of Jirsa et al. 2014, On the nature
    of seizure dynamics, Brain 137:2210). By default, it is a supercritical Hopf bifurcation at k = 4.6526 mM: fast
    oscillations (26 Hz) from amplitude 0. With :meth:`snic`, it is a saddle-node on the cycle at k = 4.2995 mM: large
    spikes from frequency 0. At neither does a rest coexist with a cycle, so one slow variable would only bring the node to
    the bifurcation and keep it there; the pump is the second one that recurrent seizures then need (bursters of the
    "slow-wave" kind). Both set-ups seize about every 35 s, alone and without change of drive. Without noise, k passes the
    Hopf point by about 2 mM before oscillations have grown (the delay of a slow passage); they end at it.

    Variables: ``E`` and ``I``, the proportions of cells that fire; ``k``, potassium above that of a healthy region without
    activity, mM; ``pump``, the pump's activation, 0 to 1. Others feel ``E``, as an addition to P.

    As a rate: ``rate_max_hz * E`` Hz. A drive adds ``drive_gain * drive_hz`` to P; by default 100 Hz count as much as a
    fully active region coupled with weight 1.

    Parameters (numbers or arrays ``[node]``)
    ----------
    c_ee, c_ei, c_ie, c_ii: coupling within the node; c_ei is that from I to E, c_ie that from E to I.
    a_e, theta_e, a_i, theta_i: slope and threshold of the response ``S(x) = 1/(1 + exp(-a (x - theta)))``.
    P, Q: external input to E and I. tau_e_ms, tau_i_ms: time constants of E and I.
    shift_per_mm: how much 1 mM lowers the threshold of E.
    bath_mm: potassium without release and pump. release_mm: what constant E = 1 would add to it.
    pump_gain: clearance by the full pump, relative to that by the bath. pump_half_mm, pump_slope_mm: of its activation.
    tau_k_ms, tau_pump_ms: time constants of k, with the pump off, and of the pump.
    rate_max_hz: rate at E = 1. drive_gain: addition to P for each Hz of drive.
    """

    variables: ClassVar[tuple[str, ...]] = ("E", "I", "k", "pump")
    coupled: ClassVar[tuple[str, ...]] = ("E",)
    units: ClassVar[dict[str, str]] = {"k": "mM"}
    default_coupling: ClassVar[Coupling] = Linear(0.1)
    rhs = staticmethod(potassium_wilson_cowan)

    c_ee: ArrayLike = 10.0
    c_ei: ArrayLike = 10.0
    c_ie: ArrayLike = 12.0
    c_ii: ArrayLike = 0.0
    a_e: ArrayLike = 1.2
    theta_e: ArrayLike = 3.0
    a_i: ArrayLike = 1.2
    theta_i: ArrayLike = 4.0
    P: ArrayLike = -0.6
    Q: ArrayLike = 0.0
    tau_e_ms: ArrayLike = 10.0
    tau_i_ms: ArrayLike = 10.0
    shift_per_mm: ArrayLike = 0.4
    bath_mm: ArrayLike = 2.5
    release_mm: ArrayLike = 70.0
    pump_gain: ArrayLike = 4.0
    pump_half_mm: ArrayLike = 3.0
    pump_slope_mm: ArrayLike = 0.4
    tau_k_ms: ArrayLike = 2000.0
    tau_pump_ms: ArrayLike = 20_000.0
    rate_max_hz: ArrayLike = 100.0
    drive_gain: ArrayLike = 0.01

    @classmethod
    def snic(cls, **changed: Any) -> PotassiumWilsonCowan:
        """The set-up whose seizures begin and end as a saddle-node on the cycle; ``changed`` replaces parameters.

        The couplings and responses are those of the limit cycle of Wilson & Cowan (1972), the inhibition slower.
        """
        couplings = {"c_ee": 16.0, "c_ei": 12.0, "c_ie": 15.0, "c_ii": 3.0}
        responses = {"a_e": 1.3, "theta_e": 4.0, "a_i": 2.0, "theta_i": 3.7, "P": -0.75, "tau_i_ms": 20.0}
        slow = {"bath_mm": 6.0, "release_mm": 10.0, "pump_gain": 2.0, "pump_half_mm": 4.7, "pump_slope_mm": 0.4}
        times = {"tau_k_ms": 5000.0, "tau_pump_ms": 15_000.0}
        return cls(**{**couplings, **responses, **slow, **times, **changed})

    def rate_hz(self, state: FloatArray) -> FloatArray:
        result: FloatArray = self.rate_max_hz * np.maximum(state[0], 0.0)
        return result

    def initial(self, n: int) -> FloatArray:
        """Between seizures: little activity, half of the potassium of the bath, the pump still partly on."""
        half_the_bath = 0.5 * self.parameters(n)["bath_mm"]
        return np.array([np.full(n, 0.02), np.full(n, 0.02), half_the_bath, np.full(n, 0.4)])
