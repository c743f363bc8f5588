"""What arguments of several commands have in common."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from hybrid.errors import ConfigurationError, shown


def command(commands: Any, name: str, action: Any, text: str) -> argparse.ArgumentParser:
    """A new command, which calls ``action(options)``."""
    added: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    added.set_defaults(command=action)
    return added


def overrides(added: argparse.ArgumentParser) -> None:
    """``--set``, for a command that takes an experiment file."""
    added.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="TABLE.KEY=VALUE",
        help="replace one value of the file; may be given several times",
    )  # fmt: skip


def experiment(commands: Any, name: str, action: Any, text: str) -> argparse.ArgumentParser:
    """A new command that takes an experiment file."""
    added = command(commands, name, action, text)
    overrides(added)
    added.add_argument("file", type=Path)
    return added


def time_ms(text: str) -> float:
    """A number of ms, or a time with its unit such as ``"2 s"``."""
    from hybrid.units import quantity

    try:
        found: float | None = float(text)
    except ValueError:
        try:
            found = quantity(text, "ms", "the time")
        except ConfigurationError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    if found is None or not math.isfinite(found):
        raise argparse.ArgumentTypeError(f"{shown(text)} is no time; give a number of ms, or a text such as '2 s'")
    return found
