"""A cubic against a parabola: two variables that rest, jump, or oscillate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hybrid.elementary import arrays
from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


def generic_2d_oscillator(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """The Virtual Brain's ``Generic2dOscillator``."""
    V, W = state
    into = p.I + coupling[0] + p.drive_gain * drive_hz
    return (
        p.d * p.tau * (((p.e - p.f * V) * V + p.g) * V + p.alpha * W + p.gamma * into),
        p.d * ((p.c * V + p.b) * V + p.a - p.beta * W) / p.tau,
    )


@dataclass(frozen=True, eq=False)
class Generic2dOscillator(MassModel):
    """A fast variable with a cubic nullcline and a slow one with a nullcline up to a parabola.

    FitzHugh (1961) Impulses and physiological states in theoretical models of nerve membrane, Biophys J 1:445, made
    general by Stefanescu & Jirsa (2008, PLoS Comput Biol 4:e1000219; 2011, Phys Rev E 83:021904). Names and values of
    parameters are those of The Virtual Brain, whose equations these are; time is in ms and d makes it fit. All else is
    dimensionless.

    Variables: ``V``, fast, as a membrane potential; ``W``, recovery. Others feel ``V``, as an addition to I; gamma, which
    is negative where an excitatory current must be (the set of Ghosh et al. 2008), acts on I and coupling alike.

    As a rate: ``rate_max_hz / (1 + exp(-(V - rate_v) / rate_slope))``, which is 1.5 Hz at rest with the defaults. A drive
    adds ``drive_gain * drive_hz`` to I. With the defaults a node rests but is excitable; with ``a = 2`` it oscillates.

    Parameters (numbers or arrays ``[node]``)
    ----------
    tau: separation of the time scales of V and W. d: speed of both, 1/ms.
    a, b, c: nullcline of W, ``a + b V + c V^2``. beta: decay of W.
    e, f, g: nullcline of V, ``-f V^3 + e V^2 + g V``. alpha: effect of W on V.
    I: current into V. gamma: effect of I, drive and coupling on V.
    rate_max_hz, rate_v, rate_slope: the map from V to a rate.
    drive_gain: addition to I for each Hz of drive.
    """

    variables: ClassVar[tuple[str, ...]] = ("V", "W")
    coupled: ClassVar[tuple[str, ...]] = ("V",)
    default_coupling: ClassVar[Coupling] = Linear(0.01)
    rhs = staticmethod(generic_2d_oscillator)

    tau: ArrayLike = 1.0
    I: ArrayLike = 0.0  # noqa: E741
    a: ArrayLike = -2.0
    b: ArrayLike = -10.0
    c: ArrayLike = 0.0
    d: ArrayLike = 0.02
    e: ArrayLike = 3.0
    f: ArrayLike = 1.0
    g: ArrayLike = 0.0
    alpha: ArrayLike = 1.0
    beta: ArrayLike = 1.0
    gamma: ArrayLike = 1.0
    rate_max_hz: ArrayLike = 100.0
    rate_v: ArrayLike = 1.5
    rate_slope: ArrayLike = 0.4
    drive_gain: ArrayLike = 0.02

    def rate_hz(self, state: FloatArray) -> FloatArray:
        above = np.divide(state[0] - self.rate_v, self.rate_slope)
        result: FloatArray = np.multiply(self.rate_max_hz, 0.5 * (1.0 + arrays.tanh(0.5 * above)))
        return result

    def initial(self, n: int) -> FloatArray:
        """The fixed point of lowest V of an uncoupled node; 0 where there is none."""
        p = self.parameters(n)
        state = np.zeros((2, n))
        for i in range(n):
            q = {name: float(value[i]) for name, value in p.items()}
            cubic = np.array([-q["f"], q["e"], q["g"], q["gamma"] * q["I"]])
            roots = np.roots(q["beta"] * cubic + q["alpha"] * np.array([0.0, q["c"], q["b"], q["a"]]))
            real = roots[abs(roots.imag) < 1e-9].real
            if real.size and q["beta"] != 0.0:
                state[:, i] = real.min(), np.polyval([q["c"], q["b"], q["a"]], real.min()) / q["beta"]
        return state
