"""Structural connectomes: regions, weights, tract lengths, and where they come from."""

from hybrid.connectome.connectome import Connectome
from hybrid.connectome.tracts import Projection, tract_delays_ms

__all__ = ["Connectome", "Projection", "tract_delays_ms"]
