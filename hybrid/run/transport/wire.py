"""Signals as bytes: no pickling, every number in its own type, in an order both ends know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hybrid.clock import Window
from hybrid.ports import Port
from hybrid.signals import Signal, Spikes

_LENGTH = np.dtype(np.int64)


def pack(signals: Iterable[Signal]) -> bytes:
    """The signals one after the other; a list of events is preceded by its length."""
    parts: list[bytes] = []
    for signal in signals:
        payload = signal.payload()
        if isinstance(signal, Spikes):
            parts.append(np.array(payload[0].size, _LENGTH).tobytes())
        parts.extend(array.tobytes() for array in payload)
    return b"".join(parts)


def unpack(buffer: bytes | bytearray, window: Window, ports: Iterable[Port]) -> Mapping[str, Signal]:
    """The signals of ``ports`` over ``window``, by port, from what :func:`pack` made of them in that order."""
    received: dict[str, Signal] = {}
    at = 0
    for port in ports:
        if port.carries_events:
            events = int(np.frombuffer(buffer, _LENGTH, 1, at)[0])
            at += _LENGTH.itemsize
            layout: list[tuple[np.dtype[Any], tuple[int, ...]]] = [
                (np.dtype(np.int64), (events,)),
                (np.dtype(np.int32), (events,)),
                (np.dtype(np.int32), (events,)),
            ]
        else:
            layout = [(np.dtype(np.float64), (len(window), port.size))]
        payload = []
        for dtype, shape in layout:
            count = int(np.prod(shape))
            payload.append(np.frombuffer(buffer, dtype, count, at).reshape(shape))
            at += count * dtype.itemsize
        received[str(port)] = port.kind.from_payload(window, port.size, tuple(payload))
    return received
