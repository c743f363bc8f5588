"""A small experiment to sweep, with components that fail on demand, and features of its results."""

from __future__ import annotations

from pathlib import Path

EXPERIMENT = """
[run]
tick_ms = 0.5
duration_ms = 10
seed = 4
record = ["relay.rate"]

[components.source]
kind = "toys:RandomSpikes"
parameters = { size = 2, hz = 400.0 }

[components.relay]
kind = "own_parts:Fragile"

[connections.wire]
from = "source.spikes"
to = "relay.in"
weight = 1.0
delay_ms = 1.5
adapter = { kind = "adapters:SpikeToRate", tau_ms = 5.0 }
"""
OWN = """
import os
import signal
import time
from pathlib import Path

from toys import Accumulator


class Fragile(Accumulator):
    def __init__(self, name, at=0, pause_s=0.0):
        super().__init__(name)
        self.at, self.pause_s = at, pause_s
        print("a component that prints")

    def advance(self, window, inputs):
        time.sleep(self.pause_s)
        if self.at == 1:
            raise ValueError("on purpose")
        if self.at == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.at == 3:
            raise SystemExit(3)
        return super().advance(window, inputs)


def peak(results):
    return results["relay.rate"].hz.max()


def ends(results):
    return {"first": results["relay.rate"].hz[0, 0], "last": results["relay.rate"].hz[-1, 0]}


def wrong(results):
    if results.seed == 2:
        raise KeyError("of seed 2")
    return "no number" if results.seed == 3 else results.seed
"""


def experiment(folder: Path) -> Path:
    """The file, its module beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own_parts.py").write_text(OWN, encoding="utf-8")
    (folder / "ramp.toml").write_text(EXPERIMENT, encoding="utf-8")
    return folder / "ramp.toml"
