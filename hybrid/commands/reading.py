"""``hybrid info``: what a file of results holds."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from hybrid.commands.arguments import command
from hybrid.errors import DataError


def add(commands: Any) -> None:
    """The command and its arguments."""
    info = command(commands, "info", _info, "print what a results file holds")
    info.add_argument("file", type=Path)
    info.add_argument("--json", action="store_true", help="as JSON")


def load(path: Path) -> Any:
    """The results in a file, or in the folder of a run that is not finished or not joined."""
    from hybrid.results import Results
    from hybrid.results.folder import RUN

    if os.path.exists(path) and not path.is_file() and not (path / RUN).is_file():  # a pipe would never end
        raise DataError(f"{path} is {'a folder' if path.is_dir() else 'no regular file'}; give a file of results")
    return Results.load(path)


def _info(options: argparse.Namespace) -> None:
    from hybrid.results import format_info

    info = load(options.file).info()
    print(json.dumps(info, indent=2) if options.json else format_info(info))
