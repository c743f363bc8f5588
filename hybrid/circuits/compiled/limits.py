"""What the whole numbers of a compiled circuit's state may be: compiled code uses them as indices without a look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.core.variables import ArrayVariable, DynamicArrayVariable
from brian2.synapses.synapses import Synapses, SynapticPathway
from numpy.typing import NDArray

from hybrid.component import State
from hybrid.errors import CheckpointError


@dataclass
class Limits:
    """By key of an array, as in ``Unit.arrays``.

    ``spaces``: lists of events, with the number of elements that may be listed. ``ends``: the elements ``[start, stop)`` that
    synapses may begin or end at. ``counts``: the number of synapses, with the arrays that have one entry each. ``fixed``: what a
    run never changes. ``paths``: of each pathway the arrays of synapses and of delays, and the length of a step in seconds.
    """

    spaces: dict[str, int] = field(default_factory=dict)
    ends: dict[str, tuple[int, int]] = field(default_factory=dict)
    counts: dict[str, list[str]] = field(default_factory=dict)
    fixed: list[str] = field(default_factory=list)
    paths: dict[str, tuple[str, str, float]] = field(default_factory=dict)


def limits_of(members: Sequence[Any], arrays: Mapping[Any, str], dt_s: float) -> Limits:
    """Of a network's objects, once prepared; ``arrays`` are the keys of variables."""
    found = Limits()
    delays = {
        id(each.variables["delay"]) for each in members if isinstance(each, SynapticPathway)
    }  # may be one for all
    for each in members:
        for event in getattr(each, "events", {}):
            found.spaces[arrays[each.variables[f"_{event}space"]]] = len(each)
        if isinstance(each, Synapses):
            pre, post = (each.variables[f"_synaptic_{end}"] for end in ("pre", "post"))
            for variable, end, size in ((pre, "_source_offset", "N_pre"), (post, "_target_offset", "N_post")):
                size_of = each.variables[size]
                if not isinstance(size_of, ArrayVariable):  # synapses onto synapses are counted when they are made
                    start = int(each.variables[end].get_value())
                    found.ends[arrays[variable]] = start, start + int(size_of.get_value())
            found.counts[arrays[each.variables["N"]]] = [
                key for own, key in arrays.items() if _one_each(own, each) and id(own) not in delays
            ]
        elif isinstance(each, SynapticPathway):
            pre, delay = each.synapses.variables["_synaptic_pre"], each.variables["delay"]
            found.paths[each.name] = arrays[pre], arrays[delay], dt_s
    found.fixed = [key for variable, key in arrays.items() if _is_fixed(variable)]
    return found


def _one_each(variable: Any, synapses: Synapses) -> bool:
    """Whether an array has one entry for each synapse."""
    own = isinstance(variable, DynamicArrayVariable) and getattr(variable.owner, "name", None) == synapses.name
    return own and variable.name not in ("N_incoming", "N_outgoing")


def _is_fixed(variable: Any) -> bool:
    whole = np.issubdtype(variable.dtype, np.integer) and not isinstance(variable, DynamicArrayVariable)
    return bool(whole and variable.constant and variable.read_only and variable.name in ("i", "_sub_idx"))


def check_limits(circuit: str, state: State, limits: Limits, present: Mapping[str, NDArray[Any]]) -> None:
    """Refuse a state with an index that leads out of an array; ``present`` holds the arrays that a run never changes.

    Raises
    ------
    CheckpointError: naming circuit and array.
    """
    wrong = [key for key, size in limits.spaces.items() if not _is_space(state[f"array/{key}"], size)]
    wrong += [key for key, ends in limits.ends.items() if not _within(state[f"array/{key}"], *ends)]
    wrong += [
        one
        for key, one_each in limits.counts.items()
        for one in one_each
        if state[f"array/{key}"].tolist() != [len(state[f"array/{one}"])]
    ]
    wrong += [key for key, values in present.items() if not np.array_equal(state[f"array/{key}"], values)]
    for path, (synapses, delays, dt_s) in limits.paths.items():
        queue, reached = state[f"queue/{path}"], len(state[f"array/{synapses}"])
        steps = int(queue[1])
        if not _within(queue[2 + steps :], 0, reached):
            wrong.append(f"queue/{path}")
        values = state[f"array/{delays}"]
        if values.size not in (1, reached) or not ((values >= 0) & (values / dt_s < steps - 0.49)).all():
            wrong.append(delays)
    if state["step"].min() < 0:
        wrong.append("step")
    if wrong:
        raise CheckpointError(
            f"circuit {circuit}: the state holds indices beyond what there is ({', '.join(sorted(wrong)[:5])}); it comes from "
            f"another circuit, or is damaged"
        )


def _is_space(values: NDArray[Any], elements: int) -> bool:
    """Whether these are elements of a group, as many as their last number says."""
    listed = int(values[-1]) if values.size else -1
    return 0 <= listed < values.size and _within(values[:listed], 0, elements)


def _within(values: NDArray[Any], start: int, stop: int) -> bool:
    return not values.size or bool(start <= values.min() and values.max() < stop)
