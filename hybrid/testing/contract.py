"""A contract as a list of named checks, demanded one by one or tried all."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


class ContractError(AssertionError):
    """A component or an adapter broke its contract."""


class NotTried(Exception):  # noqa: N818  (nothing went wrong)
    """A check that cannot be tried here; says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of a contract; ``run`` raises :class:`ContractError` if it is broken.

    ``needs`` names an earlier check without which this one can tell nothing.
    """

    name: str
    promise: str
    run: Callable[[], None]
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a check ended: ``kept``, or not, or ``None`` where it could not be tried; ``sentence`` says what showed."""

    name: str
    kept: bool | None
    sentence: str


def demand(checks: Iterable[Check]) -> None:
    """Run the checks in their order; the first that is broken raises."""
    for check in checks:
        with contextlib.suppress(NotTried):
            check.run()


def verdicts(checks: Iterable[Check]) -> list[Verdict]:
    """Run all checks; whatever they raise becomes a verdict."""
    found: dict[str, Verdict] = {}
    for check in checks:
        if check.needs and not found[check.needs].kept:
            found[check.name] = Verdict(check.name, None, f"not tried: it needs {check.needs!r}")
            continue
        try:
            check.run()
        except NotTried as reason:
            found[check.name] = Verdict(check.name, None, f"not tried: {reason}")
        except ContractError as error:
            found[check.name] = Verdict(check.name, False, str(error))
        except Exception as error:
            found[check.name] = Verdict(check.name, False, _told(error))
        else:
            found[check.name] = Verdict(check.name, True, check.promise)
    return list(found.values())


def format_verdicts(found: Iterable[Verdict]) -> str:
    """One line each: name, verdict, sentence."""
    words = {True: "ok", False: "BROKEN", None: "-"}
    return "\n".join(f"{each.name:14s} {words[each.kept]:6s}  {each.sentence}" for each in found)


def _told(error: Exception) -> str:
    """An exception and where it came from, in one line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} ({Path(last.filename).name}, line {last.lineno}, in {last.name})"
