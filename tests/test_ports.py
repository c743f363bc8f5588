"""Ports: what they declare, and how unknown ones are answered."""

from __future__ import annotations

import pytest
from toys import Relay

from hybrid import Currents, Port, Rates, Spikes, States
from hybrid.errors import ConfigurationError, UnknownNameError


@pytest.mark.parametrize(
    ("kind", "unit", "events"), [(Spikes, "spikes", True), (Rates, "Hz", False), (Currents, "nA", False)]
)
def test_the_unit_is_that_of_the_kind_unless_given(kind, unit, events):
    port = Port("focus", "out", kind, 3, "out")
    assert (str(port), port.unit, port.carries_events) == ("focus.out", unit, events)
    assert Port("focus", "v", States, 3, "out", unit="mV").unit == "mV"


def test_ports_are_equal_when_all_they_declare_is():
    port = Port("a", "x", Rates, 2, "out", labels=("l", "r"))
    assert port == Port("a", "x", Rates, 2, "out", labels=("l", "r"))
    assert port != Port("a", "x", Rates, 3, "out")
    assert port != Port("a", "x", Rates, 2, "in", labels=("l", "r"))


@pytest.mark.parametrize(
    ("size", "labels", "text"),
    [(0, (), "port a.x has size 0; it needs at least one line"), (3, ("l", "r"), "port a.x has 3 lines but 2 labels")],
)
def test_impossible_ports_are_refused(size, labels, text):
    with pytest.raises(ConfigurationError, match=text):
        Port("a", "x", Rates, size, "out", labels=labels)


def test_a_component_answers_an_unknown_port_with_those_it_has():
    relay = Relay("PFC")
    assert relay["in"] is relay.inputs["in"]
    assert relay["out"] is relay.outputs["out"]
    with pytest.raises(UnknownNameError) as caught:
        relay["outs"]
    assert str(caught.value) == "PFC: port 'outs' does not exist; did you mean 'out'? (there is: in, out)"
