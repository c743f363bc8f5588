"""Integer time: ticks, windows, and the clock that translates milliseconds into them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import TimeError
from hybrid.units import array, number

_MOST_TICKS = 2.0**53  # beyond, floating-point numbers cannot tell one tick from the next
_TOLERANCE = 1e-6  # of a tick: far above the rounding of decimal times, far below anything meant


@dataclass(frozen=True, order=True, slots=True)
class Window:
    """The half-open stretch of ticks ``[start, stop)``."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.stop < self.start:
            raise TimeError(f"window [{self.start}, {self.stop}) ends before it starts")

    def __len__(self) -> int:
        return self.stop - self.start

    def __contains__(self, tick: int) -> bool:
        return self.start <= tick < self.stop

    def __str__(self) -> str:
        return f"[{self.start}, {self.stop})"

    def covers(self, other: Window) -> bool:
        return self.start <= other.start and other.stop <= self.stop

    def shifted(self, ticks: int) -> Window:
        return Window(self.start + ticks, self.stop + ticks)

    def cut(self, length: int) -> Iterator[Window]:
        """Consecutive windows of ``length`` ticks (the last may be shorter) that tile this one."""
        for start in range(self.start, self.stop, length):
            yield Window(start, min(start + length, self.stop))


class Clock:
    """Whole ticks of ``tick_ms`` milliseconds.

    Parameters
    ----------
    tick_ms: length of a tick in ms, or a Brian2 time.
    """

    def __init__(self, tick_ms: Any) -> None:
        self.tick_ms = number(tick_ms, "ms", "tick_ms", positive=True)

    def __repr__(self) -> str:
        return f"Clock(tick_ms={self.tick_ms:g})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clock) and other.tick_ms == self.tick_ms

    def __hash__(self) -> int:
        return hash(self.tick_ms)

    def ticks(self, duration_ms: Any, what: str = "the time") -> int:
        """``duration_ms`` as a whole number of ticks; ``TimeError`` names ``what`` and the nearest time that is one."""
        duration = number(duration_ms, "ms", what)
        ratio = duration / self.tick_ms
        if abs(ratio) > _MOST_TICKS:
            raise TimeError(f"{what} = {duration:g} ms is more ticks of {self.tick_ms:g} ms than can be counted")
        nearest = round(ratio)
        if abs(ratio - nearest) > _TOLERANCE * max(1.0, abs(ratio) * 1e-6):
            raise TimeError(
                f"{what} = {duration:g} ms is no multiple of the tick ({self.tick_ms:g} ms); "
                f"the nearest is {nearest * self.tick_ms:g} ms"
            )
        return nearest

    def ticks_of(
        self,
        times_ms: Any,
        what: str = "the times",
        remedy: str = "Connectome.delays_ms rounds tract delays to ticks",
    ) -> NDArray[np.int64]:
        """The same for an array of times; the first that lies between two ticks is named with its index."""
        times = array(times_ms, "ms", what)
        with np.errstate(over="ignore"):
            ratio = times / self.tick_ms
        if (np.abs(ratio) > _MOST_TICKS).any():
            longest = times.flat[np.abs(times).argmax()]
            raise TimeError(f"{what}: {longest:g} ms is more ticks of {self.tick_ms:g} ms than can be counted")
        nearest = np.rint(ratio)
        between = np.argwhere(np.abs(ratio - nearest) > _TOLERANCE * np.maximum(1.0, np.abs(ratio) * 1e-6))
        if len(between):
            where = tuple(int(k) for k in between[0])
            raise TimeError(
                f"{what}{list(where)} = {times[where]:g} ms is no multiple of the tick ({self.tick_ms:g} ms); "
                f"the nearest is {nearest[where] * self.tick_ms:g} ms ({len(between)} such entries"
                f"{'; ' if remedy else ''}{remedy})"
            )
        return nearest.astype(np.int64)

    def steps_per_tick(self, dt_ms: float, what: str) -> int:
        """How many steps of ``dt_ms`` make a tick; ``TimeError`` names ``what`` and the nearest step that fits."""
        ratio = self.tick_ms / dt_ms
        if ratio > _MOST_TICKS:
            raise TimeError(
                f"{what}: the tick ({self.tick_ms:g} ms) has more steps of {dt_ms:g} ms than can be counted"
            )
        if round(ratio) < 1 or abs(ratio - round(ratio)) > _TOLERANCE * ratio:
            nearest = self.tick_ms / max(1, round(ratio))
            raise TimeError(
                f"{what}: the tick ({self.tick_ms:g} ms) is no whole multiple of dt_ms = {dt_ms:g} ms; "
                f"the nearest that fits is {nearest:g} ms"
            )
        return round(ratio)

    def ms(self, ticks: int) -> float:
        return ticks * self.tick_ms
