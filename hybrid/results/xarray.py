"""Recordings as an ``xarray.Dataset``; the only module that imports xarray."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray
from xarray.backends import BackendArray
from xarray.core import indexing

from hybrid.errors import ConfigurationError
from hybrid.ports import Port
from hybrid.results.lazy import LazyArray, Scaled, arrays_of
from hybrid.results.recording import Recording


def dataset(recordings: Mapping[str, Recording], attributes: Mapping[str, Any]) -> xarray.Dataset:
    """See :meth:`hybrid.Results.to_xarray`, which states the names."""
    continuous = [recording for recording in recordings.values() if not recording.port.carries_events]
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for recording in continuous:
        port = recording.port
        time, line = _time_dimension(recording, continuous), _line_dimension(port, [each.port for each in continuous])
        coordinates[time] = (time, recording.times_ms, {"units": "ms"})
        coordinates[line] = (line, list(port.labels) or np.arange(port.size))
        described = {"units": port.unit, "kind": port.kind.__name__, "averaged": int(recording.averaged)}
        variables[str(port)] = ((time, line), _array(arrays_of(recording.signal)[0]), described)
    for recording in recordings.values():
        if recording.port.carries_events:
            variables |= _events(recording, taken=variables)
    return xarray.Dataset(variables, coordinates, dict(attributes))


class _InFile(BackendArray):  # type: ignore[misc]
    """An array in a file as xarray reads one: by rows, and of those what is asked for."""

    def __init__(self, array: LazyArray) -> None:
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._array.__getitem__
        )


def _array(values: Any) -> Any:
    return indexing.LazilyIndexedArray(_InFile(values)) if isinstance(values, LazyArray) else values


def _events(recording: Recording, taken: Mapping[str, Any]) -> dict[str, Any]:
    port = str(recording.port)
    ticks, ids, counts = arrays_of(recording.signal)
    times = Scaled(ticks, recording.clock.tick_ms) if isinstance(ticks, LazyArray) else recording.times_ms
    events = f"{port}.events"
    made = {
        f"{port}.times_ms": (events, _array(times), {"units": "ms"}),
        f"{port}.ids": (events, _array(ids), {"size": recording.port.size}),
        f"{port}.counts": (events, _array(counts), {"units": recording.port.unit}),
    }
    for name in made.keys() & taken.keys():
        raise ConfigurationError(f"to_xarray(): the spikes of {port} and another port would both be called {name}")
    return made


def _time_dimension(recording: Recording, continuous: list[Recording]) -> str:
    alike = all(other.every == recording.every for other in continuous)
    return "time" if alike or recording.every == 1 else f"time_{recording.port}"


def _line_dimension(port: Port, continuous: list[Port]) -> str:
    """``region`` for lines with names, else ``line_<component>``; with more of the port's name where those differ."""
    name = "region" if port.labels else "line"
    named = [other for other in continuous if bool(other.labels) == bool(port.labels)]
    siblings = [other for other in named if other.component == port.component]
    if port.labels and all(other.labels == port.labels for other in named):
        return name
    alike = all((other.size, other.labels) == (port.size, port.labels) for other in siblings)
    return f"{name}_{port.component}" if alike else f"{name}_{port}"
