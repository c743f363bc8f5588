"""Weights and delays as sparse matrices: the same bits as dense ones, without their memory; and what is refused."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from toys import RampSource, Relay
from wires import CLOCK, carried, connection, prepared, rates, spikes

from adapters import RateToPoisson, SpikeToRate
from hybrid import Brain, Chain, Port, Rates, Simulation, Spikes, Window
from hybrid.errors import ConfigurationError, TimeError, WiringError
from hybrid.interface.connection import Connection
from hybrid.random import named_stream

WEIGHTS = np.array([[2.0, 0, 1], [0, 3, 0]])
DELAYS_MS = np.array([[1.0, 0.2, 3.0], [0.2, 2.0, 0.2]])  # of pairs without a weight too, which bind nobody
AT_WEIGHTS = np.where(WEIGHTS, DELAYS_MS, 0)
KINDS = [sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.csr_matrix, sparse.lil_array]
ADAPTERS = {
    "rates": ({}, rates),
    "spikes": ({"source": Spikes, "target": Spikes}, spikes),
    "filtered": ({"adapter": SpikeToRate(5), "source": Spikes}, spikes),
    "drawn": ({"adapter": RateToPoisson(20), "target": Spikes}, rates),
    "both": ({"adapter": Chain(SpikeToRate(5), RateToPoisson(3)), "source": Spikes, "target": Spikes}, spikes),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("delays", ["number", "dense", "sparse"])
@pytest.mark.parametrize(("options", "activity"), ADAPTERS.values(), ids=list(ADAPTERS))
def test_a_sparse_matrix_gives_the_bits_of_the_dense_one(kind, delays, options, activity):
    dense = 1.5 if delays == "number" else DELAYS_MS
    one = prepared(WEIGHTS, dense, **options)
    other = prepared(kind(WEIGHTS), kind(AT_WEIGHTS) if delays == "sparse" else dense, **options)
    assert other.shortest_delay == one.shortest_delay
    assert carried(other, activity()).tobytes() == carried(one, activity()).tobytes()
    assert other.audit() == one.audit()
    assert other.state().keys() == one.state().keys()
    for name, value in one.state().items():
        np.testing.assert_array_equal(other.state()[name], value, err_msg=name)


def test_a_large_random_matrix_gives_the_bits_of_the_dense_one():
    random = np.random.default_rng(0)
    weights = sparse.random_array((40, 60), density=0.2, rng=random, format="coo")
    delays = weights.copy()
    delays.data = random.integers(10, 30, weights.nnz) * 0.1
    one, other = (
        Connection("wire", CLOCK, Port("a", "out", Rates, 60, "out"), Port("b", "in", Rates, 40, "in"), *each, None)
        for each in ((weights.toarray(), np.where(delays.toarray(), delays.toarray(), 1.0)), (weights, delays))
    )
    for each in (one, other):
        each.prepare(named_stream(1, "connection", "wire"))
    assert carried(one, rates(sources=60)).tobytes() == carried(other, rates(sources=60)).tobytes()
    assert one.audit().expected == pytest.approx(other.audit().expected, rel=1e-14)


def test_matrices_stay_sparse_and_are_copied():
    given = sparse.csr_array(WEIGHTS)
    wire = connection(given, 1.0)
    given.data[:] = 7
    assert isinstance(wire.weights, sparse.csr_array)
    np.testing.assert_array_equal(wire.weights.toarray(), WEIGHTS)
    np.testing.assert_array_equal(wire.delays.toarray(), np.where(WEIGHTS, 10, 0))
    assert isinstance(connection(WEIGHTS, 1.0).weights, np.ndarray)
    assert not wire.is_cut
    assert connection(sparse.csr_array((2, 3)), 1.0).is_cut
    assert connection(sparse.csr_array(([0.0], ([0], [1])), shape=(2, 3)), 1.0).is_cut


def test_entries_of_the_same_pair_add_up():
    twice = sparse.coo_array(([1.0, 2.0, 1.0], ([0, 0, 1], [2, 2, 0])), shape=(2, 3))
    np.testing.assert_array_equal(connection(twice, 1.0).weights.toarray(), [[0, 0, 3], [1, 0, 0]])


def test_a_million_entries_take_the_memory_of_a_million_entries():
    """Dense matrices of 10,000 x 10,000 would take 800 MB each."""
    size, random = 10_000, np.random.default_rng(0)
    pairs = random.choice(size * size, 1_000_000, replace=False)
    weights = sparse.coo_array((random.random(pairs.size), (pairs // size, pairs % size)), shape=(size, size)).tocsr()
    delays = weights.copy()
    delays.data = random.integers(10, 31, weights.nnz) * 0.1
    sent = Rates(Window(0, 10), size, 1.0)
    tracemalloc.start()
    wire = Connection(
        "w", CLOCK, Port("a", "o", Rates, size, "out"), Port("b", "i", Rates, size, "in"), weights, delays, None
    )
    wire.prepare(named_stream(1, "connection", "wire"))
    for window in Window(0, 40).cut(10):
        arrived = wire.deliver(window)
        wire.accept(Rates(window, size, sent.hz))
        row = wire.audit()
    json.dumps(wire.describe())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(arrived.hz[-1], weights.sum(axis=1), rtol=1e-12)
    assert (row.drifts, row.z) == (False, 0.0)
    assert peak < 200e6

    spiking = weights.astype(bool).astype(float)
    tracemalloc.start()
    wire = Connection(
        "w", CLOCK, Port("a", "o", Spikes, size, "out"), Port("b", "i", Spikes, size, "in"), spiking, delays, None
    )
    wire.prepare(named_stream(1, "connection", "wire"))
    wire.accept(Spikes(Window(0, 10), size, np.full(size, 3), np.arange(size)))
    assert wire.audit().in_flight == 1_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300e6


def test_one_to_one_takes_no_matrix():
    size = 100_000
    wire = Connection(
        "w", CLOCK, Port("a", "o", Rates, size, "out"), Port("b", "i", Rates, size, "in"), None, 1.0, None
    )
    assert wire.weights.nnz == size
    assert wire.describe() == {"from": "a.o", "to": "b.i", "weight": "one to one", "delay_ms": 1.0, "adapter": None}


def test_a_sparse_matrix_describes_itself_shortly():
    wire = connection(sparse.csr_array(WEIGHTS), DELAYS_MS)
    found = wire.describe()
    assert found == json.loads(json.dumps(found))
    assert {key: found["weight"][key] for key in ("shape", "entries", "sum")} == {
        "shape": [2, 3],
        "entries": 3,
        "sum": 6.0,
    }
    assert found["weight"]["sha256"] != found["delay_ms"]["sha256"]
    assert connection(sparse.csc_array(WEIGHTS), sparse.csr_array(AT_WEIGHTS)).describe() == found
    assert connection(sparse.csr_array(WEIGHTS[:, ::-1]), DELAYS_MS).describe() != found
    assert connection(sparse.csr_array(WEIGHTS), 1.5).describe()["delay_ms"] == 1.5


def test_sparse_weights_in_a_brain():
    def heard(weight):
        brain = Brain(tick_ms=0.1)
        source, relay = brain.add(RampSource("source", 3)), brain.add(Relay("relay", 2))
        brain.connect(source["rate"], relay["in"], weight=weight, delay_ms=1.0)
        simulation = Simulation(brain, record=[relay["out"]])
        assert simulation.plan.window == 10
        return simulation.run(5).content_sha256

    assert heard(sparse.csr_array(WEIGHTS)) == heard(WEIGHTS)


@pytest.mark.parametrize(
    ("weight", "delay_ms", "error", "text"),
    [
        (
            sparse.csr_array(WEIGHTS.T),
            1.0,
            WiringError,
            r"weight of V1.out -> PFC.in has shape \[3, 2\], not .*transposed",
        ),
        (sparse.coo_array(np.ones(3)), 1.0, WiringError, r"has shape \[3\], not \[target, source\] = \[2, 3\]"),
        (
            sparse.csr_array(np.where(WEIGHTS, np.inf, 0)),
            1.0,
            ConfigurationError,
            r"weight of .* is not finite at \(0, 0\): inf",
        ),
        (
            sparse.csr_array(WEIGHTS * 1j),
            1.0,
            ConfigurationError,
            "is a sparse matrix of complex128; give one of numbers",
        ),
        (
            sparse.csr_array(WEIGHTS),
            sparse.csr_array([[1.0, 0, 0], [0, 2.0, 1.0]]),
            WiringError,
            r"delay of V1.out -> PFC.in has no entry at \[0, 2\] \[target, source\], where the weight is 1$",
        ),
        (1.0, sparse.csr_array(AT_WEIGHTS), WiringError, r"has no entry at \[0, 1\] .* where the weight is 1$"),
        (sparse.csr_array(WEIGHTS), sparse.csr_array(AT_WEIGHTS.T), WiringError, "delay of .*transposed"),
        (
            sparse.csr_array(WEIGHTS),
            sparse.csr_array(AT_WEIGHTS + WEIGHTS * 0.004),
            TimeError,
            r"entry \[0\] = 1\.008 ms",
        ),
        (sparse.csr_array(WEIGHTS), sparse.csr_array(-AT_WEIGHTS), TimeError, "= -3 ms is negative"),
        (sparse.csr_array(WEIGHTS), None, TimeError, "is missing; give delay_ms="),
        (
            WEIGHTS,
            1e300,
            TimeError,
            r"delay of V1.out -> PFC.in = 1e\+300 ms is too long; it may be 2,147,483,647 ticks",
        ),
        (WEIGHTS, [[1, 1, 1e300]], TimeError, r"= 1e\+300 ms is too long"),
    ],
)
def test_matrices_that_do_not_fit_are_refused(weight, delay_ms, error, text):
    with pytest.raises(error, match=text):
        connection(weight, delay_ms)


@pytest.mark.parametrize("weight", [sparse.csr_array(WEIGHTS * 0.3), sparse.csr_array(-WEIGHTS), 2.0**31])
def test_between_spikes_a_weight_is_a_number_of_copies(weight):
    with pytest.raises(WiringError, match="a weight between spikes must be a whole number, 0 or above"):
        connection(weight, source=Spikes, target=Spikes)


def test_copies_beyond_what_a_count_can_hold_are_refused_and_not_wrapped():
    wire = prepared(2.0**31 - 1, source=Spikes, target=Spikes)
    wire.accept(Spikes(Window(0, 10), 3, [1], [0], [3]))
    with pytest.raises(ConfigurationError, match=r"counts of spikes must be .* not 6442450941 "):
        wire.deliver(Window(10, 20))


def test_negative_weights_cannot_make_spikes_sparse_or_not():
    with pytest.raises(WiringError, match="would ask for a negative rate of spikes"):
        connection(sparse.csr_array(-WEIGHTS), adapter=RateToPoisson(), target=Spikes)
