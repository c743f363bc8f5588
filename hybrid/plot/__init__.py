"""Figures of results, drawn without a window and without matplotlib's global state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hybrid.plot.overview import plot_overview
from hybrid.plot.seizure import plot_seizure_spread
from hybrid.ports import Port
from hybrid.results import Results

__all__ = ["plot_overview", "plot_results", "plot_seizure_spread"]

_SEIZURE = ("focus.spikes", "focus.potassium", "cortex.x1", "cortex.rate")
_POTASSIUM = "hybrid.circuits.potassium:potassium_focus"


def plot_results(
    results: Results,
    path: str | Path | None = None,
    ports: str | Port | Sequence[str | Port] | None = None,
    from_ms: Any = None,
    to_ms: Any = None,
) -> Figure:
    """Draw results as what they are, and save the figure if a path is given.

    A seizure that spreads from a ``focus`` into a ``cortex`` (all four ports recorded, both connections described in the
    configuration) becomes :func:`plot_seizure_spread`. Anything else, or some ``ports`` of it, or the stretch between
    two times, becomes :func:`plot_overview`, which tells what the arguments mean.
    """
    seizure = _seizure(results) if ports is None and from_ms is None and to_ms is None else None
    if seizure is None:
        return plot_overview(results, path, ports, from_ms, to_ms)
    return plot_seizure_spread(results, path, **seizure)


def _seizure(results: Results) -> dict[str, Any] | None:
    """What its figure needs besides the recordings; ``None`` where the results are of anything else."""
    if not all(port in results for port in _SEIZURE):
        return None
    try:
        brain = results.configuration.get("brain", results.configuration)
        connections, components = list(brain["connections"].values()), brain.get("components", {})
        forth = _between(connections, "focus.", "cortex.")
        back = _between(connections, "cortex.", "focus.")
        # rows are targets: the focus speaks with all its cells, and what its fibres hear is averaged
        strength, name = forth[0].sum(axis=1), "Connection strength from the focus"
        within = components.get("cortex", {}).get("weights")
        if within is not None:
            strength, name = strength + np.asarray(within) @ strength, "Connection strength, direct + over one region"
        found = {
            "strength": strength,
            "delay_ms": forth[1].mean(axis=1),
            "strength_to_focus": back[0].mean(axis=0),
            "delay_to_focus_ms": back[1].mean(axis=0),
        }
        regions = {results.recording(port).port.size for port in ("cortex.x1", "cortex.rate")}
        if regions != {len(values) for values in found.values()}:
            return None
        return {**found, "strength_name": name, "excitatory": _excitatory(components, results)}
    except (
        KeyError,
        StopIteration,
        TypeError,
        ValueError,
        OverflowError,
        AttributeError,
    ):  # another brain with such names
        return None


def _excitatory(components: dict[str, Any], results: Results) -> int | None:
    """How many cells of the focus are excitatory, the first ones, where its circuit is one that is known."""
    focus = components.get("focus", {})
    if focus.get("build") != _POTASSIUM:
        return None
    share = float(focus["parameters"].get("excitatory_fraction", 0.8))
    return round(share * results.recording("focus.spikes").port.size)


def _between(connections: list[dict[str, Any]], source: str, target: str) -> tuple[Any, Any]:
    """Weights and delays, ``[target, source]`` each, of the first connection between two components."""
    found = next(each for each in connections if each["from"].startswith(source) and each["to"].startswith(target))
    weight, delay = (np.atleast_2d(np.asarray(found[key], np.float64)) for key in ("weight", "delay_ms"))
    return weight, delay
