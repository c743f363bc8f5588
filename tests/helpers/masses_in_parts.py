"""What the tests of parts run on every rank: one network of masses in four parts."""

from __future__ import annotations

import numpy as np

from hybrid import Brain, Connectome, Simulation
from hybrid.masses import Difference, Epileptor, MassNetwork, Noise


def main() -> None:
    brain = Brain(tick_ms=0.1)
    connectome = Connectome.load("tvb76").normalised()
    model = Epileptor(x0=np.linspace(-2.3, -1.6, len(connectome)))
    options = {"coupling": Difference(0.3), "noise": Noise({"x2": 0.001})}
    parts = MassNetwork.in_parts("cortex", connectome, model, parts=4, **options)
    brain.join(*parts)
    results = Simulation(brain, seed=1, record=[part["x1"] for part in parts]).run(60)
    print(f"sha {results.content_sha256}", flush=True)


if __name__ == "__main__":
    main()
