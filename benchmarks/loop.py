"""What a window costs around the components: a coupled brain in windows of 0.1, 1 and 9.8 ms.

The brain: Vogels & Abbott's network (4,000 neurons, ``benchmarks/circuits.py``) as rV1 of tvb76, Wilson-Cowan masses in
the other 75 regions, joined both ways by ``SpikeToRate(pool="mean")`` and ``RateToPoisson()`` over 100 fibres, all delays of
the interface 9.8 ms; spikes and rates are recorded. Ten circuits of 400 neurons with 66 masses, on one rank and on two. And two
circuits of 4,000 neurons in one thread and in two.
Every run of a brain must give the same spikes and rates (``content_sha256``) before a figure is printed.
Run: ``python benchmarks/loop.py [--repeats 5] [--ms 1000]``
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from adapters import RateToPoisson, SpikeToRate  # noqa: E402
from benchmarks.circuits import vogels_abbott  # noqa: E402
from benchmarks.timing import met  # noqa: E402  (first: it keeps numpy and numba to one core)
from hybrid import Brain, Connectome, Results, Simulation  # noqa: E402
from hybrid.circuits import Afferents, Circuit, Microcircuit  # noqa: E402
from hybrid.masses import Linear, MassNetwork, WilsonCowan  # noqa: E402

FIBRES, DELAY_MS, WINDOWS_MS = 100, 9.8, (0.1, 1.0, 9.8)
AROUND_US, RTF_AT_1_MS, RATIO_TO_LONG, RATIO_TO_1_MS, IN_THREADS = 50.0, 0.2, 1.1, 5.0, 1.9  # the aims
RUNNERS = {  # Open MPI refuses root, and more ranks than cores, until told; other MPIs ignore these
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}


def network(neurons: int) -> Circuit:
    fibres = Afferents(FIBRES, name="fibres")
    everything, cells = vogels_abbott(fibres, neurons)
    return Circuit(everything, inputs={"afferents": fibres}, outputs={"spikes": cells})


def brain_with(circuits: int, neurons: int) -> tuple[Brain, list[Any]]:
    """So many regions of tvb76 as circuits of so many neurons, all others as masses, and the ports to record."""
    connectome = Connectome.load("tvb76").normalised()
    first = connectome.labels.index("rV1")
    regions = [connectome.labels[(first + 7 * k) % len(connectome)] for k in range(circuits)]
    brain = Brain(tick_ms=0.1)
    rest = connectome.without(*regions)
    cortex = brain.add(MassNetwork("cortex", rest, model=WilsonCowan(P=1.25), coupling=Linear(2.0), speed_m_s=3.0))
    ports = [cortex["rate"]]
    for region in regions:
        circuit = brain.add(Microcircuit(region, build=network, parameters={"neurons": neurons}, engine="compiled"))
        there = connectome.projection((region,), rest.labels).weights
        back = connectome.projection(rest.labels, (region,)).weights
        brain.connect(
            circuit["spikes"], cortex["drive"], weight=there, delay_ms=DELAY_MS, adapter=SpikeToRate(pool="mean")
        )
        brain.connect(cortex["rate"], circuit["afferents"], weight=back, delay_ms=DELAY_MS, adapter=RateToPoisson())
        ports.append(circuit["spikes"])
    return brain, ports


def run(circuits: int, neurons: int, window_ms: float, duration_ms: float, threads: int = 1) -> Results:
    brain, ports = brain_with(circuits, neurons)
    return Simulation(brain, seed=1, record=ports, window_ms=window_ms, threads=threads).run(duration_ms)


def figures(results: Results, window_ms: float) -> dict[str, Any]:
    """Microseconds a window of every part, on the rank that took longest, and the real-time factor."""
    windows = results.duration_ms / window_ms
    rank = max(results.timing["ranks"], key=lambda row: row["running_s"])
    parts = {name: seconds / windows * 1e6 for name, seconds in rank["parts_s"].items()}
    around = ("connections", "scheduling", "recording", "exchange")
    row = {name: parts.pop(name, 0.0) for name in around}
    row |= {"masses": parts.pop("cortex", 0.0), "circuits": sum(parts.values())}
    row["around"] = sum(row[name] for name in around)
    return {"us": row, "factor": results.timing["real_time_factor"], "sha256": results.content_sha256}


def on_ranks(ranks: int, circuits: int, neurons: int, window_ms: float, duration_ms: float) -> dict[str, Any]:
    """The same on so many ranks, in processes of their own."""
    asked = json.dumps([circuits, neurons, window_ms, duration_ms])
    launcher = Path(sysconfig.get_path("scripts")) / "mpirun"
    command = [str(launcher) if launcher.exists() else "mpirun", "-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run(
        [*command, sys.executable, __file__, "--rank", asked],
        env={**os.environ, **RUNNERS, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def medians(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "us": {name: median(row["us"][name] for row in rows) for name in rows[0]["us"]},
        "factor": median(row["factor"] for row in rows),
    }


COLUMNS = ("circuits", "masses", "connections", "scheduling", "recording", "exchange", "around")


def line(name: str, row: dict[str, Any]) -> str:
    return f"{name:28s}" + "".join(f"{row['us'][each]:12.0f}" for each in COLUMNS) + f"{row['factor']:10.2f}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeats", type=int, default=5)
    arguments.add_argument("--ms", type=float, default=980.0, help="simulated time")
    arguments.add_argument("--rank", help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.rank:
        circuits, neurons, window_ms, duration_ms = json.loads(asked.rank)
        results = run(circuits, neurons, window_ms, duration_ms)
        if results.is_root:
            print(json.dumps(figures(results, window_ms)))
        return
    heading = f"{'microseconds a window':28s}" + "".join(f"{each:>12s}" for each in COLUMNS) + f"{'RT factor':>10s}"
    run(1, 4000, DELAY_MS, 98.0)  # compiles
    rows: dict[float, list[dict[str, Any]]] = {window_ms: [] for window_ms in WINDOWS_MS}
    for _ in range(asked.repeats):
        for window_ms in WINDOWS_MS:
            rows[window_ms].append(figures(run(1, 4000, window_ms, asked.ms), window_ms))
    hashes = {row["sha256"] for each in rows.values() for row in each}
    assert len(hashes) == 1, "the window changes the results"
    print(
        f"one circuit of 4,000 neurons with 75 masses, {asked.ms:g} ms, the same bits in every row ({hashes.pop()[:8]})"
    )
    print(heading)
    found = {window_ms: medians(each) for window_ms, each in rows.items()}
    for window_ms, row in found.items():
        print(line(f"windows of {window_ms:g} ms", row))
    short, one, long = (found[window_ms] for window_ms in WINDOWS_MS)
    for text, value, aim in (
        ("around the components at 1 ms, microseconds", one["us"]["around"], AROUND_US),
        ("real-time factor at 1 ms", one["factor"], RTF_AT_1_MS),
        ("  to that at 9.8 ms", one["factor"] / long["factor"], RATIO_TO_LONG),
        ("real-time factor at 0.1 ms to that at 1 ms", short["factor"] / one["factor"], RATIO_TO_1_MS),
    ):
        print(f"{text}: {value:.2f} (aim: at most {aim:g}): {met(value <= aim)}")
    many = {ranks: [on_ranks(ranks, 10, 400, 1.0, asked.ms) for _ in range(asked.repeats)] for ranks in (1, 2)}
    assert len({row["sha256"] for each in many.values() for row in each}) == 1, "the ranks change the results"
    print(f"\nten circuits of 400 neurons with 66 masses, windows of 1 ms, {asked.ms:g} ms")
    print(heading)
    for ranks, each in many.items():
        print(line(f"{ranks} rank(s), the slowest", medians(each)))
    both: dict[int, list[Results]] = {1: [], 2: []}
    for _ in range(asked.repeats):
        for threads, runs in both.items():
            runs.append(run(2, 4000, DELAY_MS, asked.ms, threads))
    assert len({each.content_sha256 for runs in both.values() for each in runs}) == 1, "threads change the results"
    alone, together = (median(each.timing["ranks"][0]["running_s"] for each in runs) for runs in both.values())
    print(f"\ntwo circuits of 4,000 neurons with 74 masses, windows of {DELAY_MS:g} ms, one rank")
    ratio = alone / together
    print(
        f"running time in one thread to that in two: {ratio:.2f} (aim: at least {IN_THREADS:g}): {met(ratio >= IN_THREADS)}"
    )


if __name__ == "__main__":
    main()
