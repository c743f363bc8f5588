"""The values of a sweep: what ``--set KEY=VALUES`` says, and the points of the grid they make."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hybrid.errors import ConfigurationError, shown
from hybrid.experiment.tables import keys_of, toml_value

MOST_POINTS = 1_000_000
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_WHOLE = re.compile(r"[-+]?\d+")
_PAIRS = {"[": "]", "{": "}"}


@dataclass(frozen=True)
class Axis:
    """One key of the experiment file (``"run.seed"``) and the values it takes, each once."""

    key: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not all(keys_of(self.key)) or "." not in self.key:
            raise ConfigurationError(f"{shown(self.key)} is no key of an experiment; write table.key, as in run.seed")
        if not self.values:
            raise ConfigurationError(f"{self.key}: there is no value; give one or more")
        seen: set[str] = set()
        for value in self.values:
            try:
                text = json.dumps(value, sort_keys=True)
            except (TypeError, ValueError):
                raise ConfigurationError(
                    f"{self.key}: {shown(value)} cannot stand in an experiment file; give numbers, texts, lists or tables"
                ) from None
            if text in seen:
                raise ConfigurationError(f"{self.key}: the value {shown(value)} is there twice; leave one out")
            seen.add(text)


def parse_axis(setting: str) -> Axis:
    """The axis of ``"table.key=values"``.

    Values are separated by commas outside of quotes and brackets. Each is ``a..b``, the whole numbers from a to b;
    ``a..b/step``, numbers from a to b, both included; else a value of TOML; else a text. An array in brackets is one value.
    """
    said = f"--set {setting if len(setting) < 200 else shown(setting)}"
    key, equals, text = setting.partition("=")
    if not equals or not all(keys_of(key)) or "." not in key:
        raise ConfigurationError(f"{said}: write --set table.key=value,value")
    values = [value for part in _parts(text, said) for value in _values(part, said)]
    try:
        return Axis(".".join(keys_of(key)), tuple(values))
    except ConfigurationError as error:
        raise ConfigurationError(f"--set {error}") from None


def _parts(text: str, said: str) -> list[str]:
    """The text cut at its commas, those in quotes, brackets and braces left alone."""
    parts, start, quote = [], 0, ""
    closing: list[str] = []
    for k, letter in enumerate(text):
        if quote:
            escaped = quote == '"' and _backslashes_before(text, k) % 2 == 1
            quote = "" if letter == quote and not escaped else quote
        elif letter in "\"'" and (closing or not text[start:k].strip()):  # not the apostrophe within a word
            quote = letter
        elif letter in _PAIRS:
            closing.append(_PAIRS[letter])
        elif closing and letter == closing[-1]:
            closing.pop()
        elif letter == "," and not closing:
            parts.append(text[start:k])
            start = k + 1
    if quote or closing:
        raise ConfigurationError(f"{said}: there is no {quote or closing[-1]} at the end; put texts with one in quotes")
    parts = [part.strip() for part in (*parts, text[start:])]
    if not all(parts):
        what = "a value is missing before or after a comma" if len(parts) > 1 else "there is no value"
        raise ConfigurationError(f"{said}: {what}; an empty text is written '\"\"'")
    return parts


def _backslashes_before(text: str, end: int) -> int:
    return end - len(text[:end].rstrip("\\"))


def _values(part: str, said: str) -> Sequence[Any]:
    first, dots, rest = part.partition("..")
    if not dots or not _NUMBER.fullmatch(first.strip()):
        return [toml_value(part, said)]
    last, slash, step = (each.strip() for each in rest.partition("/"))
    first = first.strip()
    if not _NUMBER.fullmatch(last) or last.startswith(".") or (slash and not _NUMBER.fullmatch(step)):
        raise ConfigurationError(
            f"{said}: {shown(part)} is no range; write 1..20 or 0.1..0.5/0.1, and put a text in quotes, '\"{part}\"'"
        )
    if not slash and not (_WHOLE.fullmatch(first) and _WHOLE.fullmatch(last)):
        raise ConfigurationError(f"{said}: the range {part} needs a step; write {part}/0.1, or whichever it is")
    return _range(first, last, step if slash else "1", f"{said}: the range {part}")


def _range(first: str, last: str, step: str, said: str) -> list[Any]:
    """From the first to the last, both included; reckoned in decimals, so that 0.1..0.5/0.1 has 0.3 in it."""
    low, high, by = Decimal(first), Decimal(last), Decimal(step)
    if by == 0 or (high - low) * by < 0:
        remedy = f"write {last}..{first}" if step == "1" else "give a step that leads from the first to the last"
        raise ConfigurationError(f"{said} leads nowhere; {remedy}")
    steps = (high - low) / by
    if steps >= MOST_POINTS:
        raise ConfigurationError(f"{said} has more than {MOST_POINTS:,} values; give a larger step")
    count = int(steps)
    if steps != count:
        raise ConfigurationError(
            f"{said} does not end at {last}; end it at {low + count * by} or {low + (count + 1) * by}"
        )
    kind = int if all(map(_WHOLE.fullmatch, (first, last, step))) else float
    return [kind(low + k * by) for k in range(count + 1)]


class Grid:
    """All points of some axes: every combination, the last axis fastest; or, ``zipped``, their values side by side."""

    def __init__(self, axes: Iterable[Axis], zipped: bool = False) -> None:
        self.axes, self.zipped = tuple(axes), zipped
        if not self.axes:
            raise ConfigurationError("a sweep needs values; give at least one --set table.key=value,value")
        keys = [axis.key for axis in self.axes]
        for k, key in enumerate(keys):
            for other in keys[:k]:
                if key == other:
                    raise ConfigurationError(f"--set {key} is there twice; give all its values in one")
                if f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}."):
                    raise ConfigurationError(f"--set {key} and --set {other} set the same value; leave one out")
        lengths = [len(axis.values) for axis in self.axes]
        if zipped and len({length for length in lengths if length > 1}) > 1:
            told = ", ".join(f"{axis.key} has {len(axis.values)}" for axis in self.axes)
            raise ConfigurationError(f"--zip takes one value of each at a time: {told}; give as many of each, or one")
        self.shape = (max(lengths),) if zipped else tuple(lengths)
        if len(self) > MOST_POINTS:
            raise ConfigurationError(f"a sweep of {len(self):,} points; at most {MOST_POINTS:,} are possible")

    def __len__(self) -> int:
        return math.prod(self.shape)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """The values of a point by key, in the order of the axes."""
        return {axis.key: axis.values[at] for axis, at in zip(self.axes, self._places(number), strict=True)}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[number] for number in range(len(self)))

    def one_of_each(self) -> list[int]:
        """The fewest points that have every value once, next to the first value of all other axes."""
        if self.zipped:
            return list(range(len(self)))
        strides = [math.prod(self.shape[k + 1 :]) for k in range(len(self.shape))]
        steps = ([at * stride for at in range(1, length)] for length, stride in zip(self.shape, strides, strict=True))
        return [0, *itertools.chain.from_iterable(steps)]

    def _places(self, number: int) -> list[int]:
        if not 0 <= number < len(self):
            raise ConfigurationError(f"there is no point {number}; the sweep has those from 0 to {len(self) - 1}")
        if self.zipped:
            return [number if len(axis.values) > 1 else 0 for axis in self.axes]
        places = []
        for length in reversed(self.shape):
            number, place = divmod(number, length)
            places.append(place)
        return places[::-1]
