"""Says what to write where an argument of a network of masses is of the wrong kind."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from hybrid.connectome import Connectome
from hybrid.errors import ConfigurationError, unknown
from hybrid.masses.coupling import Coupling
from hybrid.masses.model import MassModel
from hybrid.masses.noise import Noise


def check_arguments(
    name: Any, connectome: Any, model: Any, coupling: Any = None, noise: Any = None, whole: Any = None
) -> None:
    """``ConfigurationError`` names the argument and what to write instead."""
    if not isinstance(name, str) or not name:
        raise ConfigurationError(
            f"a network of masses is called by its name first, a text, not {_shown(name)}; write MassNetwork('cortex', "
            f"connectome, model)"
        )
    for what, given in (("connectome", connectome), ("whole", whole)):
        if not isinstance(given, Connectome) and not (what == "whole" and given is None):
            load = f'{what}=Connectome.load("{given}")' if isinstance(given, str | Path) else "a Connectome"
            raise ConfigurationError(f"{name}: {what} is {_shown(given)}; write {load}")
    _check(name, "model", model, MassModel, "WilsonCowan()")
    if coupling is not None:
        _check(name, "coupling", coupling, Coupling, f"Linear({coupling if _number(coupling) else 0.1})")
    if noise is not None:
        sigma = repr(dict(noise)) if isinstance(noise, Mapping) else str(noise) if _number(noise) else "0.01"
        _check(name, "noise", noise, Noise, f"Noise({sigma})")


def _check(name: str, what: str, given: Any, kind: type, example: str) -> None:
    if isinstance(given, kind):
        return
    if isinstance(given, type) and issubclass(given, kind):
        example = example.replace(example.partition("(")[0], given.__name__)
    if isinstance(given, str):
        known = _leaves(kind)
        raise unknown(f"{name}: {what} is a text, not an object; write {what}={example}. The name", given, known)
    raise ConfigurationError(f"{name}: {what} is {_shown(given)}; write {what}={example}")


def _leaves(kind: Any) -> list[str]:
    found: set[str] = set()
    for below in kind.__subclasses__():
        found |= {below.__name__, *_leaves(below)}
    return sorted(found)


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}, not an object of it"
    short = isinstance(value, str | Real | Mapping) and len(repr(value)) < 60
    return repr(value) if short else f"of type {type(value).__name__}"
