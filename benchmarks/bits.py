"""What portable bits cost: the demonstration's circuit, CUBA and networks of masses, portable and native by turns.

Run: ``python -m benchmarks.bits [--repeats 7]``. Each is timed in a process of its own, for the mode is one a process; figures
are processor time of ``advance`` alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from statistics import median

MODES = ("native", "portable")


def measure() -> dict[str, float]:
    """Seconds of each, in the mode of this process; the least of three."""
    import numpy as np

    from benchmarks.circuits import circuit, input_spikes
    from hybrid import Clock, Connectome, Rates, Spikes, Window
    from hybrid.circuits import Microcircuit
    from hybrid.circuits.potassium import potassium_focus
    from hybrid.masses import Epileptor, JansenRit, Kuramoto, Linear, MassNetwork, Noise, Sine

    clock, span = Clock(0.1), Window(0, 8000)
    connectome = Connectome.load("tvb76").normalised("max")
    noise = Noise({"x2": 0.02, "y2": 0.02})
    silence = Rates.silence(span, len(connectome))
    cases = {
        "focus, 1,000 cells": (lambda: Microcircuit("focus", potassium_focus, dt_ms=0.05), Spikes.silence(span, 100)),
        "CUBA, 4,000 cells": (lambda: Microcircuit("cuba", circuit), input_spikes(8000)),
        "76 Epileptors with noise": (lambda: MassNetwork("net", connectome, Epileptor(), noise=noise), silence),
        "76 Jansen-Rit": (lambda: MassNetwork("net", connectome, JansenRit(), coupling=Linear(0.1)), silence),
        "76 Kuramoto": (lambda: MassNetwork("net", connectome, Kuramoto(), coupling=Sine(0.1)), silence),
    }
    found = {}
    for name, (make, given) in cases.items():
        times = []
        for _ in range(3):
            component = make()
            component.prepare(clock, np.random.default_rng(1))
            (port,) = [each for each in component.inputs if each in ("afferents", "drive")]
            inputs = [(window, {port: given.during(window)}) for window in span.cut(70)]
            start = time.process_time()
            for window, heard in inputs:
                component.advance(window, heard)
            times.append(time.process_time() - start)
        found[name] = min(times)
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeats", type=int, default=7)
    repeats = arguments.parse_args().repeats
    rows: dict[str, dict[str, list[float]]] = {}
    for _ in range(repeats):
        for mode in MODES:
            environment = {**os.environ, "HYBRID_BITS": mode}
            command = [sys.executable, "-m", "benchmarks.bits", "--measure", mode]
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            for name, seconds in json.loads(done.stdout.splitlines()[-1]).items():
                rows.setdefault(name, {each: [] for each in MODES})[mode].append(seconds)
    print(f"{'800 ms, seconds':28s} {'native':>9s} {'portable':>9s} {'ratio':>7s}")
    for name, times in rows.items():
        native, portable = (median(times[mode]) for mode in MODES)
        print(f"{name:28s} {native:9.4f} {portable:9.4f} {portable / native:7.2f}")


if __name__ == "__main__":
    if "--measure" in sys.argv:
        print(json.dumps(measure()))
    else:
        main()
