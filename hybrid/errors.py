"""What can go wrong, and the exit code each kind of failure ends a run with.

Every message names what, where and the remedy. The classes are also the built-in types a caller would expect, so that
``except ValueError`` keeps working.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


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


class ArgumentError(ConfigurationError, TypeError):
    """A function was called with an argument that it does not have, or without one that it needs."""


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


class CheckpointError(DataError):
    """A checkpoint cannot be written, is broken, or belongs to another run."""

    exit_code = 6


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


class SweepError(HybridError, RuntimeError):
    """Some points of a sweep failed, or what was asked of their results; all others are done."""

    exit_code = 1


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


def unknown(what: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that is not among ``known``, with a guess at what was meant."""
    names = [str(each) for each in known]
    shown_names = ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
    there_is = f"(there is: {shown_names or 'none'})"
    return UnknownNameError(f"{what} {shown(name)} does not exist{_guess(str(name), names)} {there_is}")


def shown(value: object, longest: int = 80) -> str:
    """A value as it is written in Python, cut where it would fill a page."""
    try:
        text = repr(value)
    except Exception:  # whole numbers of more than 4,300 digits, and objects that cannot say what they are
        text = f"<{type(value).__name__}>"
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def told(error: BaseException, longest: int = 10_000) -> str:
    """Kind and message of an exception, also of one that cannot say what it means; the start of one that fills pages."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:
        return f"{type(error).__name__}, whose message cannot be shown"
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text) - longest:,} more characters)"


def given(value: object) -> str:
    """What somebody gave in the place of something else, for messages: ``the class Epileptor``, ``the text 'tvb76'``."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"the text {shown(value)}" if isinstance(value, str) else f"{type(value).__name__} ({shown(value)})"


def _guess(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name[:200], names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def answers_slips(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """A decorator: arguments that do not exist or are missing become an :class:`ArgumentError`, with a guess."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def answering(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise _misfit(function.__qualname__, signature, kwargs, error) from None
        return function(*args, **kwargs)

    return answering


def _misfit(what: str, signature: inspect.Signature, kwargs: dict[str, Any], error: TypeError) -> ArgumentError:
    known = [name for name in signature.parameters if name not in ("self", "cls")]
    what = what.removesuffix(".__init__")
    for name in kwargs:
        if name not in known:
            return ArgumentError(
                f"{what}() has no argument {name!r}{_guess(name, known)} (there is: {', '.join(known)})"
            )
    return ArgumentError(f"{what}(): {error} (it takes {', '.join(known)})")
