"""Keeps what the user asked to record, window by window, at every tick or decimated: in memory, or in files where it is much."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError, DataError
from hybrid.ports import Port
from hybrid.results.frames import FrameWriter, Told
from hybrid.results.layout import Broken, part_name
from hybrid.results.recording import Every, Recording
from hybrid.results.tapes import Events, Means, Samples, State
from hybrid.signals import KINDS, Signal
from hybrid.units import number

__all__ = ["Every", "Recorder", "Recording", "State"]


@dataclass
class _Track:
    """One port to record: how it is kept, and which ticks have been."""

    port: Port
    every: int
    averaged: bool
    tape: Events | Samples | Means
    _start: int | None = field(default=None)
    _stop: int = field(default=0)
    file: FrameWriter | None = field(default=None)
    _written: int = field(default=0)  # the tick up to which the file is complete

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

    def told(self, clock: Clock) -> Told:
        assert self._start is not None
        return Told(self.port, self.every, self.averaged, self._start, clock)

    def write(self, path: Path, clock: Clock) -> None:
        """Append what is kept in memory to the file, and forget it."""
        if self._start is None:
            return
        if self.file is None:
            self.file, self._written = FrameWriter(path, self.told(clock)), self._start
        if self._written < self._stop:
            self.file.append(self.tape.complete(), self._written, self._stop)
            self.tape.clear()
            self._written = self._stop

    def position(self) -> State:
        """What to continue from when all is written."""
        assert self.file is not None
        place = np.array([self.file.position, self.file.rows], np.int64)
        return {"taken": np.array([self._start, self._stop]), "file": place, **self.tape.open()}

    def reopen(self, path: Path, clock: Clock, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue the file from what :meth:`position` gave."""
        self._start, self._stop = (int(tick) for tick in state["taken"])
        self._written = self._stop
        position, rows = (int(each) for each in state["file"])
        self.file = FrameWriter(path, self.told(clock), position, rows)
        self.tape.reopen(state)


class Recorder:
    """Keeps what is asked of each component while a run goes on; it does not matter how time is cut into windows.

    Parameters
    ----------
    clock: of the run.
    targets: the ports to record, each as a port or as :class:`Every` of one.
    folder: where to write what becomes too much, a file a port; if left out, all is kept in memory.
    buffer_mib: how much is kept in memory before it is written, in MiB over all ports of this rank.
    flush_s: how long it is kept there at most, in seconds that pass in the room.
    claim: is called whenever something is about to be written; it makes the folder if left out.
    """

    def __init__(
        self,
        clock: Clock,
        targets: Iterable[Port | Every],
        folder: Path | None = None,
        buffer_mib: float = 64.0,
        flush_s: float = 10.0,
        claim: Callable[[], object] | None = None,
    ) -> None:
        self._clock = clock
        self._folder, self._claim = folder, claim or self._make_folder
        self._buffer_bytes, self._flush_s = int(buffer_mib * 2**20), flush_s
        self._flushed_at: float | None = None
        self._tracks: dict[str, dict[str, _Track]] = {}
        for target in targets:
            track = _track(clock, target)
            of_component = self._tracks.setdefault(track.port.component, {})
            if track.port.name in of_component:
                raise ConfigurationError(f"{track.port} is recorded twice; ask for it once")
            of_component[track.port.name] = track
        self._all = [track for of_component in self._tracks.values() for track in of_component.values()]
        self.may_write = folder is not None and bool(self._all)

    @property
    def names(self) -> set[str]:
        """Full names of all ports that are recorded."""
        return {str(track.port) for track in self._all}

    @property
    def writes(self) -> bool:
        """Whether recordings are in files by now."""
        return any(track.file is not None for track in self._all)

    def take(self, component: str, window: Window, *carried: Mapping[str, Signal]) -> None:
        """Store what is asked of ``component``: what its ports carried over ``window``, by name (inputs, outputs or both).

        Arrays are copied. Windows of one port must follow each other without a gap.
        """
        for name, track in self._tracks.get(component, {}).items():
            for signals in carried:
                if name in signals:
                    track.take(window, signals[name])

    def tend(self) -> None:
        """At the end of a window: write what is in memory, if it is more than the buffer holds or older than it may be."""
        if not self.may_write:
            return
        now = time.monotonic()
        if self._flushed_at is None:
            self._flushed_at = now
        used = 0
        for track in self._all:
            used += track.tape.nbytes
        if used > self._buffer_bytes or now - self._flushed_at > self._flush_s:
            self.flush(sync=False)

    def flush(self, sync: bool = True) -> None:
        """Write everything that is complete to the files, with ``sync`` through to the disk; nothing without a folder.

        Raises
        ------
        DataError: the disk is full, or fails. What was written before stays readable.
        """
        if not self.may_write or all(track.taken is None for track in self._all):
            return
        assert self._folder is not None
        path = self._folder
        try:
            self._claim()
            for track in self._all:
                path = self._path(track.port)
                track.write(path, self._clock)
                if sync and track.file is not None:
                    track.file.sync()
        except OSError as error:
            reason = error.strerror or str(error)
            raise DataError(
                f"{path}: could not be written ({reason}); what was recorded before is readable by "
                f"Results.load({str(self._folder.parent)!r}); make room, or choose another output"
            ) from error
        self._flushed_at = time.monotonic()

    def close(self) -> None:
        """Close the files; nothing is taken any more."""
        for track in self._all:
            if track.file is not None:
                track.file.close()

    def give_up(self) -> None:
        """The run failed: where something was written already, write also the rest, if that can be done."""
        with suppress(Exception):
            if self.writes:
                self.flush()
        with suppress(Exception):
            self.close()

    def finish(self, window: Window) -> dict[str, Recording]:
        """All recordings of this rank over the whole run's ``window``, by full name of port (``"focus.spikes"``).

        Components of which nothing was ever taken live on other ranks and are left out. Nothing may be in files.
        """
        recordings = {}
        for track in self._lived(window):
            span, payload = track.tape.finish(window)
            kind: Any = track.port.kind
            signal = kind.of(span, track.port.size, *payload)  # what it is made of was checked window by window
            recordings[str(track.port)] = Recording(track.port, signal, track.every, self._clock, track.averaged)
        return recordings

    def written(self, window: Window) -> dict[str, tuple[str, int, int]]:
        """By port, name, bytes and rows of the file that holds the whole run's ``window``, after :meth:`flush`."""
        files = {}
        for track in self._lived(window):
            assert track.file is not None
            files[str(track.port)] = (track.file.path.name, track.file.position, track.file.rows)
        return files

    def state(self) -> State:
        """What was recorded so far on this rank, for a checkpoint: copies of all of it, or places in files (after
        :meth:`flush`), each with the means that are not complete."""
        if self.writes:
            self.flush()
        state: State = {}
        for track in self._all:
            if track.taken is not None:
                own = {"taken": np.array([track.taken.start, track.taken.stop])}
                own |= track.tape.state() if track.file is None else track.position()
                state |= {f"{track.port}/{name}": value for name, value in own.items()}
        return state

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what :meth:`state` gave to a recorder with the same targets; files are cut back to where they were.

        Raises
        ------
        DataError: a file is missing, shorter than it was, or another one.
        """
        for track in self._all:
            prefix = f"{track.port}/"
            own = {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}
            if "file" in own:
                self._reopen(track, own)
            elif own:
                track._start, track._stop = (int(tick) for tick in own.pop("taken"))
                track.tape.restore(own)
                if self._folder is not None:  # written later than the state was taken
                    self._path(track.port).unlink(missing_ok=True)

    def _reopen(self, track: _Track, state: Mapping[str, NDArray[Any]]) -> None:
        if self._folder is None:
            raise DataError(
                f"{track.port}: its recording is in a file, but this run was given no output to look beside"
            )
        path = self._path(track.port)
        try:
            track.reopen(path, self._clock, state)
        except (OSError, Broken) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DataError(
                f"{path}: the recording of {track.port} cannot be continued ({reason}); restore the file, or begin anew"
            ) from error

    def _path(self, port: Port) -> Path:
        assert self._folder is not None
        return self._folder / part_name(str(port))

    def _make_folder(self) -> None:
        assert self._folder is not None
        self._folder.mkdir(parents=True, exist_ok=True)

    def _lived(self, window: Window) -> Iterable[_Track]:
        for of_component in self._tracks.values():
            if all(track.taken is None for track in of_component.values()):
                continue
            for track in of_component.values():
                if track.taken != window:
                    raise ConfigurationError(
                        f"{track.port} was recorded over {track.taken}, not over the run's {window}"
                    )
                yield track


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
        return _Track(port, 1, False, Events(port) if port.carries_events else Samples(port, 1))
    if port.carries_events:
        raise ConfigurationError(f"Every({port}): spikes cannot be decimated; record the port itself")
    every_ms = number(target.every_ms, "ms", f"Every({port}): every_ms", positive=True)
    every = clock.ticks(every_ms, f"Every({port}): every_ms")
    if every < 1:
        raise ConfigurationError(
            f"Every({port}): every_ms = {every_ms:g} is shorter than a tick ({clock.tick_ms:g} ms)"
        )
    averaged = target.average and every > 1
    return _Track(port, every, averaged, Means(port, every) if averaged else Samples(port, every))
