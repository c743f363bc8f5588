"""Adapters that carry activity across the interface between scales; import them from here, or write your own."""

from adapters.rate_to_poisson import RateToPoisson
from adapters.spike_to_rate import SpikeToRate

__all__ = ["RateToPoisson", "SpikeToRate"]
