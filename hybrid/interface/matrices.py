"""The weights and delays of a connection: sparse matrices ``[target, source]`` that share one pattern."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csr_array

from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, TimeError, WiringError
from hybrid.units import FloatArray, array

LONGEST = 2**31 - 1  # ticks of a delay
Shape = tuple[int, int]


def weights_of(given: Any, shape: Shape, what: str) -> csr_array:
    """Finite weights of that shape. What was given dense keeps all its entries, also those that are 0.

    Parameters
    ----------
    given: a number, a matrix, one row or column of it, or a matrix of scipy.sparse.
    """
    if not sparse.issparse(given):
        return full(_filled(array(given, "1", what), shape, what))
    weights = _canonical(given, shape, what)
    weights.eliminate_zeros()
    return weights


def delays_of(given: Any, weights: csr_array, clock: Clock, what: str) -> csr_array:
    """Delays in ticks, where there are weights.

    Parameters
    ----------
    given: in ms; a number, a matrix, one row or column of it, or a matrix of scipy.sparse with an entry for each weight.
    """
    if given is None:
        raise TimeError(f"{what} is missing; give delay_ms=, at least one tick ({clock.tick_ms:g} ms)")
    if sparse.issparse(given):
        delays = _at(_canonical(given, weights.shape, what), weights, clock, what)
    else:
        given = array(given, "ms", what)
        _check_length(given, clock, what)
        ticks = np.array(clock.ticks(given, what)) if given.ndim == 0 else clock.ticks_of(given, what)
        delays = _filled(ticks, weights.shape, what)[_rows(weights), weights.indices]
    if delays.size and delays.min() < 0:
        raise TimeError(f"{what} = {delays.min() * clock.tick_ms:g} ms is negative; nothing arrives before it was sent")
    return _like(weights, delays.astype(np.int64, copy=False))


def full(dense: NDArray[Any]) -> csr_array:
    """All entries of a dense matrix, also those that are 0."""
    targets, sources = dense.shape
    indices = np.tile(np.arange(sources, dtype=np.int32), targets)
    indptr = np.arange(0, dense.size + 1, max(sources, 1), dtype=np.int64 if dense.size > LONGEST else np.int32)
    return csr_array((dense.ravel(), indices, indptr), shape=dense.shape)


def used(weights: Any, delays: Any) -> tuple[csr_array, csr_array]:
    """Both, dense or of one sparse pattern, without the pairs whose weight is 0."""
    if not sparse.issparse(weights):
        weights, delays = full(np.asarray(weights, np.float64)), full(np.asarray(delays))
    keep = weights.data != 0
    if not keep.all():
        indptr = np.concatenate([[0], np.cumsum(keep)])[weights.indptr]
        weights, delays = (
            csr_array((each.data[keep], weights.indices[keep], indptr), shape=weights.shape)
            for each in (weights, delays)
        )
    return weights, delays


def digest(matrix: csr_array) -> dict[str, Any]:
    """What is kept of a sparse matrix with the results: enough to tell it from others."""
    parts = ((matrix.indptr, "<i8"), (matrix.indices, "<i8"), (matrix.data, "<f8"))
    found = sha256(b"".join(part.astype(kind).tobytes() for part, kind in parts)).hexdigest()
    return {"shape": list(matrix.shape), "entries": int(matrix.nnz), "sum": float(matrix.sum()), "sha256": found}


def _canonical(given: Any, shape: Shape, what: str) -> csr_array:
    """A copy with sorted indices, in which no pair occurs twice."""
    if given.shape != shape:
        raise _misfit(given.shape, shape, what)
    if given.dtype.kind not in "buif":
        raise ConfigurationError(f"{what} is a sparse matrix of {given.dtype}; give one of numbers")
    matrix = csr_array(given, dtype=np.float64, copy=True)
    matrix.sum_duplicates()
    if not np.isfinite(matrix.data).all():
        at = int(np.argmax(~np.isfinite(matrix.data)))
        pair = int(_rows(matrix)[at]), int(matrix.indices[at])
        raise ConfigurationError(f"{what} is not finite at {pair}: {matrix.data[at]}")
    return matrix


def _at(delays: csr_array, weights: csr_array, clock: Clock, what: str) -> NDArray[np.int64]:
    """The delay, in ticks, of every entry of the weights."""
    there, wanted = (_rows(each).astype(np.int64) * weights.shape[1] + each.indices for each in (delays, weights))
    place = np.searchsorted(there, wanted)
    found = place < there.size
    found[found] = there[place[found]] == wanted[found]
    lacking = ~found & (weights.data != 0)
    if lacking.any():
        at = int(np.argmax(lacking))
        pair = [int(_rows(weights)[at]), int(weights.indices[at])]
        raise WiringError(f"{what} has no entry at {pair} [target, source], where the weight is {weights.data[at]:g}")
    _check_length(delays.data, clock, what)
    ticks = np.zeros(wanted.size, np.int64)
    ticks[found] = clock.ticks_of(delays.data[place[found]], f"{what}, entry ")
    return ticks


def _filled(values: NDArray[Any], shape: Shape, what: str) -> NDArray[Any]:
    """``values`` as a matrix ``[target, source]``, a view: a number fills it, one row or one column is repeated."""
    if values.ndim == 1 or values.ndim > 2:
        raise WiringError(
            f"{what} has shape {list(values.shape)}; give a number or a matrix [target, source] = {list(shape)}"
        )
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        raise _misfit(values.shape, shape, what) from None


def _misfit(found: tuple[int, ...], shape: Shape, what: str) -> WiringError:
    swapped = " (rows are targets: is it transposed?)" if found == shape[::-1] else ""
    return WiringError(f"{what} has shape {list(found)}, not [target, source] = {list(shape)}{swapped}")


def _check_length(delays_ms: FloatArray, clock: Clock, what: str) -> None:
    if delays_ms.size and delays_ms.max() > LONGEST * clock.tick_ms:
        raise TimeError(f"{what} = {delays_ms.max():g} ms is too long; it may be {LONGEST:,} ticks at most")


def _like(pattern: csr_array, data: NDArray[Any]) -> csr_array:
    return csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape)


def _rows(matrix: csr_array) -> NDArray[np.int64]:
    """The row of each entry."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
