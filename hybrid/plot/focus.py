"""The spiking focus of a seizure: potassium, every cell's rate over the whole run, and the spikes of the first onset."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import ConnectionPatch

from hybrid.plot.raster import Cells, population_rate, raster
from hybrid.plot.stretch import Stretch, stretch_of
from hybrid.plot.style import BLUE, GREY, INK, VERMILLION
from hybrid.results import Results

_EXCITATORY, _INHIBITORY = 48, 12  # cells that are shown, of each kind
_ZOOM_MS = 400.0


def draw_focus(
    figure: Any, place: Any, results: Results, spikes: str, potassium: str | None, excitatory: int | None
) -> Any:
    """Draw it into a place of a grid; returns the uppermost axes."""
    recording, stretch = results.recording(spikes), stretch_of(results)
    kinds = _kinds(recording.port.size, excitatory)
    heights = (0.55,) * (potassium is not None) + (1.0, 1.0)
    inner = place.subgridspec(len(heights), 1, height_ratios=heights, hspace=0.05)
    panels = [figure.add_subplot(inner[k]) for k in range(len(heights))]
    if potassium is not None:
        level = results.recording(potassium)
        mean = level.signal.payload()[0].mean(axis=1)
        panels[0].plot(level.times_ms / results.tick_ms * stretch.per_tick, mean, color=INK, lw=1.8)
        panels[0].margins(y=0.12)
        panels[0].set_ylabel(f"K⁺ ({level.port.unit})")
        panels[0].set_xlim(0, results.duration * stretch.per_tick)
        panels[0].tick_params(labelbottom=False)
    whole, zoomed = panels[-2:]
    shaded = raster(whole, recording, stretch, kinds)
    whole.set_ylabel("Rate of cells\n(shade)" if shaded else "Spikes")
    near = _onset(results, spikes, stretch)
    raster(zoomed, recording, near, kinds)
    zoomed.set_ylabel("Spikes of\nthe same cells")
    above_the_lines = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    whole.set_xlabel(f"Time ({'s' if stretch.in_seconds else 'ms'})", bbox=above_the_lines)
    zoomed.set_xlabel(f"Time ({'s' if near.in_seconds else 'ms'})")
    _connect(whole, zoomed, stretch, near)
    panels[0].set_title("Focus")
    _legend(panels[0], kinds)
    return panels[0]


def _kinds(size: int, excitatory: int | None) -> tuple[Cells, ...]:
    if excitatory is None or not 0 < excitatory < size:
        return (Cells(0, size, _EXCITATORY + _INHIBITORY, BLUE, "neurons"),)
    return (
        Cells(0, excitatory, _EXCITATORY, BLUE, "excitatory"),
        Cells(excitatory, size, _INHIBITORY, VERMILLION, "inhibitory"),
    )


def _legend(axes: Any, kinds: tuple[Cells, ...]) -> None:
    """Beside the title, in the colours of the cells."""
    bars = [Line2D([], [], ls="none", marker="|", ms=9, mew=2, color=kind.color, label=kind.told) for kind in kinds]
    axes.legend(
        handles=bars, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(bars), borderpad=0.3, handletextpad=0,
        columnspacing=1.0,
    )  # fmt: skip


def _onset(results: Results, spikes: str, stretch: Stretch) -> Stretch:
    """Some 100 ms about the moment at which the population first fires at a quarter of its highest rate."""
    recording = results.recording(spikes)
    _, hz = population_rate(recording, stretch, Cells(0, recording.port.size))
    borders = stretch.bins(300)
    first = int(borders[int(np.argmax(hz >= 0.25 * hz.max()))])
    length = min(stretch.stop, int(_ZOOM_MS / stretch.tick_ms))
    start = min(max(0, first - length * 3 // 5), stretch.stop - length)
    return Stretch(start, start + length, stretch.tick_ms)


def _connect(whole: Any, zoomed: Any, stretch: Stretch, near: Stretch) -> None:
    """Mark in the whole what is shown larger below."""
    bottom = whole.get_ylim()[0]
    for tick, side in ((near.start, 0.0), (near.stop, 1.0)):
        whole.axvline(tick * stretch.per_tick, color=GREY, lw=0.9)
        line = ConnectionPatch(
            (tick * stretch.per_tick, bottom),
            (side, 1),
            whole.transData,
            zoomed.transAxes,
            color=GREY,
            lw=0.9,
            zorder=-1,
        )
        line.set_in_layout(False)
        whole.figure.add_artist(line)
