"""``hybrid plot``, and what other commands need to draw."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hybrid.commands.arguments import command, time_ms
from hybrid.commands.reading import load
from hybrid.errors import ConfigurationError, HybridError, shown

SWEEP = "sweep.json"  # a folder that has it holds a sweep


def add(commands: Any) -> None:
    """The command and its arguments."""
    plot = command(commands, "plot", _plot, "draw a results file, or the features of a sweep")
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
    plot.add_argument("--from", dest="from_ms", type=time_ms, default=None, metavar="MS", help="draw from this time on")
    plot.add_argument("--to", dest="to_ms", type=time_ms, default=None, metavar="MS", help="draw up to this time")


def draw(results: Any, picture: Path, **options: Any) -> None:
    """Draw results into a file."""
    from hybrid.plot import plot_results

    with drawing(picture):
        plot_results(results, picture, **options)
    print(f"picture: {picture}")


@contextlib.contextmanager
def drawing(picture: Path) -> Iterator[None]:
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


def draw_sweep(sweep: Any, picture: Path, features: list[str] | None = None) -> None:
    """Draw the features of a sweep into a file."""
    from hybrid.plot.sweep import plot_sweep

    with drawing(picture):
        plot_sweep(sweep, picture, features)
    print(f"picture: {picture}")


def _plot(options: argparse.Namespace) -> None:
    if (options.file / SWEEP).exists():
        from hybrid.experiment.sweep import Sweep

        if (options.ports, options.from_ms, options.to_ms) != (None, None, None):
            raise ConfigurationError(
                "--ports, --from and --to are of a results file, not of a sweep; give one of its points"
            )
        draw_sweep(Sweep.load(options.file), options.out or options.file / "sweep.png", options.features)
        return
    if options.features is not None:
        raise ConfigurationError("--features are those of a sweep; give the folder of one, not a file of results")
    picture = options.out or options.file.with_suffix(".png")
    if picture.resolve() == options.file.resolve():
        raise ConfigurationError(f"the picture would replace the results {options.file}; give another file with --out")
    wishes = {name: getattr(options, name) for name in ("ports", "from_ms", "to_ms")}
    draw(load(options.file), picture, **{name: wish for name, wish in wishes.items() if wish is not None})
