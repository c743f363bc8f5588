"""A simulation: a brain, a seed, what to record; run it and get results."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from hybrid.brain import Brain
from hybrid.clock import Window
from hybrid.component import Component
from hybrid.errors import ConfigurationError, PeerError, answers_slips, given, shown
from hybrid.ports import Port
from hybrid.random import named_stream
from hybrid.results import Results, software_versions
from hybrid.results.recorder import Every, Recorder
from hybrid.run.plan import Plan, make_plan
from hybrid.run.progress import Progress
from hybrid.run.scheduler import Scheduler
from hybrid.run.transport import launched_ranks, open_transport
from hybrid.units import number


class Simulation:
    """Runs a brain, alone or on every rank that ``mpirun`` started.

    Under MPI every rank runs the same script: each builds the whole brain, brings to life what is placed on it, and gets the
    whole results; only rank 0 writes when they are saved. The results are the same to the bit for any number of ranks and any
    placement.

    Parameters
    ----------
    brain: the components and their connections.
    seed: whole number; every random stream of the run follows from it and from the names of components and connections.
    record: a port, its name (``"focus.spikes"``), or :class:`hybrid.Every` of one (decimated); or several of them.
    window_ms: shorter windows than the shortest delay allows, if wanted.
    placement: component name -> rank, where the balance by load is not wanted.
    transport: ``"auto"``, ``"serial"`` or ``"mpi"``.
    timeout_s: how long a rank waits for the others before it gives up.
    progress: show how far the run is, on rank 0: a bar on a terminal, plain lines in a log file.
    on_drift: what to do when an interface delivers something else than theory says, beyond 5 standard deviations at three checks
        in a row or at the end: ``"warn"``, ``"error"`` (stop every rank) or ``"ignore"``. The results hold the audit in any case.
    configuration: kept with the results instead of a description of the brain (an experiment file keeps its own text).
    """

    @answers_slips
    def __init__(
        self,
        brain: Brain,
        seed: int = 0,
        record: Port | Every | str | Iterable[Port | Every | str] = (),
        *,
        window_ms: Any = None,
        placement: Mapping[str, int] | None = None,
        transport: str = "auto",
        timeout_s: float = 600.0,
        progress: bool = False,
        on_drift: str = "warn",
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(brain, Brain):
            raise ConfigurationError(f"Simulation() takes a Brain, not {given(brain)}")
        named_stream(seed, "check", "simulation")  # refuses what is no seed
        self.brain, self.seed = brain, int(seed)
        several = isinstance(record, Iterable) and not isinstance(record, str)
        wanted: Iterable[Any] = record if several else [record]  # type: ignore[assignment]
        self.record = [_target(brain, each) for each in wanted]
        if transport not in ("auto", "serial", "mpi"):
            raise ConfigurationError(f"transport = {transport!r} is not known; give 'auto', 'serial' or 'mpi'")
        if placement is not None and not isinstance(placement, Mapping):
            raise ConfigurationError(f"placement takes a dictionary {{component: rank}}, not {given(placement)}")
        if on_drift not in ("warn", "error", "ignore"):
            raise ConfigurationError(f"on_drift = {on_drift!r} is not known; give 'warn', 'error' or 'ignore'")
        self.progress, self.on_drift = progress, on_drift
        self.configuration = configuration
        self.transport_kind, self.timeout_s = transport, number(timeout_s, "s", "timeout_s", positive=True)
        self._plan_wishes = {"window_ms": window_ms, "placement": placement}
        self.plan: Plan = make_plan(brain, launched_ranks() if transport != "serial" else 1, **self._plan_wishes)
        Recorder(brain.clock, self.record)  # refuses what cannot be recorded, before anything runs

    def run(self, duration_ms: Any) -> Results:
        """Live from time 0 through ``duration_ms`` (a number in ms or a Brian2 time) and return what was recorded.

        Raises
        ------
        ComponentError, DivergedError, ...: the same error on every rank, naming component, window, time and cause.
        DriftError: the same, naming the connection, with ``on_drift="error"``.
        """
        span = Window(0, self.brain.clock.ticks(duration_ms, "duration_ms"))
        if not len(span):
            raise ConfigurationError("duration_ms = 0: there is nothing to run")
        began = time.perf_counter()
        transport = open_transport(self.transport_kind, self.timeout_s)
        plan = make_plan(self.brain, transport.size, **self._plan_wishes)
        recorder = Recorder(self.brain.clock, self.record)
        scheduler = Scheduler(self.brain, plan, transport, self.seed, recorder, self.on_drift)
        progress = Progress(span, self.brain.clock, shown=self.progress and transport.rank == 0)
        try:
            scheduler.prepare()
            started = time.perf_counter()
            scheduler.run(span, progress.passed)
            running_s = time.perf_counter() - started
            mine = {
                "recordings": recorder.finish(span),
                "audit": [row.as_dict() for row in scheduler.audit()],
                "seconds": {**scheduler.seconds, "running": running_s},
            }
        finally:
            progress.close()
            scheduler.close()
        everyone = transport.share(transport.gather(mine))
        if everyone is None:
            raise PeerError("rank 0 gathered nothing; the run cannot be completed")
        recordings = {name: each for rank in everyone for name, each in rank["recordings"].items()}
        audit = sorted((row for rank in everyone for row in rank["audit"]), key=lambda row: row["connection"])
        return Results(
            recordings=dict(sorted(recordings.items())),
            clock=self.brain.clock,
            duration=len(span),
            seed=self.seed,
            configuration=dict(self.configuration or self.brain.describe()),
            versions=software_versions(),
            plan=plan.describe(),
            audit=audit,
            timing=_timing(
                [rank["seconds"] for rank in everyone], self.brain.clock.ms(len(span)), time.perf_counter() - began
            ),
            is_root=transport.rank == 0,
        )


def _target(brain: Brain, wanted: Port | Every | str) -> Port | Every:
    """What to record as a port of this brain."""
    if isinstance(wanted, Every):
        return Every(_port(brain, wanted.port), wanted.every_ms, wanted.average)
    return _port(brain, wanted)


def _port(brain: Brain, wanted: Any) -> Port:
    if isinstance(wanted, Port):
        port = brain[wanted.component][wanted.name]
        if port != wanted:
            raise ConfigurationError(f"cannot record {wanted}: it belongs to another component of that name")
        return port
    component, dot, name = wanted.partition(".") if isinstance(wanted, str) else ("", "", "")
    if not dot:
        has = ""
        if isinstance(wanted, Component):
            has = f" (it has: {', '.join([*wanted.inputs, *wanted.outputs])})"
        raise ConfigurationError(f"cannot record {shown(wanted)}; give a port, or its name as in 'focus.spikes'{has}")
    return brain[component][name]


def _timing(ranks: list[dict[str, float]], biological_ms: float, total_s: float) -> dict[str, Any]:
    """Seconds by rank and part; what no part accounts for is scheduling."""
    rows: list[dict[str, Any]] = []
    for seconds in ranks:
        parts = {name: value for name, value in seconds.items() if name not in ("running", "prepare")}
        parts["scheduling"] = max(0.0, seconds["running"] - sum(parts.values()))
        rows.append({"prepare_s": seconds.get("prepare", 0.0), "running_s": seconds["running"], "parts_s": parts})
    slowest: float = max(row["running_s"] for row in rows)
    return {
        "total_s": total_s,
        "running_s": slowest,
        "real_time_factor": slowest / (biological_ms * 1e-3),
        "ranks": rows,
    }
