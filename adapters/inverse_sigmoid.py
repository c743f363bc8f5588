"""Rate to state: which potential causes that many spikes."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid.adapter import Adapter, arrays
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, DivergedError
from hybrid.signals import Moments, Rates, States, check_rates
from hybrid.units import FloatArray, number


class InverseSigmoid(Adapter):
    """The state x at which :class:`adapters.Sigmoid` gives the rate: ``half - log(rate_max_hz / rate - 1) / slope``.

    Jansen & Rit (1995) Biol Cybern 73:357, solved for the potential: ``rate_max_hz=5, half=6, slope=0.56`` in mV, as by
    default. No potential gives 0 Hz, nor ``rate_max_hz`` or more. Such rates are brought to the nearest that ``clip`` allows,
    as every line is silent before the first signal has arrived; ``clip=None`` refuses them.

    Parameters
    ----------
    rate_max_hz, half, slope: as in :class:`adapters.Sigmoid`.
    clip: as a share of ``rate_max_hz``, above 0 and below 0.5: rates are brought between ``clip`` and ``1 - clip`` of it.
        ``None`` refuses what has no potential: for rates that are never 0.
    """

    accepts = Rates
    emits = States

    def __init__(self, rate_max_hz: Any = 5.0, half: Any = 6.0, slope: Any = 0.56, clip: Any = 0.001) -> None:
        self.rate_max_hz = number(rate_max_hz, "hz", "InverseSigmoid: rate_max_hz", positive=True)
        self.half = number(half, "1", "InverseSigmoid: half")
        self.slope = number(slope, "1", "InverseSigmoid: slope", positive=True)
        self.clip = None if clip is None else number(clip, "1", "InverseSigmoid: clip", positive=True)
        if self.clip is not None and self.clip >= 0.5:
            raise ConfigurationError(f"InverseSigmoid: clip = {self.clip:g} must be below 0.5")

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock = clock

    @property
    def highest_rate_hz(self) -> float:
        return self.rate_max_hz  # what is higher is clipped, or refused

    def convert(self, signal: Rates) -> States:
        check_rates(signal, "InverseSigmoid")
        outside = (signal.hz <= 0) | (signal.hz >= self.rate_max_hz)
        if self.clip is None and outside.any():
            tick, line = (int(k) for k in np.argwhere(outside)[0])
            raise DivergedError(
                f"InverseSigmoid: rate of line {line} is {signal.hz[tick, line]:g} Hz at tick "
                f"{signal.window.start + tick}, not between 0 and {self.rate_max_hz:g} Hz; raise rate_max_hz, "
                f"or give clip=0.001"
            )
        return self._states(signal)

    def expected(self, signal: Rates) -> Moments:
        total = self._states(signal).total(self._clock)
        return Moments(total, np.zeros_like(total))

    def _states(self, signal: Rates) -> States:
        share: FloatArray = signal.hz / self.rate_max_hz
        if self.clip is not None:
            share = np.clip(share, self.clip, 1 - self.clip)
        return States(signal.window, signal.size, self.half + arrays.logit(share) / self.slope)
