"""What a circuit's ports may be: groups, parts, readouts, links, fibres."""

from __future__ import annotations

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, PoissonGroup, Synapses, ms, mV
from circuit_examples import alive, live

from hybrid.circuits import Afferents, Circuit, Readout
from hybrid.clock import Clock, Window
from hybrid.signals import Spikes

pytestmark = pytest.mark.usefixtures("shared_cache")


@pytest.fixture(params=["compiled", "runtime"])
def engine(request):
    return request.param


def cells(**others):
    return NeuronGroup(4, "dv/dt = -v / (10*ms) : volt", name="cells", method="exact", **others)


def test_readouts_leave_in_their_unit_at_the_end_of_the_tick(engine):
    def build():
        group = NeuronGroup(
            4, "dv/dt = 1*volt/second : volt\nshared_x : 1 (shared)\ntwice = 2*v : volt", method="euler", name="group"
        )
        group.v = np.arange(4) * 10 * mV
        group.shared_x = 7
        synapses = Synapses(group, group, "w : volt", name="synapses")
        synapses.connect("i < j")
        synapses.w = "(i + 10*j) * mV"
        return Circuit(
            Network(group, synapses),
            outputs={
                "v": Readout(group, "v", unit="mV"),
                "part": Readout(group[1:3], "v", average=True, unit="uV"),
                "twice": Readout(group[2:], "twice", unit="volt"),
                "shared_x": Readout(group, "shared_x", unit="anything"),
                "w": Readout(synapses, "w", average=True, unit="mV"),
            },
        )

    circuit = alive(build, engine, clock=Clock(1.0), dt_ms=0.5)
    assert [circuit[each].size for each in ("v", "part", "twice", "shared_x", "w")] == [4, 1, 2, 1, 1]
    out = live(circuit, None, [1, 3])
    assert out["v"] == pytest.approx(np.arange(4) * 10 + np.array([[1], [2], [3]]), rel=1e-9)
    assert out["part"] == pytest.approx(1e3 * (15 + np.array([[1], [2], [3]])), rel=1e-9)
    assert out["twice"] == pytest.approx(2e-3 * (np.array([20, 30]) + np.array([[1], [2], [3]])), rel=1e-9)
    assert np.array_equal(out["shared_x"], [[7], [7], [7]])
    pairs = [i + 10 * j for j in range(4) for i in range(j)]
    assert out["w"] == pytest.approx(np.full((3, 1), np.mean(pairs)), rel=1e-9)


def test_linked_variables_are_read_through_their_links(engine):
    def build():
        source = NeuronGroup(3, "x : 1", name="source")
        source.x = [1, 2, 3]
        single = NeuronGroup(1, "y : 1", name="single")
        single.y = 7
        group = NeuronGroup(4, "x : 1 (linked)\ny : 1 (linked)", name="group")
        group.x = brian2.linked_var(source, "x", index=np.array([2, 0, 0, 1]))
        group.y = brian2.linked_var(single, "y")
        outputs = {"x": Readout(group, "x"), "y": Readout(group, "y")}
        return Circuit(Network(source, single, group), outputs=outputs)

    out = live(alive(build, engine), None, [2])
    assert np.array_equal(out["x"], [[3, 1, 1, 2]] * 2)
    assert np.array_equal(out["y"], [[7]] * 2)


def test_groups_with_a_longer_step_and_parts_of_fibres(engine):
    """A source that runs every fifth step spikes once in five, and fibres[1:3] hears fibres 1 and 2 alone."""

    def build():
        slow = NeuronGroup(2, "x : 1", threshold="True", reset="x += 1", dt=0.5 * ms, name="slow")
        fibres = Afferents(4, name="fibres")
        ears = NeuronGroup(1, "heard : 1", name="ears")
        synapses = Synapses(fibres[1:3], ears, on_pre="heard_post += 1", name="synapses")
        synapses.connect()
        seen = brian2.StateMonitor(slow, "x", record=[0], name="seen")
        return Circuit(
            Network(slow, fibres, ears, synapses, seen), inputs={"in": fibres}, outputs={"spikes": slow, "echo": fibres}
        )

    circuit = alive(build, engine)
    given = Spikes(Window(0, 12), 4, [0, 3, 3, 3, 9], [0, 1, 2, 3, 1], [9, 2, 1, 5, 1])
    out = live(circuit, given, [4, 12])
    assert np.array_equal(out["spikes"], [[0, 0, 5, 5, 10, 10], [0, 1, 0, 1, 0, 1], [1] * 6])
    assert np.array_equal(out["echo"], [given.ticks, given.ids, given.counts])
    assert circuit.read("heard") == [4]
    assert np.array_equal(circuit.read("slow.x"), [3, 3])  # it ran in steps 0, 5 and 10
    assert circuit.read("seen.t") == pytest.approx([0, 0.5e-3, 1e-3])


def test_afferents_are_silent_in_a_network_of_their_own():
    fibres = Afferents(3)
    network = Network(fibres)
    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    try:
        network.run(1 * ms)
    finally:
        brian2.prefs.codegen.target = before
    assert fibres.spikes.size == 0
    with pytest.raises(TypeError, match=r"fibres\[:50\]"):
        fibres[1]
    with pytest.raises(IndexError, match="is empty"):
        fibres[2:2]


def test_poisson_group_as_an_output_has_the_rate_it_should(engine):
    def build():
        source = PoissonGroup(200, 50 * brian2.Hz, name="source")
        return Circuit(Network(source), outputs={"spikes": source})

    spikes = live(alive(build, engine), None, [10_000])["spikes"]
    assert spikes.shape[1] == pytest.approx(200 * 50, abs=5 * np.sqrt(200 * 50))
