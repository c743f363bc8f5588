"""A population whose rate follows a sigmoid function of the rates it receives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hybrid.errors import ConfigurationError
from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.functions import exp
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


def signed_rate(state: Any, p: Any) -> tuple[float]:
    """What others feel of a population."""
    return (p.sign * state[0],)


def firing_rate(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Nevado-Holgado et al. (2010), the equations of their model."""
    into = coupling[0] + p.input_hz + p.drive_gain * drive_hz
    response = p.max_hz / (1.0 + p.odds * exp(-4.0 * into / p.max_hz))
    return ((response - state[0]) / p.tau_ms,)


@dataclass(frozen=True, eq=False)
class FiringRate(MassModel):
    """``tau_ms dy/dt = F(input) - y`` with ``F(x) = max_hz / (1 + (max_hz - base_hz) / base_hz exp(-4 x / max_hz))``.

    The response F is that of Nevado-Holgado, Terry & Bogacz (2010) Conditions for the generation of beta oscillations in
    the subthalamic nucleus-globus pallidus network, J Neurosci 30:12340: ``base_hz`` without input, ``max_hz`` at most, and
    of slope 1 where it is steepest, at half of that.

    Variable: ``y``, the rate, Hz. Others feel ``sign y``, as an addition to the input: the weights of a connectome are not
    below 0, so that it is the population that excites or inhibits, all its targets alike (Dale's principle).

    As a rate: y. A drive adds ``drive_gain * drive_hz`` to the input.

    Parameters (numbers or arrays ``[node]``)
    ----------
    tau_ms: time constant. max_hz, base_hz: of the response.
    input_hz: constant input, Hz, that is, a rate times the weight it has.
    sign: 1 of an excitatory population, -1 of an inhibitory one.
    drive_gain: weight of the drive.
    """

    variables: ClassVar[tuple[str, ...]] = ("y",)
    coupled: ClassVar[tuple[str, ...]] = ("y",)
    units: ClassVar[dict[str, str]] = {"y": "Hz"}
    default_coupling: ClassVar[Coupling] = Linear(1.0)
    rhs = staticmethod(firing_rate)
    emitted = staticmethod(signed_rate)

    tau_ms: ArrayLike = 10.0
    max_hz: ArrayLike = 300.0
    base_hz: ArrayLike = 17.0
    input_hz: ArrayLike = 0.0
    sign: ArrayLike = 1.0
    drive_gain: ArrayLike = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sign(self)
        if not (np.greater(self.base_hz, 0.0) & np.less(self.base_hz, self.max_hz)).all():
            raise ConfigurationError(
                f"FiringRate.base_hz = {self.base_hz} and max_hz = {self.max_hz}; give a base rate above 0 and below the "
                "largest rate"
            )

    def derived(self) -> dict[str, Any]:
        return {"odds": np.divide(self.max_hz, self.base_hz) - 1.0}

    def rate_hz(self, state: FloatArray) -> FloatArray:
        result: FloatArray = np.maximum(state[0], 0.0)
        return result

    def initial(self, n: int) -> FloatArray:
        """The base rate."""
        return self.parameters(n)["base_hz"][None].copy()


def check_sign(model: Any) -> None:
    """``ConfigurationError`` where a population neither excites nor inhibits."""
    if not np.isin(model.sign, (-1.0, 1.0)).all():
        raise ConfigurationError(
            f"{type(model).__name__}.sign = {model.sign}; give 1 of an excitatory population and -1 of an inhibitory one"
        )
