"""One experiment at many values: the grid, its points on processes or ranks, the index of what came out."""

from __future__ import annotations

from hybrid.experiment.sweep.grid import Axis
from hybrid.experiment.sweep.sweep import Sweep

__all__ = ["Axis", "Sweep"]
