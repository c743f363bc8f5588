"""Panels that several figures share: a raster of spikes, an image of lines over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.plot.style import BLUE
from hybrid.results.recorder import Recording
from hybrid.units import FloatArray

_ROWS = 120  # neurons in a raster: more would be thinner than their spikes
_COLUMNS = 1600  # of an image: more than it has pixels


def raster(axes: Any, recording: Recording, per_ms: float) -> None:
    """Spikes of at most 120 neurons, evenly chosen."""
    size, ids = recording.port.size, recording.signal.payload()[1]
    shown = np.unique(np.linspace(0, size - 1, min(_ROWS, size)).astype(int))
    row = np.full(size, -1)
    row[shown] = np.arange(len(shown))
    rows = row[ids]
    visible = rows >= 0
    times = recording.times_ms[visible] * per_ms
    alpha = float(np.clip(5e4 / max(len(times), 1), 0.35, 1.0))
    axes.plot(times, rows[visible], "|", ms=2.1, mew=0.4, color=BLUE, alpha=alpha, rasterized=True)
    axes.set_ylim(-1, len(shown))
    axes.set_yticks([])
    of_all = "" if len(shown) == size else f" of {size:,}"
    axes.set_ylabel(f"{len(shown)}{of_all} neurons")


def image(axes: Any, recording: Recording, per_ms: float, order: NDArray[Any], threshold: float | None = None) -> None:
    """Lines over time from top to bottom in the given order, with a colour bar.

    A ``threshold`` lies in the middle of the colours at most: noise below it does not look like activity.
    """
    values = recording.signal.payload()[0]
    values = block_means(values, max(1, -(-len(values) // _COLUMNS)))
    low, high = np.percentile(values, [1, 99]) if values.size else (0.0, 1.0)
    if threshold is not None:
        high = max(high, 2 * threshold - low)
    stop_ms = recording.clock.ms(recording.signal.window.stop * recording.every)
    drawn = axes.imshow(
        values[:, order].T,
        aspect="auto",
        interpolation="nearest",
        cmap="inferno",
        vmin=low,
        vmax=high,
        extent=(0, stop_ms * per_ms, len(order), 0),
    )
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    bar = axes.figure.colorbar(drawn, ax=axes, pad=0.015, aspect=28)
    bar.outline.set_visible(False)
    unit = "no unit" if recording.port.unit in ("", "1") else recording.port.unit
    bar.set_label(f"{recording.port.name} ({unit})")


def block_means(values: FloatArray, length: int) -> FloatArray:
    """``[block, ...]``: means over consecutive blocks of ``length`` samples; an incomplete last one is left out."""
    whole = len(values) // length
    means: FloatArray = values[: whole * length].reshape(whole, length, *values.shape[1:]).mean(axis=1)
    return means
