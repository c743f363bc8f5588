"""A part of a group as a port: its first and its last element belong to it, the neighbours on both sides do not."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, mV
from circuit_examples import alive

from hybrid.circuits import Afferents, Circuit, Injection, Readout
from hybrid.clock import Window
from hybrid.signals import Spikes, States

pytestmark = pytest.mark.usefixtures("shared_cache")
SIZE, FIRST, STOP = 9, 3, 6
INSIDE = np.arange(SIZE)[FIRST:STOP]


@pytest.fixture(params=["compiled", "runtime"])
def engine(request):
    return request.param


def parts() -> Circuit:
    """Every cell spikes in every step and counts its spikes; ``heard`` is what fibres 3, 4, 5 alone send."""
    cells = NeuronGroup(
        SIZE,
        "spiked : 1\nvalue : volt\ninjected : 1\nheard : 1\nalso : 1",
        threshold="True",
        reset="spiked += 1",
        name="cells",
    )
    cells.value = np.arange(SIZE) * mV
    fibres = Afferents(SIZE, name="fibres")
    part, alone = cells[FIRST:STOP], cells[STOP : STOP + 1]
    hears = Synapses(fibres[FIRST:STOP], part, on_pre="heard_post += 1", name="hears")
    hears.connect(j="i")
    tells = Synapses(part, cells, on_pre="also_post += 1", name="tells")
    tells.connect(i=[0, 1, 2], j=[0, 1, 2])
    return Circuit(
        Network(cells, fibres, hears, tells),
        inputs={
            "fibres": fibres,
            "into": Injection(part, "injected", unit="1"),
            "alone": Injection(alone, "injected", unit="1"),
        },
        outputs={
            "spikes": part,
            "last": cells[SIZE - 1 :],
            "first": cells[:1],
            "fibres_again": fibres[FIRST:STOP],
            "values": Readout(part, "value", unit="mV"),
            "mean": Readout(part, "value", unit="mV", average=True),
            "injected": Readout(cells, "injected"),
        },
    )


def test_parts_end_where_they_should(engine):
    circuit, window = alive(parts, engine), Window(0, 4)
    everywhere = np.tile(np.arange(SIZE), 4)
    spikes = Spikes(window, SIZE, np.repeat(np.arange(4), SIZE), everywhere, np.ones(4 * SIZE, int))
    given = {
        "fibres": spikes,
        "into": States(window, 3, np.tile([10.0, 11.0, 12.0], (4, 1))),
        "alone": States(window, 1, np.full((4, 1), 20.0)),
    }
    out = circuit.advance(window, given)
    for port, ids in {"spikes": [0, 1, 2], "last": [0], "first": [0], "fibres_again": [0, 1, 2]}.items():
        assert out[port].ids.tolist() == ids * 4, port
        assert out[port].counts.tolist() == [1] * len(ids) * 4, port
    assert np.allclose(out["values"].values, [INSIDE] * 4)
    assert np.allclose(out["mean"].values, INSIDE.mean())
    assert np.array_equal(out["injected"].values, [[0, 0, 0, 10, 11, 12, 20, 0, 0]] * 4)
    assert np.array_equal(circuit.read("cells.heard"), [0, 0, 0, 4, 4, 4, 0, 0, 0])
    assert np.array_equal(circuit.read("cells.spiked"), [4] * SIZE)
    assert circuit.read("cells.also")[:3].min() >= 3
    assert np.array_equal(circuit.read("cells.also")[3:], [0] * 6)
