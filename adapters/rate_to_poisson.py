"""Rate to spikes: independent Poisson counts with exactly the given rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.adapter import Adapter, Uniforms, exp, generator_state, njit, restore_generator
from hybrid.clock import Clock, Window
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
        self._clock, self._fibre_s = clock, self.fibres * (clock.tick_ms * 1e-3)  # seconds of fibres in a tick
        self._below_hz = MOST_SPIKES / self._fibre_s
        totals, places, self._counts = rng.spawn(3)
        self._totals, self._places = Uniforms(totals), Uniforms(places)
        RateToPoisson.convert(
            self, Rates.silence(Window(0, 0), source.size)
        )  # compiles now, if ever, and not in the first window

    def convert(self, signal: Rates) -> Spikes:
        while True:
            status, totals, places, *events = _draw(
                signal.hz, self._fibre_s, self._below_hz, self._totals.ahead, self._places.ahead, signal.window.start
            )
            if status == _DRAWN:
                self._totals.used(totals)
                self._places.used(places)
                return Spikes.of(signal.window, signal.size, *events)
            if status == _MANY:
                return self._many(signal)
            if status == _NO_RATE:
                check_rates(signal, "RateToPoisson", below_hz=self._below_hz)  # says which
            (self._totals if status == _TOTALS_LACK else self._places).more()

    def _many(self, signal: Rates) -> Spikes:
        """Where spikes are many in some tick; in ticks that have more than lines, each line draws its own number."""
        means = signal.hz * self._fibre_s
        up_to_line = np.cumsum(means, axis=1)
        few = up_to_line[:, -1] < signal.size
        drawn = np.zeros(len(few), np.int64)
        drawn[few] = self._totals.generator().poisson(up_to_line[few, -1])
        marks = self._places.generator().random(drawn.sum())
        counts = np.zeros(means.shape, np.int64)
        ticks, ids, of_few = _placed(up_to_line, drawn, marks, 0)
        counts[ticks, ids] = of_few
        counts[~few] = self._counts.poisson(means[~few])
        return Spikes.from_counts(signal.window, counts)

    def expected(self, signal: Rates) -> Moments:
        return self.expected_of_total(signal.total(self._clock))

    def expected_of_total(self, total: FloatArray) -> Moments:
        return Moments(total * self.fibres, total * self.fibres)

    def state(self) -> dict[str, NDArray[Any]]:
        return {name: generator_state(rng) for name, rng in self._streams().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        for name, rng in self._streams().items():
            restore_generator(rng, state[name])

    def _streams(self) -> dict[str, np.random.Generator]:
        return {"totals": self._totals.generator(), "places": self._places.generator(), "counts": self._counts}


_DRAWN, _MANY, _NO_RATE, _TOTALS_LACK, _PLACES_LACK = range(5)
_BY_PRODUCTS = 10.0  # numpy draws Poisson counts of a mean below it as products of uniform numbers, others by rejection


@njit(nogil=True, cache=True)
def _placed(up_to_line: Any, drawn: Any, marks: Any, start: int) -> Any:
    """Ticks, lines and counts of the spikes ``drawn[tick]``: each is on the first line whose share reaches beyond its mark."""
    ticks, ids = np.empty(marks.size, np.int64), np.empty(marks.size, np.int32)
    counts = np.empty(marks.size, np.int32)
    done = end = 0
    for t in range(drawn.size):
        lines, begin = np.empty(drawn[t], np.int32), end
        for k in range(lines.size):
            mark, low, high = marks[done + k] * up_to_line[t, -1], 0, up_to_line.shape[1] - 1
            while low < high:  # by halving
                middle = (low + high) // 2
                if up_to_line[t, middle] > mark:
                    high = middle
                else:
                    low = middle + 1
            lines[k] = low
        lines.sort()
        for line in lines:
            if end > begin and ids[end - 1] == line:
                counts[end - 1] += 1
            else:
                ticks[end], ids[end], counts[end] = start + t, line, 1
                end += 1
        done += lines.size
    return ticks[:end], ids[:end], counts[:end]


@njit(nogil=True, cache=True)
def _draw(hz: Any, fibre_s: float, below_hz: float, totals: Any, places: Any, start: int) -> Any:
    """How it went, how many numbers of ``totals`` and ``places`` were used, and ticks, lines and counts of the spikes.

    The number of spikes in each tick is drawn as ``numpy.random.Generator.poisson`` does, to the bit: Knuth's way.
    """
    up_to_line, drawn = np.empty(hz.shape), np.zeros(hz.shape[0], np.int64)
    none = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32)
    status, used, spikes = _DRAWN, 0, 0
    for t in range(hz.shape[0]):
        total = 0.0
        for line in range(hz.shape[1]):
            if not 0.0 <= hz[t, line] < below_hz:  # true too for nan
                return _NO_RATE, 0, 0, none[0], none[1], none[2]
            total += hz[t, line] * fibre_s
            up_to_line[t, line] = total
        if total >= min(_BY_PRODUCTS, hz.shape[1]):
            status = _MANY
        elif status == _DRAWN and total > 0.0:
            product, least = 1.0, exp(-total)
            while True:
                if used == totals.size:
                    status = _TOTALS_LACK
                    break
                product *= totals[used]
                used += 1
                if product <= least:
                    break
                drawn[t] += 1
            spikes += drawn[t]
    if status == _DRAWN and spikes > places.size:
        status = _PLACES_LACK
    if status != _DRAWN:
        return status, 0, 0, none[0], none[1], none[2]
    ticks, ids, counts = _placed(up_to_line, drawn, places[:spikes], start)
    return status, used, spikes, ticks, ids, counts
