"""The contracts, executable: prove that a component or an adapter keeps them, ours or yours.

Each check raises :class:`ContractError` with one sentence on what was broken and how it showed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hybrid.adapter import Adapter
from hybrid.clock import Clock, Window
from hybrid.component import Component
from hybrid.errors import ConfigurationError
from hybrid.ports import Port
from hybrid.random import named_stream
from hybrid.signals import ArraySignal, Rates, Signal, Spikes

LINES = 4
RATES_HZ = (1e-6, 1e-3, 0.1, 5.0, 100.0, 1000.0)
_UNLIKELY_Z = 5.0  # one false alarm in two million


class ContractError(AssertionError):
    """A component or an adapter broke its contract."""


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
    trial = _ComponentTrial(make, Clock(tick_ms), ticks, rate_hz)
    try:
        whole = trial.run([ticks])
        _require_same(whole, trial.run([ticks]), "the same seed gives different outputs")
        trial.check_causality(whole)
        for cuts in _cuttings(ticks):
            _require_same(
                whole,
                trial.run(cuts),
                f"it matters how time is cut: one window and windows of {cuts[:4]}… ticks differ",
            )
        trial.check_independence(whole)
        trial.check_restore(whole)
    finally:
        trial.close()


class _ComponentTrial:
    def __init__(self, make: Callable[[], Component], clock: Clock, ticks: int, rate_hz: float) -> None:
        self.make, self.clock, self.ticks = make, clock, ticks
        self._made: list[Component] = []
        random = np.random.default_rng(1)
        self.inputs = {
            name: _activity(port.kind, Window(0, ticks), port.size, rate_hz, clock, random)
            for name, port in sorted(self.born().inputs.items())
        }

    def born(self, seed: int = 1) -> Component:
        component = self.make()
        self._made.append(component)
        component.prepare(self.clock, named_stream(seed, "component", component.name))
        return component

    def close(self) -> None:
        for component in self._made:
            component.close()

    def live(self, component: Component, window: Window, inputs: Mapping[str, Signal]) -> dict[str, Signal]:
        given = {name: signal.during(window) for name, signal in inputs.items()}
        before = {name: [part.copy() for part in signal.payload()] for name, signal in given.items()}
        outputs = component.advance(window, given)
        for name, signal in given.items():
            if not all(map(np.array_equal, before[name], signal.payload())):
                raise ContractError(f"advance() modified its input {name!r}")
        for name, port in component.outputs.items():
            signal = outputs.get(name)  # type: ignore[assignment]
            if type(signal) is not port.kind or signal.window != window or signal.size != port.size:
                raise ContractError(
                    f"output {name!r} over {window} is {signal!r}, not {port.kind.__name__} of size {port.size}"
                )
        return {name: _copied(signal) for name, signal in outputs.items()}

    def through(
        self, component: Component, cuts: list[int], start: int = 0, inputs: Any = None
    ) -> dict[str, list[Signal]]:
        outputs: dict[str, list[Signal]] = {name: [] for name in component.outputs}
        for window in _windows(cuts, start):
            for name, signal in self.live(component, window, self.inputs if inputs is None else inputs).items():
                outputs[name].append(signal)
        return outputs

    def run(self, cuts: list[int], inputs: Any = None) -> dict[str, Any]:
        return _joined(self.through(self.born(), cuts, inputs=inputs))

    def check_independence(self, whole: Mapping[str, Any]) -> None:
        """Two instances that live in turn give what each gives alone."""
        half = self.ticks // 2
        first, second = self.born(), self.born()
        parts = [self.through(each, [half]) for each in (first, second)]
        for each, part in zip((first, second), parts, strict=True):
            for name, more in self.through(each, [self.ticks - half], half).items():
                part[name] += more
        for part in parts:
            _require_same(whole, _joined(part), "two instances disturb each other")

    def check_restore(self, whole: Mapping[str, Any]) -> None:
        half = self.ticks // 2
        original, copy = self.born(), self.born(seed=2)
        begun = self.through(original, [half])
        saved = original.state()
        self.through(original, [self.ticks - half], half)  # what happens later must not reach the saved state
        copy.restore(saved)
        for name, more in self.through(copy, [self.ticks - half], half).items():
            begun[name] += more
        _require_same(whole, _joined(begun), "a restored state does not continue as the original did")

    def check_causality(self, whole: Mapping[str, Any]) -> None:
        half = self.ticks // 2
        changed = {name: _other_future(signal, half) for name, signal in self.inputs.items()}
        past = self.run([self.ticks], changed)  # one window, so that the future is there to be looked at
        _require_same(
            _before(whole, half),
            _before(past, half),
            "an output comes before its cause: another future changes the past",
        )


def check_adapter(make: Callable[[], Adapter], *, tick_ms: float = 0.1, ticks: int = 2000) -> None:
    """Prove that adapters from ``make`` keep the contract of :class:`hybrid.adapter.Adapter`.

    It does not matter how time is cut, to the bit; no output before its cause; what is delivered (and held) agrees with what
    ``expected`` declares, over 1e-6 to 1,000 Hz; nothing is lost at window edges; the same seed gives the same bits;
    instances are independent; a restored state continues to the bit; rates that are negative, infinite or not a number are
    refused; the input is not modified.
    """
    clock = Clock(tick_ms)
    trial = _AdapterTrial(make, clock)
    signal = trial.activity(ticks, 50.0)
    whole = trial.run(signal, [ticks])
    _require_same(whole, trial.run(signal, [ticks]), "the same seed gives different outputs")
    past = trial.run(_other_future(signal, ticks // 2), [ticks])
    _require_same(_before(whole, ticks // 2), _before(past, ticks // 2), "an output comes before its cause")
    for cuts in _cuttings(ticks):
        _require_same(
            whole,
            trial.run(signal, cuts),
            f"it matters how time is cut: one window and windows of {cuts[:4]}… ticks differ",
        )
    trial.check_independence(signal, whole)
    trial.check_restore(signal, whole)
    for rate_hz in RATES_HZ:
        trial.check_expectation(ticks, rate_hz)
    if trial.accepts is Rates:
        trial.check_refusals()


class _AdapterTrial:
    def __init__(self, make: Callable[[], Adapter], clock: Clock) -> None:
        self.make, self.clock = make, clock
        self.accepts = make().accepts

    def born(self, seed: int = 1) -> Adapter:
        adapter = self.make()
        source = Port("source", "out", adapter.accepts, LINES, "out")
        target = Port("target", "in", adapter.emits, adapter.emitted_size(LINES), "in")
        adapter.prepare(self.clock, source, target, named_stream(seed, "connection", "check"))
        return adapter

    def activity(self, ticks: int, rate_hz: float, seed: int = 1) -> Any:
        return _activity(self.accepts, Window(0, ticks), LINES, rate_hz, self.clock, np.random.default_rng(seed))

    def through(self, adapter: Adapter, signal: Signal, cuts: list[int], start: int = 0) -> list[Signal]:
        converted = []
        for window in _windows(cuts, start):
            given = signal.during(window)
            before = [part.copy() for part in given.payload()]
            out = adapter.convert(given)
            if not all(map(np.array_equal, before, given.payload())):
                raise ContractError("convert() modified its input")
            if type(out) is not adapter.emits or out.window != window or out.size != adapter.emitted_size(LINES):
                raise ContractError(f"convert() of {given!r} gave {out!r}")
            converted.append(_copied(out))
        return converted

    def run(self, signal: Signal, cuts: list[int]) -> dict[str, Any]:
        return _joined({"out": self.through(self.born(), signal, cuts)})

    def check_independence(self, signal: Signal, whole: Mapping[str, Any]) -> None:
        """Two instances that convert in turn give what each gives alone."""
        half, ticks = len(signal.window) // 2, len(signal.window)
        both = self.born(), self.born()
        parts = [self.through(each, signal, [half]) for each in both]
        for each, part in zip(both, parts, strict=True):
            part += self.through(each, signal, [ticks - half], half)
        for part in parts:
            _require_same(whole, _joined({"out": part}), "two instances disturb each other")

    def check_restore(self, signal: Signal, whole: Mapping[str, Any]) -> None:
        ticks = len(signal.window)
        original, copy = self.born(), self.born(seed=2)
        begun = self.through(original, signal, [ticks // 2])
        saved = original.state()
        self.through(original, signal, [ticks - ticks // 2], ticks // 2)
        copy.restore(saved)
        begun += self.through(copy, signal, [ticks - ticks // 2], ticks // 2)
        _require_same(whole, _joined({"out": begun}), "a restored state does not continue as the original did")

    def check_expectation(self, ticks: int, rate_hz: float) -> None:
        adapter = self.born(seed=3)
        mean, variance, delivered = (np.zeros(adapter.emitted_size(LINES)) for _ in range(3))
        signal = self.activity(ticks, rate_hz, seed=3)
        for window in _windows([7] * (ticks // 7)):
            given = signal.during(window)
            delivered += adapter.convert(given).total(self.clock)
            moments = adapter.expected(given)
            mean, variance = mean + moments.mean, variance + moments.variance
        difference = (delivered + adapter.held() - mean).sum()
        allowed = 1e-9 * np.abs(mean).sum() + _UNLIKELY_Z * np.sqrt(variance.sum()) + (5.0 if variance.sum() else 0.0)
        if not abs(difference) <= allowed:
            raise ContractError(
                f"at {rate_hz:g} Hz it delivered {delivered.sum():g} (and holds {np.sum(adapter.held()):g}) where "
                f"expected() declares {mean.sum():g} +- {np.sqrt(variance.sum()):g}"
            )

    def check_refusals(self) -> None:
        for bad in (np.nan, np.inf, -1.0):
            hz = np.ones((3, LINES))
            hz[1, 2] = bad
            try:
                self.born().convert(Rates(Window(0, 3), LINES, hz))
            except (ValueError, ArithmeticError):
                continue
            raise ContractError(f"a rate of {bad:g} Hz was accepted")


def _activity(
    kind: type[Signal], window: Window, size: int, rate_hz: float, clock: Clock, random: np.random.Generator
) -> Any:
    shape = (len(window), size)
    if issubclass(kind, Spikes):
        return Spikes.from_counts(window, random.poisson(rate_hz * clock.tick_ms * 1e-3, shape))
    values = rate_hz * random.uniform(0.5, 1.5, shape)
    return kind.from_payload(window, size, (values,))


def _other_future(signal: Signal, tick: int) -> Signal:
    window = signal.window
    if isinstance(signal, Spikes):
        counts = signal.to_counts()
        counts[tick - window.start :] = 1 - np.minimum(counts[tick - window.start :], 1)
        return Spikes.from_counts(window, counts)
    values = np.array(signal.payload()[0])
    values[tick - window.start :] *= 2.0
    return type(signal).from_payload(window, signal.size, (values,))


def _cuttings(ticks: int) -> list[list[int]]:
    uneven = [1, 2, 3, 17, 1, 40, 5]
    if ticks <= sum(uneven):
        raise ConfigurationError(f"ticks = {ticks} is too short a trial; give at least {sum(uneven) + 1}")
    rest = ticks - sum(uneven)
    return [[*uneven, rest], [16] * (ticks // 16) + [ticks % 16] * bool(ticks % 16)]


def _windows(cuts: list[int], start: int = 0) -> list[Window]:
    edges = start + np.concatenate([[0], np.cumsum(cuts)])
    return [Window(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def _copied(signal: Signal) -> Signal:
    return type(signal).from_payload(signal.window, signal.size, tuple(part.copy() for part in signal.payload()))


def _joined(outputs: Mapping[str, list[Signal]]) -> dict[str, Any]:
    """Consecutive signals as one, by name."""
    joined: dict[str, Any] = {}
    for name, parts in outputs.items():
        window = Window(parts[0].window.start, parts[-1].window.stop)
        payload = tuple(np.concatenate(columns) for columns in zip(*(part.payload() for part in parts), strict=True))
        joined[name] = type(parts[0]).from_payload(window, parts[0].size, payload)
    return joined


def _before(outputs: Mapping[str, Any], tick: int) -> dict[str, Any]:
    return {name: signal.during(Window(signal.window.start, tick)) for name, signal in outputs.items()}


def _require_same(expected: Mapping[str, Any], found: Mapping[str, Any], broken: str) -> None:
    for name, signal in expected.items():
        for one, other in zip(signal.payload(), found[name].payload(), strict=True):
            if one.shape != other.shape or one.tobytes() != other.tobytes():
                kind = "spikes" if isinstance(signal, Spikes) else "values"
                where = ""
                if isinstance(signal, ArraySignal) and one.shape == other.shape:
                    tick, line = (int(k) for k in np.argwhere(one != other)[0]) if (one != other).any() else (0, 0)
                    where = f" first at tick {tick}, line {line}: {one[tick, line]!r} and {other[tick, line]!r}"
                raise ContractError(f"{broken} ({kind} of {name!r}{where})")
