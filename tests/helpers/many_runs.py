"""A thousand runs of a small brain in one process, alone or on every rank, and what they left behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from masses_toys import Relaxation, one_node
from mixed import mixed_brain

from hybrid import Simulation
from hybrid.masses import MassNetwork

RUNS, SETTLED = 1000, 200


def held() -> tuple[object, ...]:
    """Descriptors, threads, hooks and handlers of this process."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    return len(os.listdir("/proc/self/fd")), threading.active_count(), sys.excepthook, sys.unraisablehook, handlers


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def growth_mb() -> float:
    """Of the memory, from the first runs to the last; the rest is as it was."""
    brain = mixed_brain()
    brain.add(MassNetwork("m", one_node(), Relaxation()))
    for k in range(RUNS):
        Simulation(brain, seed=1, record=["a.rate", "s.spikes", "m.x"], progress=False).run(3)
        if k == SETTLED:
            before, resident = held(), resident_mb()
    assert held() == before, (before, held())
    return resident_mb() - resident


if __name__ == "__main__":
    print(f"grew by {growth_mb():.1f} MB", flush=True)
