"""Values that follow a plan: pulses, trains, sinusoids, samples, constants, steps, and functions of the time."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.clock import Clock, Window
from hybrid.elementary import arrays
from hybrid.errors import ConfigurationError, unknown
from hybrid.units import FloatArray, array, number


class Waveform(ABC):
    """A value for each tick. One of your own is a frozen dataclass with a method :meth:`values`, or a :class:`Function`."""

    unit: ClassVar[str] = "Hz"  # of the values; "" if they are in whatever unit the stimulus has

    @abstractmethod
    def values(self, window: Window, clock: Clock) -> FloatArray:
        """Over the window, ``[tick]`` for all lines alike or ``[tick, line]``; a value must depend on its tick only.

        ``TimeError`` if a time is no whole tick.
        """

    def describe(self) -> dict[str, Any]:
        return {"kind": type(self).__name__, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True)
class Pulse(Waveform):
    """``hz`` from ``start_ms`` up to ``stop_ms``, silence before and after."""

    start_ms: float
    stop_ms: float
    hz: float

    def __post_init__(self) -> None:
        _take_numbers(self)
        if self.stop_ms <= self.start_ms:
            raise ConfigurationError(f"Pulse.stop_ms = {self.stop_ms:g} must be after start_ms = {self.start_ms:g}")

    def values(self, window: Window, clock: Clock) -> FloatArray:
        start, stop = (clock.ticks(getattr(self, name), f"Pulse.{name}") for name in ("start_ms", "stop_ms"))
        ticks = _ticks(window)
        return np.where((ticks >= start) & (ticks < stop), self.hz, 0.0)


@dataclass(frozen=True)
class Train(Waveform):
    """Pulses of ``width_ms`` that begin every ``period_ms`` from ``start_ms`` on; ``count`` of them, or without end."""

    start_ms: float
    period_ms: float
    width_ms: float
    hz: float
    count: int | None = None

    def __post_init__(self) -> None:
        _take_numbers(self)
        if not 0.0 < self.width_ms <= self.period_ms:
            raise ConfigurationError(
                f"Train.width_ms = {self.width_ms:g} must be above 0 and at most period_ms = {self.period_ms:g}"
            )
        if self.count is not None and (self.count != int(self.count) or self.count < 1):
            raise ConfigurationError(f"Train.count = {self.count!r} must be a whole number above 0")

    def values(self, window: Window, clock: Clock) -> FloatArray:
        start, period, width = (
            clock.ticks(getattr(self, name), f"Train.{name}") for name in ("start_ms", "period_ms", "width_ms")
        )
        since = _ticks(window) - start
        on = (since >= 0) & (since % period < width)
        if self.count is not None:
            on &= since < self.count * period
        return np.where(on, self.hz, 0.0)


@dataclass(frozen=True)
class Sinusoid(Waveform):
    """``mean_hz + amplitude_hz * sin(2 pi frequency_hz t + phase)`` with the time t at the start of each tick, seconds.

    ``phase`` is in rad. The amplitude must not exceed the mean, as no rate is below 0.
    """

    mean_hz: float
    amplitude_hz: float
    frequency_hz: float
    phase: float = 0.0

    def __post_init__(self) -> None:
        _take_numbers(self)
        if abs(self.amplitude_hz) > self.mean_hz:
            raise ConfigurationError(
                f"Sinusoid: mean_hz = {self.mean_hz:g} with amplitude_hz = {self.amplitude_hz:g} falls below 0; "
                f"no rate does, so give a mean of at least the amplitude"
            )

    def values(self, window: Window, clock: Clock) -> FloatArray:
        turn = 2e-3 * math.pi * self.frequency_hz * clock.tick_ms
        # one at a time: sines of numpy may depend on where in an array they stand
        sines = arrays.sines([turn * tick + self.phase for tick in range(window.start, window.stop)])
        return np.maximum(self.mean_hz + self.amplitude_hz * np.array(sines, dtype=np.float64), 0.0)


@dataclass(frozen=True, eq=False)
class Samples(Waveform):
    """A value for every tick from tick 0, ``values_hz[tick]`` or ``[tick, line]``; silence afterwards."""

    values_hz: ArrayLike

    def __post_init__(self) -> None:
        values = array(self.values_hz, "hz", "Samples.values_hz")
        if values.ndim not in (1, 2):
            raise ConfigurationError(f"Samples.values_hz has shape {list(values.shape)}; give [tick] or [tick, line]")
        if (values < 0).any():
            raise ConfigurationError(f"Samples.values_hz has an entry below 0 ({values.min():g}); no rate is")
        _keep(self, values_hz=values)

    def values(self, window: Window, clock: Clock) -> FloatArray:
        values = np.asarray(self.values_hz)
        result = np.zeros((len(window), *values.shape[1:]))
        given = values[window.start : window.stop]
        result[: len(given)] = given
        return result

    def describe(self) -> dict[str, Any]:
        return {"kind": "Samples", "shape": list(np.shape(self.values_hz))}


@dataclass(frozen=True, eq=False)
class Constant(Waveform):
    """The same value at all times, in the unit of the stimulus: a number for all lines, or ``[line]``."""

    value: ArrayLike
    unit: ClassVar[str] = ""

    def __post_init__(self) -> None:
        value = array(self.value, "1", "Constant.value")
        if value.ndim > 1:
            raise ConfigurationError(f"Constant.value has shape {list(value.shape)}; give a number or [line]")
        _keep(self, value=value)

    def values(self, window: Window, clock: Clock) -> FloatArray:
        value = np.asarray(self.value)
        return np.broadcast_to(value, (len(window), *value.shape))

    def describe(self) -> dict[str, Any]:
        return {"kind": "Constant", "value": np.asarray(self.value).tolist()}


@dataclass(frozen=True, eq=False)
class Steps(Waveform):
    """From each of ``times_ms`` on the value that belongs to it, in the unit of the stimulus; 0 before the first.

    ``Steps([100, 200], [0.5, 0.0])`` is a pulse from 100 to 200 ms. ``values`` are ``[step]`` for all lines alike, or
    ``[step, line]``.
    """

    times_ms: ArrayLike
    steps: ArrayLike
    unit: ClassVar[str] = ""

    def __post_init__(self) -> None:
        times, steps = array(self.times_ms, "ms", "Steps.times_ms"), array(self.steps, "1", "Steps.steps")
        if times.ndim != 1 or not times.size or steps.ndim not in (1, 2) or len(steps) != len(times):
            raise ConfigurationError(
                f"Steps.times_ms {list(times.shape)} and Steps.steps {list(steps.shape)} do not fit; give a value, or one a "
                f"line, for each time"
            )
        if times[0] < 0 or (np.diff(times) <= 0).any():
            raise ConfigurationError("Steps.times_ms must rise, from 0 ms or later")
        _keep(self, times_ms=times, steps=steps)

    def values(self, window: Window, clock: Clock) -> FloatArray:
        times, steps = np.asarray(self.times_ms), np.asarray(self.steps)
        begins = clock.ticks_of(times, "Steps.times_ms", "")
        held = np.concatenate([np.zeros((1, *steps.shape[1:])), steps])
        at: FloatArray = held[np.searchsorted(begins, _ticks(window), side="right")]
        return at

    def describe(self) -> dict[str, Any]:
        times, steps = (np.asarray(each).tolist() for each in (self.times_ms, self.steps))
        return {"kind": "Steps", "times_ms": times, "steps": steps}


@dataclass(frozen=True)
class Function(Waveform):
    """What ``function`` gives for the time at the start of each tick, in ms: a number for all lines, or ``[line]``.

    It is asked for one time after the other, so that the bits do not depend on how time is cut. Its values are in the unit
    of the stimulus and must follow from the time alone.
    """

    function: Callable[[float], ArrayLike]
    unit: ClassVar[str] = ""

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ConfigurationError(f"Function.function = {self.function!r} is no function of the time in ms")

    def values(self, window: Window, clock: Clock) -> FloatArray:
        given = [self.function(clock.ms(tick)) for tick in range(window.start, window.stop)]
        try:
            values = np.array(given, np.float64)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(
                f"{self._name()} gives no numbers, or not always as many, over {window}: {error}"
            ) from None
        return values

    def _name(self) -> str:
        return f"{self.function.__module__}:{getattr(self.function, '__qualname__', repr(self.function))}"

    def describe(self) -> dict[str, Any]:
        return {"kind": "Function", "function": self._name()}


WAVEFORMS: dict[str, type[Waveform]] = {
    kind.__name__: kind for kind in (Pulse, Train, Sinusoid, Samples, Constant, Steps)
}  # that a file can hold


def waveform_of(given: Any, what: str) -> Waveform:
    """A waveform from one, from a number or one number a line, from a function of the time, or from a table of a file."""
    if isinstance(given, Waveform):
        return given
    if isinstance(given, type) and issubclass(given, Waveform):
        raise ConfigurationError(f"{what} is the class {given.__name__}; write {given.__name__}(...)")
    if isinstance(given, Mapping) and "kind" in given:
        if given["kind"] not in WAVEFORMS:
            raise unknown(what, given["kind"], WAVEFORMS)
        parameters = {key: value for key, value in given.items() if key != "kind"}
        try:
            return WAVEFORMS[given["kind"]](**parameters)
        except TypeError as error:
            raise ConfigurationError(f"{what} {given['kind']}: {error}") from None
    if callable(given):
        return Function(given)
    if isinstance(given, str | Mapping):
        raise ConfigurationError(
            f"{what} = {given!r}; give one of {', '.join(WAVEFORMS)}, a number, or a function of the time in ms"
        )
    return Constant(given)


def _ticks(window: Window) -> NDArray[np.int64]:
    return np.arange(window.start, window.stop)


def _take_numbers(waveform: Any) -> None:
    """Numbers in their units from numbers or quantities; times and rates are not below 0."""
    for name in waveform.__dataclass_fields__:
        if name == "count":
            continue
        unit = name.rpartition("_")[2] if name != "phase" else "1"
        least = None if name in ("phase", "amplitude_hz") else 0.0
        what = f"{type(waveform).__name__}.{name}"
        object.__setattr__(waveform, name, number(getattr(waveform, name), unit, what, at_least=least))


def _keep(waveform: Any, **arrays: FloatArray) -> None:
    """Arrays that nobody can change any more."""
    for name, values in arrays.items():
        values.setflags(write=False)
        object.__setattr__(waveform, name, values)
