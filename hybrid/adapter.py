"""The contract of an adapter: one kind of signal in, another out, the same window, the same expectation."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hybrid.cache import njit as njit  # adapters import it from here
from hybrid.clock import Clock
from hybrid.component import check_carried
from hybrid.component import check_fits as check_fits
from hybrid.elementary import arrays as arrays  # and these
from hybrid.elementary.functions import exp as exp
from hybrid.errors import WiringError, answers_slips
from hybrid.ports import Port
from hybrid.random import Uniforms as Uniforms
from hybrid.random import generator_state as generator_state
from hybrid.random import restore_generator as restore_generator
from hybrid.signals import Moments, Signal
from hybrid.units import FloatArray

State = dict[str, NDArray[Any]]


class Adapter(ABC):
    """Converts what a source emits into what a target takes.

    ``__init__`` keeps parameters only; :meth:`prepare` brings the state to life. One adapter object may be
    handed to several connections: each prepares a copy of its own. It must not matter how time is cut;
    :func:`hybrid.testing.check_adapter` proves that for yours.
    """

    accepts: ClassVar[type[Signal]]
    emits: ClassVar[type[Signal]]
    unit: ClassVar[str] = ""  # of the States it emits, where that is settled

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):  # a mistyped argument is answered with those there are
            cls.__init__ = answers_slips(cls.__init__)  # type: ignore[method-assign]

    @abstractmethod
    def prepare(self, clock: Clock, source: Port, target: Port, rng: np.random.Generator) -> None:
        """Bring the state to life at tick 0.

        ``source`` describes the signals :meth:`convert` will be given (``source.size`` lines), ``target`` is the
        port that takes what comes out; everything random comes from ``rng``.
        """

    @abstractmethod
    def convert(self, signal: Any) -> Signal:
        """The same window as the other kind of signal; ``signal`` must not be modified."""

    @abstractmethod
    def expected(self, signal: Any) -> Moments:
        """Mean and variance of the total that :meth:`convert` of this signal should deliver, now or, if held, later."""

    def expected_of_total(self, total: FloatArray) -> Moments | None:
        """The same for any signal of this ``total`` ``[size]`` (see :meth:`Signal.total`), where no more need be known.

        Then the audit asks once, with the total of all windows, and not in each window: it must be linear in ``total``.
        ``None`` (the default): the total does not tell.
        """
        return None

    @property
    def highest_rate_hz(self) -> float:
        """Rates must stay below this; by default any will do."""
        return float("inf")

    def emitted_size(self, size: int) -> int:
        """How many lines come out when ``size`` go in."""
        return size

    def held(self) -> FloatArray | float:
        """What was taken in and will be given out later (a filter's memory), in the units of :meth:`Signal.total`."""
        return 0.0

    def state(self) -> State:
        """Copies of all that decides the future; empty for an adapter without memory."""
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a state that :meth:`state` gave; called after :meth:`prepare`."""
        if state:
            raise ValueError(f"{type(self).__name__} has no state, but was given {sorted(state)}")

    def describe(self) -> dict[str, Any]:
        """Parameters worth keeping with the results: every public attribute that is a plain value."""
        plain = {
            k: v
            for k, v in vars(self).items()
            if not k.startswith("_") and isinstance(v, bool | int | float | str | None)
        }
        return {"kind": f"{type(self).__module__}:{type(self).__name__}", **plain}


class Chain(Adapter):
    """Several adapters one after the other; each must take what the one before it emits.

    The declared expectation is that of the chain's last member given what truly reached it: a chain is audited at its
    end.
    """

    def __init__(self, *adapters: Adapter) -> None:
        if not adapters:
            raise WiringError("Chain() needs at least one adapter")
        for adapter in adapters:
            check_adapter_object(adapter, "Chain")
        for first, second in itertools.pairwise(adapters):
            if first.emits is not second.accepts:
                raise WiringError(
                    f"Chain: {type(first).__name__} emits {first.emits.__name__}, but "
                    f"{type(second).__name__} takes {second.accepts.__name__}; put an adapter between them"
                )
        self.adapters = adapters
        self.accepts, self.emits = adapters[0].accepts, adapters[-1].emits  # type: ignore[misc]
        self.unit = adapters[-1].unit  # type: ignore[misc]

    def prepare(self, clock: Clock, source: Port, target: Port, rng: np.random.Generator) -> None:
        self._clock, self._between = clock, []
        for adapter, own in zip(self.adapters, rng.spawn(len(self.adapters)), strict=True):
            adapter.prepare(clock, source, target, own)
            source = replace(source, kind=adapter.emits, size=adapter.emitted_size(source.size), unit="", labels=())
            self._between.append(source)
        self._before_last: Signal | None = None

    def convert(self, signal: Any) -> Signal:
        for adapter, port in zip(self.adapters[:-1], self._between, strict=False):
            window, signal = signal.window, adapter.convert(signal)
            check_carried(signal, port, window, self._clock, f"{type(adapter).__name__}, a member of a Chain, gave")
        self._before_last = signal
        return self.adapters[-1].convert(signal)

    def expected(self, signal: Any) -> Moments:
        if self._before_last is None or self._before_last.window != signal.window:
            raise RuntimeError("Chain.expected() is asked after convert() of the same window")
        return self.adapters[-1].expected(self._before_last)

    def emitted_size(self, size: int) -> int:
        for adapter in self.adapters:
            size = adapter.emitted_size(size)
        return size

    def held(self) -> FloatArray | float:
        return self.adapters[-1].held()

    def state(self) -> State:
        return {
            f"{k}/{name}": value for k, adapter in enumerate(self.adapters) for name, value in adapter.state().items()
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        for k, adapter in enumerate(self.adapters):
            prefix = f"{k}/"
            adapter.restore(
                {name[len(prefix) :]: np.array(value) for name, value in state.items() if name.startswith(prefix)}
            )

    def describe(self) -> dict[str, Any]:
        return {"kind": "hybrid.adapter:Chain", "adapters": [adapter.describe() for adapter in self.adapters]}


def says_of_totals(adapter: Adapter, lines: int) -> bool:
    """Whether a prepared adapter for so many lines has :meth:`Adapter.expected_of_total` to say.

    A class that declares an ``expected`` of its own, and inherits that, has not.
    """
    for kind in type(adapter).__mro__:
        if "expected_of_total" in vars(kind):
            return adapter.expected_of_total(np.zeros(lines)) is not None
        if "expected" in vars(kind):
            return False
    return False


def check_adapter_object(given: Any, what: str) -> None:
    """Refuse what is no adapter object, saying what to write; ``None`` is none at all."""
    if given is None or isinstance(given, Adapter):
        return
    if isinstance(given, type) and issubclass(given, Adapter):
        remedy = f"the class {given.__name__}; write {given.__name__}(...), an object with its parameters"
    elif isinstance(given, str):
        name = given.rpartition(":")[2] or "SpikeToRate"
        remedy = f"the text {given!r}; import the class and write {name}(...), for only experiment files name adapters"
    else:
        remedy = (
            f"{given!r}; an adapter is an object of a class derived from hybrid.Adapter, such as adapters.SpikeToRate()"
        )
    raise WiringError(f"{what}: adapter is {remedy}")
