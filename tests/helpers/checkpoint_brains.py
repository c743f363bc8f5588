"""Brains of every kind of part, one of which leaves in the middle of a run, and what their runs record."""

from __future__ import annotations

import os
import signal

from mixed import mixed_brain
from toys import Toy

from hybrid import Brain, Every, Simulation

# the brains import what they need: the ranks of a brain of toys would wait for Brian2 otherwise

DURATION_MS = 30.0


class Leaver(Toy):
    """Raises at a tick, or kills its process; all that is done about it stands outside of the brain, which stays the same."""

    at_tick: int | None = None
    kills = False

    def advance(self, window, inputs):
        if self.at_tick is not None and self.at_tick in window:
            if self.kills:
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError("left on purpose")
        return {}


def toys():
    brain = mixed_brain()
    return brain, ["r.out", "s.spikes", Every(brain["b"]["rate"], 0.5), Every(brain["a"]["rate"], 0.3, False)]


def adapters():
    """Every adapter there is."""
    from matrix_cases import ADAPTERS, add_to

    brain = Brain(tick_ms=0.1)
    return brain, [port for name in ADAPTERS for port in add_to(brain, name, f"{name}_")]


def masses():
    """Delays, coloured noise, interpolation; a network in two parts."""
    from matrix_cases import CONNECTOME

    from hybrid.masses import MassNetwork, Noise, WilsonCowan

    brain = Brain(tick_ms=0.1)
    noise = Noise({"E": 0.01}, tau_ms=3.0)
    whole = brain.add(MassNetwork("whole", CONNECTOME, WilsonCowan(), noise=noise, delays="interpolated"))
    halves = MassNetwork.in_parts("part", CONNECTOME, WilsonCowan(), parts=2, noise=Noise(0.01))
    for each in halves:
        brain.add(each)
    brain.join(*halves)
    brain.connect(whole["rate"], whole["drive"], delay_ms=2.1, weight=0.1)
    return brain, ["whole.E", "part_0.E", "part_1.rate"]


def circuit():
    """A focus and masses that hear each other."""
    import matrix_circuits
    from matrix_cases import CONNECTOME

    from adapters import RateToPoisson, SpikeToRate
    from hybrid.circuits import Microcircuit
    from hybrid.masses import MassNetwork, Noise, WilsonCowan

    brain = Brain(tick_ms=0.1)
    focus = brain.add(Microcircuit("focus", matrix_circuits.heard, parameters={"n": 10}, engine="compiled"))
    cortex = brain.add(MassNetwork("cortex", CONNECTOME, WilsonCowan(), noise=Noise(0.01)))
    brain.connect(focus["spikes"], cortex["drive"], weight=0.3, delay_ms=1.7, adapter=SpikeToRate(5.0))
    brain.connect(cortex["rate"], focus["afferents"], weight=0.5, delay_ms=2.3, adapter=RateToPoisson(40))
    return brain, ["focus.spikes", Every(focus["v"], 1.0), "cortex.rate", "cortex.drive"]


BRAINS = {"toys": toys, "adapters": adapters, "masses": masses, "circuit": circuit}


def simulation(kind: str, leave_at: int | None = None, kills: bool = False, **options) -> Simulation:
    brain, record = BRAINS[kind]()
    leaver = brain.add(Leaver("zz"))
    leaver.at_tick, leaver.kills = leave_at, kills
    return Simulation(brain, **{"seed": 1, "record": record, "on_drift": "ignore", **options})
