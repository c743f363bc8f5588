"""States out of a file are held against what there is before compiled code believes them."""

from __future__ import annotations

import numpy as np
import pytest
from checkpoint_brains import masses, toys
from toys import Relay, SavedSpikes

from adapters import BoxSpikeToRate, SpikeToRate
from hybrid import Brain, Spikes, Window
from hybrid.errors import CheckpointError
from hybrid.random import generator_state, named_stream, restore_generator


def prepared(brain, names):
    for name in names:
        part = {**brain.components, **brain.connections}[name]
        if name in brain.components:
            part.prepare(brain.clock, named_stream(1, "component", name))
        else:
            part.prepare(named_stream(1, "connection", name))
        yield part


def refused(part, key, value, match):
    state = part.state()
    with pytest.raises(CheckpointError, match=match):
        part.restore({**state, key: value(state[key])})
    part.restore(state)


def test_spikes_in_flight():
    brain = Brain(0.1)
    source, sink = brain.add(SavedSpikes("s", 2)), brain.add(Relay("r", 2, Spikes))
    brain.connect(source["spikes"], sink["in"], delay_ms=1.0, name="w")
    (line,) = prepared(brain, ["w"])
    line.accept(Spikes.from_counts(Window(0, 5), np.ones((5, 2), np.int32)))
    for row, bad in ((0, -7), (1, 2), (1, -1), (2, 0)):
        refused(
            line, "line/events", lambda events, row=row, bad=bad: _with(events, row, bad), "spikes in flight are none"
        )
    refused(line, "line/events", lambda events: events[:2], "spikes in flight are none")
    refused(line, "line/events", lambda events: events.astype(float), "spikes in flight are none")


def _with(events, row, bad):
    events = events.copy()
    events[row, 0] = bad
    return events


@pytest.mark.parametrize("adapter", [SpikeToRate(5.0), BoxSpikeToRate(2.0)])
def test_filters_and_accounts_of_another_size(adapter):
    brain = Brain(0.1)
    source, sink = brain.add(SavedSpikes("s", 3)), brain.add(Relay("r", 3))
    brain.connect(source["spikes"], sink["in"], delay_ms=1.0, adapter=adapter, name="w")
    (wire,) = prepared(brain, ["w"])
    for key in wire.state():
        if key != "line/until":
            refused(wire, key, lambda value: np.zeros((7, 7)), r"of the state is float64 \[7, 7\] where float64")


def test_a_connection_without_a_key():
    (wire,) = prepared(toys()[0], ["s_to_b"])
    state = wire.state()
    for key in state:
        with pytest.raises(CheckpointError, match="the state has no"):
            wire.restore({name: value for name, value in state.items() if name != key})


def test_a_network_of_masses_of_another_size():
    (network,) = prepared(masses()[0], ["whole"])
    for key in ("state", "history", "noise_colour"):
        refused(network, key, lambda value: value[..., :-1], f"{key!r} of the state")
    refused(network, "tick", lambda value: np.array(-1), "the state is of tick -1")


@pytest.mark.parametrize(("at", "bad"), [(10, 5), (11, 2), (12, 2**32)])
def test_a_random_generator_that_would_read_beyond_its_buffer(at, bad):
    rng = named_stream(1, "connection", "w")
    words = generator_state(rng)
    words[at] = bad
    with pytest.raises(CheckpointError, match="none that a Philox generator can have"):
        restore_generator(rng, words)
    with pytest.raises(CheckpointError):
        restore_generator(rng, generator_state(rng)[:-1])
