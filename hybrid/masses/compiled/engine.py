"""The arrays of a network of masses, laid out for the kernel, and the calls into it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from hybrid.component import check_fits
from hybrid.masses.compiled.compiler import HEUN, Scheme, block_of, compiled_for, does_not_compile
from hybrid.masses.compiled.far import split
from hybrid.masses.compiled.kernel import NOT_READY, UNBORN, Step
from hybrid.masses.compiled.lanes import LANES, packed, unpacked
from hybrid.masses.compiled.normals import BEGUN, NEXT, Random, lanes
from hybrid.masses.coupling import Coupling
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray

_WORTH_SHARING = 50_000  # pairs, from where on threads gain more than waking them costs
_EMPTY: FloatArray = np.zeros(0)
_NOTHING: FloatArray = np.zeros((0, 0))


class Engine:
    """State, history, tracts and noise of one network; time in ticks, parameters as arrays ``[parameter, node]``.

    ``past(ticks)`` gives the states ``[variable, tick, node]`` of so many ticks before tick 0; without it every node has
    always been in its initial state. ``tau_ticks`` is the time of correlation of the noise, ``None`` for white noise.
    ``pull`` ``[node]`` takes the place of the sum of weights, where more nodes send than there are here. ``threads`` share in
    the sums over delayed neighbours, without any effect on the result.
    """

    def __init__(
        self,
        model: MassModel,
        parameters: FloatArray,
        *,
        weights: FloatArray,
        delays: NDArray[Any],
        coupling: Coupling,
        h: float,
        sigma: FloatArray,
        key: np.uint64,
        initial: FloatArray,
        scheme: Scheme = HEUN,
        tau_ticks: float | None = None,
        past: Callable[[int], FloatArray] | None = None,
        block: int | None = None,
        pull: FloatArray | None = None,
        threads: int = 1,
    ) -> None:
        n = initial.shape[1]
        felt = np.repeat(coupling.felt(model.variables, model.coupled, model.felt()), 2 if coupling.sine else 1)
        self._block, self._far, self._near, capacity = split(weights, delays, felt.size, block)
        self._equations = model.equations(coupling)
        self._compiled = compiled_for(self._equations, scheme)
        self._variables, self._n = initial.shape
        still = np.zeros((self._compiled.rows.parameters - self._variables, n))
        self._cells = packed(np.concatenate([initial, still, parameters]))
        self._flat = self._cells.reshape(-1)
        pulls = np.zeros(len(self._cells) * LANES)
        if coupling.differs:
            pulls[:n] = weights.sum(axis=1) if pull is None else pull
        self._joined, self.features = scheme.joined, int(felt.size)
        self._threads = threads if scheme.held and self._far.weight.size >= _WORTH_SHARING else 1
        self._pool = ThreadPoolExecutor(threads - 1) if self._threads > 1 else None
        self._begin = block_of(self._block)
        random = lanes(key, np.sqrt(h) * sigma, self._block, tau_ticks, self._begin.draw)
        draw_at = self._begin.draw_at if random.node.size else 0  # what is not needed is not compiled
        self._step = Step(h, coupling.numbers, pulls, felt, self._begin.sum_block_at, draw_at)
        self._seed(random)
        self._history = np.zeros((felt.size, len(pulls), capacity))
        self._drive = np.zeros(0)
        longest = self._far.longest
        self._cursor = np.array([-longest, UNBORN, 0, NOT_READY])
        before = np.zeros((len(initial), 0, n)) if past is None else past(longest)
        for position in range(before.shape[1]):
            self._emit(before[:, position], position)
        self._emit(initial, longest)  # compiles the kernel
        if past is None:
            self._history[:, :, :longest] = self._history[:, :, longest : longest + 1]
        self._cursor[1] = NOT_READY

    def _emit(self, state: FloatArray, position: int) -> None:
        self._cells[:, : self._variables] = packed(state)
        self._live(0, position, position + 1, _EMPTY, _EMPTY, _NOTHING, _NOTHING)

    def _seed(self, random: Random) -> None:
        self._random = random
        self._parts = (*self._far, *self._near, *self._step, *random)

    @property
    def block(self) -> int:
        """Ticks in a block."""
        return self._block

    @property
    def state(self) -> FloatArray:
        """A copy ``[variable, node]`` of the state at the next tick."""
        return unpacked(self._cells, 0, self._variables, self._n)

    @property
    def initially_sent(self) -> FloatArray:
        """What others feel of each node in its initial state, ``[feature, node]``; to be asked at tick 0."""
        return self._history[:, : self._n, max(self._far.longest - 1, 0)].copy()

    def advance(
        self, start: int, stop: int, drive_hz: FloatArray, others: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray, bool]:
        """``trajectory[variable, tick, node]`` of the ticks lived, what nodes elsewhere will feel of them ``[tick, feature *
        node]`` if there are such, and whether the state after them is finite.

        ``others[tick, feature * node]`` is what arrives from elsewhere: weighed and delayed sums.
        """
        count = (stop - start) * self._n
        if self._drive.size < count + LANES:
            self._drive = np.zeros(count + LANES)
        self._drive[:count] = drive_hz.reshape(-1)
        trajectory = np.empty(self._variables * (count + LANES))
        sent = np.empty((stop - start, self.features * self._n)) if self._joined else _NOTHING
        heard = _NOTHING if others is None else np.ascontiguousarray(others)
        live = self._live if self._pool is None else self._live_with_threads
        finite = live(start, start, stop, self._drive, trajectory, heard, sent)
        lived = trajectory.reshape(self._variables, -1)[:, :count].reshape(self._variables, -1, self._n)
        return (lived if finite else lived[:, : self._cursor[2] - start]), sent, finite

    def _live(self, first: int, start: int, stop: int, *arrays: FloatArray) -> bool:
        drive_hz, trajectory, others, sent = arrays
        try:
            return self._compiled.advance(
                first,
                start,
                stop,
                self._cursor,
                self._flat,
                self._history,
                drive_hz,
                others,
                sent,
                trajectory,
                *self._parts,
            )
        except NumbaError as error:
            raise does_not_compile(self._equations, error) from error

    def _live_with_threads(self, first: int, start: int, stop: int, *arrays: FloatArray) -> bool:
        """Block by block: first all threads sum what arrives in it, then one lives through it."""
        for begun in range(start - start % self._block, stop, self._block):
            if self._cursor[3] != begun:
                self._sum_together(begun)
            if not self._live(first, max(begun, start), min(begun + self._block, stop), *arrays):
                return False
        return True

    def _sum_together(self, begun: int) -> None:
        assert self._pool is not None
        self._cursor[3] = begun

        def share(first: int, stop: int) -> None:
            self._begin.sum_block(self._cursor, self._history, begun, first, stop, *self._far, self._step.felt)

        share(0, 0)  # makes room
        edges = np.linspace(0, self._n, self._threads + 1).astype(int).tolist()

        others = [self._pool.submit(share, *ends) for ends in itertools.pairwise(edges[1:])]
        share(*edges[:2])
        for each in others:
            each.result()

    def close(self) -> None:
        """Let its threads go."""
        if self._pool is not None:
            self._pool.shutdown()

    def saved(self, tick: int) -> dict[str, NDArray[Any]]:
        """Copies of all that decides the future from ``tick`` on.

        The sums of a block begun are made again from the history, which so must reach back from the block's first tick.
        """
        begun = tick - tick % self._block
        first = begun - self._far.longest - self._cursor[0]
        saved = {
            "state": self.state,
            "history": self._history[:, : self._n, first : tick - self._cursor[0]].copy(),
            "noise_key": np.array(self._random.key),
        }
        if self._random.colour.size:
            saved["noise_colour"] = self._random.colour[BEGUN if self._cursor[1] == begun else NEXT].copy()
        return saved

    def restore(self, tick: int, saved: Mapping[str, NDArray[Any]]) -> None:
        """Continue at ``tick`` from what :meth:`saved` gave there; ``CheckpointError`` if another network did."""
        steps = self._far.longest + tick % self._block
        own = {
            "state": self.state,
            "history": np.broadcast_to(0.0, (len(self._history), self._n, steps)),
            "noise_key": np.array(self._random.key),
        }
        if self._random.colour.size:
            own["noise_colour"] = self._random.colour[NEXT]
        check_fits("a network of masses", saved, own)
        self._cells[:, : self._variables] = packed(np.asarray(saved["state"]))
        self._history[:, : self._n, : saved["history"].shape[2]] = saved["history"]
        self._cursor[:] = tick - saved["history"].shape[2], NOT_READY, tick, NOT_READY
        self._seed(self._random._replace(key=np.uint64(saved["noise_key"])))
        if self._random.colour.size:
            self._random.colour[NEXT] = saved["noise_colour"]
