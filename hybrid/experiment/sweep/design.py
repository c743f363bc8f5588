"""What a sweep is: an experiment, the grid of its values, and what to compute from each point; kept as ``sweep.json``."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid.errors import ConfigurationError, DataError, HybridError, shown
from hybrid.experiment.experiment import Experiment
from hybrid.experiment.sweep.features import Features
from hybrid.experiment.sweep.grid import Axis, Grid
from hybrid.experiment.sweep.storage import write_text
from hybrid.experiment.tables import keys_of, replace_value
from hybrid.random import named_stream
from hybrid.results.info import plain

MANIFEST = "sweep.json"
FORMAT, VERSION = "hybrid-sweep", 1
_MOST_DIFFERENCES = 8


@dataclass(frozen=True)
class Design:
    """An experiment file's tables, the folder that its names refer to, and the values it is run with."""

    name: str
    folder: Path
    tables: Mapping[str, Any]
    grid: Grid
    features: tuple[str, ...] = ()

    def tables_of(self, number: int) -> dict[str, Any]:
        """The tables of the experiment at a point."""
        tables = copy.deepcopy(dict(self.tables))
        for key, value in self.grid[number].items():
            replace_value(tables, keys_of(key), copy.deepcopy(value), f"--set {key}={shown(value)}")
        return tables

    def experiment(self, number: int) -> Experiment:
        return Experiment(self.tables_of(number), self.folder, self.name)

    def check(self, most_s: float, told: Callable[[str], None]) -> None:
        """Refuse what can be known to fail before anything runs, naming the point.

        Every point's tables are checked. Brains are built, as by ``hybrid validate``, for every value once (but for seeds,
        which no brain depends on), until ``most_s`` seconds have passed: what only a combination of values brings about is
        found when its point is run, and then other points go on.
        """
        Features(self.features, self.folder)
        for number in range(len(self.grid)):
            with _at(self.grid, number):
                named_stream(self.experiment(number).document.run.seed, "check", "sweep")
        began, built, numbers = time.monotonic(), set[str](), self.grid.one_of_each()
        for done, number in enumerate(numbers):
            others = json.dumps({key: value for key, value in self.grid[number].items() if key != "run.seed"})
            if others in built:
                continue
            if time.monotonic() - began > most_s:
                told(f"{done} of {len(numbers)} values were tried in a brain; the others when their points are run")
                return
            built.add(others)
            with _at(self.grid, number):
                experiment = self.experiment(number)
                simulation = experiment.simulation(transport="serial")
                simulation.brain.clock.ticks(experiment.document.run.duration_ms, "[run] duration_ms")

    # -- the file ------------------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        return json.dumps(
            {
                "format": FORMAT,
                "format_version": VERSION,
                "name": self.name,
                "folder": str(self.folder),
                "zipped": self.grid.zipped,
                "axes": [{"key": axis.key, "values": list(axis.values)} for axis in self.grid.axes],
                "features": list(self.features),
                "experiment": plain(self.tables),
            },
            indent=1,
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str, where: str) -> Design:
        """From what :meth:`to_json` wrote; ``DataError`` says ``where`` it is damaged."""
        try:
            found = json.loads(text)
            if found["format"] != FORMAT:
                raise ValueError(f"its format is {shown(found['format'])}")
            if found["format_version"] != VERSION:
                raise DataError(
                    f"{where} has format version {shown(found['format_version'])}, this program reads version {VERSION}; "
                    f"use the version of hybrid that wrote it"
                )
            axes = [Axis(str(each["key"]), tuple(each["values"])) for each in found["axes"]]
            return cls(
                name=str(found["name"]),
                folder=Path(found["folder"]),
                tables=dict(found["experiment"]),
                grid=Grid(axes, bool(found["zipped"])),
                features=tuple(map(str, found["features"])),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{where} is damaged, or no description of a sweep ({error})") from None

    @classmethod
    def load(cls, folder: Path) -> Design:
        """The sweep that a folder holds."""
        path = folder / MANIFEST
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ConfigurationError(
                f"{folder} holds no sweep (there is no {MANIFEST} in it); give the folder of one, or FILE and --set"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{path} cannot be read: {reason}") from None
        return cls.from_json(text, str(path))

    def save(self, folder: Path) -> None:
        write_text(folder / MANIFEST, self.to_json())

    def check_same(self, other: Design, folder: Path) -> None:
        """Refuse a folder that holds another sweep, naming what differs; only the features may."""
        mine, theirs = _compared(self), _compared(other)
        found = list(_differences("", mine, theirs))
        if found:
            more = f"; and {len(found) - _MOST_DIFFERENCES} more" if len(found) > _MOST_DIFFERENCES else ""
            raise ConfigurationError(
                f"{folder} holds another sweep: {'; '.join(found[:_MOST_DIFFERENCES])}{more}. Choose another folder with --out"
            )


def _compared(design: Design) -> dict[str, Any]:
    found = json.loads(design.to_json())
    axes = {f"--set {axis['key']}": axis["values"] for axis in found["axes"]}
    order = {"order of --set": [axis["key"] for axis in found["axes"]]} if axes else {}
    return {"the folder": found["folder"], "--zip": found["zipped"], **order, **axes, "": found["experiment"]}


def _differences(where: str, mine: Any, theirs: Any) -> Iterator[str]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in dict.fromkeys([*mine, *theirs]):
            below = f"{where}.{key}" if where else key
            if key not in mine:
                yield f"{below} is {shown(theirs[key])} there and missing here"
            elif key not in theirs:
                yield f"{below} is missing there and {shown(mine[key])} here"
            else:
                yield from _differences(below, mine[key], theirs[key])
    elif json.dumps(mine) != json.dumps(theirs):
        yield f"{where} is {shown(theirs)} there and {shown(mine)} here"


class _at:  # noqa: N801 (reads as a phrase, and is cheaper than a generator for many points)
    """Prefix errors with the point they belong to."""

    def __init__(self, grid: Grid, number: int) -> None:
        self._grid, self._number = grid, number

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, HybridError):
            what = ", ".join(f"{key}={value}" for key, value in self._grid[self._number].items())
            raise type(error)(f"point {self._number} ({what}): {error}") from error.__cause__
