"""Nested values made plain: what becomes of each kind, and that nothing is shared with what was given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hybrid.results.info import plain


class Named:
    def __str__(self) -> str:
        return "named"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1.5, 2, True], [1.5, 2, True]),
        ([1.5, np.float64(2)], [1.5, 2.0]),
        ([1.5, None, "text", Named()], [1.5, None, "text", "named"]),
        ([[1.0], [np.arange(2)], (3,)], [[1.0], [[0, 1]], [3]]),
        ({1: np.eye(2)}, {"1": [[1.0, 0.0], [0.0, 1.0]]}),
        ([], []),
    ],
)
def test_plain_values(value: Any, expected: Any) -> None:
    found = plain(value)
    assert found == expected
    assert repr(found) == repr(expected)  # kinds too: 2.0 is np.float64(2)
    assert plain(value, finite=True) == expected


def test_what_is_not_finite_is_left_out_where_it_may_not_be() -> None:
    values = [[1.0, math.nan], [2, -math.inf], [10**400, math.inf]]
    assert plain(values, finite=True) == [[1.0, None], [2, None], [10**400, None]]
    assert math.isnan(plain(values)[0][1])
    assert plain({"a": np.array([np.inf])}, finite=True) == {"a": [None]}


def test_nothing_is_shared_with_what_was_given() -> None:
    given = {"rows": [[1.0, 2.0]]}
    found = plain(given)
    given["rows"][0][0] = 7.0
    given["rows"].append([])
    assert found == {"rows": [[1.0, 2.0]]}
