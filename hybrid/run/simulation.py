"""A simulation: a brain, a seed, what to record; run it and get results."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hybrid.brain import Brain
from hybrid.clock import Window
from hybrid.component import Component
from hybrid.errors import ConfigurationError, HybridError, Interrupted, answers_slips, given, interrupted, shown
from hybrid.ports import Port
from hybrid.random import named_stream
from hybrid.results import Results, software_versions
from hybrid.results.file import check_place
from hybrid.results.info import plain
from hybrid.results.recorder import Every, Recorder
from hybrid.run.agreement import require_agreement, what_must_agree
from hybrid.run.plan import Plan, make_plan
from hybrid.run.progress import Progress, say
from hybrid.run.saving import save_apart
from hybrid.run.scheduler import Scheduler
from hybrid.run.stopping import StopRequest
from hybrid.run.transport import Transport, launched_rank, launched_ranks, open_transport
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
    comm: an mpi4py communicator, for a program that has started MPI itself: its ranks run the brain, and those outside of it
        take no part. It is duplicated for every run and not kept.
    threads: on each rank, how many of its components advance side by side. No result depends on it; more than there are
        processors for a rank, or components on it, serve nothing.
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
        comm: Any = None,
        threads: int = 1,
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
        self.comm = comm
        if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
            raise ConfigurationError(f"threads = {threads!r} must be a whole number, 1 or above")
        self.threads = threads
        self._plan_wishes = {"window_ms": window_ms, "placement": placement}
        self.plan: Plan = make_plan(brain, self._ranks(), **self._plan_wishes)
        Recorder(brain.clock, self.record)  # refuses what cannot be recorded, before anything runs

    def _ranks(self) -> int:
        """How many ranks will take part, as far as is known before MPI is."""
        if self.comm is None:
            return launched_ranks() if self.transport_kind != "serial" else 1
        if self.transport_kind == "serial" or not hasattr(self.comm, "Get_size"):
            raise ConfigurationError(
                f"comm = {self.comm!r} with transport = {self.transport_kind!r}; give mpi4py's communicator and 'auto' or 'mpi'"
            )
        return int(self.comm.Get_size())

    def run(self, duration_ms: Any, *, out: str | Path | None = None, overwrite: bool = False) -> Results:
        """Live from time 0 through ``duration_ms`` (a number in ms or a Brian2 time) and return what was recorded.

        Ctrl-C and SIGTERM stop the run, on all ranks after the same window; what was recorded until then is saved and raised.

        Parameters
        ----------
        duration_ms: length of the run.
        out: the file to save the results in, as :meth:`hybrid.Results.save` does, by rank 0. The place is checked before
            anything is prepared; folders that are missing are made when it is saved.
        overwrite: replace a file that is there already.

        Raises
        ------
        ComponentError, DivergedError, ...: the same error on every rank, naming component, window, time and cause.
        DriftError: the same, naming the connection, with ``on_drift="error"``.
        OutputExistsError, ConfigurationError: there is something at ``out`` already, or no folder; nothing was run.
        DataError: the run is done but could not be saved; the ``results`` of the error hold it.
        Interrupted: by Ctrl-C or SIGTERM; its ``results`` are those of the whole windows that were run, and saved if ``out`` was
            given. A second Ctrl-C ends at once.
        """
        ticks = self.brain.clock.ticks(duration_ms, "duration_ms")
        if ticks < 1:
            raise ConfigurationError(f"duration_ms = {self.brain.clock.ms(ticks):g}: there is nothing to run")
        span = Window(0, ticks)
        with StopRequest(answers=launched_rank() == 0) as stopping:
            transport = open_transport(self.transport_kind, self.timeout_s, self.comm, stopping)
            try:
                results, by = self._run_on(transport, span, stopping, None if out is None else Path(out), overwrite)
            except BaseException as error:
                transport.give_up(error)
                raise
            transport.close()
        by = by or stopping.asked
        if results is None or by is not None:
            raise _interruption(by or "SIGTERM", results, span, out, told=transport.rank == 0)
        return results

    def _run_on(
        self, transport: Transport, span: Window, stopping: StopRequest, out: Path | None, overwrite: bool
    ) -> tuple[Results | None, str | None]:
        """The run on the ranks of a transport (``None`` if it was stopped in preparation), and the signal that stopped it."""
        began = time.perf_counter()
        clock, is_root = self.brain.clock, transport.rank == 0
        plan = make_plan(self.brain, transport.size, **self._plan_wishes)
        recorder = Recorder(clock, self.record)
        scheduler = Scheduler(self.brain, plan, transport, self.seed, recorder, self.on_drift, stopping, self.threads)
        progress = Progress(span, clock, shown=self.progress and is_root)
        transport.on_notice = progress.told

        def check() -> dict[str, Any]:
            if out is not None and is_root:
                check_place(out, overwrite)
            described: dict[str, Any] = plain(self.configuration or self.brain.describe())
            return described

        def save() -> None:
            if out is not None and is_root:
                transport.tell("saving the results")
                if scheduler.stopped and transport.size > 1:
                    save_apart(results, out, overwrite)
                else:
                    results.save(out, overwrite)

        try:
            configuration = scheduler.together("the start", check)
            if transport.size > 1:
                facts = what_must_agree(self.brain, plan, self.seed, span, recorder.names)
                scheduler.together("comparing ranks", lambda: require_agreement(transport, facts))
            scheduler.prepare(progress.preparing)
            prepare_s = time.perf_counter() - began
            if scheduler.stopped:
                return None, scheduler.stopped
            progress.prepared(prepare_s)
            lived = scheduler.run(span, progress.passed)
            running_s = time.perf_counter() - began - prepare_s
            mine = {
                "recordings": recorder.finish(lived),
                "audit": [row.as_dict() for row in scheduler.audit()],
                "seconds": {**scheduler.seconds, "running": running_s},
            }
            everyone = transport.everyone(mine, "gathering results")
            recordings = {name: each for rank in everyone for name, each in rank["recordings"].items()}
            results = Results(
                recordings=dict(sorted(recordings.items())),
                clock=clock,
                duration=len(lived),
                seed=self.seed,
                configuration=configuration,
                versions=software_versions(),
                plan=plan.describe(),
                audit=sorted((row for rank in everyone for row in rank["audit"]), key=lambda row: row["connection"]),
                timing=_timing(
                    [rank["seconds"] for rank in everyone],
                    clock.ms(len(lived)),
                    prepare_s,
                    time.perf_counter() - began,
                ),
                is_root=is_root,
                interrupted_by=scheduler.stopped if lived != span else None,
            )
            try:
                scheduler.together("saving", save)
            except HybridError as error:
                error.results = results
                raise
            return results, scheduler.stopped
        finally:
            progress.close()
            scheduler.close()


def _interruption(by: str, results: Results | None, span: Window, out: str | Path | None, told: bool) -> Interrupted:
    """What to raise after a run that was asked to stop; ``told``: here it is also said."""
    if results is None:
        message = f"interrupted ({by}) in preparation, before the first window: there are no results"
    else:
        whole_ms = results.clock.ms(len(span))
        at = f"at {results.duration_ms:g} of {whole_ms:g} ms" if results.interrupted_by else "when the run was complete"
        where = f"saved in {out}" if out is not None else "in .results of this exception; run(..., out=PATH) saves them"
        message = f"interrupted ({by}) {at}; the results until then are {where}"
    if told:
        say(message)
    return interrupted(message, by, results)


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


def _timing(ranks: list[dict[str, float]], biological_ms: float, prepare_s: float, total_s: float) -> dict[str, Any]:
    """Seconds by rank and part; what no part accounts for is scheduling."""
    rows: list[dict[str, Any]] = []
    for seconds in ranks:
        parts = {name: value for name, value in seconds.items() if name not in ("running", "prepare")}
        parts["scheduling"] = max(0.0, seconds["running"] - sum(parts.values()))
        rows.append({"prepare_s": seconds.get("prepare", 0.0), "running_s": seconds["running"], "parts_s": parts})
    slowest: float = max(row["running_s"] for row in rows)
    return {
        "total_s": total_s,
        "prepare_s": prepare_s,
        "running_s": slowest,
        "real_time_factor": slowest / (biological_ms * 1e-3),
        "ranks": rows,
    }
