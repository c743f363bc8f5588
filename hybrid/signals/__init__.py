"""What flows through a port over one window: spikes as event lists, all else as ``[ticks, size]`` arrays."""

from hybrid.signals.arrays import ArraySignal, Currents, Rates, States, check_rates
from hybrid.signals.moments import Moments
from hybrid.signals.signal import Signal
from hybrid.signals.spikes import MOST_SPIKES, Spikes

KINDS: dict[str, type[Signal]] = {kind.__name__: kind for kind in (Spikes, Rates, Currents, States)}

__all__ = [
    "KINDS",
    "MOST_SPIKES",
    "ArraySignal",
    "Currents",
    "Moments",
    "Rates",
    "Signal",
    "Spikes",
    "States",
    "check_rates",
]
