"""What an engine does for a circuit, whichever of the two it is."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hybrid.component import State
from hybrid.errors import CheckpointError, DivergedError
from hybrid.signals import Spikes
from hybrid.units import FloatArray

if TYPE_CHECKING:
    from hybrid.circuits.layout import Layout


Events = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]  # ticks, ids, counts
NO_EVENTS: Events = (np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))


class Emission(NamedTuple):
    """What left in a stretch of ticks: the events of every spike output that is wanted, values of every such readout.

    The values are raw, in SI units and one after the other, as many per tick as the port has lines; they may be overwritten
    by the next advance.
    """

    spikes: list[Events]
    readouts: list[FloatArray]


class Engine(Protocol):
    """A network brought to life at step 0, which then lives for whole ticks."""

    layout: Layout

    def advance(self, ticks: int, inputs: Sequence[Spikes], injected: Sequence[FloatArray]) -> Emission:
        """Live for so many ticks.

        ``inputs`` and ``injected`` stand in the order of the layout's inputs and injections; the latter are
        ``[ticks, size]`` in the injection's unit. What is emitted stands in the order of the layout's outputs.
        """

    def want(self, outputs: Container[str]) -> None:
        """From now on emit only these outputs."""

    def read(self, name: str) -> NDArray[Any]:
        """A copy of the variable of that full name, in SI units."""

    def state(self) -> State:
        """Copies of all that decides the future."""

    def restore(self, state: State) -> None:
        """Continue from a state."""

    def close(self) -> None:
        """Give back memory, libraries and files."""


def check_state(circuit: str, state: Mapping[str, NDArray[Any]], sizes: Mapping[str, int | None]) -> None:
    """Refuse a state that another circuit or engine gave; ``sizes`` holds every key, with its size where that is fixed."""
    wrong = [key for key, size in sizes.items() if key not in state or size not in (None, state[key].size)]
    wrong += [key for key in sizes if key.startswith("queue/") and key in state and not _is_queue(state[key])]
    if wrong:
        raise CheckpointError(
            f"circuit {circuit}: the state does not fit; it comes from a circuit with other parameters, from another engine "
            f"or from another version ({', '.join(sorted(wrong)[:5])})"
        )


def _is_queue(numbers: NDArray[Any]) -> bool:
    """Whether these are an offset, a number of steps, how many wait in each step, and as many synapses."""
    steps = int(numbers[1]) if numbers.size >= 2 else 0
    waiting = numbers[2 : 2 + steps]
    whole = steps >= 1 and waiting.size == steps and bool((waiting >= 0).all())
    return whole and 0 <= numbers[0] < steps and numbers.size == 2 + steps + int(waiting.sum())


def diverged(circuit: str, variable: str, element: int, time_ms: float, value: float) -> DivergedError:
    """The error for a state variable that became infinite or not a number."""
    group, _, name = variable.rpartition(".")
    if time_ms == 0:
        return DivergedError(
            f"circuit {circuit}: {name} of {group}[{element}] is {value} before the first step; correct the value that the "
            f"build function gives it"
        )
    return DivergedError(
        f"circuit {circuit}: {name} of {group}[{element}] is {value} by t = {time_ms:g} ms; "
        f"a shorter step (dt_ms), a smaller input or a check of the equations may help"
    )
