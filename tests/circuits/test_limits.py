"""No index out of a file reaches compiled code unless it lies within what there is."""

from __future__ import annotations

import matrix_circuits
import numpy as np
import pytest

from hybrid import Clock, Spikes, Window
from hybrid.circuits import Microcircuit
from hybrid.errors import CheckpointError
from hybrid.random import named_stream


@pytest.fixture(scope="module")
def circuit():
    made = Microcircuit("V1", matrix_circuits.heard, parameters={"n": 10}, engine="compiled")
    made.prepare(Clock(0.1), named_stream(1, "component", "V1"))
    counts = np.zeros((60, 3), np.int32)
    counts[::3] = 9
    made.advance(Window(0, 60), {"afferents": Spikes.from_counts(Window(0, 60), counts)})
    yield made
    made.close()


@pytest.mark.parametrize("bad", [-1, 30, 2**31 - 1])
@pytest.mark.parametrize(
    ("key", "at"),
    [
        ("array/_array_cells__spikespace", -1),
        ("array/_array_recurrent__synaptic_pre", 0),
        ("array/_array_recurrent__synaptic_post", -1),
        ("array/_array_drive__synaptic_pre", 0),
        ("array/_array_recurrent_N", 0),
        ("array/_array_cells_i", 3),
        ("array/_array_cells_subgroup__sub_idx", 0),
        ("queue/drive_pre", -1),
        ("queue/recurrent_pre", 1),
    ],
)
def test_an_index_beyond_what_there_is_is_refused(circuit, key, at, bad):
    state = circuit.state()
    assert state["queue/drive_pre"].size > 10  # something is under way
    harmed = {**state, key: state[key].copy()}
    harmed[key][at] = bad
    with pytest.raises(CheckpointError, match="circuit V1: the state "):
        circuit.restore(harmed)
    circuit.restore(state)


@pytest.mark.parametrize("delay", [-1e-3, 1.0, np.nan, np.inf])
def test_a_delay_that_no_queue_has_room_for_is_refused(circuit, delay):
    state = circuit.state()
    harmed = {**state, "array/_array_recurrent_delay": state["array/_array_recurrent_delay"].copy()}
    harmed["array/_array_recurrent_delay"][0] = delay
    with pytest.raises(CheckpointError, match="_array_recurrent_delay"):
        circuit.restore(harmed)


def test_fewer_targets_than_synapses_are_refused(circuit):
    state = circuit.state()
    key = "array/_array_recurrent__synaptic_post"
    with pytest.raises(CheckpointError, match="_synaptic_post"):
        circuit.restore({**state, key: state[key][:-1]})


def test_what_a_circuit_gave_is_taken_back(circuit):
    state = circuit.state()
    circuit.restore(state)
    assert all(
        np.array_equal(each, state[key], equal_nan=False) for key, each in circuit.state().items() if key != "random"
    )
