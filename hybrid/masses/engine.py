"""The arrays of a network of masses, laid out for the kernel, and the calls into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from hybrid.masses.compiled import compiled_for, does_not_compile
from hybrid.masses.coupling import Coupling
from hybrid.masses.far import split
from hybrid.masses.kernel import NOT_READY, UNBORN, Step
from hybrid.masses.lanes import packed, unpacked
from hybrid.masses.model import MassModel
from hybrid.masses.normals import Random, lanes
from hybrid.units import FloatArray


class Engine:
    """State, history, tracts and noise of one network; time in ticks, parameters as arrays ``[parameter, node]``."""

    def __init__(
        self,
        model: MassModel,
        parameters: FloatArray,
        *,
        weights: FloatArray,
        delays: NDArray[np.int64],
        coupling: Coupling,
        h: float,
        heun: bool,
        sigma: FloatArray,
        key: np.uint64,
        initial: FloatArray,
        block: int | None = None,
    ) -> None:
        n = initial.shape[1]
        features = len(model.coupled) * (2 if coupling.sine else 1)
        self._block, self._far, self._near, capacity = split(weights, delays, features, block)
        self._model, self._compiled = model, compiled_for(model, self._block, coupling.sine)
        self._variables, self._n = initial.shape
        still = np.zeros((self._compiled.rows.parameters - self._variables, n))
        self._cells = packed(np.concatenate([initial, still, parameters]))
        pull = weights.sum(axis=1) if coupling.differs else np.zeros(n)
        self._step = Step(
            h, heun, coupling.strength, coupling.offset, pull, np.repeat(model.felt(), features // len(model.coupled))
        )
        self._seed(lanes(key, np.sqrt(h) * sigma, self._block))
        self._history = np.zeros((features, n, capacity))
        self._cursor = np.array([-self._far.longest, UNBORN, 0])
        self.advance(0, 0, np.zeros((0, n)))  # compiles the kernel, fills the past

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
        try:
            finite = self._compiled.advance(
                start,
                stop,
                self._cursor,
                self._cells,
                self._history,
                np.ascontiguousarray(drive_hz),
                trajectory,
                *self._parts,
            )
        except NumbaError as error:
            raise does_not_compile(self._model, error) from error
        return trajectory[:, : self._cursor[2] - start], finite

    def saved(self, tick: int) -> dict[str, NDArray[Any]]:
        """Copies of all that decides the future from ``tick`` on.

        The sums of a block begun are made again from the history, which so must reach back from the block's first tick.
        """
        first = tick - tick % self._block - self._far.longest - self._cursor[0]
        return {
            "state": self.state,
            "history": self._history[:, :, first : tick - self._cursor[0]].copy(),
            "noise_key": np.array(self._random.key),
        }

    def restore(self, tick: int, saved: Mapping[str, NDArray[Any]]) -> None:
        self._cells[:, : self._variables] = packed(np.asarray(saved["state"]))
        self._history[:, :, : saved["history"].shape[2]] = saved["history"]
        self._cursor[:] = tick - saved["history"].shape[2], NOT_READY, tick
        self._seed(self._random._replace(key=np.uint64(saved["noise_key"])))
