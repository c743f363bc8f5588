"""One run on one rank of a transport: what is checked, prepared, lived through, gathered and saved, in this order."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hybrid.brain import Brain
from hybrid.clock import Window
from hybrid.errors import HybridError
from hybrid.ports import Port
from hybrid.results import Results, software_versions
from hybrid.results.info import plain
from hybrid.results.recorder import Every, Recorder
from hybrid.results.results import now
from hybrid.run.agreement import require_agreement, what_must_agree
from hybrid.run.checkpoint import Keeper, setup_of
from hybrid.run.keeping import Keeping
from hybrid.run.outcome import timing
from hybrid.run.plan import make_plan
from hybrid.run.progress import Progress
from hybrid.run.scheduler import Scheduler
from hybrid.run.stopping import StopRequest
from hybrid.run.transport import Transport
from hybrid.run.wish import Wish


@dataclass(frozen=True)
class Setting:
    """What is run, and how; see :class:`hybrid.Simulation` for all of it."""

    brain: Brain
    seed: int
    record: list[Port | Every]
    plan_wishes: Mapping[str, Any]
    on_drift: str
    threads: int
    progress: bool
    configuration: Mapping[str, Any] | None
    experiment: Mapping[str, Any] | None


class Execution:
    """One run, on one rank; every rank calls :meth:`run`.

    Parameters
    ----------
    setting: what is run.
    wish: where its results go, and where it begins.
    end: the tick through which it goes; ``None``: as the checkpoint says that it goes on from.
    transport, stopping, recorder, keeping: what it works with.
    """

    def __init__(
        self,
        setting: Setting,
        wish: Wish,
        end: int | None,
        transport: Transport,
        stopping: StopRequest,
        recorder: Recorder,
        keeping: Keeping,
    ) -> None:
        self._began = time.perf_counter()
        self._setting, self._wish, self._end = setting, wish, end
        self._transport, self._recorder, self._keeping = transport, recorder, keeping
        brain, seed = setting.brain, setting.seed
        self._clock, self._is_root = brain.clock, transport.rank == 0
        self._plan = make_plan(brain, transport.size, **setting.plan_wishes)
        self._scheduler = Scheduler(
            brain, self._plan, transport, seed, recorder, setting.on_drift, stopping, setting.threads
        )
        self._progress = Progress(self._clock, shown=setting.progress and self._is_root)
        transport.on_notice = self._progress.told
        ports = [each.port if isinstance(each, Every) else each for each in setting.record]

        def setup() -> dict[str, Any]:
            return setup_of(brain, setting.record, seed, setting.experiment)

        self._keeper = Keeper(wish, self._clock, transport, self._scheduler, recorder, ports, setup)
        self._configuration: dict[str, Any] = {}
        self._prepare_s = 0.0

    def run(self) -> tuple[Results | None, Window, str | None]:
        """The results (``None`` if it was stopped in preparation), what was to be lived through from where its recordings begin,
        and the signal that stopped it."""
        scheduler = self._scheduler
        try:
            run = self._check()
            span, whole = self._keeper.load(self._end)
            scheduler.prepare(self._progress.preparing)
            if scheduler.stopped:
                return None, whole, scheduler.stopped
            drift = self._begin(run, span)
            lived = scheduler.run(span, self._progress.passed, self._keeper.at_border, drift)
            running_s = time.perf_counter() - self._began - self._prepare_s
            results = self._gathered(Window(whole.start, lived.stop), lived, running_s)
            if lived != span:
                results = replace(results, interrupted_by=scheduler.stopped)
            return self._saved(results), whole, scheduler.stopped
        finally:
            self._progress.close()
            scheduler.close()

    def _check(self) -> str:
        """Look at the output and at the other ranks, before anything is prepared; returns a name for the run."""
        transport, setting = self._transport, self._setting

        def look() -> dict[str, Any]:
            if self._is_root:
                self._keeping.check()
            described: dict[str, Any] = plain(setting.configuration or setting.brain.describe())
            return described

        self._configuration = self._scheduler.together("the start", look)
        if transport.size > 1:
            span = Window(0, self._end or 0)
            facts = what_must_agree(setting.brain, self._plan, setting.seed, span, self._recorder.names)
            self._scheduler.together("comparing ranks", lambda: require_agreement(transport, facts))
        name: str = transport.everyone(self._keeping.run, "comparing ranks")[0]
        return name

    def _begin(self, run: str, span: Window) -> dict[str, list[int]]:
        """All parts are prepared: take the place of the output, and the state of a checkpoint; returns what the watch over
        interfaces remembers of it."""
        about = {
            "seed": self._setting.seed,
            "ports": sorted(self._recorder.names),
            "created": now(),
            "configuration": self._configuration,
            "versions": software_versions(),
            "plan": self._plan.describe(),
        }
        self._keeping.begin(run, about)
        if self._wish.out is not None:
            self._scheduler.together("the start", self._keeping.take_place if self._is_root else lambda: None)
        drift = self._keeper.begin(span, self._plan.window, self._setting.seed)
        self._prepare_s = time.perf_counter() - self._began
        self._progress.prepared(self._prepare_s, span)
        return drift

    def _gathered(self, recorded: Window, lived: Window, running_s: float) -> Results:
        """What all ranks have recorded and measured, on every rank; recordings in files stay there."""
        transport, recorder, keeping = self._transport, self._recorder, self._keeping
        in_files = any(transport.everyone(recorder.writes, "gathering results"))
        found = self._in_files(recorded) if in_files else {}
        mine = {
            "recordings": {} if in_files else recorder.finish(recorded),
            "audit": [row.as_dict() for row in self._scheduler.audit()],
            "seconds": {**self._scheduler.seconds, "running": running_s},
        }
        everyone = transport.everyone(mine, "gathering results")
        recordings = found or {name: each for rank in everyone for name, each in rank["recordings"].items()}
        keeping.in_files, keeping.recorded = in_files, recorded
        return Results(
            recordings=dict(sorted(recordings.items())),
            clock=self._clock,
            duration=len(recorded),
            seed=self._setting.seed,
            configuration=self._configuration,
            versions=software_versions(),
            plan=self._plan.describe(),
            audit=sorted((row for rank in everyone for row in rank["audit"]), key=lambda row: row["connection"]),
            timing=timing(
                [rank["seconds"] for rank in everyone],
                self._clock.ms(len(lived)),
                self._prepare_s,
                time.perf_counter() - self._began,
            ),
            provenance=self._keeper.provenance,
            is_root=self._is_root,
        )

    def _in_files(self, recorded: Window) -> dict[str, Any]:
        """What the ranks have written, on rank 0; elsewhere nothing."""
        together, keeping = self._scheduler.together, self._keeping
        wrote = together("writing the recordings", lambda: keeping.written(self._recorder, recorded))
        files = self._transport.everyone(wrote, "gathering results")
        found: dict[str, Any] = together(
            "looking for the recordings of all ranks", lambda: keeping.found(files, recorded) if self._is_root else {}
        )
        return found

    def _saved(self, results: Results) -> Results:
        """The results as they lie in the output, if there is one; what the run needed on the way is removed.

        ``HybridError`` has them in ``results`` if that fails.
        """
        transport, scheduler, keeping = self._transport, self._scheduler, self._keeping

        def save() -> Any:
            if not self._is_root:
                return None
            transport.tell("saving the results")
            keeping.save(results, bool(scheduler.stopped) and transport.size > 1, self._joining)
            return keeping.where()

        saved = results
        try:
            where = scheduler.together("saving", save)
            if keeping.in_files:
                where = transport.everyone(where, "saving")[0]
                saved = replace(results, recordings=keeping.seen(where))
        except HybridError as error:
            error.results = results
            raise
        if saved.interrupted_by is None:
            self._keeper.done()
        if self._is_root:
            keeping.tidy()
        return saved

    def _joining(self, share: float) -> None:
        self._transport.tell(f"saving the results ({share:.0%})")
        self._progress.told(0, f"saving the results ({share:.0%})")
