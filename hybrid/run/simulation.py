"""A simulation: a brain, a seed, what to record; run it and get results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hybrid.brain import Brain
from hybrid.component import Component
from hybrid.errors import ConfigurationError, answers_slips, given, shown
from hybrid.ports import Port
from hybrid.random import named_stream
from hybrid.results import Results
from hybrid.results.recorder import Every, Recorder
from hybrid.run.checkpoint import UNFINISHED, find_unfinished
from hybrid.run.execution import Execution, Setting
from hybrid.run.keeping import Keeping
from hybrid.run.outcome import interruption
from hybrid.run.plan import Plan, make_plan
from hybrid.run.stopping import StopRequest
from hybrid.run.transport import launched_rank, launched_ranks, open_transport
from hybrid.run.wish import Wish
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
        self.experiment: Mapping[str, Any] | None = None  # the file that it came from: set by hybrid.experiment
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

    def run(
        self,
        duration_ms: Any,
        *,
        out: str | Path | None = None,
        overwrite: bool = False,
        checkpoint_every_ms: Any = None,
        start: str | Path | None = None,
        buffer_mib: float = 64.0,
        flush_s: float = 10.0,
        join: bool = True,
    ) -> Results:
        """Live from time 0 through ``duration_ms`` (a number in ms or a Brian2 time) and return what was recorded.

        Ctrl-C and SIGTERM stop the run, on all ranks after the same window; what was recorded until then is saved and raised.

        Parameters
        ----------
        duration_ms: length of the run.
        out: the file to save the results in, as :meth:`hybrid.Results.save` does, by rank 0. The place is checked before
            anything is prepared; folders that are missing are made when it is saved.
        overwrite: replace a file that is there already, and what an unfinished run left there.
        checkpoint_every_ms: write a checkpoint beside ``out``, in the folder ``<out>.unfinished``, at the first window border at
            or after every multiple of this time, and when SIGUSR1, SIGTERM or Ctrl-C comes; :meth:`resume` goes on from there.
        start: the folder of a checkpoint, of this run or of one with other parameters or another seed, to begin at: what is
            lived and recorded then goes from its time through ``duration_ms``. States are those of the checkpoint, parameters
            those of this brain; with another seed random streams begin anew, by name. ``provenance`` tells what differs.
        buffer_mib: with ``out``, how much each rank keeps of its recordings in memory, in MiB. What is more is written to
            ``<out>.unfinished/`` on the way, and joined into ``out`` at the end; the results then stay in that file.
        flush_s: how often they are written there in any case, in seconds; a run that is over by then makes no such folder.
        join: if false, what was written on the way stays as it is, as ``<out>.parts/``, and ``out`` is not made.

        Raises
        ------
        ComponentError, DivergedError, ...: the same error on every rank, naming component, window, time and cause.
        DriftError: the same, naming the connection, with ``on_drift="error"``.
        OutputExistsError, ConfigurationError: there is something at ``out`` already, or no folder, or another run writes
            there; nothing was run.
        DataError: the run is done but could not be saved; the ``results`` of the error hold it.
        CheckpointError: a checkpoint could not be written; the one before is whole.
        Interrupted: by Ctrl-C or SIGTERM; its ``results`` are those of the whole windows that were run, and saved if ``out`` was
            given. A second Ctrl-C ends at once.
        """
        end = self._end(duration_ms, "duration_ms")
        every = self._every(checkpoint_every_ms)
        place = None if out is None else Path(out)
        if place is None and (every is not None or not join):
            what = "join = False" if every is None else "checkpoint_every_ms"
            raise ConfigurationError(f"{what} needs a place for what is written on the way; give out=PATH")
        branch = None if start is None else Path(start)
        return self._run(self._wish(place, every, buffer_mib, flush_s, join, overwrite=overwrite, start=branch), end)

    def resume(
        self,
        place: str | Path,
        *,
        until_ms: Any = None,
        force: bool = False,
        overwrite: bool = False,
        checkpoint_every_ms: Any = None,
        buffer_mib: float = 64.0,
        flush_s: float = 10.0,
        join: bool = True,
    ) -> Results:
        """Go on with a run that did not come to its end, from its newest checkpoint; the results are those of the whole run.

        They are the same to the bit as without a break, on any number of ranks. A checkpoint that is damaged is named on standard
        error, and the one before is used. The results take the place of those that the interrupted run saved.

        Parameters
        ----------
        place: the ``out`` of that run, or the folder ``<out>.unfinished`` beside it.
        until_ms: the end of the run, if it is to be another than was asked for.
        force: go on although the brain, the seed, what is recorded or the software differ.
        overwrite: replace a complete file of results, too.
        checkpoint_every_ms: as for :meth:`run`; by default as often as before.
        buffer_mib, flush_s, join: as for :meth:`run`.

        Raises
        ------
        CheckpointError: there is no checkpoint that can be used, or it belongs to another run: the message lists what differs.
        """
        folder = find_unfinished(place)
        out = folder.with_name(folder.name.removesuffix(UNFINISHED))
        end = None if until_ms is None else self._end(until_ms, "until_ms")
        every = self._every(checkpoint_every_ms)
        wish = self._wish(out, every, buffer_mib, flush_s, join, overwrite=overwrite, resume=folder, force=force)
        return self._run(wish, end)

    def _wish(
        self, out: Path | None, every: int | None, buffer_mib: float, flush_s: float, join: bool, **others: Any
    ) -> Wish:
        buffer_mib = number(buffer_mib, "1", "buffer_mib", positive=True)
        flush_s = number(flush_s, "s", "flush_s", positive=True)
        return Wish(out, every, buffer_mib=buffer_mib, flush_s=flush_s, join=join, **others)

    def _end(self, time_ms: Any, what: str) -> int:
        ticks = self.brain.clock.ticks(time_ms, what)
        if ticks < 1:
            raise ConfigurationError(f"{what} = {self.brain.clock.ms(ticks):g}: there is nothing to run")
        return ticks

    def _every(self, time_ms: Any) -> int | None:
        return None if time_ms is None else self._end(time_ms, "checkpoint_every_ms")

    def _run(self, wish: Wish, end: int | None) -> Results:
        """The run that is asked for, through tick ``end``; if that is ``None``, as the checkpoint says."""
        keeping = Keeping(wish)
        recorder = Recorder(self.brain.clock, self.record, keeping.place, wish.buffer_mib, wish.flush_s, keeping.claim)
        setting = Setting(
            brain=self.brain,
            seed=self.seed,
            record=self.record,
            plan_wishes=self._plan_wishes,
            on_drift=self.on_drift,
            threads=self.threads,
            progress=self.progress,
            configuration=self.configuration,
            experiment=self.experiment,
        )
        with StopRequest(answers=launched_rank() == 0, checkpoints=wish.keeps) as stopping:
            transport = open_transport(self.transport_kind, self.timeout_s, self.comm, stopping)
            try:
                execution = Execution(setting, wish, end, transport, stopping, recorder, keeping)
                results, whole, by = execution.run()
            except BaseException as error:
                keeping.abandon(recorder)
                transport.give_up(error)
                raise
            transport.close()
        by = by or stopping.asked
        if results is None or by is not None:
            raise interruption(by or "SIGTERM", results, whole, wish, keeping.output, told=transport.rank == 0)
        return results


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
