"""Rates that follow a plan: pulses, trains, sinusoids and samples, for any port that takes rates."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.clock import Clock, Window
from hybrid.component import Component, State
from hybrid.errors import ConfigurationError, unknown
from hybrid.ports import Port
from hybrid.signals import Rates, Signal
from hybrid.units import FloatArray, array, number


class Waveform(ABC):
    """A rate for each tick. One of your own is a frozen dataclass with a method :meth:`rates_hz`."""

    @abstractmethod
    def rates_hz(self, window: Window, clock: Clock) -> FloatArray:
        """Hz over the window, ``[tick]`` for all lines alike or ``[tick, line]``; a value must depend on its tick only.

        An empty window asks whether all times are whole ticks; ``TimeError`` if not.
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

    def rates_hz(self, window: Window, clock: Clock) -> FloatArray:
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

    def rates_hz(self, window: Window, clock: Clock) -> FloatArray:
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

    def rates_hz(self, window: Window, clock: Clock) -> FloatArray:
        turn = 2e-3 * math.pi * self.frequency_hz * clock.tick_ms
        # one at a time: sines of numpy may depend on where in an array they stand
        sines = [math.sin(turn * tick + self.phase) for tick in range(window.start, window.stop)]
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
        values.setflags(write=False)
        object.__setattr__(self, "values_hz", values)

    def rates_hz(self, window: Window, clock: Clock) -> FloatArray:
        values = np.asarray(self.values_hz)
        result = np.zeros((len(window), *values.shape[1:]))
        given = values[window.start : window.stop]
        result[: len(given)] = given
        return result

    def describe(self) -> dict[str, Any]:
        return {"kind": "Samples", "shape": list(np.shape(self.values_hz))}


WAVEFORMS = {kind.__name__: kind for kind in (Pulse, Train, Sinusoid, Samples)}


class Stimulus(Component):
    """Sends rates by a plan through its port ``rate``, to a network's ``drive`` or, made into spikes, to a circuit.

    Several stimuli connected to one port add up. What a rate does to a node is the model's ``drive_gain``. The connection's
    delay counts for the window as any other does: one of a single tick makes all windows as short, so give it that of the
    shortest tract, and let the stimulus start as much earlier.

    Parameters
    ----------
    lines: how many lines the port has, or their labels (``connectome.labels``).
    waveform: :class:`Pulse`, :class:`Train`, :class:`Sinusoid`, :class:`Samples` or a :class:`Waveform` of your own; or a
        dictionary with the name of one as ``kind`` and its parameters, as in an experiment file. Times must be whole ticks,
        rates not below 0.
    regions: labels of the lines that are stimulated, by default all; the others are silent. The columns of samples
        ``[tick, line]`` are these lines, in this order.
    """

    def __init__(
        self,
        name: str,
        lines: int | Sequence[str],
        waveform: Waveform | Mapping[str, Any],
        *,
        regions: str | Sequence[str] | None = None,
    ) -> None:
        labels = () if isinstance(lines, int) else (lines,) if isinstance(lines, str) else tuple(lines)
        size = lines if isinstance(lines, int) else len(labels)
        self.name = name
        self.waveform = _made(name, waveform)
        self.inputs = {}
        self.outputs = {"rate": Port(name, "rate", Rates, size, "out", labels=labels)}
        chosen = labels if regions is None else (regions,) if isinstance(regions, str) else tuple(regions)
        if regions is not None and not labels:
            raise ConfigurationError(
                f"{name}: regions are chosen by label, but its lines have none; give labels as lines"
            )
        for label in chosen:
            if label not in labels:
                raise unknown(f"{name}: region", label, labels)
        self.stimulated = None if regions is None else chosen
        self._columns = [labels.index(label) for label in chosen] if labels else list(range(size))
        self._clock: Clock | None = None

    def prepare(self, clock: Clock, rng: np.random.Generator) -> None:
        self._hz(Window(0, 0), clock)  # refuses what does not fit
        self._clock = clock

    def advance(self, window: Window, inputs: Mapping[str, Signal]) -> dict[str, Signal]:
        if self._clock is None:
            raise ConfigurationError(f"{self.name} is not prepared; it cannot advance over {window}")
        values = np.zeros((len(window), self.outputs["rate"].size))
        values[:, self._columns] = self._hz(window, self._clock)
        return {"rate": Rates(window, values.shape[1], values)}

    def _hz(self, window: Window, clock: Clock) -> FloatArray:
        """``[tick, stimulated line]``, or ``[tick, 1]`` for all alike."""
        hz = np.asarray(self.waveform.rates_hz(window, clock), dtype=np.float64)
        hz = hz[:, None] if hz.ndim == 1 else hz
        if hz.shape not in ((len(window), 1), (len(window), len(self._columns))):
            raise ConfigurationError(
                f"{self.name}: {type(self.waveform).__name__} gives rates {list(hz.shape)} for {len(window)} ticks and "
                f"{len(self._columns)} lines; give [tick] or one column for each line"
            )
        if not (hz >= 0.0).all():
            raise ConfigurationError(
                f"{self.name}: {type(self.waveform).__name__} gives the rate {hz[~(hz >= 0.0)][0]:g} Hz; no rate is below 0"
            )
        return hz

    def state(self) -> State:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """A rate depends on its tick only."""

    def describe(self) -> dict[str, Any]:
        described = {"kind": "Stimulus", "waveform": self.waveform.describe()}
        return described | ({} if self.stimulated is None else {"regions": list(self.stimulated)})


def _made(name: str, given: Waveform | Mapping[str, Any]) -> Waveform:
    if isinstance(given, Waveform):
        return given
    if not isinstance(given, Mapping) or "kind" not in given:
        raise ConfigurationError(f"{name}: waveform = {given!r}; give one of {', '.join(WAVEFORMS)}")
    if given["kind"] not in WAVEFORMS:
        raise unknown(f"{name}: waveform", given["kind"], WAVEFORMS)
    parameters = {key: value for key, value in given.items() if key != "kind"}
    try:
        return WAVEFORMS[given["kind"]](**parameters)
    except TypeError as error:
        raise ConfigurationError(f"{name}: waveform {given['kind']}: {error}") from None


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
