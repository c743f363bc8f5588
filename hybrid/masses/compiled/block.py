"""What is done when a block of ticks begins, the same for all models.

This file is compiled once for each length of a block: :mod:`hybrid.masses.compiled.compiler` executes its source with BLOCK
filled in. The kernels of models call its functions by their addresses.
"""

# ruff: noqa: F821  (BLOCK has no value here)
from __future__ import annotations

from typing import Any

from numba import boolean, float64, int64, types, uint64
from numpy.typing import NDArray

from hybrid.masses.compiled.far import far_sums
from hybrid.masses.compiled.normals import coloured, normals
from hybrid.units import FloatArray

BLOCK: int  # ticks in a block

SUMS = types.void(
    int64[::1], float64[:, :, ::1], int64, int64, int64,
    int64[::1], int64[::1], float64[::1], float64[:, :, ::1], int64, boolean[::1],
)  # fmt: skip
DRAW = types.void(uint64, int64, uint64[::1], uint64[::1], float64[:, ::1], float64[:, ::1])


def sum_block(
    cursor: NDArray[Any],
    history: FloatArray,
    block_start: int,
    first_node: int,
    stop_node: int,
    first: NDArray[Any],  # of Far, as what follows
    shift: NDArray[Any],
    weight: FloatArray,
    sums: FloatArray,
    longest: int,
    felt: NDArray[Any],
) -> None:
    """All that arrives at some of the nodes in this block over delays of a block or more.

    What delays still reach is moved to the front of the history before, if the block would run over its end.
    """
    if block_start - cursor[0] + BLOCK > history.shape[2]:
        oldest = block_start - longest - cursor[0]
        for f in range(history.shape[0]):
            for i in range(sums.shape[1]):
                for k in range(longest):
                    history[f, i, k] = history[f, i, oldest + k]
        cursor[0] += oldest
    far_sums(history, block_start - cursor[0], first, shift, weight, sums, felt, BLOCK, first_node, stop_node)


def draw(key: int, first: int, node: NDArray[Any], variable: NDArray[Any], z: FloatArray, colour: FloatArray) -> None:
    """The normal numbers ``z[tick, lane]`` of the ticks from ``4 * first``, coloured if there are lanes of ``colour``."""
    normals(key, first, z.shape[0] // 4, node, variable, z)
    if colour.size > 0:
        coloured(z, colour)
