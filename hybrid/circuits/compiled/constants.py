"""Takes numbers out of the generated code, so that one library serves all their values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from typing import Any

from brian2.core.namespace import DEFAULT_UNITS
from brian2.core.variables import Constant

_POWER = re.compile(r"\b(?:_brian_)?pow\(")
_DEFINED = re.compile(r"\bconst \w+ (\w+) = ([^;]*);")
_NAME = re.compile(r"\b[A-Za-z_]\w*")
_REORDERS = ("associative-math", "reciprocal-math")
_ALL_OF_THEM = ("fast-math", "unsafe-math-optimizations")


class Named:
    """What stands in the code in a number's place; Brian2 writes numbers by their ``repr``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


class Values(list[float]):
    """The numbers that were taken out, in the order of their names: ``value_0``, ``value_1``, …"""

    def name_of(self, value: float) -> Named:
        """The name under which the code will find ``value``; equal values get names of their own."""
        self.append(value)
        return Named(f"value_{len(self) - 1}")

    def take_initial(self, queue: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Brian2's queue of what is done before the run, without the numbers that whole arrays, or one element, are set to.

        They are copied, not computed with, so that no result can change.
        """
        return [(what, self._set(what, arguments)) for what, arguments in queue]

    def _set(self, what: str, arguments: Any) -> Any:
        if what == "set_by_constant":
            array, value, is_dynamic = arguments
            return (array, self.name_of(value), is_dynamic) if isinstance(value, float) else arguments
        if what == "set_by_single_value":
            array, item, text = arguments  # which Brian2 has written already
            value = _number(text)
            return arguments if value is None else (array, item, repr(self.name_of(value)))
        return arguments

    def take_constants(self, code_objects: Iterable[Any]) -> None:
        """Of code that is about to be written, the floating-point constants of users' namespaces.

        Left in are units, whole numbers (which may be sizes), and what decides how code is made: exponents, since ``x**2.0``
        is a product where the compiler sees the 2.
        """
        for code in code_objects:
            exponents = _exponents("\n".join(str(each) for each in _texts(code)))
            for name, variable in list(code.variables.items()):
                if _is_users(variable) and name not in exponents and not _is_unit(name, variable.value):
                    taken = copy(variable)
                    taken.value = self.name_of(variable.value)
                    code.variables[name] = taken


def are_exact(flags: Iterable[str]) -> bool:
    """Whether code compiled with these flags computes the same bits with constants as with numbers written into it.

    It does not where the compiler may reorder sums and products, or join the two: it then folds what is constant.
    """
    allowed = dict.fromkeys(_REORDERS, False)
    joins = True
    for flag in flags:
        word = flag.removeprefix("-fno-").removeprefix("-f")
        if flag == "-Ofast" or word in _ALL_OF_THEM:
            allowed = dict.fromkeys(_REORDERS, not flag.startswith("-fno-"))
        elif word in _REORDERS:
            allowed[word] = not flag.startswith("-fno-")
        elif word.startswith("fp-contract="):
            joins = word != "fp-contract=off"
    return not joins and not any(allowed.values())


def _number(text: str) -> float | None:
    """A floating-point number as C++; nothing for a whole one, or for the name of one that is not finite."""
    bare = text.replace(" ", "").strip("()")
    try:
        return float(bare) if re.search(r"\d[.eE]", bare) else None
    except ValueError:
        return None


def _texts(code: Any) -> Iterable[Any]:
    yield code.code.cpp_file
    for block in code.before_after_blocks:
        yield getattr(code.code, f"{block}_cpp_file")


def _is_users(variable: Any) -> bool:
    """Whether it came from outside of Brian2's groups."""
    return type(variable) is Constant and variable.owner is None and type(variable.value) is float


def _is_unit(name: str, value: float) -> bool:
    return name in DEFAULT_UNITS and float(DEFAULT_UNITS[name]) == value


def _exponents(text: str) -> set[str]:
    """The names on which the exponents of all powers depend."""
    found = {name for match in _POWER.finditer(text) for name in _NAME.findall(_last_argument(text, match.end()))}
    defined = dict(_DEFINED.findall(text))
    while more := {name for each in found for name in _NAME.findall(defined.get(each, ""))} - found:
        found |= more
    return found


def _last_argument(text: str, start: int) -> str:
    """That of the call whose arguments begin at ``start``."""
    depth, last = 1, start
    for place in range(start, len(text)):
        character = text[place]
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[last:place]
        if depth == 1 and character == ",":
            last = place + 1
    return text[last:]
