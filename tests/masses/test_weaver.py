"""Functions written into one another do what they did when they called each other."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hybrid.masses.compiled.weaver import Weaver

TEXT = '''
def square(x):
    """Of x."""
    return x * x

def sum_of_squares(values):
    total = 0.0
    for x in values:
        total += square(x)
    return total

def swapped(a, b):
    return b, a

def fill(out, value):
    for k in range(len(out)):
        out[k] = value + k

def kind(x):
    if ROUND:
        return_value = x * FACTOR
    else:
        return_value = x
    return return_value

def outer(values, out, point):
    total = sum_of_squares(values) + square(square(2.0))
    a, b = swapped(total, square(3.0))
    a, b = b, a
    fill(out, kind(a))
    if square(total) > 1e6:
        total = square(point.x)
    return total, a, b, math.sqrt(square(point.x) + square(point.y))
'''


def made(name: str, **constants: int) -> tuple[Any, str]:
    text = Weaver([TEXT], constants, {"point": ("x", "y")}).function(name)
    scope: dict[str, Any] = {"math": math}
    exec(text, scope)
    return scope[name], text


def test_what_is_woven_computes_the_same() -> None:
    outer, text = made("outer", ROUND=True, FACTOR=2)
    out = [0.0, 0.0]
    assert outer((1.0, 2.0), out, 3.0, 4.0) == (21.0, 21.0, 9.0, 5.0)
    assert out == [42.0, 43.0]
    assert outer((1000.0,), out, 3.0, 4.0)[0] == 9.0
    assert "square(" not in text
    assert "Of x" not in text


@pytest.mark.parametrize(("chosen", "first"), [(True, 147.0), (False, 21.0)])
def test_a_branch_on_a_constant_is_chosen(chosen: bool, first: float) -> None:
    outer, text = made("outer", ROUND=chosen, FACTOR=7)
    out = [0.0]
    outer((1.0, 2.0), out, 0.0, 0.0)
    assert out == [first]
    assert "ROUND" not in text
    assert ("* 7" in text) == chosen


def test_records_become_one_argument_for_each_field() -> None:
    _, text = made("outer", ROUND=True, FACTOR=2)
    assert text.startswith("def outer(values, out, point_x, point_y):")


def test_an_argument_that_is_assigned_to_is_refused() -> None:
    weaver = Weaver(["def f(x):\n    x = x + 1\n    return x", "def g(y):\n    return f(y)"], {})
    with pytest.raises(AssertionError):
        weaver.function("g")
