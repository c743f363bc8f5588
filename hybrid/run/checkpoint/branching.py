"""What a part is given of a checkpoint of another run: its state, but the random numbers and parameters of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hybrid.component import State
from hybrid.errors import CheckpointError


class Stateful(Protocol):
    """A component or a connection."""

    def state(self) -> State: ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None: ...


def branched(name: str, part: Stateful, state: State | None, tick: int, reseeded: bool) -> State:
    """The state that a prepared part begins with at ``tick``, from that of the checkpoint.

    With another seed (``reseeded``) its random streams are those that ``prepare`` gave it, which follow from the new seed and
    its name. A stream is what :func:`hybrid.random.generator_state` gives, and what a component says in its ``streams``.
    A connection that the checkpoint does not know, because its weights were all 0, begins with nothing in flight.

    Raises
    ------
    CheckpointError: the checkpoint does not know this component.
    """
    own = part.state()
    if state is None:
        if "line/until" not in own:
            raise CheckpointError(f"{name} is not in the checkpoint; a branch has the components of the run it leaves")
        return own | {"line/until": np.array(tick)}
    if not reseeded:
        return state
    declared = getattr(part, "streams", ())
    return state | {key: value for key, value in own.items() if key in declared or _is_stream(value)}


def _is_stream(value: NDArray[Any]) -> bool:
    return value.dtype == np.uint64 and value.shape == (13,)
