"""What the MPI tests of the exchange do on every rank: count messages, carry buffers of any size, build other brains."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import ClassVar

import numpy as np
from mpi4py import MPI
from toys import Accumulator

from hybrid import Brain, Simulation
from hybrid.errors import ConfigurationError
from hybrid.run.stopping import StopRequest
from hybrid.run.transport import Failure, mail
from hybrid.run.transport.mpi import MpiTransport

WORLD = MPI.COMM_WORLD
BETWEEN_TWO = ("Isend", "Irecv", "Send", "Recv", "Sendrecv", "isend", "irecv", "send", "recv", "Issend")
TOGETHER = (
    "Iallreduce",
    "Iallgather",
    "Igather",
    "Ibcast",
    "Ialltoall",
    "Allreduce",
    "Allgather",
    "Barrier",
    "Alltoall",
)
REPORTS = 3  # the tag of what ranks tell that wait for more than a second, as on a busy machine


class Counted(MPI.Intracomm):
    """Counts what is called on it and on its duplicates."""

    calls: ClassVar[Counter[str]] = Counter()


def _counted(name):
    def call(self, *arguments, **options):
        reports = REPORTS in (*arguments[2:], *options.values())  # buffer, rank, tag
        Counted.calls["report" if reports else name] += 1
        return getattr(MPI.Intracomm, name)(self, *arguments, **options)

    return call


for _name in (*BETWEEN_TWO, *TOGETHER):
    setattr(Counted, _name, _counted(_name))


def ring(size: int) -> Brain:
    """Each component sends to the next one alone."""
    brain = Brain(tick_ms=0.1)
    parts = [brain.add(Accumulator(f"c{k}")) for k in range(size)]
    for k, part in enumerate(parts):
        brain.connect(part["rate"], parts[(k + 1) % size]["in"], weight=0.01, delay_ms=1.0)
    return brain


def counted() -> None:
    """Messages of a window: those of a longer run that a shorter one has not."""
    brain = ring(WORLD.size)
    placement = {f"c{k}": k for k in range(WORLD.size)}

    def calls(windows: int) -> Counter[str]:
        Counted.calls.clear()
        Simulation(brain, placement=placement, comm=Counted(WORLD)).run(1.0 * windows)
        return Counter({name: count for name, count in Counted.calls.items() if name != "report"})

    long, short = calls(40), calls(10)
    difference = {name: (long[name] - short[name]) / 30 for name in long if long[name] != short[name]}
    print("counted", json.dumps(difference), flush=True)


def buffers() -> None:
    """Buffers of all sizes reach their rank; so do values, failures and the wish to stop."""
    mail.PIECE = 50_000
    edge = mail.LETTER - 8
    transport = MpiTransport(60.0, WORLD, StopRequest())
    rank, size = transport.rank, transport.size
    after, before = (rank + 1) % size, (rank - 1) % size
    assert transport.exchange({}, None, "a test").incoming == {}
    transport.connect([after], [before])
    for length in (0, 1, edge - 1, edge, edge + 1, 50_000, 200_001):
        mine, theirs = (bytes([each]) * length for each in (rank, before))
        kept = transport.exchange({after: mine}, None, "a test").incoming
        assert kept == {before: theirs}, length
        transport.exchange({after: b"x" * length}, None, "a test")
        assert kept == {before: theirs}, "what came is overwritten"
    mixed = {after: bytes(100_000 if rank == 0 else 5)}
    assert len(transport.exchange(mixed, None, "a test").incoming[before]) == (100_000 if before == 0 else 5)

    failure = Failure("DivergedError", f"\udc80 Δ on {rank}" + "x" * 120_000, rank)
    for failing in ({size - 1}, {0, size - 1}, set(range(1, size))):
        found = transport.exchange(
            {after: bytes(200_001)}, failure if rank in failing else None, "a test", "SIGTERM" if rank == 1 else None
        )
        assert (found.incoming, found.stop) == ({}, "SIGTERM")
        assert found.failure == Failure(
            "DivergedError", failure.message.replace(f"on {rank}", f"on {min(failing)}"), min(failing)
        )
    assert transport.exchange({after: b"1"}, None, "a test").incoming == {before: b"1"}

    values = [{"rank": each, "data": np.full(20_000 * each, each)} for each in range(size)]
    for found in (transport.gathered(values[rank], "a test"), transport.everyone(values[rank], "a test")):
        if found is None:
            assert rank
            continue
        assert [each["rank"] for each in found] == list(range(size))
        assert all(np.array_equal(each["data"], values[k]["data"]) for k, each in enumerate(found))
    assert transport.highest(np.array([rank, -rank]), "a test").tolist() == [size - 1, 0]
    transport.close()
    print("carried", flush=True)


def others() -> None:
    """Rank 1 is about to run something else; all are told what, one of them prints it."""

    def simulation(**changed) -> tuple[Simulation, float]:
        here = changed if WORLD.rank == 1 else {}
        brain = Brain(tick_ms=0.1)
        a, b = brain.add(Accumulator("a", here.get("size", 2))), brain.add(Accumulator("b", 2))
        weight = np.full((2, here.get("size", 2)), here.get("weight", 0.5))
        brain.connect(a["rate"], b["in"], weight=weight, delay_ms=here.get("delay_ms", 2.0), name="ab")
        placement = {"a": 0, "b": here.get("place", 1)}
        made = Simulation(brain, here.get("seed", 1), placement=placement, window_ms=here.get("window_ms"), comm=WORLD)
        made.record = [made.brain["a"]["rate"]] if here.get("record") else []
        return made, here.get("duration_ms", 10.0)

    for changed in json.loads(sys.argv[2]):
        made, duration_ms = simulation(**changed)
        try:
            made.run(duration_ms)
        except ConfigurationError as error:
            print(f"told {error.failed_rank} {error}", flush=True)
    made, duration_ms = simulation(weight=0.5 * (1 + 1e-15))
    made.run(duration_ms)
    print("agreed", flush=True)


class Hanging(Accumulator):
    """Stops for ever in one window."""

    def advance(self, window, inputs):
        if 500 in window:
            time.sleep(1000)
        return super().advance(window, inputs)


def unconnected(placed: str) -> None:
    """The component that hangs sends to nobody."""
    brain = ring(3)
    brain.add(Hanging("z"))
    placement = {"z": int(placed), **{f"c{k}": (int(placed) + 1 + k) % WORLD.size for k in range(3)}}
    Simulation(brain, placement=placement, comm=WORLD, timeout_s=4).run(100)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:3] if sys.argv[1] == "unconnected" else ())
