"""A seizure spreads from a spiking focus through a connectome: the demonstration as a script (about 20 s on one core).

python examples/seizure_spread.py            # or: mpirun -n 2 python examples/seizure_spread.py
"""

import argparse

from adapters import RateToPoisson, SpikeToRate
from hybrid import Brain, Connectome, Every, Simulation
from hybrid.circuits import Microcircuit
from hybrid.circuits.potassium import potassium_focus
from hybrid.masses import Difference, Epileptor, MassNetwork
from hybrid.plot import plot_results

options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
options.add_argument("--duration-ms", type=float, default=10_000.0)
options.add_argument("--cells", type=int, default=1000)
options.add_argument("--bath-mm", type=float, default=15.0, help="5.5 is healthy, 15 makes seizures")
options.add_argument("--out", default="seizure_spread.h5")
options = options.parse_args()

# The right hippocampus in detail, all other regions as masses: healthy alone, but close to the brink
connectome = Connectome.load("tvb76").normalised()
brain = Brain(tick_ms=0.1)
cortex = brain.add(
    MassNetwork(
        "cortex",
        connectome.without("rHC"),
        model=Epileptor(x0=-2.15, drive_gain=0.01),
        coupling=Difference(strength=0.1),
        speed_m_s=3.0,
    )
)
cells = {"cells": options.cells, "bath_mm": options.bath_mm}
focus = brain.add(Microcircuit("focus", build=potassium_focus, parameters=cells, dt_ms=0.05, region="rHC"))

# The interface, in both directions: weights and delays are those of the tracts
to_rate, to_spikes = SpikeToRate(tau_ms=100, pool="mean"), RateToPoisson()
brain.connect(
    focus["spikes"],
    cortex["drive"],
    adapter=to_rate,
    **brain.tracts(connectome, focus["spikes"], cortex["drive"], adapter=to_rate),
)
brain.connect(
    cortex["rate"],
    focus["afferents"],
    adapter=to_spikes,
    **brain.tracts(connectome, cortex["rate"], focus["afferents"]),
)

record = [focus["spikes"], *(Every(port) for port in (focus["potassium"], cortex["rate"], cortex["drive"]))]
record.append(Every(cortex["x1"], average=False))
results = Simulation(brain, seed=1, record=record, progress=True).run(options.duration_ms)
results.save(options.out)
if results.is_root:
    print(results.plan["window_ms"], "ms windows;", [(row["connection"], row["z"]) for row in results.audit])
    plot_results(results, options.out.replace(".h5", ".png"))
