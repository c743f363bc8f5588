"""Rate to spikes: Poisson lines that fire together now and then, each with exactly its given rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hybrid.adapter import Adapter, generator_state, njit, restore_generator
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError
from hybrid.signals import MOST_SPIKES, Moments, Rates, Spikes, check_rates
from hybrid.units import number


class CorrelatedPoisson(Adapter):
    """Draw Poisson spikes whose counts on any two lines of equal rate have the given correlation, in windows of any length.

    Kuhn, Aertsen & Rotter 2003 (Neural Comput 15:67), for lines of rate r and correlation c:

    - ``"multiple"``: each line keeps each spike of a mother train of rate ``r / c`` with chance c. Common spikes reach about
      ``c n`` of the n lines.
    - ``"single"``: all lines have the spikes of one train of rate ``c r`` in common, and others of rate ``(1 - c) r`` of their
      own. Common spikes reach all lines.

    Where rates differ, both are drawn for the highest rate R of the tick, every common spike with one mark, uniform in 0 to
    1, and line j has it only if the mark is below ``r[j] / R`` (own spikes are thinned alike). Each line is then Poisson of
    exactly its own rate, and the covariance of two counts is c times the integral of the lower of both rates: for constant
    rates their correlation is ``c sqrt(lower / higher)``.

    Spikes in common fall into the same tick. The sum over lines has the variance ``n r T (1 + (n - 1) c)`` for equal rates,
    which is declared.

    Parameters
    ----------
    correlation: c, at least 0 (independent lines), below 1.
    method: ``"multiple"`` or ``"single"`` interaction process.
    """

    accepts = Rates
    emits = Spikes

    def __init__(self, correlation: float = 0.1, method: Literal["multiple", "single"] = "multiple") -> None:
        self.correlation = number(correlation, "1", "CorrelatedPoisson: correlation", at_least=0.0)
        if self.correlation >= 1:
            raise ConfigurationError(f"CorrelatedPoisson: correlation = {self.correlation:g} must be below 1")
        if method not in ("multiple", "single"):
            raise ConfigurationError(
                f"CorrelatedPoisson: method = {method!r} is not known; give 'multiple' or 'single'"
            )
        self.method = method

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock, self._rng = clock, rng

    def convert(self, signal: Rates) -> Spikes:
        check_rates(signal, "CorrelatedPoisson", below_hz=MOST_SPIKES / (self._clock.tick_ms * 1e-3))
        means = np.multiply(signal.hz, self._clock.tick_ms * 1e-3, order="C")
        counts = np.zeros(means.shape, np.int32)
        draw = _multiple if self.method == "multiple" and self.correlation > 0 else _single
        draw(means, self.correlation, self._rng, counts)
        return Spikes.from_counts(signal.window, counts)

    def expected(self, signal: Rates) -> Moments:
        mean = signal.total(self._clock)
        ascending = np.sort(signal.hz, axis=1).sum(axis=0)
        lower_of_pairs = ascending @ np.arange(signal.size - 1, -1, -1) * (self._clock.tick_ms * 1e-3)
        return Moments(mean, mean, variance_of_sum=float(mean.sum() + 2 * self.correlation * lower_of_pairs))

    def state(self) -> dict[str, NDArray[Any]]:
        return {"rng": generator_state(self._rng)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        restore_generator(self._rng, state["rng"])


@njit(nogil=True, cache=True)
def _multiple(means: Any, c: float, rng: Any, counts: Any) -> None:
    """Draw only those mother spikes that some line keeps, the first such line, and the gaps to the next ones."""
    size = means.shape[1]
    log_miss = np.log1p(-c)
    kept_by_some = -np.expm1(size * log_miss)
    for t in range(means.shape[0]):
        highest = means[t].max()
        if highest > 0:
            for _ in range(rng.poisson(highest * kept_by_some / c)):
                level = rng.random() * highest
                line = int(np.log1p(-rng.random() * kept_by_some) / log_miss)
                while line < size:
                    if level < means[t, line]:
                        counts[t, line] += 1
                    gap = np.log1p(-rng.random()) / log_miss
                    if gap >= size:
                        break
                    line += 1 + int(gap)


@njit(nogil=True, cache=True)
def _single(means: Any, c: float, rng: Any, counts: Any) -> None:
    """Draw the common spikes, then the number of all own ones and the line of each."""
    size = means.shape[1]
    for t in range(means.shape[0]):
        highest = means[t].max()
        if highest > 0:
            for _ in range(rng.poisson(highest * c)):
                level = rng.random() * highest
                for line in range(size):
                    if level < means[t, line]:
                        counts[t, line] += 1
            for _ in range(rng.poisson(highest * (1 - c) * size)):
                level = rng.random() * highest
                line = int(rng.random() * size)
                if level < means[t, line]:
                    counts[t, line] += 1
