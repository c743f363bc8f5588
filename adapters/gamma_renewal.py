"""Rate to spikes: a renewal process, more or less regular than Poisson, that follows the given rate exactly."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from hybrid.adapter import Adapter, check_fits, generator_state, njit, restore_generator
from hybrid.clock import Clock
from hybrid.signals import MOST_SPIKES, Moments, Rates, Spikes, check_rates
from hybrid.units import FloatArray, number


class GammaRenewal(Adapter):
    """Draw, for every line, spikes whose intervals are gamma distributed with the coefficient of variation ``cv``.

    The intervals are those of operational time, the integral of the rate (Brown et al. 2002, Neural Comput 14:325): a
    unit-rate gamma process of shape ``1 / cv**2`` there is one of the given rate here, whatever the rate does. The first
    interval is what is left of one met at random (Cox 1962, Renewal Theory, ch. 5), so that the mean is right from tick 0 on.
    Lines are independent; several spikes of a line in one tick are a count.

    Declared is the exact variance of the count since tick 0 (Cox 1962, section 4.5), window by window what it grows by. That
    may be less than nothing where spikes are regular. A mean of m has a variance close to m while m is small, and
    ``cv**2 m + (1 - cv**4) / 6`` in the end.

    Parameters
    ----------
    cv: coefficient of variation of the intervals, 0.1 to 3; 1 is Poisson, below it spikes are more regular, above it they
        come in bursts.
    """

    accepts = Rates
    emits = Spikes

    def __init__(self, cv: float = 0.5) -> None:
        self.cv = number(cv, "1", "GammaRenewal: cv", at_least=0.1, at_most=3.0)

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock, self._rng, self._shape = clock, rng, self.cv**-2
        met_at_random = (
            rng.standard_gamma(self._shape + 1, source.size) / self._shape
        )  # long intervals are met more often
        self._left = rng.random(source.size) * met_at_random  # operational time until the next spike
        self._elapsed = np.zeros(source.size)  # operational time since tick 0

    def convert(self, signal: Rates) -> Spikes:
        check_rates(signal, "GammaRenewal", below_hz=MOST_SPIKES / (self._clock.tick_ms * 1e-3))
        counts = np.zeros(signal.hz.shape, np.int32)
        steps = np.multiply(signal.hz, self._clock.tick_ms * 1e-3, order="C")
        _advance(steps, self._left, self._shape, self._rng, counts)
        self._elapsed += signal.total(self._clock)
        return Spikes.from_counts(signal.window, counts)

    def expected(self, signal: Rates) -> Moments:
        mean = signal.total(self._clock)
        before = np.maximum(self._elapsed - mean, 0.0)
        return Moments(mean, _variance(self._elapsed, self.cv) - _variance(before, self.cv))

    def state(self) -> dict[str, NDArray[Any]]:
        return {"left": self._left.copy(), "elapsed": self._elapsed.copy(), "rng": generator_state(self._rng)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_fits(type(self).__name__, state, self.state())
        self._left, self._elapsed = (np.array(state[name], dtype=np.float64) for name in ("left", "elapsed"))
        restore_generator(self._rng, state["rng"])


@njit(nogil=True, cache=True)
def _advance(steps: Any, left: Any, shape: float, rng: Any, counts: Any) -> None:
    """Take each tick's ``steps[ticks, lines]`` off what is ``left`` of the line's interval; at its end is a spike."""
    for t in range(steps.shape[0]):
        for line in range(steps.shape[1]):
            left[line] -= steps[t, line]
            while left[line] <= 0.0:
                counts[t, line] += 1
                left[line] += rng.standard_gamma(shape) / shape


def _variance(mean: FloatArray, cv: float) -> FloatArray:
    """Of the number of spikes within the operational time ``mean``."""
    means, variances = _table(cv)
    asymptotic = cv**2 * mean + (1 - cv**4) / 6
    return np.where(mean < means[-1], np.interp(mean, means, variances), asymptotic)


@lru_cache(maxsize=16)
def _table(cv: float) -> tuple[FloatArray, FloatArray]:
    """Operational times, up to where the variance has become asymptotic, and the variance of the count within them.

    ``V(m) = m - m**2 + 2 sum over n of the integral of F_n from 0 to m``, with F_n the distribution of n intervals' sum.
    """
    shape, last = cv**-2, 2 + 0.5 / cv**2 + 8 * cv**2
    means = np.concatenate([[0.0], np.geomspace(1e-9, 0.05, 900, endpoint=False), np.linspace(0.05, last, 2500)])
    variances = means - means**2
    for n in range(1, int(last + 10 * cv * np.sqrt(last) + 20 * cv**2) + 2):
        variances += 2 * (means * gammainc(n * shape, shape * means) - n * gammainc(n * shape + 1, shape * means))
    return means, variances
