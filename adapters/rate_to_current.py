"""Rate to current: that of the synapses of many Poisson inputs, in the diffusion approximation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from adapters._synapse import Synapse
from hybrid.adapter import Adapter, generator_state, restore_generator
from hybrid.clock import Clock, Window
from hybrid.signals import Currents, Moments, Rates, check_rates
from hybrid.units import FloatArray, number


class RateToCurrent(Adapter):
    """The synaptic current of ``fibres`` independent Poisson inputs for each line, which all fire at the line's rate r.

    One spike adds ``weight_na exp(-t / tau)``, of charge ``weight_na tau``, or, as an alpha function, ``weight_na t / tau
    exp(1 - t / tau)`` with its peak ``weight_na`` at tau, of charge ``e weight_na tau``. The diffusion approximation (Amit &
    Tsodyks (1991) Network 2:259; Brunel (2000) J Comput Neurosci 8:183) puts a normal number of the mean and variance of
    the Poisson count, ``fibres r tick``, in place of the spikes of each tick. The current has the mean, variance and
    autocovariance of the shot noise, which at constant rate are Campbell's (K fibres):

        exponential    w tau K r      w^2 tau K r / 2         times exp(-lag / tau)
        alpha          e w tau K r    e^2 w^2 tau K r / 4     times (1 + lag / tau) exp(-lag / tau)

    A spike counts from the start of its tick, and the current is the exact average over each tick: all of the charge is
    delivered, whatever tau is. The variance of that average is lower than Campbell's by ``(tick / tau)^2 / 12`` (exponential)
    of it. The mean current of a tick is that of the continuous synapse at the tick's end. It costs the same for one
    fibre as for a million, but is no approximation of few: below some ten spikes in each tau draw spikes (``RateToPoisson``).

    Parameters
    ----------
    weight_na: current of one spike at its peak; negative for inhibition, as rates cannot be.
    tau_syn_ms: time constant of the synapse.
    shape: ``"exponential"`` or ``"alpha"``.
    fibres: inputs of each line.
    noise: ``False`` gives the mean current alone, also while the rate changes.
    """

    accepts = Rates
    emits = Currents

    def __init__(
        self,
        weight_na: Any = 0.01,
        tau_syn_ms: Any = 5.0,
        shape: Literal["exponential", "alpha"] = "exponential",
        fibres: int = 100,
        noise: bool = True,
    ) -> None:
        self.weight_na = number(weight_na, "na", "RateToCurrent: weight_na")
        self._synapse = Synapse(tau_syn_ms, shape, fibres, "RateToCurrent")
        self.tau_syn_ms, self.shape, self.fibres = self._synapse.tau_ms, shape, self._synapse.fibres
        self.noise = bool(noise)

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock, self._rng = clock, rng
        self._synapse.prepare(clock, source.size)
        RateToCurrent.convert(
            self, Rates.silence(Window(0, 0), source.size)
        )  # compiles now, if ever, and not in the first window

    def convert(self, signal: Rates) -> Currents:
        check_rates(signal, "RateToCurrent")
        counts = self._synapse.mean_counts(signal)
        if self.noise:
            counts = counts + np.sqrt(counts) * self._rng.standard_normal(counts.shape)
        return Currents(signal.window, signal.size, self.weight_na * self._synapse.response(counts))

    def expected(self, signal: Rates) -> Moments:
        return self.expected_of_total(signal.total(self._clock))

    def expected_of_total(self, total: FloatArray) -> Moments:
        return self._synapse.moments(total, self.weight_na, self.noise)

    def held(self) -> FloatArray:
        return self._synapse.held(self.weight_na)

    def state(self) -> dict[str, NDArray[Any]]:
        return {**self._synapse.state(), "rng": generator_state(self._rng)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._synapse.restore(state)
        restore_generator(self._rng, state["rng"])
