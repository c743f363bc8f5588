"""A connection: source port to target port, with weights, delays, an optional adapter, and what is in flight.

The matrices of weights and delays act on the rate side of the adapter (``weighed_at``): rates are delayed and summed over
sources, then made into spikes; spikes are made into rates, then delayed and summed. So the expected input of target i is
``sum_j w[i, j] r[j](t - d[i, j])`` in both directions.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, identity, issparse

from hybrid.adapter import Adapter, Chain, check_adapter_object
from hybrid.clock import Clock, Window
from hybrid.component import check_carried, check_fits
from hybrid.errors import ConfigurationError, WiringError
from hybrid.interface.audit import ROUNDING, AuditRow, Ledger, Totals, balance
from hybrid.interface.delay_line import DelayLine, SpikeLine
from hybrid.interface.matrices import LONGEST, delays_of, digest, weights_of
from hybrid.ports import Port
from hybrid.signals import ArraySignal, Rates, Signal, Spikes
from hybrid.units import FloatArray, whole_numbers


class Connection:
    """Carries what ``source`` emits to ``target``; made by :meth:`hybrid.Brain.connect`, which documents the arguments."""

    def __init__(
        self, name: str, clock: Clock, source: Port, target: Port, weight: Any, delay_ms: Any, adapter: Adapter | None
    ) -> None:
        self.name, self.clock, self.source, self.target = name, clock, source, target
        check_adapter_object(adapter, str(self))
        self.adapter = copy.deepcopy(adapter)
        _check_directions(self)
        _check_kinds(self)
        self._before, self._after = _split(self.adapter, source.kind)
        self._weighed = self._before.emits if self._before else source.kind
        self._lines = self._before.emitted_size(source.size) if self._before else source.size
        self._weights = self._matrix_of_weights(weight)
        self._check_weights()
        self._delays = delays_of(delay_ms, self._weights, clock, f"delay of {self}")
        self._one_to_one, self._sparse = weight is None, weight is None or issparse(weight)
        live = self._delays.data[self._weights.data != 0]
        self.is_cut = not live.size  # no weight at all: nothing travels, and its delays bind nobody
        self.shortest_delay = int(live.min(initial=LONGEST))  # ticks, over pairs with non-zero weight
        emitted = self._after.emitted_size(target.size) if self._after else target.size
        if emitted != target.size:
            raise WiringError(f"{self}: the adapter emits {emitted} lines, {target} takes {target.size}")

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"

    def __repr__(self) -> str:
        return f"<Connection {self.name}: {self}>"

    @property
    def weights(self) -> Any:
        """``[target, source]``; a ``csr_array`` if they were given sparse or not at all, else an array."""
        return self._weights if self._sparse else self._weights.toarray()

    @property
    def delays(self) -> Any:
        """Ticks, as :attr:`weights`."""
        return self._delays if self._sparse else self._delays.toarray()

    def describe(self) -> dict[str, Any]:
        """Plain values to keep with the results."""
        delays_ms, one_delay = self.delays * self.clock.tick_ms, np.unique(self._delays.data)
        return {
            "from": str(self.source),
            "to": str(self.target),
            "weight": "one to one" if self._one_to_one else _described(self.weights),
            "delay_ms": self.clock.ms(int(one_delay[0]))
            if self._sparse and one_delay.size == 1
            else _described(delays_ms),
            "adapter": self.adapter.describe() if self.adapter else None,
        }

    def checksum(self) -> int:
        """Of weights (to single precision) and delays: whether two processes built the same connection."""
        numbers = (
            self._weights.data.astype(np.float32),
            self._weights.indices,
            self._weights.indptr,
            self._delays.data,
        )
        return functools.reduce(lambda so_far, each: crc32(each.tobytes(), so_far), numbers, 0)

    # -- what a run does with it, on the rank of its target ------------------------------------------------------------

    def prepare(self, rng: np.random.Generator) -> None:
        """Bring filters, random streams and the line to life at tick 0."""
        first, second = rng.spawn(2)
        weighed = replace(self.source, kind=self._weighed, size=self._lines, unit="", labels=())
        self._sending = replace(weighed, labels=self.source.labels if self._lines == self.source.size else ())
        self._arriving = replace(self.target, kind=self._weighed, unit="")
        self._gave = [f"{self}: the adapter {type(each).__name__} gave" for each in (self._before, self._after)]
        if self._before:
            self._before.prepare(self.clock, self.source, weighed, first)
            self._ledger_before = Ledger(self._before, self.clock, self.source.size)
        if self._after:
            self._after.prepare(self.clock, replace(weighed, size=self.target.size), self.target, second)
            self._ledger_after = Ledger(self._after, self.clock, self.target.size)
        self._line: Any = (SpikeLine if self._weighed is Spikes else DelayLine)(self._weights, self._delays)
        self._totals = Totals(np.zeros(self.source.size), np.zeros(self.target.size))
        for port in (self.source, self._arriving, self.target):  # compiles now, if ever, and not in the first window
            nothing = port.kind.silence(Window(0, 0), port.size)
            nothing.add_to(np.zeros(port.size))
            nothing.is_finite()

    def accept(self, signal: Signal) -> None:
        """Take what the source emitted over the window that has just passed."""
        signal.add_to(self._totals.sent)
        if self._before:
            taken, signal = signal, self._before.convert(signal)
            check_carried(signal, self._sending, taken.window, self.clock, self._gave[0])
            self._ledger_before.enter(taken)  # what arrives is counted behind the line
        self._line.push(signal)

    def deliver(self, window: Window) -> Signal:
        """What reaches the target during ``window``."""
        if self.is_cut:
            return self.target.kind.silence(window, self.target.size)
        signal: Any = self._line.read(window)
        if not isinstance(signal, Signal):
            signal = self._weighed.of(window, self.target.size, signal)  # type: ignore[attr-defined]
            if not signal.is_finite():
                check_carried(signal, self._arriving, window, self.clock, f"{self}: the weighed sum is")
        signal.add_to(self._totals.arrived)
        if self._after is None:
            weighed: Signal = signal
            return weighed
        delivered = self._after.convert(signal)
        check_carried(delivered, self.target, window, self.clock, self._gave[1])
        self._ledger_after.enter(signal, delivered)
        return delivered

    def audit(self) -> AuditRow:
        """The balance so far."""
        expected = delivered = variance = flying = scale = np.zeros(self.target.size)
        variance_of_sum = None
        if not self.is_cut:
            due = self.source.kind.in_total(self._totals.sent, self.clock)
            flying, arrived = (
                self._weighed.in_total(each, self.clock) for each in (self._line.in_flight(), self._totals.arrived)
            )
            if self._before:
                declared = self._ledger_before.expected(due)
                due = declared.mean - self._before.held()
                variance = self._weights**2 @ declared.variance
                variance_of_sum = float(self._weights.sum(axis=0) ** 2 @ declared.variance)
            expected, delivered, scale = self._weights @ due - flying, arrived, abs(self._weights) @ np.abs(due)
            if self._after:
                declared = self._ledger_after.expected(arrived)
                expected = _due_after(declared.mean, expected, arrived, scale)
                delivered = self._ledger_after.delivered()
                variance, variance_of_sum = declared.variance, declared.variance_of_sum
        adapter = type(self.adapter).__name__ if self.adapter else "none"
        return AuditRow(
            self.name, str(self.source), str(self.target), adapter, in_flight=float(flying.sum()),
            **balance(expected, delivered, variance, variance_of_sum=variance_of_sum, scale=scale,
                      jump=1.0 if self.target.kind is Spikes else _event(expected if self._after else scale, variance)),
        )  # fmt: skip

    def state(self) -> dict[str, NDArray[Any]]:
        return {f"{name}/{key}": value for name, each in self._stateful() for key, value in each.state().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        for name, each in self._stateful():
            prefix = f"{name}/"
            own = {key.removeprefix(prefix): np.array(v) for key, v in state.items() if key.startswith(prefix)}
            if isinstance(each, Ledger | Totals):
                check_fits(f"{self}: the audit", own, each.state())
            each.restore(own)

    def _stateful(self) -> list[tuple[str, Any]]:
        """What decides the future, by the name it has in a state."""
        parts: list[tuple[str, Any]] = [("line", self._line), ("totals", self._totals)]
        if self._before:
            parts += [("before", self._before), ("before_ledger", self._ledger_before)]
        if self._after:
            parts += [("after", self._after), ("after_ledger", self._ledger_after)]
        return parts

    def _matrix_of_weights(self, weight: Any) -> csr_array:
        shape = (self.target.size, self._lines)
        if weight is not None:
            return weights_of(weight, shape, f"weight of {self}")
        if self.target.size != self._lines:
            raise WiringError(
                f"{self}: {self._lines} lines leave and {self.target.size} arrive; without a weight every line reaches its own "
                f"target. Give weight= (a number joins all with all, a matrix is [target, source] = {list(shape)})"
            )
        return csr_array(identity(self._lines, format="csr"))

    def _check_weights(self) -> None:
        weights = self._weights.data
        if self._weighed is Spikes:
            try:
                whole_numbers(weights, np.int32, "weights", at_least=0)
            except ConfigurationError as error:
                raise WiringError(
                    f"{self}: a weight between spikes must be a whole number, 0 or above (copies of the spike); synaptic "
                    f"strength belongs to the circuit's Synapses ({error})"
                ) from None
        if self._weighed is Rates and self.target.kind is Spikes and (weights < 0).any():
            raise WiringError(
                f"{self}: a negative weight ({weights.min():g}) would ask for a negative rate of spikes; connect inhibitory "
                f"sources to an input of their own, whose Synapses inhibit"
            )


def _check_directions(connection: Connection) -> None:
    for port, needed in ((connection.source, "out"), (connection.target, "in")):
        if port.direction != needed:
            role = "source" if needed == "out" else "target"
            raise WiringError(f"{connection}: {port} is an {port.direction}put and cannot be the {role}")


def _check_kinds(connection: Connection) -> None:
    source, target, adapter = connection.source, connection.target, connection.adapter
    if adapter is None:
        if source.kind is not target.kind:
            raise WiringError(
                f"{connection}: {source} carries {source.kind.__name__}, {target} takes {target.kind.__name__}; "
                f"put an adapter between them"
            )
        if source.unit != target.unit and "1" not in (source.unit, target.unit):
            raise WiringError(
                f"{connection}: {source} is in {source.unit}, {target} takes {target.unit}; put an adapter between them, "
                f"or read it out in that unit"
            )
        return
    kind = type(adapter).__name__
    if adapter.accepts is not source.kind:
        raise WiringError(
            f"{connection}: {source} carries {source.kind.__name__}, but the adapter {kind} takes {adapter.accepts.__name__}"
        )
    if adapter.emits is not target.kind:
        raise WiringError(
            f"{connection}: the adapter {kind} emits {adapter.emits.__name__}, but {target} takes {target.kind.__name__}"
        )
    if adapter.unit and adapter.unit != target.unit and target.unit != "1":
        raise WiringError(f"{connection}: the adapter {kind} emits {adapter.unit}, {target} takes {target.unit}")


def _split(adapter: Adapter | None, source_kind: type[Signal]) -> tuple[Adapter | None, Adapter | None]:
    """The adapters before and after the matrices, which act on rates, as late as there are some."""
    if adapter is None:
        return None, None
    steps = list(adapter.adapters) if isinstance(adapter, Chain) else [adapter]
    kinds = [source_kind, *(step.emits for step in steps)]
    rates = [k for k, kind in enumerate(kinds) if kind is Rates]
    others = [k for k, kind in enumerate(kinds) if issubclass(kind, ArraySignal)]
    at = (rates or others or [len(steps)])[-1]
    return _joined(steps[:at]), _joined(steps[at:])


def _joined(steps: list[Adapter]) -> Adapter | None:
    return None if not steps else steps[0] if len(steps) == 1 else Chain(*steps)


def _described(matrix: Any) -> Any:
    return digest(matrix) if issparse(matrix) else matrix.tolist()


def _event(size: FloatArray, variance: FloatArray) -> float:
    """What one of the random events adds that make up a continuous signal of this size, if they come as in a Poisson process.

    0 where nothing is random. The size must not be a difference of weights of both signs: an event would seem too large.
    """
    total = float(np.abs(size).sum())
    return float(variance.sum()) / total if total else 0.0


def _due_after(converted: FloatArray, due: FloatArray, arrived: FloatArray, scale: FloatArray) -> FloatArray:
    """Per line, what the last adapter should have given: what it had from what arrived, made up for what never did."""
    lost = ~(np.abs(due - arrived) <= ROUNDING * scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        made_up: FloatArray = np.where(arrived == 0, due, converted * (due / arrived))
    return np.where(lost, made_up, converted)
