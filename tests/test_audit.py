"""The audit: its arithmetic by hand, and the defects of real interfaces, made again on purpose, which it must report."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import norm
from toys import RandomSpikes, Relay, Toy

from adapters import RateToPoisson, SpikeToRate
from hybrid import Adapter, Brain, Chain, Clock, Moments, Port, Rates, Simulation, Spikes, Window
from hybrid.audit import AuditRow, Ledger, balance, format_audit
from hybrid.connection import Connection
from hybrid.delay_line import DelayLine, SpikeLine
from hybrid.random import named_stream

# -- by hand -----------------------------------------------------------------------------------------------------------


def test_a_balance_by_hand():
    row = balance(np.array([100.0, 300.0]), np.array([90.0, 340.0]), np.array([100.0, 300.0]))
    assert (row["expected"], row["delivered"], row["bias"]) == (400.0, 430.0, 30 / 400)
    assert row["z"] == pytest.approx(30 / 20)
    assert row["worst_line"] == 1
    # 40 / sqrt(300) = 2.309 has a chance of .02092 both ways; twice that, for two lines, has z = 2.0339
    assert row["worst_z"] == pytest.approx(-norm.ppf(2 * norm.sf(40 / math.sqrt(300))))


def test_the_sign_of_the_worst_line_is_kept():
    row = balance(np.array([100.0, 100.0, 100.0]), np.array([30.0, 110.0, 100.0]), np.full(3, 100.0))
    assert row["worst_line"] == 0
    assert row["worst_z"] == pytest.approx(norm.ppf(3 * norm.sf(7.0)), rel=1e-9)


def test_a_large_population_is_not_alarmed_by_its_largest_deviation():
    """Of 10,000 lines one is beyond 4 standard deviations in two runs of three: alone that is no evidence."""
    random = np.random.default_rng(0)
    expected = np.full(10_000, 50.0)
    delivered = random.poisson(expected) * 1.0
    raw = np.abs(delivered - expected).max() / np.sqrt(50)
    assert raw > 3.5
    assert abs(balance(expected, delivered, expected)["worst_z"]) < 3
    delivered[17] += 60  # 8 standard deviations: is found also among so many
    row = balance(expected, delivered, expected)
    assert row["worst_line"] == 17
    assert row["worst_z"] > 5


def test_without_chance_the_smallest_real_difference_is_infinite_and_rounding_is_none():
    exact = np.zeros(2)
    assert balance(np.array([1e6, 3.0]), np.array([1e6 * (1 + 1e-12), 3.0]), exact)["z"] == 0.0
    row = balance(np.array([1e6, 3.0]), np.array([1e6, 3.001]), exact)
    assert row["worst_z"] == math.inf
    assert row["worst_line"] == 1
    assert balance(np.zeros(2), np.zeros(2), exact) == {
        "expected": 0.0, "delivered": 0.0, "bias": 0.0, "z": 0.0, "worst_z": 0.0, "worst_line": 0,
    }  # fmt: skip


def test_deviations_that_cancel_in_the_sum_are_found_line_by_line():
    row = balance(np.array([1000.0, 1000.0]), np.array([500.0, 1500.0]), np.array([1000.0, 1000.0]))
    assert row["z"] == 0.0
    assert abs(row["worst_z"]) > 15


def row(z=0.0, worst_z=0.0, expected=1.0, delivered=1.0):
    return AuditRow("wire", "a.x", "b.y", "none", expected, delivered, 0.0, 0.0, z, worst_z, 0)


@pytest.mark.parametrize(
    ("z", "worst_z", "drifts"),
    [
        (4.9, -4.9, False),
        (5.1, 0, True),
        (0, -5.1, True),
        (math.inf, 0, True),
        (math.nan, 0, True),
        (0, math.nan, True),
    ],
)
def test_five_standard_deviations_are_a_drift_and_so_is_no_number(z, worst_z, drifts):
    assert row(z, worst_z).drifts is drifts
    assert row(z, worst_z).as_dict()["drifts"] is drifts


def test_a_ledger_adds_up():
    ledger = Ledger(2)
    for start in (0, 4):
        delivered = Rates(Window(start, start + 4), 2, [10.0, 20.0])
        ledger.enter(Moments(np.array([1.0, 2.0]), np.array([0.5, 0.25])), delivered, Clock(1.0))
    assert (ledger.expected.tolist(), ledger.variance.tolist()) == ([2.0, 4.0], [1.0, 0.5])
    np.testing.assert_allclose(ledger.delivered, [10 * 8e-3, 20 * 8e-3])


def test_the_table_says_which_interface_is_ok_silent_or_drifts():
    rows = [row().as_dict(), row(expected=0.0, delivered=0.0).as_dict(), row(z=-math.inf, delivered=0.5).as_dict()]
    lines = format_audit(rows).splitlines()
    assert [line.split()[-1] for line in lines] == ["verdict", "ok", "silent", "DRIFTS"]
    assert format_audit([]) == "audit: no connections"


# -- defects of real interfaces ----------------------------------------------------------------------------------------


class ConstantRate(Toy):
    def __init__(self, name, size, hz):
        super().__init__(name)
        self.hz = hz
        self.outputs = {"rate": Port(name, "rate", Rates, size, "out")}

    def advance(self, window, inputs):
        return {"rate": Rates(window, self.outputs["rate"].size, self.hz)}


def audited(adapter, *, window_ms=1.0, duration_ms=500, size=20, hz=100.0, **options):
    """The audit's row of one interface between a source and a relay."""
    brain = Brain(tick_ms=0.1)
    if adapter is None or adapter.accepts is Rates:
        source = brain.add(ConstantRate("source", size, hz))["rate"]
    else:
        source = brain.add(RandomSpikes("source", size, hz))["spikes"]
    target = brain.add(Relay("target", size, adapter.emits if adapter else Rates))["in"]
    brain.connect(source, target, delay_ms=window_ms, adapter=adapter, **options)
    simulation = Simulation(brain, seed=3, window_ms=window_ms)
    with np.errstate(all="raise"):
        (found,) = simulation.run(duration_ms).audit
    return found


class KernelRestartedInEachWindow(SpikeToRate):
    """EBRAINS InterscaleHub: the part of the kernel beyond the window is lost, 0.33 of the rate is left at 1.2 ms."""

    def convert(self, signal):
        self._memory[:] = 0.0
        converted = super().convert(signal)
        self._memory[:] = 0.0
        return converted


class GaussianPerWindow(SpikeToRate):
    """tvb-multiscale: a kernel cut at the edges of the window and scaled so that 0.93 of its mass is left."""

    def convert(self, signal):
        converted = super().convert(signal)
        return Rates(converted.window, converted.size, 0.93 * converted.hz)

    def held(self):
        return 0.93 * super().held()


class CeilPerBin(RateToPoisson):
    """Arbor-TVB: ``ceil(rate * tick)`` spikes a bin, which is 10 kHz for any rate at a tick of 0.1 ms."""

    def convert(self, signal):
        return Spikes.from_counts(signal.window, np.ceil(signal.hz * 1e-4).astype(int))


class Drawn(RateToPoisson):
    """Draws by itself."""

    def prepare(self, clock, source, target, rng):
        super().prepare(clock, source, target, rng)
        self.clock, self.rng = clock, rng


class BernoulliOfTheExponential(Drawn):
    """One draw a tick with p = 1 - exp(-rate * tick): loses about rate * tick / 2."""

    def convert(self, signal):
        return Spikes.from_counts(signal.window, self.rng.random(signal.hz.shape) < -np.expm1(-signal.hz * 1e-4))


class CorrelatedTwiceThinned(Drawn):
    """tvb-multiscale: a mother train of rate n c r, copied to each of n lines with probability c, has rate n c^2 r."""

    c = 0.1

    def convert(self, signal):
        n = signal.size
        mother = self.rng.poisson(n * self.c * signal.hz[:, :1] * 1e-4)
        return Spikes.from_counts(signal.window, self.rng.binomial(np.repeat(mother, n, axis=1), self.c))


class CorrelatedOnce(CorrelatedTwiceThinned):
    """The same mended: a mother of rate r / c keeps the rate. Lines correlate, so their sum varies n c + 1 - c times more."""

    def convert(self, signal):
        mother = self.rng.poisson(signal.hz[:, :1] * 1e-4 / self.c)
        return Spikes.from_counts(signal.window, self.rng.binomial(np.repeat(mother, signal.size, axis=1), self.c))

    def expected(self, signal):
        mean = signal.total(self.clock)
        return Moments(mean, mean * (1 + (signal.size - 1) * self.c))


class LastTickLost(RateToPoisson):
    """Off by one at the edge: what falls into the last tick of a window goes nowhere."""

    def convert(self, signal):
        spikes = super().convert(signal)
        kept = spikes.ticks < signal.window.stop - 1
        return Spikes(signal.window, spikes.size, spikes.ticks[kept], spikes.ids[kept], spikes.counts[kept])


class AtMostOneSpikeATick(RateToPoisson):
    """``SpikeGeneratorGroup`` takes no two spikes of a neuron in one tick: pooled fibres lose the others."""

    def convert(self, signal):
        spikes = super().convert(signal)
        return Spikes(signal.window, spikes.size, spikes.ticks, spikes.ids)


@pytest.mark.parametrize(
    ("adapter", "options", "kept"),
    [
        # the mean of 1 - a^k over what is left of the window, k = 1 to 12 and 35 ticks, a = exp(-.1 / tau)
        (KernelRestartedInEachWindow(tau_ms=1.0), {"window_ms": 1.2}, 1 - sum(math.exp(-0.1 * k) for k in range(1, 13)) / 12),
        (KernelRestartedInEachWindow(tau_ms=1.0), {"window_ms": 3.5}, 1 - sum(math.exp(-0.1 * k) for k in range(1, 36)) / 35),
        (GaussianPerWindow(tau_ms=5.0), {}, 0.93),
        (CeilPerBin(), {"hz": 3.0}, 1e4 / 3.0),
        (CeilPerBin(), {"hz": 1e-6}, 1e10),
        (BernoulliOfTheExponential(), {"hz": 1000.0, "size": 100}, -np.expm1(-0.1) / 0.1),
        (CorrelatedTwiceThinned(), {"size": 50, "hz": 1000.0}, 50 * 0.1**2),
        (CorrelatedTwiceThinned(), {"size": 200, "hz": 1000.0}, 200 * 0.1**2),
        (LastTickLost(), {"hz": 1000.0}, 0.9),
        (LastTickLost(), {"window_ms": 3.5, "hz": 1000.0, "size": 100}, 34 / 35),
        (AtMostOneSpikeATick(fibres=100), {"hz": 30.0}, -np.expm1(-0.3) / 0.3),
    ],
)  # fmt: skip
def test_a_defect_of_a_peer_is_reported_with_its_size(adapter, options, kept):
    with pytest.warns(
        UserWarning, match=rf"source_to_target \(source.* -> target.in, {type(adapter).__name__}\) delivered"
    ):
        found = audited(adapter, **options)
    assert found["drifts"]
    assert 1 + found["bias"] == pytest.approx(kept, rel=0.03)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("adapter", "options"),
    [
        *[(SpikeToRate(tau_ms=tau), {"window_ms": w}) for tau in (1.0, 20.0) for w in (0.5, 1.2, 3.5)],
        (SpikeToRate(tau_ms=5, pool="sum"), {"weight": 1.0}),
        (SpikeToRate(tau_ms=5, pool="mean"), {"weight": 0.1}),
        *[(RateToPoisson(), {"hz": hz, "size": 100}) for hz in (1e-6, 3e-3, 3.0, 1000.0)],
        (RateToPoisson(fibres=100), {"hz": 30.0}),
        (RateToPoisson(), {"weight": np.random.default_rng(0).random((20, 20))}),
        (CorrelatedOnce(), {"size": 10}),
        (Chain(SpikeToRate(5), RateToPoisson(10)), {"weight": 0.3}),
        (Chain(RateToPoisson(10), SpikeToRate(5)), {"weight": -0.3}),
        (None, {"weight": -1.0}),
    ],
)
def test_what_is_right_is_not_reported(adapter, options):
    found = audited(adapter, **options)
    assert not found["drifts"], found
    if options.get("hz", 3.0) >= 3.0:
        assert found["delivered"] != 0


def test_a_chain_with_a_matrix_inside_delivers_what_theory_says():
    """0.3 of the rate of each of 20 sources, through a filter and 10 Poisson fibres: 20 * .3 * 100 Hz * 10 a line."""
    found = audited(Chain(SpikeToRate(5), RateToPoisson(10)), weight=0.3, window_ms=1.0, duration_ms=1000)
    # all but what one delay and the filter's memory hold back
    assert found["delivered"] == pytest.approx(20 * 20 * 0.3 * 100 * 10 * (1 - 6e-3), rel=0.04)


# -- a line that loses, doubles or never delivers ----------------------------------------------------------------------


class Lossy:
    share = 0.99

    def read(self, window):
        return self.share * super().read(window)


@pytest.mark.parametrize("share", [0.99, 1.01, 0.0, 1 + 1e-6])
@pytest.mark.parametrize("adapter", [None, SpikeToRate(5)])
def test_a_line_that_does_not_deliver_what_it_took_is_reported(monkeypatch, share, adapter):
    broken = type("Broken", (Lossy, DelayLine), {"share": share})
    monkeypatch.setattr("hybrid.connection.DelayLine", broken)
    with pytest.warns(UserWarning, match="delivered"):
        found = audited(adapter)
    assert found["drifts"]
    assert found["bias"] == pytest.approx(share - 1, abs=1e-9)


@pytest.mark.parametrize("share", [0.9, 1.1, 0.0])  # the spikes of 0.0 reach no cell, as those of Arbor-TVB
def test_rates_lost_before_they_became_spikes_are_missed(monkeypatch, share):
    broken = type("Broken", (Lossy, DelayLine), {"share": share})
    monkeypatch.setattr("hybrid.connection.DelayLine", broken)
    with pytest.warns(UserWarning, match="delivered"):
        found = audited(RateToPoisson(fibres=100))
    assert found["drifts"]
    assert 1 + found["bias"] == pytest.approx(share, abs=0.04)


def test_a_spike_line_that_drops_an_event_is_reported(monkeypatch):
    class Dropping(SpikeLine):
        def read(self, window):
            spikes = super().read(window)
            return spikes if 2000 not in window else Spikes.silence(window, spikes.size)

    monkeypatch.setattr("hybrid.connection.SpikeLine", Dropping)
    brain = Brain(tick_ms=0.1)
    source, target = brain.add(RandomSpikes("source", 20, 100.0)), brain.add(Relay("target", 20, Spikes))
    brain.connect(source["spikes"], target["in"], delay_ms=1.0)
    with pytest.warns(UserWarning, match="delivered"):
        (found,) = Simulation(brain, seed=3).run(500).audit
    assert found["z"] == -math.inf
    assert found["expected"] - found["delivered"] == pytest.approx(20 * 100 * 1e-3, abs=5)  # one window of 1 ms


def test_what_is_in_flight_is_neither_lost_nor_delivered():
    found = audited(None, window_ms=50.0, duration_ms=80, size=2, hz=40.0)
    assert found["in_flight"] == pytest.approx(2 * 40 * 0.05)
    assert found["expected"] == pytest.approx(2 * 40 * 0.03)
    assert found["delivered"] == pytest.approx(2 * 40 * 0.03)
    assert not found["drifts"]


# -- noise shared by many targets --------------------------------------------------------------------------------------


class NoisyRate(Adapter):
    """Spikes to rates with a declared error: the count of a tick is drawn again from a Poisson distribution."""

    accepts, emits = Spikes, Rates

    def prepare(self, clock, source, target, rng):
        self.clock, self.rng = clock, rng

    def convert(self, signal):
        drawn = self.rng.poisson(signal.to_counts())
        return Rates(signal.window, signal.size, drawn / (self.clock.tick_ms * 1e-3))

    def expected(self, signal):
        return Moments(signal.total(self.clock), signal.total(self.clock))


def test_targets_that_share_a_source_share_its_noise():
    """200 targets that hear one noisy line are all off together: z of the sum must not grow with their number."""
    scores = []
    for seed in range(40):
        source, target = Port("a", "spikes", Spikes, 1, "out"), Port("b", "in", Rates, 200, "in")
        connection = Connection("wire", Clock(0.1), source, target, 1.0, 1.0, NoisyRate())
        connection.prepare(named_stream(seed, "connection", "wire"))
        for window in Window(0, 1000).cut(10):
            connection.deliver(window)
            busy = window.start < 900
            connection.accept(Spikes.from_counts(window, np.full((10, 1), int(busy))))
        scores.append(connection.audit().z)
    assert np.std(scores) == pytest.approx(1.0, abs=4 / np.sqrt(2 * 40))


def test_what_a_filter_holds_is_the_rest_of_its_response():
    adapter = SpikeToRate(tau_ms=2)
    port = Port("a", "x", Spikes, 1, "out")
    adapter.prepare(Clock(0.1), port, port, named_stream(1, "connection", "x"))
    spikes = Spikes.from_counts(Window(0, 50), np.random.default_rng(0).poisson(0.5, (50, 1)))
    adapter.convert(spikes)
    keep = math.exp(-0.05)
    longer = np.concatenate([spikes.to_counts()[:, 0], np.zeros(2000)])
    assert adapter.held()[0] == pytest.approx(lfilter([1 - keep], [1, -keep], longer)[50:].sum(), rel=1e-12)


def test_a_few_rare_spikes_are_no_deviation():
    """0.05 expected, 2 came: a normal z of 8.7, yet a chance of 1 in 800, and there were 100 such lines."""
    expected = np.full(100, 0.05)
    delivered = expected.copy()
    delivered[7] = 2.0
    assert balance(expected, delivered, expected)["worst_z"] > 5
    row = balance(expected, delivered, expected, jump=1.0)
    assert 0 < row["worst_z"] < 3
    assert row["worst_line"] == 7
    many = balance(np.array([1e4]), np.array([1.03e4]), np.array([1e4]))["z"]
    assert balance(np.array([1e4]), np.array([1.03e4]), np.array([1e4]), jump=1.0)["z"] == pytest.approx(many, rel=0.01)
    delivered[7] = 12.0
    assert balance(expected, delivered, expected, jump=1.0)["worst_z"] > 5


def test_rounding_is_judged_by_the_numbers_that_were_subtracted():
    expected, delivered = np.array([1e-9]), np.array([1e-9 + 1e-13])
    assert balance(expected, delivered, np.zeros(1))["worst_z"] == np.inf
    assert balance(expected, delivered, np.zeros(1), scale=np.array([1.0]))["worst_z"] == 0
