"""Continuous signals: arrays ``[ticks, size]`` of rates, currents or any other variable."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError, DivergedError
from hybrid.signals.signal import Signal, check_matrix, line_count
from hybrid.signals.sums import add_ticks, all_finite
from hybrid.units import FloatArray


class ArraySignal(Signal):
    """A continuous variable as ``values[ticks, size]``; a number or ``[size]`` is taken as constant over the window."""

    __slots__ = ("values",)
    values: FloatArray

    def __init__(self, window: Window, size: int, values: ArrayLike) -> None:
        self.window, self.size = window, line_count(size)
        shape = (len(window), self.size)
        given = np.asarray(values, dtype=np.float64)
        if given.shape != shape:
            try:
                given = np.broadcast_to(given, shape)
            except ValueError:
                raise ConfigurationError(
                    f"{type(self).__name__}: values of shape {given.shape} do not fit [ticks, size] = {list(shape)}"
                ) from None
        self.values = given

    @classmethod
    def of(cls, window: Window, size: int, values: FloatArray) -> Self:
        """From ``values[ticks, size]`` of just that shape: nothing is checked, which takes most of a short window."""
        signal = object.__new__(cls)
        signal.window, signal.size, signal.values = window, size, values
        return signal

    @classmethod
    def silence(cls, window: Window, size: int) -> Self:
        return cls.of(window, size, np.zeros((len(window), size)))

    def __add__(self, other: Self) -> Self:
        self._check_match(other)
        return self.of(self.window, self.size, self.values + other.values)

    def scaled(self, weight: ArrayLike) -> Self:
        w = np.asarray(weight, dtype=np.float64)
        if w.ndim == 0:
            return self.of(self.window, self.size, self.values * float(w))
        check_matrix(w, self.size)
        return self.of(self.window, w.shape[0], self.values @ w.T)

    def shifted(self, ticks: int) -> Self:
        return self.of(self.window.shifted(ticks), self.size, self.values)

    def during(self, window: Window) -> Self:
        self._check_covers(window)
        first = window.start - self.window.start
        return self.of(window, self.size, self.values[first : first + len(window)])

    def total(self, clock: Clock) -> FloatArray:
        totals = np.zeros(self.size)
        add_ticks(np.asarray(self.values), totals)  # of results they may still be in a file
        return self.in_total(totals, clock)

    def add_to(self, totals: FloatArray) -> None:
        add_ticks(self.values, totals)

    @classmethod
    def in_total(cls, totals: FloatArray, clock: Clock) -> FloatArray:
        result: FloatArray = totals * (clock.tick_ms * 1e-3)
        return result

    def is_finite(self) -> bool:
        return all_finite(self.values)

    def payload(self) -> tuple[NDArray[Any], ...]:
        return (np.ascontiguousarray(self.values),)

    @classmethod
    def from_payload(cls, window: Window, size: int, payload: tuple[NDArray[Any], ...]) -> Self:
        return cls(window, size, payload[0])


class Rates(ArraySignal):
    """Firing rates, ``hz[ticks, size]``."""

    __slots__ = ()
    unit = "Hz"

    @property
    def hz(self) -> FloatArray:
        return self.values


class Currents(ArraySignal):
    """Currents, ``na[ticks, size]``."""

    __slots__ = ()
    unit = "nA"

    @property
    def na(self) -> FloatArray:
        return self.values


class States(ArraySignal):
    """Any other continuous variable, ``values[ticks, size]``; its unit stands on the port that carries it."""

    __slots__ = ()
    unit = "1"


def check_rates(rates: Rates, what: str, below_hz: float = np.inf) -> None:
    """Refuse what no spike train can have: a rate that is negative, infinite or not a number.

    Parameters
    ----------
    what: who asks, for the message.
    below_hz: rates from here on are refused too.

    Raises
    ------
    DivergedError: naming the first such rate, its line and its tick.
    """
    if not (rates.hz.size == 0 or 0 <= rates.hz.min() <= rates.hz.max() < below_hz):  # false too for nan
        tick, line = (int(k) for k in np.argwhere(~((rates.hz >= 0) & (rates.hz < below_hz)))[0])
        limit = "" if below_hz == np.inf else f" and below {below_hz:g} Hz"
        raise DivergedError(
            f"{what}: rate of line {line} is {rates.hz[tick, line]:g} Hz at "
            f"tick {rates.window.start + tick}; "
            f"rates must be finite and not below 0{limit}"
        )
