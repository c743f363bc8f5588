"""Spikes to spikes: only some of the lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.adapter import Adapter
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, WiringError
from hybrid.signals import Moments, Spikes
from hybrid.units import FloatArray, whole_numbers


class Subset(Adapter):
    """Pass on the spikes of the lines ``ids``, and of no other: line ``ids[k]`` becomes line ``k``.

    Nothing is random and nothing of these lines is lost.

    Parameters
    ----------
    ids: lines of the source, from 0, each at most once, in the order in which they shall come out. ``None`` takes every
        second one, from the first on, of a source of any size.
    """

    accepts = Spikes
    emits = Spikes

    def __init__(self, ids: Sequence[int] | None = None) -> None:
        self.ids = None if ids is None else _distinct(ids)

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock = clock
        size = self.emitted_size(source.size)
        self._ids = np.arange(0, source.size, 2) if self.ids is None else self.ids
        self._place = np.full(source.size, -1)
        self._place[self._ids] = np.arange(size)

    def emitted_size(self, size: int) -> int:
        if self.ids is None:
            return (size + 1) // 2
        if self.ids.max() >= size:
            raise WiringError(f"Subset: there is no line {self.ids.max()}; the source has {size}, counted from 0")
        return len(self.ids)

    def convert(self, signal: Spikes) -> Spikes:
        place = self._place[signal.ids]
        chosen = place >= 0
        return Spikes(signal.window, len(self._ids), signal.ticks[chosen], place[chosen], signal.counts[chosen])

    def expected(self, signal: Spikes) -> Moments:
        return self.expected_of_total(signal.total(self._clock))

    def expected_of_total(self, total: FloatArray) -> Moments:
        chosen = total[self._ids]
        return Moments(chosen, np.zeros_like(chosen))

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "ids": None if self.ids is None else self.ids.tolist()}


def _distinct(ids: Sequence[int]) -> NDArray[np.int64]:
    given = whole_numbers(ids, np.int64, "Subset: ids", at_least=0)
    if not given.size:
        raise ConfigurationError(f"Subset: ids = {ids!r} must be numbers of lines, at least one")
    if len(np.unique(given)) != len(given):
        raise ConfigurationError(f"Subset: ids = {ids!r} name a line twice; copies of spikes are a matter of weights")
    return given.copy()
