"""Records more than the memory holds: a run of so many MiB whose address space is limited; it may be killed, and gone on with."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import sys

import numpy as np
from toys import Toy

from hybrid import Brain, Port, Rates, Results, Simulation, Window

SIZE, WINDOW = 1000, 64  # rates, ticks


class Cheap(Toy):
    """Emits 1000 rates a tick that cost next to nothing, and that no compressor makes smaller."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.outputs = {"rate": Port(name, "rate", Rates, SIZE, "out")}

    killed_at = None  # a tick

    def advance(self, window, inputs):
        if self.killed_at is not None and self.killed_at in window:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"rate": Rates(window, SIZE, rates(window))}


BLOCK = np.random.default_rng(1).random((WINDOW, SIZE))


def rates(window: Window) -> np.ndarray:
    return BLOCK[: len(window)] * (1.0 + window.start)


def checksum(ticks: int) -> str:
    """Of what is recorded, computed from the definition in docs/results.md and nothing else."""
    digest = hashlib.sha256(json.dumps(["hybrid-results", 0.1, ticks]).encode() + b"\n")
    header = ["cheap.rate", "Rates", SIZE, "Hz", 1, 0, ticks, [["<f8", ticks, SIZE]]]
    digest.update(json.dumps(header).encode() + b"\n")
    for window in Window(0, ticks).cut(WINDOW):
        digest.update(rates(window).tobytes())
    return digest.hexdigest()


def main(out: str, data_mib: str, limit_mib: str, buffer_mib: str, how: str = "whole") -> None:
    """``how``: the run as a ``"whole"``, or with checkpoints and ``"killed"`` at two thirds, or ``"resumed"``."""
    if float(limit_mib):
        resource.setrlimit(resource.RLIMIT_AS, (int(float(limit_mib)) * 2**20,) * 2)
    ticks = int(float(data_mib) * 2**20 / (8 * SIZE))
    brain = Brain(tick_ms=0.1)
    cheap = brain.add(Cheap("cheap"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    simulation = Simulation(brain, record="cheap.rate", window_ms=WINDOW / 10, timeout_s=600)
    if how == "resumed":
        results = simulation.resume(out, buffer_mib=float(buffer_mib))
    else:
        cheap.killed_at = 2 * ticks // 3 if how == "killed" else None
        every_ms = ticks // 80 * 2.0 if how == "killed" else None  # a fifth of the run
        results = simulation.run(ticks / 10, out=out, buffer_mib=float(buffer_mib), checkpoint_every_ms=every_ms)
    where = Window(ticks // 2, ticks // 2 + 10)
    assert (results["cheap.rate"].during(where).hz[:, 3] > 0).all()
    same = results.content_sha256 == checksum(ticks)
    again = Results.load(out, lazy=True)  # reads all of it
    took_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10
    print(
        f"same {same and again.content_sha256 == results.content_sha256} took {took_mib:.0f} of {os.path.getsize(out)}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
