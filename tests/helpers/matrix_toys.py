"""Sources and sinks for one part at a time, which an experiment file can name too."""

from __future__ import annotations

from toys import Relay, Toy

from hybrid import Port, Spikes
from hybrid.random import generator_state, restore_generator
from hybrid.signals import KINDS


class Source(Toy):
    """Random activity drawn tick by tick: about ``level`` Hz, or values of half to one and a half of it.

    From ``bad_at`` on, its last line is ``bad``: one that has gone wrong.
    """

    def __init__(self, name, size=4, kind="Rates", level=100.0, bad_at=None, bad=float("nan"), unit=""):
        super().__init__(name)
        self.kind, self.level, self.bad_at, self.bad = KINDS[kind], level, bad_at, bad
        self.outputs = {"out": Port(name, "out", self.kind, size, "out", unit)}

    def advance(self, window, inputs):
        shape = len(window), self.outputs["out"].size
        if self.kind is Spikes:
            return {"out": Spikes.from_counts(window, self.rng.poisson(self.level * 1e-3 * self.clock.tick_ms, shape))}
        values = self.level * (0.5 + self.rng.random(shape))
        if self.bad_at is not None:
            values[max(self.bad_at - window.start, 0) :, -1] = self.bad
        return {"out": self.kind.from_payload(window, shape[1], (values,))}

    def state(self):
        return {"stream": generator_state(self.rng)}

    def restore(self, state):
        restore_generator(self.rng, state["stream"])


class Sink(Relay):
    """Gives out what it hears, so that it can be recorded."""

    def __init__(self, name, size=4, kind="Rates"):
        super().__init__(name, size, KINDS[kind])
