"""Rate to spikes: independent Poisson counts with exactly the given rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.adapter import Adapter, generator_state, njit, restore_generator
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError
from hybrid.signals import MOST_SPIKES, Moments, Rates, Spikes, check_rates
from hybrid.units import FloatArray


class RateToPoisson(Adapter):
    """Draw, for every line and tick, a Poisson count with mean ``fibres * rate * tick``.

    Counts, not one Bernoulli draw a tick: a draw with p = rate * tick has too little variance (Fano factor 1 - p), one
    with p = 1 - exp(-rate * tick) loses about half of p of the mean. Lines are independent. Draws are made in the order of
    ticks, so windows of any length give the same spikes.

    Where spikes are rare, drawing their number in a tick and then the line of each is the same process (superposition), and
    costs by the spike instead of by the line.

    Parameters
    ----------
    fibres: each line of the target stands for this many independent fibres that all fire at the line's rate; several
        spikes of pooled fibres in one tick are a count.
    """

    accepts = Rates
    emits = Spikes

    def __init__(self, fibres: int = 1) -> None:
        if isinstance(fibres, bool) or not isinstance(fibres, int | float | np.integer) or fibres % 1 or fibres < 1:
            raise ConfigurationError(f"RateToPoisson: fibres = {fibres!r} must be a whole number, 1 or above")
        self.fibres = int(fibres)

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock = clock
        self._totals, self._places, self._counts = rng.spawn(3)

    def convert(self, signal: Rates) -> Spikes:
        check_rates(signal, "RateToPoisson", below_hz=MOST_SPIKES / (self.fibres * self._clock.tick_ms * 1e-3))
        up_to_line = np.cumsum(signal.hz * (self.fibres * self._clock.tick_ms * 1e-3), axis=1)
        total = up_to_line[:, -1]
        rare = total < signal.size
        few, many = (np.arange(len(total)), None) if rare.all() else (np.flatnonzero(rare), np.flatnonzero(~rare))
        rows, ids, counts = self._few(few, up_to_line)
        if many is not None:
            drawn = self._counts.poisson(signal.hz[many] * (self.fibres * self._clock.tick_ms * 1e-3))
            which, more = np.nonzero(drawn)
            rows, ids = np.concatenate([rows, many[which]]), np.concatenate([ids, more])
            counts = np.concatenate([counts, drawn[which, more]])
        return Spikes(signal.window, signal.size, rows + signal.window.start, ids, counts)

    def _few(self, rows: NDArray[np.int64], up_to_line: FloatArray) -> tuple[NDArray[np.int64], ...]:
        """Rows, lines and counts: how many spikes there are in each row and then, for each, on which line."""
        row = np.repeat(rows, self._totals.poisson(up_to_line[rows, -1]))
        size = up_to_line.shape[1]
        mark = self._places.random(row.size) * up_to_line[row, -1]
        distinct, counts = np.unique(row * size + _lines_at(up_to_line, row, mark), return_counts=True)
        return distinct // size, distinct % size, counts

    def expected(self, signal: Rates) -> Moments:
        mean = signal.total(self._clock) * self.fibres
        return Moments(mean, mean)

    def state(self) -> dict[str, NDArray[Any]]:
        return {name: generator_state(rng) for name, rng in self._streams().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        for name, rng in self._streams().items():
            restore_generator(rng, state[name])

    def _streams(self) -> dict[str, np.random.Generator]:
        return {"totals": self._totals, "places": self._places, "counts": self._counts}


@njit(nogil=True, cache=True)
def _lines_at(up_to_line: Any, row: Any, mark: Any) -> Any:
    """For each mark the first line of its row whose share reaches beyond it, by halving."""
    found = np.empty(row.size, np.int64)
    for k in range(row.size):
        low, high = 0, up_to_line.shape[1] - 1
        while low < high:
            middle = (low + high) // 2
            if up_to_line[row[k], middle] > mark[k]:
                high = middle
            else:
                low = middle + 1
        found[k] = low
    return found
