"""Rate to spikes: independent Poisson counts with exactly the given rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.adapter import Adapter, generator_state, restore_generator
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError
from hybrid.signals import Moments, Rates, Spikes, check_rates


class RateToPoisson(Adapter):
    """Draw, for every line and tick, a Poisson count with mean ``fibres * rate * tick``.

    Counts, not one Bernoulli draw a tick: a draw with p = rate * tick has too little variance (Fano factor 1 - p), one with
    p = 1 - exp(-rate * tick) loses about half of p of the mean. Lines are independent; draws are made in the order of ticks,
    so windows of any length give the same spikes.

    Parameters
    ----------
    fibres: each line of the target stands for this many independent fibres that all fire at the line's rate; several spikes of
        pooled fibres in one tick are a count.
    """

    accepts = Rates
    emits = Spikes

    def __init__(self, fibres: int = 1) -> None:
        if isinstance(fibres, bool) or int(fibres) != fibres or fibres < 1:
            raise ConfigurationError(f"RateToPoisson: fibres = {fibres!r} must be a whole number, 1 or above")
        self.fibres = int(fibres)

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock, self._rng = clock, rng

    def convert(self, signal: Rates) -> Spikes:
        check_rates(signal, "RateToPoisson")
        return Spikes.from_counts(
            signal.window, self._rng.poisson(signal.hz * (self.fibres * self._clock.tick_ms * 1e-3))
        )

    def expected(self, signal: Rates) -> Moments:
        mean = signal.total(self._clock) * self.fibres
        return Moments(mean, mean)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"rng": generator_state(self._rng)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        restore_generator(self._rng, state["rng"])
