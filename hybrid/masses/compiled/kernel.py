"""The compiled heart of a network of masses: all nodes through a stretch of ticks in one call.

This file is compiled once for each model and way of stepping: :mod:`hybrid.masses.compiled.compiler` executes its source with the
names declared below filled in and compiles the functions, so that the model's equations are inlined in the loop over
nodes, and what a network does not use costs it nothing.

The algorithm, in words: *ticks are grouped in blocks of BLOCK, counted from tick 0. When a block begins, all that
arrives in it over delays of a block or more is already known and is summed for the whole block at once, and its normal
numbers are drawn. Then, tick by tick, every node writes down its state, adds what arrives over shorter delays, and
takes one step.* Blocks do not depend on how a caller cuts time into windows, so neither does any bit of the result.

What arrives is either held over the step, or known at its start and at its end: no delay is below one tick, so all that
arrives at t + 1 was sent by t. Then the last tick of a block sums the next block already.

All that a step of a node needs lies in ``cells[chunk, row, lane]`` (:mod:`hybrid.masses.compiled.lanes`), rows in the order
state, kick, received, ahead (what arrives at the end of the step; none if it is held), drive, parameters.
"""

# ruff: noqa: F821  (the names declared below have no values here)
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.masses.compiled.far import Far, Near, far_sums
from hybrid.masses.compiled.lanes import LANES
from hybrid.masses.compiled.normals import Random, coloured, normals
from hybrid.units import FloatArray

BLOCK: int  # ticks in a block
VARIABLES: int  # of the model
SINE: bool  # what a node emits is delayed as sine and cosine (two features), not as it is (one)
JOINED: (
    bool  # others are more than the nodes here: what they send arrives with the drive, and what is sent is written down
)
HELD: bool  # what arrives is held over a step; if not, received and ahead hold bare sums, one for each feature
KICK: int  # where the rows begin that hold the noise of this step,
RECEIVED: int  # what arrives from others,
AHEAD: int  # what arrives at the end of the step,
DRIVE: int  # the rate at the drive port,
ROWS: int  # and how many rows there are
Parameters: Callable[..., Any]  # a named tuple of the model's parameters
Numbers: Callable[..., Any]  # and one of the coupling's
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
parameters_of: Callable[..., Any]
numbers_of: Callable[..., Any]  # (array) -> tuple
put_state: Callable[..., None]  # (flat cells, i, tuple)
put_kick: Callable[..., None]
moved: Callable[..., Any]  # (x, h, slope, kick) -> x + h * slope + kick, tuples
plus: Callable[..., Any]  # (x, h, slope) -> x + h * slope, tuples
added: Callable[..., Any]  # (a, b) -> a + b, tuples
mean: Callable[..., Any]  # (a, b) -> (a + b) / 2, tuples like the state
mean_sums: Callable[..., Any]  # and like what arrives
kicked: Callable[..., Any]  # (x, kick) -> what the noise adds in the state x
coupled: Callable[..., Any]  # :func:`finished` for each thing received

UNBORN, NOT_READY = -2, -1  # instead of the first tick of the ready block


class Step(NamedTuple):
    """How long a step is, and what becomes of the sums over delayed neighbours."""

    h: float  # in the model's time units
    numbers: FloatArray  # of the coupling
    pull: FloatArray  # [node], filled up to whole chunks
    felt: NDArray[np.bool_]  # [feature]


def advance(
    start: int,
    stop: int,
    cursor: NDArray[np.int64],  # [4] tick at position 0 of the history, first tick of the ready block, tick reached,
    cells: FloatArray,  # [chunk, row, lane]                                  first tick of the block whose sums stand
    history: FloatArray,  # [feature, node, position]
    drive_hz: FloatArray,  # [tick - start, node]
    others: FloatArray,  # [tick - start, feature * node] sums over nodes elsewhere, if JOINED
    sent: FloatArray,  # of the same shape, written, if JOINED
    trajectory: FloatArray,  # [variable, tick - start, node], written; at birth read: the past, up to tick 0
    *parts: Any,  # of Far, Near, Step and Random, in this order: handing over named tuples costs 2 µs more
) -> bool:
    """From tick ``start`` to ``stop``; whether the state is finite there. If not, it may stop at an earlier tick."""
    far, near, step, random = Far(*parts[:5]), Near(*parts[5:9]), Step(*parts[9:13]), Random(*parts[13:])
    if cursor[1] == UNBORN:
        fill_past(cells, history, trajectory, step)
        cursor[1] = NOT_READY
    for t in range(start, stop):
        cursor[2] = t
        s = t % BLOCK
        if cursor[1] != t - s:
            if not all_finite(cells, history.shape[1]):
                return False
            cursor[1] = t - s
            sum_block(cursor, history, t - s, far, step)
            if random.node.size > 0:
                normals(random.key, (t - s) // 4, BLOCK // 4, random.node, random.variable, random.z)
                if random.colour.size > 0:
                    coloured(random.z, random.colour)
        write_down(cells, trajectory, t - start)
        emit(cells, history, t - cursor[0], step)
        if JOINED:
            hand_over(history, t - cursor[0], sent, t - start)
        if HELD:
            receive(cells, history, t - cursor[0], s, far, near, step, others, t - start)
        else:
            gather(cells, RECEIVED, history, t - cursor[0], s, far, near, step)
            if s == BLOCK - 1:
                sum_block(cursor, history, t + 1, far, step)
            gather(cells, AHEAD, history, t + 1 - cursor[0], (s + 1) % BLOCK, far, near, step)
        push(cells, drive_hz, t - start, random, s)
        step_all(cells, step)
    cursor[2] = stop
    return all_finite(cells, history.shape[1])


def all_finite(cells: FloatArray, n: int) -> bool:
    for i in range(n):
        for v in range(VARIABLES):
            if not np.isfinite(cells[i // LANES, v, i % LANES]):
                return False
    return True


def sum_block(cursor: NDArray[np.int64], history: FloatArray, block_start: int, far: Far, step: Step) -> None:
    """All that arrives in this block over delays of a block or more."""
    if cursor[3] != block_start:
        cursor[3] = block_start
        make_room(cursor, history, block_start, far.longest)
        far_sums(history, block_start - cursor[0], far, step.felt, BLOCK, 0, history.shape[1])


def begin_block(cursor: NDArray[np.int64], history: FloatArray, block_start: int, *parts: Any) -> None:
    """Where threads share in :func:`sum_block`, what comes before they do."""
    cursor[3] = block_start
    make_room(cursor, history, block_start, Far(*parts[:5]).longest)


def sum_targets(cursor: NDArray[np.int64], history: FloatArray, first: int, stop: int, *parts: Any) -> None:
    """What a thread does: the sums of some of the nodes. Which thread sums a node does not change its sum."""
    far_sums(history, cursor[3] - cursor[0], Far(*parts[:5]), Step(*parts[9:13]).felt, BLOCK, first, stop)


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


def fill_past(cells: FloatArray, history: FloatArray, past: FloatArray, step: Step) -> None:
    """Emit every state of ``past[variable, tick, node]``, which ends with that at tick 0."""
    for k in range(past.shape[1]):
        for i in range(past.shape[2]):
            for v in range(VARIABLES):
                cells[i // LANES, v, i % LANES] = past[v, k, i]
        emit(cells, history, k, step)


def write_down(cells: FloatArray, trajectory: FloatArray, row: int) -> None:
    """The state at the start of this tick."""
    for i in range(trajectory.shape[2]):
        for v in range(VARIABLES):
            trajectory[v, row, i] = cells[i // LANES, v, i % LANES]


def emit(cells: FloatArray, history: FloatArray, position: int, step: Step) -> None:
    """What others will feel of this tick."""
    flat, q = cells.reshape(cells.size), Numbers(*numbers_of(step.numbers))
    for i in range(history.shape[1]):
        at = np.uint64(i // LANES * (ROWS * LANES) + i % LANES)
        felt = felt_of(state_of(flat, at), Parameters(*parameters_of(flat, at)))
        for c in range(len(felt)):
            if SINE:
                history[2 * c, i, position] = math.sin(felt[c])
                history[2 * c + 1, i, position] = math.cos(felt[c])
            else:
                history[c, i, position] = pre(felt[c], q)


def hand_over(history: FloatArray, position: int, sent: FloatArray, row: int) -> None:
    """What nodes elsewhere will feel of this tick."""
    n = history.shape[1]
    for f in range(history.shape[0]):
        for i in range(n):
            sent[row, f * n + i] = history[f, i, position]


def receive(
    cells: FloatArray,
    history: FloatArray,
    position: int,
    s: int,
    far: Far,
    near: Near,
    step: Step,
    others: FloatArray,
    row: int,
) -> None:
    """What arrives at every node in this tick, scaled; 0 of what nobody feels."""
    q, n = Numbers(*numbers_of(step.numbers)), history.shape[1]
    for c in range(history.shape[0] // 2 if SINE else history.shape[0]):
        if not step.felt[2 * c if SINE else c]:
            continue
        for i in range(history.shape[1]):
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
            cells[i // LANES, RECEIVED + c, i % LANES] = post(q.strength * total + q.offset, q)


def gather(
    cells: FloatArray, row: int, history: FloatArray, position: int, s: int, far: Far, near: Near, step: Step
) -> None:
    """The bare sums at every node, one for each feature, into the rows from ``row``."""
    for f in range(history.shape[0]):
        for i in range(history.shape[1]):
            cells[i // LANES, row + f, i % LANES] = arriving(f, i, history, position, s, far, near, step)


def finished(first: float, second: float, own: float, pull: float, felt: Any, q: Any) -> float:
    """What a node receives, of its sums and what others feel of itself in this stage of the step."""
    if SINE:
        total = math.cos(own) * first - math.sin(own) * second
    else:
        total = first - pull * pre(own, q)
    return post(q.strength * total + q.offset, q) if felt else 0.0


def arrives(x: Any, p: Any, sums: Any, pull: float, felt: Any, q: Any) -> Any:
    """What a node in state ``x`` receives; where that is held over the step, ``sums`` is it already."""
    return coupled(felt_of(x, p), sums, pull, felt, q, finished)


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


def euler(cells: FloatArray, step: Step) -> None:
    flat, h, q = cells.reshape(cells.size), step.h, Numbers(*numbers_of(step.numbers))
    for chunk in range(cells.shape[0]):
        for lane in range(LANES):
            i, pull = np.uint64(chunk * (ROWS * LANES) + lane), step.pull[chunk * LANES + lane]
            x, p = state_of(flat, i), Parameters(*parameters_of(flat, i))
            slope = rhs(x, arrives(x, p, received_of(flat, i), pull, step.felt, q), drive_of(flat, i)[0], p)
            put_state(flat, i, moved(x, h, slope, kicked(x, kick_of(flat, i))))


def heun(cells: FloatArray, step: Step) -> None:
    """The drive and the noise are the same in both stages, and what arrives too if it is held."""
    flat, h, q = cells.reshape(cells.size), step.h, Numbers(*numbers_of(step.numbers))
    for chunk in range(cells.shape[0]):
        for lane in range(LANES):
            i, pull = np.uint64(chunk * (ROWS * LANES) + lane), step.pull[chunk * LANES + lane]
            x, p = state_of(flat, i), Parameters(*parameters_of(flat, i))
            drive, kick = drive_of(flat, i)[0], kick_of(flat, i)
            slope = rhs(x, arrives(x, p, received_of(flat, i), pull, step.felt, q), drive, p)
            y = moved(x, h, slope, kicked(x, kick))
            ahead = rhs(y, arrives(y, p, ahead_of(flat, i), pull, step.felt, q), drive, p)
            put_state(flat, i, moved(x, 0.5 * h, added(slope, ahead), kicked(mean(x, y), kick)))


def rk4(cells: FloatArray, step: Step) -> None:
    """The classical method; in the middle of the step arrives the mean of what does at its ends."""
    flat, h, q = cells.reshape(cells.size), step.h, Numbers(*numbers_of(step.numbers))
    for chunk in range(cells.shape[0]):
        for lane in range(LANES):
            i, pull = np.uint64(chunk * (ROWS * LANES) + lane), step.pull[chunk * LANES + lane]
            x, p = state_of(flat, i), Parameters(*parameters_of(flat, i))
            drive, kick = drive_of(flat, i)[0], kick_of(flat, i)
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


def derivatives(cells: FloatArray) -> None:
    """The right-hand side of every node, put where a step has its kick."""
    flat = cells.reshape(cells.size)
    for chunk in range(cells.shape[0]):
        for lane in range(LANES):
            i = np.uint64(chunk * (ROWS * LANES) + lane)
            p = Parameters(*parameters_of(flat, i))
            put_kick(flat, i, rhs(state_of(flat, i), received_of(flat, i), drive_of(flat, i)[0], p))
