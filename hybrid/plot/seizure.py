"""The spread of a seizure from a spiking focus through a connectome, in one figure of four panels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from hybrid.analysis.recruitment import RankCorrelation, recruitment_times_ms, spearman
from hybrid.errors import ConfigurationError
from hybrid.plot.focus import draw_focus
from hybrid.plot.panels import block_means, image
from hybrid.plot.stretch import stretch_of
from hybrid.plot.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    as_written,
    check_folder,
    letter,
    our_style,
    save,
    time_axis,
)
from hybrid.results import Results
from hybrid.units import FloatArray, array

_BINS = 400  # of the rates
_NAMED = 12  # regions whose labels are shown


def plot_seizure_spread(
    results: Results,
    path: str | Path | None = None,
    *,
    strength: ArrayLike,
    delay_ms: ArrayLike,
    strength_name: str = "Connection strength from the focus",
    labels: Sequence[str] | None = None,
    excitatory: int | None = None,
    strength_to_focus: ArrayLike | None = None,
    delay_to_focus_ms: ArrayLike | None = None,
    focus: str = "focus",
    cortex: str = "cortex",
    spikes: str = "spikes",
    potassium: str | None = "potassium",
    rate: str = "rate",
    activity: str = "x1",
    threshold: float = -1.0,
    sustain_ms: float = 100.0,
) -> Figure:
    """Draw how a seizure spreads; saved to ``path`` if one is given.

    (a) The focus: mean extracellular potassium; rate of single cells, a fixed sample of 60, in shades; and their spikes
    while the first seizure begins. (b) Activity of all regions over time, in the order of recruitment, which a dot marks;
    those below the line never were. (c) Recruitment time against strength of the connection from the focus, with
    Spearman's rank correlation over all recruited regions; those without a connection (strength 0, the lowest rank) have
    a strip of their own. (d) What crosses the interface: the focus' rate per neuron, and the rate
    ``sum_j w_j r_j(t - d_j)`` that arrives there from the cortex.

    Parameters
    ----------
    strength, delay_ms: ``[region]``, of the connections from the focus to each region of the cortex.
    strength_name: what the strength is, for its axis.
    excitatory: how many of the focus' cells are, the first ones; they are drawn apart from the inhibitory ones.
    labels: ``[region]``; those of the port ``activity`` if left out.
    strength_to_focus, delay_to_focus_ms: ``[region]``, of the connections back; the same if left out.
    focus, cortex, spikes, potassium, rate, activity: names of the components and of their recorded ports;
        ``potassium=None`` draws none.
    threshold, sustain_ms: of recruitment, see :func:`hybrid.analysis.recruitment_times_ms`; the defaults suit the
        Epileptor's ``x1``, whose rest is near -1.5 and whose discharges lie above -1.
    """
    check_folder(path)
    watched = results.recording(f"{cortex}.{activity}")
    size = watched.port.size
    forth = _per_region(strength, size, "1", "strength"), _per_region(delay_ms, size, "ms", "delay_ms")
    back = (
        forth[0] if strength_to_focus is None else _per_region(strength_to_focus, size, "1", "strength_to_focus"),
        forth[1] if delay_to_focus_ms is None else _per_region(delay_to_focus_ms, size, "ms", "delay_to_focus_ms"),
    )
    names = list(labels if labels is not None else watched.port.labels) or [str(k) for k in range(size)]
    if len(names) != size:
        raise ConfigurationError(f"{watched.port} has {size} regions, but {len(names)} labels were given")
    recruited_ms = recruitment_times_ms(watched.times_ms, watched.signal.payload()[0], threshold, sustain_ms)
    with our_style():
        spacing = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08, wspace=0.03, hspace=0.03)
        figure = Figure(figsize=(14, 10), layout=spacing)
        grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.06), height_ratios=(1.3, 1))
        places = [figure.add_subplot(grid[place]) for place in ((0, 1), (1, 0), (1, 1))]
        top = draw_focus(
            figure, grid[0, 0], results, f"{focus}.{spikes}", potassium and f"{focus}.{potassium}", excitatory
        )
        _regions(places[0], results, f"{cortex}.{activity}", recruited_ms, names, threshold)
        _recruitment(places[1], recruited_ms, *forth, results.duration_ms, strength_name)
        _interface(places[2], results, f"{focus}.{spikes}", f"{cortex}.{rate}", *back)
        for axes, text in zip((top, *places), "abcd", strict=True):
            letter(axes, text)
        save(figure, path)
    return figure


def _per_region(values: ArrayLike, size: int, unit: str, what: str) -> FloatArray:
    result = array(values, unit, what)
    if result.shape != (size,):
        raise ConfigurationError(f"{what} has shape {result.shape}; it needs one number for each of {size} regions")
    return result


def _regions(
    axes: Any, results: Results, activity: str, recruited_ms: FloatArray, labels: list[str], threshold: float
) -> None:
    order = np.argsort(recruited_ms, kind="stable")  # NaN, never, comes last
    regions, recruited = len(order), int(np.isfinite(recruited_ms).sum())
    per_ms = time_axis(axes, results.duration_ms)
    image(axes, results.recording(activity), stretch_of(results), order, threshold)
    rows = np.arange(recruited) + 0.5
    dots: dict[str, Any] = {"ls": "none", "marker": "o", "mew": 0.6, "mec": INK, "color": "white"}
    axes.plot(recruited_ms[order[:recruited]] * per_ms, rows, ms=3.2, **dots)
    shown = Line2D([], [], ms=6, label="recruited", **dots)
    axes.legend(handles=[shown], loc="lower right", bbox_to_anchor=(1.0, 0.995), borderpad=0, handletextpad=0)
    if recruited < regions:
        axes.axhline(recruited, color="white", lw=1.2)
        beside = axes.get_yaxis_transform()
        axes.text(
            -0.015,
            (recruited + regions) / 2,
            "never",
            transform=beside,
            fontsize=10,
            color=GREY,
            ha="right",
            va="center",
        )
    _name_rows(axes, [labels[k] for k in order[: min(_NAMED, recruited)]], regions)
    axes.set_title(f"Recruitment: {recruited} of {regions} regions")


def _name_rows(axes: Any, names: list[str], rows: int) -> None:
    """Names beside the first rows, spread out where rows are thinner than letters, with a leader line each."""
    spacing = max(1.0, rows / 21)
    beside = axes.get_yaxis_transform()
    for k, name in enumerate(names):
        text_row = 0.5 + k * spacing
        axes.plot(
            [-0.004, -0.016, -0.042, -0.05],
            [k + 0.5, k + 0.5, text_row, text_row],
            transform=beside,
            color=GREY,
            lw=0.8,
            clip_on=False,
        )
        axes.text(-0.056, text_row, as_written(name, 14), transform=beside, fontsize=10, ha="right", va="center")


def _recruitment(
    axes: Any,
    recruited_ms: FloatArray,
    strength: FloatArray,
    delay_ms: FloatArray,
    duration_ms: float,
    strength_name: str,
) -> None:
    per_ms, unit = (1e-3, "s") if duration_ms >= 2000 else (1.0, "ms")
    connected, recruited = strength > 0, np.isfinite(recruited_ms)
    times = recruited_ms * per_ms
    place = _strength_axis(axes, strength, strength_name)
    axes.set_ylabel(f"Recruitment time ({unit})")
    axes.grid(axis="y", color=PALE, lw=0.7)
    axes.set_axisbelow(True)
    apart, joined = ~connected & recruited, connected & recruited
    axes.plot(place[apart], times[apart], "o", ms=7, mfc="none", mec=GREY, mew=1, zorder=2)
    points = axes.scatter(
        place[joined], times[joined], c=delay_ms[joined], cmap="viridis", s=75, lw=0.8, edgecolor="white", zorder=3
    )
    if joined.any():
        bar = axes.figure.colorbar(points, ax=axes, pad=0.02, aspect=28)
        bar.outline.set_visible(False)
        bar.set_label("Tract delay (ms)")
    if not recruited.any():
        axes.set_ylim(0, duration_ms * per_ms)
    axes.set_title("Recruitment against connection strength")
    place_x, side = (0.98, "right") if joined.any() else (0.5, "center")
    axes.text(place_x, 0.97, _in_words(spearman(strength, recruited_ms)), transform=axes.transAxes, ha=side, va="top")


def _strength_axis(axes: Any, strength: FloatArray, name: str) -> FloatArray:
    """A logarithmic axis of at least a decade, with a strip at its left for 0; returns where each region stands."""
    axes.set_xlabel(f"{name} (log scale)")
    axes.set_xscale("log")
    positive = strength[strength > 0]
    low, high = (positive.min(), positive.max()) if len(positive) else (0.1, 1.0)
    margin = max(1.4, np.sqrt(10 * low / high))
    low, high = low / margin, high * margin
    rng = np.random.default_rng(0)  # within the strip, sideways only: so that points do not hide each other
    strip = low / (high / low) ** 0.13
    place = np.where(strength > 0, strength, strip * (high / low) ** rng.uniform(-0.04, 0.04, len(strength)))
    axes.set_xlim(strip / (high / low) ** 0.07 if (strength <= 0).any() else low, high)
    ticks = [tick for decade in range(-12, 13) for tick in (10.0**decade, 3 * 10.0**decade) if low <= tick <= high]
    labels = [f"{tick:g}" for tick in ticks]
    if (strength <= 0).any():
        ticks, labels = [strip, *ticks], ["no path", *labels]
        axes.axvline(low, color=PALE, lw=1)
    axes.set_xticks(ticks, labels)
    axes.minorticks_off()
    return place


def _interface(axes: Any, results: Results, spikes: str, rate: str, strength: FloatArray, delay_ms: FloatArray) -> None:
    per_ms = time_axis(axes, results.duration_ms)
    bin_ticks = max(1, -(-results.duration // _BINS))
    signal, cortex = results[spikes], results.recording(rate)
    counts = np.bincount(signal.ticks // bin_ticks, signal.counts, minlength=results.duration // bin_ticks)
    bin_ms = results.clock.ms(bin_ticks)
    sent = counts[: results.duration // bin_ticks] / (signal.size * bin_ms * 1e-3)
    arriving = _arriving(cortex.signal.payload()[0], strength, delay_ms / results.clock.ms(cortex.every))
    merged = max(1, round(bin_ticks / cortex.every))
    binned = block_means(arriving, merged)
    axes.plot((np.arange(len(sent)) + 0.5) * bin_ms * per_ms, sent, color=BLUE, lw=1.6, label="sent by the focus")
    step_ms = results.clock.ms(merged * cortex.every)
    axes.plot(
        (np.arange(len(binned)) + 0.5) * step_ms * per_ms,
        binned,
        color=ORANGE,
        lw=1.6,
        label="arriving from the cortex",
    )
    axes.set_ylim(0, 1.2 * max(float(sent.max(initial=0.0)), float(binned.max(initial=0.0)), 1.0))
    axes.set_ylabel("Rate (Hz)")
    axes.set_title("Rates at the interface")
    axes.legend(loc="upper right", ncols=2, handlelength=1.4, borderpad=0)


def _arriving(hz: FloatArray, strength: FloatArray, delay: FloatArray) -> FloatArray:
    """``[time]``: ``sum_j w_j r_j(t - d_j)``, delays in samples; nothing arrives before the first delay is over."""
    total = np.zeros(len(hz))
    for node in np.flatnonzero(strength):
        late = round(delay[node])
        if late < len(hz):
            total[late:] += strength[node] * hz[: len(hz) - late, node]
    return total


def _in_words(found: RankCorrelation) -> str:
    if np.isnan(found.rho):
        return f"Spearman's ρ undefined, {found.n} regions"
    return f"Spearman's ρ = {found.rho:.2f}, {found.n} regions".replace("= -", "= −")
