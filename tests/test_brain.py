"""Brains: names, ports, tracts against the connectome by hand, and a hybrid one in a single call."""

from __future__ import annotations

import numpy as np
import pytest
from toys import Accumulator, RampSource, Regional, Relay

from adapters import RateToPoisson, SpikeToRate
from hybrid import Brain, Chain, Connectome, Port, Rates
from hybrid.errors import ArgumentError, ConfigurationError, UnknownNameError, WiringError

WEIGHTS = np.array([[0, 2, 3, 0], [5, 0, 7, 8], [0, 10, 0, 12], [13, 0, 15, 0]], float)  # [target, source]
LENGTHS = np.array([[0, 31, 4, 1], [30, 0, 60, 9], [4, 61, 0, 0.1], [2, 8, 0.2, 0]])


@pytest.fixture
def connectome():
    return Connectome(("A", "B", "C", "D"), WEIGHTS, LENGTHS, np.zeros((4, 3)))


def test_components_and_connections_are_found_by_name_in_alphabetical_order():
    brain = Brain(0.1)
    c, a, b = (brain.add(Relay(name)) for name in "cab")
    assert brain["a"] is a
    assert list(brain.components.items()) == [("a", a), ("b", b), ("c", c)]
    later = brain.connect(c["out"], a["in"], delay_ms=1)
    first = brain.connect(a["out"], b["in"], delay_ms=1)
    assert list(brain.connections.items()) == [("a_to_b", first), ("c_to_a", later)]
    assert repr(brain) == "<Brain: 3 components, 2 connections, Clock(tick_ms=0.1)>"


def test_an_unknown_component_is_answered_with_those_there_are():
    brain = Brain(0.1)
    brain.add(Relay("cortex"))
    with pytest.raises(
        UnknownNameError, match=r"component 'cortx' does not exist; did you mean 'cortex'\? \(there is: cortex\)"
    ):
        brain["cortx"]


def test_a_name_belongs_to_one_component():
    brain = Brain(0.1)
    first = brain.add(Relay("a"))
    with pytest.raises(ConfigurationError, match="a component called 'a' is already there; give this one another name"):
        brain.add(RampSource("a"))
    assert brain["a"] is first
    with pytest.raises(ConfigurationError, match=r"brain.add\(\) takes a Component, not the text 'b'"):
        brain.add("b")


def test_connections_between_the_same_two_are_counted():
    brain = Brain(0.1)
    a, b = brain.add(Relay("a")), brain.add(Relay("b"))
    names = [brain.connect(a["out"], b["in"], delay_ms=1).name for _ in range(3)]
    assert names == ["a_to_b", "a_to_b_2", "a_to_b_3"]
    assert brain.connect(b["out"], b["in"], delay_ms=1, name="self").name == "self"
    with pytest.raises(WiringError, match=r"b.out -> a.in: a connection called 'self' is already there"):
        brain.connect(b["out"], a["in"], delay_ms=1, name="self")
    assert len(brain.connections) == 4


def test_the_graph_is_the_brain():
    brain = Brain(0.1)
    a, b = brain.add(Relay("a")), brain.add(Relay("b"))
    wire = brain.connect(a["out"], b["in"], delay_ms=1)
    assert list(brain.graph.edges(keys=True)) == [("a", "b", "a_to_b")]
    assert brain.graph.edges["a", "b", "a_to_b"]["connection"] is wire


def test_what_cannot_be_connected():
    brain = Brain(0.1)
    a, b = brain.add(Relay("a")), brain.add(Relay("b"))
    with pytest.raises(WiringError, match=r"connect\(\) takes ports such as focus\['spikes'\], not Relay"):
        brain.connect(a, b["in"], delay_ms=1)
    with pytest.raises(UnknownNameError, match="component 'x' does not exist"):
        brain.connect(Relay("x")["out"], b["in"], delay_ms=1)
    with pytest.raises(WiringError, match=r"a.out belongs to another component called 'a'; add that one to this brain"):
        brain.connect(Relay("a", 3)["out"], b["in"], delay_ms=1)
    with pytest.raises(UnknownNameError, match=r"a: port 'rate' does not exist \(there is: in, out\)"):
        brain.connect(RampSource("a")["rate"], b["in"], delay_ms=1)
    assert not brain.connections  # nothing half done


def test_a_brain_describes_itself_in_plain_values():
    brain = Brain(0.5)
    a, b = brain.add(Relay("a")), brain.add(Relay("b"))
    brain.connect(a["out"], b["in"], delay_ms=1)
    assert brain.describe() == {
        "tick_ms": 0.5,
        "components": {"a": {"kind": "Relay"}, "b": {"kind": "Relay"}},
        "connections": {
            "a_to_b": {"from": "a.out", "to": "b.in", "weight": "one to one", "delay_ms": 1.0, "adapter": None}
        },
    }


# -- tracts ------------------------------------------------------------------------------------------------------------


def test_tracts_between_networks_of_masses(connectome):
    brain = Brain(0.1)
    front, back = brain.add(Regional("front", ("C", "A"), 2)), brain.add(Regional("back", ("B", "D"), 2))
    tracts = brain.tracts(connectome, front["rate"], back["drive"], speed_m_s=4.0)
    np.testing.assert_array_equal(tracts["weight"], [[7, 5], [15, 13]])  # rows B and D, columns C and A
    np.testing.assert_allclose(tracts["delay_ms"], [[60 / 4, 30 / 4], [0.1, 2 / 4]])  # .05 ms becomes one tick
    wire = brain.connect(front["rate"], back["drive"], **tracts)
    np.testing.assert_array_equal(wire.delays, [[150, 75], [1, 5]])


def test_a_circuit_is_felt_by_the_mean_of_its_lines_and_all_its_lines_feel_the_same(connectome):
    brain = Brain(0.1)
    circuit, cortex = brain.add(Regional("focus", ("B",), 50)), brain.add(Regional("cortex", ("A", "C", "D"), 3))
    adapter = SpikeToRate(5)
    out = brain.tracts(connectome, circuit["spikes"], cortex["drive"], adapter=adapter)
    np.testing.assert_array_equal(out["weight"], np.array([[2], [10], [0]]) / 50)
    wire = brain.connect(circuit["spikes"], cortex["drive"], adapter=adapter, **out)
    np.testing.assert_allclose(
        wire.weights.sum(axis=1), [2, 10, 0]
    )  # a rate common to all 50 lines arrives with that weight
    np.testing.assert_array_equal(wire.delays[:, 0], np.rint(np.array([31, 61, 8]) / 3 / 0.1))
    back = brain.tracts(connectome, cortex["rate"], circuit["afferents"], adapter=RateToPoisson())
    np.testing.assert_array_equal(back["weight"], [[5, 7, 8]])
    wire = brain.connect(cortex["rate"], circuit["afferents"], adapter=RateToPoisson(), **back)
    np.testing.assert_array_equal(wire.weights, np.tile([5, 7, 8], (50, 1)))


@pytest.mark.parametrize(("pool", "lines", "share"), [(None, 50, 50), ("mean", 1, 1), ("sum", 1, 1)])
def test_a_pooling_adapter_changes_the_share_of_a_line(connectome, pool, lines, share):
    brain = Brain(0.1)
    circuit, cortex = brain.add(Regional("focus", ("B",), 50)), brain.add(Regional("cortex", ("A", "C"), 2))
    adapter = SpikeToRate(5, pool)
    tracts = brain.tracts(connectome, circuit["spikes"], cortex["drive"], adapter=adapter)
    np.testing.assert_array_equal(tracts["weight"], np.array([[2], [10]]) / share)
    assert brain.connect(circuit["spikes"], cortex["drive"], adapter=adapter, **tracts).weights.shape == (2, lines)


def test_circuits_reach_each_other_by_way_of_both_adapters(connectome):
    brain = Brain(0.1)
    one, other = brain.add(Regional("one", ("B",), 5)), brain.add(Regional("other", ("A",), 4))
    adapter = Chain(SpikeToRate(5), RateToPoisson())
    tracts = brain.tracts(connectome, one["spikes"], other["afferents"], adapter=adapter)
    wire = brain.connect(one["spikes"], other["afferents"], adapter=adapter, **tracts)
    np.testing.assert_allclose(wire.weights, np.full((4, 5), 2 / 5))
    np.testing.assert_array_equal(wire.delays, 103)  # 31 mm at 3 m/s: 10.33 ms


def test_rates_of_a_circuit_are_shared_too(connectome):
    brain = Brain(0.1)
    circuit, cortex = brain.add(Regional("focus", ("B",), 8)), brain.add(Regional("cortex", ("A", "C"), 2))
    weight = brain.tracts(connectome, circuit["rate"], cortex["drive"])["weight"]
    np.testing.assert_array_equal(weight, [[2 / 8], [10 / 8]])


def test_a_component_without_regions_has_no_tracts(connectome):
    brain = Brain(0.1)
    cortex, relay = brain.add(Regional("cortex", ("A",), 1)), brain.add(Relay("relay"))
    with pytest.raises(
        WiringError, match=r"relay.in: 'relay' stands for no region of a connectome; give weight and delay_ms"
    ):
        brain.tracts(connectome, cortex["rate"], relay["in"])
    stray = brain.add(Regional("stray", ("Z",), 1))
    with pytest.raises(UnknownNameError, match="region 'Z' does not exist"):
        brain.tracts(connectome, stray["rate"], cortex["drive"])


# -- from a connectome -------------------------------------------------------------------------------------------------


class Circuit(Regional):
    """Hears on one port only, as :meth:`Brain.from_connectome` asks."""

    def __init__(self, name, region, size=4):
        super().__init__(name, (region,), size)
        self.inputs = {"afferents": self.inputs["afferents"]}


def hybrid(connectome, *circuits):
    from hybrid.masses import WilsonCowan

    return Brain.from_connectome(
        connectome,
        WilsonCowan(),
        {circuit.regions[0]: circuit for circuit in circuits},
        to_circuit=RateToPoisson(),
        to_mass=SpikeToRate(5),
        speed_m_s=2.0,
    )


def test_a_hybrid_brain_in_one_call(connectome):
    brain = hybrid(connectome, Circuit("B", "B"), Circuit("D", "D", 3))
    assert brain["cortex"].regions == ("A", "C")
    wires = brain.connections
    # B -> D has no weight in the connectome: there is no such connection
    assert list(wires) == ["B_to_cortex", "D_to_B", "D_to_cortex", "cortex_to_B", "cortex_to_D"]
    np.testing.assert_allclose(wires["B_to_cortex"].weights, np.tile([[2 / 4], [10 / 4]], 4))
    np.testing.assert_allclose(wires["D_to_cortex"].weights, np.tile([[0], [12 / 3]], 3))
    np.testing.assert_allclose(wires["cortex_to_D"].weights, np.tile([13, 15], (3, 1)))
    np.testing.assert_allclose(wires["D_to_B"].weights, np.full((4, 3), 8 / 3))
    np.testing.assert_array_equal(wires["B_to_cortex"].delays[:, 0], [155, 305])  # 31 and 61 mm at 2 m/s


def test_a_circuit_with_several_inputs_is_left_to_the_user(connectome):
    with pytest.raises(
        WiringError, match=r"B has 2 inputs \(drive, afferents\); .* connect the others with brain.connect"
    ):
        hybrid(connectome, Regional("B", ("B",), 4))


def test_ports_equal_in_all_they_declare_are_the_same_port():
    brain = Brain(0.1)
    for name in ("a", "b"):
        brain.add(Relay(name))
    wire = brain.connect(Port("a", "out", Rates, 1, "out"), Port("b", "in", Rates, 1, "in"), delay_ms=1)
    assert str(wire) == "a.out -> b.in"


# -- first slips -------------------------------------------------------------------------------------------------------


def refused(kind, text):
    return pytest.raises(kind, match=text)


def test_what_is_no_component_is_told_as_what_it_is():
    brain = Brain(0.1)
    with refused(ConfigurationError, r"brain.add\(\) takes a Component, not the text 'x'$"):
        brain.add("x")
    with refused(ConfigurationError, r"takes a Component, not the class Relay; make one: Relay\(...\)$"):
        brain.add(Relay)
    for name in ("", "a.b", "a/b", "a\nb", "a\x00", 3, None):
        with refused(ConfigurationError, "a component cannot be called"):
            brain.add(Relay(name))
    assert not brain.components


@pytest.mark.parametrize(
    ("slip", "text"),
    [
        (lambda b, ac: b.connect("a.out", ac[1], delay_ms=1), r"not the text 'a.out'; write brain\['a'\]\['out'\]$"),
        (lambda b, ac: b.connect("x.out", ac[1], delay_ms=1), r"takes ports such as .*, not the text 'x.out'$"),
        (lambda b, ac: b.connect(b["a"], ac[1], delay_ms=1), r"not Relay \(.*\); name one of its ports: in, out$"),
        (lambda b, ac: b.connect(*ac), "delay of a.out -> c.in is missing; give delay_ms="),
        (lambda b, ac: b.connect(*ac, delay_ms="1"), "delay of a.out -> c.in"),
        (lambda b, ac: b.connect(*ac, delay=1), r"connect\(\) has no argument 'delay'; did you mean 'delay_ms'"),
        (lambda b, ac: b.connect(ac[0]), r"Brain.connect\(\): missing a required argument: 'target' \(it takes source,"),
        (lambda b, ac: b.connect(*ac, 3), r"Brain.connect\(\): too many positional arguments"),
        (lambda b, ac: b.connect(b["a"]["outt"], ac[1], delay_ms=1), "a: port 'outt' does not exist; did you mean 'out'"),
        (lambda b, ac: b.connect(*ac, delay_ms=1, adapter=SpikeToRate), r"SpikeToRate is no Adapter; make one: SpikeToRate\("),
        (lambda b, ac: b.connect(*ac, delay_ms=1, adapter="SpikeToRate"), "the text 'SpikeToRate' is no Adapter"),
        (lambda b, ac: b.connect(*ac, delay_ms=1, name=""), "a connection cannot be called ''"),
        (lambda b, ac: b.connect(*ac, delay_ms=1e300), "delay of a.out -> c.in = 1e[+]300 ms is too long"),
        (lambda b, ac: b.connect(*ac, delay_ms=[[1e300]]), "1e[+]300 ms is too long"),
        (lambda b, ac: b.connect(*ac, delay_ms=1, weight=10**400), "weight of a.out -> c.in is not an array of numbers"),
        (lambda b, ac: b.tracts("tvb76", ac[0], ac[1]), r"takes a Connectome, not .*; write Connectome.load\('tvb76'\)"),
        (lambda b, ac: Brain(tick=0.1), r"Brain\(\) has no argument 'tick'; did you mean 'tick_ms'\?"),
        (lambda b, ac: Brain("0.1"), "tick_ms = '0.1' is not a number; give one in ms"),
    ],
)  # fmt: skip
def test_slips_of_wiring_are_answered_with_a_remedy(slip, text):
    brain = Brain(0.1)
    a, c = brain.add(Relay("a")), brain.add(Relay("c"))
    with refused(ConfigurationError, text):
        slip(brain, (a["out"], c["in"]))
    assert not brain.connections


def from_connectome(given, **changed):
    from hybrid.masses import WilsonCowan

    arguments = {
        "model": WilsonCowan(),
        "circuits": {"B": Circuit("B", "B")},
        "to_circuit": RateToPoisson(),
        "to_mass": SpikeToRate(5),
    }
    arguments = {"connectome": given} | arguments | changed
    return Brain.from_connectome(**arguments)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"connectome": "tvb76"}, r"connectome takes a Connectome, not the text 'tvb76'; write Connectome.load\('tvb76'\)"),
        ({"model": Relay}, r"model = the class Relay is no mass model; make one: Relay\(...\)"),
        ({"circuits": ["B"]}, r"circuits takes a dictionary such as {'rHC': build}, not list \(\['B'\]\)"),
        ({"circuits": {"B": "build"}}, "circuits: 'B' needs a build function or a Microcircuit, not the text 'build'"),
        ({"circuits": {"B": Circuit}}, "circuits: 'B' needs a build function or a Microcircuit, not the class Circuit"),
        ({"circuits": {"B": Circuit("D", "D")}}, "circuits: 'D' stands for D, not for 'B'"),
        ({"to_mass": SpikeToRate}, r"to_mass = the class SpikeToRate is no Adapter; make one: SpikeToRate\(...\)"),
        ({"speed": 3.0}, "the argument 'speed' does not exist; did you mean 'speed_m_s'"),
        ({"cuopling": 3.0}, "the argument 'cuopling' does not exist; did you mean 'coupling'"),
    ],
)  # fmt: skip
def test_slips_of_a_hybrid_brain_in_one_call(connectome, changed, text):
    with refused(ConfigurationError, text):
        from_connectome(connectome, **changed)


def test_all_slips_of_a_hybrid_brain_are_told_at_once(connectome):
    with pytest.raises(ArgumentError) as caught:
        from_connectome("tvb76", model=Relay, circuits=[], to_circuit=RateToPoisson, to_mass=3, spede=1)
    assert len(str(caught.value).splitlines()) == 6
    assert isinstance(caught.value, TypeError)
    with pytest.raises(ArgumentError, match=r"from_connectome\(\): missing a required .*argument: 'circuits'"):
        Brain.from_connectome(connectome, Relay("a"))


def test_connecting_does_not_look_through_all_connections(monkeypatch):
    """A brain of 10,000 components has tens of thousands of them, and every rank builds it."""
    brain = Brain(tick_ms=1.0)
    source, target = brain.add(RampSource("source")), brain.add(Accumulator("target", size=1))
    monkeypatch.setattr(Brain, "connections", property(lambda self: pytest.fail("looked through all connections")))
    names = [
        brain.connect(source["rate"], target["in"], weight=1.0, delay_ms=1.0, name=name).name
        for name in (None, None, "x")
    ]
    assert names == ["source_to_target", "source_to_target_2", "x"]
    with pytest.raises(WiringError, match="a connection called 'x' is already there"):
        brain.connect(source["rate"], target["in"], weight=1.0, delay_ms=1.0, name="x")
