"""Random numbers by name: a stream depends on seed, purpose and name, never on rank or order."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import CheckpointError, ConfigurationError, shown
from hybrid.units import FloatArray

_AHEAD = 512  # numbers drawn at once


def named_stream(seed: int, purpose: str, name: str) -> np.random.Generator:
    """A fresh Philox generator; the same arguments give the same numbers on every rank of every machine.

    Need several independent streams, or a key for another generator? ``rng.spawn(n)`` and
    ``rng.integers(2**32)`` of what this returns depend on the same three arguments only.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**256:
        raise ConfigurationError(f"seed = {shown(seed)} must be a whole number, 0 or above, of at most 77 digits")
    words = [int(seed), crc32(purpose.encode()), crc32(name.encode())]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))


def generator_state(rng: np.random.Generator) -> NDArray[np.uint64]:
    """The whole state of a Philox generator as an array that a checkpoint can hold."""
    state = rng.bit_generator.state
    inner = state["state"]
    rest = [state["buffer_pos"], state["has_uint32"], state["uinteger"]]
    return np.concatenate([inner["counter"], inner["key"], state["buffer"], np.array(rest, np.uint64)])


def restore_generator(rng: np.random.Generator, saved: NDArray[Any]) -> None:
    """Continue where :func:`generator_state` was taken; ``CheckpointError`` if these are no such numbers."""
    words = np.asarray(saved)
    whole = words.shape == (13,) and words.dtype == np.uint64
    if not whole or words[10] > 4 or words[11] > 1 or words[12] >= 2**32:  # numpy would read beyond its buffer
        raise CheckpointError("a random generator's state is none that a Philox generator can have")
    rng.bit_generator.state = {
        "bit_generator": "Philox",
        "state": {"counter": words[0:4].copy(), "key": words[4:6].copy()},
        "buffer": words[6:10].copy(),
        "buffer_pos": int(words[10]),
        "has_uint32": int(words[11]),
        "uinteger": int(words[12]),
    }


class Uniforms:
    """The numbers that ``rng.random()`` gives, drawn ahead: to ask numpy once takes as long as to make a hundred of them.

    ``ahead`` are the next ones. Who needs more of them says :meth:`more`, and who used the first ``n`` says :meth:`used`.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.ahead: FloatArray = np.empty(0)
        self._since, self._used = (
            rng.bit_generator.state,
            0,
        )  # the first of ``ahead`` comes so many numbers after that state

    def used(self, count: int) -> None:
        """The first ``count`` of ``ahead`` have been used."""
        self._used += count
        self.ahead = self.ahead[count:]

    def more(self) -> None:
        """Draw as many again, a few hundred at least."""
        left = self.ahead
        self.generator()
        self._since, self._used = self._rng.bit_generator.state, 0
        self.ahead = self._rng.random(max(_AHEAD, 2 * left.size))

    def generator(self) -> np.random.Generator:
        """The generator itself, for other numbers than these: after those that were used, and nothing is ahead any more."""
        if self.ahead.size or self._used:
            self._rng.bit_generator.state = self._since
            self._rng.random(self._used)
            self.ahead, self._used = np.empty(0), 0
        return self._rng
