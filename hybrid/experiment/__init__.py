"""Experiments as files: TOML, strictly checked, to a brain and a simulation."""

from __future__ import annotations

from hybrid.experiment.experiment import Experiment

__all__ = ["Experiment"]
