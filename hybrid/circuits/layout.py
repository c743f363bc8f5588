"""Which variables of a Brian2 network the ports of a circuit write and read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2 import NeuronGroup, amp
from brian2.core.variables import ArrayVariable, DynamicArrayVariable, Subexpression
from brian2.groups.subgroup import Subgroup
from brian2.synapses.synapses import Synapses, SynapticPathway

from hybrid.circuits.afferents import Afferents
from hybrid.circuits.circuit import Circuit, Injection, Readout
from hybrid.circuits.unit_names import si_units_in
from hybrid.errors import ConfigurationError, TimeError, unknown
from hybrid.ports import Port
from hybrid.signals import Currents, Spikes, States


@dataclass(frozen=True)
class Input:
    """An :class:`Afferents` group and the variable that lists its events."""

    group: Any
    space: Any

    @property
    def size(self) -> int:
        return int(self.group._N)


@dataclass(frozen=True)
class InjectionInput:
    """Elements ``[start, start + size)`` of ``variable``, in units of ``scale`` SI units."""

    variable: Any
    start: int
    size: int
    kind: type[Currents | States]
    unit: str
    scale: float


@dataclass(frozen=True)
class SpikeOutput:
    """Elements ``[start, start + size)`` of the group whose events are listed in ``space``, every ``every`` steps."""

    space: Any
    start: int
    size: int
    every: int


@dataclass(frozen=True)
class ReadoutOutput:
    """Elements ``[start, start + elements)`` of ``variable``, in units of ``scale`` SI units."""

    variable: Any
    start: int
    elements: int
    average: bool
    unit: str
    scale: float

    @property
    def size(self) -> int:
        return 1 if self.average else self.elements


@dataclass
class Layout:
    """Ports by name, and every variable by its full name, such as ``cells.v``."""

    inputs: dict[str, Input] = field(default_factory=dict)
    injections: dict[str, InjectionInput] = field(default_factory=dict)
    spikes: dict[str, SpikeOutput] = field(default_factory=dict)
    readouts: dict[str, ReadoutOutput] = field(default_factory=dict)
    synapses: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> list[str]:
        """The ports of all outputs, in the order in which an engine emits."""
        return [*self.spikes, *self.readouts]

    def ports(self, component: str) -> tuple[dict[str, Port], dict[str, Port]]:
        """The ports of the component of that name: inputs, outputs."""
        inputs = {key: Port(component, key, Spikes, each.size, "in") for key, each in self.inputs.items()}
        for key, into in self.injections.items():
            inputs[key] = Port(component, key, into.kind, into.size, "in", unit=into.unit)
        outputs = {key: Port(component, key, Spikes, each.size, "out") for key, each in self.spikes.items()}
        for key, each in self.readouts.items():
            outputs[key] = Port(component, key, States, each.size, "out", unit=each.unit)
        return inputs, outputs


def full_name(variable: Any) -> str:
    """Such as ``cells.v``."""
    return f"{variable.owner.name}.{variable.name}"


def steps_between(clock: Any, dt_s: float | None, what: str) -> int:
    """How many steps of the circuit lie between two of ``clock``; ``TimeError`` if that is no whole number."""
    if dt_s is None:
        return 1
    ratio = float(clock.dt_) / dt_s
    if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-6 * ratio:
        raise TimeError(
            f"{what} runs with dt = {clock.dt_ * 1e3:g} ms, no multiple of the circuit's step ({dt_s * 1e3:g} ms); "
            f"give Microcircuit the shortest step as dt_ms"
        )
    return round(ratio)


def lay_out(name: str, circuit: Circuit, dt_s: float | None) -> Layout:
    """What the ports of ``circuit`` stand for; an error names circuit ``name``, the port and the remedy."""
    both = sorted(set(circuit.inputs) & set(circuit.outputs))
    if both:
        raise ConfigurationError(f"circuit {name}: {', '.join(both)} names an input and an output; give them two names")
    members = _members(circuit.network)
    for each in members:
        steps_between(each.clock, dt_s, f"circuit {name}: {each.name}")
    groups = [each for each in circuit.inputs.values() if isinstance(each, Afferents)]
    if len({id(group) for group in groups}) < len(groups):
        raise ConfigurationError(f"circuit {name}: one Afferents stands behind two inputs; make one for each")
    layout = Layout()
    for port, way_in in circuit.inputs.items():
        what = f"circuit {name}: input {port!r}"
        if isinstance(way_in, Injection):
            layout.injections[port] = _injection(what, way_in, members)
        else:
            layout.inputs[port] = _input(what, way_in, members)
    _check_overlap(name, layout.injections)
    for port, output in circuit.outputs.items():
        what = f"circuit {name}: output {port!r}"
        group = output.group if isinstance(output, Readout) else output
        _check_member(what, group, members)
        if isinstance(output, Readout):
            layout.readouts[port] = _readout(what, output)
        else:
            layout.spikes[port] = _spike_output(what, group, dt_s)
    _check_that_inputs_are_heard(name, circuit, members)
    layout.synapses = [each.name for each in members if isinstance(each, Synapses)]
    layout.variables = {full_name(each): each for each in _arrays(circuit.network)}
    return layout


def _members(network: Any) -> list[Any]:
    return list(network.sorted_objects)


def _check_member(what: str, group: Any, members: list[Any]) -> None:
    if not hasattr(group, "variables"):
        raise ConfigurationError(
            f"{what} is a {type(group).__name__}; an output is a Brian2 group or a Readout(group, variable)"
        )
    owner = _owner(group)
    if owner.id not in {each.id for each in members}:
        raise ConfigurationError(
            f"{what} belongs to {owner.name}, which is not in the network; add it: Network(..., {owner.name})"
        )


def _extent(group: Any) -> tuple[int, int]:
    """First element, and number of elements, of a group or a part of one."""
    return (int(group.start), int(group._N)) if isinstance(group, Subgroup) else (0, int(group.variables["N"].item()))


def _input(what: str, group: Any, members: list[Any]) -> Input:
    if not isinstance(group, Afferents):
        raise ConfigurationError(
            f"{what} is a {type(group).__name__}; an input is a hybrid.circuits.Afferents or Injection"
        )
    _check_member(what, group, members)
    return Input(group, group.variables["_spikespace"])


def _check_that_inputs_are_heard(name: str, circuit: Circuit, members: list[Any]) -> None:
    """Fibres that nothing listens to would swallow all that is sent to them."""
    sources = [each.source for each in members if isinstance(getattr(each, "source", None), Afferents | Subgroup)]
    heard = {_owner(each).id for each in [*sources, *circuit.outputs.values()] if hasattr(each, "variables")}
    for port, way_in in circuit.inputs.items():
        if isinstance(way_in, Afferents) and way_in.id not in heard:
            raise ConfigurationError(
                f"circuit {name}: input {port!r}: nothing in the network hears {way_in.name}; add the Synapses that have it as "
                f"their source, Network(..., synapses), or leave the input out"
            )


def _owner(group: Any) -> Any:
    return group.source if isinstance(group, Subgroup) else group


def _injection(what: str, injection: Injection, members: list[Any]) -> InjectionInput:
    group = injection.group
    _check_member(what, group, members)
    owner = _owner(group)
    parameters = owner.equations.parameter_names if isinstance(owner, NeuronGroup) else ()
    known = sorted(key for key in parameters if not owner.variables[key].constant and is_float(owner.variables[key]))
    if injection.variable not in known:
        raise ConfigurationError(
            f"{what}: {owner.name} has no parameter {injection.variable!r} to write (it has: {', '.join(known) or 'none'}); "
            f"declare one in the equations of a NeuronGroup, as in 'I_ext : amp', not constant"
        )
    variable = owner.variables[injection.variable]
    scale = si_units_in(injection.unit, variable.dim, what, full_name(variable))
    is_current = variable.dim is amp.dim
    if is_current and injection.unit != "nA":
        raise ConfigurationError(f"{what}: unit {injection.unit!r}; Currents are in nA, leave unit out")
    start, size = (0, 1) if variable.scalar else _extent(group)
    return InjectionInput(variable, start, size, Currents if is_current else States, injection.unit, scale)


def _check_overlap(name: str, injections: dict[str, InjectionInput]) -> None:
    for (port, a), (other, b) in itertools.combinations(injections.items(), 2):
        if a.variable is b.variable and a.start < b.start + b.size and b.start < a.start + a.size:
            raise ConfigurationError(
                f"circuit {name}: inputs {port!r} and {other!r} both write {full_name(a.variable)}; connect both sources to "
                f"one input, which adds what reaches it, or give each a parameter of its own"
            )


def _spike_output(what: str, group: Any, dt_s: float | None) -> SpikeOutput:
    if "spike" not in getattr(group, "events", {}) or "_spikespace" not in group.variables:
        raise ConfigurationError(
            f"{what}: {group.name} emits no spikes; give it a threshold, or use Readout({group.name}, variable)"
        )
    start, size = _extent(group)
    return SpikeOutput(group.variables["_spikespace"], start, size, steps_between(group.clock, dt_s, group.name))


def _readout(what: str, readout: Readout) -> ReadoutOutput:
    group = readout.group
    known = [key for key, each in group.variables.items() if _is_readable(key, each)]
    if readout.variable not in known:
        raise unknown(f"{what}: variable of {group.name}", readout.variable, known)
    variable = group.variables[readout.variable]
    scale = si_units_in(readout.unit, variable.dim, what, full_name(variable))
    index = group.variables.indices[readout.variable]
    if isinstance(variable, Subexpression) or index not in ("0", "_idx", "_sub_idx"):
        variable = _evaluated(what, group, readout.variable)
    if variable.scalar or index == "0":
        start, size = 0, 1
    elif isinstance(variable, DynamicArrayVariable):
        if not readout.average or not isinstance(group, Synapses):
            raise ConfigurationError(
                f"{what}: how many elements {full_name(variable)} has is known only while it runs; "
                f"use Readout(..., average=True) for a variable of Synapses"
            )
        start, size = 0, 0
    else:
        start, size = _extent(group)
    return ReadoutOutput(variable, start, size, readout.average, readout.unit, scale)


def _is_readable(key: str, variable: Any) -> bool:
    return not key.startswith("_") and isinstance(variable, ArrayVariable | Subexpression)


def _evaluated(what: str, group: Any, name: str) -> Any:
    """An array that holds, at the end of each step, the values of a subexpression or of a variable linked by index."""
    owner = _owner(group)
    expression, key = owner.variables[name], f"{name}_readout"
    if key not in owner.variables:
        if not hasattr(owner, "run_regularly") or isinstance(owner, Synapses):
            raise ConfigurationError(f"{what}: {name} is no variable of {owner.name} itself; read one that is")
        size = 1 if expression.scalar else _extent(owner)[1]
        owner.variables.add_array(key, size=size, dimensions=expression.dim, scalar=expression.scalar)
        owner.run_regularly(f"{key} = {name}", when="end", order=1000)
    return owner.variables[key]


def _arrays(network: Any) -> Iterator[Any]:
    """Every array of the groups; those of their parts are the same."""
    for owner in _members(network):
        if not hasattr(owner, "variables") or isinstance(owner, Subgroup | SynapticPathway):
            continue
        for variable in owner.variables.values():
            own = isinstance(variable, ArrayVariable) and variable.owner is not None
            if own and variable.owner.name == owner.name:
                yield variable


def is_float(variable: Any) -> bool:
    return bool(np.issubdtype(variable.dtype, np.floating))
