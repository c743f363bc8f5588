"""Numbers that tell the points of a sweep apart, from the results of any run."""

from __future__ import annotations

from collections.abc import Iterator

from hybrid.results import Results
from hybrid.units import FloatArray


def mean_rates_hz(results: Results) -> dict[str, float]:
    """By port that was recorded and carries spikes: events a line and second, over the whole run."""
    seconds = results.duration_ms * 1e-3
    return {
        name: float(results[name].counts.sum()) / recording.port.size / seconds
        for name, recording in results.recordings.items()
        if recording.port.carries_events
    }


def means(results: Results) -> dict[str, float]:
    """By continuous port that was recorded: the mean over time and lines, in the unit of the port."""
    return {name: float(values.mean()) for name, values in _continuous(results)}


def deviations(results: Results) -> dict[str, float]:
    """By continuous port that was recorded: the standard deviation over time, mean over lines, in the unit of the port."""
    return {name: float(values.std(axis=0).mean()) for name, values in _continuous(results)}


def _continuous(results: Results) -> Iterator[tuple[str, FloatArray]]:
    """``[samples, lines]`` by port."""
    for name, recording in results.recordings.items():
        if not recording.port.carries_events:
            yield name, recording.signal.payload()[0]
