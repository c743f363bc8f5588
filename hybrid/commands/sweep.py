"""``hybrid sweep``: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.commands.arguments import command
from hybrid.commands.drawing import draw_sweep
from hybrid.errors import ConfigurationError, SweepError
from hybrid.run.transport import launched_rank

if TYPE_CHECKING:
    from hybrid.experiment.sweep import Sweep

_TIME = re.compile(r"(\d+-)?\d+(:\d+){0,2}")


def add(commands: Any) -> None:
    """The command and its arguments."""
    added = command(commands, "sweep", run, "run an experiment file at many values, and go on where that ended")
    added.add_argument(
        "file", type=Path, nargs="?", default=None, help="of the experiment; left out to go on with the sweep in --out"
    )
    added.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="TABLE.KEY=VALUES",
        help="values of one key: 1,2,3 or 1..20 or 0.1..0.5/0.1; several make a grid, in the order given",
    )  # fmt: skip
    added.add_argument(
        "--zip", dest="zipped", action="store_true", help="take values side by side, not every combination"
    )
    added.add_argument(
        "--out", type=Path, default=None, metavar="DIR", help="folder of the sweep; results/NAME_sweep if left out"
    )
    added.add_argument(
        "--feature", dest="features", action="append", default=[], metavar="MODULE:FUNCTION",
        help="a function of the results of a point that returns a number, or a dictionary of them; may be given several times",
    )  # fmt: skip
    added.add_argument("--workers", type=int, default=1, metavar="N", help="run points on so many processes")
    added.add_argument("--threads", type=int, default=1, metavar="N", help="of each point, as for run")
    added.add_argument("--retry-failed", action="store_true", help="run points that failed before again")
    added.add_argument("--only", default=None, metavar="POINTS", help="some points: 17, or 20..29, or 3,5,20..29")
    added.add_argument("--collect", action="store_true", help="write the index of what there is, and run nothing")
    added.add_argument("--plot", type=Path, default=None, metavar="PNG", help="draw the features when all is done")
    added.add_argument("--slurm", action="store_true", help="write the script of a job array, and run nothing")
    added.add_argument(
        "--tasks", type=int, default=None, metavar="N", help="of the job array (default: one a point, 1000 at most)"
    )
    added.add_argument(
        "--time", default="01:00:00", metavar="HH:MM:SS", help="limit of a task of the job array (default 1 hour)"
    )


def run(options: argparse.Namespace) -> None:
    """Do what the arguments say."""
    _check(options)
    sweep = _sweep(options)
    is_root = launched_rank() == 0
    if options.slurm:
        _write_script(options, sweep)
        return
    if options.collect:
        print(f"index: {sweep.collect()}")
        sweep.check_done()
        return
    only = None if options.only is None else _numbers(options.only, len(sweep))
    if is_root:
        print(repr(sweep), flush=True)
    outcomes = sweep.run(
        workers=options.workers, threads=options.threads, retry_failed=options.retry_failed, only=only, progress=True
    )
    if not is_root:
        return
    done = sum(each.status == "done" for each in outcomes)
    print(f"{done:,} of {len(outcomes):,} points done, in {sweep.folder}")
    if options.plot is not None and done:
        draw_sweep(sweep, options.plot)
    if only is None:
        sweep.check_done()
    else:
        _check_some(outcomes, only)


def _check(options: argparse.Namespace) -> None:
    if options.file is None and (options.settings or options.zipped):
        raise ConfigurationError(
            "--set and --zip need the FILE of an experiment; or leave them out to go on with a sweep"
        )
    if options.file is None and options.out is None:
        raise ConfigurationError(
            "give the FILE of an experiment, or with --out DIR the folder of a sweep to go on with"
        )
    if options.slurm and (options.only or options.collect or options.workers > 1 or options.plot):
        raise ConfigurationError("--slurm only writes a script; leave out --only, --collect, --workers and --plot")
    if options.collect and (options.only or options.workers > 1 or options.retry_failed):
        raise ConfigurationError("--collect runs nothing; leave out --only, --workers and --retry-failed")
    if not _TIME.fullmatch(options.time):
        raise ConfigurationError(f"--time {options.time!r} is no time of SLURM; write HH:MM:SS, or days-HH:MM:SS")


def _sweep(options: argparse.Namespace) -> Sweep:
    from dataclasses import replace

    from hybrid.experiment.sweep import Sweep

    if options.file is None:
        sweep = Sweep.load(options.out)
        features = tuple(options.features) or sweep.design.features
        return Sweep(replace(sweep.design, features=features), options.out)
    out = options.out or Path("results") / f"{options.file.stem}_sweep"
    return Sweep.of(options.file, options.settings, out, features=options.features, zipped=options.zipped)


def _write_script(options: argparse.Namespace, sweep: Sweep) -> None:
    from hybrid.experiment.sweep.slurm import write_script

    sweep.prepare()
    name = Path(sweep.design.name).stem
    path = write_script(sweep.folder, name, len(sweep), options.tasks, options.threads, options.time)
    print(f"{len(sweep):,} points, all checked; submit them with: bash {path}")


def _numbers(text: str, points: int) -> list[int]:
    """``"3,5,20..29"`` as numbers of points."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:\.\.\s*(\d+)\s*)?", part)
        if match is None or int(match[2] or match[1]) < int(match[1]) or int(match[2] or match[1]) >= points:
            raise ConfigurationError(
                f"--only {text}: {part.strip()!r} is no point; give numbers from 0 to {points - 1}, as in 3,5,20..29"
            )
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    return found


def _check_some(outcomes: Any, only: list[int]) -> None:
    failed = [number for number in only if outcomes[number].told]
    if failed:
        lines = [f"  point {number}: {outcomes[number].told[:300]}" for number in failed[:10]]
        raise SweepError("\n".join([f"{len(failed)} of these {len(only)} points failed", *lines]))
