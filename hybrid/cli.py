"""The command line: ``hybrid demo | run | plan | validate | info | plot | check``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from hybrid import __version__
from hybrid.errors import ConfigurationError, HybridError, OutputExistsError
from hybrid.interface.audit import format_audit
from hybrid.run.transport import launched_rank, launched_ranks

RESULT = "run.h5"


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit: 0 for success, else as :mod:`hybrid.errors` says, or 130 when interrupted."""
    options = _parser().parse_args(arguments)
    warnings.showwarning = _show_warning
    try:
        options.command(options)
    except HybridError as error:
        _complain(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted; no results were written", file=sys.stderr, flush=True)
        if launched_ranks() > 1:
            os._exit(130)  # without a word to MPI, so that mpirun ends the other ranks
        sys.exit(130)


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

    def output(added: argparse.ArgumentParser, default: str | None) -> None:
        added.add_argument("--out", type=Path, default=default, metavar="DIR", help="folder for the results")
        added.add_argument("--overwrite", action="store_true", help="replace results that are there already")

    demo = command("demo", _demo, "run the demonstration: a seizure spreads through a real connectome", experiment=True)
    output(demo, "results/seizure_spread")
    run = command("run", _run, "run an experiment file", experiment=True)
    run.add_argument("file", type=Path)
    output(run, None)
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
    plot = command("plot", _plot, "draw a results file")
    plot.add_argument("file", type=Path)
    plot.add_argument(
        "--out", type=Path, default=None, metavar="PNG", help="the picture; beside the results if left out"
    )
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
    return parser


def demo_file() -> Path:
    """The experiment file of the demonstration: beside the source, or inside the installed package."""
    package = Path(__file__).parent
    for path in (package.parent / "examples" / "seizure_spread.toml", package / "examples" / "seizure_spread.toml"):
        if path.exists():
            return path
    raise ConfigurationError("the demonstration's seizure_spread.toml is not installed; reinstall the package")


def _demo(options: argparse.Namespace) -> None:
    options.file, options.overwrite = demo_file(), True  # a demonstration may replace its own results
    results = _run(options)
    if results is not None and results.is_root:
        _draw(results, Path(options.out) / "seizure_spread.png")


def _run(options: argparse.Namespace) -> Any:
    from hybrid.experiment import Experiment

    experiment = Experiment.load(options.file, options.overrides)
    path = Path(options.out or Path("results") / options.file.stem) / RESULT
    if path.exists() and not options.overwrite:
        raise OutputExistsError(f"{path} exists already; choose another folder with --out, or give --overwrite")
    path.parent.mkdir(parents=True, exist_ok=True)
    simulation = experiment.simulation(progress=True)
    if launched_rank() == 0:
        print(simulation.plan, flush=True)
    results = simulation.run(experiment.document.run.duration_ms)
    results.save(path, overwrite=options.overwrite)
    if results.is_root:
        _summarise(results, path)
    return results


def _summarise(results: Any, path: Path) -> None:
    timing = results.timing
    print(format_audit(results.audit))
    for rank, row in enumerate(timing["ranks"]):
        parts = sorted(row["parts_s"].items(), key=lambda part: -part[1])
        print(
            f"rank {rank}: {row['running_s']:.1f} s: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts)
        )
    print(
        f"window {results.plan['window_ms']:g} ms, {results.duration_ms / 1e3:g} s simulated in {timing['running_s']:.1f} s: "
        f"real-time factor {timing['real_time_factor']:.2f} (wall time / simulated time)"
    )
    print(f"results: {path}  ({results.content_sha256[:16]})")


def _draw(results: Any, picture: Path) -> None:
    from hybrid.plot import plot_results

    plot_results(results, picture)
    print(f"picture: {picture}")


def _plan(options: argparse.Namespace) -> None:
    from hybrid.experiment import Experiment
    from hybrid.run.plan import make_plan

    experiment = Experiment.load(options.file, options.overrides)
    run = experiment.document.run
    print(make_plan(experiment.brain(), options.ranks, window_ms=run.window_ms, placement=run.placement))


def _validate(options: argparse.Namespace) -> None:
    from hybrid.experiment import Experiment

    experiment = Experiment.load(options.file, options.overrides)
    simulation = experiment.simulation()
    simulation.brain.clock.ticks(experiment.document.run.duration_ms, "[run] duration_ms")
    print(f"{options.file}: valid; {simulation.brain!r}")


def _info(options: argparse.Namespace) -> None:
    from hybrid.results import Results, format_info

    info = Results.load(options.file).info()
    print(json.dumps(info, indent=2) if options.json else format_info(info))


def _plot(options: argparse.Namespace) -> None:
    from hybrid.results import Results

    _draw(Results.load(options.file), options.out or options.file.with_suffix(".png"))


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

    def make() -> Any:
        return made(factory, arguments, options.reference, contracts)

    kind = type(make())
    if issubclass(kind, Adapter):
        found = verdicts(adapter_checks(make, lines=options.lines))
    elif issubclass(kind, Component) and options.out is None:
        with component_checks(make) as checks:
            found = verdicts(checks)
    else:
        raise ConfigurationError(f"{options.reference} is a component; only adapters are drawn, leave out --out")
    print(format_verdicts(found), flush=True)
    kept = all(each.kept for each in found)
    if issubclass(kind, Adapter):
        _draw_adapter(make, options.out or Path("results") / f"check_{kind.__name__}.png", kept, options.lines)
    if not kept:
        sys.exit(1)


def _draw_adapter(make: Any, picture: Path, kept: bool, lines: int | None) -> None:
    from hybrid.plot.bench import plot_adapter

    picture.parent.mkdir(parents=True, exist_ok=True)
    try:
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
        time.sleep(1.0)  # let rank 0 speak before mpirun ends it for this one's exit
    elif error.failed_rank in (None, rank):
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)


def _show_warning(
    message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: str | None = None
) -> None:
    print(f"warning: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
