"""The scheduler: every component of this rank lives through one window at a time, then the ranks exchange what was emitted."""

from __future__ import annotations

import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from hybrid import errors
from hybrid.brain import Brain
from hybrid.clock import Clock, Window
from hybrid.component import Component, check_carried
from hybrid.errors import ComponentError, HybridError, told
from hybrid.interface.audit import AuditRow, DriftWatch
from hybrid.ports import Port
from hybrid.random import named_stream
from hybrid.results.recorder import Recorder
from hybrid.run.plan import Plan
from hybrid.run.stopping import StopRequest
from hybrid.run.transport import Failure, Transport
from hybrid.run.transport.wire import pack, unpack
from hybrid.signals import Signal

_Made = TypeVar("_Made")


class Scheduler:
    """Advances the components of one rank in step with the other ranks.

    Connections live on the rank of their target: raw signals travel, and only to ranks that need them. ``stopped`` is the
    signal by which any rank was asked to stop, known to all from the same exchange on.
    """

    def __init__(
        self,
        brain: Brain,
        plan: Plan,
        transport: Transport,
        seed: int,
        recorder: Recorder,
        on_drift: str = "warn",
        stopping: StopRequest | None = None,
    ) -> None:
        self._plan, self._transport, self._seed, self._recorder = plan, transport, seed, recorder
        self._on_drift, self._stopping = on_drift, stopping or StopRequest()
        self.stopped: str | None = None
        self._clock, here, place = brain.clock, transport.rank, plan.rank_of
        self.components = {name: each for name, each in brain.components.items() if place[name] == here}
        live = {name: each for name, each in brain.connections.items() if not each.is_cut}
        self.connections = {name: each for name, each in live.items() if place[each.target.component] == here}
        self._into: dict[tuple[str, str], list[str]] = defaultdict(list)  # (component, port) -> connections, by name
        for name, each in self.connections.items():
            self._into[each.target.component, each.target.name].append(name)
        routes: dict[tuple[int, int], dict[str, Port]] = defaultdict(dict)  # (from rank, to rank) -> ports, by name
        for each in live.values():
            ranks = place[each.source.component], place[each.target.component]
            if ranks[0] != ranks[1]:
                routes[ranks][str(each.source)] = each.source
        in_order = {ranks: [ports[name] for name in sorted(ports)] for ranks, ports in routes.items()}
        self._outgoing = {to: ports for (start, to), ports in in_order.items() if start == here}
        self._incoming = {start: ports for (start, to), ports in in_order.items() if to == here}
        self._failure: tuple[Failure, BaseException] | None = None
        self._at, self._busy = Window(0, 0), "the scheduler"
        self.seconds: dict[str, float] = defaultdict(float)

    def together(self, what: str, action: Callable[[], _Made]) -> _Made:
        """What every rank does; if it fails on one, the same error is raised on all of them."""
        made: list[_Made] = []
        with self._catching(f"at {what}"):
            self._busy = ""
            made.append(action())
        self._agree({}, what)
        return made[0]

    def prepare(self, told: Callable[[str], None]) -> None:
        """Bring every component and connection of this rank to life at tick 0, telling which is being prepared."""
        try:
            with self._stopping.raising(), self._catching("in preparation"):
                for name, component in self.components.items():
                    told(f"{name} ({type(component).__name__})")
                    self._transport.tell(f"preparing {name}")
                    with self._timing("prepare", name):
                        component.prepare(self._clock, named_stream(self._seed, "component", name))
                for name, connection in self.connections.items():
                    told(f"{name} ({connection})")
                    with self._timing("prepare", name):
                        connection.prepare(named_stream(self._seed, "connection", name))
        except KeyboardInterrupt:
            if not self._stopping.asked:
                raise
        self._agree({}, "preparation")

    def run(self, span: Window, passed: Callable[[Window], None]) -> Window:
        """Live through ``span``, calling ``passed`` after each window; returns what was lived through.

        Every component of this rank lives through the window; the ranks exchange what was emitted; every connection that ends
        here converts, weighs and delays it. What is emitted in a window reaches nobody before the next one, for no delay is
        shorter than a window: so neither the order of components nor their placement can matter. Now and then what was
        delivered is held against what should have been. If any rank was asked to stop, all do so after the same window.
        """
        watch = DriftWatch(self._on_drift, self._clock, span.stop, self._plan.window)
        for window in span.cut(self._plan.window):
            self._at = window
            emitted = self._live(window)
            heard = self._exchange(emitted, window)
            self._carry(heard)
            if watch.is_due(window):
                self._look(watch)
            passed(window)
            if self.stopped:
                break
        self._agree({}, "the end")
        return Window(span.start, window.stop)

    def _live(self, window: Window) -> dict[str, Signal]:
        """What the outputs of this rank's components emit over the window, by port."""
        emitted: dict[str, Signal] = {}
        with self._catching(f"in window {window}"):
            for name, component in self.components.items():
                with self._timing("connections", name):
                    inputs = {port.name: self._arriving(port, window) for port in component.inputs.values()}
                with self._timing(name):
                    outputs = component.advance(window, inputs)
                    _check_outputs(component, outputs, window, self._clock)
                with self._timing("recording"):
                    self._recorder.take(name, window, {**inputs, **outputs})
                emitted.update({f"{name}.{port}": signal for port, signal in outputs.items()})
        return emitted

    def _arriving(self, port: Port, window: Window) -> Signal:
        """The sum of what all connections deliver to an input, in the order of their names."""
        signal: Signal | None = None
        for name in self._into[port.component, port.name]:
            self._busy = name
            delivered = self.connections[name].deliver(window)
            signal = delivered if signal is None else signal + delivered
        return port.kind.silence(window, port.size) if signal is None else signal

    def _exchange(self, emitted: dict[str, Signal], window: Window) -> dict[str, Signal]:
        """What this rank's connections may need: its own signals, and those from other ranks."""
        outgoing = {}
        if not self._failure:
            outgoing = {rank: pack(emitted[str(port)] for port in ports) for rank, ports in self._outgoing.items()}
        received = self._agree(outgoing, f"window {window}")
        heard = dict(emitted)
        for rank, ports in self._incoming.items():
            heard.update(unpack(received[rank], window, ports))
        return heard

    def _carry(self, heard: Mapping[str, Signal]) -> None:
        with self._catching(f"in window {self._at}"):
            for name, connection in self.connections.items():
                with self._timing("connections", name):
                    connection.accept(heard[str(connection.source)])

    def _look(self, watch: DriftWatch) -> None:
        with self._catching(f"in window {self._at}"):
            for name, connection in self.connections.items():
                with self._timing("connections", name):
                    watch.look(connection.audit(), self._at)

    def _agree(self, outgoing: dict[int, bytes], where: str) -> dict[int, bytes]:
        """Exchange buffers; if any rank has failed, raise the same error on every rank."""
        start = time.perf_counter()
        mine = self._failure[0] if self._failure else None
        time_ms = f" (t = {self._clock.ms(self._at.start):g} ms)" if self._at.stop else ""
        exchanged = self._transport.exchange(outgoing, mine, f"{where}{time_ms}", self._stopping.asked)
        failure, self.stopped = exchanged.failure, exchanged.stop
        self.seconds["exchange" if self._at.stop else "prepare"] += time.perf_counter() - start
        if failure is None:
            return exchanged.incoming
        kind = getattr(errors, failure.error, ComponentError)
        error: HybridError = kind(failure.message)
        error.failed_rank = failure.rank
        raise error from (self._failure[1] if self._failure and mine == failure else None)

    @contextmanager
    def _catching(self, when: str) -> Iterator[None]:
        """Keep what is raised first for the next exchange, so that no rank is left waiting."""
        try:
            yield
        except BaseException as error:  # SystemExit and the like too: no component ends the program
            if self._stopping.meant(error):
                raise
            if self._failure:
                return  # a consequence
            known = isinstance(error, HybridError)
            cause = str(error) if known else told(error)
            time_ms = f" (t = {self._clock.ms(self._at.start):g} ms)" if self._at.stop else ""
            where = f" on rank {self._transport.rank}" if self._transport.size > 1 else ""
            who = f"{self._busy} failed {when}{time_ms}{where}: " if self._busy else ""
            ours = (each.__name__ for each in type(error).__mro__ if hasattr(errors, each.__name__))
            kind = next(ours, "HybridError") if known else "ComponentError"
            self._failure = Failure(kind, f"{who}{cause}", self._transport.rank), error

    @contextmanager
    def _timing(self, part: str, busy: str = "") -> Iterator[None]:
        """Count the seconds of a part, and remember who is busy."""
        self._busy = busy or part
        start = time.perf_counter()
        yield
        self.seconds[part] += time.perf_counter() - start

    def audit(self) -> list[AuditRow]:
        """The balance of every connection that ends on this rank."""
        return [connection.audit() for connection in self.connections.values()]

    def close(self) -> None:
        """Let every component give back what it holds; one that fails is named in a warning, and no result is lost."""
        for name, component in self.components.items():
            try:
                component.close()
            except BaseException as error:
                if self._stopping.meant(error):
                    raise
                warnings.warn(
                    f"{name}: close() raised {told(error)}; the results are not affected",
                    RuntimeWarning,
                    stacklevel=2,
                )


def _check_outputs(component: Component, outputs: Any, window: Window, clock: Clock) -> None:
    if not isinstance(outputs, Mapping) or outputs.keys() != component.outputs.keys():
        returned = sorted(map(str, outputs)) if isinstance(outputs, Mapping) else repr(outputs)
        raise ComponentError(f"advance() returned {returned}, but the outputs are {sorted(component.outputs)}")
    for name, port in component.outputs.items():
        check_carried(outputs[name], port, window, clock, "advance() returned")
