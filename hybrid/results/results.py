"""What a run gives back: its recordings, and how they came about."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, unknown
from hybrid.ports import Port
from hybrid.results import file as results_file
from hybrid.results.digest import content_sha256
from hybrid.results.info import plain
from hybrid.results.lazy import arrays_of, blocks_of, is_lazy
from hybrid.results.parts import read_folder
from hybrid.results.recording import Recording
from hybrid.results.stored import StoredRecordings
from hybrid.units import FloatArray

if TYPE_CHECKING:
    import xarray


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """The recordings of a run, by port: ``results[focus["spikes"]]`` or ``results["focus.spikes"]``.

    Those too large for the memory stay in their file, and are read by slices: ``results[port].hz[a:b]``.

    Under MPI every rank holds the same results, and rank 0 alone writes them: elsewhere ``is_root`` is false and
    :meth:`save` does nothing, so that a script needs no ``if``.

    Parameters
    ----------
    recordings: by full name of port, as :meth:`hybrid.results.recorder.Recorder.finish` gives them.
    clock, duration, seed: of the run; ``duration`` in ticks.
    configuration, versions, plan, audit, timing, provenance: what else is worth keeping, as nested dictionaries
        (``audit``: a list of rows) of plain values; what is not plain is made so (an array becomes a list).
    created: when, in UTC, as ISO 8601; now, if left out.
    is_root: whether :meth:`save` writes.
    interrupted_by: what ended the run before its time (``"SIGINT"``, ``"SIGTERM"``, …); ``duration`` is then what was lived
        through. ``None`` if it was completed.
    """

    recordings: Mapping[str, Recording]
    clock: Clock
    duration: int
    seed: int
    configuration: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    audit: list[dict[str, Any]] = field(default_factory=list)
    timing: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    created: str = field(default_factory=now)
    is_root: bool = True
    interrupted_by: str | None = None

    def __post_init__(self) -> None:
        for name in results_file.DOCUMENTS:
            object.__setattr__(self, name, plain(getattr(self, name)))

    def __repr__(self) -> str:
        partial = f", interrupted by {self.interrupted_by}" if self.is_partial else ""
        recorded = ", ".join(self.recordings) or "nothing recorded"
        return f"Results({self.duration_ms:g} ms{partial}, seed {self.seed}: {recorded})"

    def __getitem__(self, port: Port | str) -> Any:
        """The signal of a port over the whole run: ``Spikes`` (``.ticks``, ``.ids``, ``.counts``), ``Rates`` (``.hz``),
        ``Currents`` (``.na``) or ``States`` (``.values``), arrays ``[samples, size]``."""
        return self.recording(port).signal

    def __contains__(self, port: object) -> bool:
        return str(port) in self.recordings

    def __iter__(self) -> Iterator[str]:
        return iter(self.recordings)

    def __len__(self) -> int:
        return len(self.recordings)

    def recording(self, port: Port | str) -> Recording:
        """The recording of a port; ``UnknownNameError`` lists what was recorded."""
        if str(port) not in self.recordings:
            raise unknown("recording", str(port), self.recordings)
        return self.recordings[str(port)]

    def times_ms(self, port: Port | str) -> FloatArray:
        """``[events]`` or ``[samples]``: when each event or sample of a port begins, in ms."""
        return self.recording(port).times_ms

    @property
    def ports(self) -> tuple[Port, ...]:
        """The ports that were recorded."""
        return tuple(recording.port for recording in self.recordings.values())

    @property
    def tick_ms(self) -> float:
        return self.clock.tick_ms

    @property
    def duration_ms(self) -> float:
        return self.clock.ms(self.duration)

    @property
    def is_partial(self) -> bool:
        """Whether the run was interrupted: all recordings are whole, but shorter than was asked for."""
        return self.interrupted_by is not None

    @property
    def content_sha256(self) -> str:
        """SHA-256 of the recorded data alone: the same whenever the data are the same, bit for bit.

        Of every port, in the order of names: name, kind, size, unit, ticks per sample, and the arrays as little-endian
        bytes; besides them tick and duration. Metadata, the number of ranks and the order of recording do not enter.
        """
        known = getattr(self.recordings, "content_sha256", None)
        return known or content_sha256(self.recordings, self.tick_ms, self.duration)

    def save(self, path: str | Path, overwrite: bool = False, told: Callable[[float], object] | None = None) -> Path:
        """Write one HDF5 file, all or nothing: written aside, then moved into place. Returns the path.

        Missing folders are made. On a rank that is not the root this does nothing. A process killed meanwhile leaves at most
        a file ``.hybrid-….part`` beside it, which the next save into that folder removes. ``told`` is called every few
        seconds with the share that is written.

        Raises
        ------
        OutputExistsError: there is such a file, and ``overwrite`` is false.
        ConfigurationError: the place is none to write to.
        DataError: the disk is full, or fails. Nothing is left behind, and the results can be saved elsewhere.
        """
        path = _path(path)
        if self.is_root:
            lazy = any(is_lazy(each.signal) for each in self.recordings.values())
            header = {
                "created": self.created,
                "content_sha256": getattr(self.recordings, "content_sha256", None) if lazy else self.content_sha256,
                "seed": self.seed,
                "interrupted_by": self.interrupted_by or "",
            }
            documents = {name: getattr(self, name) for name in results_file.DOCUMENTS}
            results_file.write(path, self.recordings, self.clock, self.duration, header, documents, overwrite, told)
        return path

    @classmethod
    def load(
        cls, path: str | Path, max_bytes: int | None = None, *, lazy: bool | None = None, verify: bool = True
    ) -> Results:
        """Read a file that :meth:`save` wrote, or the folder that a run left which did not finish.

        Data of more than 1 GiB stay in the file: ``results[port].hz[a:b]``, :meth:`Recording.during` and
        :meth:`to_xarray` read what is asked for. So do those of a folder (``run.h5.unfinished``), which are partial: they
        end with the last stretch that all ports had written.

        Parameters
        ----------
        max_bytes: how much memory the data may need, and load them however large they are. If left out, 256 MiB or a
            hundred times the size of the file, whichever is more: no file that was saved needs more than that, but one made
            to exhaust the memory would.
        lazy: whether the data stay in the file, whatever their size.
        verify: compare the data with their ``content_sha256``. Those that stay in the file are read once for it.

        Raises
        ------
        DataError: it names the file and what is wrong with it.
        """
        path = _path(path)
        if os.path.isdir(path):  # unlike path.is_dir(), false for what is no name
            return cls(**read_folder(path))
        with results_file.reading(path):
            content = results_file.read(path, max_bytes, lazy)
            expected = content.pop("content_sha256")
            results = cls(**content)
            if verify and results.content_sha256 != expected:
                raise results_file.Broken("its data are not those that were saved (content_sha256 differs)")
        if any(is_lazy(each.signal) for each in results.recordings.values()):
            return replace(results, recordings=StoredRecordings(results.recordings, expected))
        return results

    def info(self) -> dict[str, Any]:
        """All there is to say about the results short of the data, as plain values ready for JSON.

        Numbers that are infinite or not a number, which JSON does not know, become ``None``.
        """
        header = {
            "created": self.created,
            "tick_ms": self.tick_ms,
            "duration_ms": self.duration_ms,
            "interrupted_by": self.interrupted_by,
            "seed": self.seed,
            "content_sha256": self.content_sha256,
            "ports": [_describe(recording, self.duration_ms) for recording in self.recordings.values()],
        }
        info: dict[str, Any] = plain(
            header | {name: getattr(self, name) for name in results_file.DOCUMENTS}, finite=True
        )
        return info

    def to_xarray(self, chunks: Any = None) -> xarray.Dataset:
        """The recordings as an ``xarray.Dataset``; needs xarray.

        Data that stay in a file are read when they are used. ``chunks``, as of ``xarray.Dataset.chunk`` (``{"time": 10_000}``
        or ``"auto"``), makes arrays of dask, which compute part by part; it needs dask.

        Everything is called as in the run; a name with a dot is reached as ``dataset["cortex.rate"]``. Units are in ``attrs``.

        - A continuous port is one variable, ``cortex.rate``, with the dimensions ``(time, region)``: the labels of the
          regions are the coordinate. Where ports differ in their regions, it is ``region_<component>`` or, within one
          component, ``region_<port>``. Lines without labels (neurons, fibres) are numbered: ``line_<component>``.
        - ``time`` is in ms. When not all ports are sampled alike, it is that of every tick, and a decimated port has
          ``time_<port>`` instead.
        - Spikes are three variables ``<port>.times_ms``, ``<port>.ids``, ``<port>.counts`` with the dimension
          ``<port>.events``.
        """
        try:
            from hybrid.results.xarray import dataset
        except ImportError:
            raise ConfigurationError(
                'to_xarray() needs xarray; install it with: pip install "hybrid-brain-simulation[xarray]"'
            ) from None
        attributes = {name: getattr(self, name) for name in ("tick_ms", "duration_ms", "created", "content_sha256")}
        made = dataset(
            self.recordings, {**attributes, "seed": str(self.seed), "interrupted_by": self.interrupted_by or ""}
        )
        if chunks is None:
            return made
        if importlib.util.find_spec("dask") is None:
            raise ConfigurationError("to_xarray(chunks=...) needs dask; install it with: pip install dask")
        return made.chunk(chunks)


def _path(path: str | Path) -> Path:
    try:
        return Path(path)
    except TypeError:
        raise ConfigurationError(f"{path!r} is no name of a file; give one, as in 'run.h5'") from None


def _describe(recording: Recording, duration_ms: float) -> dict[str, Any]:
    port = recording.port
    described = {
        "port": str(port),
        "kind": port.kind.__name__,
        "unit": port.unit,
        "size": port.size,
        "direction": port.direction,
        "labels": list(port.labels),
    }
    if port.carries_events:
        counts = arrays_of(recording.signal)[2]
        spikes = sum(int(block.sum(dtype=np.int64)) for block in blocks_of(counts))
        rate_hz = spikes / port.size / (duration_ms * 1e-3) if duration_ms else None
        return described | {"spikes": spikes, "mean_rate_hz": rate_hz}
    return described | {
        "samples": len(recording.signal.window),
        "every_ms": recording.clock.ms(recording.every),
        "averaged": recording.averaged,
    }
