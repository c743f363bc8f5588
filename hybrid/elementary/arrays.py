"""Elementary functions of whole arrays, for what stands outside of kernels: ``exp``, ``log``, ``tanh``, ``sin``, ``cos``.

numpy chooses its versions by the processor. With ``HYBRID_BITS=portable`` these are the same everywhere; native, they are
numpy's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hybrid.bits import portable
from hybrid.elementary import loops


def exp(x: Any) -> Any:
    """e to the power x, number or array."""
    return _of(x, loops.exp) if portable() else np.exp(x)


def log(x: Any) -> Any:
    """The natural logarithm, number or array."""
    return _of(x, loops.log) if portable() else np.log(x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent, number or array."""
    return _of(x, loops.tanh) if portable() else np.tanh(x)


def sin(x: Any) -> Any:
    """The sine, number or array."""
    return _of(x, loops.sin) if portable() else np.sin(x)


def cos(x: Any) -> Any:
    """The cosine, number or array."""
    return _of(x, loops.cos) if portable() else np.cos(x)


def expm1(x: Any) -> Any:
    """``exp(x) - 1``, number or array."""
    return _of(x, loops.expm1) if portable() else np.expm1(x)


def log1p(x: Any) -> Any:
    """``log(1 + x)``, number or array."""
    return _of(x, loops.log1p) if portable() else np.log1p(x)


def sinh(x: Any) -> Any:
    """The hyperbolic sine, number or array."""
    return _of(x, loops.sinh) if portable() else np.sinh(x)


def cosh(x: Any) -> Any:
    """The hyperbolic cosine, number or array."""
    return _of(x, loops.cosh) if portable() else np.cosh(x)


def arcsinh(x: Any) -> Any:
    """The inverse hyperbolic sine, number or array."""
    if not portable():
        return np.arcsinh(x)
    size = np.abs(np.asarray(x, np.float64))
    some = np.minimum(size, 1e8)  # beyond, 1 is lost against the square
    near = log1p(some + some * some / (1.0 + np.sqrt(some * some + 1.0)))
    return np.copysign(np.where(size > 1e8, log(np.maximum(size, 1.0)) + math.log(2.0), near), x)


def expit(x: Any) -> Any:
    """``1 / (1 + exp(-x))``, number or array."""
    if portable():
        return 1.0 / (1.0 + exp(-np.asarray(x)))
    from scipy.special import expit as of_scipy

    return of_scipy(x)


def logit(p: Any) -> Any:
    """``log(p / (1 - p))``, number or array."""
    if portable():
        return log(np.asarray(p) / (1.0 - np.asarray(p)))
    from scipy.special import logit as of_scipy

    return of_scipy(p)


def sines(angles: Sequence[float]) -> Any:
    """The sine of each."""
    return sin(angles) if portable() else [math.sin(each) for each in angles]


def settled(x: Any) -> Any:
    """What an iteration or a library found, without the last bits, on which machines do not agree."""
    if not portable():
        return x
    mantissa, exponent = np.frexp(np.real(x))
    rounded = np.ldexp(np.rint(mantissa * 2.0**36) * 2.0**-36, exponent)
    return rounded + 1j * settled(np.imag(x)) if np.iscomplexobj(x) else rounded


def product(matrix: Any, vector: Any) -> Any:
    """``matrix @ vector``, summed in the order of the columns."""
    if not portable():
        return matrix @ vector
    return sum((matrix[:, k] * vector[k] for k in range(len(vector))), np.zeros(len(matrix)))


def _of(x: Any, loop: Callable[..., None]) -> Any:
    given = np.asarray(x, np.float64)
    flat = np.ascontiguousarray(given).reshape(-1)
    result = np.empty_like(flat)
    loop(flat, result)
    return result.reshape(given.shape)[()]
