"""How our figures look: large type, colours that colour-blind readers tell apart, nothing without a purpose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from hybrid.errors import ConfigurationError

# Okabe and Ito's palette ("Color Universal Design", 2008)
BLUE, VERMILLION, GREEN, ORANGE, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7"
CYCLE = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, "#56B4E9", "#F0E442", "#000000")
INK, GREY, PALE = "#222222", "#8A8A8A", "#D9D9D9"

_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica Neue", "Arial", "DejaVu Sans"],
    "font.size": 12,
    "axes.labelsize": 12,
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.9,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.frameon": False,
    "legend.fontsize": 11,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}


@contextmanager
def our_style() -> Iterator[None]:
    """Draw and save inside this; matplotlib's own settings are as before afterwards."""
    with matplotlib.rc_context(_STYLE):
        yield


def letter(axes: Any, text: str) -> None:
    """A bold panel letter, left of the title."""
    axes.annotate(
        text,
        (0, 1),
        xytext=(-42, 9),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=17,
        fontweight="bold",
        va="baseline",
        ha="left",
    )


def as_written(name: str, most: int = 40) -> str:
    """A name out of a file, not too long, and not taken for a formula where it has dollar signs."""
    cut = name if len(name) <= most else name[: most - 1] + "…"
    return (" " if cut.startswith("_") else "") + cut.replace("$", r"\$")  # a legend leaves out what begins with "_"


def time_axis(axes: Any, duration_ms: float) -> float:
    """Label a time axis over the whole run; returns what turns ms into its unit (s for long runs)."""
    per_ms, unit = (1e-3, "s") if duration_ms >= 2000 else (1.0, "ms")
    axes.set_xlim(0, duration_ms * per_ms)
    axes.set_xlabel(f"Time ({unit})")
    return per_ms


def check_folder(path: str | Path | None) -> None:
    """Refuse a path whose folder does not exist, before anything is drawn."""
    if path is not None and not Path(path).parent.is_dir():
        raise ConfigurationError(f"cannot save {path}: there is no folder {Path(path).parent}; make it first")


def save(figure: Figure, path: str | Path | None) -> None:
    """Save the figure, if a path is given; its ending decides the format (png, pdf, svg)."""
    if path is not None:
        try:
            figure.savefig(path, dpi=200, facecolor="white")
        except ValueError as error:
            raise ConfigurationError(f"cannot save {path}: {error}") from None
