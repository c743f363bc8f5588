"""Tracts between regions: how long a signal takes, and those that lead from some regions to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.errors import ConfigurationError
from hybrid.units import FloatArray, array, number


def tract_delays_ms(lengths_mm: Any, speed_m_s: Any, tick_ms: Any) -> FloatArray:
    """Conduction delays in ms: length / speed, rounded to the nearest tick, and at least one tick.

    Parameters
    ----------
    lengths_mm: lengths in mm, any shape, none below 0; the result has the same shape.
    speed_m_s: conduction speed in m/s, above 0.
    tick_ms: length of a tick in ms.

    A signal cannot arrive in the tick in which it leaves, so a tract shorter than half a tick takes one tick. The
    result is a whole number of ticks, as :meth:`hybrid.clock.Clock.ticks_of` asks for. Errors: ``ConfigurationError``.
    """
    lengths = array(lengths_mm, "mm", "lengths_mm")
    speed = number(speed_m_s, "m_s", "speed_m_s", positive=True)
    tick = number(tick_ms, "ms", "tick_ms", positive=True)
    if (lengths < 0).any():
        raise ConfigurationError(f"lengths_mm has an entry below 0 ({lengths.min():g} mm)")
    ticks = np.maximum(np.rint(lengths / speed / tick), 1.0)  # mm / (m/s) is ms
    return np.asarray(ticks * tick)


@dataclass(frozen=True, eq=False)
class Projection:
    """The tracts from some regions to others.

    ``weights`` and ``lengths_mm`` are ``[target, source]``, in the order of the two tuples of labels.
    """

    source_labels: tuple[str, ...]
    target_labels: tuple[str, ...]
    weights: FloatArray
    lengths_mm: FloatArray

    def delays_ms(self, speed_m_s: Any, tick_ms: Any) -> FloatArray:
        """Delays ``[target, source]`` in ms; see :func:`tract_delays_ms`."""
        return tract_delays_ms(self.lengths_mm, speed_m_s, tick_ms)
