"""What flows through a port over one window: spikes as event lists, all else as ``[ticks, size]`` arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError, DivergedError
from hybrid.sums import add_counts, add_ticks, all_finite
from hybrid.units import FloatArray, whole_numbers


class Signal(ABC):
    """One kind of signal over the half-open ``window``, for ``size`` lines (neurons, fibres, nodes)."""

    __slots__ = ("size", "window")
    unit: ClassVar[str]
    window: Window
    size: int

    @classmethod
    @abstractmethod
    def silence(cls, window: Window, size: int) -> Self:
        """Nothing at all, for ``size`` lines over ``window``."""

    @abstractmethod
    def __add__(self, other: Self) -> Self:
        """Both together; windows and sizes must agree."""

    @abstractmethod
    def scaled(self, weight: ArrayLike) -> Self:
        """Weighed by a number, or by a matrix ``[target, source]`` that also changes the size."""

    @abstractmethod
    def shifted(self, ticks: int) -> Self:
        """The same, ``ticks`` later."""

    @abstractmethod
    def during(self, window: Window) -> Self:
        """The part inside ``window``, which must lie inside this signal's own."""

    @abstractmethod
    def total(self, clock: Clock) -> FloatArray:
        """``[size]``: number of events, or the integral over the window in (unit) x seconds."""

    @abstractmethod
    def add_to(self, totals: FloatArray) -> None:
        """Add to ``totals[size]`` the number of events, or the values of all ticks (see :meth:`in_total`)."""

    @classmethod
    @abstractmethod
    def in_total(cls, totals: FloatArray, clock: Clock) -> FloatArray:
        """What :meth:`add_to` has summed, in the unit of :meth:`total`."""

    def is_finite(self) -> bool:
        """Whether nothing in it is infinite or not a number."""
        return True

    @abstractmethod
    def payload(self) -> tuple[NDArray[Any], ...]:
        """The arrays that carry the signal, in the order :meth:`from_payload` takes them."""

    @classmethod
    @abstractmethod
    def from_payload(cls, window: Window, size: int, payload: tuple[NDArray[Any], ...]) -> Self:
        """The signal again, from its arrays."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(window={self.window}, size={self.size})"

    def _check_match(self, other: Signal) -> None:
        if type(other) is not type(self) or other.window != self.window or other.size != self.size:
            raise ConfigurationError(f"{self!r} and {other!r} cannot be added: kind, window and size must agree")

    def _check_covers(self, window: Window) -> None:
        if not self.window.covers(window):
            raise ConfigurationError(f"{self!r} does not cover {window}")


def _counts(value: ArrayLike) -> NDArray[np.int32]:
    """Counts of spikes; yes and no are one spike and none."""
    given = np.asarray(value)
    return whole_numbers(given.astype(np.int32) if given.dtype == bool else given, np.int32, "counts of spikes")


def _copies(weight: ArrayLike) -> NDArray[np.int64]:
    """Weights of spikes: so small that their product with a count is exact."""
    given = np.asarray(weight)
    try:
        whole = whole_numbers(given.ravel(), np.int32, "weights of spikes", at_least=0)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; synaptic strength belongs to the circuit's Synapses") from None
    return whole.astype(np.int64).reshape(given.shape)


_MOST_PLACES = 2**63 - 1


def _ends(values: NDArray[Any]) -> tuple[int, int]:
    return int(np.minimum.reduce(values)), int(np.maximum.reduce(values))


def _line_count(size: Any) -> int:
    if type(size) is int and size >= 0:
        return size
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
        raise ConfigurationError(f"size = {size!r} of a signal must be a whole number of lines, 0 or above")
    return int(size)


def _check_matrix(weights: NDArray[Any], size: int) -> None:
    if weights.ndim != 2 or weights.shape[1] != size:
        raise ConfigurationError(
            f"weights of shape {list(weights.shape)} do not fit {size} lines; give a number or a matrix "
            f"[target, source] with {size} columns"
        )


class Spikes(Signal):
    """Events: ``counts[k]`` spikes of line ``ids[k]`` in tick ``ticks[k]``, sorted by tick, then by id.

    Parameters
    ----------
    window, size: when, and of how many lines.
    ticks, ids, counts: whole numbers, one entry an event; ``counts`` may be left out (one spike each). Several
        spikes of one line in one tick are a count, not a loss.
    """

    __slots__ = ("counts", "ids", "ticks")
    unit = "spikes"

    def __init__(
        self, window: Window, size: int, ticks: ArrayLike = (), ids: ArrayLike = (), counts: ArrayLike | None = None
    ) -> None:
        self.window, self.size = window, _line_count(size)
        self.ticks = whole_numbers(ticks, np.int64, "ticks of spikes")
        self.ids = whole_numbers(ids, np.int32, "ids of spikes")
        self.counts = np.ones(self.ticks.size, np.int32) if counts is None else _counts(counts)
        events = self.ticks.size
        if not self.ids.size == self.counts.size == events:
            raise ConfigurationError(
                f"spikes need as many ids ({self.ids.size}) and counts ({self.counts.size}) as ticks ({events})"
            )
        if not events:
            return
        first, last = _ends(self.ticks)
        if first < window.start or last >= window.stop:
            raise ConfigurationError(f"spikes at ticks {first} to {last} are not in window {window}")
        lowest, highest = _ends(self.ids)
        if lowest < 0 or highest >= self.size:
            raise ConfigurationError(f"spikes of lines {lowest} to {highest}, but there are {self.size}")
        if counts is not None and (fewest := _ends(self.counts)[0]) < 0:
            raise ConfigurationError(f"a count of spikes is below 0: {fewest}")
        if (last - first + 1) * self.size > _MOST_PLACES:
            raise ConfigurationError(
                f"{self!r} has more ticks x lines than can be counted; cut it into shorter windows"
            )
        key = (self.ticks - first) * self.size + self.ids
        if (key[1:] < key[:-1]).any():
            order = np.argsort(key, kind="stable")
            self.ticks, self.ids, self.counts = self.ticks[order], self.ids[order], self.counts[order]

    @classmethod
    def of(
        cls, window: Window, size: int, ticks: NDArray[np.int64], ids: NDArray[np.int32], counts: NDArray[np.int32]
    ) -> Self:
        """From arrays of these types that are sorted and within bounds: nothing is checked, which would take too long."""
        signal = object.__new__(cls)
        signal.window, signal.size, signal.ticks, signal.ids, signal.counts = window, size, ticks, ids, counts
        return signal

    @classmethod
    def silence(cls, window: Window, size: int) -> Self:
        return cls(window, size)

    @classmethod
    def from_counts(cls, window: Window, counts: ArrayLike) -> Self:
        """From a dense array ``[ticks, size]`` of counts."""
        dense = np.asarray(counts)
        if dense.ndim != 2 or dense.shape[0] != len(window):
            raise ConfigurationError(f"counts of shape {dense.shape} do not fit {len(window)} ticks x lines")
        rows, ids = np.nonzero(dense)
        return cls(window, dense.shape[1], rows + window.start, ids, dense[rows, ids])

    def to_counts(self) -> NDArray[np.int32]:
        """A dense array ``[ticks, size]`` of counts."""
        most = np.iinfo(np.int32).max
        fits = int(self.counts.sum(dtype=np.int64)) <= most
        dense = np.zeros((len(self.window), self.size), np.int32 if fits else np.int64)
        np.add.at(dense, (self.ticks - self.window.start, self.ids), self.counts)
        if not fits and dense.max() > most:
            raise ConfigurationError(f"{dense.max()} spikes of one line in one tick; at most {most:,} can be counted")
        return dense.astype(np.int32, copy=False)

    def __add__(self, other: Self) -> Self:
        self._check_match(other)
        return type(self)(
            self.window,
            self.size,
            np.concatenate([self.ticks, other.ticks]),
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.counts, other.counts]),
        )

    def scaled(self, weight: ArrayLike) -> Self:
        whole = _copies(weight)
        if whole.ndim == 0:
            return type(self)(self.window, self.size, self.ticks, self.ids, self.counts.astype(np.int64) * whole)
        _check_matrix(whole, self.size)
        targets, events = np.nonzero(whole[:, self.ids])
        return type(self)(
            self.window,
            whole.shape[0],
            self.ticks[events],
            targets,
            self.counts[events] * whole[targets, self.ids[events]],
        )

    def shifted(self, ticks: int) -> Self:
        return self.of(self.window.shifted(ticks), self.size, self.ticks + ticks, self.ids, self.counts)

    def during(self, window: Window) -> Self:
        self._check_covers(window)
        first, last = np.searchsorted(self.ticks, (window.start, window.stop))
        return self.of(window, self.size, self.ticks[first:last], self.ids[first:last], self.counts[first:last])

    def total(self, clock: Clock) -> FloatArray:
        totals = np.zeros(self.size)
        add_counts(np.asarray(self.ids), np.asarray(self.counts), totals)  # of results they may still be in a file
        return totals

    def add_to(self, totals: FloatArray) -> None:
        add_counts(self.ids, self.counts, totals)

    @classmethod
    def in_total(cls, totals: FloatArray, clock: Clock) -> FloatArray:
        return totals

    def payload(self) -> tuple[NDArray[Any], ...]:
        return self.ticks, self.ids, self.counts

    @classmethod
    def from_payload(cls, window: Window, size: int, payload: tuple[NDArray[Any], ...]) -> Self:
        return cls(window, size, *payload)


class ArraySignal(Signal):
    """A continuous variable as ``values[ticks, size]``; a number or ``[size]`` is taken as constant over the window."""

    __slots__ = ("values",)
    values: FloatArray

    def __init__(self, window: Window, size: int, values: ArrayLike) -> None:
        self.window, self.size = window, _line_count(size)
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
        _check_matrix(w, self.size)
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


MOST_SPIKES = 2_000_000_000  # of a line in a tick, as a mean: so that no count that is drawn exceeds its 32 bits
KINDS: dict[str, type[Signal]] = {kind.__name__: kind for kind in (Spikes, Rates, Currents, States)}


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and variance, ``[size]`` each, of the total an adapter should deliver (see :meth:`Signal.total`).

    ``variance_of_sum`` is that of the sum over all lines, where lines are not independent.
    """

    mean: FloatArray
    variance: FloatArray
    variance_of_sum: float | None = None


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
