"""The stretch of a run that is drawn, and what of a recording lies in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import ConfigurationError
from hybrid.results import Results
from hybrid.results.recorder import Recording
from hybrid.units import FloatArray, number


class Stretch(NamedTuple):
    """``[start, stop)`` in ticks of ``tick_ms``."""

    start: int
    stop: int
    tick_ms: float

    @property
    def in_seconds(self) -> bool:
        return (self.stop - self.start) * self.tick_ms >= 2000

    @property
    def per_tick(self) -> float:
        """What turns ticks into the unit of the axis."""
        return self.tick_ms * (1e-3 if self.in_seconds else 1.0)

    def bins(self, most: int) -> NDArray[np.int64]:
        """Borders, in ticks, of at most so many equal bins; what is left over at the end is left out."""
        length = -(-(self.stop - self.start) // most)
        return np.arange(self.start, self.stop + 1, max(1, length))


def stretch_of(results: Results, from_ms: Any = None, to_ms: Any = None) -> Stretch:
    """The whole run, or what lies between two times in ms; both must lie in the run, the second after the first."""
    whole = results.duration_ms
    start = 0.0 if from_ms is None else number(from_ms, "ms", "from_ms")
    stop = whole if to_ms is None else number(to_ms, "ms", "to_ms")
    ticks = int(np.floor(start / results.tick_ms + 1e-6)), int(np.ceil(stop / results.tick_ms - 1e-6))
    if not 0 <= ticks[0] < ticks[1] <= results.duration:
        raise ConfigurationError(
            f"there is nothing to draw from {start:g} to {stop:g} ms: the run lasts from 0 to {whole:g} ms; "
            f"give a stretch within it, the end after the start"
        )
    return Stretch(*ticks, results.tick_ms)


class Samples(NamedTuple):
    """``values[sample, line]``, and where each begins and the last one ends, in ticks."""

    ticks: FloatArray
    values: FloatArray


def samples_in(recording: Recording, stretch: Stretch) -> Samples:
    """The samples of a continuous port that begin in the stretch; nothing is copied."""
    every, first = recording.every, recording.signal.window.start
    values = recording.signal.payload()[0]
    begin, end = (np.clip(-(-tick // every) - first, 0, len(values)) for tick in (stretch.start, stretch.stop))
    return Samples((first + np.arange(begin, end + 1)) * float(every), values[begin:end])


def events_in(recording: Recording, stretch: Stretch) -> tuple[NDArray[Any], ...]:
    """Ticks, ids and counts of the spikes in the stretch; nothing is copied."""
    ticks, ids, counts = recording.signal.payload()
    first, last = np.searchsorted(ticks, (stretch.start, stretch.stop))
    return ticks[first:last], ids[first:last], counts[first:last]


def is_empty(recording: Recording, stretch: Stretch) -> bool:
    """Whether a continuous port has no sample there; spikes can always be drawn, be there none."""
    return not recording.port.carries_events and not len(samples_in(recording, stretch).values)
