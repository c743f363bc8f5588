"""A brain: components and the connections between them, on a networkx graph."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

import networkx as nx

from hybrid.adapter import Adapter, Chain
from hybrid.clock import Clock
from hybrid.component import Component
from hybrid.connectome import Connectome
from hybrid.errors import (
    ArgumentError,
    ComponentError,
    ConfigurationError,
    WiringError,
    answers_slips,
    given,
    shown,
    told,
    unknown,
)
from hybrid.interface.connection import Connection
from hybrid.ports import Port
from hybrid.signals import Rates
from hybrid.units import FloatArray

Any_Component = TypeVar("Any_Component", bound=Component)


class Brain:
    """Components joined by connections.

    Parameters
    ----------
    tick_ms: the smallest step of time of a run; every delay is a whole number of ticks.
    """

    @answers_slips
    def __init__(self, tick_ms: Any = 0.1) -> None:
        self.clock = Clock(tick_ms)
        self.graph = nx.MultiDiGraph()  # nodes: component names; edges: connection names
        self._ends: dict[str, tuple[str, str]] = {}  # of connections, by name: looking through all edges takes long

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
            raise ConfigurationError(f"brain.add() takes a Component, not {given(component)}{_make_one(component)}")
        if not _is_name(component.name) or "." in component.name or "/" in component.name:
            raise ConfigurationError(
                f"a component cannot be called {shown(component.name)}; give it a name without dots and slashes"
            )
        if component.name in self.graph:
            raise ConfigurationError(
                f"a component called {component.name!r} is already there; give this one another name"
            )
        if (dt_ms := getattr(component, "dt_ms", None)) is not None:
            self.clock.steps_per_tick(dt_ms, component.name)  # refuses steps that do not fit
        self.graph.add_node(component.name, component=component)
        return component

    @answers_slips
    def connect(
        self,
        source: Port,
        target: Port,
        *,
        weight: Any = None,
        delay_ms: Any = None,
        adapter: Adapter | None = None,
        name: str | None = None,
    ) -> Connection:
        """Join an output to an input.

        Parameters
        ----------
        source, target: ports, as in ``brain.connect(focus["spikes"], cortex["drive"], ...)``.
        weight: a number (joins every source line with every target line), a matrix ``[target size, source size]`` (one row or
            column is repeated), or nothing (line k reaches line k). Source size is counted after an adapter that gives rates.
            Few pairs of many lines: a matrix of scipy.sparse, which is never made dense.
        delay_ms: a number or a matrix of the same shape, never left out; whole ticks, at least one. It binds pairs of non-zero
            weight only.
        adapter: needed where the ports carry different kinds of signal. The connection keeps a copy of its own.
        name: ``"A_to_B"`` by default; random streams depend on it.

        Raises
        ------
        WiringError, TimeError: naming both ends, both values and the remedy.
        """
        for port in (source, target):
            self._check_port(port, "connect()")
            if self[port.component][port.name] != port:
                raise WiringError(
                    f"{port} belongs to another component called {port.component!r}; add that one to this brain"
                )
        if adapter is not None and not isinstance(adapter, Adapter):
            raise WiringError(f"{source} -> {target}: adapter = {given(adapter)} is no Adapter{_make_one(adapter)}")
        if name is not None and not _is_name(name):
            raise WiringError(
                f"{source} -> {target}: a connection cannot be called {shown(name)}; give it another name"
            )
        name = name or self._free_name(f"{source.component}_to_{target.component}")
        if self._has_connection(name):
            raise WiringError(
                f"{source} -> {target}: a connection called {name!r} is already there; give this one another name"
            )
        connection = Connection(name, self.clock, source, target, weight, delay_ms, adapter)
        self.graph.add_edge(source.component, target.component, key=name, connection=connection)
        self._ends[name] = source.component, target.component
        return connection

    def _has_connection(self, name: str) -> bool:
        return name in self._ends and self.graph.has_edge(*self._ends[name], key=name)

    def join(self, *networks: Any) -> None:
        """Connect networks of masses that are parts of one whole, and add those that are not here yet.

        ``brain.join(*MassNetwork.in_parts("cortex", connectome, model, parts=4))``. Every part then hears the regions of the
        others over their tracts as if they were its own, over one connection from each part to each.
        """
        from hybrid.masses.parts import joints_of

        joints = joints_of(networks, self.clock)
        for network in networks:
            if network.name not in self.graph:
                self.add(network)
        joined = {connection.target for connection in self.connections.values()}
        for target in joints:
            if target.others in joined:
                raise WiringError(f"{target.others.component} is joined already; join all parts at once, and once")
            target.siblings = [each for each in joints if each is not target]
            for source in target.siblings:
                for tracts in target.tracts_from(source, self.clock):
                    self.connect(source.sent, target.others, **tracts)

    @answers_slips
    def tracts(
        self,
        connectome: Connectome,
        source: Port,
        target: Port,
        *,
        speed_m_s: Any = 3.0,
        adapter: Adapter | None = None,
    ) -> dict[str, FloatArray]:
        """``weight`` and ``delay_ms`` for :meth:`connect`, from the tracts between the regions of two components.

        ``brain.connect(a["rate"], b["drive"], **brain.tracts(connectome, a["rate"], b["drive"]))``. A component of one region
        and many lines (a circuit) is felt by the mean of its lines, and all its lines feel the same.

        Parameters
        ----------
        connectome: with the regions of both ends; weights are used as they are.
        speed_m_s: of conduction; delays are rounded to ticks and never below one.
        adapter: the one that will be given to :meth:`connect`, which may pool the source's lines.
        """
        if not isinstance(connectome, Connectome):
            raise WiringError(_no_connectome("brain.tracts()", connectome))
        for port in (source, target):
            self._check_port(port, "brain.tracts()")
        ends = [self[port.component].regions for port in (source, target)]
        for port, regions in zip((source, target), ends, strict=True):
            if not regions:
                raise WiringError(
                    f"{port}: {port.component!r} stands for no region of a connectome; give weight and delay_ms"
                )
        projection = connectome.projection(*ends)
        lines = adapter.emitted_size(source.size) if adapter and not issubclass(source.kind, Rates) else source.size
        share = lines if len(ends[0]) == 1 else 1
        return {"weight": projection.weights / share, "delay_ms": projection.delays_ms(speed_m_s, self.clock.tick_ms)}

    @classmethod
    @answers_slips
    def from_connectome(
        cls,
        connectome: Connectome,
        model: Any,
        circuits: Mapping[str, Any],
        *,
        to_circuit: Adapter,
        to_mass: Adapter,
        speed_m_s: Any = 3.0,
        tick_ms: Any = 0.1,
        **mass_options: Any,
    ) -> Brain:
        """A hybrid brain in one call: some regions as circuits, all others as masses of one model.

        Parameters
        ----------
        connectome, model: as for :class:`hybrid.masses.MassNetwork`, which is called ``"cortex"``.
        circuits: region -> a build function, or a ``Microcircuit`` of that region. Its output ``spikes`` and its only input
            take part; circuits reach each other by way of both adapters.
        to_circuit, to_mass: the adapters from rates to a circuit's input, and from its spikes to rates.
        mass_options: further arguments of ``MassNetwork`` (``coupling``, ``noise``, ...).
        """
        from hybrid.circuits import Microcircuit
        from hybrid.masses import MassModel, MassNetwork

        adapters = {"to_circuit": to_circuit, "to_mass": to_mass}
        known = [
            name for name in inspect.signature(MassNetwork).parameters if name not in ("name", "connectome", "model")
        ]
        problems = [
            "" if isinstance(connectome, Connectome) else _no_connectome("connectome", connectome),
            "" if isinstance(model, MassModel) else f"model = {given(model)} is no mass model{_make_one(model)}",
            *(
                f"{name} = {given(each)} is no Adapter{_make_one(each)}"
                for name, each in adapters.items()
                if not isinstance(each, Adapter)
            ),
            *(str(unknown("the argument", name, known)) for name in mass_options if name not in known),
            *_problems_of(circuits),
        ]
        if any(problems):
            raise ArgumentError("Brain.from_connectome(): " + "\n".join(each for each in problems if each))
        brain = cls(tick_ms)
        rest = connectome.without(*circuits)
        cortex = brain.add(MassNetwork("cortex", rest, model=model, speed_m_s=speed_m_s, **mass_options))
        both = Chain(to_mass, to_circuit)
        made = {
            region: brain.add(each if isinstance(each, Component) else Microcircuit(region, build=each, region=region))
            for region, each in circuits.items()
        }

        def join(source: Port, target: Port, adapter: Adapter, name: str) -> None:
            matrices = brain.tracts(connectome, source, target, speed_m_s=speed_m_s, adapter=adapter)
            if matrices["weight"].any():
                brain.connect(source, target, adapter=adapter, name=name, **matrices)

        for region, circuit in made.items():
            afferents = _only_input(circuit)
            join(circuit["spikes"], cortex["drive"], to_mass, f"{region}_to_cortex")
            join(cortex["rate"], afferents, to_circuit, f"cortex_to_{region}")
            for other, source in made.items():
                if other != region:
                    join(source["spikes"], afferents, both, f"{other}_to_{region}")
        return brain

    def _check_port(self, port: Any, where: str) -> None:
        if isinstance(port, Port):
            return
        if isinstance(port, str):
            component, dot, name = port.partition(".")
            found = f"; write brain[{component!r}][{name!r}]" if dot and component in self.graph else ""
        elif isinstance(port, Component):
            found = f"; name one of its ports: {', '.join([*port.inputs, *port.outputs]) or 'it has none'}"
        else:
            found = ""
        raise WiringError(f"{where} takes ports such as focus['spikes'], not {given(port)}{found}")

    def _free_name(self, wish: str) -> str:
        name, count = wish, 2
        while self._has_connection(name):
            name, count = f"{wish}_{count}", count + 1
        return name

    def describe(self) -> dict[str, Any]:
        """What it consists of, as plain values to keep with the results."""
        return {
            "tick_ms": self.clock.tick_ms,
            "components": {name: _described(component, name) for name, component in self.components.items()},
            "connections": {name: _described(connection, name) for name, connection in self.connections.items()},
        }


def _described(part: Component | Connection, name: str) -> dict[str, Any]:
    try:
        return part.describe()
    except BaseException as error:  # SystemExit and the like too
        raise ComponentError(f"{name}: describe() raised {told(error)}") from error


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and bool(name) and name.isprintable()


def _make_one(value: Any) -> str:
    """The remedy for a class in the place of an object."""
    return f"; make one: {value.__name__}(...)" if isinstance(value, type) else ""


def _no_connectome(what: str, value: Any) -> str:
    remedy = f"; write Connectome.load({value!r})" if isinstance(value, str | int) else ""
    return f"{what} takes a Connectome, not {given(value)}{remedy}"


def _problems_of(circuits: Any) -> list[str]:
    """What is wrong with the circuits of :meth:`Brain.from_connectome`."""
    if not isinstance(circuits, Mapping):
        return [f"circuits takes a dictionary such as {{'rHC': build}}, not {given(circuits)}"]
    problems = []
    for region, circuit in circuits.items():
        if isinstance(circuit, Component):
            if circuit.regions and circuit.regions != (region,):
                problems.append(
                    f"circuits: {circuit.name!r} stands for {', '.join(circuit.regions)}, not for {region!r}"
                )
        elif isinstance(circuit, type) or not callable(circuit):
            problems.append(f"circuits: {region!r} needs a build function or a Microcircuit, not {given(circuit)}")
    return problems


def _only_input(circuit: Component) -> Port:
    if len(circuit.inputs) != 1:
        raise WiringError(
            f"{circuit.name} has {len(circuit.inputs)} inputs ({', '.join(circuit.inputs)}); from_connectome joins circuits with "
            f"one, connect the others with brain.connect"
        )
    return next(iter(circuit.inputs.values()))
