"""Spikes to rate: shape, mass, lag and noise of the filters, and how lines are pooled."""

from __future__ import annotations

import numpy as np
import pytest

from adapters import AlphaSpikeToRate, BoxSpikeToRate, SpikeToRate, Subset
from hybrid import Chain, Clock, Port, Spikes, Window
from hybrid.errors import ConfigurationError, TimeError, WiringError
from hybrid.random import named_stream
from hybrid.testing import check_adapter

FILTERS = [SpikeToRate, AlphaSpikeToRate, BoxSpikeToRate]


def prepared(adapter, size=1, tick_ms=0.1):
    source = Port("a", "out", adapter.accepts, size, "out")
    target = Port("b", "in", adapter.emits, adapter.emitted_size(size), "in")
    adapter.prepare(Clock(tick_ms), source, target, named_stream(1, "connection", "test"))
    return adapter


def response(adapter, ticks):
    """To one spike in tick 0, one line."""
    return prepared(adapter).convert(Spikes(Window(0, ticks), 1, [0], [0])).hz[:, 0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: AlphaSpikeToRate(tau_ms=10),
        lambda: AlphaSpikeToRate(tau_ms=0.05),
        lambda: AlphaSpikeToRate(tau_ms=500, pool="sum"),
        lambda: BoxSpikeToRate(width_ms=5),
        lambda: BoxSpikeToRate(width_ms=1),
        lambda: BoxSpikeToRate(width_ms=30, pool="mean"),
        lambda: Chain(Subset([0, 1, 2, 3]), SpikeToRate(20, groups=[3, 1])),
        lambda: Chain(Subset([0, 1, 2, 3]), AlphaSpikeToRate(5, groups=[1, 3])),
        lambda: Chain(Subset([0, 1, 2, 3]), BoxSpikeToRate(2, groups=[2, 2])),
    ],
)
def test_ours_keep_the_contract(make):
    check_adapter(make)


# A kernel restarted in each window lost up to two thirds of the rate (EBRAINS InterscaleHub)
@pytest.mark.parametrize("window_ms", [0.5, 1.0, 1.2, 3.5])
@pytest.mark.parametrize(
    "make", [lambda: AlphaSpikeToRate(1.0), lambda: AlphaSpikeToRate(20), lambda: BoxSpikeToRate(2)]
)
def test_the_integral_of_the_rate_is_the_number_of_spikes(window_ms, make):
    adapter, width = prepared(make()), round(window_ms / 0.1)
    edges = [0, width - 1, width, 2 * width - 1, 2 * width, 7 * width]
    spikes = Spikes(Window(0, 12_000), 1, edges, [0] * len(edges), [1, 2, 1, 1, 1, 3])
    integral = 0.0
    for window in spikes.window.cut(width):
        integral += adapter.convert(spikes.during(window)).hz.sum() * 1e-4
        came = spikes.during(Window(0, window.stop)).counts.sum()
        assert integral + adapter.held()[0] == pytest.approx(came, rel=1e-11)
    assert integral == pytest.approx(9.0, rel=1e-11)


@pytest.mark.parametrize("tau_ms", [1.0, 10.0, 100.0])
def test_alpha_has_the_shape_of_its_formula(tau_ms):
    hz, t = response(AlphaSpikeToRate(tau_ms), 20_000), np.arange(20_000) * 0.1
    formula = 1e3 * t / tau_ms**2 * np.exp(-t / tau_ms)
    # normalised in ticks of h: sum n a^n = a / (1-a)^2 = (tau/h)^2 (1 - (h/tau)^2 / 12 ...)
    np.testing.assert_allclose(hz[1:], formula[1:] * (1 + (0.1 / tau_ms) ** 2 / 12), rtol=1e-5, atol=1e-12)
    assert hz[0] == 0
    assert np.argmax(hz) == pytest.approx(tau_ms / 0.1, abs=1)
    assert (t * hz).sum() / hz.sum() == pytest.approx(2 * tau_ms, rel=2e-3)  # mean lag


def test_box_counts_each_spike_in_exactly_its_width():
    adapter = prepared(BoxSpikeToRate(2.0))
    hz = adapter.convert(Spikes(Window(0, 60), 1, [7, 20, 30], [0, 0, 0], [1, 2, 1])).hz[:, 0]
    expected = np.zeros(60)
    expected[7:27] += 500  # one spike in 2 ms
    expected[20:40] += 1000
    expected[30:50] += 500
    np.testing.assert_allclose(hz, expected, rtol=1e-14)
    assert (hz[50:] == 0).all()  # not 1e-17


# Campbell: the rate of Poisson spikes has the variance r * integral of the squared kernel: 1/(2 tau), 1/(4 tau), 1/width
@pytest.mark.parametrize(
    ("make", "squared_per_s"),
    [
        (lambda: SpikeToRate(5), 1 / (2 * 5e-3)),
        (lambda: AlphaSpikeToRate(5), 1 / (4 * 5e-3)),
        (lambda: BoxSpikeToRate(5), 1 / 5e-3),
    ],
)
def test_filtered_poisson_spikes_obey_campbell(make, squared_per_s):
    ticks, rate_hz = 400_000, 500.0
    counts = np.random.default_rng(3).poisson(rate_hz * 1e-4, (ticks, 1))
    hz = prepared(make()).convert(Spikes.from_counts(Window(0, ticks), counts)).hz[2000:, 0]
    variance = rate_hz * squared_per_s
    independent = ticks * 1e-4 * squared_per_s
    assert hz.mean() == pytest.approx(rate_hz, abs=4 * np.sqrt(variance / independent))
    assert hz.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / independent))


@pytest.mark.parametrize("kind", FILTERS)
def test_pooling_gives_means_and_sums_of_the_lines(kind):
    spikes = Spikes.from_counts(Window(0, 50), np.random.default_rng(0).poisson(0.3, (50, 8)))
    each = prepared(kind(5), 8).convert(spikes).hz
    groups = prepared(kind(5, groups=[5, 1, 2]), 8).convert(spikes).hz
    np.testing.assert_allclose(prepared(kind(5, "mean"), 8).convert(spikes).hz[:, 0], each.mean(axis=1))
    np.testing.assert_allclose(prepared(kind(5, "sum"), 8).convert(spikes).hz[:, 0], each.sum(axis=1))
    np.testing.assert_allclose(groups[:, 0], each[:, :5].mean(axis=1))
    np.testing.assert_allclose(groups[:, 1], each[:, 5], rtol=1e-12)
    np.testing.assert_allclose(groups[:, 2], each[:, 6:].mean(axis=1))


@pytest.mark.parametrize("kind", FILTERS)
def test_groups_are_declared_and_kept_with_the_results(kind):
    adapter = prepared(kind(5, groups=[2, 1]), 3)
    expected = adapter.expected(Spikes(Window(0, 9), 3, [1, 2, 8], [0, 1, 2], [4, 1, 1]))
    np.testing.assert_array_equal(expected.mean, [2.5, 1.0])
    np.testing.assert_array_equal(expected.variance, [0.0, 0.0])
    assert adapter.describe()["groups"] == [2, 1]


@pytest.mark.parametrize("kind", FILTERS)
def test_groups_must_add_up_to_the_source(kind):
    with pytest.raises(
        WiringError, match=rf"{kind.__name__}: groups \[800, 200\] have 1000 lines .* the source has 999"
    ):
        kind(5, groups=[800, 200]).emitted_size(999)


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize("groups", [[], [3, 0], [1.5, 2.5], [[1, 2]], 4, "ab"])
def test_groups_are_whole_numbers(kind, groups):
    with pytest.raises(ConfigurationError, match=f"{kind.__name__}: groups "):
        kind(5, groups=groups)


@pytest.mark.parametrize("kind", FILTERS)
def test_wrong_parameters_are_named(kind):
    with pytest.raises(ConfigurationError, match=f"{kind.__name__}: (tau|width)_ms = 0 must be above 0"):
        kind(0)
    with pytest.raises(ConfigurationError, match=f"{kind.__name__}: pool = 'median' is not known"):
        kind(5, pool="median")
    with pytest.raises(ConfigurationError, match=f"{kind.__name__}: pool = 'mean' and groups exclude each other"):
        kind(5, pool="mean", groups=[1])


def test_the_width_of_a_box_is_whole_ticks():
    with pytest.raises(TimeError, match=r"BoxSpikeToRate: width_ms = 0.25 ms is no multiple of the tick"):
        prepared(BoxSpikeToRate(0.25))
    with pytest.raises(TimeError, match=r"BoxSpikeToRate: width_ms = 1e-08 must be at least a tick, 0.1 ms"):
        prepared(BoxSpikeToRate(1e-8))
