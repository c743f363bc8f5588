"""Keeps what the user asked to record, window by window, at every tick or decimated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError
from hybrid.ports import Port
from hybrid.signals import KINDS, Signal
from hybrid.units import FloatArray, number

State = dict[str, NDArray[Any]]

_BATCH = 512  # ticks gathered before they are averaged: large enough to vectorise, small enough to stay in cache


@dataclass(frozen=True, slots=True)
class Every:
    """Record ``port`` once every ``every_ms`` instead of at every tick.

    Parameters
    ----------
    port: a port of a continuous signal; spikes cannot be decimated.
    every_ms: length of a stretch in ms (or a Brian2 time), a whole number of ticks. Stretches begin at multiples of it.
    average: the mean over each stretch (one that the run does not complete is left out); else the sample at its start.
    """

    port: Port
    every_ms: Any = 1.0
    average: bool = True


@dataclass(frozen=True)
class Recording:
    """What one port carried over a whole run.

    ``signal`` is of the port's kind. Where ``every`` (ticks per sample) is above 1 its window counts samples, not
    ticks: sample ``k`` is the mean over the ticks ``[k * every, (k + 1) * every)`` if ``averaged``, else their first.
    """

    port: Port
    signal: Signal
    every: int
    clock: Clock
    averaged: bool = False

    @property
    def times_ms(self) -> FloatArray:
        """``[events]`` or ``[samples]``: when each begins, in ms."""
        if self.port.carries_events:
            ticks = self.signal.payload()[0]
        else:
            ticks = np.arange(self.signal.window.start, self.signal.window.stop) * self.every
        times: FloatArray = ticks * self.clock.tick_ms
        return times


class _Rows:
    """An array ``[rows, ...]`` that grows along its first axis."""

    def __init__(self, dtype: DTypeLike, *shape: int) -> None:
        self._data: NDArray[Any] = np.empty((256, *shape), dtype)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def extend(self, rows: NDArray[Any]) -> None:
        needed = self._used + len(rows)
        if needed > len(self._data):
            grown = np.empty((max(needed, 2 * len(self._data)), *self._data.shape[1:]), self._data.dtype)
            grown[: self._used] = self.rows
            self._data = grown
        self._data[self._used : needed] = rows
        self._used = needed

    def clear(self) -> None:
        self._used = 0

    @property
    def rows(self) -> NDArray[Any]:
        return self._data[: self._used]


class _Events:
    """The spikes of one port."""

    def __init__(self, port: Port) -> None:
        self._columns = {"ticks": _Rows(np.int64), "ids": _Rows(np.int32), "counts": _Rows(np.int32)}

    def take(self, window: Window, payload: tuple[NDArray[Any], ...]) -> None:
        for column, values in zip(self._columns.values(), payload, strict=True):
            column.extend(values)

    def finish(self, window: Window) -> tuple[Window, tuple[NDArray[Any], ...]]:
        return window, tuple(column.rows.copy() for column in self._columns.values())

    def state(self) -> State:
        return {name: column.rows.copy() for name, column in self._columns.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        for name, column in self._columns.items():
            column.clear()
            column.extend(state[name])


class _Samples:
    """A continuous signal: every tick, or the sample at the start of each stretch."""

    def __init__(self, port: Port, every: int) -> None:
        self._every = every
        self._kept = _Rows(np.float64, port.size)

    def take(self, window: Window, payload: tuple[NDArray[Any], ...]) -> None:
        self._kept.extend(payload[0][-window.start % self._every :: self._every])

    def finish(self, window: Window) -> tuple[Window, tuple[NDArray[Any], ...]]:
        first = window.start // self._every
        return Window(first, first + len(self._kept)), (self._kept.rows.copy(),)

    def state(self) -> State:
        return {"kept": self._kept.rows.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._kept.clear()
        self._kept.extend(state["kept"])


class _Means:
    """A continuous signal: the mean over each complete stretch.

    Every mean is summed from 0 in the order of ticks, element by element, so that neither the cutting into windows nor
    the batches below can change a bit of it.
    """

    def __init__(self, port: Port, every: int) -> None:
        self._every = every
        self._means = _Rows(np.float64, port.size)
        self._batch = _Rows(np.float64, port.size)
        self._total = np.zeros(port.size)  # of the stretch that is not complete yet
        self._filled = 0  # ticks in it

    def take(self, window: Window, payload: tuple[NDArray[Any], ...]) -> None:
        self._batch.extend(payload[0])
        if len(self._batch) >= _BATCH:
            self._fold()

    def _fold(self) -> None:
        rows, every = self._batch.rows, self._every
        head = min(len(rows), every - self._filled) if self._filled else 0
        whole = (len(rows) - head) // every
        stretches = rows[head : head + whole * every].reshape(whole, every, rows.shape[1])
        self._add_to_open_stretch(rows[:head])
        if whole:
            totals = np.zeros((whole, rows.shape[1]))
            for tick in range(every):
                totals += stretches[:, tick]
            self._means.extend(totals / every)
        self._add_to_open_stretch(rows[head + whole * every :])
        self._batch.clear()

    def _add_to_open_stretch(self, rows: FloatArray) -> None:
        for row in rows:
            self._total += row
        self._filled += len(rows)
        if self._filled == self._every:
            self._means.extend(self._total[np.newaxis] / self._every)
            self._total[:] = 0.0
            self._filled = 0

    def finish(self, window: Window) -> tuple[Window, tuple[NDArray[Any], ...]]:
        self._fold()
        first = window.start // self._every
        return Window(first, first + len(self._means)), (self._means.rows.copy(),)

    def state(self) -> State:
        self._fold()
        return {"means": self._means.rows.copy(), "total": self._total.copy(), "filled": np.array(self._filled)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._batch.clear()
        self._means.clear()
        self._means.extend(state["means"])
        self._total[:] = state["total"]
        self._filled = int(state["filled"])


@dataclass
class _Track:
    """One port to record: how it is kept, and which ticks have been."""

    port: Port
    every: int
    averaged: bool
    tape: _Events | _Samples | _Means
    _start: int | None = field(default=None)
    _stop: int = field(default=0)

    @property
    def taken(self) -> Window | None:
        """The ticks that have been recorded."""
        return None if self._start is None else Window(self._start, self._stop)

    def take(self, window: Window, signal: Signal) -> None:
        port = self.port
        fits = isinstance(signal, port.kind) and signal.size == port.size
        if not fits or (signal.window is not window and signal.window != window):
            raise ConfigurationError(
                f"{port} should carry {port.kind.__name__} of size {port.size} over {window}, but its component "
                f"returned {signal!r}"
            )
        if self._start is None:
            if window.start % self.every:
                raise ConfigurationError(
                    f"{port}: the recording begins at tick {window.start}, in the middle of a stretch of {self.every} ticks"
                )
            self._start = window.start
        elif window.start != self._stop:
            raise ConfigurationError(
                f"{port} was recorded over {self.taken}, but then came {window}; windows must follow"
            )
        self.tape.take(window, signal.payload())
        self._stop = window.stop


class Recorder:
    """Keeps what is asked of each component while a run goes on; it does not matter how time is cut into windows.

    Parameters
    ----------
    clock: of the run.
    targets: the ports to record, each as a port or as :class:`Every` of one.
    """

    def __init__(self, clock: Clock, targets: Iterable[Port | Every]) -> None:
        self._clock = clock
        self._tracks: dict[str, dict[str, _Track]] = {}
        for target in targets:
            track = _track(clock, target)
            of_component = self._tracks.setdefault(track.port.component, {})
            if track.port.name in of_component:
                raise ConfigurationError(f"{track.port} is recorded twice; ask for it once")
            of_component[track.port.name] = track

    @property
    def names(self) -> set[str]:
        """Full names of all ports that are recorded."""
        return {str(track.port) for track in self._each_track()}

    def take(self, component: str, window: Window, *carried: Mapping[str, Signal]) -> None:
        """Store what is asked of ``component``: what its ports carried over ``window``, by name (inputs, outputs or both).

        Arrays are copied. Windows of one port must follow each other without a gap.
        """
        for name, track in self._tracks.get(component, {}).items():
            for signals in carried:
                if name in signals:
                    track.take(window, signals[name])

    def finish(self, window: Window) -> dict[str, Recording]:
        """All recordings of this rank over the whole run's ``window``, by full name of port (``"focus.spikes"``).

        Components of which nothing was ever taken live on other ranks and are left out.
        """
        recordings = {}
        for of_component in self._tracks.values():
            if all(track.taken is None for track in of_component.values()):
                continue
            for track in of_component.values():
                if track.taken != window:
                    raise ConfigurationError(
                        f"{track.port} was recorded over {track.taken}, not over the run's {window}"
                    )
                span, payload = track.tape.finish(window)
                signal = track.port.kind.from_payload(span, track.port.size, payload)
                recordings[str(track.port)] = Recording(track.port, signal, track.every, self._clock, track.averaged)
        return recordings

    def state(self) -> State:
        """Copies of all that was recorded so far on this rank, for a checkpoint."""
        state: State = {}
        for track in self._each_track():
            if track.taken is not None:
                state[f"{track.port}/taken"] = np.array([track.taken.start, track.taken.stop])
                state |= {f"{track.port}/{name}": value for name, value in track.tape.state().items()}
        return state

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what :meth:`state` gave to a recorder with the same targets."""
        for track in self._each_track():
            prefix = f"{track.port}/"
            own = {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}
            if own:
                track._start, track._stop = (int(tick) for tick in own.pop("taken"))
                track.tape.restore(own)

    def _each_track(self) -> Iterable[_Track]:
        return (track for of_component in self._tracks.values() for track in of_component.values())


def _track(clock: Clock, target: Port | Every) -> _Track:
    port = target.port if isinstance(target, Every) else target
    if not isinstance(port, Port):
        raise ConfigurationError(
            f"cannot record {target!r}; give a port, as in record=[focus['spikes'], Every(cortex['rate'], every_ms=1)]"
        )
    if port.kind not in KINDS.values():
        raise ConfigurationError(
            f"cannot record {port}: it carries {port.kind.__name__}, not one of {', '.join(KINDS)}"
        )
    if not isinstance(target, Every):
        return _Track(port, 1, False, _Events(port) if port.carries_events else _Samples(port, 1))
    if port.carries_events:
        raise ConfigurationError(f"Every({port}): spikes cannot be decimated; record the port itself")
    every_ms = number(target.every_ms, "ms", f"Every({port}): every_ms", positive=True)
    every = clock.ticks(every_ms, f"Every({port}): every_ms")
    if every < 1:
        raise ConfigurationError(
            f"Every({port}): every_ms = {every_ms:g} is shorter than a tick ({clock.tick_ms:g} ms)"
        )
    averaged = target.average and every > 1
    return _Track(port, every, averaged, _Means(port, every) if averaged else _Samples(port, every))
