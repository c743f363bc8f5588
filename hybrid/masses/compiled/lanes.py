"""How the numbers of all nodes lie in memory: lanes of nodes side by side, so that one instruction serves several.

What reads and reckons with the rows of one node is written for each kind of model: text of a function ``name``.
"""

from __future__ import annotations

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


def reader(name: str, *rows: int) -> str:
    """Text of ``(flat, i) -> (float, ...)``: these rows of the node at ``i``."""
    return _unrolled(name, "flat, i", f"return ({''.join(f'flat[i + np.uint64({row * LANES})], ' for row in rows)})")


def writer(name: str, *rows: int) -> str:
    """Text of ``(flat, i, values)`` that puts exactly as many values into these rows of the node at ``i``."""
    return _unrolled(
        name, "flat, i, values", f"{''.join(f'flat[i + np.uint64({row * LANES})], ' for row in rows)} = values"
    )


def mover(name: str, count: int) -> str:
    """Text of ``(x, h, slope, kick) -> x + h * slope + kick`` for tuples of exactly ``count`` floats."""
    items = "".join(f"x[{k}] + h * slope{k} + kick[{k}], " for k in range(count))
    return _unrolled(name, "x, h, slope, kick", f"{_names('slope', count)} = slope; return ({items})")


def adder(name: str, count: int) -> str:
    """Text of ``(a, b) -> a + b`` for tuples of exactly ``count`` floats."""
    items = "".join(f"a{k} + b{k}, " for k in range(count))
    return _unrolled(name, "a, b", f"{_names('a', count)} = a; {_names('b', count)} = b; return ({items})")


def stepper(name: str, count: int) -> str:
    """Text of ``(x, h, slope) -> x + h * slope`` for tuples of exactly ``count`` floats."""
    items = "".join(f"x[{k}] + h * slope{k}, " for k in range(count))
    return _unrolled(name, "x, h, slope", f"{_names('slope', count)} = slope; return ({items})")


def mean(name: str, count: int) -> str:
    """Text of ``(a, b) -> (a + b) / 2`` for tuples of exactly ``count`` floats."""
    return _unrolled(name, "a, b", f"return ({''.join(f'0.5 * (a[{k}] + b[{k}]), ' for k in range(count))})")


def kicker(name: str, count: int, multiplicative: bool) -> str:
    """Text of ``(x, kick)``: what the noise adds in the state x, ``kick`` itself or ``x * kick``."""
    items = "".join(f"x[{k}] * kick[{k}], " for k in range(count))
    return _unrolled(name, "x, kick", f"return ({items})" if multiplicative else "return kick")


def picker(name: str, *variables: int) -> str:
    """Text of ``(x, p) -> (float, ...)``: these variables of the state x."""
    return _unrolled(name, "x, p", f"return ({''.join(f'x[{k}], ' for k in variables)})")


def difference(name: str, a: int, b: int) -> str:
    """Text of ``(x, p) -> (float,)``: variable a of the state x less variable b."""
    return _unrolled(name, "x, p", f"return (x[{a}] - x[{b}],)")


def numbers(name: str, count: int) -> str:
    """Text of ``(array) -> (float, ...)``: its ``count`` entries."""
    return _unrolled(name, "array", f"return ({''.join(f'array[{k}], ' for k in range(count))})")


def unchanged(name: str) -> str:
    """Text of ``(x, q) -> x``."""
    return _unrolled(name, "x, q", "return x")


def held(name: str) -> str:
    """Text of ``(x, p, sums, pull, felt, q) -> sums``: what arrives does not depend on the stage of a step."""
    return _unrolled(name, "x, p, sums, pull, felt, q", "return sums")


def coupler(name: str, sent: int, received: int, sine: bool) -> str:
    """Text of ``(own, sums, pull, felt, q, finished)``: what arrives, a float for each of ``received``.

    ``finished`` makes one of them out of its sums; of a sine there are two, and 0 stands for those that nobody sends.
    """
    which = [(2 * k, 2 * k + 1) if sine else (k, k) for k in range(sent)]
    items = "".join(f"finished(sums[{a}], sums[{b}], own[{k}], pull, felt[{a}], q), " for k, (a, b) in enumerate(which))
    return _unrolled(name, "own, sums, pull, felt, q, finished", f"return ({items}{'0.0, ' * (received - sent)})")


def _names(stem: str, count: int) -> str:
    return "".join(f"{stem}{k}, " for k in range(count))


def _unrolled(name: str, arguments: str, body: str) -> str:
    """A function without loops: numba keeps tuples in registers only if their indices are constants."""
    return f"@inlined\ndef {name}({arguments}):\n    {body}"
