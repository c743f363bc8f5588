"""How the numbers of all nodes lie in memory: lanes of nodes side by side, so that one instruction serves several."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid.units import FloatArray

LANES = 16  # nodes side by side; a multiple of what any processor works on at once


def packed(rows: FloatArray) -> FloatArray:
    """``[chunk, row, lane]`` from ``[row, node]``; the last chunk is filled up with copies of the last node."""
    count, n = rows.shape
    filled = np.pad(rows, ((0, 0), (0, -n % LANES)), mode="edge")
    return np.ascontiguousarray(filled.reshape(count, -1, LANES).transpose(1, 0, 2))


def unpacked(cells: FloatArray, first: int, stop: int, n: int) -> FloatArray:
    """A copy ``[row, node]`` of the rows from ``first`` to ``stop`` of ``n`` nodes."""
    return np.array(cells[:, first:stop].transpose(1, 0, 2).reshape(stop - first, -1)[:, :n])


def reader(*rows: int) -> Any:
    """Function ``(flat, i) -> (float, ...)``: these rows of the node at ``i``."""
    return _unrolled("flat, i", f"return ({''.join(f'flat[i + uint64({row * LANES})], ' for row in rows)})")


def writer(*rows: int) -> Any:
    """Function ``(flat, i, values)`` that puts exactly as many values into these rows of the node at ``i``."""
    return _unrolled("flat, i, values", f"{''.join(f'flat[i + uint64({row * LANES})], ' for row in rows)} = values")


def mover(count: int) -> Any:
    """Function ``(x, h, slope, kick) -> x + h * slope + kick`` for tuples of exactly ``count`` floats."""
    items = "".join(f"x[{k}] + h * slope{k} + kick[{k}], " for k in range(count))
    return _unrolled("x, h, slope, kick", f"{_names('slope', count)} = slope; return ({items})")


def adder(count: int) -> Any:
    """Function ``(a, b) -> a + b`` for tuples of exactly ``count`` floats."""
    items = "".join(f"a{k} + b{k}, " for k in range(count))
    return _unrolled("a, b", f"{_names('a', count)} = a; {_names('b', count)} = b; return ({items})")


def _names(stem: str, count: int) -> str:
    return "".join(f"{stem}{k}, " for k in range(count))


def _unrolled(arguments: str, body: str) -> Any:
    """A function without loops: numba keeps tuples in registers only if their indices are constants."""
    namespace: dict[str, Any] = {"uint64": np.uint64}
    exec(f"def unrolled({arguments}):\n    {body}", namespace)
    return namespace["unrolled"]
