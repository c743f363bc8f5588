"""All points of a sweep as an ``xarray.Dataset``, the swept keys as dimensions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray

from hybrid.errors import ConfigurationError
from hybrid.experiment.sweep.design import Design
from hybrid.experiment.sweep.grid import Axis
from hybrid.experiment.sweep.index import names_of
from hybrid.experiment.sweep.outcome import DONE, Outcome

_OURS = ("status", "seconds", "content_sha256", "point")


def dataset(
    design: Design, outcomes: Sequence[Outcome], recordings: Mapping[str, Callable[[int], xarray.DataArray]]
) -> xarray.Dataset:
    """See :meth:`Sweep.to_xarray`; ``recordings``: by port, what loads that of a point."""
    grid, names = design.grid, short_names(design)
    if grid.zipped:
        dims: tuple[str, ...] = ("point",)
        coordinates = {names[axis.key]: _coordinate(axis, ("point",), len(grid)) for axis in grid.axes}
    else:
        dims = tuple(names[axis.key] for axis in grid.axes if len(axis.values) > 1)
        coordinates = {
            names[axis.key]: _coordinate(axis, (names[axis.key],) if len(axis.values) > 1 else (), len(axis.values))
            for axis in grid.axes
        }
    shape = tuple(length for length in grid.shape if length > 1) if not grid.zipped else grid.shape

    def shaped(values: Sequence[Any]) -> tuple[tuple[str, ...], Any]:
        return dims, np.array(values).reshape(shape)

    variables: dict[str, Any] = {
        name: shaped([float(each.features.get(name, np.nan)) for each in outcomes]) for name in names_of(outcomes)
    }
    variables |= {
        "status": shaped([each.status for each in outcomes]),
        "seconds": shaped([each.seconds for each in outcomes]),
        "content_sha256": shaped([each.content_sha256 for each in outcomes]),
        "point": shaped(range(len(outcomes))),
    }
    if grid.zipped:
        coordinates["point"] = variables.pop("point")
    for port, load in recordings.items():
        variables[port] = _stacked(port, load, outcomes, dims, shape)
    return xarray.Dataset(variables, coordinates, {"experiment": design.name})


def short_names(design: Design) -> dict[str, str]:
    """By key its last part, where no other ends on the same and no variable is called so; else the key."""
    keys = [axis.key for axis in design.grid.axes]
    taken = [*(key.rpartition(".")[2] for key in keys), *_OURS, *(each.rpartition(":")[2] for each in design.features)]
    return {key: short if taken.count(short := key.rpartition(".")[2]) == 1 else key for key in keys}


def _coordinate(axis: Axis, dims: tuple[str, ...], length: int) -> Any:
    """Numbers and texts as they are; lists, tables and mixtures as JSON texts."""
    values: list[Any] = list(axis.values) if len(axis.values) == length else [axis.values[0]] * length
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
    alike = len({type(each) for each in values}) == 1 and isinstance(values[0], str | bool)
    if not numbers and not alike:
        values = [each if isinstance(each, str) else json.dumps(each) for each in values]
    return dims, (np.array(values) if dims else values[0]), {"key": axis.key}


def _stacked(
    port: str,
    load: Callable[[int], xarray.DataArray],
    outcomes: Sequence[Outcome],
    dims: tuple[str, ...],
    shape: tuple[int, ...],
) -> xarray.DataArray:
    """One array of the recording of every point that is done, the others NaN."""
    whole: Any = None
    like: Any = None
    for number, outcome in enumerate(outcomes):
        if outcome.status != DONE:
            continue
        try:
            found = load(number)
        except KeyError:
            raise ConfigurationError(
                f"to_xarray(): point {number} has no continuous recording {port!r}; give a port of rates, currents or states"
            ) from None
        if like is None:
            like, whole = found, np.full((len(outcomes), *found.shape), np.nan)
        elif found.dims != like.dims or not all(found[dim].equals(like[dim]) for dim in like.dims):
            raise ConfigurationError(
                f"to_xarray(): the recordings {port} of points differ in their times or regions; open them one by one with "
                f".results(point)"
            )
        whole[number] = found.values
    if like is None:
        raise ConfigurationError(f"to_xarray(): no point is done, so there is no recording {port}")
    coordinates = {dim: like[dim] for dim in like.dims}
    return xarray.DataArray(whole.reshape(*shape, *like.shape), coordinates, (*dims, *like.dims), attrs=like.attrs)
