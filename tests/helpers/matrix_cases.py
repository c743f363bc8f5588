"""A case of the matrix for everything the package ships: how to make it, small, in Python and in an experiment file.

What can be made without arguments takes part by itself. To let something new take part, add what its constructor needs to
``ARGUMENTS`` (plain values, as in an experiment file); what should be tried in several ways has its cases in ``COMPONENTS``.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matrix_circuits
import numpy as np
from matrix_toys import Sink, Source
from shipped import everything, kinds

from adapters import RateToPoisson, SpikeToRate
from hybrid import Adapter, Brain, Chain, Component, Connectome, Stimulus
from hybrid.circuits import Microcircuit
from hybrid.circuits.potassium import potassium_focus
from hybrid.masses import Coupling, MassModel, MassNetwork, Noise
from hybrid.stimulus import Waveform

TICK_MS, DELAY_MS, LINES = 0.1, 0.7, 4
LEVEL = {"Rates": 40.0, "Spikes": 40.0, "Currents": 0.2, "States": 2.0}  # Hz, Hz, nA, the unit of the port


def _connectome() -> Connectome:
    """Five regions, some of them not connected, at delays of 33 to 60 ticks and one of 1.3.

    Nearly all are longer than the longest block, as those of a single region are: models need no second kernel.
    """
    rng = np.random.default_rng(8)
    weights = rng.uniform(0.1, 1.0, (5, 5)) * (rng.random((5, 5)) < 0.7)
    np.fill_diagonal(weights, 0.0)
    lengths = rng.uniform(9.9, 18.0, (5, 5))
    lengths[tuple(np.argwhere(weights)[3])] = 0.4
    return Connectome(tuple("abcde"), weights, lengths, rng.normal(size=(5, 3)), name="five")


CONNECTOME = _connectome()

ARGUMENTS: dict[str, dict[str, Any]] = {
    "RateToPoisson": {"fibres": 3},
    "RateToCurrent": {"weight_na": 0.02, "fibres": 20},
    "SpikeToRate": {"tau_ms": 5.0},
    "BoxSpikeToRate": {"width_ms": 2.5},
    "Subset": {"ids": [2, 0]},
    "Map": {"matrix": [[0.5, 0.0, 1.0, 2.0], [1.0, 1.0, 0.25, 0.0]]},
    "Difference": {"strength": 0.1},
    "Linear": {"strength": 0.1},
    "Sine": {"strength": 0.05},
    "Pulse": {"start_ms": 1.0, "stop_ms": 7.3, "hz": 30.0},
    "Train": {"start_ms": 1.0, "period_ms": 4.0, "width_ms": 1.5, "hz": 30.0, "count": 3},
    "Sinusoid": {"mean_hz": 30.0, "amplitude_hz": 20.0, "frequency_hz": 80.0},
    "Samples": {"values_hz": [[1.0, 2.0, 3.0], [30.0, 0.0, 5.0], [2.0, 2.0, 9.0]]},
    "Constant": {"value": [1.0, 0.0, 30.0]},
    "Steps": {"times_ms": [1.0, 4.2], "steps": [30.0, 2.5]},
    "Function": {"function": math.exp},  # of the time; no file can name one
    "SpikeTimes": {"lines": 3, "times_ms": [[1.0, 2.5, 2.5], [], [7.0]]},
}
WAVE = {"kind": "Pulse", **ARGUMENTS["Pulse"]}
HOSTS = {"Difference": "Epileptor", "Sine": "Kuramoto", "SigmoidalJansenRit": "JansenRit"}  # of a coupling; else:
HOST = "WilsonCowan"
OPTIONS: dict[str, dict[str, Any]] = {"KIonEx": {"dt_ms": 0.02}}  # of a network with this model


@dataclass(frozen=True)
class Case:
    """One part, made by ``make(name)``, and the table that makes it in an experiment file (none if no file can)."""

    make: Callable[[str], Any]
    table: dict[str, Any] | None
    is_adapter: bool = False


def _reference(kind: Any) -> str:
    return f"{kind.__module__}:{kind.__name__}"


def _needed(name: str, kind: Any) -> dict[str, Any]:
    """The arguments of a constructor, or an error that says where to put them."""
    given = ARGUMENTS.get(name, {})
    required = [
        each.name
        for each in inspect.signature(kind).parameters.values()
        if each.name != "name"
        and each.default is each.empty
        and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    ]
    missing = [each for each in required if each not in given]
    if missing:
        raise LookupError(
            f"{name} ({kind.__module__}) is not in the matrix: it needs {', '.join(missing)}; add them to ARGUMENTS in "
            f"{Path(__file__).name}"
        )
    return given


def masses(model: str, coupling: str | None = None, **options: Any) -> Case:
    models, couplings = kinds(MassModel), kinds(Coupling)
    options = {**OPTIONS.get(model, {}), **options}
    table: dict[str, Any] = {"model": _reference(models[model]), "parameters": _needed(model, models[model]), **options}
    if coupling is not None:
        table["coupling"] = {"kind": _reference(couplings[coupling]), **_needed(coupling, couplings[coupling])}

    def make(name: str) -> MassNetwork:
        given = {key: Noise(**value) if key == "noise" else value for key, value in options.items()}
        if coupling is not None:
            given["coupling"] = couplings[coupling](**_needed(coupling, couplings[coupling]))
        return MassNetwork(name, CONNECTOME, models[model](**_needed(model, models[model])), **given)

    return Case(make, table)


def circuit(build: Any, parameters: dict[str, Any], **options: Any) -> Case:
    return Case(
        lambda name: Microcircuit(name, build, parameters=parameters, **options),
        {"circuit": _reference(build), "parameters": parameters, **options},
    )


def stimulus(waveform: str) -> Case:
    kind = kinds(Waveform)[waveform]
    given = _needed(waveform, kind)
    table = {"kind": "Stimulus", "parameters": {"lines": 3, "waveform": {"kind": waveform, **given}}}
    in_a_file = not any(map(callable, given.values()))
    return Case(lambda name: Stimulus(name, 3, kind(**given)), table if in_a_file else None)


def component(kind: type[Component]) -> Case:
    """Of a kind whose arguments besides the name are plain."""
    given = _needed(kind.__name__, kind)
    return Case(lambda name: kind(name, **given), {"kind": _reference(kind), "parameters": given})


def adapter(name: str) -> Case:
    if name == "Chain":
        return Case(lambda _: Chain(SpikeToRate(5.0), RateToPoisson(3)), None, is_adapter=True)
    kind = kinds(Adapter)[name]
    given = _needed(name, kind)
    return Case(lambda _: kind(**copy.deepcopy(given)), {"kind": _reference(kind), **given}, is_adapter=True)


# of components and of functions that make some; by the name of the class or function, then of the case
COMPONENTS: dict[str, dict[str, Callable[[], Case]]] = {
    "MassNetwork": {
        "noisy": lambda: masses(HOST, noise={"sigma": {"E": 0.01}, "tau_ms": 3.0}, delays="interpolated"),
        "in_step": lambda: masses(HOST, coupling_in_step="interpolated", integrator="rk4", dt_ms=0.05),
    },
    "Microcircuit": {
        "compiled": lambda: circuit(matrix_circuits.heard, {"n": 10}, engine="compiled"),
        "runtime": lambda: circuit(matrix_circuits.heard, {"n": 10}, engine="runtime", dt_ms=0.05),
        "injected": lambda: circuit(matrix_circuits.injected, {"n": 4}, engine="compiled"),
    },
    "Stimulus": {
        "regions": lambda: Case(
            lambda name: Stimulus(name, tuple("abc"), WAVE, regions=["c"]),
            {"kind": "Stimulus", "parameters": {"lines": ["a", "b", "c"], "regions": ["c"], "waveform": WAVE}},
        )
    },
    "potassium_focus": {
        "": lambda: circuit(potassium_focus, {"cells": 20, "afferents": 5}, dt_ms=0.05, engine="compiled")
    },
}  # fmt: skip


def _cases_of(name: str, kind: Any) -> dict[str, Callable[[], Case]]:
    if name in COMPONENTS:
        return {f"{name}_{each}".rstrip("_"): make for each, make in COMPONENTS[name].items()}
    if isinstance(kind, type):
        if issubclass(kind, Adapter):
            return {name: lambda: adapter(name)}
        if issubclass(kind, MassModel):
            return {name: lambda: masses(name)}
        if issubclass(kind, Coupling):
            return {name: lambda: masses(HOSTS.get(name, HOST), name)}
        if issubclass(kind, Waveform):
            return {name: lambda: stimulus(name)}
        if issubclass(kind, Component):
            return {name: lambda: component(kind)}
    elif issubclass(inspect.signature(kind, eval_str=True).return_annotation, Component):
        return {name: lambda: Case(lambda own: kind(own), {"kind": _reference(kind)})}
    return {name: lambda: circuit(kind, ARGUMENTS.get(name, {}))}


CASES: dict[str, Callable[[], Case]] = {
    case: make for name, kind in everything().items() for case, make in _cases_of(name, kind).items()
}


def _is_covered(name: str) -> bool:
    try:
        CASES[name]()
    except LookupError:  # told by the test of the matrix; the others go on
        return False
    return True


COVERED = [name for name in CASES if _is_covered(name)]
ADAPTERS = [name for name in COVERED if name in kinds(Adapter)]
PARTS = [name for name in COVERED if name not in ADAPTERS]


# -- a brain around it -------------------------------------------------------------------------------------------------


@dataclass
class Wiring:
    """What stands around one part: its sources by the port they feed, and, of an adapter, the sink."""

    part: Any  # component or adapter
    sources: dict[str, Source]
    sink: Sink | None = None


def wiring(name: str, prefix: str = "", bad_port: str | None = None, **bad: Any) -> Wiring:
    """The part of a case and what feeds it; ``bad`` are arguments of the source of one port."""
    case = CASES[name]()
    part = case.make(f"{prefix}part")
    if case.is_adapter:
        into, lines = part.accepts.__name__, LINES
        sources = {
            "in": Source(f"{prefix}source", lines, into, LEVEL[into], **bad)
        }  # the port does not matter: it has one
        return Wiring(part, sources, Sink(f"{prefix}sink", part.emitted_size(lines), part.emits.__name__))
    return Wiring(part, {
        port.name: Source(f"{prefix}{port.name}", port.size, port.kind.__name__, LEVEL[port.kind.__name__], unit=port.unit,
                          **(bad if port.name == bad_port else {}))
        for port in part.inputs.values()
    })  # fmt: skip


def add_to(brain: Brain, name: str, prefix: str = "", **bad: Any) -> list[Any]:
    """Put the part of a case, with all that feeds it, into a brain; the ports worth recording."""
    wired = wiring(name, prefix, **bad)
    for source in wired.sources.values():
        brain.add(source)
    if wired.sink is not None:
        brain.add(wired.sink)
        source = wired.sources["in"]
        brain.connect(source["out"], wired.sink["in"], delay_ms=DELAY_MS, adapter=wired.part, name=f"{prefix}wire")
        return [wired.sink["out"]]
    brain.add(wired.part)
    for port, source in wired.sources.items():
        brain.connect(source["out"], wired.part[port], delay_ms=DELAY_MS, name=f"{prefix}to_{port}")
    return list(wired.part.outputs.values())


def experiment(name: str, connectome: Path, duration_ms: float, seed: int) -> dict[str, Any]:
    """The same brain as the tables of an experiment file."""
    wired, case = wiring(name), CASES[name]()
    tables: dict[str, Any] = {
        "run": {"tick_ms": TICK_MS, "duration_ms": duration_ms, "seed": seed},
        "connectome": {"source": str(connectome)},
        "components": {},
        "connections": {},
    }
    toys = [*wired.sources.values(), *([wired.sink] if wired.sink else [])]
    for toy in toys:
        port = next(iter(toy.outputs.values()))
        arguments: dict[str, Any] = {"size": port.size, "kind": port.kind.__name__}
        if isinstance(toy, Source):
            arguments |= {"level": toy.level, "unit": port.unit}
        tables["components"][toy.name] = {"kind": f"matrix_toys:{type(toy).__name__}", "parameters": arguments}
    if case.is_adapter:
        wires = {"wire": ("source.out", "sink.in")}
        tables["run"]["record"] = ["sink.out"]
    else:
        tables["components"]["part"] = case.table
        wires = {f"to_{port}": (f"{port}.out", f"part.{port}") for port in wired.sources}
        tables["run"]["record"] = [f"part.{port}" for port in wired.part.outputs]
    for wire, (source, target) in wires.items():
        tables["connections"][wire] = {"from": source, "to": target, "delay_ms": DELAY_MS}
    if case.is_adapter:
        tables["connections"]["wire"]["adapter"] = case.table
    return tables
