"""The exact mean field of quadratic integrate-and-fire neurons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hybrid.elementary import arrays
from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


def montbrio_pazo_roxin(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Montbrió, Pazó & Roxin (2015) eq. 12, with the time constant put back."""
    r, v = state
    from_r, from_v = coupling
    current = p.I + p.c_r * from_r + p.c_v * from_v + p.drive_gain * p.tau_ms * drive_hz * 1e-3
    pi_tau_r = math.pi * p.tau_ms * r
    return (
        (p.Delta / (math.pi * p.tau_ms) + 2.0 * r * v) / p.tau_ms,
        (v * v + p.eta + p.J * p.tau_ms * r + current - pi_tau_r * pi_tau_r) / p.tau_ms,
    )


@dataclass(frozen=True, eq=False)
class MontbrioPazoRoxin(MassModel):
    """Firing rate and mean voltage of infinitely many all-to-all coupled quadratic integrate-and-fire neurons.

    Montbrió, Pazó & Roxin (2015) Macroscopic description for networks of spiking neurons, Phys Rev X 5:021028.

    Variables: ``r`` firing rate, 1/ms; ``v`` mean voltage, dimensionless. Both can be felt by others: what arrives of r
    is a current of weight ``c_r``, what arrives of v one of weight ``c_v``.

    As a rate: ``1000 r`` Hz (0 where noise or a coarse tick made r negative). A drive enters v as a recurrent rate
    does: as the current ``drive_gain * tau_ms * drive_hz / 1000``, so ``drive_gain`` is a synaptic weight like J.

    Parameters (numbers or arrays ``[node]``)
    ----------
    J: synaptic weight within the node. eta, Delta: centre and half-width of the Lorentzian of excitabilities.
    I: external current. tau_ms: membrane time constant; with the default of 1 ms, r in 1/ms is the dimensionless rate
        of the paper, and 10 ms give the rates of cortex.
    c_r, c_v: weight of what arrives from the r and the v of others.
    drive_gain: synaptic weight of the drive.
    """

    variables: ClassVar[tuple[str, ...]] = ("r", "v")
    coupled: ClassVar[tuple[str, ...]] = ("r", "v")
    units: ClassVar[dict[str, str]] = {"r": "1/ms"}
    default_coupling: ClassVar[Coupling] = Linear(1.0)
    rhs = staticmethod(montbrio_pazo_roxin)

    J: ArrayLike = 15.0
    eta: ArrayLike = -5.0
    Delta: ArrayLike = 1.0
    I: ArrayLike = 0.0  # noqa: E741
    tau_ms: ArrayLike = 1.0
    c_r: ArrayLike = 1.0
    c_v: ArrayLike = 0.0
    drive_gain: ArrayLike = 1.0

    def rate_hz(self, state: FloatArray) -> FloatArray:
        result: FloatArray = 1e3 * np.maximum(state[0], 0.0)
        return result

    def felt(self) -> tuple[bool, ...]:
        return bool(np.any(self.c_r)), bool(np.any(self.c_v))

    def initial(self, n: int) -> FloatArray:
        """The fixed point of the lowest rate of an uncoupled node."""
        p = self.parameters(n)
        state = np.empty((2, n))
        for i in range(n):  # with u = pi tau r and v = -Delta / (2 u):  v^2 + eta + I + J u / pi - u^2 = 0
            eta, J, Delta = p["eta"][i] + p["I"][i], p["J"][i], p["Delta"][i]
            roots = arrays.settled(np.roots([-1.0, J / np.pi, eta, 0.0, Delta**2 / 4]))
            u = min(root.real for root in roots if abs(root.imag) < 1e-9 and root.real > 0)
            state[:, i] = u / (np.pi * p["tau_ms"][i]), -Delta / (2 * u)
        return state
