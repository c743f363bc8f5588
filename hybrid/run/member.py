"""A component as a run sees it: all that every window needs of it, looked up once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hybrid.clock import Clock, Window
from hybrid.component import Component, check_carried
from hybrid.errors import ComponentError
from hybrid.interface.connection import Connection
from hybrid.ports import Port
from hybrid.signals import Signal


class Member:
    """A component that lives on this rank.

    Parameters
    ----------
    component: of the brain.
    clock: of the run.
    connections: those that end on this rank, by name.
    heard: full names of all ports (``"focus.spikes"``) that somebody hears or records.
    """

    def __init__(
        self, component: Component, clock: Clock, connections: Collection[Connection], heard: Collection[str]
    ) -> None:
        self.component, self.name, self._clock = component, component.name, clock
        self.inputs: list[tuple[Port, list[Connection]]] = [
            (port, [each for each in connections if each.target == port]) for port in component.inputs.values()
        ]
        self._outputs = dict(component.outputs)
        self.full = {name: str(port) for name, port in self._outputs.items()}
        self.wanted = frozenset(name for name, full in self.full.items() if full in heard)
        leaves_out = type(component).want is not Component.want
        self._must = self.wanted if leaves_out else self._outputs.keys()

    def advance(self, window: Window, inputs: Mapping[str, Signal]) -> dict[str, Signal]:
        """Let it live through the window; returns its outputs, checked."""
        outputs: Any = self.component.advance(window, inputs)
        if not isinstance(outputs, Mapping) or not self._must <= outputs.keys() <= self._outputs.keys():
            returned = sorted(map(str, outputs)) if isinstance(outputs, Mapping) else repr(outputs)
            raise ComponentError(f"advance() returned {returned}, but the outputs are {sorted(self._outputs)}")
        for name, signal in outputs.items():
            check_carried(signal, self._outputs[name], window, self._clock, "advance() returned")
        return outputs  # type: ignore[return-value]
