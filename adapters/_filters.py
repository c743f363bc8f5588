"""First-order filters of signals that come window by window."""

from __future__ import annotations

from typing import Any

from hybrid.adapter import njit


@njit(nogil=True, cache=True)
def filter_in_place(values: Any, now: float, later: float, keep: float, memory: Any) -> None:
    """``y[t] = keep y[t-1] + now x[t] + later x[t-1]`` for every line of ``values[tick, line]``, x on entry and y on return.

    ``memory[line]`` is what the next tick starts from.
    """
    for t in range(values.shape[0]):
        for line in range(values.shape[1]):
            x = values[t, line]
            y = memory[line] + now * x
            memory[line] = later * x + keep * y
            values[t, line] = y
