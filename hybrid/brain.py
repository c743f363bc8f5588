"""A brain: components and the connections between them, on a networkx graph."""

from __future__ import annotations

from typing import Any, TypeVar

import networkx as nx

from hybrid.adapter import Adapter
from hybrid.clock import Clock
from hybrid.component import Component
from hybrid.connection import Connection
from hybrid.errors import ConfigurationError, WiringError, unknown
from hybrid.ports import Port

Any_Component = TypeVar("Any_Component", bound=Component)


class Brain:
    """Components joined by connections.

    Parameters
    ----------
    tick_ms: the smallest step of time of a run; every delay is a whole number of ticks.
    """

    def __init__(self, tick_ms: Any = 0.1) -> None:
        self.clock = Clock(tick_ms)
        self.graph = nx.MultiDiGraph()  # nodes: component names; edges: connection names

    def __repr__(self) -> str:
        return f"<Brain: {len(self.components)} components, {len(self.connections)} connections, {self.clock}>"

    def __getitem__(self, name: str) -> Component:
        if name not in self.graph:
            raise unknown("component", name, self.graph)
        component: Component = self.graph.nodes[name]["component"]
        return component

    @property
    def components(self) -> dict[str, Component]:
        """By name, in alphabetical order: no result depends on the order of adding."""
        return {name: self.graph.nodes[name]["component"] for name in sorted(self.graph)}

    @property
    def connections(self) -> dict[str, Connection]:
        """By name, in alphabetical order: the order in which inputs are summed."""
        found = {key: data["connection"] for _, _, key, data in self.graph.edges(keys=True, data=True)}
        return dict(sorted(found.items()))

    def add(self, component: Any_Component) -> Any_Component:
        """Add a component and give it back; its name must be new."""
        if not isinstance(component, Component):
            raise ConfigurationError(f"brain.add() takes a Component, not {type(component).__name__}")
        if component.name in self.graph:
            raise ConfigurationError(
                f"a component called {component.name!r} is already there; give this one another name"
            )
        self.graph.add_node(component.name, component=component)
        return component

    def connect(
        self,
        source: Port,
        target: Port,
        *,
        weight: Any = None,
        delay_ms: Any,
        adapter: Adapter | None = None,
        name: str | None = None,
    ) -> Connection:
        """Join an output to an input.

        Parameters
        ----------
        source, target: ports, as in ``brain.connect(focus["spikes"], cortex["drive"], ...)``.
        weight: a number (joins every source line with every target line), a matrix ``[target size, source size]`` (one row or
            column is repeated), or nothing (line k reaches line k). Source size is counted after an adapter that gives rates.
        delay_ms: a number or a matrix of the same shape; whole ticks, at least one. It binds pairs of non-zero weight only.
        adapter: needed where the ports carry different kinds of signal. The connection keeps a copy of its own.
        name: ``"A_to_B"`` by default; random streams depend on it.

        Raises
        ------
        WiringError, TimeError: naming both ends, both values and the remedy.
        """
        for port in (source, target):
            if not isinstance(port, Port):
                raise WiringError(f"connect() takes ports such as focus['spikes'], not {type(port).__name__}")
            if self[port.component][port.name] != port:
                raise WiringError(
                    f"{port} belongs to another component called {port.component!r}; add that one to this brain"
                )
        name = name or self._free_name(f"{source.component}_to_{target.component}")
        if name in self.connections:
            raise WiringError(
                f"{source} -> {target}: a connection called {name!r} is already there; give this one another name"
            )
        connection = Connection(name, self.clock, source, target, weight, delay_ms, adapter)
        self.graph.add_edge(source.component, target.component, key=name, connection=connection)
        return connection

    def _free_name(self, wish: str) -> str:
        taken, name, count = self.connections, wish, 2
        while name in taken:
            name, count = f"{wish}_{count}", count + 1
        return name

    def describe(self) -> dict[str, Any]:
        """What it consists of, as plain values to keep with the results."""
        return {
            "tick_ms": self.clock.tick_ms,
            "components": {name: component.describe() for name, component in self.components.items()},
            "connections": {name: connection.describe() for name, connection in self.connections.items()},
        }
