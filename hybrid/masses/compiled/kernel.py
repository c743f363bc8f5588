"""The compiled heart of a network of masses: all nodes through a stretch of ticks in one call.

This file is compiled once for each model and way of stepping: :mod:`hybrid.masses.compiled.compiler` fills in the names
declared below and writes the functions into one another (:mod:`hybrid.masses.compiled.weaver`), so that the model's equations are
inlined in the loop over nodes, and what a network does not use costs it nothing.

The algorithm, in words: *ticks are grouped in blocks, counted from tick 0. When a block begins, all that arrives in it over
delays of a block or more is already known and is summed for the whole block at once, and its normal numbers are drawn
(:mod:`hybrid.masses.compiled.block`). Then, tick by tick, every node writes down its state, adds what arrives over shorter
delays, and takes one step.* Blocks do not depend on how a caller cuts time into windows, so neither does any bit of the result.

What arrives is either held over the step, or known at its start and at its end: no delay is below one tick, so all that
arrives at t + 1 was sent by t. Then the last tick of a block sums the next block already.

All that a step of a node needs lies in ``cells[chunk, row, lane]`` (:mod:`hybrid.masses.compiled.lanes`), rows in the order
state, kick, received, ahead (what arrives at the end of the step; none if it is held), drive, parameters. The kernel has it
flat.
"""

# ruff: noqa: F821  (the names declared below have no values here)
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.masses.compiled.address import caller
from hybrid.masses.compiled.block import DRAW, SUMS
from hybrid.masses.compiled.far import Far, Near
from hybrid.masses.compiled.lanes import LANES, SHIFT, copy_lanes, multiply_lanes
from hybrid.masses.compiled.normals import Random
from hybrid.units import FloatArray

VARIABLES: int  # of the model
FEATURES: int  # things a node sends, and so sums that arrive
COUPLED: int  # things a node receives of these
SINE: bool  # what a node emits is delayed as sine and cosine (two features), not as it is (one)
JOINED: (
    bool  # others are more than the nodes here: what they send arrives with the drive, and what is sent is written down
)
HELD: bool  # what arrives is held over a step; if not, received and ahead hold bare sums, one for each feature
KICK: int  # where the rows begin that hold the noise of this step,
RECEIVED: int  # what arrives from others,
DRIVE: int  # the rate at the drive port,
ROWS: int  # and how many rows there are
rhs: Callable[..., Any]  # the model's equations
felt_of: Callable[..., Any]  # (state, parameters) -> what others feel, a float for each thing sent
pre: Callable[..., Any]  # (what is felt, numbers) -> what is sent
post: Callable[..., Any]  # (scaled sum, numbers) -> what is received
step_all: Callable[..., None]  # euler, heun or rk4
state_of: Callable[..., Any]  # (flat cells, i) -> tuple of these rows of the node at i
kick_of: Callable[..., Any]
received_of: Callable[..., Any]
ahead_of: Callable[..., Any]  # where what arrives is held: received_of
drive_of: Callable[..., Any]
parameters_of: Callable[..., Any]  # as a named tuple
numbers_of: Callable[..., Any]  # (array) -> named tuple of the coupling's
put_state: Callable[..., None]  # (flat cells, i, tuple)
put_kick: Callable[..., None]
put_sent: Callable[..., None]  # (history, i, position, what is felt, numbers)
moved: Callable[..., Any]  # (x, h, slope, kick) -> x + h * slope + kick, tuples
plus: Callable[..., Any]  # (x, h, slope) -> x + h * slope, tuples
added: Callable[..., Any]  # (a, b) -> a + b, tuples
mean_sums: Callable[..., Any]  # (a, b) -> (a + b) / 2, tuples like what arrives
kicked: Callable[..., Any]  # (x, kick) -> what the noise adds in the state x
kicked_between: Callable[..., Any]  # (x, y, kick) -> and in the mean of x and y
arrives: Callable[
    ..., Any
]  # (state, parameters, sums, pull, felt, numbers) -> what a node receives in this stage of a step

UNBORN, NOT_READY = -2, -1  # instead of the first tick of the ready block
sum_block_at, draw_at = caller(SUMS), caller(DRAW)


class Step(NamedTuple):
    """How long a step is, and what becomes of the sums over delayed neighbours."""

    h: float  # in the model's time units
    numbers: FloatArray  # of the coupling
    pull: FloatArray  # [node], filled up to whole chunks
    felt: NDArray[np.bool_]  # [feature]
    sum_block: int  # where the functions of these names are that begin a block
    draw: int


def advance(
    first: int,  # tick of the first row of what follows
    start: int,
    stop: int,
    cursor: NDArray[np.int64],  # [4] tick at position 0 of the history, first tick of the ready block, tick reached,
    flat: FloatArray,  # the cells                                                  first tick of the block whose sums stand
    history: FloatArray,  # [feature, node, position], nodes filled up to whole chunks
    drive_hz: FloatArray,  # [tick * nodes + node], and a chunk more
    others: FloatArray,  # [tick, feature * node] sums over nodes elsewhere, if JOINED
    sent: FloatArray,  # of the same shape, written, if JOINED
    trajectory: FloatArray,  # written: for each variable [tick * nodes + node], and a chunk more
    far: Far,  # the fields of each are arguments of their own: to hand over named tuples costs 2 µs more
    near: Near,
    step: Step,
    random: Random,
) -> bool:
    """From tick ``start`` to ``stop``; whether the state is finite there. If not, it may stop at an earlier tick.

    Loops over nodes go through whole chunks. In rows of exactly as many numbers as there are nodes, what they write beyond the
    last node is overwritten in the next tick.
    """
    n, block, q = far.sums.shape[1], far.sums.shape[2], numbers_of(step.numbers)
    for t in range(start, stop):
        row, s = t - first, t % block
        if cursor[1] == UNBORN:
            emit(flat, history, row, q)
            continue
        if cursor[1] != t - s:
            cursor[1] = t - s
            sum_block(cursor, history, t - s, far, step)
            if random.node.size > 0:
                numbers = (random.key, (t - s) // 4, random.node, random.variable, random.z, random.colour)
                draw_at(step.draw, numbers)
        position = t - cursor[0]
        emit(flat, history, position, q)
        if JOINED:
            hand_over(history, position, sent, row, n)
        if HELD:
            receive(flat, history, position, s, far, near, step, others, row, q, n)
        else:
            for ahead in range(2):
                if ahead + s == block:
                    sum_block(cursor, history, t + 1, far, step)
                gather(flat, ahead, history, t + ahead - cursor[0], (s + ahead) % block, far, near, step, n)
        write_down(flat, trajectory, row * n)
        push(flat, drive_hz, row * n, random, s, n)
        step_all(flat, step, q)
        cursor[2] = t + 1
        if (s == block - 1 or t == stop - 1) and not all_finite(flat, n):
            return False
    return True


def all_finite(flat: FloatArray, n: int) -> bool:
    others = 0
    for i in range(n):
        for v in range(VARIABLES):
            x = flat[at(i, v)]
            if x - x != 0.0:
                others += 1
    return others == 0


def at(i: int, row: int) -> int:
    """Where this row of a node is."""
    return (i >> SHIFT) * (ROWS * LANES) + row * LANES + (i & (LANES - 1))


def sum_block(cursor: NDArray[np.int64], history: FloatArray, block_start: int, far: Far, step: Step) -> None:
    """All that arrives in this block over delays of a block or more."""
    if cursor[3] != block_start:
        cursor[3] = block_start
        arguments = (
            cursor, history, block_start, 0, far.sums.shape[1],
            far.first, far.shift, far.weight, far.sums, far.longest, step.felt,
        )  # fmt: skip
        sum_block_at(step.sum_block, arguments)


def emit(flat: FloatArray, history: FloatArray, position: int, q: Any) -> None:
    """What others will feel of this tick."""
    for chunk in range(flat.size // (ROWS * LANES)):
        for lane in range(LANES):
            i = chunk * (ROWS * LANES) + lane
            put_sent(history, chunk * LANES + lane, position, felt_of(state_of(flat, i), parameters_of(flat, i)), q)


def hand_over(history: FloatArray, position: int, sent: FloatArray, row: int, n: int) -> None:
    """What nodes elsewhere will feel of this tick."""
    for f in range(FEATURES):
        for i in range(n):
            sent[row, f * n + i] = history[f, i, position]


def receive(
    flat: FloatArray,
    history: FloatArray,
    position: int,
    s: int,
    far: Far,
    near: Near,
    step: Step,
    others: FloatArray,
    row: int,
    q: Any,
    n: int,
) -> None:
    """What arrives at every node in this tick, scaled; 0 of what nobody feels."""
    for c in range(COUPLED):
        if step.felt[2 * c if SINE else c]:
            for i in range(n):
                if SINE:
                    sines = arriving(2 * c, i, history, position, s, far, near, step)
                    cosines = arriving(2 * c + 1, i, history, position, s, far, near, step)
                    if JOINED:
                        sines += others[row, 2 * c * n + i]
                        cosines += others[row, (2 * c + 1) * n + i]
                    total = history[2 * c + 1, i, position] * sines - history[2 * c, i, position] * cosines
                else:
                    total = arriving(c, i, history, position, s, far, near, step)
                    if JOINED:
                        total += others[row, c * n + i]
                    total -= step.pull[i] * history[c, i, position]
                flat[at(i, RECEIVED + c)] = post(q.strength * total + q.offset, q)


def gather(
    flat: FloatArray, ahead: int, history: FloatArray, position: int, s: int, far: Far, near: Near, step: Step, n: int
) -> None:
    """The bare sums at every node, one for each feature, of this tick or the next."""
    for f in range(FEATURES):
        for i in range(n):
            flat[at(i, RECEIVED + ahead * FEATURES + f)] = arriving(f, i, history, position, s, far, near, step)


def finished(first: float, second: float, own: float, pull: float, felt: Any, q: Any) -> float:
    """What a node receives, of its sums and what others feel of itself in this stage of the step."""
    if SINE:
        total = math.cos(own) * first - math.sin(own) * second
    else:
        total = first - pull * pre(own, q)
    return post(q.strength * total + q.offset, q) if felt else 0.0


def arriving(f: int, i: int, history: FloatArray, position: int, s: int, far: Far, near: Near, step: Step) -> float:
    """The sum of a feature at a node: that of the block, then pairs with shorter delays, in that order."""
    total = far.sums[f, i, s]
    if step.felt[f]:
        for k in range(near.first[i], near.first[i + 1]):
            total += near.weight[k] * history[f, near.source[k], position - near.delay[k]]
    return float(total)


def write_down(flat: FloatArray, trajectory: FloatArray, begin: int) -> None:
    """The state at the start of this tick."""
    for v in range(VARIABLES):
        for chunk in range(flat.size // (ROWS * LANES)):
            i = chunk * (ROWS * LANES) + v * LANES
            copy_lanes(trajectory, v * (trajectory.size // VARIABLES) + begin + chunk * LANES, flat, i)


def push(flat: FloatArray, drive_hz: FloatArray, begin: int, random: Random, s: int, n: int) -> None:
    """The drive and the noise of this tick."""
    for chunk in range(flat.size // (ROWS * LANES)):
        i, j = chunk * (ROWS * LANES), chunk * LANES
        copy_lanes(flat, i + DRIVE * LANES, drive_hz, begin + j)
        for v in range(VARIABLES):
            if random.row[v] >= 0:
                multiply_lanes(flat, i + (KICK + v) * LANES, random.scale[v], j, random.z[s], random.row[v] * n + j)


def euler(flat: FloatArray, step: Step, q: Any) -> None:
    h = step.h
    for chunk in range(flat.size // (ROWS * LANES)):
        for lane in range(LANES):
            i, pull = chunk * (ROWS * LANES) + lane, step.pull[chunk * LANES + lane]
            x, p, drive = state_of(flat, i), parameters_of(flat, i), drive_of(flat, i)[0]
            slope = rhs(x, arrives(x, p, received_of(flat, i), pull, step.felt, q), drive, p)
            put_state(flat, i, moved(x, h, slope, kicked(x, kick_of(flat, i))))


def heun(flat: FloatArray, step: Step, q: Any) -> None:
    """The drive and the noise are the same in both stages, and what arrives too if it is held."""
    h = step.h
    for chunk in range(flat.size // (ROWS * LANES)):
        for lane in range(LANES):
            i, pull = chunk * (ROWS * LANES) + lane, step.pull[chunk * LANES + lane]
            x, p, drive = state_of(flat, i), parameters_of(flat, i), drive_of(flat, i)[0]
            kick = kick_of(flat, i)
            slope = rhs(x, arrives(x, p, received_of(flat, i), pull, step.felt, q), drive, p)
            y = moved(x, h, slope, kicked(x, kick))
            ahead = rhs(y, arrives(y, p, ahead_of(flat, i), pull, step.felt, q), drive, p)
            put_state(flat, i, moved(x, 0.5 * h, added(slope, ahead), kicked_between(x, y, kick)))


def rk4(flat: FloatArray, step: Step, q: Any) -> None:
    """The classical method; in the middle of the step arrives the mean of what does at its ends."""
    h = step.h
    for chunk in range(flat.size // (ROWS * LANES)):
        for lane in range(LANES):
            i, pull = chunk * (ROWS * LANES) + lane, step.pull[chunk * LANES + lane]
            x, p, drive = state_of(flat, i), parameters_of(flat, i), drive_of(flat, i)[0]
            kick = kick_of(flat, i)
            first, last = received_of(flat, i), ahead_of(flat, i)
            middle = mean_sums(first, last)
            k1 = pushed(x, p, first, pull, drive, kick, step, q)
            k2 = pushed(plus(x, 0.5 * h, k1), p, middle, pull, drive, kick, step, q)
            k3 = pushed(plus(x, 0.5 * h, k2), p, middle, pull, drive, kick, step, q)
            k4 = pushed(plus(x, h, k3), p, last, pull, drive, kick, step, q)
            put_state(flat, i, plus(x, h / 6.0, plus(added(k1, k4), 2.0, added(k2, k3))))


def pushed(x: Any, p: Any, sums: Any, pull: float, drive: float, kick: Any, step: Any, q: Any) -> Any:
    """The slope in the state ``x``, the noise spread evenly over the step."""
    return plus(rhs(x, arrives(x, p, sums, pull, step.felt, q), drive, p), 1.0 / step.h, kicked(x, kick))


def derivatives(flat: FloatArray) -> None:
    """The right-hand side of every node, put where a step has its kick."""
    for chunk in range(flat.size // (ROWS * LANES)):
        for lane in range(LANES):
            i = chunk * (ROWS * LANES) + lane
            p = parameters_of(flat, i)
            put_kick(flat, i, rhs(state_of(flat, i), received_of(flat, i), drive_of(flat, i)[0], p))
