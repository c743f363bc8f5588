"""What stepping a Brian2 circuit window by window costs, against Brian2's own C++ standalone mode in one run.

The network is that of Vogels & Abbott 2005 (CUBA) as in Brette et al. 2007, 4,000 neurons, 320,000 synapses, with
200 afferent fibres. Both sides get the same network, seed, input spikes, compiler and flags (Brian2's, and the
alignment of loops that the engine asks for), and must give the same spikes in every run. Times are processor time of
the simulation alone, without compiling, start-up and making the network: stock Brian2 as its binary reports it, ours
around ``advance``, where every window brings afferent spikes and takes the spikes emitted.
Run: ``python benchmarks/circuits.py [--repeats 9] [--ms 1000]``
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import brian2
import numpy as np
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, SpikeMonitor, Synapses, ms, mV

from hybrid.circuits import Afferents, Circuit, Microcircuit
from hybrid.circuits.compiled.compiler import ALIGN_LOOPS, VECTORS, find_compiler
from hybrid.clock import Clock, Window
from hybrid.signals import Spikes

TICK = Clock(0.1)
FIBRES, RATE_HZ, SEED = 200, 10.0, 1


def vogels_abbott(source, neurons: int = 4000) -> tuple[Network, NeuronGroup]:
    """The network with ``source`` as its afferent fibres."""
    constants = {
        "tau_m": 20 * ms,
        "tau_e": 5 * ms,
        "tau_i": 10 * ms,
        "threshold": -50 * mV,
        "reset": -60 * mV,
        "rest": -49 * mV,
    }
    cells = NeuronGroup(
        neurons,
        """dv/dt = (ge + gi - (v - rest)) / tau_m : volt (unless refractory)
           dge/dt = -ge / tau_e : volt
           dgi/dt = -gi / tau_i : volt""",
        threshold="v > threshold",
        reset="v = reset",
        refractory=5 * ms,
        method="exact",
        namespace=constants,
        name="cells",
    )
    cells.v = "reset + rand() * (threshold - reset)"
    excite = Synapses(cells, cells, on_pre="ge += 1.62*mV", name="excite")
    inhibit = Synapses(cells, cells, on_pre="gi -= 9*mV", name="inhibit")
    drive = Synapses(source, cells, on_pre="ge += 0.5*mV", name="drive")
    excite.connect(f"i < {int(0.8 * neurons)}", p=0.02)
    inhibit.connect(f"i >= {int(0.8 * neurons)}", p=0.02)
    drive.connect(p=0.02)
    return Network(cells, source, excite, inhibit, drive), cells


def circuit() -> Circuit:
    fibres = Afferents(FIBRES, name="fibres")
    network, cells = vogels_abbott(fibres)
    return Circuit(network, inputs={"afferents": fibres}, outputs={"spikes": cells})


def input_spikes(ticks: int) -> Spikes:
    """At most one spike a fibre and tick, all that Brian2's own SpikeGeneratorGroup takes."""
    chance = RATE_HZ * TICK.tick_ms * 1e-3
    return Spikes.from_counts(Window(0, ticks), np.random.default_rng(2).random((ticks, FIBRES)) < chance)


class Stock:
    """Brian2's standalone binary, made once."""

    def __init__(self, folder: str, given: Spikes, ticks: int) -> None:
        self.folder = Path(folder)
        brian2.prefs.codegen.cpp.extra_compile_args_gcc += [ALIGN_LOOPS, *VECTORS]
        brian2.set_device("cpp_standalone", build_on_run=False)
        brian2.seed(int(np.random.default_rng(SEED).integers(2**32)))
        source = SpikeGeneratorGroup(FIBRES, given.ids, given.ticks * TICK.tick_ms * ms, name="fibres")
        network, cells = vogels_abbott(source)
        monitor = SpikeMonitor(cells, name="monitor")
        network.add(monitor)
        network.run(ticks * TICK.tick_ms * ms)
        brian2.device.build(directory=folder, compile=True, run=True, with_output=False)
        self.spikes = np.array([np.rint(monitor.t / ms / TICK.tick_ms).astype(int), monitor.i])
        brian2.set_device("runtime")

    def run(self) -> float:
        subprocess.run(["./main"], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        return float((self.folder / "results" / "last_run_info.txt").read_text().split()[0])


class Ours:
    """The same network as a circuit, in windows of ``length`` ticks; made anew for every run, so that all start alike."""

    def __init__(self, given: Spikes, ticks: int, length: int) -> None:
        self.given, self.windows = given, list(Window(0, ticks).cut(length))
        self.spikes = np.empty((2, 0), int)

    def run(self) -> float:
        component = Microcircuit("benchmark", circuit, engine="compiled")
        component.prepare(TICK, np.random.default_rng(SEED))
        inputs = [self.given.during(window) for window in self.windows]
        outputs = []
        start = time.process_time()
        for window, spikes in zip(self.windows, inputs, strict=True):
            outputs.append(component.advance(window, {"afferents": spikes})["spikes"])
        spent = time.process_time() - start
        component.close()
        self.spikes = np.concatenate([[each.ticks, each.ids] for each in outputs], axis=1)
        return spent


def table(rows: dict[str, list[float]]) -> Iterator[str]:
    stock = median(next(iter(rows.values())))
    yield f"{'':34s} {'median s':>9s} {'least s':>9s} {'to stock':>9s}"
    for name, times in rows.items():
        yield f"{name:34s} {median(times):9.4f} {min(times):9.4f} {median(times) / stock:9.2f}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeats", type=int, default=9)
    arguments.add_argument("--ms", type=float, default=1000.0, help="simulated time")
    asked = arguments.parse_args()
    os.environ["HYBRID_BITS"] = "native"  # as stock Brian2 is compiled; what portable bits cost: benchmarks/bits.py
    ticks = TICK.ticks(asked.ms)
    given = input_spikes(ticks)
    with tempfile.TemporaryDirectory() as folder:
        stock = Stock(folder, given, ticks)
        sides = {
            "stock Brian2 standalone, one run": stock,
            "compiled engine, one window": Ours(given, ticks, ticks),
            "compiled engine, windows of 1 ms": Ours(given, ticks, 10),
            "compiled engine, windows of 0.1 ms": Ours(given, ticks, 1),
        }
        rows: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(asked.repeats):  # one after the other, so that a disturbance meets all
            for name, side in sides.items():
                rows[name].append(side.run())
                assert np.array_equal(side.spikes, stock.spikes), f"{name} gives other spikes than stock Brian2"
    print(f"{asked.ms:g} ms of 4,000 neurons, {stock.spikes.shape[1]:,} spikes, the same in every row")
    print("\n".join(table(rows)))
    print(
        f"Python {platform.python_version()}, Brian2 {brian2.__version__}, numpy {np.__version__}, "
        f"{find_compiler().version.splitlines()[0]}, {' '.join(brian2.prefs.codegen.cpp.extra_compile_args_gcc)}"
    )


if __name__ == "__main__":
    main()
