"""Which variables of a Brian2 network are searched for infinity and NaN, and how often.

Every floating-point variable of every group and of all synapses is watched, whether or not it has to do with a port: what
runs away silently would shift the rest of the network. The rules, for both engines:

* variables of neurons: every :data:`CHECK_EVERY_STEPS` steps, and at the end of every window;
* variables of synapses that some code changes (plasticity, event-driven or clock-driven equations): with those of the
  neurons while they are few, else in every stretch of steps that makes the search cost next to nothing
  (:func:`steps_between_searches`);
* what no code changes (constant weights, delays): once, before the first step;
* NaN is never right. An infinity is, where it was there before the first step (``t_last = -inf*second``) in a variable without
  a differential equation: of such a variable only NaN counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2 import NeuronGroup, PoissonGroup
from brian2.core.operations import NetworkOperation
from brian2.core.variables import ArrayVariable
from brian2.groups.group import CodeRunner
from brian2.synapses.synapses import Synapses, SynapticPathway

CHECK_EVERY_STEPS = 64
FEW = 4096  # values of synapses that may be searched in every window
VALUES_A_STEP = 1024  # how many values of synapses are searched per step of the circuit, on average

_ASSIGNED = re.compile(r"^\s*(\w+)\s*(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=(?!=)", re.MULTILINE)


@dataclass
class Watch:
    """The variables by how often they are searched, and which of them must not hold an infinity even at the start."""

    cells: list[Any] = field(default_factory=list)
    synapses: list[Any] = field(default_factory=list)
    unchanged: list[Any] = field(default_factory=list)
    differential: set[int] = field(default_factory=set)  # places in all()

    def all(self) -> list[Any]:
        return [*self.cells, *self.synapses, *self.unchanged]


def steps_between_searches(values: int) -> int:
    """After how many steps ``values`` values of synapses are searched again: a whole multiple of the cells' interval."""
    return CHECK_EVERY_STEPS * max(1, -(-values // (CHECK_EVERY_STEPS * VALUES_A_STEP)))


def watch(network: Any) -> Watch:
    """What to watch in a network whose objects have been prepared (their code is known from then on)."""
    members = list(network.sorted_objects)
    changed, python = _changed(members), any(isinstance(each, NetworkOperation) for each in members)
    found = Watch()
    for group in members:
        if isinstance(group, SynapticPathway):
            found.unchanged.append(group.variables["delay"])
        if not isinstance(group, NeuronGroup | PoissonGroup | Synapses):
            continue
        for variable in _own_floats(group):
            if variable.name in ("lastspike", "lastupdate"):  # the time, put there by Brian2
                found.unchanged.append(variable)
            elif not isinstance(group, Synapses):
                found.cells.append(variable)
            elif python or id(variable) in changed:
                found.synapses.append(variable)
            else:
                found.unchanged.append(variable)
    for k, variable in enumerate(found.all()):
        equations = getattr(variable.owner, "equations", None)
        if equations is not None and variable.name in equations.diff_eq_names:
            found.differential.add(k)
    return found


def _own_floats(group: Any) -> Iterator[Any]:
    clock = {"t", "dt"}
    for name, variable in sorted(group.variables.items()):
        own = isinstance(variable, ArrayVariable) and getattr(variable.owner, "name", None) == group.name
        if own and name not in clock and not name.startswith("_") and np.issubdtype(variable.dtype, np.floating):
            yield variable


def _changed(members: list[Any]) -> set[int]:
    """The variables of synapses that code running in steps assigns to."""
    found: set[int] = set()
    for runner in members:
        group = getattr(runner, "group", None)
        if not isinstance(runner, CodeRunner) or not isinstance(group, Synapses):
            continue
        code = runner.abstract_code
        for text in code.values() if isinstance(code, dict) else [code]:
            found |= {id(group.variables[name]) for name in _ASSIGNED.findall(text) if name in group.variables}
    return found
