"""When regions are drawn into a seizure, and what that goes with."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hybrid.errors import ConfigurationError, DataError
from hybrid.units import FloatArray, number

_EXACT = 8  # pairs: 40,320 permutations
_EVEN = 1e-6  # of a step: far above the rounding of times


class RankCorrelation(NamedTuple):
    """Spearman's ``rho``, its two-sided ``p``, and the number ``n`` of pairs they come from."""

    rho: float
    p: float
    n: int


def recruitment_times_ms(times_ms: ArrayLike, activity: ArrayLike, threshold: float, sustain_ms: Any) -> FloatArray:
    """``[node]``: when each node is recruited, NaN for never.

    That is the first sample above ``threshold`` from which on the mean over ``sustain_ms`` is above it too: a single
    discharge recruits nobody, and the troughs between the discharges of a seizure do not end it.

    Parameters
    ----------
    times_ms: ``[time]``, evenly spaced.
    activity: ``[time, node]``, finite.
    threshold: in units of the activity.
    sustain_ms: at least one sample; a stretch that the recording cuts short does not count.
    """
    times, values = np.asarray(times_ms, np.float64), np.asarray(activity, np.float64)
    if values.ndim != 2 or times.shape != values.shape[:1]:
        raise ConfigurationError(f"activity of shape {values.shape} does not fit [time, node] with {times.size} times")
    if not np.isfinite(values).all():
        time, node = (int(k) for k in np.argwhere(~np.isfinite(values))[0])
        raise DataError(f"activity of node {node} is {values[time, node]} at {times[time]:g} ms")
    samples = _samples(times, number(sustain_ms, "ms", "sustain_ms", positive=True))
    if samples > len(times):
        return np.full(values.shape[1], np.nan)
    sums = np.cumsum(np.vstack([np.zeros(values.shape[1]), values - threshold]), axis=0)
    stays = sums[samples:] > sums[:-samples]
    recruited = stays & (values[: len(stays)] > threshold)
    first: FloatArray = np.where(recruited.any(axis=0), times[recruited.argmax(axis=0)], np.nan)
    return first


def _samples(times: FloatArray, sustain_ms: float) -> int:
    """How many samples make ``sustain_ms``, rounded up."""
    if len(times) < 2:
        return 1
    step = float(times[-1] - times[0]) / (len(times) - 1)
    if step <= 0 or np.abs(np.diff(times) - step).max() > _EVEN * step * max(1.0, len(times) * 1e-3):
        raise ConfigurationError("times_ms must rise in even steps")
    return max(1, math.ceil(sustain_ms / step - _EVEN))


def spearman(x: ArrayLike, y: ArrayLike) -> RankCorrelation:
    """Spearman's rank correlation of two arrays over the pairs in which both are finite.

    ``p`` is exact up to eight pairs (over all permutations), from Student's t above that. Both are NaN for fewer than
    three pairs, or where one side is constant.
    """
    first, second = np.asarray(x, np.float64).ravel(), np.asarray(y, np.float64).ravel()
    if first.shape != second.shape:
        raise ConfigurationError(f"cannot correlate {first.size} numbers with {second.size}")
    both = np.isfinite(first) & np.isfinite(second)
    first, second = first[both], second[both]
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return RankCorrelation(math.nan, math.nan, len(first))
    from scipy import stats  # takes a second to import, and features of a sweep need nothing of it

    found = stats.spearmanr(first, second)
    if len(first) <= _EXACT:
        p = _exact_p(stats.rankdata(first), stats.rankdata(second))
    else:  # Student's t says 0 for perfect order; no p can be below that of the two perfect permutations
        p = max(float(found.pvalue), 2 / math.factorial(len(first)))
    return RankCorrelation(float(found.statistic), p, len(first))


def _exact_p(first: FloatArray, second: FloatArray) -> float:
    """The share of all permutations of ranks that correlate at least as strongly."""
    first, second = first - first.mean(), second - second.mean()
    by_chance = np.abs(np.array(list(itertools.permutations(second))) @ first)
    return float(np.mean(by_chance >= abs(first @ second) - 1e-9))
