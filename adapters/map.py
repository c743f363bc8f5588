"""Rate to rate: any linear map from the lines of the source to those of the target."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid.adapter import Adapter
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, WiringError
from hybrid.signals import Moments, Rates, check_rates
from hybrid.units import FloatArray, array


class Map(Adapter):
    """``out[i] = sum_j matrix[i, j] rate[j]``, of any shape and sign: many to one, one to many, differences.

    A connection's own weights do the same on the way to its target. A map is for what comes before them in a
    :class:`hybrid.Chain`, such as populations that become regions, or a difference of two populations that is then put
    through a response. What comes out may be negative; what makes spikes of rates refuses that.

    Parameters
    ----------
    matrix: ``[target, source]``, Hz for each Hz; rows are targets. ``None`` is the mean over all lines, a single row that
        fits a source of any size.
    """

    accepts = Rates
    emits = Rates

    def __init__(self, matrix: Any = None) -> None:
        self.matrix = None if matrix is None else array(matrix, "1", "Map: matrix")
        if self.matrix is not None and (self.matrix.ndim != 2 or not self.matrix.size):
            raise ConfigurationError(
                f"Map: matrix of shape {list(self.matrix.shape)} must be [target, source], not empty"
            )

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock = clock
        self.emitted_size(source.size)
        self._matrix = np.full((1, source.size), 1 / source.size) if self.matrix is None else self.matrix

    def emitted_size(self, size: int) -> int:
        if self.matrix is None:
            return 1
        targets, sources = self.matrix.shape
        if sources != size:
            swapped = " (rows are targets: is it transposed?)" if targets == size else ""
            raise WiringError(f"Map: the matrix has {sources} columns, the source {size} lines{swapped}")
        return int(targets)

    def convert(self, signal: Rates) -> Rates:
        check_rates(signal, "Map")
        hz = np.zeros((len(signal.window), len(self._matrix)))
        for source in np.flatnonzero(self._matrix.any(axis=0)):  # one by one: a product of matrices sums as it likes
            hz += signal.hz[:, source, None] * self._matrix[:, source]
        return Rates(signal.window, hz.shape[1], hz)

    def expected(self, signal: Rates) -> Moments:
        return self.expected_of_total(signal.total(self._clock))

    def expected_of_total(self, total: FloatArray) -> Moments:
        mean: FloatArray = self._matrix @ total
        return Moments(mean, np.zeros_like(mean))

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "matrix": None if self.matrix is None else self.matrix.tolist()}
