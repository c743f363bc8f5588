"""Runs a circuit in Brian2's runtime mode with numpy, where there is no C++ compiler."""
# ruff: noqa: NPY002  (numpy's global stream is the one that Brian2 draws from)

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

import numpy as np
from brian2.core.variables import DynamicArrayVariable
from brian2.devices.device import RuntimeDevice
from brian2.synapses.synapses import SynapticPathway
from numpy.typing import NDArray

from hybrid.circuits.building import Recipe, borrowed, codegen_errors, isolated
from hybrid.circuits.engine import Emission, Events, check_state, diverged
from hybrid.circuits.layout import ReadoutOutput, SpikeOutput, full_name, steps_between
from hybrid.circuits.queue import DelayQueue
from hybrid.circuits.watch import CHECK_EVERY_STEPS, FEW, Watch, steps_between_searches, watch
from hybrid.component import State, first_not_finite
from hybrid.errors import ConfigurationError
from hybrid.signals import Spikes
from hybrid.units import FloatArray


class SteppedDevice(RuntimeDevice):  # type: ignore[misc]
    """Brian2's runtime device for one circuit, whose network is stepped from outside."""

    def spike_queue(self, source_start: int, source_end: int) -> DelayQueue:
        return DelayQueue(source_start, source_end)

    def network_run(self, net: Any, duration: Any, **others: Any) -> None:
        raise ConfigurationError("a build function only builds; leave out run(), the Simulation runs the circuit")

    def has_function(self, function: Any) -> bool:
        """Every function has its Python."""
        return True

    def check_members(self, members: Sequence[Any]) -> None:
        """Every object can run."""

    def gather(self, network: Any, namespace: Any) -> None:
        """Turn the network's objects into code; ``namespace`` holds the constants that equations may name."""
        network._clocks = {each.clock for each in network.sorted_objects}
        network.before_run(namespace)

    def seed(self, seed: Any = None) -> None:
        raise ConfigurationError("leave out seed(): a circuit's random numbers come from the run's seed and its name")


class RuntimeEngine:
    """A circuit stepped in Python; see :class:`hybrid.circuits.engine.Engine`.

    Brian2's own ``run`` would prepare every object anew in every window; here that happens once, and the network's
    objects and clocks are stepped directly.
    """

    def __init__(self, recipe: Recipe, dt_s: float, steps_per_tick: int, seed: int) -> None:
        self._name, self._dt_s, self._steps_per_tick, self._step = recipe.name, dt_s, steps_per_tick, 0
        self._device = SteppedDevice()
        with isolated(self._device, seed):
            # kept: Brian2 holds its parts by weak references
            self._circuit, self.layout = recipe.circuit_and_layout(self._device, dt_s)
            network = self._circuit.network
            members = network.sorted_objects
            with codegen_errors(recipe.name):
                self._device.gather(network, self._circuit.namespace)
            self.want(self.layout.outputs)
            self._search = _Search(recipe.name, dt_s, watch(network))
            self._stream: Any = np.random.get_state()
        self._pathways = {each.name: each for each in members if isinstance(each, SynapticPathway)}
        self._schedule = [
            (steps_between(each.clock, dt_s, each.name), _step_of(each)) for each in members if each.active
        ]
        self._clocks = [
            (
                steps_between(each, dt_s, each.name),
                *(each.variables[key].get_value() for key in ("timestep", "t", "dt")),
            )
            for each in network._clocks
        ]

    def advance(self, ticks: int, inputs: Sequence[Spikes], injected: Sequence[FloatArray]) -> Emission:
        spikes: list[list[tuple[int, NDArray[np.int32]]]] = [[] for _ in self._spikes]
        readouts: list[list[FloatArray]] = [[] for _ in self._readouts]
        with borrowed(self._device, self._stream):
            start = self._step // self._steps_per_tick
            for tick in range(start, start + ticks):
                self._listen(tick, inputs)
                for values, into in zip(injected, self.layout.injections.values(), strict=True):
                    into.variable.get_value()[into.start : into.start + into.size] = values[tick - start] * into.scale
                for k in range(self._steps_per_tick):
                    if k == 1:
                        self._listen(tick, [])
                    self._live_one_step()
                    for found, output in zip(spikes, self._spikes, strict=True):
                        found.append((tick, _emitted(output, self._step)))
                    self._step += 1
                    if self._step % CHECK_EVERY_STEPS == 0:
                        self._search.now(self._step)
                for read, readout in zip(readouts, self._readouts, strict=True):
                    read.append(_value(readout))
                    if first_not_finite(read[-1]):
                        self._search.throughout(self._step)
            self._search.at_the_end(self._step)
            self._stream = np.random.get_state()
        return Emission(
            [_listed(each, output.size) for each, output in zip(spikes, self._spikes, strict=True)],
            [np.concatenate(each) for each in readouts],
        )

    def want(self, outputs: Container[str]) -> None:
        self._spikes = [each for port, each in self.layout.spikes.items() if port in outputs]
        self._readouts = [each for port, each in self.layout.readouts.items() if port in outputs]

    def _live_one_step(self) -> None:
        for every, run in self._schedule:
            if self._step % every == 0:
                run()
        for every, timestep, t, dt in self._clocks:
            if self._step % every == 0:
                timestep[0] += 1
                t[0] = timestep[0] * dt[0]

    def _listen(self, tick: int, inputs: Sequence[Spikes]) -> None:
        """List the events of ``tick`` in the afferent groups, or none at all."""
        for k, each in enumerate(self.layout.inputs.values()):
            ids = _events(inputs[k], tick) if inputs else np.empty(0, np.int32)
            if ids.size >= each.space.get_value().size:
                each.space.resize(2 * ids.size)
                for pathway in self._pathways.values():
                    pathway.eventspace = pathway.source.variables[pathway.eventspace_name].get_value()
            space = each.space.get_value()
            space[: ids.size] = ids
            space[-1] = ids.size

    def read(self, name: str) -> NDArray[Any]:
        return np.array(self.layout.variables[name].get_value())

    def state(self) -> State:
        _, keys, position, has_gauss, gauss = self._stream
        state: State = {
            "step": np.array([self._step]),
            "random": np.array(keys),
            "random/more": np.array([position, has_gauss, gauss], np.float64),
        }
        state |= {f"array/{key}": np.array(each.get_value()) for key, each in self._arrays()}
        state |= {f"queue/{key}": each.queue.numbers() for key, each in self._pathways.items()}
        return state

    def restore(self, state: State) -> None:
        sizes: dict[str, int | None] = dict.fromkeys(self.state())
        for key, variable in self._arrays():
            if not isinstance(variable, DynamicArrayVariable):
                sizes[f"array/{key}"] = int(variable.get_value().size)
        check_state(self._name, state, sizes)
        self._step = int(state["step"][0])
        position, has_gauss, gauss = state["random/more"]
        self._stream = ("MT19937", np.array(state["random"]), int(position), int(has_gauss), float(gauss))
        for key, variable in self._arrays():
            values = state[f"array/{key}"]
            if isinstance(variable, DynamicArrayVariable):
                self._device.resize(variable, values.shape if variable.ndim == 2 else values.size)
                variable.size = values.shape if variable.ndim == 2 else values.size
            variable.get_value()[:] = values
        for member in self._circuit.network.sorted_objects:
            for code in member._code_objects:
                code.variables_to_namespace()  # arrays of another size lie elsewhere
        for key, pathway in self._pathways.items():  # after the synapses they are made of
            pathway.initialise_queue()
            pathway.queue.restore(np.asarray(state[f"queue/{key}"]))

    def _arrays(self) -> Iterator[tuple[str, Any]]:
        """Every array of the network under a name of its own."""
        seen: dict[str, int] = {}
        for variable in list(self._device.arrays):
            try:
                name = f"{variable.owner.name}.{variable.name}"
            except (AttributeError, ReferenceError):  # a passing array of no group, or of one that is gone
                continue
            seen[name] = seen.get(name, 0) + 1
            yield (name if seen[name] == 1 else f"{name}_{seen[name]}"), variable

    def close(self) -> None:
        """Nothing to give back."""


class _Search:
    """Searches the variables of a circuit for what is not finite; see :mod:`hybrid.circuits.watch` for when."""

    def __init__(self, circuit: str, dt_s: float, watched: Watch) -> None:
        self._circuit, self._dt_s = circuit, dt_s
        self._cells, self._synapses = watched.cells, watched.synapses
        self._may_be_infinite = {
            id(each)
            for k, each in enumerate(watched.all())
            if k not in watched.differential and np.isinf(each.get_value()).any()
        }
        changing = sum(each.get_value().size for each in self._synapses)
        self._every, self._few = steps_between_searches(changing), changing <= FEW
        self._in(watched.all(), 0)

    def throughout(self, step: int) -> None:
        self._in([*self._cells, *self._synapses], step)

    def now(self, step: int) -> None:
        self._in([*self._cells, *self._synapses] if step % self._every == 0 else self._cells, step)

    def at_the_end(self, step: int) -> None:
        if step % CHECK_EVERY_STEPS:
            self._in([*self._cells, *self._synapses] if self._few else self._cells, step)

    def _in(self, variables: list[Any], step: int) -> None:
        for variable in variables:
            values = variable.get_value()
            bad = first_not_finite(values)
            if bad and id(variable) in self._may_be_infinite:
                bad = tuple(np.argwhere(np.isnan(values))[:1].flatten())
            if bad:
                raise diverged(self._circuit, full_name(variable), bad[0], step * self._dt_s * 1e3, values[bad])


def _step_of(member: Any) -> Callable[[], Any]:
    """What an object of the network does in one step."""
    if not isinstance(member, SynapticPathway):
        run: Callable[[], Any] = member.run
        return run
    push, deliver = member._code_objects
    queue: DelayQueue = member.queue

    def reach_synapses() -> None:
        push()
        for synapses in queue.rounds():
            queue.reached = synapses
            deliver()
        queue.next_step()

    return reach_synapses


def _events(spikes: Spikes, tick: int) -> NDArray[np.int32]:
    """The fibres of one tick, each listed as often as it has events."""
    first, last = np.searchsorted(spikes.ticks, (tick, tick + 1))
    return np.repeat(spikes.ids[first:last], spikes.counts[first:last])


def _emitted(output: SpikeOutput, step: int) -> NDArray[np.int32]:
    if step % output.every:
        return np.empty(0, np.int32)
    space = output.space.get_value()
    ids = space[: space[-1]]
    return np.array(ids[(ids >= output.start) & (ids < output.start + output.size)] - output.start, np.int32)


def _value(readout: ReadoutOutput) -> FloatArray:
    values = readout.variable.get_value()
    part = values[readout.start : readout.start + readout.elements] if readout.elements else values
    if readout.average:
        return np.array([part.mean() if part.size else 0.0], np.float64)
    return np.array(part, np.float64)


def _listed(found: list[tuple[int, NDArray[np.int32]]], size: int) -> Events:
    """Ticks, ids and counts; several spikes of one element in a tick become one event with a count."""
    ticks = np.repeat([tick for tick, _ in found], [ids.size for _, ids in found]).astype(np.int64)
    key, counts = np.unique(ticks * size + np.concatenate([ids for _, ids in found]), return_counts=True)
    return key // size, (key % size).astype(np.int32), counts.astype(np.int32)
