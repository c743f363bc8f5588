"""Integer time: which times are whole ticks, and how windows tile a run."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hybrid import Clock, Window
from hybrid.errors import ConfigurationError, TimeError


def test_a_window_is_half_open():
    window = Window(3, 7)
    assert (len(window), str(window)) == (4, "[3, 7)")
    assert [tick in window for tick in (2, 3, 6, 7)] == [False, True, True, False]
    assert window.shifted(-3) == Window(0, 4)


@pytest.mark.parametrize(
    ("other", "covered"), [((3, 7), True), ((4, 6), True), ((7, 7), True), ((2, 5), False), ((5, 8), False)]
)
def test_a_window_covers_what_lies_inside_it(other, covered):
    assert Window(3, 7).covers(Window(*other)) is covered


def test_a_window_that_ends_before_it_starts_is_refused():
    assert len(Window(4, 4)) == 0
    with pytest.raises(TimeError, match=r"window \[5, 4\) ends before it starts"):
        Window(5, 4)


@pytest.mark.parametrize("length", [1, 3, 4, 12, 100])
def test_cutting_tiles_a_window_without_gap_or_overlap(length):
    parts = list(Window(5, 17).cut(length))
    assert [tick for part in parts for tick in range(part.start, part.stop)] == list(range(5, 17))
    assert {len(part) for part in parts[:-1]} <= {length}


def test_cutting_nothing_gives_nothing():
    assert list(Window(5, 5).cut(3)) == []


@pytest.mark.parametrize("tick", ["0.1", "0.05", "0.025", "0.3", "1", "0.01"])
def test_every_decimal_multiple_of_a_tick_is_exact(tick):
    """0.1 + 0.1 + 0.1 is not 0.3 in binary: no tick of the first hour may be lost to that, in any of the usual steps."""
    clock = Clock(float(tick))
    for ticks in [*range(300), 12_345, 3_599_999, 36_000_000]:
        assert clock.ticks(float(Fraction(tick) * ticks)) == ticks
        assert clock.ticks(clock.ms(ticks)) == ticks


def test_a_sum_of_ticks_in_floating_point_is_still_whole():
    clock, time_ms = Clock(0.1), 0.0
    for _ in range(100_000):
        time_ms += 0.1
    assert time_ms != 10_000.0
    assert clock.ticks(time_ms) == 100_000


def test_a_time_between_two_ticks_is_refused_with_the_nearest():
    with pytest.raises(TimeError) as caught:
        Clock(0.1).ticks(5.03, "delay of thalamus.rate -> PFC.drive")
    assert str(caught.value) == (
        "delay of thalamus.rate -> PFC.drive = 5.03 ms is no multiple of the tick (0.1 ms); the nearest is 5 ms"
    )


@pytest.mark.parametrize("time_ms", [0.05, 0.1001, 1e6 + 0.04, -0.05])
def test_nothing_between_ticks_is_let_through(time_ms):
    with pytest.raises(TimeError, match="is no multiple of the tick"):
        Clock(0.1).ticks(time_ms)
    with pytest.raises(TimeError, match="is no multiple of the tick"):
        Clock(0.1).ticks_of([time_ms])


def test_an_array_of_times_names_the_first_bad_entry():
    clock = Clock(0.1)
    times = np.arange(12.0).reshape(3, 4) * 0.7
    np.testing.assert_array_equal(clock.ticks_of(times), np.arange(12).reshape(3, 4) * 7)
    times[1, 2], times[2, 0] = 1.26, 0.01
    with pytest.raises(
        TimeError, match=r"delays\[1, 2\] = 1.26 ms is no multiple .* nearest is 1.3 ms \(2 such entries"
    ):
        clock.ticks_of(times, "delays")


@pytest.mark.parametrize("tick_ms", [0, -0.1, float("nan"), float("inf"), "fast", None, True])
def test_an_impossible_tick_is_refused(tick_ms):
    with pytest.raises(ConfigurationError, match="tick_ms"):
        Clock(tick_ms)


def test_clocks_compare_by_their_tick():
    assert Clock(0.1) == Clock(0.1)
    assert len({Clock(0.1), Clock(0.1), Clock(0.2)}) == 2
    assert Clock(0.1) != 0.1


def test_brian2_times_are_converted():
    brian2 = pytest.importorskip("brian2")
    clock = Clock(100 * brian2.us)
    assert clock == Clock(0.1)
    assert clock.ticks(2.5 * brian2.second) == 25_000
    np.testing.assert_array_equal(clock.ticks_of([1, 20] * brian2.ms), [10, 200])
    with pytest.raises(ConfigurationError, match=r"the time = .* wrong dimension"):
        clock.ticks(5 * brian2.mV)


@pytest.mark.parametrize("tick_ms", [0.1, 1e-320])
@pytest.mark.parametrize("time_ms", [1e308, -1e308, 2e15])
def test_more_ticks_than_can_be_counted_are_refused(tick_ms, time_ms):
    clock = Clock(tick_ms)
    with pytest.raises(TimeError, match=r"the time = .* ms is more ticks of .* ms than can be counted"):
        clock.ticks(time_ms)
    with pytest.raises(TimeError, match=r"the times: .* ms is more ticks of .* ms than can be counted"):
        clock.ticks_of([0.0, time_ms])
    with pytest.raises(TimeError, match=r"more steps of .* than can be counted"):
        Clock(abs(time_ms)).steps_per_tick(1e-3, "x")
