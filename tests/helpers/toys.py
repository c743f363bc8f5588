"""Small components whose behaviour is known exactly, for tests of everything around them."""

from __future__ import annotations

import numpy as np

from hybrid import Component, Port, Rates, Spikes
from hybrid.component import State
from hybrid.errors import DivergedError
from hybrid.random import generator_state, restore_generator


class Toy(Component):
    """Without memory, ports or inputs; the base of the others."""

    def __init__(self, name: str) -> None:
        self.name, self.inputs, self.outputs = name, {}, {}

    def prepare(self, clock, rng):
        self.clock, self.rng = clock, rng

    def advance(self, window, inputs):
        return {}

    def state(self) -> State:
        return {}

    def restore(self, state):
        pass


class RampSource(Toy):
    """Emits the rate ``tick + 1000 * line`` Hz."""

    def __init__(self, name: str, size: int = 1) -> None:
        super().__init__(name)
        self.outputs = {"rate": Port(name, "rate", Rates, size, "out")}

    def advance(self, window, inputs):
        size = self.outputs["rate"].size
        hz = np.arange(window.start, window.stop)[:, None] + 1000.0 * np.arange(size)
        return {"rate": Rates(window, size, hz)}


class RandomSpikes(Toy):
    """Poisson spikes, drawn tick by tick."""

    def __init__(self, name: str, size: int = 3, hz: float = 50.0) -> None:
        super().__init__(name)
        self.hz = hz
        self.outputs = {"spikes": Port(name, "spikes", Spikes, size, "out")}

    def advance(self, window, inputs):
        size = self.outputs["spikes"].size
        counts = self.rng.poisson(self.hz * self.clock.tick_ms * 1e-3, (len(window), size))
        return {"spikes": Spikes.from_counts(window, counts)}


class SavedSpikes(RandomSpikes):
    """The same, whose random stream is part of its state, as it must be."""

    def state(self):
        return {"rng": generator_state(self.rng)}

    def restore(self, state):
        restore_generator(self.rng, state["rng"])


class Relay(Toy):
    """Emits what it hears, unchanged; remembers the sum of all it heard."""

    def __init__(self, name: str, size: int = 1, kind=Rates) -> None:
        super().__init__(name)
        self.inputs = {"in": Port(name, "in", kind, size, "in")}
        self.outputs = {"out": Port(name, "out", kind, size, "out")}

    def advance(self, window, inputs):
        return {"out": inputs["in"]}


class Accumulator(Toy):
    """``y[t+1] = 0.9 y[t] + in[t] + 1``: emits y, so that every earlier input leaves its trace in every later output."""

    def __init__(self, name: str, size: int = 2) -> None:
        super().__init__(name)
        self.inputs = {"in": Port(name, "in", Rates, size, "in")}
        self.outputs = {"rate": Port(name, "rate", Rates, size, "out")}

    def prepare(self, clock, rng):
        super().prepare(clock, rng)
        self.y = np.zeros(self.inputs["in"].size)

    def advance(self, window, inputs):
        out = np.empty((len(window), self.y.size))
        for k in range(len(window)):
            out[k] = self.y
            self.y = 0.9 * self.y + 0.1 * inputs["in"].hz[k] + 1.0
        return {"rate": Rates(window, self.y.size, out)}

    def state(self):
        return {"y": self.y.copy()}

    def restore(self, state):
        self.y = np.array(state["y"])


class Failing(Accumulator):
    """Fails when its time has come."""

    def __init__(self, name: str, at_tick: int, error: Exception, size: int = 2) -> None:
        super().__init__(name, size)
        self.at_tick, self.error = at_tick, error

    def advance(self, window, inputs):
        if self.at_tick in window:
            raise self.error
        return super().advance(window, inputs)


class Diverging(Accumulator):
    """Diverges when its time has come; can be named in an experiment file."""

    def __init__(self, name: str, at_tick: int = 5, size: int = 2) -> None:
        super().__init__(name, size)
        self.at_tick = at_tick

    def advance(self, window, inputs):
        if self.at_tick in window:
            raise DivergedError("y is nan in line 0")
        return super().advance(window, inputs)


class Regional(RandomSpikes):
    """A circuit of one region, or masses of several: emits spikes and rates, hears rates and spikes on as many lines."""

    def __init__(self, name: str, regions: tuple[str, ...], size: int, hz: float = 50.0) -> None:
        super().__init__(name, size, hz)
        self.regions = tuple(regions)
        self.inputs = {
            "drive": Port(name, "drive", Rates, size, "in"),
            "afferents": Port(name, "afferents", Spikes, size, "in"),
        }
        self.outputs["rate"] = Port(name, "rate", Rates, size, "out")

    def advance(self, window, inputs):
        return {**super().advance(window, inputs), "rate": Rates(window, self.outputs["rate"].size, self.hz)}


def silent_inputs(component, window):
    """What a component hears when nothing is connected."""
    return {name: port.kind.silence(window, port.size) for name, port in component.inputs.items()}
