"""How the numbers of all nodes lie in memory: lanes of nodes side by side, so that one instruction serves several.

What reckons with the rows of one node is written for each kind of model: text of a function ``name``, without loops, for numba
keeps tuples in registers only if their indices are constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from hybrid.units import FloatArray

SHIFT = 4
LANES = 1 << SHIFT  # nodes side by side; a multiple of what any processor works on at once


def packed(rows: FloatArray) -> FloatArray:
    """``[chunk, row, lane]`` from ``[row, node]``; the last chunk is filled up with copies of the last node."""
    count, n = rows.shape
    filled = np.pad(rows, ((0, 0), (0, -n % LANES)), mode="edge")
    return np.ascontiguousarray(filled.reshape(count, -1, LANES).transpose(1, 0, 2))


def unpacked(cells: FloatArray, first: int, stop: int, n: int) -> FloatArray:
    """A copy ``[row, node]`` of the rows from ``first`` to ``stop`` of ``n`` nodes."""
    return np.array(cells[:, first:stop].transpose(1, 0, 2).reshape(stop - first, -1)[:, :n])


def reader(first: int, count: int, named: Any = None) -> Any:
    """``(flat, i) -> (float, ...)`` for compiled code: ``count`` rows from ``first`` of the node at ``i``, as a tuple, or a
    named one of the class ``named``. One instruction to numba, where each row would be five."""
    result = types.UniTuple(types.float64, count) if named is None else types.NamedUniTuple(types.float64, count, named)

    @intrinsic  # type: ignore[untyped-decorator]
    def read(typing: Any, flat: Any, i: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            flat, i = values
            places = _places(context, builder, signature.args[0], flat, i, first, count)
            return context.make_tuple(builder, result, [builder.load(place) for place in places])

        return result(flat, types.int64), generate

    return read


def writer(first: int, count: int) -> Any:
    """``(flat, i, values)`` for compiled code: puts exactly as many values into these rows of the node at ``i``."""
    expected = types.UniTuple(types.float64, count)

    @intrinsic  # type: ignore[untyped-decorator]
    def write(typing: Any, flat: Any, i: Any, numbers: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            flat, i, written = values
            places = _places(context, builder, signature.args[0], flat, i, first, count)
            for place, value in zip(places, cgutils.unpack_tuple(builder, written), strict=True):
                builder.store(value, place)
            return context.get_dummy_value()

        given = tuple(numbers) if isinstance(numbers, types.BaseTuple) else ()
        if len(given) != count or any(typing.can_convert(each, types.float64) is None for each in given):
            raise TypingError(f"it gives {numbers}, not a tuple of {count} floats")
        return types.void(flat, types.int64, expected), generate

    return write


def _places(context: Any, builder: Any, kind: Any, flat: Any, i: Any, first: int, count: int) -> list[Any]:
    """Pointers to these rows of the node at ``i``."""
    data = context.make_array(kind)(context, builder, flat).data
    rows = (context.get_constant(types.intp, row * LANES) for row in range(first, first + count))
    return [builder.gep(data, [builder.add(i, row)], inbounds=True) for row in rows]


@intrinsic  # type: ignore[untyped-decorator]
def copy_lanes(typing: Any, to: Any, i: Any, a: Any, j: Any) -> Any:
    """For compiled code: a chunk of numbers from ``j`` of a flat array to ``i`` of another, which does not overlap."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        to, a = (
            _chunk(context, builder, *each)
            for each in ((signature.args[0], *values[:2]), (signature.args[2], *values[2:]))
        )
        builder.store(builder.load(a, align=8), to, align=8)
        return context.get_dummy_value()

    return types.void(to, types.int64, a, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def multiply_lanes(typing: Any, to: Any, i: Any, a: Any, j: Any, b: Any, k: Any) -> Any:
    """For compiled code: the products of a chunk of numbers from ``j`` of a and one from ``k`` of b to ``i`` of another."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        to, a, b = (_chunk(context, builder, kinds[k], *values[k : k + 2]) for k in (0, 2, 4))
        builder.store(builder.fmul(builder.load(a, align=8), builder.load(b, align=8)), to, align=8)
        return context.get_dummy_value()

    return types.void(to, types.int64, a, types.int64, b, types.int64), generate


def _chunk(context: Any, builder: Any, kind: Any, flat: Any, i: Any) -> Any:
    """Pointer to the chunk of numbers that begins at ``i``."""
    data = context.make_array(kind)(context, builder, flat).data
    place = builder.gep(data, [i], inbounds=True)
    return builder.bitcast(place, ir.VectorType(ir.DoubleType(), LANES).as_pointer())


def mover(name: str, count: int) -> str:
    """Text of ``(x, h, slope, kick) -> x + h * slope + kick`` for tuples of exactly ``count`` floats."""
    items = "".join(f"x[{k}] + h * slope{k} + kick[{k}], " for k in range(count))
    return _function(name, "x, h, slope, kick", f"{_names('slope', count)} = slope", f"return ({items})")


def adder(name: str, count: int) -> str:
    """Text of ``(a, b) -> a + b`` for tuples of exactly ``count`` floats."""
    items = "".join(f"a{k} + b{k}, " for k in range(count))
    return _function(name, "a, b", f"{_names('a', count)} = a", f"{_names('b', count)} = b", f"return ({items})")


def stepper(name: str, count: int) -> str:
    """Text of ``(x, h, slope) -> x + h * slope`` for tuples of exactly ``count`` floats."""
    items = "".join(f"x[{k}] + h * slope{k}, " for k in range(count))
    return _function(name, "x, h, slope", f"{_names('slope', count)} = slope", f"return ({items})")


def mean(name: str, count: int) -> str:
    """Text of ``(a, b) -> (a + b) / 2`` for tuples of exactly ``count`` floats."""
    return _function(name, "a, b", f"return ({''.join(f'0.5 * (a[{k}] + b[{k}]), ' for k in range(count))})")


def kicker(name: str, count: int, multiplicative: bool) -> str:
    """Text of ``(x, kick)``: what the noise adds in the state x, ``kick`` itself or ``x * kick``."""
    items = "".join(f"x[{k}] * kick[{k}], " for k in range(count))
    return _function(name, "x, kick", f"return ({items})" if multiplicative else "return kick")


def kicker_between(name: str, count: int, multiplicative: bool) -> str:
    """Text of ``(x, y, kick)``: the same in the mean of the states x and y."""
    items = "".join(f"0.5 * (x[{k}] + y[{k}]) * kick[{k}], " for k in range(count))
    return _function(name, "x, y, kick", f"return ({items})" if multiplicative else "return kick")


def picker(name: str, *variables: int) -> str:
    """Text of ``(x, p) -> (float, ...)``: these variables of the state x."""
    return _function(name, "x, p", f"return ({''.join(f'x[{k}], ' for k in variables)})")


def difference(name: str, a: int, b: int) -> str:
    """Text of ``(x, p) -> (float,)``: variable a of the state x less variable b."""
    return _function(name, "x, p", f"return (x[{a}] - x[{b}],)")


def unchanged(name: str) -> str:
    """Text of ``(x, q) -> x``."""
    return _function(name, "x, q", "return x")


def sender(name: str, count: int, sine: bool) -> str:
    """Text of ``(history, i, position, felt, q)``: puts what a node sends there, made of the ``count`` floats others feel."""
    sent = [(f"math.sin(felt{k})", f"math.cos(felt{k})") if sine else (f"pre(felt{k}, q)",) for k in range(count)]
    lines = [
        f"history[{f}, i, position] = {value}" for f, value in enumerate(value for values in sent for value in values)
    ]
    return _function(name, "history, i, position, felt, q", f"{_names('felt', count)} = felt", *lines)


def held(name: str) -> str:
    """Text of ``(x, p, sums, pull, felt, q) -> sums``: what arrives does not depend on the stage of a step."""
    return _function(name, "x, p, sums, pull, felt, q", "return sums")


def coupler(name: str, sent: int, received: int, sine: bool) -> str:
    """Text of ``(x, p, sums, pull, felt, q)``: what arrives at a node in state x, a float for each of ``received``.

    ``finished`` makes one of them out of its sums; of a sine there are two, and 0 stands for those that nobody sends.
    """
    which = [(2 * k, 2 * k + 1) if sine else (k, k) for k in range(sent)]
    items = "".join(f"finished(sums[{a}], sums[{b}], own[{k}], pull, felt[{a}], q), " for k, (a, b) in enumerate(which))
    zeros = "0.0, " * (received - sent)
    return _function(name, "x, p, sums, pull, felt, q", "own = felt_of(x, p)", f"return ({items}{zeros})")


def _names(stem: str, count: int) -> str:
    return "".join(f"{stem}{k}, " for k in range(count))


def _function(name: str, arguments: str, *lines: str) -> str:
    return "\n    ".join((f"def {name}({arguments}):", *lines))
