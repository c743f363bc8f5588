"""The command line: ``hybrid demo | run | resume | sweep | plan | validate | info | plot | check | doctor``."""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from typing import Any

from hybrid import __version__
from hybrid.commands import checking, doctor, drawing, planning, reading, running, sweep
from hybrid.commands.running import demo_file as demo_file  # scripts import it from here
from hybrid.console import fail, steady_streams
from hybrid.errors import HybridError, Interrupted
from hybrid.run.transport import launched_rank, launched_ranks


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
    for room in (running, sweep, planning, reading, drawing, checking, doctor):
        room.add(commands)
    return parser


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
