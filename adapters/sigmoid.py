"""State to rate: how many spikes a potential causes."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid.adapter import Adapter, arrays
from hybrid.clock import Clock
from hybrid.errors import DivergedError
from hybrid.signals import Moments, Rates, States
from hybrid.units import number


class Sigmoid(Adapter):
    """``rate_max_hz / (1 + exp(slope (half - x)))`` of a state x, line by line.

    Jansen & Rit (1995) Biol Cybern 73:357: potentials in mV with ``rate_max_hz=5, half=6, slope=0.56``, so that the
    potential of the pyramidal cells gives their rate. Its steepest point, at ``half``, gains ``rate_max_hz slope / 4`` Hz
    for each unit of x. :class:`adapters.InverseSigmoid` goes back.

    Parameters
    ----------
    rate_max_hz: the largest rate.
    half: the state at which half of it is reached, in the state's unit.
    slope: per unit of the state, above 0.
    """

    accepts = States
    emits = Rates

    def __init__(self, rate_max_hz: Any = 5.0, half: Any = 6.0, slope: Any = 0.56) -> None:
        self.rate_max_hz = number(rate_max_hz, "hz", "Sigmoid: rate_max_hz", positive=True)
        self.half = number(half, "1", "Sigmoid: half")
        self.slope = number(slope, "1", "Sigmoid: slope", positive=True)

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock = clock

    def convert(self, signal: States) -> Rates:
        if not np.isfinite(signal.values).all():
            tick, line = (int(k) for k in np.argwhere(~np.isfinite(signal.values))[0])
            raise DivergedError(
                f"Sigmoid: state of line {line} is {signal.values[tick, line]:g} at tick "
                f"{signal.window.start + tick}; states must be finite"
            )
        return self._response(signal)

    def expected(self, signal: States) -> Moments:
        total = self._response(signal).total(self._clock)
        return Moments(total, np.zeros_like(total))

    def _response(self, signal: States) -> Rates:
        hz = self.rate_max_hz * arrays.expit(self.slope * (signal.values - self.half))
        return Rates(signal.window, signal.size, hz)
