"""Spikes at given times: recorded ones, or any that are thought up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.clock import Clock, Window
from hybrid.component import Component, State
from hybrid.errors import ConfigurationError, TimeError, unknown
from hybrid.ports import Port
from hybrid.signals import Signal, Spikes
from hybrid.stimulus.lines import lines_of
from hybrid.units import FloatArray, array, whole_numbers

_LATEST = 2**53  # ticks: further away one tick cannot be told from the next


class SpikeTimes(Component):
    """Sends a spike at each of the given times through its port ``spikes``.

    Several spikes of a line in one tick are a count; none is lost.

    Parameters
    ----------
    lines: how many lines the port has, or their labels.
    times_ms: in ms, 0 or later, in any order. Either one list for each line, ``[[1.0, 2.5], [], [7.0]]``; or a dictionary
        of lists, by the number or label of the line; or one list, with ``ids`` (without them, of the only line).
    ids: ``[spike]``, the number of the line of each of ``times_ms``.
    rounded: take times that lie between two ticks to the nearest one; otherwise they are refused.

    Raises
    ------
    TimeError: when the run is prepared, for a time between two ticks, naming its line and the nearest time.
    """

    def __init__(
        self, name: str, lines: int | Sequence[str], times_ms: Any, ids: Any = None, *, rounded: bool = False
    ) -> None:
        size, labels = lines_of(name, lines)
        self.name, self.rounded = name, rounded
        self.inputs = {}
        self.outputs = {"spikes": Port(name, "spikes", Spikes, size, "out", labels=labels)}
        self._given = _given(name, size, labels, times_ms, ids)
        self._spikes: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def prepare(self, clock: Clock, rng: np.random.Generator) -> None:
        ticks = np.concatenate([self._ticks(clock, what, times) for what, times, _ in self._given])
        ids = np.concatenate([ids for _, _, ids in self._given])
        order = np.lexsort((ids, ticks))
        self._spikes = ticks[order], ids[order]

    def _ticks(self, clock: Clock, what: str, times_ms: FloatArray) -> NDArray[np.int64]:
        if times_ms.size and times_ms.max() > _LATEST * clock.tick_ms:
            raise TimeError(f"{what} has {times_ms.max():g} ms, which is more than {_LATEST:,} ticks away")
        if self.rounded:
            return np.rint(times_ms / clock.tick_ms).astype(np.int64)
        return clock.ticks_of(times_ms, what, "rounded=True takes each to the nearest tick")

    def advance(self, window: Window, inputs: Mapping[str, Signal]) -> dict[str, Signal]:
        if self._spikes is None:
            raise ConfigurationError(f"{self.name} is not prepared; it cannot advance over {window}")
        ticks, ids = self._spikes
        first, last = np.searchsorted(ticks, (window.start, window.stop))
        return {"spikes": Spikes(window, self.outputs["spikes"].size, ticks[first:last], ids[first:last])}

    def state(self) -> State:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Spikes depend on their tick only."""

    def describe(self) -> dict[str, Any]:
        columns = (np.concatenate([part[k] for part in self._given]) for k in (1, 2))
        times_ms, ids = (column.astype(kind) for column, kind in zip(columns, ("<f8", "<i8"), strict=True))
        digest = sha256(times_ms.tobytes() + ids.tobytes()).hexdigest()
        return {"kind": "SpikeTimes", "spikes": len(ids), "rounded": self.rounded, "sha256": digest}


_Given = list[tuple[str, FloatArray, NDArray[np.int64]]]  # for messages, times in ms, line of each


def _given(name: str, size: int, labels: tuple[str, ...], times_ms: Any, ids: Any) -> _Given:
    what = f"{name}: times_ms"
    if isinstance(times_ms, Mapping):
        if ids is not None:
            raise ConfigurationError(f"{name}: ids and times_ms by line exclude each other; leave out ids")
        by_line = [(_line(name, size, labels, key), f"{what} of line {key}", value) for key, value in times_ms.items()]
    elif ids is not None:
        times = _times(times_ms, what)
        lines = whole_numbers(ids, np.int64, f"{name}: ids")
        if lines.size != times.size:
            raise ConfigurationError(f"{name}: {times.size} times_ms and {lines.size} ids; give one for each spike")
        if lines.size and not 0 <= lines.min() <= lines.max() < size:
            raise ConfigurationError(
                f"{name}: ids from {lines.min()} to {lines.max()}, but there are {size} lines from 0"
            )
        return [(what, times, lines)]
    elif not isinstance(times_ms, list | tuple) and not getattr(times_ms, "ndim", 0):
        raise ConfigurationError(f"{what} = {times_ms!r}; give lists of times")
    elif size == 1 and all(np.ndim(each) == 0 for each in times_ms):
        by_line = [(0, what, times_ms)]
    elif len(times_ms) != size or any(np.ndim(each) != 1 for each in times_ms):
        raise ConfigurationError(
            f"{what} must be {size} lists, one a line, or one list together with ids, or a dictionary of lists by line"
        )
    else:
        by_line = [(line, f"{what} of line {line}", each) for line, each in enumerate(times_ms)]
    made: _Given = [("", np.zeros(0), np.zeros(0, np.int64))]
    for line, which, given in by_line:
        times = _times(given, which)
        made.append((which, times, np.full(times.size, line, np.int64)))
    return made


def _line(name: str, size: int, labels: tuple[str, ...], key: Any) -> int:
    """The number of a line, from it (also as text, as files have it) or from its label."""
    if isinstance(key, str) and key in labels:
        return labels.index(key)
    number = int(key) if isinstance(key, str) and key.isdecimal() else key
    if isinstance(number, int | np.integer) and not isinstance(number, bool) and 0 <= number < size:
        return int(number)
    raise unknown(f"{name}: line", key, labels or [str(line) for line in range(size)])


def _times(given: Any, what: str) -> FloatArray:
    times = array(given, "ms", what)
    if times.ndim != 1:
        raise ConfigurationError(f"{what} has shape {list(times.shape)}; give a list of times")
    if (times < 0).any():
        raise TimeError(f"{what} has {times.min():g} ms, which is before the start at 0 ms")
    return times
