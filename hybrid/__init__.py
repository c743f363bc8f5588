"""Hybrid multi-scale brain simulation: spiking circuits inside a neural-mass connectome, over MPI."""

from hybrid.adapter import Adapter, Chain
from hybrid.brain import Brain
from hybrid.clock import Clock, Window
from hybrid.component import Component
from hybrid.connectome import Connectome
from hybrid.ports import Port
from hybrid.results import Results
from hybrid.results.recorder import Every
from hybrid.run.plan import make_plan
from hybrid.run.simulation import Simulation
from hybrid.signals import Currents, Moments, Rates, Signal, Spikes, States
from hybrid.stimulus import Constant, Pulse, Samples, Sinusoid, SpikeTimes, Steps, Stimulus, Train

__version__ = "0.1.0"

__all__ = [
    "Adapter",
    "Brain",
    "Chain",
    "Clock",
    "Component",
    "Connectome",
    "Constant",
    "Currents",
    "Every",
    "Moments",
    "Port",
    "Pulse",
    "Rates",
    "Results",
    "Samples",
    "Signal",
    "Simulation",
    "Sinusoid",
    "SpikeTimes",
    "Spikes",
    "States",
    "Steps",
    "Stimulus",
    "Train",
    "Window",
    "make_plan",
]
