"""What components and adapters send: of the promised kind, size and window, and finite, or the run ends there and says whose."""

from __future__ import annotations

import re

import numpy as np
import pytest
from toys import RandomSpikes, Relay, Toy

from adapters import RateToPoisson, SpikeToRate
from hybrid import Brain, Chain, Currents, Moments, Port, Rates, Simulation, Spikes, States, Window
from hybrid.errors import ComponentError, DivergedError

TICK, LINES, LABELS = 25, 3, ("V1", "V2", "PFC")
BAD = [np.nan, np.inf, -np.inf]


class Source(Toy):
    """Sends ones, and what it is told in one entry."""

    def __init__(self, kind=Rates, bad=1.0, line=0, tick=TICK, labels=LABELS):
        super().__init__("source")
        self.bad, self.line, self.tick = bad, line, tick
        self.outputs = {"out": Port("source", "out", kind, LINES, "out", labels=labels)}

    def advance(self, window, inputs):
        values = np.ones((len(window), LINES))
        if self.tick in window:
            values[self.tick - window.start, self.line] = self.bad
        return {"out": self.outputs["out"].kind(window, LINES, values)}


def run(source, adapter=None, target=None, record=(), **options):
    brain = Brain(tick_ms=0.1)
    brain.add(source)
    if target is not None:
        brain.add(Relay("relay", LINES, target))
        brain.connect(source["out"], brain["relay"]["in"], delay_ms=1.0, adapter=adapter, **options)
    Simulation(brain, record=list(record), window_ms=1.0).run(5)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("line", range(LINES))
@pytest.mark.parametrize("kind", [Rates, Currents, States])
@pytest.mark.parametrize(
    ("record", "heard"), [(["source.out"], False), ((), False), ((), True)], ids=["recorded", "alone", "heard"]
)
def test_what_is_not_finite_ends_the_run_where_it_appears(bad, line, kind, record, heard):
    with pytest.raises(DivergedError) as caught:
        run(Source(kind, bad, line), target=kind if heard else None, record=record)
    assert str(caught.value) == (
        f"source failed in window [20, 30) (t = 2 ms): advance() returned {bad:g} for line {line} ({LABELS[line]}) of source.out "
        f"at tick 25 (t = 2.5 ms); what is sent must be finite"
    )
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("tick", [0, 9, 10, 49])
def test_the_first_and_the_last_tick_of_a_window_are_looked_at(tick):
    with pytest.raises(DivergedError, match=rf"for line 2 of source.out at tick {tick} \(t = {tick / 10:g} ms\)"):
        run(Source(bad=np.nan, line=2, tick=tick, labels=()))


def test_a_source_is_named_rather_than_the_adapter_that_would_refuse():
    with pytest.raises(DivergedError, match=r"^source failed in window \[20, 30\)"):
        run(Source(bad=np.nan), RateToPoisson(), Spikes)


def test_a_large_finite_value_is_none_of_this():
    run(Source(bad=1e308), target=Rates, record=["source.out", "relay.out"])


# -- adapters and connections ------------------------------------------------------------------------------------------


class SpoiltFilter(SpikeToRate):
    """Right but for one entry."""

    def __init__(self, bad, line, pool=None):
        super().__init__(5.0, pool)
        self.bad, self.line = bad, line

    def convert(self, signal):
        rates = super().convert(signal)
        if TICK in rates.window:
            rates.hz[TICK - rates.window.start, self.line] = self.bad
        return rates


class SpoiltCurrent(SpoiltFilter):
    accepts, emits = Rates, Currents

    def prepare(self, clock, source, target, rng):
        self.clock = clock

    def convert(self, signal):
        na = np.array(signal.hz)
        if TICK in signal.window:
            na[TICK - signal.window.start, self.line] = self.bad
        return Currents(signal.window, signal.size, na)

    def expected(self, signal):
        return Moments(signal.total(self.clock), np.zeros(signal.size))


def spiking():
    source = RandomSpikes("source", LINES)
    source.outputs = {"out": Port("source", "out", Spikes, LINES, "out", labels=LABELS)}
    source.advance = lambda window, inputs: {"out": Spikes.silence(window, LINES)}
    return source


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("line", range(LINES))
def test_an_adapter_that_gives_what_is_not_finite_is_named(bad, line):
    wire = "source_to_relay failed in window [20, 30) (t = 2 ms): source.out -> relay.in: "
    text = (
        f"the adapter SpoiltFilter gave {bad:g} for line {line} ({LABELS[line]}) of source.out at tick 25 (t = 2.5 ms)"
    )
    with pytest.raises(DivergedError, match=f"^{re.escape(wire + text)}"):
        run(spiking(), SpoiltFilter(bad, line), Rates)
    text = f"the adapter SpoiltCurrent gave {bad:g} for line {line} of relay.in at tick 25 (t = 2.5 ms)"
    with pytest.raises(DivergedError, match=re.escape(wire + text)):
        run(Source(), SpoiltCurrent(bad, line), Currents)


def test_a_pooling_adapter_in_a_chain_is_named_too():
    with pytest.raises(DivergedError, match=r"the adapter SpoiltFilter gave nan for line 0 of source.out at tick 25"):
        run(spiking(), Chain(SpoiltFilter(np.nan, 0, "sum"), RateToPoisson()), Spikes, weight=1.0)


def test_a_sum_that_exceeds_all_numbers_is_blamed_on_the_connection():
    with pytest.raises(
        DivergedError, match=r"source.out -> relay.in: the weighed sum is inf for line 0 of relay.in at tick 35"
    ):
        run(Source(bad=1e308), target=Rates, weight=10.0)


class Elsewhere(SpikeToRate):
    """Gives the right signal for the wrong window, or of the wrong size or kind."""

    def __init__(self, change):
        super().__init__(5.0)
        self.change = change

    def convert(self, signal):
        return self.change(super().convert(signal))


CHANGES = {
    "a window later": lambda rates: rates.shifted(10),
    "a tick too short": lambda rates: rates.during(Window(rates.window.start, rates.window.stop - 1)),
    "a line too many": lambda rates: Rates(rates.window, LINES + 1, 0.0),
    "a line too few": lambda rates: Rates(rates.window, LINES - 1, 0.0),
    "another kind": lambda rates: Currents(rates.window, LINES, 0.0),
    "an array": lambda rates: np.zeros((10, LINES)),
    "nothing": lambda rates: None,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_an_adapter_that_gives_another_signal_than_it_promised_is_named(change):
    with pytest.raises(
        ComponentError, match=r"the adapter Elsewhere gave .* for source.out, not Rates of size 3 over \[0, 10\)"
    ):
        run(spiking(), Elsewhere(change), Rates)


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_component_that_returns_another_signal_than_it_promised_is_named(change):
    source = Source()
    honest = source.advance
    source.advance = lambda window, inputs: {"out": change(honest(window, inputs)["out"])}
    with pytest.raises(
        ComponentError, match=r"advance\(\) returned .* for source.out, not Rates of size 3 over \[0, 10\)"
    ):
        run(source)


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({}, r"\[\]"),
        (None, "None"),
        ({"out": None, "more": 1}, r"\['more', 'out'\]"),
        ({1: 2, "a": 3}, r"\['1', 'a'\]"),
    ],
)
def test_a_component_that_returns_other_outputs_than_it_declared_is_named(outputs, text):
    source = Source()
    source.advance = lambda window, inputs: outputs
    with pytest.raises(
        ComponentError, match=rf"source failed .* advance\(\) returned {text}, but the outputs are \['out'\]"
    ):
        run(source)
