"""A brain that lives on one rank and can be left at any tick: what a checkpoint of a run must be able to do."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid import Brain, Window
from hybrid.random import named_stream


class Alive:
    """All components and connections of a brain, prepared; ``close`` it."""

    def __init__(self, brain: Brain, seed: int = 1) -> None:
        self.components = brain.components
        self.connections = {name: each for name, each in brain.connections.items() if not each.is_cut}
        for name, component in self.components.items():
            component.prepare(brain.clock, named_stream(seed, "component", name))
        for name, connection in self.connections.items():
            connection.prepare(named_stream(seed, "connection", name))

    def through(self, start: int, stop: int, length: int) -> dict[str, list[Any]]:
        """Every output over the span, as arrays by port."""
        lived: dict[str, list[Any]] = {}
        for window in Window(start, stop).cut(length):
            emitted = {}
            for component in self.components.values():
                inputs = {port.name: self._arriving(port, window) for port in component.inputs.values()}
                outputs = component.advance(window, inputs)
                emitted.update({f"{component.name}.{port}": signal for port, signal in outputs.items()})
            for connection in self.connections.values():
                connection.accept(emitted[str(connection.source)])
            for port, signal in emitted.items():
                lived.setdefault(port, []).append([part.copy() for part in signal.payload()])
        return {port: [np.concatenate(each) for each in zip(*parts, strict=True)] for port, parts in lived.items()}

    def _arriving(self, port: Any, window: Window) -> Any:
        into = [each for _, each in sorted(self.connections.items()) if each.target == port]
        signals = [each.deliver(window) for each in into]
        return sum(signals[1:], signals[0]) if signals else port.kind.silence(window, port.size)

    def state(self) -> dict[str, dict[str, Any]]:
        return {name: each.state() for name, each in {**self.components, **self.connections}.items()}

    def restore(self, state: dict[str, dict[str, Any]]) -> None:
        for name, each in {**self.components, **self.connections}.items():
            each.restore(state[name])

    def close(self) -> None:
        for component in self.components.values():
            component.close()


def lived(make: Any, ticks: int, length: int, *, leave_at: int | None = None) -> dict[str, list[Any]]:
    """What the brain from ``make()`` emits in windows of ``length``; left at a tick, if wanted, and taken up by another,
    prepared with another seed, whose outputs (from that tick on) these are then."""
    brain = Alive(make())
    try:
        if leave_at is None:
            return brain.through(0, ticks, length)
        brain.through(0, leave_at, length)
        state = brain.state()
        brain.through(leave_at, ticks, length)  # what happens later must not reach the saved state
    finally:
        brain.close()
    other = Alive(make(), seed=2)
    try:
        other.restore(state)
        return other.through(leave_at, ticks, length)
    finally:
        other.close()


def require_same(one: dict[str, list[Any]], other: dict[str, list[Any]], since: int = 0) -> None:
    """The same bits from tick ``since`` of ``one`` on."""
    assert one.keys() == other.keys()
    for port, parts in one.items():
        events = len(parts) > 1
        kept = parts[0] >= since if events else slice(since, None)
        for k, (mine, theirs) in enumerate(zip(parts, other[port], strict=True)):
            mine = mine[kept]
            assert mine.shape == theirs.shape, f"{port}: {mine.shape} and {theirs.shape}"
            assert mine.tobytes() == theirs.tobytes(), f"{port}, array {k}: {_first(mine, theirs)}"


def _first(one: Any, other: Any) -> str:
    at = np.argwhere(one != other)
    return f"first at {at[0].tolist()}: {one[tuple(at[0])]!r} and {other[tuple(at[0])]!r}" if len(at) else "as bytes"
