"""The integral of ``erfcx`` that the mean time to the first spike is made of, from a table of Chebyshev series.

With ``s = sinh(w)`` it is that of ``G(w) = erfcx(sinh(w)) cosh(w)``, which falls smoothly from 1 to ``1 / sqrt(pi)``. On each
of the table's panels G and its integral are series of degree 15: within 1e-15 of ``scipy.special.erfcx`` and of Gauss and
Legendre's rule with 32 nodes, so that the time for a rate is that of a few dozen multiplications instead of 64 ``erfcx``.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from scipy.special import erfcx

from hybrid.adapter import arrays, njit
from hybrid.units import FloatArray

_WIDTH, _PANELS, _DEGREE = 0.5, 42, 15  # up to w = 21, where G is 1 / sqrt(pi) to the last bit
_NARROW = 0.5  # the integral of so short a stretch is no difference of two, which would lose digits
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


@cache
def table() -> tuple[FloatArray, FloatArray, FloatArray]:
    """``[panel, degree]``: coefficients of G and of its integral within the panel; ``[panel]``: the integral until there."""
    values, integrals = np.empty((_PANELS, _DEGREE + 1)), np.empty((_PANELS, _DEGREE + 2))
    count = _DEGREE + 1
    angles = [math.pi * (k + 0.5) / count for k in range(count)]
    for panel in range(_PANELS):
        places = [(panel + 0.5 * (arrays.cos(angle) + 1)) * _WIDTH for angle in angles]
        heights = [float(erfcx(arrays.sinh(w))) * arrays.cosh(w) for w in places]
        for k in range(count):  # interpolation at Chebyshev's points, in sums that no machine orders otherwise
            terms = (height * arrays.cos(k * angle) for height, angle in zip(heights, angles, strict=True))
            values[panel, k] = math.fsum(terms) * (1 if k == 0 else 2) / count
        integrals[panel] = chebyshev.chebint(values[panel], lbnd=-1, scl=0.5 * _WIDTH)
    at_the_end = [math.fsum(each) for each in integrals]  # where all polynomials are 1
    return values, integrals, np.array([math.fsum(at_the_end[:k]) for k in range(_PANELS + 1)])


def integral_of_erfcx(low: FloatArray, high: FloatArray) -> FloatArray:
    """Of ``erfcx(s)`` from ``low`` to ``high``, one-dimensional and not below 0; 0 where ``high`` is not above ``low``."""
    result = np.empty(low.shape)
    _integrals(arrays.arcsinh(low), arrays.arcsinh(high), *table(), _NODES, _WEIGHTS, result)
    return result


@njit(nogil=True, cache=True)
def _series(coefficients: Any, x: float) -> float:
    """Clenshaw's sum."""
    a = b = 0.0
    for k in range(coefficients.size - 1, 0, -1):
        a, b = 2.0 * x * a - b + coefficients[k], a
    return float(x * a - b + coefficients[0])


@njit(nogil=True, cache=True)
def _until(w: float, integrals: Any, before: Any) -> float:
    """The integral of G from 0 to ``w``."""
    panel = min(int(w / _WIDTH), before.size - 1)
    if panel == before.size - 1:
        return float(before[panel] + (w - panel * _WIDTH) / math.sqrt(math.pi))
    return float(before[panel] + _series(integrals[panel], 2.0 * (w / _WIDTH - panel) - 1.0))


@njit(nogil=True, cache=True)
def _at(w: float, values: Any) -> float:
    """G."""
    panel = int(w / _WIDTH)
    if panel >= values.shape[0]:
        return 1.0 / math.sqrt(math.pi)
    return _series(values[panel], 2.0 * (w / _WIDTH - panel) - 1.0)


@njit(nogil=True, cache=True)
def _integrals(
    low: Any, high: Any, values: Any, integrals: Any, before: Any, nodes: Any, weights: Any, out: Any
) -> None:
    out[:] = 0.0
    for k in range(low.size):
        start, stop = low[k], high[k]
        if stop <= start:
            continue
        if stop - start > _NARROW:
            out[k] = _until(stop, integrals, before) - _until(start, integrals, before)
        else:
            half, total = 0.5 * (stop - start), 0.0
            for node in range(nodes.size):
                total += weights[node] * _at(start + half * (1.0 + nodes[node]), values)
            out[k] = half * total
