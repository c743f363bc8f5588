"""Renewal, refractory and correlated spikes: rates, intervals, variances and correlations against theory."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import kstest

from adapters import CorrelatedPoisson, GammaRenewal, RateToPoisson, RefractoryPoisson
from hybrid import Adapter, Clock, Port, Rates, Spikes, Window
from hybrid.errors import ConfigurationError, DivergedError, TimeError
from hybrid.interface.audit import balance
from hybrid.interface.connection import Connection
from hybrid.random import named_stream
from hybrid.testing import check_adapter


def prepared(adapter, size=1, tick_ms=0.1, seed=1):
    source, target = Port("a", "out", Rates, size, "out"), Port("b", "in", Spikes, size, "in")
    adapter.prepare(Clock(tick_ms), source, target, named_stream(seed, "connection", "test"))
    return adapter


def drawn(adapter, hz, ticks, size, tick_ms=0.1, seed=1):
    return prepared(adapter, size, tick_ms, seed).convert(Rates(Window(0, ticks), size, hz))


def intervals(spikes):
    """In ticks, of all lines."""
    order = np.lexsort((spikes.ticks, spikes.ids))
    ticks, ids = (
        np.repeat(spikes.ticks[order], spikes.counts[order]),
        np.repeat(spikes.ids[order], spikes.counts[order]),
    )
    return np.diff(ticks)[np.diff(ids) == 0]


def sine(ticks, mean_hz, period=1000):
    return mean_hz * (1 + 0.9 * np.sin(2 * np.pi * np.arange(ticks) / period))[:, None]


def declared(adapter, signal, cuts=1):
    """Delivered total, declared mean and declared variance of each line, over the whole signal."""
    delivered = mean = variance = np.zeros(signal.size)
    for window in signal.window.cut(-(-len(signal.window) // cuts)):
        given = signal.during(window)
        delivered = delivered + adapter.convert(given).total(Clock(0.1))
        moments = adapter.expected(given)
        mean, variance = mean + moments.mean, variance + moments.variance
    return delivered, mean, variance


@pytest.mark.parametrize(
    "make",
    [
        lambda: GammaRenewal(cv=0.3),
        lambda: RefractoryPoisson(refractory_ms=0.1),
        lambda: CorrelatedPoisson(0.3, method="single"),
        *(
            pytest.param(make, marks=pytest.mark.long)  # the matrix tries each kind
            for make in (
                lambda: GammaRenewal(cv=1.5),
                lambda: RefractoryPoisson(refractory_ms=0.5),
                lambda: CorrelatedPoisson(0.1),
                lambda: CorrelatedPoisson(0.0),
            )
        ),
    ],
)
def test_ours_keep_the_contract(make):
    check_adapter(make)


# -- common to all -----------------------------------------------------------------------------------------------------

EVERY = [
    GammaRenewal(cv=0.3),
    GammaRenewal(cv=1.0),
    GammaRenewal(cv=1.5),
    RefractoryPoisson(refractory_ms=2.0),
    CorrelatedPoisson(0.2),
    CorrelatedPoisson(0.2, method="single"),
]
INDEPENDENT = EVERY[:4]
every = pytest.mark.parametrize("adapter", EVERY, ids=lambda each: "-".join(map(str, vars(each).values())))


@every
@pytest.mark.parametrize("hz", [0.5, 20.0, 300.0])
def test_the_mean_rate_is_the_given_one(adapter, hz):
    lines, ticks = 40, 100_000
    trials = [drawn(adapter, hz, ticks, lines, seed=seed).total(Clock(0.1)).sum() for seed in range(4)]
    mean = 4 * lines * hz * ticks * 1e-4
    over = 1 + (lines - 1) * 0.2 if isinstance(adapter, CorrelatedPoisson) else getattr(adapter, "cv", 1) ** 2
    assert abs(sum(trials) - mean) < 4 * np.sqrt(mean * over + 160 / 4)


@pytest.mark.parametrize("adapter", INDEPENDENT, ids=lambda each: "-".join(map(str, vars(each).values())))
def test_the_first_tick_has_the_same_rate_as_any_other(adapter):
    """An equilibrium start: a process that fires, or has just fired, at tick 0 would have too many or too few at first."""
    lines, hz, trials = 2000, 200.0, 40
    counts = sum(drawn(adapter, hz, 40, lines, seed=seed).to_counts().sum(axis=1) for seed in range(trials))
    mean = lines * trials * hz * 1e-4
    assert (abs(counts - mean) < 4.5 * np.sqrt(mean)).all()


@every
def test_a_sine_is_followed(adapter):
    lines, ticks = 50, 200_000
    hz = sine(ticks, 100.0)
    counts = drawn(adapter, hz, ticks, lines).to_counts().sum(axis=1)
    phase = counts.reshape(-1, 20, 50).sum(axis=(0, 2))  # 20 bins of the period
    expected = lines * 1e-4 * hz[:, 0].reshape(-1, 20, 50).sum(axis=(0, 2))
    over = 1 + (lines - 1) * 0.2 if isinstance(adapter, CorrelatedPoisson) else max(getattr(adapter, "cv", 1), 1) ** 2
    assert (abs(phase - expected) < 4 * np.sqrt(expected * over)).all()


@pytest.mark.parametrize("adapter", INDEPENDENT, ids=lambda each: "-".join(map(str, vars(each).values())))
def test_lines_are_independent(adapter):
    counts = drawn(adapter, 100.0, 200_000, 4).to_counts().reshape(2000, 100, 4).sum(axis=1)
    correlations = np.corrcoef(counts.T)[np.triu_indices(4, 1)]
    assert (abs(correlations) < 4 / np.sqrt(2000)).all()


@pytest.mark.parametrize(
    ("adapter", "mean"),
    [  # not faster than the dead time allows: 1.8 times 20 spikes in 0.04 s are 900 Hz
        (adapter, mean)
        for adapter in INDEPENDENT
        for mean in (0.1, 0.7, 3.0, 20.0)
        if 1.8 * mean / 0.04 < adapter.highest_rate_hz
    ],
    ids=lambda each: "-".join(map(str, vars(each).values())) if isinstance(each, Adapter) else str(each),
)
def test_the_declared_variance_is_that_of_the_count(adapter, mean):
    """Also for so few spikes, or so short a time, that the asymptotic variance is far from it, and for a rate that changes."""
    lines, ticks = 20_000, 400
    hz = np.tile(np.repeat([0.2, 1.8], 5), 40)[:, None] * mean / 0.04
    signal = Rates(Window(0, ticks), lines, hz)
    delivered, expected, variance = declared(prepared(adapter, lines), signal, cuts=3)
    assert np.ptp(variance) < 1e-9
    assert expected[0] == pytest.approx(mean)
    squares = (delivered - expected) ** 2
    assert abs(squares.mean() - variance[0]) < 4 * squares.std() / np.sqrt(lines)


@every
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e-9])
def test_impossible_rates_are_refused(adapter, bad):
    with pytest.raises(DivergedError, match="rate of line 0 is"):
        prepared(adapter).convert(Rates(Window(0, 1), 1, bad))


@every
def test_silence_stays_silent(adapter):
    assert drawn(adapter, 0.0, 1000, 10).counts.sum() == 0


# -- gamma renewal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cv", [0.3, 0.5, 1.0, 1.5])
def test_intervals_have_the_coefficient_of_variation(cv):
    found = intervals(drawn(GammaRenewal(cv), 10.0, 2_000_000, 40)) * 1e-4
    # the sd of an estimated CV of n gamma intervals is about cv sqrt((1 + cv^2) / 2n), and below this
    assert found.std() / found.mean() == pytest.approx(cv, abs=4 * cv * (1 + cv) / np.sqrt(found.size))


@pytest.mark.parametrize("cv", [0.3, 0.5, 1.0, 1.5])
def test_the_fano_factor_tends_to_the_squared_cv(cv):
    lines, mean = 4000, 50.0
    counts = drawn(GammaRenewal(cv), 500.0, 1000, lines).total(Clock(0.1))
    exact = cv**2 * mean + (1 - cv**4) / 6  # Cox 1962, section 4.5
    assert counts.var() == pytest.approx(exact, rel=4 * np.sqrt(2.3 / lines))


def test_with_cv_1_it_is_poisson_also_when_the_rate_changes():
    """Rescaled intervals are exponential (Brown et al. 2002); ticks are short against them."""
    ticks, tick_ms = 1_000_000, 0.1
    hz = sine(ticks, 20.0, period=5000)
    spikes = drawn(GammaRenewal(1.0), hz, ticks, 10, tick_ms)
    assert spikes.counts.max() <= 3
    elapsed = np.concatenate([[0.0], np.cumsum(hz[:, 0]) * tick_ms * 1e-3])
    random = np.random.default_rng(0)
    for line in range(10):
        ticks_of = np.sort(np.repeat(spikes.ticks, spikes.counts)[np.repeat(spikes.ids, spikes.counts) == line])
        within = random.random(ticks_of.size)  # anywhere in the tick
        times = np.sort(elapsed[ticks_of] + within * (elapsed[ticks_of + 1] - elapsed[ticks_of]))
        assert kstest(np.diff(times), "expon").pvalue > 1e-3 / 10


def test_a_tick_may_have_several_spikes():
    counts = drawn(GammaRenewal(0.5), 35_000.0, 10_000, 1).to_counts()
    assert counts.sum() == pytest.approx(35_000, abs=4 * 0.5 * np.sqrt(35_000))
    assert set(np.unique(counts)) <= set(range(9))


# -- dead time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dead_ticks", [1, 2, 20])
@pytest.mark.parametrize("changing", [False, True])
def test_no_two_spikes_are_closer_than_the_dead_time(dead_ticks, changing):
    ticks = 200_000
    most = 1e4 / dead_ticks
    hz = most * np.random.default_rng(0).random((ticks, 1)) if changing else 0.95 * most
    spikes = drawn(RefractoryPoisson(dead_ticks * 0.1), hz, ticks, 10)
    assert spikes.counts.max() == 1
    assert intervals(spikes).min() == dead_ticks


def test_the_intervals_are_a_dead_time_and_a_geometric_wait():
    hz, dead_ticks, p = 200.0, 20, 0.02
    found = intervals(drawn(RefractoryPoisson(2.0), hz, 1_000_000, 20))
    q = p / (1 - (dead_ticks - 1) * p)
    edges = np.arange(0, 150, 10)
    counts = np.array(
        [((found - dead_ticks >= a) & (found - dead_ticks < b)).sum() for a, b in itertools.pairwise(edges)]
    )
    expected = found.size * ((1 - q) ** edges[:-1] - (1 - q) ** edges[1:])
    assert (abs(counts - expected) < 4 * np.sqrt(expected)).all()
    cv = np.sqrt((1 - (dead_ticks - 1) * p) * (1 - dead_ticks * p))
    assert found.std() / found.mean() == pytest.approx(cv, rel=4 / np.sqrt(found.size))


def test_a_jump_of_the_rate_is_followed_within_the_dead_time():
    """The plain hazard r / (1 - r tau) overshoots after a jump; this one is right in every single tick."""
    lines, ticks = 200_000, 80
    hz = np.where(np.arange(ticks) < 40, 50.0, 400.0)[:, None]
    counts = drawn(RefractoryPoisson(2.0), hz, ticks, lines).to_counts().sum(axis=1)
    expected = lines * hz[:, 0] * 1e-4
    assert (abs(counts - expected) < 4.5 * np.sqrt(expected)).all()


def test_a_rate_the_dead_time_does_not_allow_is_refused():
    with pytest.raises(
        ConfigurationError, match=r"line 1 is 500 Hz at tick 2; with a dead time of 2 ms it must stay below 500 Hz"
    ):
        prepared(RefractoryPoisson(2.0), 2).convert(Rates(Window(0, 3), 2, [[1, 1], [1, 1], [1, 500.0]]))
    with pytest.raises(TimeError, match=r"refractory_ms = 0.25 ms is no multiple of the tick"):
        prepared(RefractoryPoisson(0.25))


# -- correlation -------------------------------------------------------------------------------------------------------


def pair_correlation(counts):
    """Mean over all pairs of lines, from the variance of the sum; and its standard error from ten parts."""

    def one(part):
        variances = part.var(axis=0)
        pairs = np.sqrt(variances).sum() ** 2 - variances.sum()
        return (part.sum(axis=1).var() - variances.sum()) / pairs

    parts = [one(part) for part in np.split(counts, 10)]
    return np.mean(parts), np.std(parts, ddof=1) / np.sqrt(10)


# A mother of rate n c r thinned by c has the marginal rate c^2 n r (a peer's default of c = 1/n gives r / n)
@pytest.mark.parametrize("method", ["multiple", "single"])
@pytest.mark.parametrize(("n", "c"), [(10, 0.1), (10, 0.3), (100, 0.01), (100, 0.1), (100, 0.3)])
def test_the_marginal_rate_is_kept_and_the_pairwise_correlation_is_c(method, n, c):
    hz, ticks, bins = 50.0, 400_000, 20_000
    counts = drawn(CorrelatedPoisson(c, method), hz, ticks, n).to_counts()
    mean = hz * ticks * 1e-4
    per_line = counts.sum(axis=0)
    assert (abs(per_line - mean) < 4.5 * np.sqrt(mean)).all()
    assert abs(per_line.sum() - n * mean) < 4 * np.sqrt(n * mean * (1 + (n - 1) * c))
    binned = counts.reshape(bins, -1, n).sum(axis=1)
    fano = binned.var(axis=0) / binned.mean(axis=0)
    assert (abs(fano - 1) < 4.5 * np.sqrt((2 + 1 / binned.mean()) / bins)).all()
    found, error = pair_correlation(binned)
    assert abs(found - c) < 4.8 * error  # t with nine degrees of freedom
    assert error < 0.1 * c + 0.003


@pytest.mark.parametrize("method", ["multiple", "single"])
def test_lines_of_unequal_rates_keep_theirs_and_correlate_by_the_lower(method):
    hz, c, ticks, bins = np.array([10.0, 40.0, 160.0, 0.0]), 0.4, 2_000_000, 20_000
    counts = drawn(CorrelatedPoisson(c, method), hz, ticks, 4).to_counts()
    mean = hz * ticks * 1e-4
    assert (abs(counts.sum(axis=0) - mean) <= 4 * np.sqrt(mean)).all()
    found = np.corrcoef(counts.reshape(bins, -1, 4).sum(axis=1)[:, :3].T)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert found[i, j] == pytest.approx(c * np.sqrt(hz[i] / hz[j]), abs=4 / np.sqrt(bins) * 1.5)


def test_common_spikes_reach_some_lines_or_all():
    n, c = 50, 0.2
    together = {}
    for method in ("multiple", "single"):
        counts = drawn(CorrelatedPoisson(c, method), 1.0, 200_000, n).to_counts().sum(axis=1)
        together[method] = counts[counts >= n // 2]
    assert together["multiple"].size == 0  # binomial(50, .2) is beyond 24 in 1 of 10^6
    assert together["single"].size > 0
    assert (together["single"] >= n).all()


def test_no_correlation_is_independent_and_a_tiny_one_costs_no_more():
    for c in (0.0, 1e-12):
        counts = drawn(CorrelatedPoisson(c), 100.0, 200_000, 10).to_counts().reshape(2000, 100, 10).sum(axis=1)
        assert abs(counts.sum() - 20_000) < 4 * np.sqrt(20_000)
        assert (abs(np.corrcoef(counts.T)[np.triu_indices(10, 1)]) < 4.5 / np.sqrt(2000)).all()


@pytest.mark.parametrize("method", ["multiple", "single"])
def test_the_variance_of_the_sum_is_declared(method):
    hz = np.array([20.0, 50.0, 50.0, 200.0]) * np.random.default_rng(0).uniform(0.5, 1.5, (1000, 1))
    signal, adapter = Rates(Window(0, 1000), 4, hz), CorrelatedPoisson(0.5, method)
    sums = np.array([prepared(adapter, 4, seed=seed).convert(signal).counts.sum() for seed in range(3000)])
    moments = prepared(adapter, 4).expected(signal)
    mean = signal.total(Clock(0.1))
    lower = np.minimum(hz[:, :, None], hz[:, None, :]).sum(axis=0) * 1e-4
    by_hand = mean.sum() + 0.5 * (lower.sum() - np.trace(lower))
    assert moments.variance_of_sum == pytest.approx(by_hand)
    assert sums.var() == pytest.approx(by_hand, rel=4 * np.sqrt(2.2 / sums.size))


def audit_after(adapter, hz, lines, seed, ticks=1000):
    source, target = Port("a", "rate", Rates, lines, "out"), Port("b", "in", Spikes, lines, "in")
    connection = Connection("wire", Clock(0.1), source, target, None, 1.0, adapter)
    connection.prepare(named_stream(seed, "connection", "wire"))
    for window in Window(0, ticks).cut(10):
        connection.deliver(window)
        connection.accept(Rates(window, lines, hz))
    return connection


@pytest.mark.parametrize("method", ["multiple", "single"])
def test_the_audit_knows_that_lines_fire_together(method):
    """As if they were independent, the sum of 100 lines with c = .3 would be off by sqrt(30.7) = 5.5 times too much."""
    scores = [audit_after(CorrelatedPoisson(0.3, method), 500.0, 100, seed).audit().z for seed in range(60)]
    assert np.std(scores) == pytest.approx(1.0, abs=4 / np.sqrt(2 * 60))


@pytest.mark.parametrize(
    ("adapter", "hz"),
    [
        (GammaRenewal(0.2), 200.0),
        (GammaRenewal(1.5), 0.1),
        (GammaRenewal(3.0), 3.0),
        (GammaRenewal(1.5), 100.0),
        (RefractoryPoisson(2.0), 450.0),
        (CorrelatedPoisson(0.01, "single"), 0.1),
        (CorrelatedPoisson(0.5), 1.0),
    ],
)
def test_the_audit_gives_no_false_alarm(adapter, hz):
    assert not any(audit_after(adapter, hz, 100, seed).audit().drifts for seed in range(50))


def test_one_rare_spike_of_all_lines_at_once_is_no_deviation():
    """Of 100 lines with 0.01 expected spikes each and c = .01; it has a chance of 1 in 10,000."""
    few = np.full(100, 0.01)
    assert 3 < balance(few, np.ones(100), few, variance_of_sum=1.99, jump=1.0)["z"] < 5
    assert balance(few, np.ones(100), few, jump=1.0)["z"] > 10


def test_one_rare_burst_is_no_deviation():
    """A burst of 10 where 0.03 spikes were expected, declared to vary three times more than Poisson, among 1,000 lines."""
    few = np.full(1000, 0.03)
    delivered = few.copy()
    delivered[7] = 10.0
    assert 2 < balance(few, delivered, 3 * few, jump=1.0)["worst_z"] < 5
    assert balance(few, delivered, few, jump=1.0)["worst_z"] > 7


class OneInTwenty(GammaRenewal):
    """Loses every twentieth spike or so; a Poisson variance would hide that of a train so regular."""

    def convert(self, signal):
        spikes = super().convert(signal)
        kept = spikes.ticks % 20 > 0
        return Spikes(signal.window, spikes.size, spikes.ticks[kept], spikes.ids[kept], spikes.counts[kept])


def test_the_audit_is_not_blind_where_spikes_are_regular():
    row = audit_after(OneInTwenty(0.2), 200.0, 100, 1).audit()
    assert abs(row.bias) == pytest.approx(0.05, abs=0.02)
    assert row.drifts


def test_an_account_of_correlated_lines_survives_a_checkpoint():
    one, other = (audit_after(CorrelatedPoisson(0.3), 500.0, 10, 1, ticks) for ticks in (500, 10))
    other.restore(one.state())
    assert other.audit() == one.audit()
    mean = 10 * 500 * 0.049  # 1 ms is on its way
    assert one._ledger_after.expected(one._totals.arrived).variance_of_sum == pytest.approx(mean * (1 + 9 * 0.3))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: GammaRenewal(0), r"GammaRenewal: cv = 0 must be at least 0.1"),
        (lambda: GammaRenewal(4), r"GammaRenewal: cv = 4 must be at most 3"),
        (lambda: GammaRenewal("1"), r"GammaRenewal: cv = '1' is not a number"),
        (lambda: RefractoryPoisson(0), r"RefractoryPoisson: refractory_ms = 0 must be above 0"),
        (lambda: CorrelatedPoisson(-0.1), r"CorrelatedPoisson: correlation = -0.1 must be at least 0"),
        (lambda: CorrelatedPoisson(1), r"CorrelatedPoisson: correlation = 1 must be below 1"),
        (lambda: CorrelatedPoisson(0.1, "both"), r"method = 'both' is not known; give 'multiple' or 'single'"),
    ],
)
def test_wrong_parameters_are_named(make, text):
    with pytest.raises(ConfigurationError, match=text):
        make()


@pytest.mark.parametrize(
    "adapter", [RateToPoisson(), RateToPoisson(100), GammaRenewal(), CorrelatedPoisson(), CorrelatedPoisson(0.0)]
)
@pytest.mark.parametrize("hz", [5e13, 1e300])
def test_a_rate_of_more_spikes_than_a_count_can_hold_is_refused(adapter, hz):
    """5e13 Hz are 5e9 spikes in a tick, of which 32 bits would keep 705,032,704."""
    with pytest.raises(DivergedError, match=r"rate of line 1 is (5e\+13|1e\+300) Hz at tick 0; .* below 2e\+1[13] Hz"):
        prepared(adapter, 2).convert(Rates(Window(0, 1), 2, [1.0, hz]))


def test_a_count_close_to_the_largest_is_drawn():
    spikes = prepared(RateToPoisson()).convert(Rates(Window(0, 1), 1, 1.99e13))
    assert spikes.counts[0] == pytest.approx(1.99e9, abs=5 * np.sqrt(1.99e9))
