"""Draws docs/floors.svg from the table of floors that tests/test_floors.py enforces: ``python docs/make_floors.py``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests" / "helpers"))

from floors import ADAPTERS_MAY, ASIDE, FLOORS  # noqa: E402

PURPOSE = [
    "errors, caches",
    "time, units, randomness",
    "what flows, the data",
    "ways in and out",
    "the two contracts",
    "the scales, what joins them, results",
    "a brain",
    "its run, on any number of ranks",
    "a run as a file",
    "the command line",
]
DOORS = {"run": "MPI", "circuits": "Brian2, C++", "masses": "numba", "interface": "numba", "results": "HDF5"}

STEP, HEIGHT, ROOM = 0.62, 0.5, 0.33  # inches: from floor to floor, of a floor, of a room
LEFT, WIDTH, GAP = 3.15, 9.7, 0.1  # where rooms begin, of the house, between rooms
INK, PAPER, FAINT, ACCENT = "#22313f", "#ffffff", "#5c6f7d", "#c8553d"


def main() -> None:
    plt.rcParams |= {"font.family": "DejaVu Sans", "svg.hashsalt": "hybrid"}
    top = STEP * len(FLOORS)
    axes = canvas(left=-0.55, right=WIDTH + 2.95, bottom=-0.12, top=top)
    for floor, rooms in enumerate(FLOORS):
        draw_floor(axes, floor, sorted(rooms))
    draw_annex(axes, 5, "adapters/", f"may import only\n{', '.join(sorted(ADAPTERS_MAY))}")
    draw_annex(
        axes,
        8,
        " ".join(f"{name}/" for name in sorted(ASIDE)),
        "read results; only the command\nline and examples import them",
    )
    style = {"arrowstyle": "-|>", "mutation_scale": 16, "linewidth": 1.6, "color": ACCENT}
    axes.add_patch(FancyArrowPatch((-0.17, top - 0.1), (-0.17, 0), shrinkA=0, shrinkB=0, **style))
    write(axes, -0.36, top / 2, "imports point down", 9, ACCENT, rotation=90, ha="center")
    text = "; ".join(f"floor {k + 1}: {' '.join(sorted(rooms))}" for k, rooms in enumerate(FLOORS))
    metadata = {"Date": None, "Title": "The floors of hybrid", "Description": text}
    axes.figure.savefig(DOCS / "floors.svg", facecolor=PAPER, metadata=metadata)


def canvas(left: float, right: float, bottom: float, top: float) -> Axes:
    """Empty axes whose unit is an inch, so that the width of a text is known."""
    figure = plt.figure(figsize=(right - left, top - bottom))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(bottom, top))
    axes.axis("off")
    return axes


def draw_floor(axes: Axes, floor: int, rooms: Iterable[str]) -> None:
    shade = plt.get_cmap("Blues")(0.06 + 0.045 * floor)
    y = floor * STEP
    box(axes, 0, y, WIDTH, HEIGHT, facecolor=shade, edgecolor="none")
    write(axes, 0.16, y + HEIGHT / 2, str(floor + 1), 14, INK, weight="bold")
    write(axes, 0.48, y + HEIGHT / 2, PURPOSE[floor], 9, INK)
    x = LEFT
    for name in rooms:
        x += draw_room(axes, x, y + (HEIGHT - ROOM) / 2, name) + GAP


def draw_room(axes: Axes, x: float, y: float, name: str) -> float:
    """A room, with the library it is the only door to; returns its width."""
    width = 0.1 + write(axes, x + 0.1, y + ROOM / 2, name, 9, INK)
    if name in DOORS:
        width += 0.08 + write(axes, x + width + 0.08, y + ROOM / 2, DOORS[name], 7.5, ACCENT, style="italic")
    box(axes, x, y, width + 0.1, ROOM, facecolor=PAPER, edgecolor=INK, linewidth=0.8)
    return width + 0.1


def draw_annex(axes: Axes, floor: int, name: str, note: str) -> None:
    """A box beside the house."""
    x, y = WIDTH + 0.2, floor * STEP - 0.06
    box(axes, x, y, 2.6, HEIGHT + 0.12, facecolor=PAPER, edgecolor=FAINT, linewidth=1, linestyle=(0, (4, 2)))
    write(axes, x + 0.12, y + 0.49, name, 9, INK)
    write(axes, x + 0.12, y + 0.21, note, 7.5, FAINT, linespacing=1.25)


def write(axes: Axes, x: float, y: float, text: str, size: float, color: str, **style: Any) -> float:
    """Text centred on the height ``y``; returns its width."""
    written = axes.text(
        x, y, text, fontsize=size, color=color, va="center_baseline" if "\n" not in text else "center", **style
    )
    return float(written.get_window_extent().width / axes.figure.dpi)


def box(axes: Axes, x: float, y: float, width: float, height: float, **style: Any) -> None:
    rounded = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=rounded, **style))


if __name__ == "__main__":
    main()
