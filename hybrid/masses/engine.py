"""The arrays of a network of masses, laid out for the kernel, and the calls into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from hybrid.masses.compiled import HEUN, Scheme, compiled_for, does_not_compile
from hybrid.masses.coupling import Coupling
from hybrid.masses.far import split
from hybrid.masses.kernel import NOT_READY, UNBORN, Step
from hybrid.masses.lanes import LANES, packed, unpacked
from hybrid.masses.model import MassModel
from hybrid.masses.normals import BEGUN, NEXT, Random, lanes
from hybrid.units import FloatArray


class Engine:
    """State, history, tracts and noise of one network; time in ticks, parameters as arrays ``[parameter, node]``.

    ``past(ticks)`` gives the states ``[variable, tick, node]`` of so many ticks before tick 0; without it every node has
    always been in its initial state. ``tau_ticks`` is the time of correlation of the noise, ``None`` for white noise.
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
    ) -> None:
        n = initial.shape[1]
        felt = np.repeat(coupling.felt(model), 2 if coupling.sine else 1)
        self._block, self._far, self._near, capacity = split(weights, delays, felt.size, block)
        self._model, self._coupling = model, coupling
        self._compiled = compiled_for(model, self._block, coupling, scheme)
        self._variables, self._n = initial.shape
        still = np.zeros((self._compiled.rows.parameters - self._variables, n))
        self._cells = packed(np.concatenate([initial, still, parameters]))
        pull = np.zeros(len(self._cells) * LANES)
        if coupling.differs:
            pull[:n] = weights.sum(axis=1)
        self._step = Step(h, coupling.numbers, pull, felt)
        self._seed(lanes(key, np.sqrt(h) * sigma, self._block, tau_ticks))
        self._history = np.zeros((felt.size, n, capacity))
        longest = self._far.longest
        self._cursor = np.array([-longest, UNBORN, 0, NOT_READY])
        now = initial[:, None]
        before = np.repeat(now, longest, axis=1) if past is None else past(longest)
        self._live(0, 0, np.zeros((0, n)), np.concatenate([before, now], axis=1))  # compiles the kernel, fills the past

    def _seed(self, random: Random) -> None:
        self._random = random
        self._parts = (*self._far, *self._near, *self._step, *random)

    @property
    def state(self) -> FloatArray:
        """A copy ``[variable, node]`` of the state at the next tick."""
        return unpacked(self._cells, 0, self._variables, self._n)

    def advance(self, start: int, stop: int, drive_hz: FloatArray) -> tuple[FloatArray, bool]:
        """``trajectory[variable, tick, node]`` of the ticks lived, and whether the state after them is finite."""
        trajectory = np.empty((self._variables, stop - start, self._n))
        finite = self._live(start, stop, np.ascontiguousarray(drive_hz), trajectory)
        return trajectory[:, : self._cursor[2] - start], finite

    def _live(self, start: int, stop: int, drive_hz: FloatArray, trajectory: FloatArray) -> bool:
        try:
            return self._compiled.advance(
                start, stop, self._cursor, self._cells, self._history, drive_hz, trajectory, *self._parts
            )
        except NumbaError as error:
            raise does_not_compile(self._model, error, self._coupling) from error

    def saved(self, tick: int) -> dict[str, NDArray[Any]]:
        """Copies of all that decides the future from ``tick`` on.

        The sums of a block begun are made again from the history, which so must reach back from the block's first tick.
        """
        begun = tick - tick % self._block
        first = begun - self._far.longest - self._cursor[0]
        saved = {
            "state": self.state,
            "history": self._history[:, :, first : tick - self._cursor[0]].copy(),
            "noise_key": np.array(self._random.key),
        }
        if self._random.colour.size:
            saved["noise_colour"] = self._random.colour[BEGUN if self._cursor[1] == begun else NEXT].copy()
        return saved

    def restore(self, tick: int, saved: Mapping[str, NDArray[Any]]) -> None:
        self._cells[:, : self._variables] = packed(np.asarray(saved["state"]))
        self._history[:, :, : saved["history"].shape[2]] = saved["history"]
        self._cursor[:] = tick - saved["history"].shape[2], NOT_READY, tick, NOT_READY
        self._seed(self._random._replace(key=np.uint64(saved["noise_key"])))
        if self._random.colour.size:
            self._random.colour[NEXT] = saved["noise_colour"]
