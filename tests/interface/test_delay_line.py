"""What is in flight: both lines against a plain loop over targets, sources and ticks."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid import Rates, Spikes, Window
from hybrid.errors import TimeError
from hybrid.interface.delay_line import DelayLine, SpikeLine

TICKS = 400


def brute_force(values, weights, delays):
    """``sum_j w[i, j] x[t - d[i, j], j]`` for every tick and target, in the order of sources; before tick 0 all is 0."""
    out = np.zeros((len(values), len(weights)), values.dtype)
    for tick in range(len(values)):
        for target, source in np.ndindex(weights.shape):
            sent = tick - delays[target, source]
            if weights[target, source] != 0 and sent >= 0:
                out[tick, target] += weights[target, source] * values[sent, source]
    return out


def network(seed, longest, shortest=10, targets=5, sources=4, whole=False):
    """Random weights, a third of them 0, and delays; row 1 equals row 0, row 2 is silent."""
    random = np.random.default_rng(seed)
    weights = random.integers(0, 4, (targets, sources)) * 1.0 if whole else random.standard_normal((targets, sources))
    weights[random.random((targets, sources)) < 0.3] = 0
    weights[0, 0] = 1
    delays = random.integers(shortest, longest + 1, (targets, sources))
    delays[0, 0] = shortest
    weights[1], delays[1], weights[2] = weights[0], delays[0], 0
    delays[weights == 0] = 0  # where nothing travels the delay binds nobody
    return weights, delays


def activity(kind, seed=3, ticks=TICKS, sources=4):
    random = np.random.default_rng(seed)
    if kind is Spikes:
        return Spikes.from_counts(Window(0, ticks), random.poisson(0.2, (ticks, sources)))
    return Rates(Window(0, ticks), sources, random.random((ticks, sources)))


def windows(cuts, ticks=TICKS):
    """Windows of the lengths in ``cuts``, over and over."""
    start = k = 0
    while start < ticks:
        stop = min(start + cuts[k % len(cuts)], ticks)
        yield Window(start, stop)
        start, k = stop, k + 1


def through(line, sent, cuts, ticks=TICKS):
    """All that arrives, as a simulation would have it: read a window, then send it."""
    arrived = []
    for window in windows(cuts, ticks):
        read = line.read(window)
        arrived.append(read.to_counts() if isinstance(read, Spikes) else read)
        line.push(sent.during(window))
    return np.concatenate(arrived)


CUTTINGS = [[1], [10], [3], [7, 1, 10, 2], [9, 10]]
LINES = [(DelayLine, Rates), (SpikeLine, Spikes)]


def dense(sent):
    return sent.to_counts() if isinstance(sent, Spikes) else sent.values


@pytest.mark.parametrize(("line", "kind"), LINES)
@pytest.mark.parametrize("longest", [10, 11, 64, 300, 1000])
def test_what_arrives_is_the_weighed_delayed_sum(line, kind, longest):
    weights, delays = network(longest, longest, whole=kind is Spikes)
    sent = activity(kind)
    expected = brute_force(dense(sent), weights.astype(dense(sent).dtype), delays)
    arrived = through(line(weights, delays), sent, [10])
    np.testing.assert_array_equal(arrived, expected)  # summed in the same order: not a bit apart


@pytest.mark.parametrize(("line", "kind"), LINES)
@pytest.mark.parametrize("longest", [10, 37, 300])
def test_it_does_not_matter_how_time_is_cut(line, kind, longest):
    weights, delays = network(1, longest, whole=kind is Spikes)
    arrived = [through(line(weights, delays), activity(kind), cuts).tobytes() for cuts in CUTTINGS]
    assert len(set(arrived)) == 1


def test_spikes_arrive_as_the_same_events_however_time_is_cut():
    """Also events of one line in one tick, from several sources, keep their order."""
    weights, delays = network(2, 40, whole=True)
    events = set()
    for cuts in CUTTINGS:
        line, sent, columns = SpikeLine(weights, delays), activity(Spikes), []
        for window in windows(cuts):
            columns.append(line.read(window).payload())
            line.push(sent.during(window))
        events.add(tuple(np.concatenate(each).tobytes() for each in zip(*columns, strict=True)))
    assert len(events) == 1


def test_a_long_delay_survives_thousands_of_windows():
    """The history is compacted many times; a delay of 2,000 ticks must still reach back exactly."""
    delays = np.array([[2000, 1]])
    ramp = Rates(Window(0, 9000), 2, np.arange(9000.0)[:, None] * [1.0, 1e-6])
    arrived = through(DelayLine(np.ones((1, 2)), delays), ramp, [1, 1, 1], ticks=9000)[:, 0]
    ticks = np.arange(9000.0)
    np.testing.assert_array_equal(arrived, np.maximum(ticks - 2000, 0) + np.maximum(ticks - 1, 0) * 1e-6)


def test_one_window_may_be_longer_than_the_history_was():
    line = DelayLine(np.ones((1, 1)), np.array([[5000]]))
    sent = Rates(Window(0, 15_000), 1, np.arange(15_000.0)[:, None])
    arrived = through(line, sent, [3, 5000, 1, 4999], ticks=15_000)[:, 0]
    np.testing.assert_array_equal(arrived, np.maximum(np.arange(15_000.0) - 5000, 0))


def test_what_is_sent_at_once_may_exceed_the_history():
    line = DelayLine(np.ones((1, 1)), np.array([[3]]))
    line.push(Rates(Window(0, 500), 1, np.arange(500.0)[:, None]))
    assert line.read(Window(500, 503))[:, 0].tolist() == [497.0, 498.0, 499.0]


@pytest.mark.parametrize(("line", "kind"), LINES)
@pytest.mark.parametrize("cuts", [[10], [7, 1, 10, 2]])
def test_what_was_sent_has_arrived_or_is_in_flight(line, kind, cuts):
    weights, delays = network(5, 90, whole=kind is Spikes)
    one, sent = line(weights, delays), activity(kind)
    values, arrived = dense(sent), np.zeros(len(weights))
    for window in windows(cuts, 150):
        arrived += brute_force(values, weights, delays)[window.start : window.stop].sum(axis=0)
        one.read(window)
        one.push(sent.during(window))
        flying = np.zeros(len(weights))  # by hand: sent before now, due at or after now
        for target, source in np.ndindex(weights.shape):
            first = max(window.stop - delays[target, source], 0)
            flying[target] += weights[target, source] * values[first : window.stop, source].sum()
        np.testing.assert_allclose(one.in_flight(), flying, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(arrived + one.in_flight(), weights @ values[: window.stop].sum(axis=0), atol=1e-9)


@pytest.mark.parametrize(("line", "kind"), LINES)
@pytest.mark.parametrize("at", [1, 40, 130])
def test_a_restored_line_continues_to_the_bit(line, kind, at):
    weights, delays = network(6, 120, whole=kind is Spikes)
    original, sent = line(weights, delays), activity(kind)
    copy = line(weights, delays)
    copy.push(kind.silence(Window(0, 33), 4))  # has a past of its own, to be forgotten
    through(original, sent.during(Window(0, at)), [10], at)
    saved = original.state()
    kept = {name: value.copy() for name, value in saved.items()}
    continued = []
    for each in (original, copy):
        if each is copy:
            copy.restore(saved)
        parts = []
        for window in windows([10], TICKS - at):
            window = window.shifted(at)
            parts.append(dense_or_array(each.read(window)))
            each.push(sent.during(window))
        continued.append(np.concatenate(parts).tobytes())
        np.testing.assert_array_equal(each.in_flight(), original.in_flight())
    assert continued[0] == continued[1]
    for name, value in kept.items():
        np.testing.assert_array_equal(saved[name], value)


def dense_or_array(read):
    return read.to_counts() if isinstance(read, Spikes) else read


@pytest.mark.parametrize(("line", "kind"), LINES)
def test_a_signal_out_of_turn_is_refused(line, kind):
    one = line(np.ones((1, 4)), np.full((1, 4), 10))
    one.push(kind.silence(Window(0, 5), 4))
    for window in (Window(0, 5), Window(6, 8)):
        with pytest.raises(TimeError, match=r"came where the one that starts at tick 5 was due"):
            one.push(kind.silence(window, 4))


def test_what_is_not_known_yet_or_no_longer_cannot_be_read():
    line = DelayLine(np.ones((1, 2)), np.array([[3, 8]]))
    for window in Window(0, 1000).cut(3):
        line.push(Rates(window, 2, 1.0))
    assert line.read(Window(1000, 1003)).tolist() == [[2.0]] * 3
    for window in (Window(1000, 1004), Window(0, 3)):
        with pytest.raises(TimeError, match=r"what arrives over .* cannot be told"):
            line.read(window)


def test_what_is_sent_may_be_changed_afterwards():
    values = np.ones((5, 1))
    line = DelayLine(np.ones((1, 1)), np.array([[5]]))
    line.push(Rates(Window(0, 5), 1, values))
    values[:] = 7
    assert (line.read(Window(5, 10)) == 1).all()


def test_whole_weights_make_copies_of_spikes():
    line = SpikeLine(np.array([[2.0], [0.0], [1.0]]), np.array([[4], [0], [6]]))
    line.push(Spikes(Window(0, 3), 1, [1, 2], [0, 0], [1, 5]))
    assert line.in_flight().tolist() == [12.0, 0.0, 6.0]
    counts = line.read(Window(3, 9)).to_counts()
    assert np.argwhere(counts).tolist() == [[2, 0], [3, 0], [4, 2], [5, 2]]
    assert counts[counts > 0].tolist() == [2, 10, 1, 5]
    assert line.in_flight().tolist() == [0.0, 0.0, 0.0]
