"""``hybrid demo``, ``run`` and ``resume``: what runs an experiment file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from hybrid.commands.arguments import command, experiment, overrides, time_ms
from hybrid.commands.drawing import draw
from hybrid.errors import ConfigurationError, HybridError, OutputExistsError
from hybrid.interface.audit import format_audit
from hybrid.run.transport import launched_rank

RESULT = "run.h5"
DEMO = Path("results") / "seizure_spread"  # its results may be replaced unasked


def add(commands: Any) -> None:
    """The commands and their arguments."""
    demo = command(commands, "demo", _demo, "run the demonstration: a seizure spreads through a real connectome")
    overrides(demo)
    _checkpoints(demo, "write checkpoints so often")
    _output(demo, f"{DEMO} if left out, and only there are older ones replaced unasked")
    run = experiment(commands, "run", _run, "run an experiment file")
    _output(run, "results/NAME of the file if left out")
    _checkpoints(
        run, "write a checkpoint beside the results each time so much has been simulated, and on SIGUSR1 and SIGTERM"
    )
    run.add_argument(
        "--from", dest="start", type=Path, default=None, metavar="CHECKPOINT",
        help="begin at this checkpoint, DIR.unfinished/checkpoints/TICK, of the same experiment or of one with other values",
    )  # fmt: skip
    resume = command(commands, "resume", _resume, "go on with an unfinished run from its newest checkpoint")
    resume.add_argument(
        "folder", type=Path, metavar="DIR", help="NAME.unfinished, or the folder of results that holds it"
    )
    resume.add_argument(
        "--until",
        dest="until_ms",
        type=time_ms,
        default=None,
        metavar="MS",
        help="another end than the run was to have",
    )
    resume.add_argument("--force", action="store_true", help="also where the run or its software is another")
    resume.add_argument("--overwrite", action="store_true", help="replace complete results that are there already")
    _checkpoints(resume, "write checkpoints so often; as before if left out")
    _resources(resume)


def _output(added: argparse.ArgumentParser, text: str) -> None:
    added.add_argument("--out", type=Path, default=None, metavar="DIR", help=f"folder for the results; {text}")
    added.add_argument("--overwrite", action="store_true", help="replace results that are there already")
    added.add_argument(
        "--spare", type=Path, default=None, metavar="DIR",
        help="folder on another disk for the results, should --out not take them at the end of the run",
    )  # fmt: skip
    _resources(added)


def _resources(added: argparse.ArgumentParser) -> None:
    added.add_argument(
        "--buffer-mib", type=float, default=64.0, metavar="MIB",
        help="memory of a rank for recordings (default 64); what is more is written beside the results on the way",
    )  # fmt: skip
    added.add_argument(
        "--no-join", dest="join", action="store_false",
        help="leave what was written on the way in a folder run.h5.parts, instead of joining it into run.h5",
    )  # fmt: skip
    added.add_argument(
        "--threads", type=int, default=1, metavar="N",
        help="components of a rank that advance side by side (default 1); no result depends on it",
    )  # fmt: skip


def _checkpoints(added: argparse.ArgumentParser, text: str) -> None:
    added.add_argument("--checkpoint-every", dest="every_ms", type=time_ms, default=None, metavar="MS", help=text)


def demo_file() -> Path:
    """The experiment file of the demonstration: beside the source, or inside the installed package."""
    package = Path(__file__).parent.parent
    for path in (package.parent / "examples" / "seizure_spread.toml", package / "examples" / "seizure_spread.toml"):
        if path.exists():
            return path
    raise ConfigurationError("the demonstration's seizure_spread.toml is not installed; reinstall the package")


def _demo(options: argparse.Namespace) -> None:
    options.file, options.overwrite = demo_file(), options.overwrite or options.out is None
    options.out = options.out or DEMO
    picture = options.out / "seizure_spread.png"
    for path in (options.out / RESULT, picture):
        _check_free(path, options.overwrite)
    results = _run(options)
    if results is not None and results.is_root:
        draw(results, picture)


def _run(options: argparse.Namespace) -> Any:
    from hybrid.experiment import Experiment
    from hybrid.results.file import check_place

    experiment = Experiment.load(options.file, options.overrides)
    path = Path(options.out or Path("results") / options.file.stem) / RESULT
    _check_free(path, options.overwrite)
    if options.spare is not None:
        check_place(options.spare / RESULT, overwrite=False)
    simulation = experiment.simulation(progress=True, threads=options.threads)
    if launched_rank() == 0:
        print(simulation.plan, flush=True)
    try:
        results = simulation.run(
            experiment.document.run.duration_ms,
            out=path,
            overwrite=options.overwrite,
            checkpoint_every_ms=options.every_ms,
            start=getattr(options, "start", None),
            buffer_mib=options.buffer_mib,
            join=options.join,
        )
    except HybridError as error:
        if error.results is not None and options.spare is not None:
            kept = error.results.save(options.spare / RESULT)
            raise type(error)(f"{path} could not be written; the results are in {kept}: {error}") from error
        raise
    if results.is_root:
        _summarise(results, path)
    return results


def _resume(options: argparse.Namespace) -> None:
    from hybrid.experiment.resuming import unfinished_experiment
    from hybrid.run.checkpoint import UNFINISHED, find_unfinished

    folder = find_unfinished(options.folder)
    simulation = unfinished_experiment(folder).simulation(progress=True, threads=options.threads)
    if launched_rank() == 0:
        print(simulation.plan, flush=True)
    results = simulation.resume(
        folder,
        until_ms=options.until_ms,
        force=options.force,
        overwrite=options.overwrite,
        checkpoint_every_ms=options.every_ms,
        buffer_mib=options.buffer_mib,
        join=options.join,
    )
    if results.is_root:
        _summarise(results, folder.with_name(folder.name.removesuffix(UNFINISHED)))


def _check_free(path: Path, overwrite: bool) -> None:
    if os.path.lexists(path) and not overwrite:
        raise OutputExistsError(f"{path} exists already; choose another folder with --out, or give --overwrite")


def _summarise(results: Any, path: Path) -> None:
    from hybrid.results.folder import parts as parts_of

    timing = results.timing
    print(format_audit(results.audit))
    for rank, row in enumerate(timing["ranks"]):
        parts = sorted(row["parts_s"].items(), key=lambda part: -part[1])
        print(
            f"rank {rank}: {row['running_s']:.1f} s: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts)
        )
    print(
        f"window {results.plan['window_ms']:g} ms, {results.duration_ms / 1e3:g} s simulated in {timing['running_s']:.1f} s: "
        f"real-time factor {timing['real_time_factor']:.2f} (wall time / simulated time), after {timing['prepare_s']:.1f} s of "
        f"preparation"
    )
    print(f"results: {path if path.exists() else parts_of(path)}  ({results.content_sha256[:16]})")
