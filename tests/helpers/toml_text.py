"""Nested tables as the text of an experiment file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any


class Raw(str):
    """Stands in the file as it is."""


def as_toml(tables: Mapping[str, Any]) -> str:
    """Two levels of tables; whatever is below stands in one line."""
    lines = [f"{_key(k)} = {_inline(v)}" for k, v in tables.items() if not isinstance(v, Mapping)]
    for group, inner in tables.items():
        if not isinstance(inner, Mapping):
            continue
        named = inner.items() if group in ("components", "connections") else [("", inner)]
        for name, table in named:
            header = f"{_key(group)}.{_key(name)}" if group in ("components", "connections") else _key(group)
            if isinstance(table, Mapping):
                lines += [f"[{header}]", *(f"{_key(k)} = {_inline(v)}" for k, v in table.items())]
            else:
                lines += [f"[{_key(group)}]", f"{_key(name)} = {_inline(table)}"]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _inline(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False)
