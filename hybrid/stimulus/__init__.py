"""Stimuli: components that send by a plan what nobody in the brain sends."""

from hybrid.stimulus.spike_times import SpikeTimes
from hybrid.stimulus.stimulus import Stimulus
from hybrid.stimulus.waveforms import Constant, Function, Pulse, Samples, Sinusoid, Steps, Train, Waveform

__all__ = [
    "Constant",
    "Function",
    "Pulse",
    "Samples",
    "Sinusoid",
    "SpikeTimes",
    "Steps",
    "Stimulus",
    "Train",
    "Waveform",
]
