"""A mass model of one's own on a connectome, and the proof that it keeps the contract (seconds; docs/write_a_model.md).

python examples/own_model.py               # or in a file: model = "own_model:FitzHughNagumo"
"""

from dataclasses import dataclass

import numpy as np

from hybrid import Brain, Connectome, Simulation
from hybrid.masses import Difference, MassModel, MassNetwork, Noise
from hybrid.testing import check_component


def fitzhugh_nagumo(state, coupling, drive_hz, p):
    """FitzHugh (1961), Nagumo et al. (1962); per ms."""
    v, w = state
    current = p.I + coupling[0] + p.drive_gain * drive_hz
    return (v - v * v * v / 3 - w + current) / p.tau_ms, (v + p.a - p.b * w) / (p.slowness * p.tau_ms)


@dataclass(frozen=True, eq=False)
class FitzHughNagumo(MassModel):
    variables, coupled, default_coupling = ("v", "w"), ("v",), Difference(0.1)
    rhs = staticmethod(fitzhugh_nagumo)

    I: float = 0.5  # noqa: E741
    a: float = 0.7
    b: float = 0.8
    slowness: float = 12.5
    tau_ms: float = 2.0
    drive_gain: float = 0.01

    def rate_hz(self, state):
        return 50 * (1 + np.tanh(2 * state[0]))


def cortex():
    return MassNetwork("cortex", Connectome.load("tvb76").normalised(), FitzHughNagumo(), noise=Noise({"v": 0.01}))


if __name__ == "__main__":
    check_component(cortex)
    brain = Brain(tick_ms=0.1)
    network = brain.add(cortex())
    v = Simulation(brain, seed=1, record=[network["v"]]).run(duration_ms=1000)[network["v"]].values
    print(f"FitzHughNagumo keeps the contract; v of 76 regions: from {v.min():.2f} to {v.max():.2f}")
