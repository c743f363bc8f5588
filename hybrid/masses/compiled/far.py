"""Which pairs of nodes can be summed a block at a time, and the kernel that does it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hybrid.units import FloatArray

BLOCKS = (32, 16, 8)  # ticks
GROUP = 256  # sources at once: their histories should stay in the second cache,
FULL = 16  # if this many of them reach a target; if fewer do, beginning anew costs more than it saves


class Far(NamedTuple):
    """Pairs with delays of a block or more, by group of sources, then target, then source."""

    first: NDArray[np.int64]  # [groups * n + 1] where the pairs of a group and target begin
    shift: NDArray[np.int64]  # [pair] source * capacity - delay: where in the flat history to read
    weight: FloatArray  # [pair]
    sums: FloatArray  # [feature, node, block] what arrives in the present block
    longest: int  # delay of all, ticks


class Near(NamedTuple):
    """Pairs with shorter delays, by target, then source."""

    first: NDArray[np.int64]  # [n + 1]
    source: NDArray[np.int64]
    delay: NDArray[np.int64]
    weight: FloatArray


def split(
    weights: FloatArray, delays: NDArray[Any], features: int, block: int | None = None
) -> tuple[int, Far, Near, int]:
    """Pairs by their delays, the length of a block, and the length of the history they need.

    Delays are in ticks; one between two ticks becomes two pairs (:func:`pairs`). Which pairs are far is decided by the
    delays alone, never by a window, so the order of every sum is fixed.
    """
    n = len(weights)
    target, source, delay, weight = pairs(weights, delays)
    longest = int(delay.max(initial=0))
    block = block or choose_block(delay)
    capacity = _capacity(longest, block)
    is_far = delay >= block

    size = GROUP if is_far.sum() * GROUP >= FULL * n * n else n
    groups = -(-n // size)
    row = (source // size * n + target)[is_far]
    order = np.argsort(row, kind="stable")
    far = Far(
        first=np.searchsorted(row[order], np.arange(groups * n + 1)),
        shift=(source[is_far] * capacity - delay[is_far])[order].astype(np.int64),
        weight=weight[is_far][order],
        sums=np.zeros((features, n, block)),
        longest=longest,
    )
    near = Near(
        first=np.searchsorted(target[~is_far], np.arange(n + 1)),
        source=source[~is_far],
        delay=delay[~is_far],
        weight=weight[~is_far],
    )
    return block, far, near, capacity


def pairs(weights: FloatArray, delays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Target, source, delay in whole ticks and weight of every pair with a weight, by target, then source.

    A delay of d + f ticks, 0 < f < 1, becomes the delays d and d + 1 with the weights (1 - f) w and f w, which interpolates
    linearly between the two ticks.
    """
    target, source = np.nonzero(weights)
    delay, weight = delays[target, source], weights[target, source]
    whole = np.floor(delay).astype(np.int64)
    rest = delay - whole
    pair = np.repeat(np.arange(delay.size), 1 + (rest > 0))
    second = np.concatenate([[False], pair[1:] == pair[:-1]]) if pair.size else np.zeros(0, bool)
    share = np.where(second, rest[pair], 1.0 - rest[pair])
    return target[pair], source[pair], whole[pair] + second, weight[pair] * share


def choose_block(delay: NDArray[np.int64]) -> int:
    """The longest block, in ticks, that leaves at most one pair in eight to be summed tick by tick."""
    for block in BLOCKS:
        if (delay < block).sum() * 8 <= delay.size:
            return block
    return BLOCKS[-1]


def _capacity(longest: int, block: int) -> int:
    """Room for what delays reach and as much again, or a block if that is more; an odd number of cache lines, which
    spreads nodes over the cache."""
    least, twice = -(-(longest + block) // 8), longest // 4
    return 8 * max(least + 1 - least % 2, twice - 1 + twice % 2)


@njit(nogil=True, error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def far_sums(
    history: Any, base: int, first: Any, shift: Any, weight: Any, sums: Any, felt: Any, block: int, begin: int, end: int
) -> None:
    """``sums[f, i, s] = sum_j w_ij * history[f, j, base + s - delay_ij]`` for s = 0 .. block-1 and targets begin .. end-1.

    Every delay is at least ``block``, so all that is read lies before ``base``. Four sources at once keep the partial
    sums in registers.
    """
    features, filled, capacity = history.shape
    n = sums.shape[1]
    flat, out = history.reshape(history.size), sums.reshape(sums.size)
    groups = (first.size - 1) // n
    for f in range(features):
        if not felt[f]:
            continue
        origin = f * filled * capacity + base
        for k in range(begin * block, end * block):
            out[f * n * block + k] = 0.0
        for g in range(groups):
            for i in range(begin, end):
                row = np.uint64((f * n + i) * block)
                k, last = first[g * n + i], first[g * n + i + 1]
                while k + 4 <= last:
                    w0, w1, w2, w3 = weight[k], weight[k + 1], weight[k + 2], weight[k + 3]
                    h0, h1 = np.uint64(origin + shift[k]), np.uint64(origin + shift[k + 1])
                    h2, h3 = np.uint64(origin + shift[k + 2]), np.uint64(origin + shift[k + 3])
                    for s in range(block):
                        u = np.uint64(s)
                        out[row + u] += w0 * flat[h0 + u] + w1 * flat[h1 + u] + w2 * flat[h2 + u] + w3 * flat[h3 + u]
                    k += 4
                while k < last:
                    w0, h0 = weight[k], np.uint64(origin + shift[k])
                    for s in range(block):
                        u = np.uint64(s)
                        out[row + u] += w0 * flat[h0 + u]
                    k += 1
