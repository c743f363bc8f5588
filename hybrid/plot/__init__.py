"""Figures of results, drawn without a window and without matplotlib's global state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hybrid.plot.overview import plot_overview
from hybrid.plot.seizure import plot_seizure_spread
from hybrid.results import Results

__all__ = ["plot_overview", "plot_results", "plot_seizure_spread"]

_SEIZURE = ("focus.spikes", "focus.potassium", "cortex.x1", "cortex.rate")


def plot_results(results: Results, path: str | Path | None = None) -> Figure:
    """Draw results as what they are, and save the figure if a path is given.

    A seizure that spreads from a ``focus`` into a ``cortex`` (all four ports recorded, both connections described in the
    configuration) becomes :func:`plot_seizure_spread`, anything else :func:`plot_overview`.
    """
    brain = results.configuration.get("brain", results.configuration)
    connections = list(brain.get("connections", {}).values())
    forth = _between(connections, "focus.", "cortex.")
    back = _between(connections, "cortex.", "focus.")
    if forth is None or back is None or not all(port in results for port in _SEIZURE):
        return plot_overview(results, path)
    # rows are targets: the focus speaks with all its lines, and what its fibres hear is averaged
    strength, name = forth[0].sum(axis=1), "Connection strength from the focus"
    within = brain.get("components", {}).get("cortex", {}).get("weights")
    if within is not None:
        strength, name = strength + np.asarray(within) @ strength, "Strength from the focus, direct and over one region"
    return plot_seizure_spread(
        results,
        path,
        strength=strength,
        strength_name=name,
        delay_ms=forth[1].mean(axis=1),
        strength_to_focus=back[0].mean(axis=0),
        delay_to_focus_ms=back[1].mean(axis=0),
    )


def _between(connections: list[dict[str, Any]], source: str, target: str) -> tuple[Any, Any] | None:
    """Weights and delays, ``[target, source]`` each, of the first connection between two components."""
    for connection in connections:
        if connection["from"].startswith(source) and connection["to"].startswith(target):
            return np.atleast_2d(connection["weight"]), np.atleast_2d(connection["delay_ms"])
    return None
