"""An experiment file: TOML, strictly checked, to a brain and a simulation.

A file names classes and functions (``module:Class``, or the bare name of one of ours), never equations or code.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.adapter import Adapter
from hybrid.brain import Brain
from hybrid.component import Component
from hybrid.connectome import Connectome
from hybrid.errors import ConfigurationError, DataError, HybridError, WiringError, shown, told
from hybrid.experiment.references import check_arguments, made, resolve
from hybrid.experiment.schema import ComponentTable, ConnectionTable, RecordEntry, Table
from hybrid.experiment.tables import document, override_value, read
from hybrid.results.recorder import Every
from hybrid.run.simulation import Simulation

PLAIN = ("dt_ms", "initial", "integrator", "coupling_in_step", "delays", "threads")  # go to a mass network as they are
KEYS = {  # of a component besides parameters, by what makes it
    "circuit": ("dt_ms", "engine", "constants", "region"),
    "model": ("regions", "coupling", "noise", *PLAIN),
    "kind": (),
}


class Experiment:
    """A checked experiment file.

    Parameters
    ----------
    tables: the content of the file as nested dictionaries.
    folder: where relative paths, and modules of the user's own, are looked for.
    name: of the file, for messages.
    """

    def __init__(self, tables: Mapping[str, Any], folder: Path = Path(), name: str = "experiment") -> None:
        self.document = document(tables, name)
        self.tables, self.folder, self.name = dict(tables), Path(folder).resolve(), name

    @classmethod
    def load(cls, path: str | Path, overrides: Iterable[str] = ()) -> Experiment:
        """Read a TOML file and replace single values (``"connections.focus_to_cortex.weight=0"``)."""
        path = Path(path)
        tables = read(path)
        for override in overrides:
            override_value(tables, override)
        return cls(tables, path.resolve().parent, path.name)

    def brain(self) -> Brain:
        """Components and connections; all wiring problems are told at once."""
        document = self.document
        with self._at("run"):
            brain = Brain(document.run.tick_ms)
        with self._at("connectome"):
            connectome = self._connectome()
        self._check_regions(connectome)
        for name, table in document.components.items():
            with self._at(f"components.{name}"):
                _ask_for_ports(brain.add(self._component(name, table, connectome)))
        problems = []
        for name, wire in document.connections.items():
            try:
                self._connect(brain, name, wire, connectome)
            except HybridError as error:
                problems.append(f"[connections.{name}] {error}")
        if problems:
            raise WiringError(f"{self.name}: " + "\n".join(problems))
        return brain

    def simulation(self, progress: bool = False, threads: int = 1, transport: str = "auto") -> Simulation:
        """Ready to run for ``document.run.duration_ms``; ``transport`` as :class:`hybrid.Simulation` takes it."""
        run, brain = self.document.run, self.brain()
        with self._at("run"):
            simulation = Simulation(
                brain,
                run.seed,
                [_recorded(brain, entry) for entry in run.record],
                window_ms=run.window_ms,
                placement=run.placement,
                timeout_s=run.timeout_s,
                transport=transport,
                progress=progress,
                threads=threads,
                on_drift=run.on_drift,
                configuration={"experiment": self.tables, "brain": brain.describe()},
            )
        simulation.experiment = {"tables": self.tables, "folder": str(self.folder), "name": self.name}
        return simulation

    def _connectome(self) -> Connectome | None:
        table = self.document.connectome
        if table is None:
            return None
        try:
            connectome = Connectome.load(
                _beside(self.folder, table.source) or table.source,
                self_connections=table.self_connections,
                zero_lengths=table.zero_lengths,
            )
        except OSError as error:
            raise DataError(f"source = {shown(table.source)} cannot be read: {error.strerror}") from error
        return connectome if table.normalise == "none" else connectome.normalised(by=table.normalise)

    def _check_regions(self, connectome: Connectome | None) -> None:
        """Refuse a region that there is not, in the table that names it."""
        components = self.document.components
        circuits = {name: table.region for name, table in components.items() if table.circuit and table.region}
        divided = any(table.model and table.regions in (None, "rest") for table in components.values())
        taken: dict[str, str] = {}
        for name, region in circuits.items():
            with self._at(f"components.{name}"):
                if connectome is not None:
                    connectome.index(region)
                if divided and region in taken:
                    raise ConfigurationError(
                        f"region {region!r} is that of [components.{taken[region]}] already, and regions = 'rest' leaves "
                        f"a region to one circuit; give another"
                    )
            taken[region] = name

    def _component(self, name: str, table: ComponentTable, connectome: Connectome | None) -> Component:
        given = [key for key in ("circuit", "model", "kind") if getattr(table, key)]
        if len(given) != 1:
            raise ConfigurationError(
                f"needs one of circuit, model or kind, but has {' and '.join(given) or 'none of them'}"
            )
        _check_keys(given[0], table)
        if table.circuit:
            from hybrid.circuits import Circuit, Microcircuit

            build = resolve(table.circuit, "hybrid.circuits", self.folder, Circuit)
            check_arguments(build, table.parameters, table.circuit)
            return Microcircuit(name, build, parameters=table.parameters, **_given(table, KEYS["circuit"]))
        if table.kind:
            if "name" in table.parameters:
                raise ConfigurationError("parameters: name is that of the table; leave it out")
            factory = resolve(table.kind, "hybrid", self.folder, Component)
            component: Component = made(factory, {"name": name, **table.parameters}, table.kind, Component)
            return component
        return self._masses(name, table, connectome)

    def _masses(self, name: str, table: ComponentTable, connectome: Connectome | None) -> Component:
        from hybrid.masses import Coupling, MassModel, MassNetwork, Noise

        assert table.model
        if connectome is None or self.document.connectome is None:
            raise ConfigurationError("a mass network needs a [connectome] table")
        if table.regions in (None, "rest"):
            taken = [each.region for each in self.document.components.values() if each.circuit and each.region]
            part = connectome.without(*taken)
        else:
            part = connectome.only(*([table.regions] if isinstance(table.regions, str) else table.regions or []))
        options: dict[str, Any] = {"speed_m_s": self.document.connectome.speed_m_s}
        if table.coupling is not None:
            options["coupling"] = self._made_from(table.coupling, "hybrid.masses", Coupling)
        if table.noise is not None:
            options["noise"] = made(Noise, table.noise, "noise", Noise)
        options |= _given(table, PLAIN)
        factory = resolve(table.model, "hybrid.masses", self.folder, MassModel)
        model = made(factory, table.parameters, table.model, MassModel)
        return MassNetwork(name, part, model=model, **options)

    def _connect(self, brain: Brain, name: str, wire: ConnectionTable, connectome: Connectome | None) -> None:
        source, target = (_port(brain, end) for end in (wire.source, wire.target))
        adapter: Adapter | None = None if wire.adapter is None else self._made_from(wire.adapter, "adapters", Adapter)
        matrices: Table = {"weight": wire.weight, "delay_ms": wire.delay_ms}
        asked = [key for key, value in matrices.items() if isinstance(value, str)]
        for key in asked:
            if matrices[key] != "connectome":
                raise ConfigurationError(f"{key} = {shown(matrices[key])} is not known; give numbers or 'connectome'")
        if asked:
            if connectome is None or self.document.connectome is None:
                raise ConfigurationError(f"{asked[0]} = 'connectome' needs a [connectome] table")
            speed = self.document.connectome.speed_m_s
            tracts = brain.tracts(connectome, source, target, speed_m_s=speed, adapter=adapter)
            matrices |= {key: tracts[key] for key in asked}
        if wire.scale != 1.0 and matrices["weight"] is not None:
            matrices["weight"] = np.asarray(matrices["weight"]) * wire.scale
        brain.connect(source, target, adapter=adapter, name=name, **matrices)

    def _made_from(self, given: str | Table, home: str, contract: type) -> Any:
        """An object from ``"module:Class"`` or ``{kind = "module:Class", argument = ...}``."""
        table = {"kind": given} if isinstance(given, str) else dict(given)
        if "kind" not in table:
            raise ConfigurationError(f"{shown(given)} needs kind = 'module:Class'")
        kind = table.pop("kind")
        return made(resolve(kind, home, self.folder, contract), table, kind, contract)

    @contextmanager
    def _at(self, table: str) -> Iterator[None]:
        """Prefix errors with the file and the table they belong to."""
        try:
            yield
        except HybridError as error:
            raise type(error)(f"{self.name}: [{table}] {error}") from error.__cause__


def _ask_for_ports(component: Component) -> None:
    """A circuit builds its network now, so that what is wrong with it is told beside its table."""
    try:
        component.inputs, component.outputs  # noqa: B018
    except HybridError:
        raise
    except Exception as error:
        what = told(error)
        raise ConfigurationError(f"the ports of {type(component).__name__} cannot be read ({what})") from error


def _beside(folder: Path, source: str) -> Path | None:
    """The file or folder of that name beside the experiment, if there is one."""
    path = folder / source
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # not there, or no name that a file can have
        return None
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ConfigurationError(f"source = {source!r} is neither a file nor a folder; give the path of a connectome")
    return path


def _recorded(brain: Brain, entry: str | RecordEntry) -> Any:
    if isinstance(entry, str):
        return entry
    return Every(_port(brain, entry.port), entry.every_ms, entry.average)


def _given(table: ComponentTable, keys: tuple[str, ...]) -> Table:
    return {key: value for key in keys if (value := getattr(table, key)) is not None}


def _check_keys(kind: str, table: ComponentTable) -> None:
    """Refuse what would have no effect on this kind of component."""
    for key in dict.fromkeys(key for keys in KEYS.values() for key in keys):
        if key not in KEYS[kind] and getattr(table, key) is not None:
            of = " and ".join(each for each, keys in KEYS.items() if key in keys)
            raise ConfigurationError(f"{key} belongs to a component with {of}, this one has {kind}; leave it out")


def _port(brain: Brain, reference: str) -> Any:
    component, dot, port = reference.partition(".")
    if not dot:
        raise ConfigurationError(f"{shown(reference)} is no port; write component.port, as in 'focus.spikes'")
    return brain[component][port]
