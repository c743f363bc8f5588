"""The command line: ``hybrid demo | run | resume | sweep | plan | validate | info | plot | check | doctor``."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from hybrid import __version__
from hybrid.commands import sweep as sweep_command
from hybrid.console import fail, steady_streams
from hybrid.errors import ConfigurationError, DataError, HybridError, Interrupted, OutputExistsError, shown
from hybrid.interface.audit import format_audit
from hybrid.run.transport import launched_rank, launched_ranks

RESULT = "run.h5"
DEMO = Path("results") / "seizure_spread"  # its results may be replaced unasked
MOST_RANKS = 100_000  # of a plan


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit: 0 for success, else as :mod:`hybrid.errors` says; 130 or 143 if interrupted."""
    with steady_streams():
        _main(arguments)


def _main(arguments: list[str] | None) -> None:
    options = _parser().parse_args(arguments)
    warnings.showwarning = _show_warning
    try:
        options.command(options)
    except HybridError as error:
        _complain(error)
        sys.exit(error.exit_code)
    except Interrupted as error:  # all ranks agreed, and what there is was saved
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted; no results were written", file=sys.stderr, flush=True)
        if launched_ranks() > 1:
            os._exit(130)  # without a word to MPI, so that mpirun ends the other ranks
        sys.exit(130)
    except Exception as error:
        fail(error, of_many=_one_of_many())


def _one_of_many() -> bool:
    try:
        return launched_ranks() > 1
    except ValueError:  # what the launcher says of itself makes no sense
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hybrid", description="Hybrid multi-scale brain simulation.")
    parser.add_argument("--version", action="version", version=f"hybrid {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, action: Any, text: str, *, experiment: bool = False) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=action)
        if experiment:
            added.add_argument(
                "--set", dest="overrides", action="append", default=[], metavar="TABLE.KEY=VALUE",
                help="replace one value of the file; may be given several times",
            )  # fmt: skip
        return added

    def output(added: argparse.ArgumentParser, text: str) -> None:
        added.add_argument("--out", type=Path, default=None, metavar="DIR", help=f"folder for the results; {text}")
        added.add_argument("--overwrite", action="store_true", help="replace results that are there already")
        added.add_argument(
            "--spare", type=Path, default=None, metavar="DIR",
            help="folder on another disk for the results, should --out not take them at the end of the run",
        )  # fmt: skip
        resources(added)

    def resources(added: argparse.ArgumentParser) -> None:
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

    def every(added: argparse.ArgumentParser, text: str) -> None:
        added.add_argument("--checkpoint-every", dest="every_ms", type=_time_ms, default=None, metavar="MS", help=text)

    demo = command("demo", _demo, "run the demonstration: a seizure spreads through a real connectome", experiment=True)
    every(demo, "write checkpoints so often")
    output(demo, f"{DEMO} if left out, and only there are older ones replaced unasked")
    run = command("run", _run, "run an experiment file", experiment=True)
    run.add_argument("file", type=Path)
    output(run, "results/NAME of the file if left out")
    every(run, "write a checkpoint beside the results each time so much has been simulated, and on SIGUSR1 and SIGTERM")
    run.add_argument(
        "--from", dest="start", type=Path, default=None, metavar="CHECKPOINT",
        help="begin at this checkpoint, DIR.unfinished/checkpoints/TICK, of the same experiment or of one with other values",
    )  # fmt: skip
    resume = command("resume", _resume, "go on with an unfinished run from its newest checkpoint")
    resume.add_argument(
        "folder", type=Path, metavar="DIR", help="NAME.unfinished, or the folder of results that holds it"
    )
    resume.add_argument(
        "--until",
        dest="until_ms",
        type=_time_ms,
        default=None,
        metavar="MS",
        help="another end than the run was to have",
    )
    resume.add_argument("--force", action="store_true", help="also where the run or its software is another")
    resume.add_argument("--overwrite", action="store_true", help="replace complete results that are there already")
    every(resume, "write checkpoints so often; as before if left out")
    resources(resume)
    sweep_command.add_arguments(
        command("sweep", _sweep, "run an experiment file at many values, and go on where that ended")
    )
    plan = command(
        "plan", _plan, "print the window, what sets it, the slack of every connection, the placement", experiment=True
    )
    plan.add_argument("file", type=Path)
    plan.add_argument("--ranks", type=int, default=1, help="plan for this many ranks")
    validate = command(
        "validate", _validate, "check an experiment file and all its wiring without running it", experiment=True
    )
    validate.add_argument("file", type=Path)
    info = command("info", _info, "print what a results file holds")
    info.add_argument("file", type=Path)
    info.add_argument("--json", action="store_true", help="as JSON")
    plot = command("plot", _plot, "draw a results file, or the features of a sweep")
    plot.add_argument("file", type=Path, help="of results, or the folder of a sweep")
    plot.add_argument(
        "--features", nargs="+", action="extend", default=None, metavar="NAME", help="of a sweep, only these"
    )
    plot.add_argument(
        "--out", type=Path, default=None, metavar="PNG", help="the picture; beside the results if left out"
    )
    plot.add_argument(
        "--ports", nargs="+", action="extend", default=None, metavar="COMPONENT.PORT", help="draw only these"
    )
    plot.add_argument(
        "--from", dest="from_ms", type=_time_ms, default=None, metavar="MS", help="draw from this time on"
    )
    plot.add_argument("--to", dest="to_ms", type=_time_ms, default=None, metavar="MS", help="draw up to this time")
    check = command(
        "check", _check, "try an adapter or a component of yours: its contract check by check, and a picture"
    )
    check.add_argument("reference", metavar="MODULE:CLASS", help="looked for in the current folder first")
    check.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="NAME=VALUE",
        help="an argument of its constructor; may be given several times",
    )  # fmt: skip
    check.add_argument(
        "--out", type=Path, default=None, metavar="PNG", help="the picture of an adapter; in results/ if left out"
    )
    check.add_argument(
        "--lines", type=int, default=None, metavar="N", help="for an adapter that takes so many and no others"
    )
    command(
        "doctor", _doctor, "say whether this machine and all ranks have what a run needs, also under mpirun or srun"
    )
    return parser


def demo_file() -> Path:
    """The experiment file of the demonstration: beside the source, or inside the installed package."""
    package = Path(__file__).parent
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
        _draw(results, picture)


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


def _draw(results: Any, picture: Path, **options: Any) -> None:
    from hybrid.plot import plot_results

    with _drawing(picture):
        plot_results(results, picture, **options)
    print(f"picture: {picture}")


@contextlib.contextmanager
def _drawing(picture: Path) -> Iterator[None]:
    """A picture that cannot be written, or not in that format, is the user's to change."""
    try:
        yield
    except HybridError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"cannot draw {shown(str(picture))}: {reason}; give another file with --out"
        ) from error


def _plan(options: argparse.Namespace) -> None:
    from hybrid.experiment import Experiment
    from hybrid.run.plan import make_plan

    if options.ranks > MOST_RANKS:
        raise ConfigurationError(f"--ranks {options.ranks}: plan for at most {MOST_RANKS:,}")
    experiment = Experiment.load(options.file, options.overrides)
    run = experiment.document.run
    print(make_plan(experiment.brain(), options.ranks, window_ms=run.window_ms, placement=run.placement))


def _validate(options: argparse.Namespace) -> None:
    from hybrid.experiment import Experiment

    experiment = Experiment.load(options.file, options.overrides)
    simulation = experiment.simulation()
    simulation.brain.clock.ticks(experiment.document.run.duration_ms, "[run] duration_ms")
    print(f"{options.file}: valid; {simulation.brain!r}")
    circuits = [name for name, table in experiment.document.components.items() if table.circuit]
    if circuits:
        print(
            f"only a run can tell: whether the C++ of {', '.join(circuits)} compiles, and whether its steps are stable"
        )


def _load(path: Path) -> Any:
    from hybrid.results import Results
    from hybrid.results.folder import RUN

    if os.path.exists(path) and not path.is_file() and not (path / RUN).is_file():  # a pipe would never end
        raise DataError(f"{path} is {'a folder' if path.is_dir() else 'no regular file'}; give a file of results")
    return Results.load(path)


def _info(options: argparse.Namespace) -> None:
    from hybrid.results import format_info

    info = _load(options.file).info()
    print(json.dumps(info, indent=2) if options.json else format_info(info))


def _doctor(options: argparse.Namespace) -> None:
    from hybrid.commands import doctor

    doctor.run()


def _sweep(options: argparse.Namespace) -> None:
    sweep_command.run(options, _draw_sweep)


def _draw_sweep(sweep: Any, picture: Path, features: list[str] | None = None) -> None:
    from hybrid.plot.sweep import plot_sweep

    with _drawing(picture):
        plot_sweep(sweep, picture, features)
    print(f"picture: {picture}")


def _plot(options: argparse.Namespace) -> None:
    if (options.file / sweep_command.MANIFEST).exists():
        from hybrid.experiment.sweep import Sweep

        if (options.ports, options.from_ms, options.to_ms) != (None, None, None):
            raise ConfigurationError(
                "--ports, --from and --to are of a results file, not of a sweep; give one of its points"
            )
        _draw_sweep(Sweep.load(options.file), options.out or options.file / "sweep.png", options.features)
        return
    if options.features is not None:
        raise ConfigurationError("--features are those of a sweep; give the folder of one, not a file of results")
    picture = options.out or options.file.with_suffix(".png")
    if picture.resolve() == options.file.resolve():
        raise ConfigurationError(f"the picture would replace the results {options.file}; give another file with --out")
    wishes = {name: getattr(options, name) for name in ("ports", "from_ms", "to_ms")}
    _draw(_load(options.file), picture, **{name: wish for name, wish in wishes.items() if wish is not None})


def _time_ms(text: str) -> float:
    """A number of ms, or a time with its unit such as ``"2 s"``."""
    from hybrid.units import quantity

    try:
        time_ms = float(text)
    except ValueError:
        try:
            found = quantity(text, "ms", "the time")
        except ConfigurationError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        time_ms = math.nan if found is None else found
    if not math.isfinite(time_ms):
        raise argparse.ArgumentTypeError(f"{shown(text)} is no time; give a number of ms, or a text such as '2 s'")
    return time_ms


def _check(options: argparse.Namespace) -> None:
    from hybrid.adapter import Adapter
    from hybrid.component import Component
    from hybrid.experiment.references import made, resolve
    from hybrid.experiment.tables import override_value, plain_values
    from hybrid.testing import adapter_checks, component_checks, format_verdicts, verdicts

    arguments: dict[str, Any] = {}
    for override in options.overrides:
        override_value(arguments, override)
    arguments, contracts = plain_values(arguments, "--set"), (Adapter, Component)
    factory = resolve(options.reference, "adapters", Path.cwd(), contracts)

    make = partial(made, factory, arguments, options.reference, contracts)
    kind = type(make())
    if issubclass(kind, Adapter):
        found = verdicts(adapter_checks(make, lines=options.lines))
    elif issubclass(kind, Component) and options.out is None:
        with component_checks(make) as checks:
            found = verdicts(checks)
    else:
        raise ConfigurationError(f"{options.reference} is a component; only adapters are drawn, leave out --out")
    print(format_verdicts(found), flush=True)
    kept = all(each.kept is not False for each in found)
    if issubclass(kind, Adapter):
        _draw_adapter(make, options.out or Path("results") / f"check_{kind.__name__}.png", kept, options.lines)
    if not kept:
        sys.exit(1)


def _draw_adapter(make: Any, picture: Path, kept: bool, lines: int | None) -> None:
    from hybrid.plot.bench import plot_adapter

    try:
        with _drawing(picture):
            picture.parent.mkdir(parents=True, exist_ok=True)
            plot_adapter(make, picture, lines=lines)
    except Exception as error:
        if kept or isinstance(error, ConfigurationError):
            raise
        print(f"no picture: {type(error).__name__}: {error}")  # what is broken was said above
    else:
        print(f"picture: {picture}")


def _complain(error: HybridError) -> None:
    """Say it once: on the rank that failed, or on rank 0 if all found the same before they met."""
    rank = launched_rank()
    if error.failed_rank is None and rank != 0:
        time.sleep(2.0)  # if rank 0 found the same, it says so, and mpirun ends this one for it
    if error.failed_rank in (None, rank):
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)


def _show_warning(
    message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: str | None = None
) -> None:
    print(f"warning: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
