"""An experiment file: TOML, strictly checked, to a brain and a simulation.

A file names classes and functions (``module:Class``, or the bare name of one of ours), never equations or code.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from hybrid.adapter import Adapter
from hybrid.brain import Brain
from hybrid.component import Component
from hybrid.connectome import Connectome
from hybrid.errors import ConfigurationError, HybridError, WiringError
from hybrid.experiment.references import check_arguments, made, override_value, resolve
from hybrid.experiment.schema import ComponentTable, ConnectionTable, Document, RecordEntry, Table
from hybrid.results.recorder import Every
from hybrid.run.simulation import Simulation

_Struct = TypeVar("_Struct", bound=msgspec.Struct)

PLAIN = ("dt_ms", "initial", "integrator", "coupling_in_step", "delays", "threads")  # go to a mass network as they are
KEYS = {  # of a component besides parameters, by what makes it
    "circuit": ("dt_ms", "engine", "region"),
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
        _check_finite(tables, name)
        for group, kind in (("components", ComponentTable), ("connections", ConnectionTable)):
            for key, table in _tables_of(tables, group):
                _checked(table, kind, f"{name}: [{group}.{key}]")  # for the name in the message
        self.document = _checked(tables, Document, f"{name}:")
        self.tables, self.folder, self.name = dict(tables), folder, name

    @classmethod
    def load(cls, path: str | Path, overrides: Iterable[str] = ()) -> Experiment:
        """Read a TOML file and replace single values (``"connections.focus_to_cortex.weight=0"``)."""
        path = Path(path)
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigurationError(f"{path} does not exist; give the path of an experiment file (TOML)") from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(f"{path} cannot be read as TOML: {error}") from None
        for override in overrides:
            override_value(tables, override)
        return cls(tables, path.resolve().parent, path.name)

    def brain(self) -> Brain:
        """Components and connections; all wiring problems are told at once."""
        document = self.document
        brain = Brain(document.run.tick_ms)
        connectome = self._connectome()
        for name, table in document.components.items():
            with _at(f"components.{name}"):
                component = brain.add(self._component(name, table, connectome))
                component.inputs  # noqa: B018  (a circuit builds its network now, so that what is wrong with it is told here)
        problems = []
        for name, wire in document.connections.items():
            try:
                self._connect(brain, name, wire, connectome)
            except HybridError as error:
                problems.append(f"[connections.{name}] {error}")
        if problems:
            raise WiringError(f"{self.name}: " + "\n".join(problems))
        return brain

    def simulation(self, progress: bool = False) -> Simulation:
        """Ready to run for ``document.run.duration_ms``."""
        run, brain = self.document.run, self.brain()
        with _at("run"):
            return Simulation(
                brain,
                run.seed,
                [_recorded(brain, entry) for entry in run.record],
                window_ms=run.window_ms,
                placement=run.placement,
                timeout_s=run.timeout_s,
                progress=progress,
                on_drift=run.on_drift,
                configuration={"experiment": self.tables, "brain": brain.describe()},
            )

    def _connectome(self) -> Connectome | None:
        table = self.document.connectome
        if table is None:
            return None
        beside = self.folder / table.source
        connectome = Connectome.load(beside if beside.exists() else table.source)
        return connectome if table.normalise == "none" else connectome.normalised(by=table.normalise)

    def _component(self, name: str, table: ComponentTable, connectome: Connectome | None) -> Component:
        given = [key for key in ("circuit", "model", "kind") if getattr(table, key)]
        if len(given) != 1:
            raise ConfigurationError(
                f"needs one of circuit, model or kind, but has {' and '.join(given) or 'none of them'}"
            )
        _check_keys(given[0], table)
        if table.circuit:
            from hybrid.circuits import Microcircuit

            build = resolve(table.circuit, "hybrid.circuits", self.folder)
            check_arguments(build, table.parameters, table.circuit)
            return Microcircuit(name, build, parameters=table.parameters, **_given(table, KEYS["circuit"]))
        if table.kind:
            component: Component = made(
                resolve(table.kind, "hybrid", self.folder), {"name": name, **table.parameters}, table.kind
            )
            return component
        return self._masses(name, table, connectome)

    def _masses(self, name: str, table: ComponentTable, connectome: Connectome | None) -> Component:
        from hybrid.masses import MassNetwork, Noise

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
            options["coupling"] = self._made_from(table.coupling, "hybrid.masses")
        if table.noise is not None:
            options["noise"] = made(Noise, table.noise, "noise")
        options |= _given(table, PLAIN)
        model = made(resolve(table.model, "hybrid.masses", self.folder), table.parameters, table.model)
        return MassNetwork(name, part, model=model, **options)

    def _connect(self, brain: Brain, name: str, wire: ConnectionTable, connectome: Connectome | None) -> None:
        source, target = (_port(brain, end) for end in (wire.source, wire.target))
        adapter: Adapter | None = self._made_from(wire.adapter, "adapters") if wire.adapter is not None else None
        matrices: Table = {"weight": wire.weight, "delay_ms": wire.delay_ms}
        asked = [key for key, value in matrices.items() if isinstance(value, str)]
        for key in asked:
            if matrices[key] != "connectome":
                raise ConfigurationError(f"{key} = {matrices[key]!r} is not known; give numbers or 'connectome'")
        if asked:
            if connectome is None or self.document.connectome is None:
                raise ConfigurationError(f"{asked[0]} = 'connectome' needs a [connectome] table")
            speed = self.document.connectome.speed_m_s
            tracts = brain.tracts(connectome, source, target, speed_m_s=speed, adapter=adapter)
            matrices |= {key: tracts[key] for key in asked}
        if wire.scale != 1.0 and matrices["weight"] is not None:
            matrices["weight"] = np.asarray(matrices["weight"]) * wire.scale
        brain.connect(source, target, adapter=adapter, name=name, **matrices)

    def _made_from(self, given: str | Table, home: str) -> Any:
        """An object from ``"module:Class"`` or ``{kind = "module:Class", argument = ...}``."""
        table = {"kind": given} if isinstance(given, str) else dict(given)
        if "kind" not in table:
            raise ConfigurationError(f"{given} needs kind = 'module:Class'")
        kind = table.pop("kind")
        return made(resolve(kind, home, self.folder), table, kind)


class _at:  # noqa: N801  (reads as a preposition)
    """Prefix errors with the table they belong to."""

    def __init__(self, table: str) -> None:
        self.table = table

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, HybridError):
            raise type(error)(f"[{self.table}] {error}") from error.__cause__


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
        raise ConfigurationError(f"{reference!r} is no port; write component.port, as in 'focus.spikes'")
    return brain[component][port]


def _tables_of(tables: Mapping[str, Any], group: str) -> Iterable[tuple[str, Any]]:
    found = tables.get(group)
    return found.items() if isinstance(found, Mapping) else ()


def _checked(table: Any, kind: type[_Struct], where: str) -> _Struct:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where} {error}") from None


def _check_finite(value: Any, where: str) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_finite(inner, f"{where}: {key}" if ":" not in where else f"{where}.{key}")
    elif isinstance(value, list):
        for inner in value:
            _check_finite(inner, where)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigurationError(f"{where} = {value} is not finite; give a number")
