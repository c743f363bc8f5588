"""The coarse scale: neural masses on a connectome, all regions in one compiled kernel."""

from __future__ import annotations

from hybrid.masses.coupling import (
    Coupling,
    Difference,
    HyperbolicTangent,
    Linear,
    Sigmoidal,
    SigmoidalJansenRit,
    Sine,
)
from hybrid.masses.loops import basal_ganglia, thalamocortical
from hybrid.masses.model import MassModel
from hybrid.masses.models.epileptor import Epileptor
from hybrid.masses.models.epileptor_2d import Epileptor2D
from hybrid.masses.models.firing_rate import FiringRate
from hybrid.masses.models.generic_2d_oscillator import Generic2dOscillator
from hybrid.masses.models.jansen_rit import JansenRit
from hybrid.masses.models.k_ion_ex import KIonEx
from hybrid.masses.models.kuramoto import Kuramoto
from hybrid.masses.models.montbrio_pazo_roxin import MontbrioPazoRoxin
from hybrid.masses.models.reduced_wong_wang import ReducedWongWang
from hybrid.masses.models.robinson import Robinson
from hybrid.masses.models.slow_potassium import PotassiumWilsonCowan
from hybrid.masses.models.stuart_landau import StuartLandau
from hybrid.masses.models.wendling import Wendling
from hybrid.masses.models.wilson_cowan import WilsonCowan
from hybrid.masses.models.wong_wang_exc_inh import WongWangExcInh
from hybrid.masses.network import MassNetwork
from hybrid.masses.noise import Noise

__all__ = [
    "Coupling",
    "Difference",
    "Epileptor",
    "Epileptor2D",
    "FiringRate",
    "Generic2dOscillator",
    "HyperbolicTangent",
    "JansenRit",
    "KIonEx",
    "Kuramoto",
    "Linear",
    "MassModel",
    "MassNetwork",
    "MontbrioPazoRoxin",
    "Noise",
    "PotassiumWilsonCowan",
    "ReducedWongWang",
    "Robinson",
    "Sigmoidal",
    "SigmoidalJansenRit",
    "Sine",
    "StuartLandau",
    "Wendling",
    "WilsonCowan",
    "WongWangExcInh",
    "basal_ganglia",
    "thalamocortical",
]
