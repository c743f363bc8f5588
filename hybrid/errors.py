"""What can go wrong, and the exit code each kind of failure ends a run with.

Every message names what, where and the remedy. The classes are also the built-in types a caller would expect, so that
``except ValueError`` keeps working.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from typing import Any


class HybridError(Exception):
    """Base of all errors of this package; ``exit_code`` is what the command line returns.

    ``failed_rank`` is set on an error that all ranks of a run agreed on and raise together; ``results`` on that of a
    finished run that could not be saved.
    """

    exit_code = 1
    failed_rank: int | None = None
    results: Any = None


class ConfigurationError(HybridError, ValueError):
    """An experiment, a parameter or an argument is wrong; found before anything runs."""

    exit_code = 2


class WiringError(ConfigurationError):
    """A connection does not fit its ports; the message lists all wiring problems at once."""


class TimeError(ConfigurationError):
    """A time is no whole number of ticks, or a delay is impossible."""


class UnknownNameError(ConfigurationError, KeyError):
    """A name that does not exist; the message lists what does and guesses what was meant."""

    def __str__(self) -> str:  # KeyError would print the repr of its message
        return str(self.args[0])


class DataError(HybridError, ValueError):
    """A data file is missing, broken or not what it claims to be."""

    exit_code = 3


class OutputExistsError(HybridError, FileExistsError):
    """The output is already there; nothing is overwritten."""

    exit_code = 2


class DivergedError(HybridError, FloatingPointError):
    """A state became infinite or not a number."""

    exit_code = 4


class DriftError(HybridError, ArithmeticError):
    """An interface does not deliver what theory says it should, and the run was asked to stop then."""

    exit_code = 4


class ComponentError(HybridError, RuntimeError):
    """A component raised while it advanced; the message names component, window, time and cause."""

    exit_code = 1


class PeerError(HybridError, RuntimeError):
    """Another rank was lost or did not answer in time."""

    exit_code = 5


class CompilerError(HybridError, RuntimeError):
    """There is no working C++ compiler, or it refused the generated code."""

    exit_code = 2


class Interrupted(KeyboardInterrupt):
    """A run was stopped by Ctrl-C (SIGINT) or SIGTERM; ``results`` holds the windows it completed.

    ``results`` is ``None`` if it was stopped in preparation; ``exit_code`` is 130 or 143, as shells count them. Like
    ``KeyboardInterrupt`` it passes ``except Exception``; in a script that does not catch it, it ends the process with
    ``exit_code``.
    """

    def __init__(self, message: str, by: str, results: Any = None) -> None:
        super().__init__(message)
        self.by, self.results = by, results
        self.exit_code = {"SIGINT": 130, "SIGTERM": 143}[by]


class _Ending(Interrupted, SystemExit):
    """Ends a script that does not catch it, without a traceback."""

    def __init__(self, message: str, by: str, results: Any = None) -> None:
        super().__init__(message, by, results)
        self.code = self.exit_code


def interrupted(message: str, by: str, results: Any = None) -> Interrupted:
    """The exception of an interrupted run; at a prompt it is one that leaves the prompt, and so the results, alive."""
    return (Interrupted if hasattr(sys, "ps1") else _Ending)(message, by, results)


def unknown(what: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that is not among ``known``, with a guess at what was meant."""
    names = [str(each) for each in known]
    close = difflib.get_close_matches(str(name), names, n=1)
    shown = ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
    guess = f"; did you mean {close[0]!r}?" if close else ""
    return UnknownNameError(f"{what} {name!r} does not exist{guess} (there is: {shown or 'none'})")
