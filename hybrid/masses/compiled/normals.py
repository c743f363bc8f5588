"""Normal random numbers that depend on key, tick, node and variable only (Philox 4x32-10 and Box-Muller).

Nothing here branches or calls a mathematical library, so the compiler works on several lanes at once: a normal number
takes 2 ns, against 12 ns with ``math.log`` and ``math.cos``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hybrid.elementary import arrays
from hybrid.masses.compiled.lanes import LANES
from hybrid.masses.functions import log, polynomial
from hybrid.units import FloatArray

_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)

_ODD, _UPPER, _QUADRANT, _WITHIN = np.uint64(1), np.uint64(2), np.uint64(30), np.uint64(0x3FFFFFFF)

# highest power first: sin(x)/x and cos(x) in x**2
_SIN = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(8, -1, -1))
_COS = tuple((-1.0) ** k / math.factorial(2 * k) for k in range(8, -1, -1))


# rows of Random.colour: the filtered noise when the next block begins, when this one began, and its coefficients
NEXT, BEGUN, DECAY, SAME, OTHER = range(5)
_SECOND, _BIRTH = np.uint64(1 << 16), np.uint64(2 << 16)  # added to the variable: further numbers for the same lane


class Random(NamedTuple):
    """Where and how strongly a network is kicked; a lane is one noisy variable of one node."""

    key: np.uint64
    node: NDArray[np.uint64]  # [lane], twice if the noise is coloured
    variable: NDArray[np.uint64]  # as node
    z: FloatArray  # [tick of the block, as node] the present block's normal numbers, the kicks first
    row: NDArray[np.int64]  # [variable] its place among the noisy ones, or -1
    scale: FloatArray  # [variable, node] what a unit kick is multiplied with, filled up to whole chunks
    colour: FloatArray  # [5, lane], see above; no lanes if the noise is white


def lanes(
    key: np.uint64,
    scale: FloatArray,
    block: int,
    tau_ticks: float | None = None,
    draw: Callable[..., None] | None = None,
) -> Random:
    """The lanes of a network whose variables are kicked with ``scale[variable, node]``, 0 for no noise.

    With ``tau_ticks`` the noise is that of Ornstein and Uhlenbeck with this time of correlation; ``draw`` is then that of
    :mod:`hybrid.masses.compiled.block`.
    """
    variables, n = scale.shape
    noisy = np.flatnonzero(scale.any(axis=1))
    row = np.full(variables, -1)
    row[noisy] = np.arange(len(noisy))
    node = np.tile(np.arange(n, dtype=np.uint64), len(noisy))
    variable = np.repeat(noisy.astype(np.uint64), n)
    colour = np.zeros((5, 0))
    if tau_ticks is not None and node.size:
        assert draw is not None
        birth = np.zeros((4, node.size))
        draw(key, 0, node, variable + _BIRTH, birth, colour)
        colour = _colour(birth[0], tau_ticks)
        node, variable = np.tile(node, 2), np.concatenate([variable, variable + _SECOND])
    z = np.zeros(block * node.size + LANES)[: block * node.size].reshape(block, -1)  # kernels read whole chunks
    filled = np.pad(scale, ((0, 0), (0, -n % LANES)))
    return Random(key, node, variable, z, row, filled, colour)


def _colour(birth: FloatArray, tau: float) -> FloatArray:
    """Coefficients of an exact step of a tick, and a start from the stationary distribution, ``birth`` a normal number each.

    With ``dm = -m / tau dt + dW`` the noise is ``m / tau``; over a tick its integral is ``W - (m' - m)``, where m' and W are
    normal with the covariance ``tau (1 - a)`` given m, ``a = exp(-1 / tau)`` (Gillespie 1996, Phys Rev E 54:2084). So a kick
    is the white one, W, less what the filter holds back, and all of it when tau goes to 0.
    """
    fall = -arrays.expm1(-1.0 / tau)
    same = tau * fall
    other = math.sqrt(max(0.0, 0.5 * tau * fall * (2.0 - fall) - same * same))
    colour = np.empty((5, birth.size))
    colour[NEXT] = math.sqrt(0.5 * tau) * birth
    colour[BEGUN] = colour[NEXT]
    colour[DECAY], colour[SAME], colour[OTHER] = 1.0 - fall, same, other
    return colour


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def coloured(z: Any, colour: Any) -> None:
    """Turn the white kicks of a block, ``z[tick, lane]``, into coloured ones; the second half of z's columns is used up."""
    count = colour.shape[1]
    for k in range(count):
        colour[BEGUN, k] = colour[NEXT, k]
    for s in range(z.shape[0]):
        for k in range(count):
            before = colour[NEXT, k]
            after = colour[DECAY, k] * before + colour[SAME, k] * z[s, k] + colour[OTHER, k] * z[s, count + k]
            z[s, k] -= after - before
            colour[NEXT, k] = after


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def normals(key: Any, first: int, groups: int, node: Any, variable: Any, z: Any) -> None:
    """Fill ``z[tick, lane]`` for ``4 * groups`` ticks from tick ``4 * first``.

    A lane is one ``variable`` of one ``node``; one call of the generator serves four ticks of a lane.
    """
    for g in range(groups):
        ticks = np.uint64(first + g)
        z0, z1, z2, z3 = z[4 * g], z[4 * g + 1], z[4 * g + 2], z[4 * g + 3]
        for k in range(node.size):
            r0, r1, r2, r3 = philox(node[k] & _LOW, variable[k] & _LOW, ticks & _LOW, ticks >> _HALF, key)
            z0[k], z1[k] = box_muller(r0, r1)
            z2[k], z3[k] = box_muller(r2, r3)


@njit(nogil=True, error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def philox(c0: Any, c1: Any, c2: Any, c3: Any, key: Any) -> tuple[Any, Any, Any, Any]:
    """Four random 32-bit words (held in uint64) from a counter of four words and a 64-bit key.

    Salmon, Moraes, Dror & Shaw (2011) Parallel random numbers: as easy as 1, 2, 3. SC '11.
    """
    k0, k1 = key & _LOW, key >> _HALF
    for _ in range(10):
        a, b = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (b >> _HALF) ^ c1 ^ k0, b & _LOW, (a >> _HALF) ^ c3 ^ k1, a & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@njit(nogil=True, error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def box_muller(r0: Any, r1: Any) -> tuple[float, float]:
    """Two independent standard normals from two random words (Box & Muller 1958); none exceeds 6.8 in size."""
    radius = math.sqrt(-2.0 * log((np.float64(np.int64(r0)) + 0.5) * 2.0**-32))
    x, y = on_circle(r1)
    return radius * x, radius * y


@njit(nogil=True, error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def on_circle(r: Any) -> tuple[float, float]:
    """The point of the unit circle that a random word stands for: two bits choose the quadrant, thirty the angle."""
    angle = ((np.float64(np.int64(r & _WITHIN)) + 0.5) * 2.0**-30 - 0.5) * (0.5 * math.pi)
    s, c = angle * polynomial(angle * angle, _SIN), polynomial(angle * angle, _COS)
    quadrant = r >> _QUADRANT
    swapped = (quadrant & _ODD) != 0
    x, y = (s if swapped else c), (c if swapped else s)
    opposite = (quadrant & _UPPER) != 0
    return (-x if opposite else x), (-y if opposite else y)
