"""Rate to conductance: that of the synapses of many Poisson inputs, never below 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from adapters._synapse import Synapse
from hybrid.adapter import Adapter, generator_state, restore_generator
from hybrid.clock import Clock, Window
from hybrid.signals import Moments, Rates, States, check_rates
from hybrid.units import FloatArray, number


class RateToConductance(Adapter):
    """The synaptic conductance, nS, of ``fibres`` independent Poisson inputs for each line, which all fire at the line's rate.

    As :class:`adapters.RateToCurrent`, but the target is a ``States`` port in nS, and the neuron multiplies with its driving
    force: the point conductance of Destexhe, Rudolph, Fellous & Sejnowski (2001) Neuroscience 107:13, at rates that may
    change. Normal numbers in place of the spikes of a tick could make a conductance negative, so here Poisson counts are drawn,
    one for all fibres of a line: it is the shot noise itself, whose mean, variance and autocovariance are Campbell's.

    Parameters
    ----------
    weight_ns: conductance of one spike at its peak, above 0; which way the current flows is up to the reversal potential.
    tau_syn_ms: time constant of the synapse.
    shape: ``"exponential"`` or ``"alpha"``.
    fibres: inputs of each line.
    noise: ``False`` gives the mean conductance alone, also while the rate changes.
    """

    accepts = Rates
    emits = States
    unit = "nS"

    def __init__(
        self,
        weight_ns: Any = 1.0,
        tau_syn_ms: Any = 5.0,
        shape: Literal["exponential", "alpha"] = "exponential",
        fibres: int = 100,
        noise: bool = True,
    ) -> None:
        self.weight_ns = number(weight_ns, "ns", "RateToConductance: weight_ns", positive=True)
        self._synapse = Synapse(tau_syn_ms, shape, fibres, "RateToConductance")
        self.tau_syn_ms, self.shape, self.fibres = self._synapse.tau_ms, shape, self._synapse.fibres
        self.noise = bool(noise)

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock, self._rng = clock, rng
        self._synapse.prepare(clock, source.size)
        RateToConductance.convert(
            self, Rates.silence(Window(0, 0), source.size)
        )  # compiles now, if ever, and not in the first window

    def convert(self, signal: Rates) -> States:
        check_rates(signal, "RateToConductance", below_hz=self._synapse.highest_rate_hz)
        counts = self._synapse.mean_counts(signal)
        if self.noise:
            counts = self._rng.poisson(counts).astype(np.float64)
        return States(signal.window, signal.size, self.weight_ns * self._synapse.response(counts))

    def expected(self, signal: Rates) -> Moments:
        return self.expected_of_total(signal.total(self._clock))

    def expected_of_total(self, total: FloatArray) -> Moments:
        return self._synapse.moments(total, self.weight_ns, self.noise)

    def held(self) -> FloatArray:
        return self._synapse.held(self.weight_ns)

    def state(self) -> dict[str, NDArray[Any]]:
        return {**self._synapse.state(), "rng": generator_state(self._rng)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._synapse.restore(state)
        restore_generator(self._rng, state["rng"])
