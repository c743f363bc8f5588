"""The contract of a component, executable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from hybrid.clock import Clock, Window
from hybrid.component import Component, first_not_finite
from hybrid.ports import Port
from hybrid.random import named_stream
from hybrid.signals import ArraySignal, Signal, Spikes
from hybrid.testing.contract import Check, ContractError, demand
from hybrid.testing.elsewhere import elsewhere
from hybrid.testing.trials import (
    activity,
    before,
    copied,
    cuttings,
    joined,
    other_future,
    require_kept,
    require_plain,
    require_same,
    stored,
    windows,
)


def check_component(
    make: Callable[[], Component], *, tick_ms: float = 0.1, ticks: int = 200, rate_hz: float = 50.0
) -> None:
    """Prove that components from ``make`` keep the contract of :class:`hybrid.component.Component`.

    It does not matter how time is cut, to the bit; no output before its cause; the same seed gives the same bits and instances
    are independent; a state, stored and read again, continues to the bit, in another process too (if ``make`` can be sent
    there: a class or function of a module, not a lambda); every output is finite and covers its window; inputs are not
    modified; outputs that are wanted (:meth:`Component.want`) stay the same when others are not; a NaN that matters is refused
    or shows; ``describe()`` gives plain values; ``close()`` may come twice, and
    before ``prepare()``.

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
            Check(
                "outputs", "every output is finite and covers its window; inputs stay as they were", trial.check_outputs
            ),
            Check("same seed", "the same seed gives the same bits", trial.check_same_seed, "outputs"),
            Check("causality", "no output comes before its cause", trial.check_causality, "same seed"),
            Check("cutting", "it does not matter how time is cut, to the bit", trial.check_cutting, "same seed"),
            Check("independence", "two instances do not disturb each other", trial.check_independence, "same seed"),
            Check("restore", "a restored state continues to the bit", trial.check_restore, "same seed"),
            Check(
                "elsewhere", "a stored state continues to the bit in another process", trial.check_elsewhere, "restore"
            ),
            Check("wanted", "what is wanted stays the same when others are left out", trial.check_wanted, "same seed"),
            Check("not finite", "a NaN that it hears does not vanish", trial.check_not_finite, "causality"),
            Check("describe", "describe() gives plain values", trial.check_describe),
            Check("close", "close() may come twice, and before prepare()", trial.check_close),
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
        outputs = component.advance(window, {name: copied(signal.during(window)) for name, signal in inputs.items()})
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
        for cuts in ([self.ticks], cuttings(self.ticks)[0]):
            component = self.born()
            for window in windows(cuts):
                given = {name: copied(signal.during(window)) for name, signal in self.inputs.items()}
                outputs = component.advance(window, given)
                for name, signal in given.items():
                    require_kept(self.inputs[name].during(window), signal, f"advance() modified its input {name!r}")
                for name, port in component.outputs.items():
                    _require_output(outputs.get(name), port, window)
                if more := sorted(outputs.keys() - component.outputs.keys()):
                    raise ContractError(f"advance() returned {more}, which are no outputs")

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
        copy.restore(stored(saved))
        for name, more in self.through(copy, rest, self.half).items():
            begun[name] += more
        require_same(self.halves, joined(begun), _RESTORE)

    def check_elsewhere(self) -> None:
        original = self.born()
        begun = self.through(original, [self.half])
        inputs = {name: signal.during(Window(self.half, self.ticks)) for name, signal in self.inputs.items()}
        rest = [self.ticks - self.half]
        there = elsewhere(_continued, self.make, self.clock.tick_ms, stored(original.state()), inputs, rest, self.half)
        for name, more in there.items():
            begun[name] += more
        require_same(self.halves, joined(begun), f"in another process {_RESTORE}")

    def check_wanted(self) -> None:
        for name in self.born().outputs:
            component = self.born()
            component.want(frozenset([name]))
            alone = joined({name: self.through(component, [self.half, self.ticks - self.half])[name]})
            changed = f"the output {name!r} is another one when it alone is wanted"
            require_same({name: self.halves[name]}, alone, changed)
            component.prepare(self.clock, named_stream(1, "component", component.name))
            again = self.through(component, [self.half, self.ticks - self.half])
            if left_out := [each for each, signals in again.items() if not signals]:
                raise ContractError(
                    f"prepared again after {name!r} alone was wanted, it leaves out {', '.join(left_out)}"
                )
            require_same(self.halves, joined(again), "prepared again, it does not give what it gave at first")

    def check_not_finite(self) -> None:
        for name, port in sorted(self.born().inputs.items()):
            if not issubclass(port.kind, ArraySignal) or self._ignores(name, port):
                continue
            try:
                outputs = self.run([self.ticks], self._spoilt(name, port, np.nan))
            except (ValueError, ArithmeticError):
                continue
            broken = f"a NaN in the input {name!r} at tick {self.half} changes what was before it"
            require_same(before(self.whole, self.half), before(outputs, self.half), broken)
            if all(isinstance(each, Spikes) or np.isfinite(each.values).all() for each in outputs.values()):
                raise ContractError(
                    f"a NaN in the input {name!r} vanishes: all outputs stay finite; raise DivergedError, or let it through"
                )

    def _ignores(self, name: str, port: Port) -> bool:
        """Whether no output shows what the last line hears in the tick of the trial."""
        value = self.inputs[name].values[self.half, port.size - 1]
        outputs = self.run([self.ticks], self._spoilt(name, port, 2 * value + 1))
        parts = ((outputs[each].payload(), signal.payload()) for each, signal in self.whole.items())
        return all(a.tobytes() == b.tobytes() for pair in parts for a, b in zip(*pair, strict=True))

    def _spoilt(self, name: str, port: Port, value: float) -> dict[str, Any]:
        values = np.array(self.inputs[name].values)
        values[self.half, port.size - 1] = value
        return {**self.inputs, name: port.kind.from_payload(self.inputs[name].window, port.size, (values,))}

    def check_describe(self) -> None:
        require_plain(self.make().describe())
        require_plain(self.born().describe())

    def check_close(self) -> None:
        for prepared in (False, True):
            component = self.make()
            if prepared:
                component.prepare(self.clock, named_stream(1, "component", component.name))
                self.live(component, Window(0, 1), self.inputs)
            for _ in range(2):
                component.close()


_RESTORE = "a restored state does not continue as the original did"


def _continued(
    make: Callable[[], Component], tick_ms: float, state: Any, inputs: Any, cuts: list[int], start: int
) -> dict[str, list[Signal]]:
    """What a new component does that continues from a state."""
    trial = _ComponentTrial(make, Clock(tick_ms), sum(cuts), 0.0)
    try:
        component = trial.born(seed=2)
        component.restore(state)
        return trial.through(component, cuts, start, inputs)
    finally:
        trial.close()


def _require_output(signal: Any, port: Port, window: Window) -> None:
    if type(signal) is not port.kind or signal.window != window or signal.size != port.size:
        raise ContractError(
            f"output {port.name!r} over {window} is {signal!r}, not {port.kind.__name__} of size {port.size}"
        )
    if isinstance(signal, ArraySignal) and (where := first_not_finite(signal.values)):
        raise ContractError(
            f"output {port.name!r} is {signal.values[where]:g} for line {where[1]} at tick {window.start + where[0]}"
        )
