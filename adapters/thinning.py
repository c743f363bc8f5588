"""Spikes to spikes: each is kept with the same probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.adapter import Adapter, generator_state, restore_generator
from hybrid.clock import Clock
from hybrid.signals import Moments, Spikes
from hybrid.units import FloatArray, number


class Thinning(Adapter):
    """Keep every spike with probability ``keep``, independently of all others: a synapse that fails, or a sample.

    Of ``n`` spikes of a line and tick a binomial number stays, mean ``n keep``, variance ``n keep (1 - keep)``. A Poisson
    process of rate r becomes one of rate ``keep r``; what is thinned twice has kept ``keep^2``. Draws are made in the order of
    ticks and lines.

    Parameters
    ----------
    keep: probability, 0 to 1.
    """

    accepts = Spikes
    emits = Spikes

    def __init__(self, keep: Any = 0.5) -> None:
        self.keep = number(keep, "1", "Thinning: keep", at_least=0.0, at_most=1.0)

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock, self._rng = clock, rng

    def convert(self, signal: Spikes) -> Spikes:
        kept = self._rng.binomial(signal.counts, self.keep)
        some = kept > 0
        return Spikes(signal.window, signal.size, signal.ticks[some], signal.ids[some], kept[some])

    def expected(self, signal: Spikes) -> Moments:
        return self.expected_of_total(signal.total(self._clock))

    def expected_of_total(self, total: FloatArray) -> Moments:
        mean = total * self.keep
        return Moments(mean, mean * (1 - self.keep))

    def state(self) -> dict[str, NDArray[Any]]:
        return {"rng": generator_state(self._rng)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        restore_generator(self._rng, state["rng"])
