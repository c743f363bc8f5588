"""What a window costs on 1 to 8 ranks against a model of it, and what that model says of up to 10,000; docs/scaling.md.

Measured here: a ring of eight networks of 100 Wilson-Cowan regions, each connected to the next two, windows of 5 ms, on 1, 2, 4
and 8 ranks; the latency and bandwidth of MPI between two ranks; what an exchange costs by itself and for a neighbour; and what a
brain costs to build. All runs must give the same bits. Ranks beyond the processors here share them, as the model knows.
Run: ``python benchmarks/scaling.py [--repeats 3] [--ms 1000] [--table docs/scaling.md]``
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import benchmarks.timing  # noqa: E402, F401  (first: it keeps numpy and numba to one core)
from benchmarks.interface import write  # noqa: E402
from benchmarks.loop import RUNNERS  # noqa: E402
from benchmarks.scaling_model import Costs, Network, Rank, exchange_us, slowest_of, spread, window_us, work_us  # noqa: E402
from hybrid import Brain, Connectome, Simulation  # noqa: E402
from hybrid.masses import Linear, MassNetwork, WilsonCowan  # noqa: E402
from hybrid.run.transport import Transport, open_transport  # noqa: E402

NODES, REGIONS, NEXT, TICKS, DELAY_MS = 8, 100, 2, 50, 5.0
BYTES = REGIONS * TICKS * 8
RANKS = (1, 2, 4, 8)
FAR = (1, 10, 100, 1_000, 10_000)
WAITS = 2  # of an exchange in which signals follow the letters that announce them
NEIGHBOURS, PER_RANK, MOST_COMPONENTS = 6, 4, 40_000
NETWORKS = {"InfiniBand": (1.5, 10_000.0), "Ethernet, 10 Gbit/s": (25.0, 1_000.0)}  # latency in us, bytes a us: assumed


def ring(nodes: int, regions: int = REGIONS) -> Brain:
    """Networks that differ in nothing but their names, each heard by the next two."""
    brain = Brain(tick_ms=DELAY_MS / TICKS)
    connectome = Connectome.synthetic(regions, seed=1).normalised()
    made = [
        brain.add(MassNetwork(f"node_{k:05d}", connectome, WilsonCowan(P=1.25), coupling=Linear(2.0)))
        for k in range(nodes)
    ]
    for k in range(nodes):
        for step in range(1, NEXT + 1):
            target = made[(k + step) % nodes]
            brain.connect(made[k]["rate"], target["drive"], weight=0.01, delay_ms=DELAY_MS, name=f"wire_{k:05d}_{step}")
    return brain


# -- in processes of their own -----------------------------------------------------------------------------------------


def running(duration_ms: float) -> dict[str, Any]:
    """A run on the ranks that were started: microseconds a window, its parts, and on one rank each component's windows."""
    brain = ring(NODES)
    samples: list[float] = []
    for component in brain.components.values():
        _sample(component, samples)
    results = Simulation(brain, seed=1, record="node_00000.rate", placement=_placement()).run(duration_ms)
    windows = duration_ms / DELAY_MS
    ranks = [
        {name: seconds / windows * 1e6 for name, seconds in row["parts_s"].items()} for row in results.timing["ranks"]
    ]
    return {
        "window": results.timing["running_s"] / windows * 1e6,
        "ranks": ranks,
        "samples": samples if len(ranks) == 1 else [],
        "sha256": results.content_sha256,
    }


def _sample(component: Any, samples: list[float]) -> None:
    advance = component.advance

    def timed(window: Any, inputs: Any) -> Any:
        began = time.perf_counter()
        outputs = advance(window, inputs)
        samples.append((time.perf_counter() - began) * 1e6)
        return outputs

    component.advance = timed


def _placement() -> dict[str, int]:
    """Neighbours of the ring on the same rank, as far as they go."""
    from hybrid.run.transport import launched_ranks

    counts = spread(NODES, launched_ranks())
    return {f"node_{k:05d}": rank for k, rank in enumerate(r for r, count in enumerate(counts) for _ in range(count))}


def pinging(rounds: int = 2000) -> dict[str, float]:
    """Two ranks: microseconds of a message of 8 bytes and of 1 MiB, and of exchanges without and with a neighbour."""
    transport = open_transport("mpi", 60.0)
    from mpi4py import MPI

    comm, other = MPI.COMM_WORLD, 1 - transport.rank

    def ping(size: int, times: int) -> float:
        buffer = bytearray(size)
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            if transport.rank == 0:
                comm.Send(buffer, other)
                comm.Recv(buffer, other)
            else:
                comm.Recv(buffer, other)
                comm.Send(buffer, other)
            taken.append((time.perf_counter() - began) / 2 * 1e6)
        return median(taken)

    def exchanging(outgoing: dict[int, bytes]) -> float:
        taken = []
        for _ in range(rounds):
            began = time.perf_counter()
            transport.exchange(outgoing, None, "a benchmark")
            taken.append((time.perf_counter() - began) * 1e6)
        return median(taken)

    found = {"small": ping(8, rounds), "large": ping(2**20, rounds // 10), "alone": exchanging({})}
    if _to_neighbours():
        transport.connect([other], [other])  # type: ignore[attr-defined]
    found |= {"neighbour": exchanging({other: bytes(8)}), "signals": exchanging({other: bytes(BYTES)})}
    transport.close()
    return found


def _to_neighbours() -> bool:
    """Whether ranks talk to neighbours alone, and all of them in a reduction."""
    return hasattr(Transport, "connect")


def building(components: int) -> dict[str, float]:
    """What every rank does before anything is prepared: microseconds and bytes a component of the whole brain."""
    Simulation(ring(10, 4))  # imports
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    Simulation(ring(components, 4), record="node_00000.rate")
    took_s = time.perf_counter() - began
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"us": took_s / components * 1e6, "kib": kib / components}


def on_ranks(ranks: int, what: str, amount: float) -> dict[str, Any]:
    """One of the above, by name, on so many ranks."""
    launcher = Path(sysconfig.get_path("scripts")) / "mpirun"
    command = [str(launcher) if launcher.exists() else "mpirun", "-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run(
        [*command, sys.executable, __file__, "--part", what, str(amount)],
        env={**os.environ, **RUNNERS, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{what} on {ranks} ranks: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def part(what: str, amount: float) -> None:
    from hybrid.run.transport import launched_rank

    found = {"running": running, "pinging": lambda _: pinging(), "building": lambda n: building(int(n))}[what](amount)
    if launched_rank() == 0:
        print(json.dumps(found))


# -- the model, from what was measured ----------------------------------------------------------------------------------


def fitted(alone: dict[str, Any], ping: dict[str, float]) -> tuple[Costs, Network]:
    """Costs of the parts from a run on one rank, those of the exchange from two ranks that do nothing else."""
    parts = alone["ranks"][0]
    lived = sum(value for name, value in parts.items() if name.startswith("node"))
    around = alone["window"] - lived - parts["connections"]
    # most of what stands around a component follows it to its rank; the loop itself is on every rank
    costs = Costs((lived + 0.9 * around) / NODES, parts["connections"] / (NODES * NEXT), 0.1 * around)
    network = Network(
        exchange=max(ping["alone"] - ping["small"], 0.0),
        neighbour=max(ping["neighbour"] - ping["alone"], 0.0),
        latency=ping["small"],
        bytes_per_us=(BYTES - 8) / max(ping["signals"] - ping["neighbour"], 1e-3),
        nap=WAITS * _nap_us(),
        everyone=not _to_neighbours(),
    )
    return costs, network


def fastest(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The run that other work on the machine disturbed least."""
    return min(runs, key=lambda run: run["window"])


def _nap_us() -> float:
    """What the shortest sleep of a rank that waits takes in truth."""
    taken = []
    for _ in range(200):
        began = time.perf_counter()
        time.sleep(50e-6)
        taken.append((time.perf_counter() - began) * 1e6)
    return median(taken)


def of_ring(ranks: int) -> list[Rank]:
    """The ring of the benchmark on so many ranks."""
    place = [rank for rank, count in enumerate(spread(NODES, ranks)) for _ in range(count)]
    made = []
    for here, count in enumerate(spread(NODES, ranks)):
        sent = {(k, place[(k + s) % NODES]) for k in range(NODES) for s in range(1, NEXT + 1) if place[k] == here}
        leaving = {(k, to) for k, to in sent if to != here}
        made.append(Rank(count, count * NEXT, len({to for _, to in leaving}), BYTES * len(leaving)))
    return made


def measured_rows(runs: dict[int, list[dict[str, Any]]], costs: Costs, network: Network) -> list[str]:
    processors = len(os.sched_getaffinity(0))
    rows = ["| ranks | processors | fastest (slowest), µs a window | predicted | error |", "|---|---|---|---|---|"]
    for ranks, each in runs.items():
        found, worst = fastest(each)["window"], max(run["window"] for run in each)
        predicted = window_us(costs, network, of_ring(ranks), processors)
        rows.append(
            f"| {ranks} | {min(ranks, processors)} | {found:,.0f} ({worst:,.0f}) | {predicted:,.0f} | "
            f"{100 * (predicted / found - 1):+.0f} % |"
        )
    return rows


def part_rows(costs: Costs, network: Network, ping: dict[str, float], built: dict[str, float]) -> list[str]:
    far = network.bytes_per_us / 1e3
    return [
        "| what | measured here |",
        "|---|---|",
        f"| a component ({REGIONS} regions, {TICKS} ticks) and what stands around it | {costs.component:,.0f} µs a window |",
        f"| a connection of {REGIONS} rates | {costs.connection:,.0f} µs a window |",
        f"| the loop, on each rank | {costs.loop:,.0f} µs a window |",
        f"| an exchange by itself | {network.exchange:,.1f} µs |",
        f"| a neighbour, both ways | {network.neighbour:,.1f} µs |",
        f"| latency of MPI: a message of 8 bytes, one way | {network.latency:,.2f} µs |",
        f"| signals through the exchange | {far:,.2f} GB/s |",
        f"| 1 MiB through MPI | {2**20 / ping['large'] / 1e3:,.2f} GB/s |",
        f"| two naps of a rank that waits, where ranks share processors | {network.nap:,.0f} µs |",
        f"| load of the machine when all was measured | {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} processors |",
        f"| to build a component with two connections | {built['us']:,.0f} µs and {built['kib']:,.1f} KiB, on every rank |",
    ]


def abroad(network: Network, name: str) -> Network:
    """The same exchange over another network."""
    latency, rate = NETWORKS[name]
    return Network(network.exchange, network.neighbour, latency, min(rate, network.bytes_per_us))


def far_rows(costs: Costs, network: Network, samples: list[float], built: dict[str, float], weak: bool) -> list[str]:
    """Weak scaling: ``PER_RANK`` components a rank; strong: ``MOST_COMPONENTS`` on all of them."""
    rows = [
        "| ranks | components | "
        + " | ".join(f"{name}: µs a window | efficiency" for name in NETWORKS)
        + " | the first with jitter | to build |",
        "|" + "---|" * (2 + 2 * len(NETWORKS) + 2),
    ]
    alone = 0.0
    for ranks in FAR:
        components = PER_RANK * ranks if weak else MOST_COMPONENTS
        rank = _one_of(components, ranks)
        all_us = [work_us(costs, rank) + exchange_us(abroad(network, name), rank, ranks) for name in NETWORKS]
        alone = alone or all_us[0]
        ideal = alone if weak else alone / ranks
        # what varies from window to window adds up over the components of a rank as independent things do
        late = rank.components**0.5 * (slowest_of(samples, ranks) - slowest_of(samples, 1))
        cells = [f"{us:,.0f} | {100 * ideal / us:.0f} %" for us in all_us]
        cells += [f"{100 * ideal / (all_us[0] + late):.0f} %", f"{components * built['us'] * 1e-6:,.1f} s"]
        rows.append(" | ".join([f"| {ranks:,} | {components:,}", *cells]) + " |")
    return rows


def _one_of(components: int, ranks: int) -> Rank:
    """The fullest rank, where each component hears six others that live on other ranks."""
    here = -(-components // ranks)
    neighbours = min(ranks - 1, NEIGHBOURS * here)
    return Rank(here, NEIGHBOURS * here, neighbours, BYTES * neighbours if ranks > 1 else 0)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--ms", type=float, default=1000.0, help="simulated time")
    arguments.add_argument("--table", type=Path, help="the page whose tables to write")
    arguments.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.part:
        part(asked.part[0], float(asked.part[1]))
        return
    on_ranks(1, "running", 10.0)  # compiles
    runs: dict[int, list[dict[str, Any]]] = {ranks: [] for ranks in RANKS}
    for _ in range(asked.repeats):
        for ranks in RANKS:
            runs[ranks].append(on_ranks(ranks, "running", asked.ms))
    assert len({run["sha256"] for each in runs.values() for run in each}) == 1, "the ranks change the results"
    pings = [on_ranks(2, "pinging", 0.0) for _ in range(asked.repeats)]
    ping = {name: min(each[name] for each in pings) for name in pings[0]}
    built = on_ranks(1, "building", 1000.0)
    costs, network = fitted(fastest(runs[1]), ping)
    samples = fastest(runs[1])["samples"]
    tables = {
        "parts": part_rows(costs, network, ping, built),
        "measured": measured_rows(runs, costs, network),
        "weak": far_rows(costs, network, samples, built, weak=True),
        "strong": far_rows(costs, network, samples, built, weak=False),
    }
    for name, rows in tables.items():
        print(f"\n{name}", *rows, sep="\n")
    if asked.table is not None:
        write(asked.table, tables)


if __name__ == "__main__":
    main()
