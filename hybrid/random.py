"""Random numbers by name: a stream depends on seed, purpose and name, never on rank or order."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from hybrid.errors import ConfigurationError


def named_stream(seed: int, purpose: str, name: str) -> np.random.Generator:
    """A fresh Philox generator; the same arguments give the same numbers on every rank of every machine.

    Need several independent streams, or a key for another generator? ``rng.spawn(n)`` and
    ``rng.integers(2**32)`` of what this returns depend on the same three arguments only.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigurationError(f"seed = {seed!r} must be a whole number, 0 or above")
    words = [int(seed), crc32(purpose.encode()), crc32(name.encode())]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))
