"""Spikes one can see: single ones where they are few, shades of a neuron's rate where they are many; and population rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from numpy.typing import NDArray

from hybrid.plot.stretch import Stretch, events_in
from hybrid.plot.style import BLUE, GREY
from hybrid.results.recorder import Recording
from hybrid.units import FloatArray

_ROWS = 100  # neurons in a raster: more would be thinner than a line
_COLUMNS = 900  # spikes that can stand side by side
_SHADES = 250  # bins where they cannot
_CROWDED = 0.12  # of all places taken
_RATES = 300  # bins of a population's rate
_AT_ONCE = 2**20  # events


class Cells(NamedTuple):
    """Neurons ``[first, stop)`` of a port, of which ``rows`` are shown at most."""

    first: int
    stop: int
    rows: int = _ROWS
    color: str = BLUE
    name: str = "neurons"

    @property
    def shown(self) -> NDArray[np.int64]:
        """Evenly chosen, the same every time."""
        size = self.stop - self.first
        return self.first + np.unique(np.linspace(0, size - 1, min(self.rows, size)).astype(np.int64))

    @property
    def told(self) -> str:
        size, shown = self.stop - self.first, len(self.shown)
        name = self.name[:-1] if size == 1 and self.name.endswith("s") else self.name
        return f"{size:,} {name}" if shown == size else f"{shown} of {size:,} {name}"


def raster(axes: Any, recording: Recording, stretch: Stretch, cells: Sequence[Cells] = ()) -> bool:
    """Spikes of some neurons, each kind in its colour from top to bottom; whether they had to be drawn as shades."""
    kinds = cells or (Cells(0, recording.port.size),)
    shown = [kind.shown for kind in kinds]
    total = sum(map(len, shown))
    ticks, rows, counts = _of_rows(recording, stretch, np.concatenate(shown))
    shaded = len(ticks) > _CROWDED * total * _COLUMNS
    first = 0
    for kind, ids in zip(kinds, shown, strict=True):
        here = (rows >= first) & (rows < first + len(ids))
        draw = _shade if shaded else _strokes
        draw(axes, stretch, (ticks[here], rows[here], counts[here]), (first, first + len(ids)), kind.color)
        first += len(ids)
    axes.set_xlim(stretch.start * stretch.per_tick, stretch.stop * stretch.per_tick)
    axes.set_ylim(total, 0)
    axes.set_yticks([])
    if not len(ticks):
        axes.text(0.5, 0.5, "no spikes", transform=axes.transAxes, ha="center", va="center", color=GREY)
    return shaded


def _batches(recording: Recording, stretch: Stretch) -> Iterator[tuple[NDArray[Any], ...]]:
    events = events_in(recording, stretch)
    for k in range(0, len(events[0]), _AT_ONCE):
        yield tuple(each[k : k + _AT_ONCE] for each in events)


def _of_rows(recording: Recording, stretch: Stretch, shown: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
    """Ticks, rows and counts of the spikes of the neurons ``shown``, one after the other in rows."""
    row = np.full(recording.port.size, -1, np.int32)
    row[shown] = np.arange(len(shown))
    found: list[tuple[NDArray[Any], ...]] = [(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))]
    for ticks, ids, counts in _batches(recording, stretch):
        rows = row[ids]
        seen = rows >= 0
        found.append((ticks[seen], rows[seen], counts[seen]))
    ticks, rows, counts = (np.concatenate(column) for column in zip(*found, strict=True))
    return ticks, rows, counts


def _strokes(axes: Any, stretch: Stretch, events: Any, rows: tuple[int, int], color: str) -> None:
    times, row = (events[0] + 0.5) * stretch.per_tick, events[1]
    ends = np.stack([np.stack([times, row + 0.08], axis=1), np.stack([times, row + 0.92], axis=1)], axis=1)
    width = 1.5 if len(times) < 0.01 * (rows[1] - rows[0]) * _COLUMNS else 1.0
    axes.add_collection(LineCollection(list(ends), colors=color, linewidths=width, rasterized=True), autolim=False)


def _shade(axes: Any, stretch: Stretch, events: Any, rows: tuple[int, int], color: str) -> None:
    borders = stretch.bins(_SHADES)
    bins, length = len(borders) - 1, borders[1] - borders[0]
    ticks, row, counts = events
    column = (ticks - stretch.start) // length
    whole = column < bins
    place = (row[whole] - rows[0]) * bins + column[whole]
    amount = np.bincount(place, counts[whole], minlength=(rows[1] - rows[0]) * bins).reshape(-1, bins)
    shades = LinearSegmentedColormap.from_list("shades", [to_rgba("white"), to_rgba(color)])
    extent = (borders[0] * stretch.per_tick, borders[-1] * stretch.per_tick, rows[1], rows[0])
    axes.imshow(
        amount,
        aspect="auto",
        interpolation="nearest",
        cmap=shades,
        vmin=0,
        vmax=max(1.0, float(np.percentile(amount[amount > 0], 98)) if amount.any() else 1.0),
        extent=extent,
    )


def population_rate(recording: Recording, stretch: Stretch, cells: Cells) -> tuple[FloatArray, FloatArray]:
    """Middles of bins, in the unit of the axis, and the mean rate per neuron in each, in Hz."""
    borders = stretch.bins(_RATES)
    bins, length = len(borders) - 1, int(borders[1] - borders[0])
    total = np.zeros(bins + 1)
    for ticks, ids, counts in _batches(recording, stretch):
        own = (ids >= cells.first) & (ids < cells.stop)
        total += np.bincount((ticks[own] - stretch.start) // length, counts[own], minlength=bins + 1)
    hz = total[:bins] / ((cells.stop - cells.first) * length * stretch.tick_ms * 1e-3)
    middle = np.asarray((borders[:-1] + 0.5 * length) * stretch.per_tick, np.float64)
    return middle, hz


def rates(axes: Any, recording: Recording, stretch: Stretch, cells: Sequence[Cells] = ()) -> None:
    """The mean rate per neuron of each kind."""
    top = 0.0
    for kind in cells or (Cells(0, recording.port.size),):
        middle, hz = population_rate(recording, stretch, kind)
        axes.fill_between(middle, hz, color=kind.color, alpha=0.2, lw=0)
        axes.plot(middle, hz, color=kind.color, lw=1.3, label=kind.name, marker="o" if len(hz) == 1 else None)
        top = max(top, float(hz.max()))
    axes.set_xlim(stretch.start * stretch.per_tick, stretch.stop * stretch.per_tick)
    axes.set_ylim(0, 1.08 * top or 1.0)
    axes.set_ylabel("Rate (Hz)")
