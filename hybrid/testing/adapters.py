"""The contract of an adapter, executable."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np

from hybrid.adapter import Adapter, says_of_totals
from hybrid.clock import Clock, Window
from hybrid.ports import Port
from hybrid.random import named_stream
from hybrid.signals import Rates, Signal
from hybrid.testing.contract import Check, ContractError, demand
from hybrid.testing.moments import MANY_LINES, check_moments, check_small_bias, check_variance, possible
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
)  # fmt: skip

LINES = 4
RATES_HZ = (1e-6, 1e-3, 0.1, 5.0, 100.0, 1000.0)


def check_adapter(
    make: Callable[[], Adapter], *, tick_ms: float = 0.1, ticks: int = 2000, lines: int | None = None
) -> None:
    """Prove that adapters from ``make`` keep the contract of :class:`hybrid.adapter.Adapter`.

    It does not matter how time is cut, to the bit; no output before its cause; what is delivered (and held) agrees with what
    ``expected`` declares, in its mean over 1e-6 to 1,000 Hz (a bias of 5 % is found at 1 Hz, one of 1 % at 1,000 Hz) and in
    its variance; ``expected_of_total``, where there is one, says the same of totals; nothing is lost at window edges; the
    same seed gives the same bits; instances are independent; a state, stored and read again, continues to the bit, in what
    is delivered, declared and held; rates that are negative, infinite or not a number are refused; the input is not
    modified; ``describe()`` gives plain values.

    Parameters
    ----------
    make: gives a new, equal adapter at every call.
    tick_ms, ticks: how long it is tried.
    lines: for an adapter that takes so many and no others, as one with a matrix does; by default 4 and 64 are tried.
    """
    demand(adapter_checks(make, tick_ms=tick_ms, ticks=ticks, lines=lines))


def adapter_checks(
    make: Callable[[], Adapter], *, tick_ms: float = 0.1, ticks: int = 2000, lines: int | None = None
) -> list[Check]:
    """The checks of :func:`check_adapter` by name."""
    cuttings(ticks)  # refuses a trial too short to tell
    trial = _AdapterTrial(make, Clock(tick_ms), ticks, lines)
    checks = [
        Check("signals", "each window becomes one of the right kind; the input stays as it was", trial.check_signals),
        Check("same seed", "the same seed gives the same bits", trial.check_same_seed, "signals"),
        Check("causality", "no output comes before its cause", trial.check_causality, "same seed"),
        Check("cutting", "it does not matter how time is cut, to the bit", trial.check_cutting, "same seed"),
        Check("independence", "two instances do not disturb each other", trial.check_independence, "same seed"),
        Check("restore", "a restored state continues to the bit", trial.check_restore, "same seed"),
        Check("expectation", "what is delivered and held is what expected() declares", trial.check_mean, "signals"),
        Check("variance", "it scatters as much as expected() declares", trial.check_variance, "signals"),
        Check("totals", "expected_of_total() says of totals what expected() does", trial.check_totals, "signals"),
        Check("describe", "describe() gives plain values", trial.check_describe),
    ]
    if trial.accepts is Rates:
        checks.append(Check("refusals", "rates that cannot be are refused", trial.check_refusals))
    return checks


class _AdapterTrial:
    def __init__(self, make: Callable[[], Adapter], clock: Clock, ticks: int, lines: int | None) -> None:
        self.make, self.clock, self.ticks, self.half = make, clock, ticks, ticks // 2
        self.lines, self.many_lines = lines or LINES, lines or MANY_LINES
        self.accepts: Any = getattr(make(), "accepts", None)

    def born(self, seed: int = 1, lines: int | None = None, clock: Clock | None = None) -> Adapter:
        adapter, lines = self.make(), lines or self.lines
        source = Port("source", "out", adapter.accepts, lines, "out")
        target = Port("target", "in", adapter.emits, adapter.emitted_size(lines), "in")
        adapter.prepare(clock or self.clock, source, target, named_stream(seed, "connection", "check"))
        return adapter

    def activity(self, rate_hz: float, seed: int = 1) -> Any:
        random = np.random.default_rng(seed)
        return activity(self.accepts, Window(0, self.ticks), self.lines, rate_hz, self.clock, random)

    @cached_property
    def signal(self) -> Any:
        return self.activity(possible(self.make(), [100.0])[0] / 2)  # twice as much is its other future

    @cached_property
    def whole(self) -> dict[str, Any]:
        """What one window gives."""
        return self.run(self.signal, [self.ticks])

    @cached_property
    def halves(self) -> dict[str, Any]:
        """What two windows give."""
        return self.run(self.signal, [self.half, self.ticks - self.half])

    def through(self, adapter: Adapter, signal: Signal, cuts: list[int], start: int = 0) -> list[Signal]:
        return [copied(adapter.convert(copied(signal.during(window)))) for window in windows(cuts, start)]

    def accounted(self, adapter: Adapter, signal: Signal, cuts: list[int], start: int) -> dict[str, list[Any]]:
        """What is delivered, and what is declared and held, over some windows."""
        found: dict[str, list[Any]] = {"out": [], "expected()": [], "held()": []}
        for window in windows(cuts, start):
            given = signal.during(window)
            found["held()"].append((np.array(adapter.held()),))
            found["out"] += self.through(adapter, signal, [len(window)], window.start)
            moments = adapter.expected(copied(given))
            of_sum = np.array(np.nan if moments.variance_of_sum is None else moments.variance_of_sum)
            found["expected()"].append((np.array(moments.mean), np.array(moments.variance), of_sum))
        return found

    def run(self, signal: Signal, cuts: list[int]) -> dict[str, Any]:
        return joined({"out": self.through(self.born(), signal, cuts)})

    def check_signals(self) -> None:
        for cuts in ([self.ticks], cuttings(self.ticks)[0]):
            adapter = self.born()
            for window in windows(cuts):
                given, untouched = (copied(self.signal.during(window)) for _ in range(2))
                out = adapter.convert(given)
                require_kept(untouched, given, "convert() modified its input")
                if (
                    type(out) is not adapter.emits
                    or out.window != window
                    or out.size != adapter.emitted_size(self.lines)
                ):
                    raise ContractError(f"convert() of {given!r} gave {out!r}")

    def check_same_seed(self) -> None:
        require_same(self.whole, self.run(self.signal, [self.ticks]), "the same seed gives different outputs")

    def check_causality(self) -> None:
        past = self.run(other_future(self.signal, self.half), [self.ticks])
        require_same(before(self.whole, self.half), before(past, self.half), "an output comes before its cause")

    def check_cutting(self) -> None:
        for cuts in cuttings(self.ticks):
            require_same(
                self.whole,
                self.run(self.signal, cuts),
                f"it matters how time is cut: one window and windows of {cuts[:4]}… ticks differ",
            )

    def check_independence(self) -> None:
        """Two instances that convert in turn give what each gives alone."""
        both = self.born(), self.born()
        parts = [self.through(each, self.signal, [self.half]) for each in both]
        for each, part in zip(both, parts, strict=True):
            part += self.through(each, self.signal, [self.ticks - self.half], self.half)
        for part in parts:
            require_same(self.halves, joined({"out": part}), "two instances disturb each other")

    def check_restore(self) -> None:
        original, copy = self.born(), self.born(seed=2)
        begun = self.through(original, self.signal, [self.half])
        saved = original.state()
        rest = [7, 16, self.ticks - self.half - 23]
        lived = self.accounted(
            original, self.signal, rest, self.half
        )  # what happens later must not reach the saved state
        copy.restore(stored(saved))
        continued = self.accounted(copy, self.signal, rest, self.half)
        broken = "a restored state does not continue as the original did"
        require_same(joined({"out": begun + lived["out"]}), joined({"out": begun + continued["out"]}), broken)
        for part in ("expected()", "held()"):
            for one, other in zip(lived[part], continued[part], strict=True):
                if any(a.shape != b.shape or a.tobytes() != b.tobytes() for a, b in zip(one, other, strict=True)):
                    raise ContractError(f"{broken} (in what {part} says: {one} and {other})")

    def check_mean(self) -> None:
        for rate_hz in possible(self.make(), RATES_HZ):
            signal = self.activity(rate_hz, seed=3)
            check_moments(self.born(seed=3), signal, self.clock, rate_hz)
        check_small_bias(partial(self.born, seed=4), self.clock, self.many_lines)

    def check_variance(self) -> None:
        check_variance(self.born, self.clock, self.many_lines)

    def check_totals(self) -> None:
        adapter = self.born()
        declared, sums = [np.zeros(adapter.emitted_size(self.lines)) for _ in range(2)], np.zeros(self.lines)
        if not says_of_totals(adapter, self.lines):
            return
        for window in windows(cuttings(self.ticks)[0]):
            given = self.signal.during(window)
            adapter.convert(copied(given))
            moments = adapter.expected(copied(given))
            given.add_to(sums)
            declared = [declared[0] + moments.mean, declared[1] + moments.variance]
        of_total = adapter.expected_of_total(self.signal.in_total(sums, self.clock))
        assert of_total is not None
        for one, other in zip(declared, (of_total.mean, of_total.variance), strict=True):
            if not np.allclose(one, other, rtol=1e-9):
                raise ContractError(f"expected() of all windows adds up to {one}, but expected_of_total() says {other}")

    def check_refusals(self) -> None:
        for bad in (np.nan, np.inf, -1.0):
            hz = np.ones((3, self.lines))
            hz[1, -1] = bad
            try:
                self.born().convert(Rates(Window(0, 3), self.lines, hz))
            except (ValueError, ArithmeticError):
                continue
            raise ContractError(f"a rate of {bad:g} Hz was accepted")

    def check_describe(self) -> None:
        require_plain(self.make().describe())
        require_plain(self.born().describe())
