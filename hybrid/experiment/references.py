"""What a file or a command line refers to: ``module:Class``, its arguments, and ``table.key=value``."""

from __future__ import annotations

import importlib
import inspect
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hybrid.errors import ConfigurationError, HybridError, unknown


def resolve(reference: str, home: str, folder: Path) -> Any:
    """What ``module:name`` refers to, with ``folder`` before the installed modules; a bare name is looked up in ``home``."""
    module_name, colon, name = str(reference).rpartition(":")
    module_name = module_name if colon else home
    sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigurationError(f"{reference!r}: module {module_name!r} cannot be imported ({error})") from None
    finally:
        sys.path.remove(str(folder))
    if not hasattr(module, name):
        public = getattr(module, "__all__", [each for each in vars(module) if not each.startswith("_")])
        raise unknown(f"{module_name}:", name, sorted(public))
    return getattr(module, name)


def made(factory: Callable[..., Any], arguments: Mapping[str, Any], what: str) -> Any:
    """``factory(**arguments)``; unknown and missing arguments are named, with a guess at what was meant."""
    check_arguments(factory, arguments, what)
    try:
        return factory(**arguments)
    except (TypeError, ValueError) as error:
        if isinstance(error, HybridError):
            raise
        raise ConfigurationError(f"{what} cannot be made of {arguments}: {error}") from error


def check_arguments(function: Callable[..., Any], arguments: Iterable[str], what: str) -> None:
    """Refuse arguments that a function does not have, and tell those it needs."""
    if not callable(function):
        raise ConfigurationError(f"{what} is not a class or function")
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # of some built-in types
        return
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return
    known = [each.name for each in parameters]
    for name in arguments:
        if name not in known:
            raise unknown(f"{what}: parameter", name, known)
    missing = [each.name for each in parameters if each.default is each.empty and each.name not in arguments]
    if missing:
        raise ConfigurationError(f"{what} needs {', '.join(missing)}")


def override_value(tables: dict[str, Any], override: str) -> None:
    """Replace one value by what ``--set table.key=value`` says; tables must be there already, down to the second."""
    path, equals, text = override.partition("=")
    keys = [key.strip() for key in path.split(".")]
    if not equals or not all(keys):
        raise ConfigurationError(f"--set {override}: write --set table.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # a word without quotes
    table = tables
    for depth, key in enumerate(keys[:-1]):
        if key not in table and depth < 2:
            raise unknown(f"--set {override}: table", ".".join(keys[: depth + 1]), table)
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise ConfigurationError(f"--set {override}: {'.'.join(keys[: depth + 1])} is a value, not a table")
    table[keys[-1]] = value
