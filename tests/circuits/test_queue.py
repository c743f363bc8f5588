"""The queue of spikes under way, against Brian2's own."""

from __future__ import annotations

import numpy as np
import pytest
from brian2.synapses.spikequeue import SpikeQueue

from hybrid.circuits.queue import DelayQueue

DT = 1e-4
SOURCES, SYNAPSES, STEPS = 20, 300, 60


def reached(queue: DelayQueue) -> np.ndarray:
    """All that is reached in this step, over its rounds; then the next step begins."""
    found = np.concatenate([np.empty(0, int), *queue.rounds()])
    queue.next_step()
    return found


@pytest.mark.parametrize("delays", ["one", "many"])
def test_same_synapses_in_the_same_steps_as_brian2(delays):
    """Brian2's queue in Python is an independent implementation; here for a part of the sources, 5 to 14."""
    random = np.random.default_rng(1)
    sources = random.integers(5, 15, SYNAPSES).astype(np.int32)
    late = np.array([7.4e-4]) if delays == "one" else random.uniform(0, 30 * DT, SYNAPSES)
    ours, theirs = DelayQueue(5, 15), SpikeQueue(5, 15)
    ours.prepare(late, DT, sources)
    theirs.prepare(late, DT, sources)
    total = 0
    for _ in range(STEPS):
        spikes = np.flatnonzero(random.random(SOURCES) < 0.1).astype(np.int32)
        ours.push(spikes)
        theirs.push(spikes)
        expected = np.sort(theirs.peek())
        assert np.array_equal(np.sort(reached(ours)), expected)
        theirs.advance()
        total += expected.size
    assert total > 1000


def test_synapse_that_is_reached_several_times_is_in_as_many_rounds():
    queue = DelayQueue(0, 3)
    queue.prepare([0.0], DT, np.array([0, 0, 1, 2]))
    queue.push(np.array([0, 1, 1, 1, 2, 2], np.int32))
    assert [list(part) for part in queue.rounds()] == [[0, 1, 2, 3], [2, 3], [2]]


def test_numbers_carry_everything_over():
    random = np.random.default_rng(2)
    sources, late = random.integers(0, SOURCES, SYNAPSES), random.uniform(0, 20 * DT, SYNAPSES)
    first, second = DelayQueue(0, SOURCES), DelayQueue(0, SOURCES)
    for queue in (first, second):
        queue.prepare(late, DT, sources)
    for _ in range(33):
        first.push(np.flatnonzero(random.random(SOURCES) < 0.3).astype(np.int32))
        reached(first)
    second.restore(first.numbers())
    assert sum(reached(second).size for _ in range(20)) > 100
    second.restore(first.numbers())
    for _ in range(25):
        assert np.array_equal(reached(first), reached(second))
