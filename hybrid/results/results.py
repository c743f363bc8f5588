"""What a run gives back: its recordings, and how they came about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, unknown
from hybrid.ports import Port
from hybrid.results import file as results_file
from hybrid.results.info import plain
from hybrid.results.recorder import Recording
from hybrid.units import FloatArray

if TYPE_CHECKING:
    import xarray


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """The recordings of a run, by port: ``results[focus["spikes"]]`` or ``results["focus.spikes"]``.

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
    interrupted_by: ``"SIGINT"`` or ``"SIGTERM"`` where the run was stopped before its end; ``duration`` then counts the whole
        windows that were run.
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
    created: str = field(default_factory=_now)
    is_root: bool = True
    interrupted_by: str | None = None

    def __post_init__(self) -> None:
        for name in results_file.DOCUMENTS:
            object.__setattr__(self, name, plain(getattr(self, name)))

    def __repr__(self) -> str:
        return f"Results({self.duration_ms:g} ms, seed {self.seed}: {', '.join(self.recordings) or 'nothing recorded'})"

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
    def content_sha256(self) -> str:
        """SHA-256 of the recorded data alone: the same whenever the data are the same, bit for bit.

        Of every port, in the order of names: name, kind, size, unit, ticks per sample, and the arrays as little-endian
        bytes; besides them tick and duration. Metadata, the number of ranks and the order of recording do not enter.
        """
        digest = hashlib.sha256()
        digest.update(_line("hybrid-results", self.tick_ms, self.duration))
        for name in sorted(self.recordings):
            recording = self.recordings[name]
            port, window = recording.port, recording.signal.window
            arrays = [np.ascontiguousarray(a, a.dtype.newbyteorder("<")) for a in recording.signal.payload()]
            shapes = [[array.dtype.str, *array.shape] for array in arrays]
            header = (port.kind.__name__, port.size, port.unit, recording.every, window.start, window.stop)
            digest.update(_line(name, *header, shapes))
            for array in arrays:
                digest.update(array.data)
        return digest.hexdigest()

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write one HDF5 file, all or nothing: written aside, then moved into place. Returns the path.

        A process killed meanwhile leaves at most a file ``.hybrid-….part`` beside it. An existing file is refused with
        ``OutputExistsError`` unless ``overwrite``. On a rank that is not the root this does nothing.
        """
        path = Path(path)
        if self.is_root:
            documents = {name: getattr(self, name) for name in results_file.DOCUMENTS}
            header = {"created": self.created, "content_sha256": self.content_sha256, "seed": self.seed}
            results_file.write(path, self.recordings, self.clock, self.duration, header, documents, overwrite)
        return path

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """Read a file that :meth:`save` wrote; one ``DataError`` names the file and what is wrong with it."""
        with results_file.reading(Path(path)):
            content = results_file.read(Path(path))
            expected = content.pop("content_sha256")
            results = cls(**content)
            if results.content_sha256 != expected:
                raise results_file.Broken("its data are not those that were saved (content_sha256 differs)")
        return results

    def info(self) -> dict[str, Any]:
        """All there is to say about the results short of the data, as plain values ready for JSON.

        Numbers that are infinite or not a number, which JSON does not know, become ``None``.
        """
        header = {
            "created": self.created,
            "tick_ms": self.tick_ms,
            "duration_ms": self.duration_ms,
            "seed": self.seed,
            "content_sha256": self.content_sha256,
            "ports": [_describe(recording, self.duration_ms) for recording in self.recordings.values()],
        }
        info: dict[str, Any] = plain(
            header | {name: getattr(self, name) for name in results_file.DOCUMENTS}, finite=True
        )
        return info

    def to_xarray(self) -> xarray.Dataset:
        """The recordings as an ``xarray.Dataset``; needs xarray.

        A port ``focus.spikes`` is called ``focus_spikes`` here (every dot becomes an underscore). Units are in ``attrs``.

        - A continuous port is one variable with the dimensions ``(time, line_<component>)``; the second has the labels
          of the lines as its coordinate, or their numbers. Ports of one component that differ in their lines have
          ``line_<port>`` instead.
        - ``time`` is in ms. When not all ports are sampled alike, it is that of every tick, and a decimated port has
          ``time_<port>`` instead.
        - Spikes are three variables ``<port>_time_ms``, ``<port>_id``, ``<port>_count`` with the dimension
          ``<port>_event``.
        """
        try:
            from hybrid.results.xarray import dataset
        except ImportError:
            raise ConfigurationError(
                'to_xarray() needs xarray; install it with: pip install "hybrid-brain-simulation[xarray]"'
            ) from None
        attributes = {name: getattr(self, name) for name in ("tick_ms", "duration_ms", "created", "content_sha256")}
        return dataset(self.recordings, {**attributes, "seed": str(self.seed)})


def _line(*values: Any) -> bytes:
    return json.dumps(plain(values)).encode() + b"\n"


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
        spikes = int(recording.signal.total(recording.clock).sum())
        rate_hz = spikes / port.size / (duration_ms * 1e-3) if duration_ms else None
        return described | {"spikes": spikes, "mean_rate_hz": rate_hz}
    return described | {
        "samples": len(recording.signal.window),
        "every_ms": recording.clock.ms(recording.every),
        "averaged": recording.averaged,
    }
