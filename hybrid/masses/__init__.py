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
from hybrid.masses.epileptor import Epileptor
from hybrid.masses.epileptor_2d import Epileptor2D
from hybrid.masses.firing_rate import FiringRate
from hybrid.masses.generic_2d_oscillator import Generic2dOscillator
from hybrid.masses.jansen_rit import JansenRit
from hybrid.masses.k_ion_ex import KIonEx
from hybrid.masses.kuramoto import Kuramoto
from hybrid.masses.loops import basal_ganglia, thalamocortical
from hybrid.masses.model import MassModel
from hybrid.masses.montbrio_pazo_roxin import MontbrioPazoRoxin
from hybrid.masses.network import MassNetwork
from hybrid.masses.noise import Noise
from hybrid.masses.reduced_wong_wang import ReducedWongWang
from hybrid.masses.robinson import Robinson
from hybrid.masses.slow_potassium import PotassiumWilsonCowan
from hybrid.masses.stuart_landau import StuartLandau
from hybrid.masses.wendling import Wendling
from hybrid.masses.wilson_cowan import WilsonCowan
from hybrid.masses.wong_wang_exc_inh import WongWangExcInh

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
