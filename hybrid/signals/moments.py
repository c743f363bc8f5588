"""What theory says of a signal in total."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid.units import FloatArray


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and variance, ``[size]`` each, of the total an adapter should deliver (see :meth:`Signal.total`).

    ``variance_of_sum`` is that of the sum over all lines, where lines are not independent.
    """

    mean: FloatArray
    variance: FloatArray
    variance_of_sum: float | None = None
