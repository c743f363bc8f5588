"""The contract of a component, executable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from hybrid.clock import Clock, Window
from hybrid.component import Component
from hybrid.random import named_stream
from hybrid.signals import Signal
from hybrid.testing.contract import Check, ContractError, demand
from hybrid.testing.trials import activity, before, copied, cuttings, joined, other_future, require_same, windows


def check_component(
    make: Callable[[], Component], *, tick_ms: float = 0.1, ticks: int = 200, rate_hz: float = 50.0
) -> None:
    """Prove that components from ``make`` keep the contract of :class:`hybrid.component.Component`.

    It does not matter how time is cut, to the bit; no output before its cause; the same seed gives the same bits and instances
    are independent; a restored state continues to the bit; every output covers its window; inputs are not modified.

    Parameters
    ----------
    make: gives a new, equal component at every call.
    tick_ms, ticks: how long it is tried.
    rate_hz: of the random activity on its inputs.
    """
    with component_checks(make, tick_ms=tick_ms, ticks=ticks, rate_hz=rate_hz) as checks:
        demand(checks)


@contextmanager
def component_checks(
    make: Callable[[], Component], *, tick_ms: float = 0.1, ticks: int = 200, rate_hz: float = 50.0
) -> Iterator[list[Check]]:
    """The checks of :func:`check_component` by name; every component they made is closed at the end."""
    cuttings(ticks)  # refuses a trial too short to tell
    trial = _ComponentTrial(make, Clock(tick_ms), ticks, rate_hz)
    try:
        yield [
            Check("outputs", "every output covers its window; inputs stay as they were", trial.check_outputs),
            Check("same seed", "the same seed gives the same bits", trial.check_same_seed, "outputs"),
            Check("causality", "no output comes before its cause", trial.check_causality, "same seed"),
            Check("cutting", "it does not matter how time is cut, to the bit", trial.check_cutting, "same seed"),
            Check("independence", "two instances do not disturb each other", trial.check_independence, "same seed"),
            Check("restore", "a restored state continues to the bit", trial.check_restore, "same seed"),
        ]
    finally:
        trial.close()


class _ComponentTrial:
    def __init__(self, make: Callable[[], Component], clock: Clock, ticks: int, rate_hz: float) -> None:
        self.make, self.clock, self.ticks, self.half = make, clock, ticks, ticks // 2
        self.rate_hz = rate_hz
        self._made: list[Component] = []

    def born(self, seed: int = 1) -> Component:
        component = self.make()
        self._made.append(component)
        component.prepare(self.clock, named_stream(seed, "component", component.name))
        return component

    def close(self) -> None:
        for component in self._made:
            component.close()

    @cached_property
    def inputs(self) -> dict[str, Any]:
        random = np.random.default_rng(1)
        return {
            name: activity(port.kind, Window(0, self.ticks), port.size, self.rate_hz, self.clock, random)
            for name, port in sorted(self.born().inputs.items())
        }

    @cached_property
    def whole(self) -> dict[str, Any]:
        """All outputs over one window."""
        return self.run([self.ticks])

    @cached_property
    def halves(self) -> dict[str, Any]:
        """All outputs over two windows."""
        return self.run([self.half, self.ticks - self.half])

    def live(self, component: Component, window: Window, inputs: Mapping[str, Signal]) -> dict[str, Signal]:
        given = {name: signal.during(window) for name, signal in inputs.items()}
        untouched = {name: [part.copy() for part in signal.payload()] for name, signal in given.items()}
        outputs = component.advance(window, given)
        for name, signal in given.items():
            if not all(map(np.array_equal, untouched[name], signal.payload())):
                raise ContractError(f"advance() modified its input {name!r}")
        for name, port in component.outputs.items():
            signal = outputs.get(name)  # type: ignore[assignment]
            if type(signal) is not port.kind or signal.window != window or signal.size != port.size:
                raise ContractError(
                    f"output {name!r} over {window} is {signal!r}, not {port.kind.__name__} of size {port.size}"
                )
        return {name: copied(signal) for name, signal in outputs.items()}

    def through(
        self, component: Component, cuts: list[int], start: int = 0, inputs: Any = None
    ) -> dict[str, list[Signal]]:
        outputs: dict[str, list[Signal]] = {name: [] for name in component.outputs}
        for window in windows(cuts, start):
            for name, signal in self.live(component, window, self.inputs if inputs is None else inputs).items():
                outputs[name].append(signal)
        return outputs

    def run(self, cuts: list[int], inputs: Any = None) -> dict[str, Any]:
        return joined(self.through(self.born(), cuts, inputs=inputs))

    def check_outputs(self) -> None:
        self.whole  # noqa: B018

    def check_same_seed(self) -> None:
        require_same(self.whole, self.run([self.ticks]), "the same seed gives different outputs")

    def check_causality(self) -> None:
        changed = {name: other_future(signal, self.half) for name, signal in self.inputs.items()}
        past = self.run([self.ticks], changed)  # one window, so that the future is there to be looked at
        require_same(
            before(self.whole, self.half),
            before(past, self.half),
            "an output comes before its cause: another future changes the past",
        )

    def check_cutting(self) -> None:
        for cuts in cuttings(self.ticks):
            require_same(
                self.whole,
                self.run(cuts),
                f"it matters how time is cut: one window and windows of {cuts[:4]}… ticks differ",
            )

    def check_independence(self) -> None:
        """Two instances that live in turn give what each gives alone."""
        both = self.born(), self.born()
        parts = [self.through(each, [self.half]) for each in both]
        for each, part in zip(both, parts, strict=True):
            for name, more in self.through(each, [self.ticks - self.half], self.half).items():
                part[name] += more
        for part in parts:
            require_same(self.halves, joined(part), "two instances disturb each other")

    def check_restore(self) -> None:
        original, copy = self.born(), self.born(seed=2)
        begun = self.through(original, [self.half])
        saved = original.state()
        rest = [self.ticks - self.half]
        self.through(original, rest, self.half)  # what happens later must not reach the saved state
        copy.restore(saved)
        for name, more in self.through(copy, rest, self.half).items():
            begun[name] += more
        require_same(self.halves, joined(begun), "a restored state does not continue as the original did")
