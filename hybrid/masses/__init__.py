"""The coarse scale: neural masses on a connectome, all regions in one compiled kernel."""

from __future__ import annotations

from hybrid.masses.coupling import Coupling, Difference, Linear, Sine
from hybrid.masses.epileptor import Epileptor
from hybrid.masses.jansen_rit import JansenRit
from hybrid.masses.kuramoto import Kuramoto
from hybrid.masses.model import MassModel
from hybrid.masses.montbrio_pazo_roxin import MontbrioPazoRoxin
from hybrid.masses.network import MassNetwork
from hybrid.masses.noise import Noise
from hybrid.masses.reduced_wong_wang import ReducedWongWang
from hybrid.masses.wilson_cowan import WilsonCowan

__all__ = [
    "Coupling",
    "Difference",
    "Epileptor",
    "JansenRit",
    "Kuramoto",
    "Linear",
    "MassModel",
    "MassNetwork",
    "MontbrioPazoRoxin",
    "Noise",
    "ReducedWongWang",
    "Sine",
    "WilsonCowan",
]
