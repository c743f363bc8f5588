"""Compiled loops of the elementary functions over whole arrays ``x[k]``, into ``y[k]``."""

from __future__ import annotations

from typing import Any

from hybrid.cache import njit
from hybrid.elementary import functions


@njit(nogil=True, error_model="numpy", cache=True)
def exp(x: Any, y: Any) -> None:
    for k in range(x.size):
        y[k] = functions.exp(x[k])


@njit(nogil=True, error_model="numpy", cache=True)
def log(x: Any, y: Any) -> None:
    for k in range(x.size):
        y[k] = functions.log(x[k])


@njit(nogil=True, error_model="numpy", cache=True)
def tanh(x: Any, y: Any) -> None:
    for k in range(x.size):
        y[k] = functions.tanh(x[k])


@njit(nogil=True, error_model="numpy", cache=True)
def sin(x: Any, y: Any) -> None:
    for k in range(x.size):
        y[k] = functions.sin(x[k])


@njit(nogil=True, error_model="numpy", cache=True)
def cos(x: Any, y: Any) -> None:
    for k in range(x.size):
        y[k] = functions.cos(x[k])


@njit(nogil=True, error_model="numpy", cache=True)
def expm1(x: Any, y: Any) -> None:
    for k in range(x.size):
        y[k] = functions.expm1(x[k])


@njit(nogil=True, error_model="numpy", cache=True)
def log1p(x: Any, y: Any) -> None:
    for k in range(x.size):
        y[k] = functions.log1p(x[k])


@njit(nogil=True, error_model="numpy", cache=True)
def sinh(x: Any, y: Any) -> None:
    for k in range(x.size):
        y[k] = functions.sinh(x[k])


@njit(nogil=True, error_model="numpy", cache=True)
def cosh(x: Any, y: Any) -> None:
    for k in range(x.size):
        y[k] = functions.cosh(x[k])
