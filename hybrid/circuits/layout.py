"""Which variables of a Brian2 network the ports of a circuit write and read, and which are watched."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.core.namespace import DEFAULT_UNITS
from brian2.core.variables import ArrayVariable, DynamicArrayVariable, Subexpression
from brian2.groups.subgroup import Subgroup
from brian2.synapses.synapses import Synapses, SynapticPathway
from brian2.units.fundamentalunits import DIMENSIONLESS, Unit, get_dimensions, get_unit

from hybrid.circuits.afferents import Afferents
from hybrid.circuits.circuit import Circuit, Readout
from hybrid.errors import ConfigurationError, TimeError, unknown
from hybrid.ports import Port
from hybrid.signals import Spikes, States

# by the names they have in Brian2 scripts (mvolt, mV) and by those Brian2 prints (V, uV)
_UNITS = {**{each.dispname: each for each in DEFAULT_UNITS.values() if isinstance(each, Unit)}, **DEFAULT_UNITS}
_OPERATORS = {ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow}


@dataclass(frozen=True)
class Input:
    """An :class:`Afferents` group and the variable that lists its events."""

    group: Any
    space: Any

    @property
    def size(self) -> int:
        return int(self.group._N)


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
    """Ports by name, the variables watched for divergence, and every variable by its full name, such as ``cells.v``."""

    inputs: dict[str, Input] = field(default_factory=dict)
    spikes: dict[str, SpikeOutput] = field(default_factory=dict)
    readouts: dict[str, ReadoutOutput] = field(default_factory=dict)
    watched: list[Any] = field(default_factory=list)
    synapses: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)

    def ports(self, component: str) -> tuple[dict[str, Port], dict[str, Port]]:
        """The ports of the component of that name: inputs, outputs."""
        inputs = {key: Port(component, key, Spikes, each.size, "in") for key, each in self.inputs.items()}
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
    layout = Layout()
    members = {each.id for each in _members(circuit.network)}
    both = sorted(set(circuit.inputs) & set(circuit.outputs))
    if both:
        raise ConfigurationError(f"circuit {name}: {', '.join(both)} names an input and an output; give them two names")
    for each in _members(circuit.network):
        steps_between(each.clock, dt_s, f"circuit {name}: {each.name}")
    for port, group in circuit.inputs.items():
        if not isinstance(group, Afferents):
            raise ConfigurationError(
                f"circuit {name}: input {port!r} is a {type(group).__name__}; an input is a hybrid.circuits.Afferents"
            )
        _check_member(name, port, group, members)
        layout.inputs[port] = Input(group, group.variables["_spikespace"])
    watched: dict[str, Any] = {}
    for port, output in circuit.outputs.items():
        group = output.group if isinstance(output, Readout) else output
        if not hasattr(group, "variables"):
            raise ConfigurationError(
                f"circuit {name}: output {port!r} is a {type(group).__name__}; an output is a Brian2 group or a "
                f"Readout(group, variable)"
            )
        _check_member(name, port, group, members)
        if isinstance(output, Readout):
            layout.readouts[port] = readout = _readout(name, port, output)
            watched[full_name(readout.variable)] = readout.variable
        else:
            layout.spikes[port] = _spike_output(name, port, group, dt_s)
        watched.update((full_name(each), each) for each in _dynamical(group))
    layout.watched = list(watched.values())
    layout.synapses = [each.name for each in _members(circuit.network) if isinstance(each, Synapses)]
    layout.variables = {full_name(each): each for each in _arrays(circuit.network)}
    return layout


def _members(network: Any) -> list[Any]:
    return list(network.sorted_objects)


def _check_member(name: str, port: str, group: Any, members: set[Any]) -> None:
    owner = group.source if isinstance(group, Subgroup) else group
    if owner.id not in members:
        raise ConfigurationError(
            f"circuit {name}: port {port!r} belongs to {owner.name}, which is not in the network; "
            f"add it: Network(..., {owner.name})"
        )


def _extent(group: Any) -> tuple[int, int]:
    """First element, and number of elements, of a group or a part of one."""
    return (int(group.start), int(group._N)) if isinstance(group, Subgroup) else (0, int(group.variables["N"].item()))


def _spike_output(name: str, port: str, group: Any, dt_s: float | None) -> SpikeOutput:
    if "spike" not in getattr(group, "events", {}) or "_spikespace" not in group.variables:
        raise ConfigurationError(
            f"circuit {name}: output {port!r}: {group.name} emits no spikes; give it a threshold, or use "
            f"Readout({group.name}, variable)"
        )
    start, size = _extent(group)
    return SpikeOutput(group.variables["_spikespace"], start, size, steps_between(group.clock, dt_s, group.name))


def _readout(name: str, port: str, readout: Readout) -> ReadoutOutput:
    group, what = readout.group, f"circuit {name}: output {port!r}"
    known = [key for key, each in group.variables.items() if _is_readable(key, each)]
    if readout.variable not in known:
        raise unknown(f"{what}: variable of {group.name}", readout.variable, known)
    variable = group.variables[readout.variable]
    scale = _scale(what, full_name(variable), variable.dim, readout.unit)
    if isinstance(variable, Subexpression):
        variable = _evaluated(what, group, variable)
    if variable.scalar:
        start, size = 0, 1
    elif isinstance(variable, DynamicArrayVariable):
        if not readout.average:
            raise ConfigurationError(
                f"{what}: {full_name(variable)} has as many elements as there are synapses, known only once they are "
                f"made; use Readout(..., average=True)"
            )
        start, size = 0, 0
    else:
        start, size = _extent(group)
    return ReadoutOutput(variable, start, size, readout.average, readout.unit, scale)


def _is_readable(key: str, variable: Any) -> bool:
    return not key.startswith("_") and isinstance(variable, ArrayVariable | Subexpression)


def _evaluated(what: str, group: Any, expression: Any) -> Any:
    """An array that holds the value of a subexpression at the end of each step."""
    owner = group.source if isinstance(group, Subgroup) else group
    key = f"{expression.name}_readout"
    if key not in owner.variables:
        if not hasattr(owner, "run_regularly") or isinstance(owner.variables["N"], ArrayVariable):
            raise ConfigurationError(f"{what}: {full_name(expression)} is a subexpression; read a variable it uses")
        size = 1 if expression.scalar else _extent(owner)[1]
        owner.variables.add_array(key, size=size, dimensions=expression.dim, scalar=expression.scalar)
        owner.run_regularly(f"{key} = {expression.name}", when="end", order=1000)
    return owner.variables[key]


def _scale(what: str, variable: str, dimension: Any, unit: str) -> float:
    """How many SI units make one ``unit``; it must fit the variable's dimension."""
    known = _unit(unit)
    if known is None and dimension is DIMENSIONLESS:
        return 1.0  # any text
    if known is None or get_dimensions(known) is not dimension:
        said = "is no Brian2 unit" if known is None else "does not fit"
        raise ConfigurationError(
            f"{what}: unit {unit!r} {said}; {variable} takes a unit like {str(get_unit(dimension))!r}, with a prefix or not "
            f"(written as in 'mV' or 'nS/um**2')"
        )
    return float(known)


def _unit(text: str) -> Any:
    """The Brian2 unit that ``text`` names, also products, quotients and powers of them; ``None`` if it names none."""
    try:
        return _value_of(ast.parse(text, mode="eval").body)
    except (SyntaxError, KeyError, TypeError):
        return None


def _value_of(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return _UNITS[node.id]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value_of(node.left), _value_of(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value_of(node.operand)
    raise TypeError(f"{ast.dump(node)} is not part of a unit")


def _dynamical(group: Any) -> Iterator[Any]:
    """The variables of a group that obey differential equations."""
    equations = getattr(group, "equations", None)
    for key in sorted(equations.diff_eq_names) if equations is not None else ():
        yield group.variables[key]


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
