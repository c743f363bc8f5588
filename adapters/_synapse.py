"""The synapse of many Poisson inputs: what a spike leaves behind, filtered tick by tick with a carried memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from adapters._filters import filter_in_place
from hybrid.adapter import arrays, check_fits
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError
from hybrid.signals import MOST_SPIKES, Moments, Rates
from hybrid.units import FloatArray, number

_AREAS = {"exponential": 1.0, "alpha": float(np.e)}  # integral of a response of weight 1, in time constants


class Synapse:
    """Turns counts of spikes into the summed response of a synapse of weight 1, averaged over each tick.

    A spike counts from the start of its tick. Of its response the share ``P((n + 1) d) - P(n d)`` falls into the n-th tick from
    there, with ``d = tick / tau``, ``P(x) = 1 - exp(-x)`` (exponential) or ``1 - (1 + x) exp(-x)`` (alpha): the exact average
    over the tick, and the shares add up to 1. With ``a = exp(-d)`` it is the filter ``y[n] = a y[n-1] + (1 - a) x[n]``; for
    alpha another of that decay follows, whose input counts in the tick in which it comes and in the next.

    Parameters
    ----------
    tau_syn_ms: time constant.
    shape: ``"exponential"``, ``exp(-t / tau)``, or ``"alpha"``, ``t / tau exp(1 - t / tau)``.
    fibres: inputs of each line.
    what: the adapter, for messages.
    """

    def __init__(self, tau_syn_ms: Any, shape: str, fibres: Any, what: str) -> None:
        self.tau_ms = number(tau_syn_ms, "ms", f"{what}: tau_syn_ms", positive=True)
        if shape not in _AREAS:
            raise ConfigurationError(f"{what}: shape = {shape!r} is not known; give 'exponential' or 'alpha'")
        whole = number(fibres, "1", f"{what}: fibres")
        if whole < 1 or whole % 1:
            raise ConfigurationError(f"{what}: fibres = {fibres!r} must be a whole number, 1 or above")
        self.fibres, self._shape = int(whole), shape
        self._area_s = _AREAS[shape] * self.tau_ms * 1e-3

    def prepare(self, clock: Clock, lines: int) -> None:
        self._tick_s = clock.tick_ms * 1e-3
        in_tau = clock.tick_ms / self.tau_ms
        self._keep = float(arrays.exp(-in_tau))
        gain = 1 - self._keep
        self._stages = [[gain, 0.0]]
        if self._shape == "alpha":
            first = float(gammainc(2.0, in_tau)) / gain  # P(d), without the loss of digits of its formula
            self._stages.append([first, gain - first])
        self._memory = np.zeros((len(self._stages), lines))  # what each stage starts the next tick from

    @property
    def highest_rate_hz(self) -> float:
        """Beyond it the fibres' spikes in a tick cannot be drawn."""
        return MOST_SPIKES / (self.fibres * self._tick_s)

    def mean_counts(self, rates: Rates) -> FloatArray:
        """Spikes of all fibres expected in each tick ``[ticks, lines]``."""
        counts: FloatArray = rates.hz * (self.fibres * self._tick_s)
        return counts

    def response(self, counts: FloatArray) -> FloatArray:
        """To so many spikes in each tick, with a weight of 1, ``[ticks, lines]``."""
        shares: FloatArray = np.array(counts, order="C")
        for stage, (now, later) in enumerate(self._stages):
            filter_in_place(shares, now, later, self._keep, self._memory[stage])
        response: FloatArray = shares * (self._area_s / self._tick_s)
        return response

    def moments(self, total: FloatArray, weight: float, noise: bool) -> Moments:
        """Of the integral of the response to rates of this ``total``, now or later, in (unit of weight) x seconds."""
        spikes, charge = self.fibres * total, weight * self._area_s
        return Moments(charge * spikes, (charge**2 if noise else 0.0) * spikes)

    def held(self, weight: float) -> FloatArray:
        """The integral of what is still to come from earlier spikes."""
        left: FloatArray = self._memory.sum(axis=0) / (1 - self._keep) * (weight * self._area_s)
        return left

    def state(self) -> dict[str, NDArray[Any]]:
        return {"memory": self._memory.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_fits("the synapse of an adapter", state, self.state())
        self._memory = np.array(state["memory"], dtype=np.float64)
