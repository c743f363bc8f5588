"""Connections: what they refuse and in which words, where the matrices act, and that a restored one goes on to the bit."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from toys import Relay
from wires import CLOCK, carried, connection, delayed, ports, prepared, rates, spikes

from adapters import RateToPoisson, SpikeToRate
from hybrid import Adapter, Brain, Chain, Currents, Moments, Port, Rates, Spikes, Window
from hybrid.errors import ConfigurationError, TimeError, WiringError
from hybrid.interface.connection import Connection
from hybrid.random import named_stream

# -- weights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "matrix"),
    [
        (0.5, np.full((2, 3), 0.5)),
        (np.arange(6).reshape(2, 3), np.arange(6.0).reshape(2, 3)),
        ([[1, 2, 3]], [[1, 2, 3], [1, 2, 3]]),
        ([[1], [2]], [[1, 1, 1], [2, 2, 2]]),
        ([[4]], np.full((2, 3), 4.0)),
    ],
)
def test_a_weight_becomes_a_matrix_of_targets_and_sources(weight, matrix):
    wire = prepared(weight)
    np.testing.assert_array_equal(wire.weights, matrix)
    np.testing.assert_allclose(carried(wire, rates()), delayed(rates().values @ np.transpose(matrix), 10), rtol=1e-14)


def test_without_a_weight_every_line_reaches_its_own_target():
    wire = prepared(None, sources=2)
    np.testing.assert_array_equal(carried(wire, rates(sources=2)), delayed(rates(sources=2).values, 10))
    with pytest.raises(WiringError) as caught:
        connection(None)
    assert str(caught.value) == (
        "V1.out -> PFC.in: 3 lines leave and 2 arrive; without a weight every line reaches its own target. Give weight= "
        "(a number joins all with all, a matrix is [target, source] = [2, 3])"
    )


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (
            [1, 2, 3],
            r"weight of V1.out -> PFC.in has shape \[3\]; give a number or a matrix \[target, source\] = \[2, 3\]",
        ),
        (np.ones((1, 2, 3)), r"has shape \[1, 2, 3\]; give a number or a matrix"),
        (
            np.ones((3, 2)),
            r"has shape \[3, 2\], not \[target, source\] = \[2, 3\] \(rows are targets: is it transposed\?\)",
        ),
        (np.ones((4, 4)), r"has shape \[4, 4\], not \[target, source\] = \[2, 3\]$"),
        ([[1, np.nan, 1], [1, 1, 1]], r"weight of V1.out -> PFC.in is not finite at \(0, 1\): nan"),
        ("strong", r"weight of V1.out -> PFC.in is not an array of numbers"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weight, text):
    with pytest.raises(ConfigurationError, match=text):
        connection(weight)


def test_negative_weights_inhibit_rates_but_cannot_make_spikes():
    np.testing.assert_allclose(
        carried(prepared(-1.0), rates()), delayed(-rates().values.sum(axis=1, keepdims=True) * [1, 1], 10)
    )
    with pytest.raises(WiringError, match=r"a negative weight \(-1\) would ask for a negative rate of spikes"):
        connection(-1.0, adapter=RateToPoisson(), target=Spikes)
    assert connection(-1.0, adapter=SpikeToRate(), source=Spikes).weights.max() == -1.0


@pytest.mark.parametrize("weight", [0.5, -1, [[1, 1, 1], [1, 1, 1.5]]])
def test_between_spikes_a_weight_is_a_number_of_copies(weight):
    with pytest.raises(WiringError, match="a weight between spikes must be a whole number, 0 or above"):
        connection(weight, source=Spikes, target=Spikes)


def test_the_callers_matrices_are_copied():
    weight, delay_ms = np.ones((2, 3)), np.ones((2, 3))
    wire = connection(weight, delay_ms)
    weight[:], delay_ms[:] = 7, 7
    assert (wire.weights == 1).all()
    assert (wire.delays == 10).all()


# -- delays ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delay_ms", "ticks"), [(1.1, 11), ([[0.1, 0.2, 3.0]], [1, 2, 30]), ([[0.5], [0.7]], [[5], [7]])]
)
def test_a_delay_becomes_a_matrix_of_ticks(delay_ms, ticks):
    wire = connection(1.0, delay_ms)
    np.testing.assert_array_equal(wire.delays, np.broadcast_to(ticks, (2, 3)))
    assert wire.shortest_delay == np.min(ticks)


@pytest.mark.parametrize(
    ("delay_ms", "text"),
    [
        (None, r"delay of V1.out -> PFC.in is missing; give delay_ms=, at least one tick \(0.1 ms\)"),
        (5.03, r"delay of V1.out -> PFC.in = 5.03 ms is no multiple of the tick \(0.1 ms\); the nearest is 5 ms$"),
        (
            [[1, 1, 1], [1, 1, 2.46]],
            r"delay of V1.out -> PFC.in\[1, 2\] = 2.46 ms is no multiple .* the nearest is 2.5 ms",
        ),
        (-0.3, r"delay of V1.out -> PFC.in = -0.3 ms is negative; nothing arrives before it was sent"),
        ([[1, -2, 1]], r"= -2 ms is negative"),
    ],
)
def test_impossible_delays_are_refused(delay_ms, text):
    with pytest.raises(TimeError, match=text):
        connection(1.0, delay_ms)


@pytest.mark.parametrize("delay_ms", [[1, 1, 1], np.ones((3, 2))])
def test_delays_of_a_wrong_shape_are_refused(delay_ms):
    with pytest.raises(WiringError, match=r"delay of V1.out -> PFC.in has shape"):
        connection(1.0, delay_ms)


def test_only_pairs_with_a_weight_bind():
    wire = connection([[0, 1, 1], [1, 1, 0]], [[0.1, 3, 4], [5, 2, 0.2]])
    assert wire.shortest_delay == 20
    assert not wire.is_cut
    assert connection(0.0).is_cut


def test_brian2_times_are_delays():
    brian2 = pytest.importorskip("brian2")
    matrix = [[1, 2, 3], [4, 5, 6]]
    for delay in (matrix * brian2.ms, [[value * brian2.ms for value in row] for row in matrix]):
        np.testing.assert_array_equal(connection(1.0, delay).delays, np.multiply(matrix, 10))
    assert connection(1.0, 200 * brian2.us).shortest_delay == 2
    with pytest.raises(ConfigurationError, match="wrong dimension"):
        connection(1.0, 2 * brian2.nA)


# -- kinds and directions ----------------------------------------------------------------------------------------------


def test_different_kinds_need_an_adapter():
    source, target = Port("V1", "spikes", Spikes, 2, "out"), Port("PFC", "drive", Rates, 2, "in")
    with pytest.raises(WiringError) as caught:
        Connection("wire", CLOCK, source, target, None, 1.0, None)
    assert str(caught.value) == (
        "V1.spikes -> PFC.drive: V1.spikes carries Spikes, PFC.drive takes Rates; put an adapter between them"
    )


@pytest.mark.parametrize(
    ("source", "target", "adapter", "text"),
    [
        (Rates, Rates, SpikeToRate(), "V1.out carries Rates, but the adapter SpikeToRate takes Spikes"),
        (Spikes, Spikes, SpikeToRate(), "the adapter SpikeToRate emits Rates, but PFC.in takes Spikes"),
        (Rates, Currents, None, "V1.out carries Rates, PFC.in takes Currents; put an adapter between them"),
        (
            Spikes,
            Rates,
            Chain(SpikeToRate(), RateToPoisson()),
            "the adapter Chain emits Spikes, but PFC.in takes Rates",
        ),
    ],
)
def test_an_adapter_must_fit_both_ends(source, target, adapter, text):
    with pytest.raises(WiringError, match=f"V1.out -> PFC.in: {text}"):
        connection(adapter=adapter, source=source, target=target)


@pytest.mark.parametrize(
    ("adapter", "text"),
    [
        (SpikeToRate, r"adapter is the class SpikeToRate; write SpikeToRate\(\.\.\.\), an object with its parameters"),
        ("SpikeToRate", r"adapter is the text 'SpikeToRate'; import the class and write SpikeToRate\(\.\.\.\)"),
        ("adapters:RateToPoisson", r"adapter is the text .*; import the class and write RateToPoisson\(\.\.\.\)"),
        (np.tanh, r"adapter is <ufunc 'tanh'>; an adapter is an object of a class derived from hybrid.Adapter"),
        (0.5, r"adapter is 0.5; an adapter is an object"),
        (Relay, r"adapter is <class .*Relay'>; an adapter is an object"),
    ],
)
def test_what_is_no_adapter_object_is_answered_with_what_to_write(adapter, text):
    with pytest.raises(WiringError, match=f"^V1.out -> PFC.in: {text}"):
        connection(adapter=adapter, source=Spikes)
    with pytest.raises(WiringError, match=f"^Chain: {text}"):
        Chain(SpikeToRate(), adapter)


def test_an_input_is_no_source_and_an_output_no_target():
    source, target = ports()
    with pytest.raises(WiringError, match=r"PFC.in is an input and cannot be the source"):
        Connection("wire", CLOCK, target, target, 1.0, 1.0, None)
    with pytest.raises(WiringError, match=r"V1.out is an output and cannot be the target"):
        Connection("wire", CLOCK, source, source, 1.0, 1.0, None)


# -- where the matrices act --------------------------------------------------------------------------------------------


def low_pass(values, tau_ms):
    """``y[t] = a y[t-1] + (1-a) x[t]`` in a plain loop."""
    keep, level, out = np.exp(-0.1 / tau_ms), np.zeros(values.shape[1]), np.empty(values.shape)
    for tick, row in enumerate(values):
        out[tick] = level = keep * level + (1 - keep) * row
    return out


def test_spikes_become_rates_before_they_are_weighed_and_delayed():
    weight = np.random.default_rng(1).standard_normal((2, 3))
    delay_ms = np.array([[1, 2, 3], [4, 1, 2.0]])
    wire = prepared(weight, delay_ms, SpikeToRate(tau_ms=3), source=Spikes)
    filtered = low_pass(spikes().to_counts() / 1e-4, 3.0)
    expected = np.zeros((100, 2))
    for target, source in np.ndindex(2, 3):
        column = delayed(filtered[:, [source]], round(delay_ms[target, source] * 10))
        expected[:, target] += weight[target, source] * column[:, 0]
    np.testing.assert_allclose(carried(wire, spikes()), expected, rtol=1e-12)


def test_rates_are_weighed_and_delayed_before_they_become_spikes():
    """So the mean is ``sum_j w_ij r_j(t - d_ij)``, and nothing is drawn before the first delay has passed."""
    weight, delay_ms = np.array([[2.0, 0, 1], [0.5, 1, 0]]), np.array([[1, 1, 5], [2, 3, 1.0]])
    constant = Rates(Window(0, 20_000), 3, [100.0, 400.0, 1000.0])
    counts = carried(prepared(weight, delay_ms, RateToPoisson(fibres=2), target=Spikes), constant)
    ticks = 20_000 - np.array([[10, 0, 50], [20, 30, 0]])  # during which each pair is heard
    expected = (weight * ticks * [100, 400, 1000]).sum(axis=1) * 2 * 1e-4
    assert (np.abs(counts.sum(axis=0) - expected) < 4 * np.sqrt(expected)).all()
    assert counts[:10].sum() == 0
    assert counts[:20, 1].sum() == 0


def test_the_matrices_stand_between_the_two_adapters_of_a_chain():
    """Spikes -> rate | weights and delays | rate -> Poisson: a fraction of a weight thins the rate, not a spike."""
    chain = Chain(SpikeToRate(tau_ms=2), RateToPoisson())
    wire = prepared([[0.25, 0, 0], [0, 0.5, 1.5]], 3.0, chain, source=Spikes, target=Spikes)
    busy = Spikes.from_counts(Window(0, 30_000), np.random.default_rng(4).poisson(0.1, (30_000, 3)))
    counts = carried(wire, busy)
    sent = busy.total(CLOCK)
    expected = np.array([0.25 * sent[0], 0.5 * sent[1] + 1.5 * sent[2]])
    assert (np.abs(counts.sum(axis=0) - expected) < 4 * np.sqrt(expected) + 30).all()
    assert counts[:30].sum() == 0


def test_the_matrices_stand_as_late_as_there_are_rates():
    """Rates -> Poisson -> rates | weights and delays: so a negative weight is one of rates, and allowed."""
    wire = prepared(-1.0, 1.0, Chain(RateToPoisson(5), SpikeToRate(tau_ms=2)))
    delivered = carried(wire, rates())
    assert delivered.min() < 0
    assert delivered.max() == 0
    np.testing.assert_array_equal(delivered[:, 0], delivered[:, 1])  # both targets hear the same draws


def test_a_pooling_adapter_counts_as_one_source_line():
    wire = prepared([[2.0], [3.0]], 1.0, SpikeToRate(tau_ms=3, pool="mean"), source=Spikes)
    mean = low_pass(spikes().to_counts().mean(axis=1, keepdims=True) / 1e-4, 3.0)
    np.testing.assert_allclose(carried(wire, spikes()), delayed(mean * [2, 3], 10), rtol=1e-12)
    with pytest.raises(WiringError, match=r"has shape \[2, 3\], not \[target, source\] = \[2, 1\]"):
        connection(np.ones((2, 3)), 1.0, SpikeToRate(pool="mean"), source=Spikes)


class ToCurrent(Adapter):
    """0.01 nA for each Hz; what comes out of the rates is one line for two."""

    accepts, emits = Rates, Currents

    def prepare(self, clock, source, target, rng):
        self.sizes = source.size, target.size
        self.clock = clock

    def emitted_size(self, size):
        return size // 2

    def convert(self, signal):
        return Currents(signal.window, signal.size // 2, 0.01 * (signal.hz[:, ::2] + signal.hz[:, 1::2]))

    def expected(self, signal):
        total = 0.01 * signal.total(self.clock)
        return Moments(total[::2] + total[1::2], np.zeros(signal.size // 2))


def test_an_adapter_after_the_matrices_must_give_as_many_lines_as_the_target_has():
    with pytest.raises(WiringError, match=r"V1.out -> PFC.in: the adapter emits 1 lines, PFC.in takes 2"):
        connection(1.0, 1.0, ToCurrent(), target=Currents)


def test_every_connection_has_a_copy_of_the_adapter():
    adapter = SpikeToRate(tau_ms=3)
    first, second = (prepared(1.0, 1.0, adapter, source=Spikes) for _ in range(2))
    carried(first, spikes())
    adapter.tau_ms = 100
    np.testing.assert_array_equal(
        carried(second, spikes()), carried(prepared(1.0, 1.0, SpikeToRate(3), source=Spikes), spikes())
    )


# -- in a run ----------------------------------------------------------------------------------------------------------

LIVE = {
    "rates": (partial(prepared, [[1, 0, -2.0], [0.5, 3, 0]], [[1, 2, 3], [4, 5, 6]]), rates),
    "spikes": (partial(prepared, [[1, 0, 2], [0, 3, 1]], [[1, 2, 3], [4, 5, 6]], source=Spikes, target=Spikes), spikes),
    "filtered": (partial(prepared, 0.3, 1.5, SpikeToRate(5), source=Spikes), spikes),
    "drawn": (partial(prepared, 0.3, 1.5, RateToPoisson(20), target=Spikes), rates),
    "drawn from filtered": (
        partial(prepared, 0.3, 2.5, Chain(SpikeToRate(5), RateToPoisson(3)), source=Spikes, target=Spikes),
        spikes,
    ),
    "drawn, then filtered": (partial(prepared, 2.0, 1.0, Chain(RateToPoisson(3), SpikeToRate(5))), rates),
}


@pytest.mark.parametrize(("make", "activity"), LIVE.values(), ids=list(LIVE))
def test_neither_windows_nor_a_restart_change_a_bit(make, activity):
    sent = activity()
    whole = carried(make(), sent, 10)
    np.testing.assert_array_equal(carried(make(), sent, 3), whole)
    original = make()
    first = carried(original, sent.during(Window(0, 40)), 10)
    saved = original.state()
    kept = {name: value.copy() for name, value in saved.items()}
    rest = carried(original, sent.during(Window(40, 100)), 10)
    copy = make(seed=99)
    copy.restore(saved)
    again = carried(copy, sent.during(Window(40, 100)), 10)
    np.testing.assert_array_equal(np.concatenate([first, rest]), whole)
    np.testing.assert_array_equal(np.concatenate([first, again]), whole)
    assert copy.audit() == original.audit()
    assert whole.any()
    for name, value in kept.items():
        np.testing.assert_array_equal(saved[name], value, err_msg=name)


def test_a_cut_connection_delivers_silence_and_keeps_no_books():
    wire = prepared(0.0, 1.0, RateToPoisson(), target=Spikes)
    assert carried(wire, rates()).sum() == 0
    row = wire.audit()
    assert (row.expected, row.delivered, row.in_flight, row.drifts) == (0, 0, 0, False)


def test_a_connection_describes_itself_in_plain_values():
    wire = connection([[1, 2, 3]], 0.5, SpikeToRate(tau_ms=7), source=Spikes)
    assert wire.describe() == {
        "from": "V1.out",
        "to": "PFC.in",
        "weight": [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]],
        "delay_ms": [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]],
        "adapter": {"kind": "adapters.spike_to_rate:SpikeToRate", "tau_ms": 7.0, "pool": None},
    }
    assert repr(wire) == "<Connection wire: V1.out -> PFC.in>"


def test_the_stream_of_a_connection_follows_from_its_name():
    def drawn(name):
        brain = Brain(0.1)
        a, b = brain.add(Relay("a", 3)), brain.add(Relay("b", 2, Spikes))
        wire = brain.connect(a["out"], b["in"], weight=1.0, delay_ms=1.0, adapter=RateToPoisson(), name=name)
        wire.prepare(named_stream(1, "connection", wire.name))
        return carried(wire, rates())

    np.testing.assert_array_equal(drawn("x"), drawn("x"))
    assert not np.array_equal(drawn("x"), drawn("y"))
