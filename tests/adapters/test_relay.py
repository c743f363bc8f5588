"""Spikes to spikes: how many are kept, which lines, and what is declared."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from adapters import RateToPoisson, SpikeToRate, Subset, Thinning
from hybrid import Chain, Clock, Port, Rates, Spikes, Window
from hybrid.errors import ConfigurationError, WiringError
from hybrid.random import named_stream
from hybrid.testing import check_adapter


def prepared(adapter, size=1, tick_ms=0.1, seed=1):
    source = Port("a", "out", adapter.accepts, size, "out")
    target = Port("b", "in", adapter.emits, adapter.emitted_size(size), "in")
    adapter.prepare(Clock(tick_ms), source, target, named_stream(seed, "connection", "test"))
    return adapter


@pytest.mark.parametrize(
    "make",
    [
        lambda: Thinning(0.3),
        lambda: Thinning(1.0),
        lambda: Subset([2, 0]),
        Subset,
        lambda: Chain(Subset([3, 1]), SpikeToRate(5, "mean")),
    ],
)
def test_ours_keep_the_contract(make):
    check_adapter(make)


def test_counts_are_thinned_binomially():
    events, count, keep = 20_000, 7, 0.3
    spikes = Spikes(Window(0, events), 1, np.arange(events), np.zeros(events), np.full(events, count))
    kept = prepared(Thinning(keep)).convert(spikes).to_counts()[:, 0]
    seen = np.bincount(kept, minlength=count + 1)
    theory = events * stats.binom(count, keep).pmf(np.arange(count + 1))
    assert stats.chisquare(seen, theory).pvalue > 1e-3


def test_mean_and_variance_are_those_declared():
    spikes = Spikes(Window(0, 50), 2, np.arange(50), np.arange(50) % 2, np.full(50, 4))
    adapter = prepared(Thinning(0.2), 2)
    expected = adapter.expected(spikes)
    np.testing.assert_allclose(expected.mean, [20.0, 20.0])
    np.testing.assert_allclose(expected.variance, [16.0, 16.0])
    totals = np.array([adapter.convert(spikes).total(Clock(0.1)) for _ in range(4000)])
    np.testing.assert_allclose(totals.mean(axis=0), expected.mean, atol=4 * np.sqrt(16 / 4000))
    np.testing.assert_allclose(totals.var(axis=0), expected.variance, rtol=4 * np.sqrt(2 / 4000))
    assert abs(np.corrcoef(totals.T)[0, 1]) < 4 / np.sqrt(4000)


def test_thinned_poisson_is_poisson():
    ticks, lines = 20_000, 200
    chain = prepared(Chain(RateToPoisson(), Thinning(0.25)), lines, tick_ms=1.0)
    per_line = chain.convert(Rates(Window(0, ticks), lines, 40.0)).total(Clock(1.0))
    mean = 0.25 * 40 * 20
    assert abs(per_line.sum() - mean * lines) < 4 * np.sqrt(mean * lines)
    assert per_line.var(ddof=1) / per_line.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / lines))


def test_all_or_nothing_is_kept():
    spikes = Spikes(Window(0, 9), 3, [0, 4, 8], [2, 0, 1], [1, 5, 2])
    whole, none = prepared(Thinning(1), 3).convert(spikes), prepared(Thinning(0), 3).convert(spikes)
    np.testing.assert_array_equal(whole.to_counts(), spikes.to_counts())
    assert none.counts.size == 0


def test_a_subset_keeps_its_lines_in_its_order():
    counts = np.random.default_rng(0).poisson(0.5, (40, 6))
    adapter = prepared(Subset([4, 0, 5]), 6)
    spikes = Spikes.from_counts(Window(10, 50), counts)
    chosen = adapter.convert(spikes)
    np.testing.assert_array_equal(chosen.to_counts(), counts[:, [4, 0, 5]])
    np.testing.assert_array_equal(adapter.expected(spikes).mean, counts[:, [4, 0, 5]].sum(axis=0))
    np.testing.assert_array_equal(adapter.expected(spikes).variance, 0.0)
    assert (adapter.emitted_size(6), adapter.describe()["ids"]) == (3, [4, 0, 5])


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_without_parameters_a_subset_is_every_second_line(size):
    counts = np.random.default_rng(0).poisson(0.5, (40, size))
    adapter, spikes = prepared(Subset(), size), Spikes.from_counts(Window(0, 40), counts)
    np.testing.assert_array_equal(adapter.convert(spikes).to_counts(), counts[:, ::2])
    np.testing.assert_array_equal(adapter.expected(spikes).mean, counts[:, ::2].sum(axis=0))
    assert adapter.emitted_size(size) == counts[:, ::2].shape[1]
    assert adapter.describe()["ids"] is None


def test_a_line_that_is_not_there_is_refused():
    with pytest.raises(WiringError, match="Subset: there is no line 6; the source has 6, counted from 0"):
        Subset([1, 6]).emitted_size(6)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Thinning(-0.1), r"Thinning: keep = -0.1 must be at least 0"),
        (lambda: Thinning(1.1), r"Thinning: keep = 1.1 must be at most 1"),
        (lambda: Thinning(np.nan), r"Thinning: keep = nan is not a finite number"),
        (lambda: Subset([]), r"Subset: ids = \[\] must be numbers of lines"),
        (lambda: Subset([1, -1]), r"Subset: ids must be whole numbers from 0 to .*, not -1 "),
        (
            lambda: Subset(np.array([2**63 + 1], np.uint64)),
            r"Subset: ids must be whole numbers .*, not 9223372036854775809 ",
        ),
        (lambda: Subset([True, False]), r"Subset: ids must be whole numbers, not True"),
        (lambda: Subset([0.5]), r"Subset: ids must be whole numbers .* not 0.5"),
        (lambda: Subset([1, 2, 1]), r"name a line twice"),
    ],
)
def test_wrong_parameters_are_named(make, text):
    with pytest.raises(ConfigurationError, match=text):
        make()
