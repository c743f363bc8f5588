"""The table of docs/brian2_in_a_circuit.md: what of Brian2 works inside a circuit, in both engines."""

# ruff: noqa: F841  (Brian2 finds constants by their names)

from __future__ import annotations

import brian2
import numpy as np
import pytest
from brian2 import (
    EventMonitor,
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    PopulationRateMonitor,
    SpatialNeuron,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    check_units,
    implementation,
    linked_var,
    ms,
    um,
)
from circuit_examples import alive, live
from floors import ROOT

from hybrid.circuits import Circuit, Readout
from hybrid.errors import ConfigurationError

pytestmark = pytest.mark.usefixtures("shared_cache")
TICKS = 20
PAGE = ROOT / "docs" / "brian2_in_a_circuit.md"


@pytest.fixture(params=["compiled", "runtime"])
def engine(request):
    return request.param


@implementation("cpp", "double cubed(double x) { return x * x * x; }")
@check_units(x=1, result=1)
def cubed(x):
    return x**3


def everything() -> Circuit:
    """One small group or more for each feature."""
    steps = TimedArray([1.0, 2.0, 3.0], dt=0.5 * ms)
    table = TimedArray([[1.0, 2.0], [3.0, 4.0]], dt=1 * ms)
    five = 5.0  # names are found where Circuit(...) is made
    methods = [
        NeuronGroup(1, "dx/dt = -x / ms : 1", method=method, name=f"by_{method}")
        for method in ("exact", "euler", "rk2", "rk4", "exponential_euler", "heun", "milstein")
    ]
    for each in methods:
        each.x = 1
    noisy = NeuronGroup(1000, "dx/dt = xi / sqrt(ms) : 1\nu : 1", method="euler", name="with_noise")
    noisy.u = "rand()"
    pausing = NeuronGroup(
        2, "dx/dt = 1/ms : 1 (unless refractory)\npause : second (constant)", threshold="x > 0.05", reset="x = 0",
        refractory="pause", method="euler", name="pausing",
    )  # fmt: skip
    pausing.pause = [0.5, 1.0] * ms
    eventful = NeuronGroup(2, "x : 1", events={"full": "x > 2"}, name="eventful")
    eventful.run_regularly("x += 1")
    eventful.run_on_event("full", "x = 0")
    full = EventMonitor(eventful, "full", name="full")
    slow = NeuronGroup(1, "dx/dt = 1/ms : 1", method="euler", dt=0.5 * ms, name="slow")
    timed = NeuronGroup(2, "x = steps(t) : 1\ny = table(t, i) : 1\nz : 1", name="timed")
    timed.run_regularly("z = x", dt=1 * ms)
    computed = NeuronGroup(3, "x : 1\ny : 1\nz : 1 (shared)\nb : boolean\nk : integer", name="computed")
    computed.x = "i + five"
    computed.b = "i > 1"
    computed.k = 7
    computed.run_regularly("y = cubed(x)")
    linked = NeuronGroup(3, "x : 1 (linked)\ny : 1", name="linked")
    linked.x = linked_var(computed, "x")
    linked.run_regularly("y = 2 * x")
    played = SpikeGeneratorGroup(3, [0, 2, 2], [0.2, 0.7, 1.1] * ms, name="played")
    poisson = PoissonGroup(2000, "100*Hz", name="poisson")
    driven = NeuronGroup(500, "x : 1", name="driven")
    bombarded = PoissonInput(driven, "x", 100, 100 * Hz, weight=1)
    heard = NeuronGroup(3, "total : 1\nat_once : 1\nlate : 1\neach : 1\ngap : 1\npart : 1", name="heard")
    several = Synapses(
        played, heard, "w : 1\ntotal_post = w : 1 (summed)", on_pre={"now": "at_once_post += 1", "later": "late_post += 1"},
        delay={"later": 0.5 * ms}, name="several",
    )  # fmt: skip
    several.connect(j="i")
    several.w = [1, 2, 3]
    delayed = Synapses(played, heard, on_pre="each_post += 1", name="delayed")
    delayed.connect(i=[0, 2, 2], j=[0, 1, 2])
    delayed.delay = [0.1, 0.2, 1.5] * ms
    gaps = Synapses(heard, heard, "gap_post = at_once_pre - at_once_post : 1 (summed)", name="gaps")
    gaps.connect(condition="i != j")
    multiple = Synapses(played, heard[:1], on_pre="part_post += 1", multisynaptic_index="nth", name="multiple")
    multiple.connect(i=2, j=0, n=3)
    plastic = Synapses(
        played,
        pausing,
        """w : 1
           dapre/dt = -apre / (10*ms) : 1 (event-driven)
           dapost/dt = -apost / (10*ms) : 1 (event-driven)
           dclock/dt = 1/ms : 1 (clock-driven)""",
        on_pre="apre += 1\nw += apost",
        on_post="apost -= 1\nw += apre",
        method="euler",
        name="plastic",
    )
    plastic.connect()
    random = Synapses(driven, driven, name="random")
    random.connect(p=0.01)
    ring = Synapses(driven, driven, name="ring")
    ring.connect(j="k for k in range(i - 1, i + 2) if i != k", skip_if_invalid=True)
    monitors = [
        SpikeMonitor(played, name="spikes"),
        StateMonitor(computed, "x", record=[0, 2], dt=1 * ms, name="trace"),
        PopulationRateMonitor(played, name="rate"),
    ]
    silent = NeuronGroup(1, "x : 1", name="silent")
    silent.active = False
    others = [
        noisy,
        pausing,
        eventful,
        full,
        slow,
        timed,
        computed,
        linked,
        played,
        poisson,
        driven,
        bombarded,
        heard,
        silent,
    ]
    synapses = [several, delayed, gaps, multiple, plastic, random, ring]
    outputs = {
        "pausing": pausing,
        "poisson": poisson,
        "played": played,
        "timed": Readout(timed, "x"),
        "y": Readout(timed, "y"),
    }
    return Circuit(Network(methods, others, synapses, monitors), outputs=outputs)


def methods_integrate(read, out):
    for method in ("exact", "rk2", "rk4", "exponential_euler"):
        assert read(f"by_{method}.x") == pytest.approx(np.exp(-2), rel=0.01)
    for method in ("euler", "heun", "milstein"):
        assert read(f"by_{method}.x") == pytest.approx(0.9**TICKS)


def noise(read, out):
    assert np.var(read("with_noise.x")) == pytest.approx(2, rel=0.2)  # 2 ms
    assert np.mean(read("with_noise.u")) == pytest.approx(0.5, abs=0.05)


def refractoriness(read, out):
    ticks, ids, _ = out["pausing"]
    assert ticks[ids == 0].tolist() == [0, 5, 10, 15]
    assert ticks[ids == 1].tolist() == [0, 10]


def events(read, out):
    assert read("full.i").size == 2 * (TICKS // 3)
    assert np.array_equal(read("eventful.x"), [TICKS % 3] * 2)


def clocks(read, out):
    assert read("slow.x") == pytest.approx(2.0)
    assert read("timed.z").tolist() == [3.0, 3.0]  # set at 0 and 1 ms


def timed_arrays(read, out):
    assert out["timed"][:, 0].tolist() == [1.0] * 4 + [2.0] * 5 + [3.0] * 11 or out["timed"][
        [0, 7, 19], 0
    ].tolist() == [1, 2, 3]
    assert out["y"][[0, 19]].tolist() == [[1.0, 2.0], [3.0, 4.0]]


def functions_and_names(read, out):
    assert read("computed.y").tolist() == [125.0, 216.0, 343.0]
    assert read("computed.b").tolist() == [False, False, True]
    assert read("computed.k").tolist() == [7] * 3


def links(read, out):
    assert read("linked.y").tolist() == [10.0, 12.0, 14.0]


def spike_generators(read, out):
    assert out["played"].tolist() == [[2, 7, 11], [0, 2, 2], [1, 1, 1]]


def poisson_sources(read, out):
    assert out["poisson"].shape[1] == pytest.approx(2000 * 100 * 0.002, abs=5 * np.sqrt(400))
    assert read("driven.x").sum() == pytest.approx(500 * 100 * 100 * 0.002, abs=5 * np.sqrt(10_000))


def synapses_and_delays(read, out):
    assert read("heard.total").tolist() == [1.0, 2.0, 3.0]
    assert read("heard.at_once").tolist() == [1.0, 0.0, 2.0]
    assert read("heard.late").tolist() == [1.0, 0.0, 2.0]
    assert read("heard.each").tolist() == [1.0, 2.0, 0.0]  # the third takes 1.5 ms
    assert read("heard.gap").tolist() == [0.0, 3.0, -3.0]


def synapses_that_are_several(read, out):
    assert read("heard.part").tolist() == [6.0, 0.0, 0.0]


def plasticity(read, out):
    assert read("plastic.clock") == pytest.approx(2.0)
    weights = read("plastic.w")
    assert weights.size == 6
    assert weights[0] != 0
    assert weights[2] == weights[3] == 0  # source 1 never spikes


def connecting(read, out):
    assert read("random._synaptic_pre").size == pytest.approx(2500, abs=250)
    assert read("ring._synaptic_pre").size == 2 * 500 - 2


def monitors(read, out):
    assert read("spikes.i").tolist() == [0, 2, 2]
    assert read("spikes.t") == pytest.approx([0.2e-3, 0.7e-3, 1.1e-3])
    assert read("trace.x").tolist() == [[5.0, 7.0], [5.0, 7.0]]
    assert read("rate.rate").max() == pytest.approx(1 / 3 / 1e-4)


def inactive_objects(read, out):
    assert read("silent.x") == [0]


# as they are called in the page's table
WORKS = {
    "integration methods": methods_integrate,
    "noise and random numbers": noise,
    "refractoriness": refractoriness,
    "events": events,
    "several clocks": clocks,
    "`TimedArray`": timed_arrays,
    "functions and names": functions_and_names,
    "linked variables": links,
    "`SpikeGeneratorGroup`": spike_generators,
    "`PoissonGroup`, `PoissonInput`": poisson_sources,
    "synapses, delays, summed variables": synapses_and_delays,
    "several synapses for a pair": synapses_that_are_several,
    "plasticity": plasticity,
    "ways to connect": connecting,
    "monitors": monitors,
    "inactive objects": inactive_objects,
}


@pytest.fixture(scope="module")
def lived():
    """What the circuit holds after 2 ms and what it sent, made once for each engine."""
    return {}


@pytest.mark.parametrize("feature", WORKS)
def test_what_works(feature, engine, lived):
    if engine not in lived:
        circuit = alive(everything, engine)
        lived[engine] = circuit, live(circuit, None, [7, TICKS])
    circuit, out = lived[engine]

    def read(name):
        return circuit._engine.read(name)

    WORKS[feature](read, out)


def test_spatial_neuron(engine):
    def build():
        cable = SpatialNeuron(
            brian2.Cylinder(n=10, length=100 * um, diameter=1 * um),
            "Im = 0*amp/meter**2 : amp/meter**2\nI : amp (point current)",
            Cm=1 * brian2.uF / brian2.cm**2, Ri=100 * brian2.ohm * brian2.cm, method="exponential_euler", name="cable",
        )  # fmt: skip
        cable.v = 0 * brian2.mV
        cable.I[0] = 0.01 * brian2.nA
        return Circuit(Network(cable), outputs={"v": Readout(cable, "v", unit="mV")})

    v = live(alive(build, engine), None, [TICKS])["v"][-1]
    capacitance_f = np.pi * 1e-4 * 100e-4 * 1e-6
    assert v.mean() == pytest.approx(1e3 * 0.01e-9 * 2e-3 / capacitance_f, rel=1e-3)
    assert (np.diff(v) < 0).all()


def reads_values():
    cells = NeuronGroup(3, "x : 1", name="cells")
    cells.x = "rand()"
    if cells.x[0] > 2:
        raise AssertionError
    return Circuit(Network(cells))


def stores():
    cells = NeuronGroup(3, "x : 1", name="cells")
    network = Network(cells)
    network.store()
    return Circuit(network)


def subclass():
    class Odd(brian2.core.base.BrianObject):
        def run(self):
            pass

    return Circuit(Network(Odd(name="odd")))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (reads_values, "its build function raised NotImplementedError: .*standalone"),
        (stores, "its build function raised NotImplementedError: .*standalone"),
        (subclass, r"odd \(Odd\) runs Python code in every step"),
    ],
)
def test_what_only_the_runtime_engine_does(build, message, engine):
    if engine == "runtime":
        alive(build, engine)
    else:
        with pytest.raises(ConfigurationError, match=f"circuit V1: {message}"):
            alive(build, engine, name="V1")


def test_page_lists_what_is_tested_and_nothing_else():
    table = PAGE.read_text(encoding="utf-8").partition("## What works")[2].partition("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")][2:]
    tested = [*WORKS, "`SpatialNeuron`", "parts of groups"]
    assert sorted(rows) == sorted(tested)
