"""All that was recorded, or some of it: a panel or two for each port, over one axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hybrid.errors import ConfigurationError
from hybrid.plot.panels import curves, image, name_lines
from hybrid.plot.raster import Cells, raster, rates
from hybrid.plot.stretch import Stretch, is_empty, stretch_of
from hybrid.plot.style import GREY, as_written, check_folder, our_style, save
from hybrid.ports import Port
from hybrid.results import Results
from hybrid.results.recorder import Recording

_LINES = 8  # a port with more lines is drawn as an image
_PORTS = 20  # more would make a picture that few programs open


def plot_overview(
    results: Results,
    path: str | Path | None = None,
    ports: str | Port | Sequence[str | Port] | None = None,
    from_ms: Any = None,
    to_ms: Any = None,
) -> Figure:
    """Draw recorded ports over time; saved if a path is given.

    Spikes become a raster of at most 100 neurons, evenly chosen, above the mean rate of all; where single spikes would
    run together, a neuron's rate is shaded. Up to 8 lines become curves, more an image with their names.

    Parameters
    ----------
    ports: to draw, in this order; all that were recorded (the first 20) if left out.
    from_ms, to_ms: the stretch to draw; from the start, and to the end, if left out.

    Errors: ``UnknownNameError`` lists what was recorded; ``ConfigurationError`` for a stretch in which nothing lies.
    """
    check_folder(path)
    recordings = _chosen(results, ports)
    stretch = stretch_of(results, from_ms, to_ms)
    _check_content(recordings, stretch)
    left = "" if len(recordings) <= _PORTS else f"{_PORTS} of {len(recordings)} ports; choose others by their names"
    recordings = recordings[:_PORTS]
    heights = [height for recording in recordings for height in _heights(recording)]
    with our_style():
        figure = Figure(figsize=(11, 0.9 + sum(heights) + 0.34 * len(recordings)), layout="constrained")
        grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=(1, 0.013))
        row, below = 0, None
        for recording in recordings:
            rows = len(_heights(recording))
            axes = [figure.add_subplot(grid[row + k, 0], sharex=below) for k in range(rows)]
            _draw(axes, lambda row=row: figure.add_subplot(grid[row, 1]), recording, stretch, heights[row])
            axes[0].set_title(as_written(str(recording.port), 80))
            row, below = row + rows, axes[0]
        if left:
            figure.suptitle(left, x=0.99, ha="right", fontsize=11, color=GREY)
        for axes_above in figure.axes:
            axes_above.tick_params(axis="x", labelbottom=axes_above is axes[-1])
        axes[-1].set_xlabel(f"Time ({'s' if stretch.in_seconds else 'ms'})")
        save(figure, path)
    return figure


def _chosen(results: Results, ports: str | Port | Sequence[str | Port] | None) -> list[Recording]:
    if not len(results):
        raise ConfigurationError("nothing was recorded, so there is nothing to draw; ask for ports with record=[...]")
    if ports is None:
        return list(results.recordings.values())
    names = [ports] if isinstance(ports, str | Port) else list(ports)
    if not names:
        raise ConfigurationError(f"no port to draw; there is: {', '.join(results)}")
    return [results.recording(name) for name in dict.fromkeys(map(str, names))]


def _check_content(recordings: list[Recording], stretch: Stretch) -> None:
    if all(is_empty(recording, stretch) for recording in recordings):
        start, stop = (tick * stretch.tick_ms for tick in (stretch.start, stretch.stop))
        every = ", ".join(f"{each.port} every {each.clock.ms(each.every):g} ms" for each in recordings[:_PORTS])
        raise ConfigurationError(f"from {start:g} to {stop:g} ms there is no sample of what is to be drawn ({every}); "
                                 f"give a longer stretch")  # fmt: skip


def _heights(recording: Recording) -> tuple[float, ...]:
    """Of its panels, in inches."""
    if recording.port.carries_events:
        return float(np.clip(0.06 * recording.port.size, 0.5, 2.0)), 0.9
    return (1.7 if recording.port.size <= _LINES else float(np.clip(0.068 * recording.port.size, 1.7, 5.5)),)


def _draw(panels: list[Any], beside: Any, recording: Recording, stretch: Stretch, height: float) -> None:
    port, axes = recording.port, panels[0]
    if is_empty(recording, stretch):
        text = f"no sample: there is one every {recording.clock.ms(recording.every):g} ms"
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)
        axes.set_yticks([])
    elif port.carries_events:
        cells = Cells(0, port.size)
        if raster(axes, recording, stretch):
            _tell(axes, "shade: rate of a neuron")
        axes.set_ylabel(cells.told.replace(" neuron", "\nneuron"))
        rates(panels[1], recording, stretch)
    elif port.size > _LINES:
        image(axes, recording, stretch, np.arange(port.size), beside=beside())
        name_lines(axes, port.labels, port.size, 72 * height)
    else:
        curves(axes, recording, stretch)


def _tell(axes: Any, text: str) -> None:
    axes.set_title(text, loc="right", fontsize=10, color=GREY)
