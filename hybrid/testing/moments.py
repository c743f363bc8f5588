"""What an adapter delivers against the mean and the variance it declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from hybrid.adapter import Adapter
from hybrid.clock import Clock, Window
from hybrid.errors import TimeError
from hybrid.signals import Signal, Spikes
from hybrid.testing.contract import ContractError
from hybrid.testing.trials import activity, windows
from hybrid.units import FloatArray

SMALL_BIASES = ((1.0, 0.05), (1000.0, 0.01))  # (rate in Hz, relative bias that is found)
VARIANCE_HZ = (1.0, 100.0, 1000.0)
_UNLIKELY_Z = 5.0  # one false alarm in two million
_FEW_EVENTS = 5.0
_STANDS_OUT_Z = 8.0  # a deviation so large is beyond the limit in 999 of 1,000 trials
_ROUNDING = 1e-9
MANY_LINES = 64
_MANY_TICKS = 200
_MOST_WINDOWS = 2400
_DEVIATIONS = 19_200  # lines x seeds: a variance that is 10 % off stands out
_FEWEST_SEEDS, _MOST_SEEDS = 300, 1000


class Born(Protocol):
    """Gives a new, prepared adapter."""

    def __call__(self, *, seed: int = ..., lines: int = ..., clock: Clock = ...) -> Adapter: ...


def possible(adapter: Adapter, rates_hz: Sequence[float]) -> list[float]:
    """The rates, or half of the highest that the adapter takes: the activity of a trial goes up to 1.5 times its rate."""
    return [min(rate_hz, adapter.highest_rate_hz / 2) for rate_hz in rates_hz]


class _Account:
    """Converts window after window and compares it with what was declared, ``[line]`` each."""

    def __init__(self, adapter: Adapter, clock: Clock, lines: int) -> None:
        self.adapter, self.clock = adapter, clock
        self.mean, self.variance, self.delivered = (np.zeros(adapter.emitted_size(lines)) for _ in range(3))
        self.variance_of_sum = 0.0

    def enter(self, given: Any) -> None:
        self.delivered += self.adapter.convert(given).total(self.clock)
        moments = self.adapter.expected(given)
        self.mean, self.variance = self.mean + moments.mean, self.variance + moments.variance
        of_sum = moments.variance_of_sum
        self.variance_of_sum += float(np.sum(moments.variance)) if of_sum is None else of_sum

    def deviation(self) -> FloatArray:
        difference: FloatArray = self.delivered + self.adapter.held() - self.mean
        return difference

    def rounding(self) -> FloatArray:
        size: FloatArray = _ROUNDING * np.maximum(np.abs(self.mean), np.abs(self.delivered))
        return size

    def _event(self) -> float:
        """What one event delivers: 1, if a spike, else variance per mean, which for events of one size is that size."""
        mean = abs(float(self.mean.sum()))
        if issubclass(self.adapter.emits, Spikes):
            return 1.0
        return self.variance_of_sum / mean if mean else 0.0

    def require(self, sd: float, where: str) -> None:
        """That the sum over all lines deviates by no more than chance allows, or than a few rare events."""
        allowed = self.rounding().sum() + _UNLIKELY_Z * sd + (_FEW_EVENTS * self._event() if sd else 0.0)
        if not abs(self.deviation().sum()) <= allowed:
            raise ContractError(
                f"at {where} it delivered {self.delivered.sum():g} (and holds {np.sum(self.adapter.held()):g}) "
                f"where expected() declares {self.mean.sum():g} +- {np.sqrt(self.variance_of_sum):g}"
            )


def check_moments(adapter: Adapter, signal: Signal, clock: Clock, rate_hz: float) -> None:
    """That nothing is lost or made up, in windows of seven ticks."""
    account = _Account(adapter, clock, signal.size)
    for window in windows([7] * (len(signal.window) // 7)):
        account.enter(signal.during(window))
    account.require(float(np.sqrt(account.variance_of_sum)), f"{rate_hz:g} Hz")


def check_small_bias(born: Born, clock: Clock, lines: int) -> None:
    """That the mean is right to a few percent: windows are added until a bias of that size would stand out.

    Lines that are not independent scatter more in their sum than their variances tell; then the scatter of windows counts.
    """
    highest = possible(born(), [rate_hz for rate_hz, _ in SMALL_BIASES])
    for rate_hz, (_, bias) in zip(highest, SMALL_BIASES, strict=True):
        tick = _longer(born, clock) if rate_hz <= 1 else clock
        adapter, random = born(lines=lines, clock=tick), np.random.default_rng(4)
        account, deviations = _Account(adapter, tick, lines), [0.0]
        for window in Window(0, _MANY_TICKS * _MOST_WINDOWS).cut(_MANY_TICKS):
            account.enter(activity(adapter.accepts, window, lines, rate_hz, tick, random))
            deviations.append(float(account.deviation().sum()))
            if len(deviations) % 30 == 0:
                sd = _sd_of_sum(account, deviations)
                if sd == 0 or _STANDS_OUT_Z * sd < bias * abs(account.mean.sum()):
                    break
        where = f"{rate_hz:g} Hz" + (f" in ticks of {tick.tick_ms:g} ms" if tick != clock else "")
        account.require(_sd_of_sum(account, deviations), where)


def _longer(born: Born, clock: Clock) -> Clock:
    """Ticks of 1 ms: what is rare is as rare in them, for a fraction of the work. Not all adapters can have them."""
    longer = Clock(max(1.0, clock.tick_ms))
    try:
        born(clock=longer)
    except TimeError:
        return clock
    return longer


def _sd_of_sum(account: _Account, deviations: list[float]) -> float:
    declared = account.variance_of_sum
    seen = float(np.var(np.diff(deviations))) * (len(deviations) - 1)
    return float(np.sqrt(max(declared, seen))) if declared else 0.0


def check_variance(born: Born, clock: Clock, lines: int) -> None:
    """That the squared deviations of all lines and seeds add up to the declared variance.

    Of independent normal lines their sum is chi-square; rare events and lines that are not independent scatter more, as is
    seen from one seed to the next. Lines that declare no variance must agree to rounding.
    """
    for rate_hz in possible(born(), VARIANCE_HZ):
        random, kind = np.random.default_rng(5), born(lines=lines, clock=clock).accepts
        signal = activity(kind, Window(0, _MANY_TICKS), lines, rate_hz, clock, random)
        seen, declared, chi_square = [], [], 0.0
        for seed in range(1000, 1000 + _MOST_SEEDS):
            deviation, variance = _scatter(born(seed=seed, lines=lines, clock=clock), signal, clock, rate_hz)
            seen.append(float((deviation**2).sum()))
            declared.append(float(variance.sum()))
            chi_square += 2 * float((variance**2).sum())
            if not any(declared) or len(seen) >= max(_FEWEST_SEEDS, _DEVIATIONS // max(1, len(variance))):
                break
        excess = np.subtract(seen, declared)
        sd = np.sqrt(max(chi_square, len(excess) * excess.var()))
        if sd and not abs(excess.sum()) <= _UNLIKELY_Z * sd:
            raise ContractError(
                f"at {rate_hz:g} Hz its variance is {np.sum(seen) / np.sum(declared):.3g} times what expected() declares "
                f"(z = {excess.sum() / sd:+.1f})"
            )


def _scatter(adapter: Adapter, signal: Signal, clock: Clock, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """Deviation from the declared mean, and declared variance, of every line that declares one."""
    account = _Account(adapter, clock, signal.size)
    for part in signal.window.cut(len(signal.window) // 2):
        account.enter(signal.during(part))
    deviation, varies = account.deviation(), account.variance > 0
    astray = np.flatnonzero(~varies & ~(np.abs(deviation) <= account.rounding()))
    if astray.size:
        line = int(astray[0])
        raise ContractError(
            f"at {rate_hz:g} Hz line {line} delivered (and holds) {deviation[line]:+g} more than expected() declares, "
            f"and no variance"
        )
    return deviation[varies], account.variance[varies]
