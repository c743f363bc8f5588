"""The checksum of what was recorded, for data of any size: a part at a time, in the order in which they are written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.results.info import plain
from hybrid.results.lazy import arrays_of, blocks_of
from hybrid.results.recording import Recording


class ContentDigest:
    """See :attr:`hybrid.Results.content_sha256`; ports come in the order of their names, each with all of its arrays."""

    def __init__(self, tick_ms: float, duration: int) -> None:
        self._digest = hashlib.sha256(_line("hybrid-results", tick_ms, duration))

    def begin(self, name: str, recording: Recording) -> None:
        """A port: what is said of it, before its arrays."""
        port, window = recording.port, recording.signal.window
        arrays = arrays_of(recording.signal)
        shapes = [[array.dtype.newbyteorder("<").str, *array.shape] for array in arrays]
        header = (port.kind.__name__, port.size, port.unit, recording.every, window.start, window.stop)
        self._digest.update(_line(name, *header, shapes))

    def add(self, rows: NDArray[Any]) -> None:
        """The next rows of the array."""
        self._digest.update(np.ascontiguousarray(rows, rows.dtype.newbyteorder("<")).data)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def content_sha256(recordings: Mapping[str, Recording], tick_ms: float, duration: int) -> str:
    """That of all recordings; those in files are read part by part."""
    digest = ContentDigest(tick_ms, duration)
    for name in sorted(recordings):
        digest.begin(name, recordings[name])
        for array in arrays_of(recordings[name].signal):
            for block in blocks_of(array):
                digest.add(block)
    return digest.hexdigest()


def _line(*values: Any) -> bytes:
    return json.dumps(plain(values)).encode() + b"\n"
