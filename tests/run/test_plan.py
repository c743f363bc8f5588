"""The dry run: window, slack and placement by hand, and the delays and wishes it refuses."""

from __future__ import annotations

import pytest
from toys import Accumulator, RampSource, Relay

from hybrid import Brain, make_plan
from hybrid.errors import ConfigurationError, TimeError, UnknownNameError
from hybrid.run.plan import LONGEST_WINDOW


def brain_of(*wires, tick_ms=0.1):
    """Relays joined by wires ``(from, to, delay_ms)``, or ``(from, to, delay_ms, weight)``; wires are called ``a_to_b``."""
    brain = Brain(tick_ms)
    for name in sorted({end for wire in wires for end in wire[:2]}):
        brain.add(Relay(name))
    for source, target, delay_ms, *weight in wires:
        brain.connect(
            brain[source]["out"], brain[target]["in"], delay_ms=delay_ms, weight=weight[0] if weight else None
        )
    return brain


def test_the_shortest_delay_sets_the_window_and_the_others_have_slack():
    plan = make_plan(brain_of(("a", "b", 3.0), ("b", "c", 1.6), ("c", "a", 20.0)))
    assert (plan.window, plan.set_by) == (16, "b_to_c")
    assert plan.slack == {"a_to_b": 14, "b_to_c": 0, "c_to_a": 184}


def test_the_shortest_of_a_matrix_counts_where_there_is_a_weight():
    brain = Brain(0.1)
    a, b = brain.add(Relay("a", 2)), brain.add(Relay("b", 2))
    brain.connect(a["out"], b["in"], weight=[[0, 1], [1, 1]], delay_ms=[[0.1, 2.5], [3.0, 4.0]])
    assert make_plan(brain).window == 25


def test_a_cut_connection_binds_nobody():
    plan = make_plan(brain_of(("a", "b", 3.0), ("b", "c", 0.2, 0.0), ("c", "a", 0.0, 0.0)))
    assert (plan.window, plan.set_by) == (30, "a_to_b")
    assert list(plan.slack) == ["a_to_b"]


def test_where_no_delay_binds_the_window_is_bounded_all_the_same():
    plan = make_plan(brain_of(("a", "b", 1.0, 0.0)))
    assert (plan.window, plan.set_by, plan.slack) == (LONGEST_WINDOW, None, {})
    assert "no delay binds it" in str(plan)
    plan = make_plan(brain_of(("a", "b", 200.0)))
    assert (plan.window, plan.set_by, plan.slack) == (LONGEST_WINDOW, "a_to_b", {"a_to_b": 2000 - LONGEST_WINDOW})


def test_equal_delays_are_settled_by_name():
    assert make_plan(brain_of(("b", "a", 1.0), ("a", "b", 1.0))).set_by == "a_to_b"


@pytest.mark.parametrize(("window_ms", "ticks"), [(0.1, 1), (1.5, 15), (1.6, 16)])
def test_a_shorter_window_may_be_asked_for(window_ms, ticks):
    plan = make_plan(brain_of(("a", "b", 3.0), ("b", "a", 1.6)), window_ms=window_ms)
    assert plan.window == ticks
    assert plan.slack == {"a_to_b": 30 - ticks, "b_to_a": 16 - ticks}


@pytest.mark.parametrize(
    ("window_ms", "text"),
    [
        (1.7, "window_ms = 1.7 must be at least one tick and at most the shortest delay, 1.6 ms of b.out -> a.in"),
        (0, "window_ms = 0 must be at least one tick"),
        (-1, "window_ms = -1 must be at least one tick"),
        (0.25, r"window_ms = 0.25 ms is no multiple of the tick \(0.1 ms\); the nearest is 0.2 ms"),
        ("long", "window_ms = 'long' is not a number"),
    ],
)
def test_impossible_windows_are_refused(window_ms, text):
    with pytest.raises(ConfigurationError, match=text):
        make_plan(brain_of(("a", "b", 3.0), ("b", "a", 1.6)), window_ms=window_ms)


def test_without_delays_a_window_is_bounded_by_the_longest():
    with pytest.raises(
        TimeError, match=f"window_ms = 200 must be at least one tick and at most {LONGEST_WINDOW} ticks"
    ):
        make_plan(brain_of(("a", "b", 1.0, 0.0)), window_ms=200)


@pytest.mark.parametrize(
    ("wires", "cycle"),
    [
        ([("b", "a", 0), ("a", "b", 5)], "b.out -> a.in = 0 ms, in the cycle b -> a -> b: nothing can reach"),
        (
            [("a", "b", 0), ("b", "c", 5), ("c", "d", 1), ("d", "a", 1)],
            "a.out -> b.in = 0 ms, in the cycle a -> b -> c -> d -> a",
        ),
        ([("a", "a", 0)], "a.out -> a.in = 0 ms, in the cycle a -> a"),
        ([("a", "b", 0)], "a.out -> b.in = 0 ms: nothing can reach another component in the tick it leaves"),
        ([("a", "b", 0), ("b", "a", 5, 0.0)], "a.out -> b.in = 0 ms: nothing"),  # a cut connection closes no cycle
    ],
)
def test_a_delay_of_zero_is_refused_with_the_cycle_it_lies_in(wires, cycle):
    with pytest.raises(TimeError, match=cycle + r".*give at least one tick \(0.1 ms\)"):
        make_plan(brain_of(*wires))


def test_all_delays_of_zero_are_told_at_once():
    with pytest.raises(TimeError) as caught:
        make_plan(brain_of(("a", "b", 0), ("b", "a", 0), ("b", "c", 1)))
    assert [line.split(" = ")[0] for line in str(caught.value).splitlines()] == [
        "delay of a.out -> b.in", "delay of b.out -> a.in",
    ]  # fmt: skip


# -- placement ---------------------------------------------------------------------------------------------------------


def loaded(**loads):
    brain = Brain(0.1)
    for name, load in loads.items():
        brain.add(RampSource(name)).load = load
    return brain


@pytest.mark.parametrize(
    ("ranks", "rank_of"),
    [
        (1, {"a": 0, "b": 0, "c": 0, "d": 0, "e": 0}),
        (2, {"a": 1, "b": 0, "c": 0, "d": 1, "e": 1}),  # 9 + 1 | 4 + 3 + 2
        (3, {"a": 1, "b": 1, "c": 0, "d": 2, "e": 2}),  # 9 | 4 + 1 | 3 + 2
        (8, {"a": 1, "b": 4, "c": 0, "d": 2, "e": 3}),
    ],
)
def test_the_heaviest_is_placed_first_where_there_is_least_to_do(ranks, rank_of):
    plan = make_plan(loaded(a=4, b=1, c=9, d=3, e=2), ranks)
    assert plan.rank_of == rank_of
    assert plan.ranks == ranks


def test_wishes_come_before_loads():
    plan = make_plan(loaded(a=4, b=1, c=9), 2, placement={"b": 1, "a": 1})
    assert plan.rank_of == {"a": 1, "b": 1, "c": 0}
    # the wish counts as load: c goes where a is not
    assert make_plan(loaded(a=4, b=1, c=9), 2, placement={"a": 0}).rank_of == {"a": 0, "b": 0, "c": 1}
    assert (
        make_plan(loaded(a=4, b=1), 2, placement={"a": 5}).rank_of["a"] == 1
    )  # on fewer ranks than wished for: in turn


def test_the_order_of_adding_does_not_matter():
    assert make_plan(loaded(a=1, b=1, c=1), 2).rank_of == make_plan(loaded(c=1, b=1, a=1), 2).rank_of


@pytest.mark.parametrize(
    ("placement", "kind", "text"),
    [
        ({"focsu": 0}, UnknownNameError, r"placement: component 'focsu' does not exist; did you mean 'focus'"),
        ({"focus": -1}, ConfigurationError, "placement of focus = -1 must be a rank, 0 or above"),
        ({"focus": 0.5}, ConfigurationError, "placement of focus = 0.5 must be a rank"),
        ({"focus": True}, ConfigurationError, "placement of focus = True must be a rank"),
    ],
)
def test_impossible_wishes_are_refused(placement, kind, text):
    with pytest.raises(kind, match=text):
        make_plan(loaded(focus=1.0), 2, placement=placement)


def test_a_brain_without_components_and_a_run_without_ranks_are_refused():
    with pytest.raises(ConfigurationError, match=r"the brain has no components; add some with brain.add"):
        make_plan(Brain(0.1))
    with pytest.raises(ConfigurationError, match="ranks = 0 must be at least 1"):
        make_plan(loaded(a=1), 0)


# -- what it says ------------------------------------------------------------------------------------------------------


def test_a_plan_reads_as_text():
    brain = brain_of(("a", "b", 3.0), ("b", "a", 1.6))
    brain.add(Accumulator("heavy")).load = 50.0
    assert str(make_plan(brain, 3)).splitlines() == [
        "window: 1.6 ms = 16 ticks of 0.1 ms, set by b_to_a (b.out -> a.in)",
        "  a_to_b                       slack      1.4 ms   a.out -> b.in",
        "  b_to_a                       slack        0 ms   b.out -> a.in",
        "rank 0: heavy",
        "rank 1: a",
        "rank 2: b",
    ]


def test_a_plan_describes_itself_in_plain_values():
    assert make_plan(brain_of(("a", "b", 3.0), ("b", "a", 2.0), tick_ms=0.5), 2).describe() == {
        "tick_ms": 0.5,
        "window_ticks": 4,
        "window_ms": 2.0,
        "set_by": "b_to_a",
        "slack_ms": {"a_to_b": 1.0, "b_to_a": 0.0},
        "ranks": 2,
        "placement": {"a": 0, "b": 1},
    }
