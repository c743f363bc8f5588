"""The work of one point: recognise results that are there, else run the experiment, save it, compute its features."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

from hybrid.errors import DataError, Interrupted, told
from hybrid.experiment.sweep.design import Design
from hybrid.experiment.sweep.features import Features
from hybrid.experiment.sweep.outcome import DONE, FAILED, Outcome
from hybrid.experiment.sweep.storage import results_path
from hybrid.results import Results
from hybrid.results.header import Header, read_header
from hybrid.results.info import plain


class Work:
    """Does points of a sweep in this process, one after the other, and leaves their results and outcomes in ``folder``."""

    def __init__(self, design: Design, folder: Path, threads: int = 1) -> None:
        self._design, self._folder, self._threads = design, folder, threads
        self._features = Features(design.features, design.folder)

    def do(self, number: int) -> Outcome:
        """Run a point and keep what came of it; one that fails is an outcome, too. Results that are there are not run again.

        Raises
        ------
        DataError, ConfigurationError: the folder does not take the results: that is no fault of the point.
        KeyboardInterrupt: by the user; nothing of the point is kept.
        """
        outcome = self._kept(number) or self._run(number)
        outcome.save(self._folder, number)
        return outcome

    def is_done(self, number: int, outcome: Outcome) -> bool:
        """Whether the results of this very point are there, complete, with all features and the hash of the outcome."""
        if outcome.status != DONE or outcome.computed != self._design.features or outcome.feature_errors:
            return False
        header = self._header(number)
        return header is not None and header.content_sha256 == outcome.content_sha256

    def _run(self, number: int) -> Outcome:
        began = time.perf_counter()
        path = results_path(self._folder, number)
        try:
            experiment = self._design.experiment(number)
            simulation = experiment.simulation(threads=self._threads, transport="serial")
            results = simulation.run(experiment.document.run.duration_ms)
        except (Exception, SystemExit) as error:
            if isinstance(error, Interrupted):  # which is a SystemExit in a script
                raise
            with contextlib.suppress(OSError):  # of another version of the user's modules
                path.unlink(missing_ok=True)
            return Outcome(FAILED, seconds=time.perf_counter() - began, error=told(error, 2000))
        results.save(path, overwrite=True)
        return self._done(results, read_header(path).content_sha256)  # which was reckoned when it was saved

    def _kept(self, number: int) -> Outcome | None:
        """The outcome of results that are there already and undamaged, features computed; ``None`` to run the point."""
        header = self._header(number)
        if header is None:
            return None
        try:
            return self._done(Results.load(results_path(self._folder, number)), header.content_sha256)
        except DataError:  # damaged
            return None

    def _header(self, number: int) -> Header | None:
        """What the results of a point say of themselves, if they are complete and those of this experiment."""
        path = results_path(self._folder, number)
        if not path.exists():
            return None
        try:
            header = read_header(path)
        except DataError:
            return None
        return header if self._is_of(header, number) else None

    def _is_of(self, header: Header, number: int) -> bool:
        wanted: Any = json.loads(json.dumps(plain(self._design.tables_of(number))))
        return header.interrupted_by is None and header.configuration.get("experiment") == wanted

    def _done(self, results: Results, content_sha256: str) -> Outcome:
        features, errors = self._features.of(results)
        return Outcome(
            DONE,
            content_sha256,
            results.timing["total_s"],
            features=features,
            feature_errors=errors,
            computed=self._design.features,
        )
