"""``hybrid check``: an adapter or a component on the bench."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from hybrid.commands.arguments import command
from hybrid.commands.drawing import drawing
from hybrid.errors import ConfigurationError


def add(commands: Any) -> None:
    """The command and its arguments."""
    check = command(
        commands, "check", _check, "try an adapter or a component of yours: its contract check by check, and a picture"
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
        with drawing(picture):
            picture.parent.mkdir(parents=True, exist_ok=True)
            plot_adapter(make, picture, lines=lines)
    except Exception as error:
        if kept or isinstance(error, ConfigurationError):
            raise
        print(f"no picture: {type(error).__name__}: {error}")  # what is broken was said above
    else:
        print(f"picture: {picture}")
