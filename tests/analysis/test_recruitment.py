"""Recruitment times of activity whose answer is known, and rank correlations worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hybrid.analysis.recruitment import recruitment_times_ms, spearman
from hybrid.errors import ConfigurationError, DataError

TIMES = np.arange(0, 1000, 2.0)


def rising_at(*starts_ms: float) -> np.ndarray:
    return np.where(np.greater_equal.outer(TIMES, starts_ms), 1.0, -1.0)


def test_steps_are_found_where_they_are() -> None:
    found = recruitment_times_ms(TIMES, rising_at(0, 300, 500, 2000), 0.0, 100)
    np.testing.assert_array_equal(found, [0, 300, 500, np.nan])


def test_a_short_discharge_recruits_nobody() -> None:
    activity = rising_at(600)
    activity[100:120] = 1.0  # 40 ms above: over 100 ms the mean stays below
    assert recruitment_times_ms(TIMES, activity, 0.0, 100) == 600
    assert recruitment_times_ms(TIMES, activity, 0.0, 40) == 200


def test_troughs_within_a_seizure_do_not_end_it() -> None:
    activity = rising_at(400)
    activity[200:][::4] = -1.0  # every fourth sample below; the first sample above comes 2 ms later
    assert recruitment_times_ms(TIMES, activity, 0.0, 100) == 402


def test_a_stretch_cut_short_by_the_end_does_not_count() -> None:
    assert recruitment_times_ms(TIMES, rising_at(900), 0.0, 100) == 900
    assert math.isnan(recruitment_times_ms(TIMES, rising_at(902), 0.0, 100)[0])
    assert math.isnan(recruitment_times_ms(TIMES, rising_at(0), 0.0, 1002)[0])


def test_at_the_threshold_is_not_above_it() -> None:
    assert math.isnan(recruitment_times_ms(TIMES, np.zeros((len(TIMES), 1)), 0.0, 10)[0])
    alternating = np.where(np.arange(len(TIMES)) % 2, -1.0, 1.0)[:, None]  # over 4 ms the mean is the threshold itself
    assert math.isnan(recruitment_times_ms(TIMES, alternating, 0.0, 4)[0])


def test_bad_activity_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="does not fit"):
        recruitment_times_ms(TIMES[:-1], rising_at(1), 0.0, 10)
    with pytest.raises(ConfigurationError, match="even steps"):
        recruitment_times_ms(TIMES**2, rising_at(1), 0.0, 10)
    with pytest.raises(ConfigurationError, match="sustain_ms = 0 must be above 0"):
        recruitment_times_ms(TIMES, rising_at(1), 0.0, 0)
    broken = rising_at(1, 2)
    broken[3, 1] = np.nan
    with pytest.raises(DataError, match="node 1 is nan at 6 ms"):
        recruitment_times_ms(TIMES, broken, 0.0, 10)


def test_spearman_by_hand() -> None:
    # ranks (1 2 3 4 5) and (2 1 4 3 5): rho = 1 - 6 * sum(d^2) / (n (n^2 - 1)) = 1 - 6 * 4 / 120
    found = spearman([1, 10, 100, 1000, 1e4], [0.2, 0.1, 0.4, 0.3, 0.5])
    assert found.rho == pytest.approx(0.8)
    assert found.p == pytest.approx(16 / 120)  # tables of the exact distribution: P(rho >= 0.8) = 0.0667 for n = 5
    assert found.n == 5


def test_probability_for_many_pairs_is_that_of_student() -> None:
    # n = 10, neighbours swapped: sum(d^2) = 10, rho = 1 - 60 / 990; the tail of t with 8 degrees of freedom integrated
    found = spearman(np.arange(10), [1, 0, 3, 2, 5, 4, 7, 6, 9, 8])
    rho = 1 - 60 / 990
    t = rho * math.sqrt(8 / (1 - rho**2))
    grid = np.linspace(t, 400, 2_000_000)
    density = math.gamma(4.5) / (math.sqrt(8 * math.pi) * math.gamma(4)) * (1 + grid**2 / 8) ** -4.5
    assert found.rho == pytest.approx(rho)
    assert found.p == pytest.approx(2 * np.trapezoid(density, grid), rel=1e-4)


def test_perfect_order_is_not_certainty() -> None:
    assert spearman([1, 2, 3], [1, 2, 3]).p == pytest.approx(2 / 6)
    assert spearman(np.arange(12), np.arange(12)).p == pytest.approx(2 / math.factorial(12))


def test_spearman_leaves_out_what_never_happened() -> None:
    found = spearman([1, 2, 3, 4, np.nan], [4, 3, np.nan, 1, 0])
    assert (found.rho, found.n) == (pytest.approx(-1), 3)
    assert math.isnan(spearman([1, 2], [1, 2]).rho)
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]).p)
    with pytest.raises(ConfigurationError, match="cannot correlate 2 numbers with 3"):
        spearman([1, 2], [1, 2, 3])
