"""What flows into a parameter of a circuit arrives there, tick for tick, on both engines."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms, nA
from toys import Toy

from adapters import RateToConductance
from hybrid import Brain, Clock, Currents, Port, Rates, Simulation, States, Window
from hybrid.circuits import Circuit, Injection, Microcircuit, Readout
from hybrid.errors import ComponentError, ConfigurationError, WiringError
from hybrid.testing import check_component

TICKS, STEPS_A_TICK, TAU_MS = 40, 2, 5.0


@pytest.fixture(params=["compiled", "runtime"])
def engine(request):
    return request.param


def membranes() -> Circuit:
    """Low-pass filters of an injected current; a conductance for two of them; a number all have in common."""
    cells = NeuronGroup(
        4,
        """dv/dt = (I_ext/nA - v) / (5*ms) : 1
           I_ext : amp
           g_ext : siemens
           level : 1 (shared)""",
        method="euler",
        name="cells",
    )
    cells.I_ext = 7 * nA
    return Circuit(
        Network(cells),
        inputs={
            "current": Injection(cells, "I_ext"),
            "conductance": Injection(cells[1:3], "g_ext", unit="nS"),
            "level": Injection(cells, "level", unit="a.u."),
        },
        outputs={
            "v": Readout(cells, "v"),
            "I": Readout(cells, "I_ext", unit="nA"),
            "g": Readout(cells, "g_ext", unit="nS"),
            "shared": Readout(cells, "level"),
        },
    )


def circuit(engine, build=membranes):
    return Microcircuit("V1", build, engine=engine, dt_ms=0.1 / STEPS_A_TICK)


def given(window: Window) -> dict:
    random = np.random.default_rng(1)
    return {
        "current": Currents(window, 4, random.normal(size=(len(window), 4))),
        "conductance": States(window, 2, random.random((len(window), 2))),
        "level": States(window, 1, random.random((len(window), 1))),
    }


def lived(engine, inputs, cuts=(TICKS,)):
    alive = circuit(engine)
    alive.prepare(Clock(0.1), np.random.default_rng(0))
    outputs, start = [], 0
    for stop in cuts:
        window = Window(start, stop)
        outputs.append(alive.advance(window, {name: signal.during(window) for name, signal in inputs.items()}))
        start = stop
    alive.close()
    return {name: np.concatenate([each[name].values for each in outputs]) for name in outputs[0]}


def test_ports_say_what_they_take(engine):
    ports = circuit(engine).inputs
    assert (ports["current"].kind, ports["current"].size, ports["current"].unit) == (Currents, 4, "nA")
    assert (ports["conductance"].kind, ports["conductance"].size, ports["conductance"].unit) == (States, 2, "nS")
    assert (ports["level"].kind, ports["level"].size, ports["level"].unit) == (States, 1, "a.u.")


def test_every_tick_has_its_value_and_keeps_it_for_all_its_steps(engine):
    inputs = given(Window(0, TICKS))
    seen = lived(engine, inputs)
    np.testing.assert_allclose(seen["I"], inputs["current"].na, rtol=1e-15)
    np.testing.assert_allclose(seen["g"][:, 1:3], inputs["conductance"].values, rtol=1e-15)
    assert not seen["g"][:, [0, 3]].any()
    np.testing.assert_array_equal(seen["shared"], inputs["level"].values)
    v, expected = np.zeros(4), []
    for tick in range(TICKS):
        for _ in range(STEPS_A_TICK):
            v = v + 0.05 / TAU_MS * (inputs["current"].na[tick] - v)
        expected.append(v)
    np.testing.assert_allclose(seen["v"], expected, rtol=1e-12)


def test_it_does_not_matter_how_time_is_cut(engine):
    inputs = given(Window(0, TICKS))
    whole, cut = lived(engine, inputs), lived(engine, inputs, [1, 2, 11, 30, TICKS])
    assert all(np.array_equal(whole[name], cut[name]) for name in whole)


def test_both_engines_agree():
    inputs = given(Window(0, TICKS))
    np.testing.assert_allclose(lived("compiled", inputs)["v"], lived("runtime", inputs)["v"], rtol=1e-12)


def test_contract(engine):
    check_component(lambda: circuit(engine), ticks=80)


class Ramp(Toy):
    """A current that grows by 1 nA a ms."""

    def __init__(self, name, kind=Currents, unit="", size=4):
        super().__init__(name)
        self.outputs = {"out": Port(name, "out", kind, size, "out", unit=unit)}

    def advance(self, window, inputs):
        port = self.outputs["out"]
        values = np.arange(window.start, window.stop)[:, None] * 0.1
        return {"out": port.kind(window, port.size, values)}


def test_a_connection_brings_currents_weighed_and_delayed_and_without_one_it_is_zero(engine):
    brain = Brain(tick_ms=0.1)
    ramp, cells = brain.add(Ramp("ramp")), brain.add(circuit(engine))
    brain.connect(ramp["out"], cells["current"], weight=np.diag([1.0, 2.0, -1.0, 0.0]), delay_ms=0.5)
    results = Simulation(brain, record=[cells["I"], cells["g"]]).run(2)
    ms_since_arrival = np.maximum(np.arange(20) - 5, 0)[:, None] * 0.1
    np.testing.assert_allclose(results["V1.I"].values, ms_since_arrival * [1.0, 2.0, -1.0, 0.0], rtol=1e-12)
    assert not results["V1.g"].values.any()


def test_another_unit_is_refused_at_the_door(engine):
    brain = Brain(tick_ms=0.1)
    ramp, cells = brain.add(Ramp("ramp", States, "mV", 2)), brain.add(circuit(engine))
    with pytest.raises(WiringError, match=r"ramp\.out is in mV, V1\.conductance takes nS"):
        brain.connect(ramp["out"], cells["conductance"], delay_ms=1)


def test_another_unit_than_the_adapters_is_refused(engine):
    brain = Brain(tick_ms=0.1)
    ramp, cells = brain.add(Ramp("ramp", Rates, size=1)), brain.add(circuit(engine, in_siemens))
    with pytest.raises(WiringError, match=r"the adapter RateToConductance emits nS, V1\.in takes S"):
        brain.connect(ramp["out"], cells["in"], weight=1.0, delay_ms=1, adapter=RateToConductance())


def in_siemens():
    cells = NeuronGroup(3, "g_ext : siemens", name="cells")
    return Circuit(Network(cells), inputs={"in": Injection(cells, "g_ext", unit="S")})


def test_another_kind_is_refused(engine):
    alive = circuit(engine)
    alive.prepare(Clock(0.1), np.random.default_rng(0))
    window = Window(0, 2)
    wrong = {**given(window), "current": States(window, 4, 0.0)}
    with pytest.raises(ComponentError, match=r"V1\.current was given States.*takes Currents"):
        alive.advance(window, wrong)
    alive.close()


def group(equations="v : volt\nI_ext : amp\nfixed : amp (constant)\ndu/dt = -u/ms : amp"):
    return NeuronGroup(3, equations, method="euler", name="cells")


def with_input(target, variable, **unit):
    def build():
        cells = group()
        return Circuit(Network(cells), inputs={"in": Injection(target(cells), variable, **unit)})

    return build


def twice():
    cells = group()
    parts = {"low": Injection(cells[:2], "I_ext"), "high": Injection(cells[1:], "I_ext")}
    return Circuit(Network(cells), inputs=parts)


def of_synapses():
    cells = group()
    source = SpikeGeneratorGroup(1, [], [] * ms)
    synapses = Synapses(source, cells, "w : amp", name="synapses")
    synapses.connect()
    return Circuit(Network(cells, source, synapses), inputs={"in": Injection(synapses, "w")})


def stranger():
    return Circuit(Network(group()), inputs={"in": Injection(NeuronGroup(2, "I_ext : amp", name="alone"), "I_ext")})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (with_input(lambda cells: cells, "I"), r"cells has no parameter 'I' to write \(it has: I_ext, v\)"),
        (with_input(lambda cells: cells, "fixed"), "no parameter 'fixed'.*not constant"),
        (with_input(lambda cells: cells, "u"), "no parameter 'u'"),
        (with_input(lambda cells: cells, "v"), "unit 'nA' does not fit; cells.v takes a unit like 'V'"),
        (with_input(lambda cells: cells, "I_ext", unit="pA"), "unit 'pA'; Currents are in nA"),
        (with_input(lambda cells: 3, "v"), "is a int"),
        (twice, r"inputs 'low' and 'high' both write cells\.I_ext"),
        (of_synapses, "synapses has no parameter 'w'.*a NeuronGroup"),
        (stranger, "belongs to alone, which is not in the network"),
    ],
)
def test_what_cannot_be_written_is_explained(build, message, engine):
    with pytest.raises(ConfigurationError, match=f"circuit V1: .*{message}"):
        _ = Microcircuit("V1", build, engine=engine).inputs
