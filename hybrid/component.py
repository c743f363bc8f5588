"""The contract of a component: anything that advances by itself over a window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.clock import Clock, Window
from hybrid.errors import CheckpointError, ComponentError, DivergedError, answers_slips
from hybrid.ports import Port, find_port
from hybrid.signals import ArraySignal, Signal

State = dict[str, NDArray[Any]]


class Component(ABC):
    """A circuit, a network of masses, an instrument: lives through one window at a time.

    A component is built on every rank but prepared on one: ``__init__`` keeps parameters and declares ports,
    :meth:`prepare` brings the state to life. It must not matter how time is cut into windows;
    :func:`hybrid.testing.check_component` proves that for yours.
    """

    name: str
    inputs: dict[str, Port]
    outputs: dict[str, Port]
    regions: tuple[str, ...] = ()  # of a connectome, that it stands for: one a line, or one for all lines
    streams: tuple[
        str, ...
    ] = ()  # what in state() holds random streams, besides those of hybrid.random.generator_state
    load: float = 1.0  # how much work a tick is, for placing components on ranks; no result depends on it

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):  # a mistyped argument is answered with those there are
            cls.__init__ = answers_slips(cls.__init__)  # type: ignore[method-assign]

    def __getitem__(self, port: str) -> Port:
        """The port of that name; an unknown one is answered with the list of those there are."""
        return find_port(self.name, port, {**self.inputs, **self.outputs})

    @abstractmethod
    def prepare(self, clock: Clock, rng: np.random.Generator) -> None:
        """Bring the state to life at tick 0. Everything random comes from ``rng``, which
        depends on the run's seed and this name only."""

    @abstractmethod
    def advance(self, window: Window, inputs: Mapping[str, Signal]) -> dict[str, Signal]:
        """Live through ``window`` and return every output over it.

        ``inputs`` holds one signal for every input port, silence included; it must not be modified.
        """

    @abstractmethod
    def state(self) -> State:
        """Copies of all that decides the future, random streams included."""

    @abstractmethod
    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a state that :meth:`state` gave; called after :meth:`prepare`."""

    def want(self, outputs: frozenset[str]) -> None:  # noqa: B027  (most components have little that could be left out)
        """Told once before the first window which outputs somebody hears or records; :meth:`advance` may leave out the others.

        A component that defines this is believed; from all others every output is asked for in every window. After
        :meth:`prepare` every output is wanted again.
        """

    def describe(self) -> dict[str, Any]:
        """Parameters worth keeping with the results, as plain numbers, strings, lists and dictionaries."""
        return {"kind": type(self).__name__}

    def close(self) -> None:  # noqa: B027  (most components hold nothing that must be given back)
        """Give back files, libraries and threads; called once at the end of a run, also of one that failed."""


def first_not_finite(values: NDArray[Any]) -> tuple[int, ...] | None:
    """Index of the first entry that is infinite or not a number, or ``None``."""
    if np.isfinite(values).all():
        return None
    return tuple(int(k) for k in np.argwhere(~np.isfinite(values))[0])


def check_fits(who: str, state: Mapping[str, NDArray[Any]], own: Mapping[str, NDArray[Any]]) -> None:
    """Refuse a state whose arrays are not called, shaped and typed as those of ``own``, which a part gave after ``prepare``.

    To be used by ``restore`` where sizes cannot change: compiled code believes them.

    Raises
    ------
    CheckpointError: what is missing, or what has another shape or kind of numbers.
    """
    for key, mine in own.items():
        if key not in state:
            raise CheckpointError(f"{who}: the state has no {key!r}; it was written by something else")
        given = np.asarray(state[key])
        if given.shape != np.shape(mine) or given.dtype.kind != np.asarray(mine).dtype.kind:
            raise CheckpointError(
                f"{who}: {key!r} of the state is {given.dtype} {list(given.shape)} where {np.asarray(mine).dtype} "
                f"{list(np.shape(mine))} belongs; it was written with other sizes or parameters"
            )


def check_carried(signal: Any, port: Port, window: Window, clock: Clock, who: str) -> None:
    """Refuse what ``who`` gave for ``port`` over ``window``, unless it is of its kind, its size and that window, and finite.

    Raises
    ------
    ComponentError: another kind, window or size. DivergedError: an entry that is infinite or not a number, with line and time.
    """
    fits = type(signal) is port.kind and signal.size == port.size
    if not fits or (signal.window is not window and signal.window != window):
        given = repr(signal) if isinstance(signal, Signal) else f"an object of type {type(signal).__name__}"
        raise ComponentError(f"{who} {given} for {port}, not {port.kind.__name__} of size {port.size} over {window}")
    if not signal.is_finite() and isinstance(signal, ArraySignal) and (where := first_not_finite(signal.values)):
        tick, line = window.start + where[0], where[1]
        label = f" ({port.labels[line]})" if port.labels else ""
        raise DivergedError(
            f"{who} {signal.values[where]:g} for line {line}{label} of {port} at tick {tick} "
            f"(t = {clock.ms(tick):g} ms); what is sent must be finite"
        )
