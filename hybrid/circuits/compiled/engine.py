"""Runs a circuit as a compiled library, one call a window."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.circuits.building import Recipe, codegen_errors, isolated
from hybrid.circuits.compiled.compiler import compiled
from hybrid.circuits.compiled.device import LibraryDevice
from hybrid.circuits.compiled.library import CannotLoadError, Library, copied, view, write
from hybrid.circuits.compiled.limits import check_limits
from hybrid.circuits.compiled.passage import Gauge, Injector, Inlet, Outlet
from hybrid.circuits.compiled.unit import Unit, write_unit
from hybrid.circuits.engine import Emission, check_state, diverged
from hybrid.circuits.layout import Layout
from hybrid.component import State
from hybrid.errors import ComponentError, ConfigurationError
from hybrid.signals import Spikes
from hybrid.units import FloatArray

_INT64 = np.dtype(np.int64)


class CompiledEngine:
    """A circuit as a library of its own; see :class:`hybrid.circuits.engine.Engine`.

    Parameters
    ----------
    recipe: what to build.
    dt_s, steps_per_tick: length of a step in seconds, and how many make a tick.
    seed: of Brian2's random numbers, 32 bits.
    constants: as for :class:`hybrid.circuits.Microcircuit`.
    """

    def __init__(self, recipe: Recipe, dt_s: float, steps_per_tick: int, seed: int, constants: str = "auto") -> None:
        self._name, self._dt_s = recipe.name, dt_s
        self.layout, self._unit = _generate(recipe, dt_s, seed, constants)
        self._library = _loaded(recipe.name, self._unit)
        try:
            self._bring_to_life(seed, steps_per_tick)
        except BaseException:
            self._library.close()
            raise
        self._unit.sources.clear()  # no longer needed, and may be large
        self._unit.initial.clear()
        table = np.zeros((len(self.layout.inputs) + 1, 4), np.int64)
        self._events = table.ctypes.data
        self._inlets = [Inlet(row) for row in table[:-1]]
        places = np.zeros(len(self.layout.injections) + 1, np.int64)
        self._values = places.ctypes.data
        self._injectors = [
            Injector(places, k, into.size, into.scale) for k, into in enumerate(self.layout.injections.values())
        ]
        self._emitted = view(self._library.emitted(), 5 * len(self.layout.outputs), _INT64).reshape(-1, 5)
        self.want(self.layout.outputs)

    def _bring_to_life(self, seed: int, steps_per_tick: int) -> None:
        self._library.allocate()
        write(self._library.values(), self._unit.values)
        for k, values in enumerate(self._unit.initial):
            write(self._library.initial(k), values)
        outcome = self._library.make(seed, steps_per_tick)
        if outcome == 2:
            self._raise_diverged()
        if outcome:
            raise ConfigurationError(f"circuit {self._name}: Brian2 could not make it: {self._message()}")

    def advance(self, ticks: int, inputs: Sequence[Spikes], injected: Sequence[FloatArray]) -> Emission:
        for inlet, spikes in zip(self._inlets, inputs, strict=True):
            inlet.put(spikes)
        for injector, values in zip(self._injectors, injected, strict=True):
            injector.put(values)
        outcome = self._library.advance(ticks, self._events, self._values)
        if outcome == 1:
            raise ComponentError(f"circuit {self._name}: {self._message()}")
        if outcome == 2:
            self._raise_diverged()
        rows = self._emitted.tolist()
        return Emission(
            [outlet.take(rows[k]) for k, outlet in self._outlets], [gauge.look(rows[k]) for k, gauge in self._gauges]
        )

    def want(self, outputs: Container[str]) -> None:
        ports = self.layout.outputs
        for k, port in enumerate(ports):
            self._library.want(k, port in outputs)
        wanted = [k for k, port in enumerate(ports) if port in outputs]
        self._outlets = [(k, Outlet()) for k in wanted if ports[k] in self.layout.spikes]
        self._gauges = [(k, Gauge()) for k in wanted if ports[k] in self.layout.readouts]

    def _message(self) -> str:
        return str(self._library.message().decode(errors="replace").strip())

    def _raise_diverged(self) -> None:
        which, element, step = copied(self._library.divergence(), 3, _INT64).tolist()
        variable = self._unit.watched[which]
        value = self.read(variable)[element]
        raise diverged(self._name, variable, element, step * self._dt_s * 1e3, value)

    def read(self, name: str) -> NDArray[Any]:
        key = self._unit.named[name]
        if key in self._unit.tables:
            slot = self._unit.tables[key]
            return self._library.get_table(slot.index, slot.dtype)
        slot = self._unit.arrays[key]
        return self._library.get_array(slot.index, slot.dtype)

    def state(self) -> State:
        library, unit = self._library, self._unit
        state: State = {"step": copied(library.step(), 1, _INT64), "random": library.get_random()}
        state |= {f"array/{key}": library.get_array(slot.index, slot.dtype) for key, slot in unit.arrays.items()}
        state |= {f"table/{key}": library.get_table(slot.index, slot.dtype) for key, slot in unit.tables.items()}
        state |= {f"queue/{key}": library.get_queue(k) for k, key in enumerate(unit.pathways)}
        return state

    def restore(self, state: State) -> None:
        library, unit = self._library, self._unit
        check_state(self._name, state, self._sizes())
        fixed = {key: library.get_array(unit.arrays[key].index, unit.arrays[key].dtype) for key in unit.limits.fixed}
        check_limits(self._name, state, unit.limits, fixed)
        write(library.step(), np.ascontiguousarray(state["step"], _INT64))
        library.set_random(np.ascontiguousarray(state["random"], np.uint8))
        for key, slot in unit.arrays.items():
            values = np.ascontiguousarray(state[f"array/{key}"], slot.dtype)
            if slot.resizable:
                library.resize(slot.index, values.size)
            library.set_array(slot.index, values)
        for key, slot in unit.tables.items():
            library.set_table(slot.index, np.ascontiguousarray(state[f"table/{key}"], slot.dtype))
        for k, key in enumerate(unit.pathways):  # after the synapses they are made of
            library.set_queue(k, np.ascontiguousarray(state[f"queue/{key}"], np.int32))

    def _sizes(self) -> dict[str, int | None]:
        """The keys of a state, with their sizes where these cannot change."""
        library, unit = self._library, self._unit
        sizes: dict[str, int | None] = {"step": 1, "random": library.get_random().size}
        for key, slot in unit.arrays.items():
            sizes[f"array/{key}"] = None if slot.resizable else library.size_of(slot.index)
        return sizes | dict.fromkeys(
            [f"table/{key}" for key in unit.tables] + [f"queue/{key}" for key in unit.pathways]
        )

    def close(self) -> None:
        self._outlets, self._gauges, self._emitted = [], [], np.empty((0, 5), np.int64)  # views of what goes
        self._library.close()


def _loaded(name: str, unit: Unit) -> Library:
    """The unit's library; one from the cache that cannot be loaded here is compiled again, once."""
    try:
        return Library(compiled(name, unit))
    except CannotLoadError:
        return Library(compiled(name, unit, anew=True))


def _generate(recipe: Recipe, dt_s: float, seed: int, constants: str = "auto") -> tuple[Layout, Unit]:
    device = LibraryDevice()
    with isolated(device, seed):
        circuit, layout = recipe.circuit_and_layout(device, dt_s)
        with codegen_errors(recipe.name):
            device.gather(circuit.network, circuit.namespace)
            unit = write_unit(device, circuit.network, layout, dt_s, constants)
        device.reinit()  # the layout's variables keep the device, which need not keep all it gathered
        return layout, unit
