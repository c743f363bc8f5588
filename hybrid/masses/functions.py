"""Elementary functions for models and noise, written so that the compiler works on several nodes at once.

The functions of ``math`` are calls into a library, and a loop that calls is not vectorised. These are plain arithmetic
without branches, right to within a few units of the last place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

_MANTISSA, _MANTISSA_BITS = np.int64(0xFFFFFFFFFFFFF), np.int64(52)
_EXPONENT_OF_1 = np.int64(1023)
_ROUNDS = 1.5 * 2.0**52  # adding it leaves a whole number in the last bits of the mantissa
_LN2_UPPER, _LN2_LOWER = 0.6931471803691238, 1.9082149292705877e-10  # the first has 32 bits: whole * it is exact

# highest power first: exp(x) in x, 2 atanh(f)/f in f**2
_EXP = tuple(1.0 / math.factorial(k) for k in range(13, -1, -1))
_ATANH = tuple(2.0 / k for k in range(21, 0, -2))


@njit(nogil=True, error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def exp(x: float) -> float:
    """e to the power x; beyond 700 either way it stays at exp(700) or exp(-700)."""
    x = 700.0 if x > 700.0 else x  # not a number stays not a number
    x = -700.0 if x < -700.0 else x
    shifted = x * (1.0 / math.log(2.0)) + _ROUNDS
    whole = shifted - _ROUNDS
    rest = (x - whole * _LN2_UPPER) - whole * _LN2_LOWER
    power = (np.float64(shifted).view(np.int64) + _EXPONENT_OF_1) << _MANTISSA_BITS
    return float(polynomial(rest, _EXP) * np.int64(power).view(np.float64))


@njit(nogil=True, error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def log(u: float) -> float:
    """The natural logarithm of a positive normal number: ``ln m = 2 atanh((m - 1) / (m + 1))`` of its mantissa."""
    bits = np.float64(u).view(np.int64)
    exponent = np.float64((bits >> _MANTISSA_BITS) - _EXPONENT_OF_1)
    mantissa = np.int64((bits & _MANTISSA) | (_EXPONENT_OF_1 << _MANTISSA_BITS)).view(np.float64)
    large = mantissa > math.sqrt(2.0)
    mantissa = 0.5 * mantissa if large else mantissa
    exponent = exponent + 1.0 if large else exponent
    f = (mantissa - 1.0) / (mantissa + 1.0)
    return float(exponent * math.log(2.0) + f * polynomial(f * f, _ATANH))


@njit(nogil=True, error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def polynomial(x: float, coefficients: Any) -> float:
    """Horner's rule, highest power first."""
    result = coefficients[0]
    for coefficient in coefficients[1:]:
        result = result * x + coefficient
    return float(result)


@njit(nogil=True, error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def logistic(x: float) -> float:
    """``1 / (1 + exp(-x))``."""
    return float(1.0 / (1.0 + exp(-x)))


@njit(nogil=True, error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def linoid(u: float) -> float:
    """``u / (1 - exp(-u))``, a rectifier with a soft corner; smooth through 0, where that loses its digits."""
    near_0 = abs(u) < 1e-4
    return float(1.0 + u / 2.0 + u * u / 12.0 if near_0 else u / (1.0 - exp(-u)))
