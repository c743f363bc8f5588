"""The values of a sweep: what the command line says, and the points of the grid."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.errors import ConfigurationError
from hybrid.experiment.sweep.grid import Axis, Grid, parse_axis

KEY = "components.a.parameters.x"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1", [1]),
        ("-2.3,-2.2,-2.1", [-2.3, -2.2, -2.1]),
        ("1..4", [1, 2, 3, 4]),
        ("-2..1", [-2, -1, 0, 1]),
        ("7..7", [7]),
        ("0..10/5", [0, 5, 10]),
        ("10..0/-5", [10, 5, 0]),
        ("0.1..0.5/0.1", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("-2.3..-2.2/0.05", [-2.3, -2.25, -2.2]),
        ("0..1/0.5", [0.0, 0.5, 1.0]),
        ("1e-3..3e-3/1e-3", [0.001, 0.002, 0.003]),
        ("1..3, 10, 20..21", [1, 2, 3, 10, 20, 21]),
        ("none, warn", ["none", "warn"]),
        ("5 ms,10 ms", ["5 ms", "10 ms"]),
        ("true,false", [True, False]),
        ("1,1.0,true", [1, 1.0, True]),
        ("'a,b',\"c..d\"", ["a,b", "c..d"]),
        ('"1..20"', ["1..20"]),
        ('"a \\" , b"', ['a " , b']),
        ("it's,fine", ["it's", "fine"]),
        ("[1, 2],[3, 4]", [[1, 2], [3, 4]]),
        ("[1,2,3]", [[1, 2, 3]]),
        ("[[1, 2], [3, 4]],5", [[[1, 2], [3, 4]], 5]),
        ('{ kind = "Sine", strength = 0.1 },{ kind = "Linear" }', [{"kind": "Sine", "strength": 0.1}, {"kind": "Linear"}]),
        ("['a]', 'b']", [["a]", "b"]]),
        ("../beside.npz,data/../x.npz", ["../beside.npz", "data/../x.npz"]),
        ("''", [""]),
    ],
)  # fmt: skip
def test_values(text, values):
    axis = parse_axis(f"{KEY} = {text}")
    assert axis.key == KEY
    assert [(type(each), each) for each in axis.values] == [(type(each), each) for each in values]


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("x0=1,2", "write --set table.key=value,value"),
        ("run.seed", "write --set table.key=value,value"),
        ("run..seed=1", "write --set table.key=value,value"),
        ("run.seed=", "there is no value; an empty text is written"),
        ("run.seed=1,,2", "a value is missing before or after a comma"),
        ("run.seed=1,2,", "a value is missing before or after a comma"),
        ("run.seed=5..1", "leads nowhere; write 1..5"),
        ("run.seed=5..1/2", "leads nowhere; give a step"),
        ("run.seed=1..5/0", "leads nowhere"),
        ("run.seed=1..", "'1..' is no range; write 1..20 or 0.1..0.5/0.1, and put a text in quotes"),
        ("run.seed=1..x", "is no range"),
        ("run.seed=1...5/0.1", "is no range"),
        ("run.seed=1..5/x", "is no range"),
        ("run.seed=0.1..0.5", "needs a step; write 0.1..0.5/0.1"),
        ("run.seed=0..1/0.3", "does not end at 1; end it at 0.9 or 1.2"),
        ("run.seed=0..1e9", "needs a step"),
        ("run.seed=0..1000000", "more than 1,000,000 values"),
        ("run.seed=1,2,1", "the value 1 is there twice"),
        ("run.seed=1..3,3", "the value 3 is there twice"),
        ("run.record=[1, 2", "there is no ] at the end"),
        ('run.record="a', 'there is no " at the end'),
        ("run.seed=1979-05-27", "cannot stand in an experiment file"),
    ],
)
def test_what_is_refused(setting, complaint):
    with pytest.raises(ConfigurationError) as raised:
        parse_axis(setting)
    assert complaint in str(raised.value)
    assert str(raised.value).startswith("--set ")


VALUES = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.lists(st.integers(), max_size=3),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
)  # fmt: skip


@given(st.lists(VALUES, min_size=1, max_size=5, unique_by=json.dumps))
def test_whatever_is_written_as_toml_is_read_as_it_was(values):
    assert parse_axis(f"{KEY}={','.join(map(json.dumps, values))}") == Axis(KEY, tuple(values))


@given(st.integers(-1000, 1000), st.integers(1, 99), st.integers(0, 50), st.integers(1, 3))
def test_a_range_has_the_numbers_that_decimals_have(first, step, count, digits):
    written = [f"{value / 10**digits:.{digits}f}" for value in (first, first + step * count, step)]
    wanted = tuple(float(f"{(first + k * step) / 10**digits:.{digits}f}") for k in range(count + 1))
    assert parse_axis(f"{KEY}={written[0]}..{written[1]}/{written[2]}").values == wanted


def test_the_last_key_is_the_fastest():
    grid = Grid([Axis("a.x", (1, 2)), Axis("a.y", ("p", "q", "r"))])
    assert (len(grid), grid.shape) == (6, (2, 3))
    assert [tuple(each.values()) for each in grid] == [(1, "p"), (1, "q"), (1, "r"), (2, "p"), (2, "q"), (2, "r")]
    with pytest.raises(ConfigurationError, match="there is no point 6; the sweep has those from 0 to 5"):
        grid[6]


def test_every_value_is_once_among_one_of_each():
    grid = Grid([Axis("a.x", (1, 2)), Axis("a.y", (3, 4, 5)), Axis("a.z", (6, 7))])
    assert [tuple(grid[k].values()) for k in grid.one_of_each()] == [
        (1, 3, 6),
        (2, 3, 6),
        (1, 4, 6),
        (1, 5, 6),
        (1, 3, 7),
    ]


def test_zipped_values_are_side_by_side():
    grid = Grid([Axis("a.x", (1, 2)), Axis("a.y", (3,)), Axis("a.z", (6, 7))], zipped=True)
    assert [tuple(each.values()) for each in grid] == [(1, 3, 6), (2, 3, 7)]
    with pytest.raises(ConfigurationError, match=r"--zip .* a.x has 2, a.y has 3; give as many of each"):
        Grid([Axis("a.x", (1, 2)), Axis("a.y", (3, 4, 5))], zipped=True)


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ([], "give at least one --set"),
        (["a.x", "a.x"], "a.x is there twice"),
        (["a.x", "a.x.y"], "set the same value"),
        (["a.x.y", "a.x"], "set the same value"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(keys, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        Grid([Axis(key, (1,)) for key in keys])


def test_a_grid_larger_than_anyone_can_run_is_refused():
    with pytest.raises(ConfigurationError, match="a sweep of 4,000,000 points"):
        Grid([Axis("a.x", tuple(range(2000))), Axis("a.y", tuple(range(2000)))])
