"""What the MPI tests run on every rank: a mixed brain, whole or with a fault on purpose."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import numpy as np
from mixed import mixed_brain
from toys import Accumulator, Failing

from hybrid import Simulation
from hybrid.errors import DivergedError


class Stopping(Failing):
    """Leaves, hangs or dies when its time has come, in a way no exchange can report."""

    def __init__(self, name: str, how: str) -> None:
        super().__init__(name, 500, ValueError())
        self.how = how

    def advance(self, window, inputs):
        if self.at_tick in window:
            if self.how == "exit":
                sys.exit(0)
            if self.how == "hang":
                time.sleep(1000)
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.how == "interrupt":
                raise KeyboardInterrupt
        return Accumulator.advance(self, window, inputs)


def main(fault: str, placement: str) -> None:
    brain = mixed_brain()
    faults = {
        "raise": Failing("z", 500, ZeroDivisionError("on purpose")),
        "nan": Failing("z", 500, DivergedError("v is nan")),
    }
    if fault != "none":
        component = brain.add(faults[fault] if fault in faults else Stopping("z", fault))
        brain.connect(component["rate"], brain["a"]["in"], delay_ms=1.2)
    record = ["a.rate", "b.rate", "r.out", "s.spikes"]
    simulation = Simulation(brain, seed=1, record=record, placement=json.loads(placement), timeout_s=4)
    results = simulation.run(100)
    if fault == "late":
        raise RuntimeError("after the run")
    print(f"sha {results.content_sha256} {np.sum(results['s.spikes'].counts)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
