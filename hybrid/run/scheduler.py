"""The scheduler: every component of this rank lives through one window at a time, then the ranks exchange what was emitted."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any, TypeVar

from hybrid import errors
from hybrid.brain import Brain
from hybrid.clock import Window
from hybrid.component import Component
from hybrid.errors import ComponentError, HybridError, told
from hybrid.interface.audit import AuditRow, DriftWatch
from hybrid.interface.connection import Connection
from hybrid.ports import Port
from hybrid.random import named_stream
from hybrid.results.recorder import Recorder
from hybrid.run.member import Member
from hybrid.run.plan import Plan
from hybrid.run.stopping import CHECKPOINT, StopRequest
from hybrid.run.threads import Threads
from hybrid.run.transport import Failure, Transport
from hybrid.run.transport.wire import pack, unpack
from hybrid.signals import Signal

_Made = TypeVar("_Made")


class Scheduler:
    """Advances the components of one rank in step with the other ranks.

    Connections live on the rank of their target: raw signals travel, and only to ranks that need them. ``stopped`` is the
    signal by which any rank was asked to stop, known to all from the same exchange on. ``seconds`` is the time that each part
    has taken so far; that of components that advance in several threads adds up to more than has passed.
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
        threads: int = 1,
    ) -> None:
        self._plan, self._transport, self._seed, self._recorder = plan, transport, seed, recorder
        self._on_drift, self._stopping = on_drift, stopping or StopRequest()
        self.stopped: str | None = None
        self._wished = False  # a rank was asked for a checkpoint, which all know from the same exchange on
        self._watch: DriftWatch | None = None
        self._clock, here, place = brain.clock, transport.rank, plan.rank_of
        self.components = {name: each for name, each in brain.components.items() if place[name] == here}
        live = {name: each for name, each in brain.connections.items() if not each.is_cut}
        self.connections = {name: each for name, each in live.items() if place[each.target.component] == here}
        heard = {str(each.source) for each in live.values()} | recorder.names
        self._members = [
            Member(each, brain.clock, self.connections.values(), heard) for each in self.components.values()
        ]
        self._heaviest_first = sorted(range(len(self._members)), key=lambda k: -self._members[k].component.load)
        self._threads = Threads(min(threads, max(1, len(self._members))))
        routes: dict[tuple[int, int], dict[str, Port]] = defaultdict(dict)  # (from rank, to rank) -> ports, by name
        for each in live.values():
            ranks = place[each.source.component], place[each.target.component]
            if ranks[0] != ranks[1]:
                routes[ranks][str(each.source)] = each.source
        in_order = {ranks: [ports[name] for name in sorted(ports)] for ranks, ports in routes.items()}
        self._outgoing = {to: ports for (start, to), ports in in_order.items() if start == here}
        self._incoming = {start: ports for (start, to), ports in in_order.items() if to == here}
        self._carried = [(name, str(each.source), each) for name, each in self.connections.items()]
        self._failure: tuple[Failure, BaseException] | None = None
        self._window, self._busy = Window(0, 0), "the scheduler"
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
        self._transport.connect(self._outgoing, self._incoming)
        try:
            with self._stopping.raising(), self._catching("in preparation"):
                for member in self._members:
                    name = member.name
                    told(f"{name} ({type(member.component).__name__})")
                    self._transport.tell(f"preparing {name}")
                    with self._timing("prepare", name):
                        member.component.prepare(self._clock, named_stream(self._seed, "component", name))
                        member.component.want(member.wanted)
                for name, connection in self.connections.items():
                    told(f"{name} ({connection})")
                    with self._timing("prepare", name):
                        connection.prepare(named_stream(self._seed, "connection", name))
        except KeyboardInterrupt:
            if not self._stopping.asked:
                raise
        self._agree({}, "preparation")

    @property
    def parts(self) -> Mapping[str, Component | Connection]:
        """All that lives on this rank and has a state, by kind and name: ``"component cortex"``."""
        parts: dict[str, Component | Connection] = {f"component {name}": each for name, each in self.components.items()}
        return parts | {f"connection {name}": each for name, each in self.connections.items()}

    @property
    def drift(self) -> dict[str, list[int]]:
        """What the watch over this rank's interfaces remembers."""
        return {} if self._watch is None else self._watch.state()

    def run(
        self,
        span: Window,
        passed: Callable[[Window], None],
        at_border: Callable[[Window, str | None], None] | None = None,
        drift: Mapping[str, list[int]] | None = None,
    ) -> Window:
        """Live through ``span``, calling ``passed`` after each window; returns what was lived through.

        Every component of this rank lives through the window; the ranks exchange what was emitted; every connection that ends
        here converts, weighs and delays it. What is emitted in a window reaches nobody before the next one, for no delay is
        shorter than a window: so neither the order of components nor their placement can matter. Now and then what was
        delivered is held against what should have been. If any rank was asked to stop, all do so after the same window.

        ``at_border`` is called on every rank after each window, with the signal that asked for a checkpoint, if one did;
        ``drift`` is what the watch over interfaces remembers of an earlier part of the run.
        """
        self._watch = watch = DriftWatch(self._on_drift, self._clock, span.stop, self._plan.window)
        watch.restore({name: each for name, each in (drift or {}).items() if name in self.connections})
        for window in span.cut(self._plan.window):
            self._window = window
            emitted = self._live(window)
            heard = self._exchange(emitted, window)
            self._carry(heard)
            if watch.is_due(window):
                self._look(watch)
            passed(window)
            if at_border is not None:
                self._at(window, at_border)
            if self.stopped:
                break
        self._agree({}, "the end")
        return Window(span.start, window.stop)

    def _at(self, border: Window, call: Callable[[Window, str | None], None]) -> None:
        """One checkpoint is enough for all that asked while it was written."""
        asked = self.stopped or (CHECKPOINT if self._wished else None)
        began, exchanging = perf_counter(), self.seconds["exchange"]
        call(border, asked)
        self.seconds["checkpoints"] += perf_counter() - began - (self.seconds["exchange"] - exchanging)
        if asked:
            self._wished = self._stopping.wished = False

    def _live(self, window: Window) -> dict[str, Signal]:
        """What the outputs of this rank's components emit over the window, by port."""
        emitted: dict[str, Signal] = {}
        try:
            began = perf_counter()
            given = [self._arriving(member, window) for member in self._members]
            self.seconds["connections"] += perf_counter() - began
            lived = self._advance(window, given)
            began = perf_counter()
            for member, inputs, outputs in zip(self._members, given, lived, strict=True):
                self._busy = member.name
                self._recorder.take(member.name, window, inputs, outputs)
                for port, signal in outputs.items():
                    emitted[member.full[port]] = signal
            self._busy = ""
            self._recorder.tend()
            self.seconds["recording"] += perf_counter() - began
        except BaseException as error:
            self._keep(error, f"in window {window}")
        return emitted

    def _arriving(self, member: Member, window: Window) -> dict[str, Signal]:
        """By input, the sum of what all connections deliver, in the order of their names."""
        inputs: dict[str, Signal] = {}
        for port, connections in member.inputs:
            signal: Signal | None = None
            for connection in connections:
                self._busy = connection.name
                delivered = connection.deliver(window)
                signal = delivered if signal is None else signal + delivered
            inputs[port.name] = port.kind.silence(window, port.size) if signal is None else signal
        return inputs

    def _advance(self, window: Window, given: list[dict[str, Signal]]) -> list[dict[str, Signal]]:
        """Every component's outputs; if several fail, the error is that of the first."""
        outputs: list[Any] = [None] * len(given)
        failed: dict[int, BaseException] = {}

        def advance(k: int) -> None:
            if failed:
                return
            member, began = self._members[k], perf_counter()
            try:
                outputs[k] = member.advance(window, given[k])
            except BaseException as error:  # kept for the exchange
                failed[k] = error
            self.seconds[member.name] += perf_counter() - began

        self._threads.each(advance, self._heaviest_first)
        if failed:
            first = min(failed)
            self._busy = self._members[first].name
            raise failed[first]
        return outputs

    def _exchange(self, emitted: dict[str, Signal], window: Window) -> dict[str, Signal]:
        """What this rank's connections may need: its own signals, and those from other ranks."""
        outgoing = {}
        if not self._failure and self._outgoing:
            outgoing = {rank: pack(emitted[str(port)] for port in ports) for rank, ports in self._outgoing.items()}
        received = self._agree(outgoing, window)
        for rank, ports in self._incoming.items():
            emitted.update(unpack(received[rank], window, ports))
        return emitted

    def _carry(self, heard: Mapping[str, Signal]) -> None:
        began = perf_counter()
        try:
            for name, source, connection in self._carried:
                self._busy = name
                connection.accept(heard[source])
        except BaseException as error:
            self._keep(error, f"in window {self._window}")
        self.seconds["connections"] += perf_counter() - began

    def _look(self, watch: DriftWatch) -> None:
        with self._catching(f"in window {self._window}"):
            for name, connection in self.connections.items():
                with self._timing("connections", name):
                    watch.look(connection.audit(), self._window)

    def _agree(self, outgoing: dict[int, bytes], where: object) -> Mapping[int, bytes | bytearray]:
        """Exchange buffers; if any rank has failed, raise the same error on every rank."""
        began = perf_counter()
        mine = self._failure[0] if self._failure else None
        asked = self._stopping.asked or (CHECKPOINT if self._stopping.wished else None)
        exchanged = self._transport.exchange(outgoing, mine, _Moment(where, self), asked)
        failure = exchanged.failure
        if exchanged.stop == CHECKPOINT:
            self._wished = True
        else:
            self.stopped = exchanged.stop or self.stopped
        self.seconds["exchange" if self._window.stop else "prepare"] += perf_counter() - began
        if failure is None:
            return exchanged.incoming
        kind = getattr(errors, failure.error, ComponentError)
        error: HybridError = kind(failure.message)
        error.failed_rank = failure.rank
        raise error from (self._failure[1] if self._failure and mine == failure else None)

    @property
    def time_ms(self) -> str:
        """For messages: when the present window begins; empty before the first."""
        return f" (t = {self._clock.ms(self._window.start):g} ms)" if self._window.stop else ""

    @contextmanager
    def _catching(self, when: str) -> Iterator[None]:
        """Keep what is raised first for the next exchange, so that no rank is left waiting."""
        try:
            yield
        except BaseException as error:
            self._keep(error, when)

    def _keep(self, error: BaseException, when: str) -> None:
        """Any error, SystemExit and the like too: no component ends the program."""
        if self._stopping.meant(error):
            raise error
        if self._failure:
            return  # a consequence
        known = isinstance(error, HybridError)
        cause = str(error) if known else told(error)
        where = f" on rank {self._transport.rank}" if self._transport.size > 1 else ""
        who = f"{self._busy} failed {when}{self.time_ms}{where}: " if self._busy else ""
        ours = (each.__name__ for each in type(error).__mro__ if hasattr(errors, each.__name__))
        kind = next(ours, "HybridError") if known else "ComponentError"
        self._failure = Failure(kind, f"{who}{cause}", self._transport.rank), error

    @contextmanager
    def _timing(self, part: str, busy: str = "") -> Iterator[None]:
        """Count the seconds of a part, and remember who is busy."""
        self._busy = busy or part
        began = perf_counter()
        yield
        self.seconds[part] += perf_counter() - began

    def audit(self) -> list[AuditRow]:
        """The balance of every connection that ends on this rank."""
        return [connection.audit() for connection in self.connections.values()]

    def close(self) -> None:
        """Let every component give back what it holds; one that fails is named in a warning, and no result is lost."""
        self._threads.close()
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


class _Moment:
    """What is being waited for, and at what time: text only if somebody asks."""

    __slots__ = ("_scheduler", "_where")

    def __init__(self, where: object, scheduler: Scheduler) -> None:
        self._where, self._scheduler = where, scheduler

    def __str__(self) -> str:
        window = "window " if isinstance(self._where, Window) else ""
        return f"{window}{self._where}{self._scheduler.time_ms}"
