"""Rate to rate: a gain and an offset."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid.adapter import Adapter
from hybrid.clock import Clock
from hybrid.signals import Moments, Rates, check_rates
from hybrid.units import FloatArray, number


class Affine(Adapter):
    """``gain * rate + offset_hz``, line by line.

    A negative gain or offset may give values below 0. A mass takes them; what makes spikes of rates refuses them.
    A connection's weights are gains too and come after this, so the offset is weighed, summed over sources and delayed.

    Parameters
    ----------
    gain: Hz for each Hz.
    offset_hz: what comes out at 0 Hz.
    """

    accepts = Rates
    emits = Rates

    def __init__(self, gain: Any = 1.0, offset_hz: Any = 0.0) -> None:
        self.gain = number(gain, "1", "Affine: gain")
        self.offset_hz = number(offset_hz, "hz", "Affine: offset_hz")

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock = clock

    def convert(self, signal: Rates) -> Rates:
        check_rates(signal, "Affine")
        return Rates(signal.window, signal.size, self.gain * signal.hz + self.offset_hz)

    def expected(self, signal: Rates) -> Moments:
        seconds = len(signal.window) * self._clock.tick_ms * 1e-3
        mean: FloatArray = self.gain * signal.total(self._clock) + self.offset_hz * seconds
        return Moments(mean, np.zeros_like(mean))
