"""Features of a sweep over its values: a line over one key, a heat map over two; repeats with other seeds are averaged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hybrid.errors import ConfigurationError, unknown
from hybrid.experiment.sweep import Axis, Sweep
from hybrid.plot.style import BLUE, GREY, as_written, check_folder, our_style, save
from hybrid.units import FloatArray

SEED = "run.seed"
_MOST = 6  # features in one picture
_TICKS = 12  # of an axis of texts


def plot_sweep(sweep: Sweep, path: str | Path | None = None, features: Sequence[str] | None = None) -> Figure:
    """Draw features, each in a panel of its own, and save the figure if a path is given.

    Over one key the mean is a line and every point of the sweep a dot; over two it is a heat map, with points that failed or
    are missing in grey. Where there are more keys than two, or seeds, the picture is that of the first two (seeds last), and
    means over all others, which the title says.

    Parameters
    ----------
    features: names, as in the index; the first six if left out.
    """
    check_folder(path)
    known = sweep.features
    if not known:
        raise ConfigurationError(
            f"{sweep.folder} has no features to draw; run the sweep again with --feature module:function: "
            f"points that are done are not run again"
        )
    for name in features or ():
        if name not in known:
            raise unknown("feature", name, known)
    names = list(features or known[:_MOST])
    axes, values = _arranged(sweep, names)
    with our_style():
        columns = min(len(names), 2 if len(names) != 3 else 3)
        lines = -(-len(names) // columns)
        figure = Figure(figsize=(5.6 * columns, 4.2 * lines), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False).ravel()
        for panel, name in zip(panels, names, strict=False):
            (_line if len(axes) == 1 or not _is_map(axes) else _map)(panel, axes, values[name], name)
        for panel in panels[len(names) :]:
            panel.remove()
        title = _title(sweep, axes, int(np.isnan(values[names[0]]).sum()))
        if title:
            figure.suptitle(title, fontsize=11, color=GREY, x=0.01, ha="left")
        save(figure, path)
    return figure


def _arranged(sweep: Sweep, names: Sequence[str]) -> tuple[list[Axis], dict[str, FloatArray]]:
    """The axes with several values, seeds last, and by feature an array with an axis for each."""
    grid, table = sweep.design.grid, sweep.table
    if grid.zipped:
        longest = [axis for axis in grid.axes if len(axis.values) == len(grid)]
        return longest[:1], {name: np.array([float(row[name]) for row in table]) for name in names}
    several = [k for k, axis in enumerate(grid.axes) if len(axis.values) > 1] or [0]
    order = sorted(several, key=lambda k: grid.axes[k].key == SEED)
    arrays = {}
    for name in names:
        whole = np.array([float(row[name]) for row in table]).reshape(grid.shape)
        rest = tuple(k for k in range(len(grid.axes)) if k not in order)
        arrays[name] = whole.transpose(*order, *rest).reshape([grid.shape[k] for k in order])
    return [grid.axes[k] for k in order], arrays


def _is_map(axes: Sequence[Axis]) -> bool:
    return sum(axis.key != SEED for axis in axes) > 1


def _mean(values: FloatArray, kept: int) -> FloatArray:
    """Over all axes but the first ones, without NaN; NaN where there is nothing else."""
    flat = values.reshape(*values.shape[:kept], -1)
    count = (~np.isnan(flat)).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        mean: FloatArray = np.where(count > 0, np.nansum(flat, axis=-1) / np.maximum(count, 1), np.nan)
    return mean


def _line(panel: Any, axes: Sequence[Axis], values: FloatArray, name: str) -> None:
    at = _places(axes[0])
    order = np.argsort(at, kind="stable")
    flat = values.reshape(len(at), -1)
    if flat.shape[1] > 1:
        panel.plot(np.repeat(at, flat.shape[1]), flat.ravel(), ".", color=GREY, ms=5)
    panel.plot(at[order], _mean(values, 1)[order], "o-", color=BLUE, lw=1.6, ms=5)
    _label(panel, axes[0], "x")
    panel.set_ylabel(as_written(name))


def _map(panel: Any, axes: Sequence[Axis], values: FloatArray, name: str) -> None:
    """Rows are those of the first key, columns those of the second; equal cells, named by their values."""
    drawn = panel.imshow(_mean(values, 2), aspect="auto", origin="lower", interpolation="nearest", cmap="viridis")
    panel.set_facecolor("#CCCCCC")  # where there is nothing
    for axis, which in zip(axes, "yx", strict=False):
        _name_cells(panel, axis, which)
    bar = panel.figure.colorbar(drawn, ax=panel, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label(as_written(name))


def _places(axis: Axis) -> FloatArray:
    """Where values lie: numbers at themselves, all else side by side."""
    return np.array(axis.values, np.float64) if _are_numbers(axis) else np.arange(len(axis.values), dtype=np.float64)


def _are_numbers(axis: Axis) -> bool:
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in axis.values)


def _label(panel: Any, axis: Axis, which: str) -> None:
    if _are_numbers(axis):
        getattr(panel, f"set_{which}label")(as_written(axis.key, 60))
    else:
        _name_cells(panel, axis, which)


def _name_cells(panel: Any, axis: Axis, which: str) -> None:
    step = -(-len(axis.values) // _TICKS)
    texts = [each if isinstance(each, str) else json.dumps(each) for each in axis.values[::step]]
    getattr(panel, f"set_{which}ticks")(range(0, len(axis.values), step), [as_written(text, 16) for text in texts])
    getattr(panel, f"set_{which}label")(as_written(axis.key, 60))


def _title(sweep: Sweep, axes: Sequence[Axis], absent: int) -> str:
    told = []
    averaged = axes[2:] if _is_map(axes) else axes[1:]
    if averaged:
        told.append("mean over " + ", ".join(f"{axis.key} ({len(axis.values)})" for axis in averaged))
    if sweep.design.grid.zipped and len(sweep.design.grid.axes) > 1:
        told.append("with it: " + ", ".join(axis.key for axis in sweep.design.grid.axes if axis not in axes))
    if absent:
        told.append(f"{absent} of {len(sweep)} points failed or are missing")
    return as_written("; ".join(told), 150)
