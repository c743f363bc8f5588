"""Results in words: plain values for JSON, a text for the terminal, and the versions of what made them."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.bits import bits
from hybrid.results.profile import rank_rows, shown_rows, slowest_line

_PACKAGES = {
    "hybrid": "hybrid-brain-simulation",
    **{name: name for name in ("numpy", "scipy", "brian2", "numba", "h5py", "mpi4py")},
}
_PLAIN = {float, int, bool}
_DECIMAL = re.compile(r"-?\d+\.\d+")
_SHORT = 72  # characters of a value in the text


def software_versions() -> dict[str, str]:
    """Versions of Python, of this package and of what it computes with, of the operating system, the CPU's name, and which
    bits were asked for (:mod:`hybrid.bits`).

    A package that is not installed is called so; none is imported. Looked up once a process, which takes some 50 ms.
    """
    return {**_found_versions(), "bits": bits()}


@cache
def _found_versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        **{name: _version(package) for name, package in _PACKAGES.items()},
        "platform": platform.platform(),
        "cpu": _cpu(),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _cpu() -> str:
    try:  # the only place where Linux tells; platform.processor() is empty there
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def plain(value: Any, finite: bool = False) -> Any:
    """The same as dictionaries, lists, strings and numbers only; with ``finite``, NaN and infinity become ``None``."""
    if type(value) is list and _is_flat(value, finite):  # such as a row of a matrix, of which there may be thousands
        return value.copy()
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(each, finite) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each, finite) for each in value]
    if isinstance(value, float):
        return None if finite and not math.isfinite(value) else float(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


def _is_flat(values: list[Any], finite: bool) -> bool:
    """Whether all are plain already."""
    kinds = set(map(type, values))
    if finite and float in kinds:
        return kinds == {float} and all(map(math.isfinite, values))
    return kinds <= _PLAIN


def format_info(info: Mapping[str, Any]) -> str:
    """A text for the terminal from what :meth:`hybrid.Results.info` returned."""
    head = [
        f"{info['duration_ms']:g} ms in ticks of {info['tick_ms']:g} ms, seed {info['seed']}, created {info['created']}",
        f"content sha256 {info['content_sha256']}",
    ]
    if info["interrupted_by"] is not None:
        head.insert(1, f"partial: {info['interrupted_by']} ended the run after these {info['duration_ms']:g} ms")
    sections = {
        "Recorded": _table([_port_row(port) for port in info["ports"]]),
        "Audit of the interfaces": _table(info["audit"]),
        "Timing": _timing(info["timing"], info["plan"].get("placement", ())),
        "Plan": _tree(info["plan"]),
        "Configuration": _tree(info["configuration"]),
        "Versions": _tree(info["versions"]),
        "Provenance": _tree(info["provenance"]),
    }
    blocks = ["\n".join(head)]
    blocks += ["\n".join([title, *("  " + line for line in lines)]) for title, lines in sections.items() if lines]
    return "\n\n".join(blocks)


def _timing(timing: Mapping[str, Any], components: Collection[str]) -> list[str]:
    """What concerns the whole run, and the ranks as a table in seconds."""
    ranks = timing.get("ranks")
    if not ranks or not all(_is_profile(each) for each in ranks):
        return _tree(timing)
    rows = rank_rows(ranks, components)
    whole = {name: value for name, value in timing.items() if name != "ranks"}
    return [*_tree(whole), slowest_line(rows), *_table(shown_rows(rows))]


def _is_profile(rank: Any) -> bool:
    return isinstance(rank, Mapping) and {"prepare_s", "running_s", "parts_s"} <= set(rank)


def _port_row(port: Mapping[str, Any]) -> dict[str, Any]:
    row = {"port": port["port"], "kind": port["kind"], "unit": port["unit"], "lines": port["size"]}
    if "spikes" in port:
        rate = "" if port["mean_rate_hz"] is None else f", {port['mean_rate_hz']:.3g} Hz a line"
        return row | {"recorded": f"{port['spikes']:,} spikes{rate}"}
    sampling = "mean of each" if port["averaged"] else "every"
    return row | {"recorded": f"{port['samples']:,} samples, {sampling} {port['every_ms']:g} ms"}


def _table(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Aligned columns under their names; numbers to the right."""
    rows = list(rows)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if not columns:
        return []
    cells = [columns, *([_cell(row.get(column, "")) for column in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [all(_is_number(row.get(column, 0)) for row in rows) for column in columns]
    justified = (
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        )
        for line in cells
    )
    return [line.rstrip() for line in justified]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and bool(_DECIMAL.fullmatch(value)))


def _tree(values: Mapping[str, Any]) -> list[str]:
    """One line a value, names aligned, nested dictionaries indented, those of a list under their numbers."""
    values = {key: _numbered(value) for key, value in values.items()}
    width = max((len(key) for key, value in values.items() if not _nested(value)), default=0)
    lines = []
    for key, value in values.items():
        if _nested(value):
            lines += [key, *("  " + line for line in _tree(value))]
        else:
            lines.append(f"{key:<{width}}  {_cell(value)}")
    return lines


def _nested(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _numbered(value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        return {str(number): each for number, each in enumerate(value)}
    return value


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        shown = "[" + ", ".join(map(_cell, value[:20])) + "]"
        return shown if len(value) <= 20 and len(shown) <= _SHORT else f"[{_shape(value)} values]"
    text = " ".join(str(value).split())
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"


def _shape(value: list[Any]) -> str:
    inner = {len(each) if isinstance(each, list) else 0 for each in value}
    if len(inner) == 1 and (length := inner.pop()):
        return f"{len(value)} x {length}"
    return str(len(value))
