"""What a network of masses starts from: its state at tick 0, and what was before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, unknown
from hybrid.masses.model import MassModel
from hybrid.masses.noise import one_for_each
from hybrid.units import FloatArray, array

Initial = ArrayLike | Mapping[str, ArrayLike]


def initial_state(what: str, model: MassModel, n: int, given: Initial | None) -> FloatArray:
    """``[variable, node]`` from what the user gave."""
    state = np.array(model.initial(n), dtype=np.float64)
    if given is None:
        return state
    if not isinstance(given, Mapping):
        state = array(given, "1", what)
        if state.shape != (len(model.variables), n):
            raise ConfigurationError(
                f"{what} has shape {state.shape}; it must be [variable, region] = {[len(model.variables), n]}"
            )
        return state
    for variable, value in given.items():
        if variable not in model.variables:
            raise unknown(f"{what} of variable", variable, model.variables)
        state[model.variables.index(variable)] = one_for_each(value, n, f"{what} {variable}")
    return state


def states(name: str, model: MassModel, n: int, history: ArrayLike) -> FloatArray:
    """``[variable, step, node]``, checked."""
    given = array(history, "1", f"{name}: history")
    if given.ndim != 3 or given.shape[::2] != (len(model.variables), n):
        raise ConfigurationError(
            f"{name}: history has shape {list(given.shape)}; it must be [variable, step, region] = "
            f"[{len(model.variables)}, steps, {n}]"
        )
    return given


def past(
    name: str, model: MassModel, n: int, given: FloatArray | Callable[[float], Initial] | Any, steps: int, clock: Clock
) -> FloatArray:
    """The states ``[variable, step, node]`` of so many steps, those of ``clock``, before tick 0."""
    if callable(given):
        times = [clock.ms(k) for k in range(-steps, 0)]
        each = [initial_state(f"{name}: history({t:g})", model, n, given(t)) for t in times]
        return np.stack(each, axis=1) if each else np.zeros((len(model.variables), 0, n))
    if given.shape[1] < steps:
        raise ConfigurationError(
            f"{name}: history has {given.shape[1]} steps, but the longest delay reaches back {steps}; give as many"
        )
    result: FloatArray = given[:, given.shape[1] - steps :]
    return result
