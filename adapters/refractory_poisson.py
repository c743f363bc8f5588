"""Rate to spikes: Poisson with a dead time after each spike, at exactly the given rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.adapter import Adapter, check_fits, generator_state, njit, restore_generator
from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError
from hybrid.signals import Moments, Rates, Spikes, check_rates
from hybrid.units import number


class RefractoryPoisson(Adapter):
    """Draw, for every line, at most one spike in any ``refractory_ms``, and as many as the rate asks for.

    A line that may fire does so with the hazard ``r(t) / (1 - integral of r over the dead time before t)``: the divisor is
    the chance that it may (Deger et al. 2010, Phys Rev E 82:021129), so the mean rate is r(t) exactly, also while r
    changes. In ticks, with a dead time of D of them and ``p = r * tick``, the hazard of tick t is
    ``p[t] / (1 - p[t-1] - ... - p[t-D+1])``; two spikes of a line are at least D ticks apart. Before tick 0 the rate is taken
    to have been that of tick 0 for ever. Lines are independent.

    Declared is the exact variance of the count since tick 0, window by window what it grows by. That may be less than
    nothing where spikes are regular. For a constant rate it tends to ``(1 - (D-1) p) (1 - D p)`` of the mean, the squared CV
    of the intervals; for short ticks that is ``(1 - r refractory)**2``.

    Parameters
    ----------
    refractory_ms: the dead time, a whole number of ticks.

    Raises
    ------
    TimeError: the dead time lies between two ticks. ConfigurationError: a rate of ``1 / refractory_ms`` or above.
    """

    accepts = Rates
    emits = Spikes

    def __init__(self, refractory_ms: Any = 2.0) -> None:
        self.refractory_ms = number(refractory_ms, "ms", "RefractoryPoisson: refractory_ms", positive=True)

    @property
    def highest_rate_hz(self) -> float:
        return 1e3 / self.refractory_ms

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock, self._rng = clock, rng
        self._dead_ticks = clock.ticks(self.refractory_ms, "RefractoryPoisson: refractory_ms")
        if self._dead_ticks < 1:
            raise ConfigurationError(
                f"RefractoryPoisson: refractory_ms = {self.refractory_ms:g} is no tick ({clock.tick_ms:g} ms) long"
            )
        size = source.size
        self._begun = False
        self._recent = np.zeros((self._dead_ticks - 1, size))  # p of the last D - 1 ticks; tick t is row t modulo D - 1
        self._covaried = np.zeros(
            (self._dead_ticks - 1, size)
        )  # covariance of "fires in that tick" and the count before it
        self._free = np.ones(size)  # chance that a line may fire
        self._covaries = np.zeros(size)  # covariance of "may fire" and the count before
        self._wait = np.zeros(size, np.int64)  # ticks until it may
        self._survival, self._until = np.ones(size), rng.random(size)  # it fires when the first falls to the second
        self._phase = rng.random(size)
        self._variance = np.zeros(size)  # of the count since tick 0
        self._declared: tuple[Window, Moments] | None = None

    def convert(self, signal: Rates) -> Spikes:
        check_rates(signal, "RefractoryPoisson")
        self._check_possible(signal)
        p = np.multiply(signal.hz, self._clock.tick_ms * 1e-3, order="C")
        if len(p) and not self._begun:
            self._begin(p[0])
        before = self._variance.copy()
        counts = np.zeros(p.shape, np.int32)
        _advance(
            p, signal.window.start, self._recent, self._covaried, self._free, self._covaries, self._wait,
            self._survival, self._until, self._rng, self._variance, counts,
        )  # fmt: skip
        self._declared = signal.window, Moments(signal.total(self._clock), self._variance - before)
        return Spikes.from_counts(signal.window, counts)

    def _check_possible(self, signal: Rates) -> None:
        most = 1e3 / self.refractory_ms
        if signal.hz.size and signal.hz.max() >= most:
            tick, line = (int(k) for k in np.argwhere(signal.hz >= most)[0])
            raise ConfigurationError(
                f"RefractoryPoisson: rate of line {line} is {signal.hz[tick, line]:g} Hz at tick {signal.window.start + tick}; "
                f"with a dead time of {self.refractory_ms:g} ms it must stay below {most:g} Hz; shorten refractory_ms"
            )

    def _begin(self, p: NDArray[np.float64]) -> None:
        """In equilibrium: each of the last D - 1 ticks had a spike with chance p, and only one of them can have had it."""
        dead = self._phase < (self._dead_ticks - 1) * p
        self._wait[dead] = 1 + np.floor(self._phase[dead] / p[dead])
        np.minimum(self._wait, self._dead_ticks - 1, out=self._wait)
        self._recent[:] = p
        ago = self._dead_ticks - 1 - np.arange(self._dead_ticks - 1)[:, None]
        self._covaried[:] = -p * (1 - ago * p)  # so that a spike before tick 0 is not counted
        self._free[:] = 1 - (self._dead_ticks - 1) * p
        self._begun = True

    def expected(self, signal: Rates) -> Moments:
        if self._declared is None or self._declared[0] != signal.window:
            raise RuntimeError("RefractoryPoisson.expected() is asked after convert() of the same window")
        return self._declared[1]

    def state(self) -> dict[str, NDArray[Any]]:
        arrays = {name: getattr(self, f"_{name}").copy() for name in _ARRAYS}
        return {**arrays, "begun": np.array(self._begun), "rng": generator_state(self._rng)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_fits(type(self).__name__, state, self.state())
        for name in _ARRAYS:
            getattr(self, f"_{name}")[...] = state[name]
        self._begun = bool(state["begun"])
        restore_generator(self._rng, state["rng"])


_ARRAYS = ("recent", "covaried", "free", "covaries", "wait", "survival", "until", "phase", "variance")


@njit(nogil=True, cache=True)
def _advance(
    p: Any, start: int, recent: Any, covaried: Any, free: Any, covaries: Any, wait: Any,
    survival: Any, until: Any, rng: Any, variance: Any, counts: Any,
) -> None:  # fmt: skip
    """Live through the ticks of ``p[ticks, lines]``; all arrays but the first are changed.

    With N the count before a tick, M its mean, X whether the line fires in it and A whether it may: cov(N, X) is the hazard
    times E[(N - M) A], which loses those that fire and gains those that fired a dead time ago.
    """
    blocked = len(recent)
    for t in range(p.shape[0]):
        row = (start + t) % blocked if blocked else 0
        for line in range(p.shape[1]):
            now, may = p[t, line], free[line]
            hazard = min(now / may, 1.0)
            if wait[line] > 0:
                wait[line] -= 1
            else:
                survival[line] *= 1.0 - hazard
                if survival[line] <= until[line]:
                    counts[t, line] = 1
                    wait[line] = blocked
                    survival[line], until[line] = 1.0, rng.random()
            covariance = hazard * covaries[line]
            variance[line] += 2.0 * covariance + now * (1.0 - now)
            if blocked:
                then = recent[row, line]
                free[line] += then - now
                back = covaried[row, line] + then * (free[line] - then)
                covaries[line] += back - covariance - now * (may - now)
                recent[row, line], covaried[row, line] = now, covariance
