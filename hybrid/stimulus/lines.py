"""The lines of a stimulus: how many, or their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybrid.errors import ConfigurationError


def lines_of(name: str, lines: int | Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """Number and labels of the lines; without labels, ``()``."""
    given: Any = (lines,) if isinstance(lines, str) else lines
    if isinstance(given, int | np.integer) and not isinstance(given, bool):
        if given < 1:
            raise ConfigurationError(f"{name}: lines = {given} must be at least 1")
        return int(given), ()
    labels = tuple(given) if isinstance(given, list | tuple) else ()
    if not labels or not all(isinstance(each, str) for each in labels):
        raise ConfigurationError(f"{name}: lines = {lines!r}; give their number, or a list of labels")
    if len(set(labels)) < len(labels):
        twice = next(each for each in labels if labels.count(each) > 1)
        raise ConfigurationError(f"{name}: the label {twice!r} stands for more than one line")
    return len(labels), labels
