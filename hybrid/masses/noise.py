"""How strongly which variables of a network are kicked by noise, white or coloured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hybrid.errors import ConfigurationError, answers_slips, unknown
from hybrid.units import FloatArray, array, number


class Noise:
    """Noise ``dx = f(x) dt + sigma dW``, independent for every variable and node.

    Parameters
    ----------
    sigma: for each noisy variable its strength, a number or one for each node, at least 0; or one number for all
        variables. Its unit is that of the variable over the square root of the model's time unit, so a variable gains
        the variance ``sigma**2`` in one time unit (The Virtual Brain's ``nsig`` is ``sigma**2 / 2``).
    multiplicative: ``dx = f(x) dt + sigma x dW`` instead; sigma is then per square root of the time unit. Integrator
        "euler" gives the solution in the sense of Itô (Euler-Maruyama), "heun" and "rk4" that of Stratonovich.
    tau_ms: time of correlation. The noise is then Ornstein and Uhlenbeck's, ``dx = f(x) dt + sigma eta dt`` with
        ``tau d eta = -eta dt + dW``: as strong as the white one at low frequencies, which it becomes when tau goes to 0.
        It is stationary from the start, its steps are exact (Gillespie 1996, Phys Rev E 54:2084), and with
        ``multiplicative`` it stands in the place of dW.

    The numbers depend on the seed of the run, the name of the network, tick, node and variable, and on nothing else.
    """

    @answers_slips
    def __init__(
        self, sigma: float | Mapping[str, ArrayLike], *, multiplicative: bool = False, tau_ms: Any = None
    ) -> None:
        self.sigma: FloatArray | dict[str, FloatArray]
        if isinstance(sigma, Mapping):
            self.sigma = {name: array(value, "1", f"sigma of {name}") for name, value in sigma.items()}
        else:
            self.sigma = array(sigma, "1", "sigma")
        if not isinstance(multiplicative, bool):
            raise ConfigurationError(f"multiplicative = {multiplicative!r} of a noise; give True or False")
        self.multiplicative = multiplicative
        self.tau_ms = None if tau_ms is None else number(tau_ms, "ms", "tau_ms of a noise", positive=True)

    def rows(self, variables: tuple[str, ...], n: int) -> FloatArray:
        """``[variable, node]``: sigma of every variable, 0 for those without noise."""
        given = self.sigma if isinstance(self.sigma, dict) else dict.fromkeys(variables, self.sigma)
        result = np.zeros((len(variables), n))
        for name, sigma in given.items():
            if name not in variables:
                raise unknown("noise on variable", name, variables)
            result[variables.index(name)] = one_for_each(sigma, n, f"sigma of {name}")
        if (result < 0).any():
            raise ConfigurationError(f"sigma = {result.min():g} is below 0; give its size")
        return result

    def describe(self) -> dict[str, Any]:
        sigma = self.sigma
        plain = {k: v.tolist() for k, v in sigma.items()} if isinstance(sigma, dict) else sigma.tolist()
        return {"kind": "Noise", "sigma": plain, "multiplicative": self.multiplicative, "tau_ms": self.tau_ms}


def one_for_each(value: ArrayLike, n: int, what: str) -> FloatArray:
    """A number, or an array of ``n``, as an array of ``n``."""
    given = array(value, "1", what)
    if given.shape not in ((), (n,)):
        raise ConfigurationError(f"{what} has shape {given.shape} for {n} nodes; give one number or {n}")
    return np.broadcast_to(given, n)
