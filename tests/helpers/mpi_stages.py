"""What the MPI tests of a run's stages do on every rank: meet late, prepare long, be interrupted, run many times over."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

from mixed import mixed_brain
from toys import Toy

from hybrid import Results, Simulation
from hybrid.run.transport import launched_rank

RECORD = ["a.rate", "b.rate", "r.out", "s.spikes"]


class Staged(Toy):
    """Does one thing at one stage: sleeps, asks to stop, or works with a pool of processes."""

    def __init__(self, name: str, stage: str, what: str = "") -> None:
        super().__init__(name)
        self.stage, self.what = stage, what

    def prepare(self, clock, rng):
        if self.stage == "prepare":
            time.sleep(float(self.what))

    def advance(self, window, inputs):
        if self.stage == "advance" and 500 in window:
            if self.what == "pool":
                with multiprocessing.get_context("fork").Pool(2) as pool:
                    assert pool.map(abs, [-1, -2]) == [1, 2]
            else:
                os.kill(os.getpid(), signal.Signals[self.what])
        return {}


def simulation(*added: Staged, **options) -> Simulation:
    brain = mixed_brain()
    for each in added:
        brain.add(each)
    placement = {each.name: 1 for each in added}
    return Simulation(brain, seed=1, record=RECORD, placement=placement, **options)


def late() -> None:
    """Rank 1 does not come."""
    if launched_rank() == 1:
        time.sleep(1000)
    simulation(timeout_s=2).run(1)


def slow() -> None:
    """Rank 1 prepares longer than the others wait, but part after part."""
    simulation(*(Staged(f"z{k}", "prepare", "2") for k in range(3)), timeout_s=4, progress=True).run(1)
    print("finished", flush=True)


def stuck() -> None:
    """Rank 1 never ends preparing one component."""
    simulation(Staged("z0", "prepare", "0"), Staged("z1", "prepare", "1000"), timeout_s=4).run(1)


def asked(name: str, out: str) -> None:
    """Rank 1 is asked to stop."""
    simulation(Staged("z", "advance", name)).run(100, out=out)


def refused(out: str) -> None:
    """There is something already; only the rank that writes can know."""
    try:
        simulation().run(100, out=out)
    except FileExistsError as error:
        print(f"refused {error.failed_rank}", flush=True)


def embedded(out: str) -> None:
    """Run after run in a program that has MPI itself, on its communicators: nothing stays behind."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    expected = simulation(comm=MPI.COMM_SELF).run(60).content_sha256
    pair = world.Split(world.rank // 2, -world.rank)  # ranks in reverse: {1, 0}, {2}
    for _ in range(3):
        simulation(comm=pair).run(1)
    before = held()
    for _ in range(30):
        simulation(comm=pair).run(1)
    assert held() == before, (before, held())
    results = simulation(Staged("z", "advance", "pool"), comm=pair).run(60)
    assert results.content_sha256 == expected
    assert results.is_root is (pair.rank == 0)
    results.save(Path(out) / f"{world.rank // 2}.h5")
    world.Barrier()
    assert Results.load(Path(out) / f"{world.rank // 2}.h5").content_sha256 == expected
    print(f"embedded {int(results.is_root)}", flush=True)


def held() -> tuple[object, ...]:
    """What a process holds that a run must not leave behind."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    return (
        len(os.listdir("/proc/self/fd")),
        threading.active_count(),
        sys.excepthook,
        handlers,
        signal.set_wakeup_fd(-1),
    )


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
