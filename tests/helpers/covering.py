"""All pairs: cases that together try every two options of different kinds with each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Case = dict[str, Any]
Pair = tuple[tuple[str, int], tuple[str, int]]


def all_pairs(options: Mapping[str, Sequence[Any]], refused: Callable[[Case], bool] = lambda case: False) -> list[Case]:
    """Greedy, and the same at every call: each case covers a pair that is left, and as many others as it can.

    ``refused`` says of a case, or a part of one, that it has what must not be put together: no case does.
    """
    names = list(options)

    def possible(chosen: Mapping[str, int]) -> bool:
        return not refused({name: options[name][k] for name, k in chosen.items()})

    left = dict.fromkeys(
        ((a, i), (b, j))
        for a, b in itertools.combinations(names, 2)
        for i in range(len(options[a]))
        for j in range(len(options[b]))
        if possible({a: i, b: j})
    )
    cases = []
    while left:
        chosen = dict(next(iter(left)))
        for name in names:
            if name not in chosen:
                chosen[name] = max(
                    (k for k in range(len(options[name])) if possible({**chosen, name: k})),
                    key=lambda k, name=name: sum(pair in left for pair in _pairs({**chosen, name: k}, names, name)),
                )
        for pair in _pairs(chosen, names):
            left.pop(pair, None)
        cases.append({name: options[name][chosen[name]] for name in names})
    return cases


def _pairs(chosen: Mapping[str, int], names: Sequence[str], only: str | None = None) -> Iterator[Pair]:
    """The pairs of a case, or those of one of its options."""
    given = [(name, chosen[name]) for name in names if name in chosen]
    return (pair for pair in itertools.combinations(given, 2) if only is None or only in (pair[0][0], pair[1][0]))


def label(case: Case) -> str:
    """A case as a name of a test."""
    return "-".join(f"{value}" for value in case.values())
