"""A sweep: one experiment at many values, run where there is room, opened as one table or one xarray."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.errors import ConfigurationError, SweepError
from hybrid.experiment.sweep.design import MANIFEST, Design
from hybrid.experiment.sweep.grid import Axis, Grid, parse_axis
from hybrid.experiment.sweep.index import names_of, outcomes_in, rows, write_index
from hybrid.experiment.sweep.outcome import FAILED, MISSING, Outcome
from hybrid.experiment.sweep.progress import SweepProgress
from hybrid.experiment.sweep.stopping import raising_signals
from hybrid.experiment.sweep.storage import LOCK, OUTCOMES, POINTS, locked, make_folders, numbers_in, results_path
from hybrid.experiment.sweep.work import Work
from hybrid.experiment.sweep.workers import on_workers
from hybrid.experiment.tables import read
from hybrid.results import Results
from hybrid.run.progress import say
from hybrid.run.transport import launched_rank, launched_ranks, open_tasks

if TYPE_CHECKING:
    import xarray

CHECK_S = 20.0  # that a check of all values in a brain may take
_TOLD = 10  # failed points that a message names


class Sweep:
    """The points of a design, in a folder.

    ``Sweep.of(file, values)`` makes one, :meth:`run` runs it; ``Sweep.load(folder)`` opens what has been run.

    Parameters
    ----------
    design: the experiment and its values.
    folder: ``sweep.json``, ``index.csv``, ``points/00017.h5`` and ``outcomes/00017.json`` are in it.
    """

    def __init__(self, design: Design, folder: str | Path) -> None:
        self.design, self.folder = design, Path(folder)

    @classmethod
    def of(
        cls,
        file: str | Path,
        values: Mapping[str, Iterable[Any]] | Iterable[str],
        out: str | Path,
        *,
        features: Iterable[str] = (),
        zipped: bool = False,
    ) -> Sweep:
        """A sweep of an experiment file, not run yet.

        Parameters
        ----------
        file: of the experiment (TOML).
        values: ``{"run.seed": range(1, 21)}``, or texts as ``--set`` takes them, ``["run.seed=1..20"]``.
        out: the folder.
        features: functions that take :class:`hybrid.Results` and return a number or a dictionary of numbers, by name.
        zipped: take the values side by side instead of in every combination.
        """
        path = Path(file)
        if isinstance(values, Mapping):
            axes = [Axis(str(key), tuple(map(_plain, each))) for key, each in values.items()]
        else:
            axes = [parse_axis(each) for each in values]
        tables = read(path)
        return cls(Design(path.name, path.resolve().parent, tables, Grid(axes, zipped), tuple(features)), out)

    @classmethod
    def load(cls, folder: str | Path) -> Sweep:
        """The sweep that a folder holds, whole or not."""
        return cls(Design.load(Path(folder)), folder)

    def __len__(self) -> int:
        return len(self.design.grid)

    def __repr__(self) -> str:
        swept = " x ".join(f"{axis.key} ({len(axis.values)})" for axis in self.design.grid.axes)
        return f"<Sweep of {self.design.name}: {len(self)} points, {swept}, in {self.folder}>"

    # -- what came of it -----------------------------------------------------------------------------------------------

    @property
    def outcomes(self) -> list[Outcome]:
        """What came of each point, as the folder has it now."""
        return outcomes_in(self.folder, len(self))

    @property
    def table(self) -> list[dict[str, Any]]:
        """A dictionary a point, as a row of the index; ``pandas.DataFrame(sweep.table)`` is a table."""
        return rows(self.design, self.outcomes)

    @property
    def features(self) -> list[str]:
        """The names of all features that were computed."""
        return names_of(self.outcomes)

    def results(self, point: int) -> Results:
        """The results of a point, by its number."""
        self.design.grid[point]
        path = results_path(self.folder, point)
        if not path.exists():
            outcome = Outcome.load(self.folder, point)
            why = f"it failed: {outcome.error}" if outcome.status == FAILED else "it is not done"
            raise ConfigurationError(f"point {point} has no results ({why}); it is not in {path}")
        return Results.load(path)

    def to_xarray(self, recordings: Sequence[str] = ()) -> xarray.Dataset:
        """The features, status, seconds and hash of all points as an ``xarray.Dataset``; needs xarray.

        Dimensions are the keys with several values, called by their last part (``x0``, ``seed``) where no other ends on the
        same, and by all of it otherwise; keys with one value are coordinates. A ``zipped`` sweep has the dimension ``point``.
        Points that failed or are missing are NaN.

        ``recordings``: continuous ports to add, each as one array of all points; they are held in memory.
        """
        try:
            from hybrid.experiment.sweep.xarray import dataset
        except ImportError:
            raise ConfigurationError(
                'to_xarray() needs xarray; install it with: pip install "hybrid-brain-simulation[xarray]"'
            ) from None
        return dataset(self.design, self.outcomes, {port: self._loader(port) for port in recordings})

    def _loader(self, port: str) -> Callable[[int], Any]:
        return lambda point: self.results(point).to_xarray()[port]

    # -- running -------------------------------------------------------------------------------------------------------

    def run(
        self,
        *,
        workers: int = 1,
        threads: int = 1,
        retry_failed: bool = False,
        only: Iterable[int] | None = None,
        progress: bool = False,
    ) -> list[Outcome]:
        """Run the points that are not done yet, and write the index; what came of all points.

        Everything is checked before the first is run. Each point's results are saved when it is done, so that a sweep that
        is stopped or killed goes on where it was. A point that fails is kept as such, with its error, and is not run again
        unless ``retry_failed``; the others go on. Under ``mpirun`` rank 0 hands out points, and every other rank runs whole
        ones, and returns nothing. No point's results depend on where it is run.

        Parameters
        ----------
        workers: processes of this machine, each of which runs whole points.
        threads: of each point, as :class:`hybrid.Simulation` takes them.
        only: the numbers of some points: a task of a job array. The index is written when no point is missing any more.
        progress: show how far the sweep is, on rank 0.

        Raises
        ------
        ConfigurationError: a value is wrong, the folder holds another sweep, or another sweep is at work in it.
        DataError: results cannot be written.
        Interrupted: by Ctrl-C or SIGTERM; the point under way is lost, all others are kept and in the index.
        """
        for name, value in (("workers", workers), ("threads", threads)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{name} = {value!r} must be a whole number, 1 or above")
        if launched_ranks() > 1:
            if workers > 1 or only is not None:
                raise ConfigurationError(
                    "under mpirun the ranks are the workers, of all points; leave out --workers and --only"
                )
            return self._on_ranks(threads, retry_failed, progress)
        points = None if only is None else sorted(set(only))
        for point in points or ():
            self.design.grid[point]
        with self._prepared(shared=points is not None):
            todo = self._todo(points, retry_failed, threads)
            shown = SweepProgress(len(todo), progress)
            with self._ending(shown, whole=points is None), raising_signals(told=progress):
                if workers == 1:
                    work = Work(self.design, self.folder, threads)
                    for point in todo:
                        shown.passed(point, work.do(point))
                else:
                    on_workers(todo, workers, self.folder, threads, shown.passed)
            return self.outcomes

    def prepare(self) -> None:
        """Check everything, and make the folder, without running a point."""
        with self._prepared(shared=False):
            pass

    def collect(self) -> Path:
        """Write the index of what there is now."""
        return write_index(self.folder, self.table)

    def check_done(self) -> None:
        """Raise ``SweepError`` if a point or a feature failed, or a point is missing, naming the first."""
        outcomes = self.outcomes
        failed = [number for number, each in enumerate(outcomes) if each.told]
        missing = [number for number, each in enumerate(outcomes) if each.status == MISSING]
        if not failed and not missing:
            return
        lines = [f"  point {number}: {outcomes[number].told[:300]}" for number in failed[:_TOLD]]
        lines += [f"  … and {len(failed) - _TOLD} more"] if len(failed) > _TOLD else []
        what = f"{len(failed)} of {len(outcomes)} points failed" if failed else ""
        if missing:
            what += f"{' and ' if what else ''}{len(missing)} of {len(outcomes)} are not done"
        remedy = (
            "retry_failed, --retry-failed, runs failed ones again" if failed else "run the sweep again for the rest"
        )
        raise SweepError("\n".join([f"{what} ({remedy}; all are in {self.folder / 'index.csv'})", *lines]))

    def _on_ranks(self, threads: int, retry_failed: bool, progress: bool) -> list[Outcome]:
        tasks = open_tasks()
        if tasks.rank != 0:

            def begin(plan: str) -> Callable[[int], Outcome]:
                return Work(Design.from_json(plan, "the sweep of rank 0"), self.folder, threads).do

            tasks.serve(begin)
            return []  # a thousand ranks reading all outcomes would be a burden on a shared disk
        dismissed = False
        try:
            with self._prepared(shared=False):
                todo = self._todo(None, retry_failed, threads)
                shown = SweepProgress(len(todo), progress)
                with self._ending(shown, whole=True):
                    dismissed = True
                    tasks.hand_out(self.design.to_json(), todo, shown.passed)
                return self.outcomes
        finally:
            if not dismissed:
                tasks.dismiss()

    @contextlib.contextmanager
    def _prepared(self, shared: bool) -> Iterator[None]:
        """Within, the folder is that of this sweep and nobody else works in it."""
        known = self._known(shared)
        if not known and self.folder.is_dir() and {each.name for each in self.folder.iterdir()} - {LOCK}:
            raise ConfigurationError(
                f"{self.folder} has something else in it; give a folder that is new or empty with --out"
            )
        if not shared or not known:
            self.design.check(CHECK_S, say if launched_rank() == 0 else lambda _: None)
        make_folders(self.folder)
        with locked(self.folder, shared):
            known = self._known(shared)  # another may have been faster
            if not known or not shared:
                self.design.save(self.folder)
            yield

    def _known(self, shared: bool) -> bool:
        """Whether the folder holds this sweep; another one is refused. Features are those it has, if none are given."""
        if not (self.folder / MANIFEST).exists():
            return False
        stored = Design.load(self.folder)
        self.design.check_same(stored, self.folder)
        if not self.design.features:
            self.design = replace(self.design, features=stored.features)
        elif self.design.features != stored.features and shared:
            raise ConfigurationError(
                f"{self.folder} has other features; run the sweep with these first, without --only"
            )
        return True

    def _todo(self, points: list[int] | None, retry_failed: bool, threads: int) -> list[int]:
        """The points to be run, or whose features are to be computed."""
        work = Work(self.design, self.folder, threads)
        told = numbers_in(self.folder / OUTCOMES, ".json")
        todo = []
        for point in range(len(self)) if points is None else points:
            outcome = Outcome.load(self.folder, point) if point in told else Outcome()
            skipped = not retry_failed if outcome.status == FAILED else work.is_done(point, outcome)
            if not skipped:
                todo.append(point)
        return todo

    @contextlib.contextmanager
    def _ending(self, shown: SweepProgress, whole: bool) -> Iterator[None]:
        """However it ends, the index is that of what there is then."""
        try:
            yield
        finally:
            shown.close()
            if whole or not self._missing():
                self.collect()

    def _missing(self) -> bool:
        told, saved = (numbers_in(self.folder / name, end) for name, end in ((OUTCOMES, ".json"), (POINTS, ".h5")))
        return len(told | saved) < len(self)


def _plain(value: Any) -> Any:
    """What numpy has as Python has it."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
