"""From the text of a file to checked tables: plain values of a sane size, units converted, every slip said in plain words."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from hybrid.errors import ConfigurationError, HybridError, shown, unknown
from hybrid.experiment.schema import GROUPS, SINGLE, Document, RecordEntry, RunTable
from hybrid.units import quantity, unit_in

LONGEST_FILE = 64 * 2**20  # bytes
DEEPEST = 32  # tables and lists inside one another
LARGEST_INTEGER = 2**256  # a seed may be that large

_KINDS: dict[type, str] = {str: "the text", list: "the list", dict: "the table"}


def read(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; ``ConfigurationError`` names the file and what is wrong with it."""
    try:
        if not path.exists():
            raise ConfigurationError(f"{path} does not exist; give the path of an experiment file (TOML)")
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no regular file"
            raise ConfigurationError(f"{path} is {what}; give the path of an experiment file (TOML)")
        if path.stat().st_size > LONGEST_FILE:
            raise ConfigurationError(
                f"{path} is larger than {LONGEST_FILE >> 20} MiB; keep large matrices in a connectome"
            )
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} cannot be read as TOML: it is no text in UTF-8 ({error})") from None
    except (OSError, ValueError) as error:
        if isinstance(error, HybridError):
            raise
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigurationError(f"{shown(str(path), 200)} cannot be read: {why}") from None
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigurationError(f"{path} cannot be read as TOML: {_TOO_DEEP}") from None
    except ValueError as error:  # also whole numbers of more than 4,300 digits
        raise ConfigurationError(f"{path} cannot be read as TOML: {error}") from None


_TOO_DEEP = f"tables and lists stand inside one another more than {DEEPEST} deep"


def override_value(tables: dict[str, Any], override: str) -> None:
    """Replace one value by what ``--set table.key=value`` says; tables must be there already, down to the second."""
    said = f"--set {override if len(override) < 200 else shown(override)}"
    path, equals, text = override.partition("=")
    keys = keys_of(path)
    if not equals or not all(keys):
        raise ConfigurationError(f"{said}: write --set table.key=value")
    replace_value(tables, keys, toml_value(text, said), said)


def keys_of(path: str) -> list[str]:
    """``"connections.wire.weight"`` as its parts."""
    return [key.strip() for key in path.split(".")]


def toml_value(text: str, said: str) -> Any:
    """A value as TOML has it; what is not TOML is text. ``said`` begins messages."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except RecursionError:
        raise ConfigurationError(f"{said}: {_TOO_DEEP}") from None
    except tomllib.TOMLDecodeError:
        return text.strip()  # a word without quotes
    except ValueError as error:
        raise ConfigurationError(f"{said}: {error}") from None


def replace_value(tables: dict[str, Any], keys: Sequence[str], value: Any, said: str) -> None:
    """Replace one value in place; tables must be there already, down to the second."""
    table = tables
    for depth, key in enumerate(keys[:-1]):
        if key not in table and depth < 2:
            raise unknown(f"{said}: table", ".".join(keys[: depth + 1]), table)
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise ConfigurationError(f"{said}: {'.'.join(keys[: depth + 1])} is a value, not a table")
    table[keys[-1]] = value


def document(tables: Mapping[str, Any], name: str) -> Document:
    """The tables, checked; ``ConfigurationError`` names file, table, key, what was found there and what belongs there."""
    for key, table in tables.items():
        if key not in (*SINGLE, *GROUPS):
            belongs = "; it belongs to [run], write it below that line" if key in _keys(RunTable) else ""
            raise ConfigurationError(str(unknown(f"{name}: table", key, (*SINGLE, *GROUPS))) + belongs)
        if not isinstance(table, Mapping):
            raise ConfigurationError(f"{name}: {key} must be a table, [{key}], not {_found(table)}")
    plain = plain_values(tables, name)
    for key in ("run", "components"):
        if key not in plain:
            raise ConfigurationError(
                f"{name}: there is no table [{key}{'.NAME' if key in GROUPS else ''}]; an experiment needs one"
            )
    record = plain["run"].get("record")
    for k, entry in enumerate(record if isinstance(record, list) else ()):
        if isinstance(entry, dict):
            _check(entry, RecordEntry, f"{name}: [run] record[{k}]")
    for key, kind in SINGLE.items():
        if key in plain:
            _check(plain[key], kind, f"{name}: [{key}]")
    for group, kind in GROUPS.items():
        for key, table in plain.get(group, {}).items():
            _check(table, kind, f"{name}: [{group}.{key}]")
    try:
        return msgspec.convert(plain, Document)
    except msgspec.ValidationError as error:  # what none of the above has words for
        raise ConfigurationError(f"{name}: {error}") from None


def plain_values(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A copy with texts such as ``"5 ms"`` as numbers in the unit of their key; what no key takes is refused."""
    plain: dict[str, Any] = _plain(tables, "", name, 0)
    return plain


def _check(table: Any, kind: type[msgspec.Struct], where: str) -> None:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where} must be a table, not {_found(table)}")
    known = _keys(kind)
    for key in table:
        if key not in known:
            raise unknown(f"{where}: the key", key, known)
    for key, field in known.items():
        if field.required and key not in table:
            raise ConfigurationError(f"{where}: {key} is missing; it must be {_wanted(key, field.type)}")
        if key in table:
            try:
                msgspec.convert(table[key], field.type)
            except (msgspec.ValidationError, OverflowError):
                what = f"{where} {key} must be {_wanted(key, field.type)}, not {_found(table[key])}"
                raise ConfigurationError(what) from None


@cache
def _keys(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _description(annotated: Any) -> str:
    found = [each.description for each in getattr(annotated, "__metadata__", ()) if getattr(each, "description", None)]
    inside = (_description(each) for each in getattr(annotated, "__args__", ()))
    return found[-1] if found else next((each for each in inside if each), "")


def _wanted(key: str, annotated: Any) -> str:
    unit = unit_in(key)
    return _description(annotated) + (f" (in {unit.replace('_', '/')}, or a text with a unit)" if unit else "")


def _found(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    kind = _KINDS.get(type(value))
    return f"{kind} {shown(value)}" if kind else shown(value)


def _plain(value: Any, key: str, where: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise ConfigurationError(f"{where[:200]}: {_TOO_DEEP}")
    if isinstance(value, Mapping):
        return {
            inner: _plain(each, str(inner), f"{where}{': ' if depth == 0 else '.'}{inner}", depth + 1)
            for inner, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(each, key, where, depth + 1) for each in value]
    if isinstance(value, str):
        unit = unit_in(key)
        converted = None if unit is None else quantity(value, unit, where)
        return value if converted is None else converted
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigurationError(f"{where} = {value} is not finite; give a number")
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise ConfigurationError(f"{where} is a whole number of more than 77 digits; give a smaller one")
    if isinstance(value, date | time):
        raise ConfigurationError(f"{where} = {value} is a date or a time of day; give a number, or a text in quotes")
    return value
