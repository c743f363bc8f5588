"""One part lives through windows, on its own or inside a connection, and can be left and taken up again, elsewhere too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matrix_cases import CASES, DELAY_MS, LEVEL, TICK_MS, wiring

from hybrid import Brain, Clock, Window
from hybrid.random import named_stream
from hybrid.testing.trials import activity

CLOCK = Clock(TICK_MS)
HALF, END = 45, 90  # ticks


class Life:
    """The part of a case, and what it is told: the same at the same ticks, in every process."""

    def __init__(self, name: str, seed: int) -> None:
        wired = wiring(name)
        self.component = None if CASES[name]().is_adapter else wired.part
        random = np.random.default_rng(4)
        self._told = {
            port: activity(out.kind, Window(0, END), out.size, LEVEL[out.kind.__name__], CLOCK, random)
            for port, out in sorted((port, source.outputs["out"]) for port, source in wired.sources.items())
        }
        if self.component is not None:
            self.component.prepare(CLOCK, named_stream(seed, "component", self.component.name))
            return
        brain = Brain(TICK_MS)
        source, sink = brain.add(wired.sources["in"]), brain.add(wired.sink)
        self.connection = brain.connect(source["out"], sink["in"], delay_ms=DELAY_MS, adapter=wired.part)
        self.connection.prepare(named_stream(seed, "connection", "wire"))

    def through(self, start: int, stop: int, length: int) -> dict[str, Any]:
        """What comes out, window by window, as arrays by port."""
        given: dict[str, list[Any]] = {}
        for window in Window(start, stop).cut(length):
            told = {port: signal.during(window) for port, signal in self._told.items()}
            if self.component is not None:
                outputs = self.component.advance(window, told)
            else:
                outputs = {"out": self.connection.deliver(window)}
                self.connection.accept(told["in"])
            for port, signal in outputs.items():
                given.setdefault(port, []).append([part.copy() for part in signal.payload()])
        arrays = {
            f"{port} {k}": np.concatenate(column)
            for port, parts in given.items()
            for k, column in enumerate(zip(*parts, strict=True))
        }
        if self.component is None:  # what a connection has counted is part of its state
            row = self.connection.audit().as_dict()
            arrays |= {f"audit {key}": np.array(value) for key, value in row.items() if isinstance(value, float)}
        return arrays

    def state(self) -> dict[str, Any]:
        return (self.component or self.connection).state()

    def restore(self, state: dict[str, Any]) -> None:
        (self.component or self.connection).restore(state)

    def close(self) -> None:
        if self.component is not None:
            self.component.close()


def main(folder: Path, names: list[str]) -> None:
    """Take up every life where it was left: another process, another seed, other windows."""
    for name in names:
        life = Life(name, seed=99)
        with np.load(folder / f"{name}.left.npz", allow_pickle=False) as left:
            life.restore({key: left[key] for key in left.files})
        np.savez(folder / f"{name}.continued.npz", **life.through(HALF, END, 2))
        life.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
