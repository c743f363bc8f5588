"""Spikes to spikes: only some of the lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybrid.adapter import Adapter
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, WiringError
from hybrid.signals import Moments, Spikes


class Subset(Adapter):
    """Pass on the spikes of the lines ``ids``, and of no other: line ``ids[k]`` becomes line ``k``.

    Nothing is random and nothing of these lines is lost.

    Parameters
    ----------
    ids: lines of the source, from 0, each at most once, in the order in which they shall come out.
    """

    accepts = Spikes
    emits = Spikes

    def __init__(self, ids: Sequence[int]) -> None:
        given: Any = np.asarray(ids)
        if given.ndim != 1 or not given.size or given.dtype.kind not in "iu" or given.min() < 0:
            raise ConfigurationError(f"Subset: ids = {ids!r} must be numbers of lines, whole numbers, 0 or above")
        if len(np.unique(given)) != len(given):
            raise ConfigurationError(
                f"Subset: ids = {ids!r} name a line twice; copies of spikes are a matter of weights"
            )
        self.ids = np.array(given, np.int64)

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock = clock
        self._place = np.full(source.size, -1)
        self._place[self.ids] = np.arange(self.emitted_size(source.size))

    def emitted_size(self, size: int) -> int:
        if self.ids.max() >= size:
            raise WiringError(f"Subset: there is no line {self.ids.max()}; the source has {size}, counted from 0")
        return len(self.ids)

    def convert(self, signal: Spikes) -> Spikes:
        place = self._place[signal.ids]
        chosen = place >= 0
        return Spikes(signal.window, len(self.ids), signal.ticks[chosen], place[chosen], signal.counts[chosen])

    def expected(self, signal: Spikes) -> Moments:
        total = signal.total(self._clock)[self.ids]
        return Moments(total, np.zeros_like(total))

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "ids": self.ids.tolist()}
