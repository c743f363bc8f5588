"""The compiled heart of a network of masses: all nodes through a stretch of ticks in one call.

This file is compiled once for each model: :mod:`hybrid.masses.compiled` executes its source with the names declared
below filled in and compiles the functions, so that the model's equations are inlined in the loop over nodes.

The algorithm, in words: *ticks are grouped in blocks of BLOCK, counted from tick 0. When a block begins, all that
arrives in it over delays of a block or more is already known and is summed for the whole block at once, and its normal
numbers are drawn. Then, tick by tick, every node writes down its state, adds what arrives over shorter delays, and
takes one step.* Blocks do not depend on how a caller cuts time into windows, so neither does any bit of the result.

All that a step of a node needs lies in ``cells[chunk, row, lane]`` (:mod:`hybrid.masses.lanes`), rows in the order
state, kick, received, drive, parameters.
"""

# ruff: noqa: F821  (the names declared below have no values here)
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.masses.far import Far, Near, far_sums
from hybrid.masses.lanes import LANES
from hybrid.masses.normals import Random, normals
from hybrid.units import FloatArray

BLOCK: int  # ticks in a block
VARIABLES: int  # of the model
SINE: bool  # what a node emits is delayed as sine and cosine (two features), not as it is (one)
KICK: int  # where the rows begin that hold the noise of this step,
RECEIVED: int  # what arrives from others,
DRIVE: int  # the rate at the drive port,
ROWS: int  # and how many rows there are
Parameters: Callable[..., Any]  # a named tuple of the model's parameters
rhs: Callable[..., Any]  # the model's equations
emitted: Callable[..., Any]  # (state, parameters) -> what others feel, one for each coupled variable
state_of: Callable[..., Any]  # (flat cells, i) -> tuple of these rows of the node at i
kick_of: Callable[..., Any]
received_of: Callable[..., Any]
drive_of: Callable[..., Any]
parameters_of: Callable[..., Any]
put_state: Callable[..., None]  # (flat cells, i, tuple)
put_kick: Callable[..., None]
moved: Callable[..., Any]  # (x, h, slope, kick) -> x + h * slope + kick, tuples
added: Callable[..., Any]  # (a, b) -> a + b, tuples

UNBORN, NOT_READY = -2, -1  # instead of the first tick of the ready block


class Step(NamedTuple):
    """How a step is taken, and what becomes of the sums over delayed neighbours."""

    h: float  # in the model's time units
    heun: bool  # or Euler
    strength: float
    offset: float
    pull: FloatArray  # [node]
    felt: NDArray[np.bool_]  # [feature]


def advance(
    start: int,
    stop: int,
    cursor: NDArray[np.int64],  # [3] tick at position 0 of the history, first tick of the ready block, tick reached
    cells: FloatArray,  # [chunk, row, lane]
    history: FloatArray,  # [feature, node, position]
    drive_hz: FloatArray,  # [tick - start, node]
    trajectory: FloatArray,  # [variable, tick - start, node], written
    *parts: Any,  # of Far, Near, Step and Random, in this order: handing over named tuples costs 2 µs more
) -> bool:
    """From tick ``start`` to ``stop``; whether the state is finite there. If not, it may stop at an earlier tick."""
    far, near, step, random = Far(*parts[:5]), Near(*parts[5:9]), Step(*parts[9:15]), Random(*parts[15:])
    if cursor[1] == UNBORN:
        fill_past(cells, history, far.longest)
    for t in range(start, stop):
        cursor[2] = t
        s = t % BLOCK
        if cursor[1] != t - s:
            if not all_finite(cells, history.shape[1]):
                return False
            cursor[1] = t - s
            make_room(cursor, history, t - s, far.longest)
            far_sums(history, t - s - cursor[0], far, step.felt, BLOCK)
            if random.node.size > 0:
                normals(random.key, (t - s) // 4, BLOCK // 4, random.node, random.variable, random.z)
        write_down(cells, trajectory, t - start)
        emit(cells, history, t - cursor[0])
        receive(cells, history, t - cursor[0], s, far, near, step)
        push(cells, drive_hz, t - start, random, s)
        if step.heun:
            heun(cells, step.h)
        else:
            euler(cells, step.h)
    cursor[2] = stop
    return all_finite(cells, history.shape[1])


def all_finite(cells: FloatArray, n: int) -> bool:
    for i in range(n):
        for v in range(VARIABLES):
            if not np.isfinite(cells[i // LANES, v, i % LANES]):
                return False
    return True


def make_room(cursor: NDArray[np.int64], history: FloatArray, block_start: int, longest: int) -> None:
    """Move what delays still reach to the front of the history if the next block would run over its end."""
    if block_start - cursor[0] + BLOCK <= history.shape[2]:
        return
    first = block_start - longest - cursor[0]
    for f in range(history.shape[0]):
        for i in range(history.shape[1]):
            for k in range(longest):
                history[f, i, k] = history[f, i, first + k]
    cursor[0] += first


def fill_past(cells: FloatArray, history: FloatArray, longest: int) -> None:
    """Before tick 0 every node has always emitted what it does in its initial state."""
    emit(cells, history, 0)
    for f in range(history.shape[0]):
        for i in range(history.shape[1]):
            for k in range(1, longest):
                history[f, i, k] = history[f, i, 0]


def write_down(cells: FloatArray, trajectory: FloatArray, row: int) -> None:
    """The state at the start of this tick."""
    for i in range(trajectory.shape[2]):
        for v in range(VARIABLES):
            trajectory[v, row, i] = cells[i // LANES, v, i % LANES]


def felt_of(flat: FloatArray, i: Any) -> Any:
    """What others feel of the node at i; where that is just the coupled variables, a reader of these stands here."""
    return emitted(state_of(flat, i), Parameters(*parameters_of(flat, i)))


def emit(cells: FloatArray, history: FloatArray, position: int) -> None:
    """What others will feel of this tick."""
    flat = cells.reshape(cells.size)
    for i in range(history.shape[1]):
        at = np.uint64(i // LANES * (ROWS * LANES) + i % LANES)
        felt = felt_of(flat, at)
        for c in range(len(felt)):
            if SINE:
                history[2 * c, i, position] = math.sin(felt[c])
                history[2 * c + 1, i, position] = math.cos(felt[c])
            else:
                history[c, i, position] = felt[c]


def receive(cells: FloatArray, history: FloatArray, position: int, s: int, far: Far, near: Near, step: Step) -> None:
    """What arrives at every node in this tick, scaled."""
    for c in range(DRIVE - RECEIVED):
        for i in range(history.shape[1]):
            if SINE:
                sines = arriving(2 * c, i, history, position, s, far, near, step)
                cosines = arriving(2 * c + 1, i, history, position, s, far, near, step)
                total = history[2 * c + 1, i, position] * sines - history[2 * c, i, position] * cosines
            else:
                total = arriving(c, i, history, position, s, far, near, step) - step.pull[i] * history[c, i, position]
            cells[i // LANES, RECEIVED + c, i % LANES] = step.strength * total + step.offset


def arriving(f: int, i: int, history: FloatArray, position: int, s: int, far: Far, near: Near, step: Step) -> float:
    """The sum of a feature at a node: that of the block, then pairs with shorter delays, in that order."""
    total = far.sums[f, i, s]
    if step.felt[f]:
        for k in range(near.first[i], near.first[i + 1]):
            total += near.weight[k] * history[f, near.source[k], position - near.delay[k]]
    return float(total)


def push(cells: FloatArray, drive_hz: FloatArray, row: int, random: Random, s: int) -> None:
    """The drive and the noise of this tick."""
    n = drive_hz.shape[1]
    for i in range(n):
        cells[i // LANES, DRIVE, i % LANES] = drive_hz[row, i]
    for v in range(VARIABLES):
        if random.row[v] >= 0:
            for i in range(n):
                cells[i // LANES, KICK + v, i % LANES] = random.scale[v, i] * random.z[s, random.row[v] * n + i]


def euler(cells: FloatArray, h: float) -> None:
    flat = cells.reshape(cells.size)
    for chunk in range(cells.shape[0]):
        for lane in range(LANES):
            i = np.uint64(chunk * (ROWS * LANES) + lane)
            x, p = state_of(flat, i), Parameters(*parameters_of(flat, i))
            slope = rhs(x, received_of(flat, i), drive_of(flat, i)[0], p)
            put_state(flat, i, moved(x, h, slope, kick_of(flat, i)))


def heun(cells: FloatArray, h: float) -> None:
    """What arrives, the drive and the noise are the same in both stages."""
    flat = cells.reshape(cells.size)
    for chunk in range(cells.shape[0]):
        for lane in range(LANES):
            i = np.uint64(chunk * (ROWS * LANES) + lane)
            x, p = state_of(flat, i), Parameters(*parameters_of(flat, i))
            received, drive, kick = received_of(flat, i), drive_of(flat, i)[0], kick_of(flat, i)
            slope = rhs(x, received, drive, p)
            ahead = rhs(moved(x, h, slope, kick), received, drive, p)
            put_state(flat, i, moved(x, 0.5 * h, added(slope, ahead), kick))


def derivatives(cells: FloatArray) -> None:
    """The right-hand side of every node, put where a step has its kick."""
    flat = cells.reshape(cells.size)
    for chunk in range(cells.shape[0]):
        for lane in range(LANES):
            i = np.uint64(chunk * (ROWS * LANES) + lane)
            p = Parameters(*parameters_of(flat, i))
            put_kick(flat, i, rhs(state_of(flat, i), received_of(flat, i), drive_of(flat, i)[0], p))
