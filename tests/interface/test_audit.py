"""The audit: its arithmetic by hand, and the defects of real interfaces, made again on purpose, which it must report."""

from __future__ import annotations

import math
import re
import warnings

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import norm
from toys import RampSource, RandomSpikes, Relay, Toy

from adapters import CorrelatedPoisson, GammaRenewal, RateToPoisson, RefractoryPoisson, SpikeToRate
from hybrid import Adapter, Brain, Chain, Clock, Moments, Port, Rates, Simulation, Spikes, Window
from hybrid.errors import ConfigurationError, DriftError
from hybrid.interface.audit import CHECKS, DRIFT_Z, IN_A_ROW, AuditRow, DriftWatch, Ledger, balance, format_audit
from hybrid.interface.connection import Connection
from hybrid.interface.delay_line import DelayLine, SpikeLine
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


def test_weights_that_cancel_do_not_hide_what_is_lost():
    """Two lines of 1,000 events with the weights 1 and -1: nothing is expected, and half of the second line did not arrive."""
    found = balance(np.zeros(1), np.array([500.0]), np.array([2000.0]), scale=np.array([2000.0]), jump=0.99)
    assert found["z"] > 5
    assert found["worst_z"] > 5


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


class Declares(Adapter):
    """Passes rates on and declares a mean of twice their total, and a variance of half of it."""

    accepts = emits = Rates

    def prepare(self, clock, source, target, rng):
        self.clock, self.asked = clock, 0

    def convert(self, signal):
        return signal

    def expected(self, signal):
        self.asked += 1
        return Moments(2 * signal.total(self.clock), 0.5 * signal.total(self.clock))


class DeclaresOfTotal(Declares):
    def expected_of_total(self, total):
        return Moments(2 * total, 0.5 * total)


class DeclaresOtherwise(DeclaresOfTotal):
    def expected(self, signal):
        return Moments(3 * signal.total(self.clock), np.zeros(2))


@pytest.mark.parametrize(
    ("kind", "mean", "variance", "asked"),
    [(Declares, 2.0, 0.5, 2), (DeclaresOfTotal, 2.0, 0.5, 0), (DeclaresOtherwise, 3.0, 0.0, 0)],
)
def test_a_ledger_adds_up_window_by_window_or_asks_in_the_end(kind, mean, variance, asked):
    adapter, clock = kind(), Clock(1.0)
    adapter.prepare(clock, None, None, None)
    ledger = Ledger(adapter, clock, 2)
    for start in (0, 4):
        given = Rates(Window(start, start + 4), 2, [10.0, 20.0])
        ledger.enter(given, given)
    again = Ledger(adapter, clock, 2)
    again.restore(ledger.state())
    for each in (ledger, again):
        total = np.array([10 * 8e-3, 20 * 8e-3])
        np.testing.assert_allclose(each.expected(total).mean, mean * total)
        np.testing.assert_allclose(each.expected(total).variance, variance * total)
        np.testing.assert_allclose(each.delivered(), total)
    assert adapter.asked == asked


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


def audited(adapter, *, window_ms=1.0, duration_ms=500, size=20, hz=100.0, seed=3, on_drift="warn", **options):
    """The audit's row of one interface between a source and a relay."""
    brain = Brain(tick_ms=0.1)
    if adapter is None or adapter.accepts is Rates:
        source = brain.add(ConstantRate("source", size, hz))["rate"]
    else:
        source = brain.add(RandomSpikes("source", size, hz))["spikes"]
    target = brain.add(Relay("target", size, adapter.emits if adapter else Rates))["in"]
    brain.connect(source, target, delay_ms=window_ms, adapter=adapter, **options)
    simulation = Simulation(brain, seed=seed, window_ms=window_ms, on_drift=on_drift)
    with np.errstate(all="raise", under="ignore"):
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


class MisplacedBinning(SpikeToRate):
    """TVB-NEST of old: ``int((t - dt - start) / dt)`` in floating point; what falls before the window is in no bin of it."""

    def convert(self, signal):
        bins = np.floor((signal.ticks * 0.1 - 0.1 - signal.window.start * 0.1) / 0.1).astype(int)
        kept = bins >= 0
        ticks = bins[kept] + signal.window.start
        return super().convert(Spikes(signal.window, signal.size, ticks, signal.ids[kept], signal.counts[kept]))


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


DEFECTS = pytest.mark.parametrize(
    ("adapter", "options", "kept"),
    [
        # the mean of 1 - a^k over what is left of the window, k = 1 to 12 and 35 ticks, a = exp(-.1 / tau)
        (KernelRestartedInEachWindow(tau_ms=1.0), {"window_ms": 1.2}, 1 - sum(math.exp(-0.1 * k) for k in range(1, 13)) / 12),
        (KernelRestartedInEachWindow(tau_ms=1.0), {"window_ms": 3.5}, 1 - sum(math.exp(-0.1 * k) for k in range(1, 36)) / 35),
        (GaussianPerWindow(tau_ms=5.0), {}, 0.93),
        (MisplacedBinning(tau_ms=5.0), {}, 0.9),
        (CeilPerBin(), {"hz": 3.0}, 1e4 / 3.0),
        (CeilPerBin(), {"hz": 1e-6}, 1e10),
        (BernoulliOfTheExponential(), {"hz": 1000.0, "size": 100}, -np.expm1(-0.1) / 0.1),
        (CorrelatedTwiceThinned(), {"size": 50, "hz": 1000.0}, 50 * 0.1**2),
        (CorrelatedTwiceThinned(), {"size": 200, "hz": 1000.0}, 200 * 0.1**2),
        (LastTickLost(), {"hz": 1000.0}, 0.9),
        (LastTickLost(), {"window_ms": 3.5, "hz": 1000.0, "size": 400}, 34 / 35),
        (AtMostOneSpikeATick(fibres=100), {"hz": 30.0}, -np.expm1(-0.3) / 0.3),
    ],
)  # fmt: skip


@DEFECTS
def test_a_defect_of_a_peer_is_reported_with_its_size(adapter, options, kept):
    with pytest.warns(
        UserWarning, match=rf"source_to_target \(source.* -> target.in, {type(adapter).__name__}\) delivered"
    ):
        found = audited(adapter, **options)
    assert found["drifts"]
    assert 1 + found["bias"] == pytest.approx(kept, rel=0.03)


@DEFECTS
def test_a_defect_of_a_peer_ends_a_run_that_wants_no_drift(adapter, options, kept):
    with pytest.raises(
        DriftError, match=r"^source_to_target failed in window .*\) delivered .* hybrid check$"
    ) as caught:
        audited(adapter, on_drift="error", **options)
    assert told_at(caught.value) < 500  # long before the end


def test_a_loss_of_one_tick_in_35_is_noticed_whatever_the_seed():
    """200,000 events, of which 1 in 35 is lost: 12.8 standard deviations in the end."""
    for seed in range(40):
        with pytest.raises(DriftError, match="LastTickLost") as caught:
            audited(LastTickLost(), window_ms=3.5, hz=1000.0, size=400, seed=seed, on_drift="error")
        assert told_at(caught.value) < 500


def told_at(message):
    return float(re.search(r"until t = (\S+) ms", str(message))[1])


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


# -- while it runs -----------------------------------------------------------------------------------------------------


def moments_of(end, window, on_drift="warn"):
    watch = DriftWatch(on_drift, Clock(0.1), end, window)
    return [each.stop for each in Window(0, end).cut(window) if watch.is_due(each)]


def test_interfaces_are_looked_at_in_twenty_moments_and_at_the_end():
    assert moments_of(1000, 1) == list(range(50, 1001, 50))
    first_ends_after = [500 * k + -500 * k % 7 for k in range(1, 20)]
    assert moments_of(10_000, 7) == [*first_ends_after, 10_000]
    assert moments_of(1001, 1) == [*range(51, 1001, 51), 1001]
    assert len(moments_of(10**6, 1)) == CHECKS
    assert moments_of(5000, 100) == [2000, 4000, 5000]  # not more often than every twenty windows
    assert moments_of(10, 100) == [10]
    assert moments_of(1000, 1, "ignore") == []


def test_a_continued_run_is_looked_at_in_the_same_moments():
    watch = DriftWatch("warn", Clock(0.1), 1000, 2)
    assert [each.stop for each in Window(520, 1000).cut(2) if watch.is_due(each)] == list(range(550, 1001, 50))


def told(scores, on_drift="warn", names=("wire",), end=1000):
    """When a watch speaks up, given the z-scores at ticks 50, 100, ..."""
    watch, heard = DriftWatch(on_drift, Clock(0.1), end, 5), []
    for k, z in enumerate(scores, 1):
        for name in names:
            found = AuditRow(name, "a.x", "b.y", "none", 1.0, 1.0, 0.0, 0.0, z, 0.0, 0)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                watch.look(found, Window(50 * k - 5, 50 * k))
            heard += [(str(each.message).split()[0], 50 * k) for each in caught]
    return heard


def test_a_drift_is_told_once_when_it_has_lasted_for_three_checks():
    assert told([9] * 20) == [("wire", 150)]
    assert told([9, -9, math.nan, 0, 9]) == [("wire", 150)]
    assert told([9, 9, 0, 9, 9, 0, 0, math.inf, 9, 9]) == [("wire", 500)]
    assert told([9, 9, 4.9] * 5) == []
    assert told([9] * 5, names=("one", "two")) == [("one", 150), ("two", 150)]
    assert told([9] * 20, "ignore", end=2000) == [("wire", 150)]  # whoever looks is told; is_due() keeps from looking


def test_what_is_seen_only_at_the_end_is_told_at_the_end():
    assert told([0] * 19 + [9]) == [("wire", 1000)]
    assert told([0] * 18 + [9, 9]) == [("wire", 1000)]
    assert told([9] * 17 + [0, 0, 9]) == [("wire", 150)]  # and not again
    with pytest.raises(DriftError, match=r"\(a.x -> b.y, none\) delivered 1 .* until t = 100 ms .* the delay line"):
        told([0] * 19 + [9], "error")


def chance_of_alarm(threshold, half=400):
    """That a Brownian path is beyond ``threshold`` sqrt(t) at three of 20 checks in a row: the density is carried from check to
    check on a grid, apart for how many checks it has been beyond."""
    x = np.linspace(-1, 1, 2 * half + 1) * (threshold + 4) * math.sqrt(CHECKS)
    step = norm.pdf(x[:, None] - x) * (x[1] - x[0])
    density = np.zeros((IN_A_ROW, x.size))
    density[0, half] = 1.0
    alarm = 0.0
    for check in range(1, CHECKS + 1):
        beyond = np.abs(x) > threshold * math.sqrt(check)
        moved = density @ step if check > 1 else np.array([norm.pdf(x) * (x[1] - x[0]), 0 * x, 0 * x])
        alarm += moved[-1, beyond].sum()
        density = np.array([np.where(beyond, 0, moved.sum(axis=0)), *np.where(beyond, moved[:-1], 0)])
    return alarm


def test_looking_often_hardly_raises_false_alarms(monkeypatch):
    assert chance_of_alarm(DRIFT_Z) < 1e-6
    # the rule itself, at a threshold that chance does cross, against the same theory
    monkeypatch.setattr("hybrid.interface.audit.DRIFT_Z", 2.0)
    paths = 2000
    steps = np.random.default_rng(7).standard_normal((paths, CHECKS))
    scores = steps.cumsum(axis=1) / np.sqrt(np.arange(1, CHECKS + 1))
    alarms = np.mean([bool(told(path, end=2000)) for path in scores])
    theory = chance_of_alarm(2.0)
    assert alarms == pytest.approx(theory, abs=4 * math.sqrt(theory * (1 - theory) / paths))


RIGHT = [
    RateToPoisson(fibres=3),
    GammaRenewal(cv=0.4),
    RefractoryPoisson(refractory_ms=2.0),
    CorrelatedPoisson(0.2, "multiple"),
    Chain(SpikeToRate(5), RateToPoisson(10)),
]


@pytest.mark.parametrize("adapter", RIGHT, ids=lambda adapter: type(adapter).__name__)
def test_right_interfaces_never_end_a_run(monkeypatch, adapter):
    """200 seeds in all, each looked at in 20 moments: a false alarm has a chance of about 6e-4."""
    monkeypatch.setattr("hybrid.interface.audit.WINDOWS_APART", 4)
    first = 40 * RIGHT.index(adapter)
    for seed in range(first, first + 40):
        found = audited(adapter, seed=seed, duration_ms=80, size=10, on_drift="error")
        assert found["delivered"] > 0


def test_a_drift_is_a_warning_at_once_or_nothing_as_wanted():
    with pytest.warns(UserWarning, match="delivered") as caught:
        found = audited(CeilPerBin(), hz=3.0)
    assert len(caught) == 1
    assert told_at(caught[0].message) == 75  # the third check
    assert caught[0].filename == __file__  # who called run()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ignored = audited(CeilPerBin(), hz=3.0, on_drift="ignore")
    assert ignored == found
    assert found["drifts"]


def test_a_run_too_short_for_three_checks_is_told_of_a_drift_at_the_end():
    with pytest.warns(UserWarning, match="until t = 7 ms") as caught:
        audited(CeilPerBin(), hz=3.0, duration_ms=7)
    assert len(caught) == 1
    with pytest.raises(DriftError, match="until t = 7 ms"):
        audited(CeilPerBin(), hz=3.0, duration_ms=7, on_drift="error")


def test_looking_changes_nothing():
    def content(on_drift):
        brain = Brain(tick_ms=0.1)
        source, target = brain.add(ConstantRate("source", 5, 100.0)), brain.add(Relay("target", 5, Spikes))
        brain.connect(source["rate"], target["in"], delay_ms=1.0, adapter=RateToPoisson())
        return Simulation(brain, seed=3, record=[target["out"]], on_drift=on_drift).run(200)

    looked, ignored = content("error"), content("ignore")
    assert looked.content_sha256 == ignored.content_sha256
    assert looked.audit == ignored.audit


@pytest.mark.parametrize("value", ["stop", "Error", None, True])
def test_what_is_no_choice_is_refused_at_once(value):
    brain = Brain(tick_ms=0.1)
    brain.add(RampSource("source"))
    with pytest.raises(
        ConfigurationError, match=f"on_drift = {value!r} is not known; give 'warn', 'error' or 'ignore'"
    ):
        Simulation(brain, on_drift=value)


# -- a line that loses, doubles or never delivers ----------------------------------------------------------------------


class Lossy:
    share = 0.99

    def read(self, window):
        return self.share * super().read(window)


@pytest.mark.parametrize("share", [0.99, 1.01, 0.0, 1 + 1e-6])
@pytest.mark.parametrize("adapter", [None, SpikeToRate(5)])
def test_a_line_that_does_not_deliver_what_it_took_is_reported(monkeypatch, share, adapter):
    broken = type("Broken", (Lossy, DelayLine), {"share": share})
    monkeypatch.setattr("hybrid.interface.connection.DelayLine", broken)
    with pytest.warns(UserWarning, match="delivered"):
        found = audited(adapter)
    assert found["drifts"]
    assert found["bias"] == pytest.approx(share - 1, abs=1e-9)


@pytest.mark.parametrize("share", [0.9, 1.1, 0.0])  # the spikes of 0.0 reach no cell, as those of Arbor-TVB
def test_rates_lost_before_they_became_spikes_are_missed(monkeypatch, share):
    broken = type("Broken", (Lossy, DelayLine), {"share": share})
    monkeypatch.setattr("hybrid.interface.connection.DelayLine", broken)
    with pytest.warns(UserWarning, match="delivered"):
        found = audited(RateToPoisson(fibres=100))
    assert found["drifts"]
    assert 1 + found["bias"] == pytest.approx(share, abs=0.04)


@pytest.mark.parametrize("ticks", [1, 5])
def test_a_line_that_is_later_than_its_delay_is_reported(monkeypatch, ticks):
    """tvb-multiscale makes delays longer than they were asked for, and says nothing."""

    class Late(DelayLine):
        def read(self, window):
            late = super().read(window)
            self.before = np.concatenate([getattr(self, "before", np.zeros((ticks, late.shape[1]))), late])
            late, self.before = self.before[: len(window)], self.before[len(window) :]
            return late

    monkeypatch.setattr("hybrid.interface.connection.DelayLine", Late)
    with pytest.raises(DriftError, match="source_to_target failed"):
        audited(None, on_drift="error")


def test_a_spike_line_that_drops_an_event_is_reported(monkeypatch):
    class Dropping(SpikeLine):
        def read(self, window):
            spikes = super().read(window)
            return spikes if 2000 not in window else Spikes.silence(window, spikes.size)

    monkeypatch.setattr("hybrid.interface.connection.SpikeLine", Dropping)
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
