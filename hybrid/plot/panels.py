"""Panels that several figures share: lines over time as curves or as an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.plot.stretch import Stretch, samples_in
from hybrid.plot.style import CYCLE, as_written
from hybrid.results.recorder import Recording
from hybrid.units import FloatArray

_COLUMNS = 1600  # of an image: more than it has pixels
_POINTS = 2000  # of a curve, an upper and a lower one each


def curves(axes: Any, recording: Recording, stretch: Stretch) -> None:
    """A few lines over time, each in its colour; long ones by their extremes, so that no peak is lost."""
    ticks, values = samples_in(recording, stretch)
    port = recording.port
    for line, color in zip(range(port.size), CYCLE, strict=False):
        times, shown = _extremes(ticks[:-1], values[:, line])
        label = as_written(port.labels[line]) if port.labels else None
        marker = "o" if len(values) == 1 else None
        axes.plot(times * stretch.per_tick, shown, color=color, lw=1.4, marker=marker, label=label)
    axes.set_xlim(stretch.start * stretch.per_tick, stretch.stop * stretch.per_tick)
    axes.set_ylabel(unit_of(recording))
    if port.labels:
        axes.legend(loc="upper left", bbox_to_anchor=(1.005, 1.02), borderaxespad=0, handlelength=1.2)


def _extremes(ticks: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """All samples, or the least and the largest of every so many."""
    length = len(values) // _POINTS
    if length < 3:
        return ticks, values
    starts = np.arange(0, len(values), length)
    both = np.stack([np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)], axis=1)
    return np.repeat(ticks[starts], 2), both.ravel()


def unit_of(recording: Recording) -> str:
    """The unit of a port, as an axis tells it."""
    return "no unit" if recording.port.unit in ("", "1") else as_written(recording.port.unit)


def image(
    axes: Any,
    recording: Recording,
    stretch: Stretch,
    order: NDArray[Any],
    threshold: float | None = None,
    beside: Any = None,
) -> None:
    """Lines over time from top to bottom in the given order, with a colour bar in the axes ``beside``, or next to it.

    A ``threshold`` lies in the middle of the colours at most: noise below it does not look like activity.
    """
    ticks, values = samples_in(recording, stretch)
    length = max(1, -(-len(values) // _COLUMNS))
    means = block_means(values, length)
    finite = means[np.isfinite(means)]
    low, high = np.percentile(finite, [0.5, 99.5]) if finite.size else (0.0, 1.0)
    if threshold is not None:
        high = max(high, 2 * threshold - low)
    end = ticks[min(len(means) * length, len(ticks) - 1)]
    drawn = axes.imshow(
        means[:, order].T,
        aspect="auto",
        interpolation="nearest",
        cmap="inferno",
        vmin=low,
        vmax=high,
        extent=(ticks[0] * stretch.per_tick, end * stretch.per_tick, len(order), 0),
    )
    axes.set_xlim(stretch.start * stretch.per_tick, stretch.stop * stretch.per_tick)
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    above, below = bool(finite.size and finite.max() > high), bool(finite.size and finite.min() < low)
    extend = ("neither", "max", "min", "both")[above + 2 * below]
    place = {"ax": axes, "pad": 0.015, "aspect": 28} if beside is None else {"cax": beside}
    bar = axes.figure.colorbar(drawn, extend=extend, extendfrac=0.03, **place)
    bar.outline.set_visible(False)
    bar.set_label(f"{as_written(recording.port.name)} ({unit_of(recording)})")


def name_lines(axes: Any, names: tuple[str, ...], size: int, height_points: float) -> None:
    """The names of the lines of an image at its left, as many as fit; numbers where they have no names."""
    each = height_points / size
    step = int(np.ceil(5.5 / each))
    rows = np.arange(0, size, step)
    axes.set_yticks(rows + 0.5, [as_written(names[row]) if names else f"{row}" for row in rows])
    axes.tick_params(
        axis="y", length=0 if step == 1 else 2, labelsize=float(np.clip(0.85 * each * step, 4.5, 10)), pad=2
    )


def block_means(values: FloatArray, length: int) -> FloatArray:
    """``[block, ...]``: means over consecutive blocks of ``length`` samples; an incomplete last one is left out."""
    whole = len(values) // length
    means: FloatArray = values[: whole * length].reshape(whole, length, *values.shape[1:]).mean(axis=1)
    return means
