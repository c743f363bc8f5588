"""Adapters that carry activity across the interface between scales; import them from here, or write your own."""

from adapters.affine import Affine
from adapters.alpha_spike_to_rate import AlphaSpikeToRate
from adapters.box_spike_to_rate import BoxSpikeToRate
from adapters.correlated_poisson import CorrelatedPoisson
from adapters.gamma_renewal import GammaRenewal
from adapters.inverse_sigmoid import InverseSigmoid
from adapters.map import Map
from adapters.rate_to_conductance import RateToConductance
from adapters.rate_to_current import RateToCurrent
from adapters.rate_to_poisson import RateToPoisson
from adapters.refractory_poisson import RefractoryPoisson
from adapters.siegert_gain import SiegertGain, siegert_rate_hz
from adapters.sigmoid import Sigmoid
from adapters.spike_to_rate import SpikeToRate
from adapters.subset import Subset
from adapters.table_lookup import TableLookup
from adapters.thinning import Thinning

__all__ = [
    "Affine",
    "AlphaSpikeToRate",
    "BoxSpikeToRate",
    "CorrelatedPoisson",
    "GammaRenewal",
    "InverseSigmoid",
    "Map",
    "RateToConductance",
    "RateToCurrent",
    "RateToPoisson",
    "RefractoryPoisson",
    "SiegertGain",
    "Sigmoid",
    "SpikeToRate",
    "Subset",
    "TableLookup",
    "Thinning",
    "siegert_rate_hz",
]
