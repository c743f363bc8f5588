"""Whether the names and units in a circuit's equations are right, without making code of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brian2 import NeuronGroup
from brian2.codegen.translation import analyse_identifiers
from brian2.core.functions import Function
from brian2.equations.unitcheck import check_units_statements
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import StateUpdater
from brian2.synapses.synapses import StateUpdater as SynapticStateUpdater
from brian2.synapses.synapses import Synapses, SynapticPathway

from hybrid.circuits.circuit import Circuit
from hybrid.errors import ConfigurationError, HybridError


def check_equations(device: Any, circuit: Circuit) -> None:
    """Raise what Brian2 raises when it makes code of names that do not exist or of units that do not fit.

    What Brian2 finds only as it makes code, such as equations that ``method="exact"`` cannot integrate, is found when the
    circuit is prepared. Making the code at once would take seconds, on every rank. Where this quick look finds something
    wrong, Brian2 has the last word: it makes the code after all.
    """
    device.check_members(circuit.network.sorted_objects)
    try:
        for member in circuit.network.sorted_objects:
            if member.active:
                _check(device, member, circuit.namespace)
    except HybridError:
        raise
    except Exception:
        device.gather(circuit.network, circuit.namespace)


def _check(device: Any, member: Any, namespace: Mapping[str, Any] | None) -> None:
    if isinstance(member, NeuronGroup | Synapses):
        for equations in (member.equations, getattr(member, "event_driven", None)):
            if equations is not None:
                equations.check_units(member, run_namespace=namespace)
                _check_functions(device, member, member.resolve_all(equations.identifiers, namespace))
    if isinstance(member, CodeRunner):
        code = _code_of(member, namespace)
        for text in code.values() if isinstance(code, dict) else [code]:
            _check_code(device, member, text, namespace)


def _code_of(runner: Any, namespace: Mapping[str, Any] | None) -> Any:
    """What a user wrote for it; of state updaters, which integrate equations, only when they are refractory."""
    if isinstance(runner, StateUpdater):
        return runner._get_refractory_code(run_namespace=namespace)
    if isinstance(runner, SynapticStateUpdater):
        return ""
    if isinstance(runner, SynapticPathway):
        return runner.code
    runner.update_abstract_code(run_namespace=namespace)
    return runner.abstract_code


def _check_code(device: Any, runner: Any, code: str, namespace: Mapping[str, Any] | None) -> None:
    group, more = runner.group, getattr(runner, "variables", None)
    _, used, unknown = analyse_identifiers(code, {**group.variables, **(more or {})}, recursive=True)
    names = used | unknown
    found = group.resolve_all(sorted(names), namespace, user_identifiers=names, additional_variables=more)
    _check_functions(device, runner, found)
    if runner.check_units:
        check_units_statements(code, found)


def _check_functions(device: Any, member: Any, found: Mapping[str, Any]) -> None:
    for name, function in found.items():
        if isinstance(function, Function) and not device.has_function(function):
            raise ConfigurationError(
                f"{member.name} uses the function {name}, of which there is no C++; add it (Brian2's "
                f"@implementation('cpp', ...)) or use Microcircuit(engine='runtime')"
            )
