"""What the trials of components and adapters share: activity, cuttings of time, stored states, comparison to the bit."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError
from hybrid.signals import ArraySignal, Signal, Spikes
from hybrid.testing.contract import ContractError


def activity(
    kind: type[Signal], window: Window, size: int, rate_hz: float, clock: Clock, random: np.random.Generator
) -> Any:
    """Random spikes at ``rate_hz``, or values between half and one and a half of it."""
    shape = (len(window), size)
    if issubclass(kind, Spikes):
        return Spikes.from_counts(window, random.poisson(rate_hz * clock.tick_ms * 1e-3, shape))
    values = rate_hz * random.uniform(0.5, 1.5, shape)
    return kind.from_payload(window, size, (values,))


def other_future(signal: Signal, tick: int) -> Signal:
    """The same up to ``tick``, then something else."""
    window = signal.window
    if isinstance(signal, Spikes):
        counts = signal.to_counts()
        counts[tick - window.start :] = 1 - np.minimum(counts[tick - window.start :], 1)
        return Spikes.from_counts(window, counts)
    values = np.array(signal.payload()[0])
    values[tick - window.start :] *= 2.0
    return type(signal).from_payload(window, signal.size, (values,))


def cuttings(ticks: int) -> list[list[int]]:
    """Ways to cut ``ticks``: unevenly, and into sixteens."""
    uneven = [1, 2, 3, 17, 1, 40, 5]
    if ticks <= sum(uneven):
        raise ConfigurationError(f"ticks = {ticks} is too short a trial; give at least {sum(uneven) + 1}")
    rest = ticks - sum(uneven)
    return [[*uneven, rest], [16] * (ticks // 16) + [ticks % 16] * bool(ticks % 16)]


def windows(cuts: list[int], start: int = 0) -> list[Window]:
    """Consecutive windows of these lengths."""
    edges = start + np.concatenate([[0], np.cumsum(cuts)])
    return [Window(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def copied(signal: Signal) -> Signal:
    return type(signal).from_payload(signal.window, signal.size, tuple(part.copy() for part in signal.payload()))


def stored(state: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The state as a file would give it back."""
    again = {}
    for name, value in state.items():
        file = io.BytesIO()
        try:
            np.save(file, value, allow_pickle=False)
        except ValueError as error:
            raise ContractError(f"state() has {name!r}, which cannot be stored: {error}") from None
        file.seek(0)
        again[name] = np.load(file, allow_pickle=False)
    return again


def require_plain(described: Any, where: str = "describe()") -> None:
    """Raise unless all of it can be kept with the results: numbers, texts, lists, dictionaries with text as keys, ``None``."""
    if isinstance(described, Mapping):
        for key, value in described.items():
            if not isinstance(key, str):
                raise ContractError(f"{where} has the key {key!r}, which is no text")
            require_plain(value, f"{where}[{key!r}]")
    elif isinstance(described, list | tuple):
        for k, value in enumerate(described):
            require_plain(value, f"{where}[{k}]")
    elif not isinstance(described, bool | int | float | str | None):
        raise ContractError(
            f"{where} is of type {type(described).__name__}; give plain numbers, texts, lists and dictionaries"
        )


def require_kept(before: Signal, after: Signal, broken: str) -> None:
    """Raise unless nobody has written into the arrays of a signal."""
    for one, other in zip(before.payload(), after.payload(), strict=True):
        if one.tobytes() != other.tobytes():
            raise ContractError(broken)


def joined(outputs: Mapping[str, list[Signal]]) -> dict[str, Any]:
    """Consecutive signals as one, by name."""
    together: dict[str, Any] = {}
    for name, parts in outputs.items():
        window = Window(parts[0].window.start, parts[-1].window.stop)
        payload = tuple(np.concatenate(columns) for columns in zip(*(part.payload() for part in parts), strict=True))
        together[name] = type(parts[0]).from_payload(window, parts[0].size, payload)
    return together


def before(outputs: Mapping[str, Any], tick: int) -> dict[str, Any]:
    return {name: signal.during(Window(signal.window.start, tick)) for name, signal in outputs.items()}


def require_same(expected: Mapping[str, Any], found: Mapping[str, Any], broken: str) -> None:
    """Raise, with ``broken`` and the first difference, unless both are the same bits."""
    for name, signal in expected.items():
        for one, other in zip(signal.payload(), found[name].payload(), strict=True):
            if one.shape != other.shape or one.tobytes() != other.tobytes():
                kind = "spikes" if isinstance(signal, Spikes) else "values"
                where = ""
                if isinstance(signal, ArraySignal) and one.shape == other.shape:
                    tick, line = (int(k) for k in np.argwhere(one != other)[0]) if (one != other).any() else (0, 0)
                    where = f" first at tick {tick}, line {line}: {one[tick, line]!r} and {other[tick, line]!r}"
                raise ContractError(f"{broken} ({kind} of {name!r}{where})")
