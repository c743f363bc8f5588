"""A brain of many kinds of component and connection at once, and the hash of its results."""

from __future__ import annotations

import numpy as np
from toys import Accumulator, Relay, SavedSpikes

from adapters import RateToPoisson, SpikeToRate
from hybrid import Brain, Simulation, Spikes


def mixed_brain(order=(0, 1, 2, 3)):
    """Rates and spikes through both adapters, in a loop, with matrices of weights and delays."""
    brain = Brain(tick_ms=0.1)
    makers = [
        lambda: Accumulator("b", 3),
        lambda: SavedSpikes("s", 4, hz=200.0),
        lambda: Relay("r", 2, Spikes),
        lambda: Accumulator("a", 2),
    ]
    for k in order:
        brain.add(makers[k]())
    random = np.random.default_rng(5)
    brain.connect(
        brain["s"]["spikes"], brain["b"]["in"], weight=random.random((3, 4)), delay_ms=1.3, adapter=SpikeToRate(5)
    )
    delays = random.integers(12, 40, (2, 3)) * 0.1
    brain.connect(
        brain["b"]["rate"], brain["r"]["in"], weight=random.random((2, 3)), delay_ms=delays, adapter=RateToPoisson(9)
    )
    brain.connect(brain["r"]["out"], brain["a"]["in"], delay_ms=2.0, adapter=SpikeToRate(3))
    brain.connect(brain["a"]["rate"], brain["b"]["in"], weight=0.01, delay_ms=1.2)
    brain.connect(brain["b"]["rate"], brain["b"]["in"], weight=0.02, delay_ms=4.0, name="self")
    return brain


def mixed_hash(order=(0, 1, 2, 3), seed=1, **options):
    record = ["a.rate", "b.rate", "r.out", "s.spikes"]
    return Simulation(mixed_brain(order), seed=seed, record=record, **options).run(100).content_sha256
