"""Compiled sums over what flows through a port: in the order of ticks, so that they do not depend on how time is cut."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hybrid.cache import njit
from hybrid.units import FloatArray


@njit(nogil=True, cache=True)
def add_counts(ids: NDArray[np.int32], counts: NDArray[np.int32], totals: FloatArray) -> None:
    """Add to ``totals[line]`` the spikes of each line."""
    for k in range(ids.size):
        totals[ids[k]] += counts[k]


@njit(nogil=True, cache=True)
def add_ticks(values: FloatArray, totals: FloatArray) -> None:
    """Add to ``totals[line]`` the values ``[tick, line]`` of each line."""
    for t in range(values.shape[0]):
        for i in range(values.shape[1]):
            totals[i] += values[t, i]


@njit(nogil=True, cache=True)
def all_finite(values: FloatArray) -> bool:
    """Whether none of ``values[tick, line]`` is infinite or not a number."""
    for t in range(values.shape[0]):
        doubt = 0.0
        for i in range(values.shape[1]):
            doubt += values[t, i] * 0.0  # nan for what is not finite
        if math.isnan(doubt):
            return False
    return True
