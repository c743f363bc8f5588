"""All that was recorded, one panel a port, over one axis of time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hybrid.errors import ConfigurationError
from hybrid.plot.panels import image, raster
from hybrid.plot.style import CYCLE, check_folder, our_style, save, time_axis
from hybrid.results import Results
from hybrid.results.recorder import Recording

_LINES = 8  # a port with more lines is drawn as an image


def plot_overview(results: Results, path: str | Path | None = None) -> Figure:
    """Draw every recorded port: spikes as a raster, few lines as curves, many as an image; saved if a path is given."""
    check_folder(path)
    recordings = list(results.recordings.values())
    if not recordings:
        raise ConfigurationError("nothing was recorded, so there is nothing to draw; ask for ports with record=[...]")
    with our_style():
        figure = Figure(figsize=(11, 1.2 + 2.4 * len(recordings)), layout="constrained")
        for axes, recording in zip(figure.subplots(len(recordings), 1, squeeze=False)[:, 0], recordings, strict=True):
            per_ms = time_axis(axes, results.duration_ms)
            _draw(axes, recording, per_ms)
            axes.set_title(str(recording.port))
            axes.label_outer()
        save(figure, path)
    return figure


def _draw(axes: Any, recording: Recording, per_ms: float) -> None:
    port = recording.port
    if port.carries_events:
        raster(axes, recording, per_ms)
    elif port.size > _LINES:
        image(axes, recording, per_ms, np.arange(port.size))
        axes.set_ylabel(f"{port.size} lines")
    else:
        values = recording.signal.payload()[0]
        for line, color in zip(range(port.size), CYCLE, strict=False):
            label = port.labels[line] if port.labels else None
            axes.plot(recording.times_ms * per_ms, values[:, line], color=color, lw=1.4, label=label)
        axes.set_ylabel(_unit(port.unit))
        if port.labels:
            axes.legend(loc="upper right", ncols=4)


def _unit(unit: str) -> str:
    return "no unit" if unit in ("", "1") else unit
