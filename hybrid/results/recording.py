"""What one port carried over a run, and the wish to record less than every tick of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError
from hybrid.ports import Port
from hybrid.signals import Signal
from hybrid.units import FloatArray


@dataclass(frozen=True, slots=True)
class Every:
    """Record ``port`` once every ``every_ms`` instead of at every tick.

    Parameters
    ----------
    port: a port of a continuous signal; spikes cannot be decimated.
    every_ms: length of a stretch in ms (or a Brian2 time), a whole number of ticks. Stretches begin at multiples of it.
    average: the mean over each stretch (one that the run does not complete is left out); else the sample at its start.
    """

    port: Port
    every_ms: Any = 1.0
    average: bool = True


@dataclass(frozen=True)
class Recording:
    """What one port carried over a whole run.

    ``signal`` is of the port's kind. Where ``every`` (ticks per sample) is above 1 its window counts samples, not
    ticks: sample ``k`` is the mean over the ticks ``[k * every, (k + 1) * every)`` if ``averaged``, else their first.
    """

    port: Port
    signal: Signal
    every: int
    clock: Clock
    averaged: bool = False

    @property
    def times_ms(self) -> FloatArray:
        """``[events]`` or ``[samples]``: when each begins, in ms."""
        if self.port.carries_events:
            ticks = self.signal.payload()[0]
        else:
            ticks = np.arange(self.signal.window.start, self.signal.window.stop) * self.every
        times: FloatArray = np.asarray(ticks) * self.clock.tick_ms
        return times

    def during(self, window: Window) -> Recording:
        """The events or samples that begin within ``window``, which is in ticks of the run; of a file only these are read.

        Raises
        ------
        ConfigurationError: the window reaches beyond what was recorded.
        """
        span = Window(-(-window.start // self.every), -(-window.stop // self.every))
        if self.averaged and span.stop == self.signal.window.stop + 1:  # the last stretch was not completed
            span = Window(min(span.start, span.stop - 1), span.stop - 1)
        if not self.signal.window.covers(span):
            recorded = self.signal.window
            raise ConfigurationError(
                f"{self.port} was recorded over [{recorded.start * self.every}, {recorded.stop * self.every}), which does "
                f"not cover {window}"
            )
        return replace(self, signal=self.signal.during(span))
