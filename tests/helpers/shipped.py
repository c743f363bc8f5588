"""What the package ships, found rather than listed: nothing new can be forgotten."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import adapters
import hybrid
from hybrid import Adapter, Component
from hybrid.circuits import Circuit
from hybrid.masses import Coupling, MassModel
from hybrid.stimulus import Waveform

NOT_IMPORTED = ("hybrid.run.transport.mpi",)  # starts MPI in whoever imports it
CONTRACTS = (Component, Adapter, MassModel, Coupling, Waveform)


@cache
def modules() -> list[ModuleType]:
    """Every module of both packages."""
    names = (
        each.name
        for package in (hybrid, adapters)
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if each.name not in NOT_IMPORTED and not each.name.endswith("__main__")
    )
    return [hybrid, adapters, *map(importlib.import_module, names)]


@cache
def kinds(contract: type) -> dict[str, type[Any]]:
    """The classes that keep a contract and are no mere base of others, by name."""
    found = {
        name: each
        for module in modules()
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, contract) and each.__module__ == module.__name__
        if not inspect.isabstract(each) and not name.startswith("_") and each is not contract
    }
    return dict(sorted(found.items()))


@cache
def factories(*results: type) -> dict[str, Any]:
    """The functions that say that they make a component or a circuit, by name."""
    return dict(sorted((name, each) for module in modules() for name, each in _functions(module, results)))


def _functions(module: ModuleType, results: tuple[type, ...]) -> Iterator[tuple[str, Any]]:
    for name, each in vars(module).items():
        if inspect.isfunction(each) and each.__module__ == module.__name__ and not name.startswith("_"):
            try:
                made = typing.get_type_hints(each).get("return")
            except NameError:  # a type that is there for the type checker only
                continue
            if isinstance(made, type) and issubclass(made, results):
                yield name, each


def everything() -> dict[str, Any]:
    """All that the matrix must cover, by name."""
    return {name: each for contract in CONTRACTS for name, each in kinds(contract).items()} | factories(
        Component, Circuit
    )


OURS = [
    each
    for each in map(adapters.__dict__.get, adapters.__all__)
    if isinstance(each, type) and issubclass(each, Adapter)
]
