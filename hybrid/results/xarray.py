"""Recordings as an ``xarray.Dataset``; the only module that imports xarray."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray

from hybrid.errors import ConfigurationError
from hybrid.ports import Port
from hybrid.results.recorder import Recording


def dataset(recordings: Mapping[str, Recording], attributes: Mapping[str, Any]) -> xarray.Dataset:
    """See :meth:`hybrid.Results.to_xarray`, which states the names."""
    _check_names(recordings)
    continuous = [recording for recording in recordings.values() if not recording.port.carries_events]
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for recording in continuous:
        port, name = recording.port, _name(recording.port)
        time, line = _time_dimension(recording, continuous), _line_dimension(port, continuous)
        coordinates[time] = (time, recording.times_ms, {"units": "ms"})
        coordinates[line] = (line, list(port.labels) or np.arange(port.size))
        described = {"units": port.unit, "kind": port.kind.__name__, "averaged": int(recording.averaged)}
        variables[name] = ((time, line), recording.signal.payload()[0], described)
    for recording in recordings.values():
        if recording.port.carries_events:
            variables |= _events(recording)
    return xarray.Dataset(variables, coordinates, dict(attributes))


def _events(recording: Recording) -> dict[str, Any]:
    name = _name(recording.port)
    _, ids, counts = recording.signal.payload()
    event = f"{name}_event"
    return {
        f"{name}_time_ms": (event, recording.times_ms, {"units": "ms"}),
        f"{name}_id": (event, ids, {"size": recording.port.size}),
        f"{name}_count": (event, counts, {"units": recording.port.unit}),
    }


def _name(port: Port) -> str:
    return str(port).replace(".", "_")


def _time_dimension(recording: Recording, continuous: list[Recording]) -> str:
    alike = all(other.every == recording.every for other in continuous)
    return "time" if alike or recording.every == 1 else f"time_{_name(recording.port)}"


def _line_dimension(port: Port, continuous: list[Recording]) -> str:
    siblings = [other.port for other in continuous if other.port.component == port.component]
    alike = all((other.size, other.labels) == (port.size, port.labels) for other in siblings)
    return f"line_{port.component.replace('.', '_')}" if alike else f"line_{_name(port)}"


def _check_names(recordings: Mapping[str, Recording]) -> None:
    taken: dict[str, str] = {}
    for recording in recordings.values():
        port, name = str(recording.port), _name(recording.port)
        if name in taken:
            raise ConfigurationError(f"to_xarray(): {taken[name]} and {port} would both be called {name}; rename one")
        taken[name] = port
