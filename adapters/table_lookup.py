"""Rate to rate: a measured response, as a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid.adapter import Adapter
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, DivergedError
from hybrid.signals import Moments, Rates, check_rates
from hybrid.units import FloatArray, array

_INPUTS_HZ = (0.0, 20.0, 50.0, 100.0, 300.0, 1000.0)
_OUTPUTS_HZ = (0.0, 17.0, 33.0, 50.0, 75.0, 91.0)  # r / (1 + r / 100 Hz)


class TableLookup(Adapter):
    """The rate that belongs to a rate, by straight lines between the entries of a table; line by line.

    For a response measured in a circuit, or one that is slow to compute, as that of :class:`adapters.SiegertGain`.

    Parameters
    ----------
    inputs: rates, Hz, each above the one before; two at least. Without ``inputs`` and ``outputs`` the table is
        about ``r / (1 + r / 100 Hz)``, a response that saturates, from 0 to 1,000 Hz.
    outputs: as many rates, Hz.
    clip: outside of the table take its nearest end; otherwise such rates are refused. ``None`` clips the table that there
        is without parameters, and no other.
    """

    accepts = Rates
    emits = Rates

    def __init__(self, inputs: Any = None, outputs: Any = None, clip: bool | None = None) -> None:
        self.clip = inputs is None if clip is None else bool(clip)
        if inputs is None and outputs is None:
            inputs, outputs = _INPUTS_HZ, _OUTPUTS_HZ
        elif inputs is None or outputs is None:
            raise ConfigurationError("TableLookup: inputs and outputs belong together; give both, or neither")
        self.inputs = array(inputs, "hz", "TableLookup: inputs")
        self.outputs = array(outputs, "hz", "TableLookup: outputs")
        if self.inputs.ndim != 1 or self.inputs.shape != self.outputs.shape or len(self.inputs) < 2:
            raise ConfigurationError(
                f"TableLookup: inputs {list(self.inputs.shape)} and outputs {list(self.outputs.shape)} must be lists of "
                f"the same length, 2 or above"
            )
        if (np.diff(self.inputs) <= 0).any():
            at = int(np.argmax(np.diff(self.inputs) <= 0))
            raise ConfigurationError(
                f"TableLookup: inputs must rise, but [{at + 1}] = {self.inputs[at + 1]:g} follows {self.inputs[at]:g}"
            )

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock = clock
        self._slopes = np.diff(self.outputs) / np.diff(self.inputs)

    def convert(self, signal: Rates) -> Rates:
        check_rates(signal, "TableLookup")
        outside = (signal.hz < self.inputs[0]) | (signal.hz > self.inputs[-1])
        if not self.clip and outside.any():
            tick, line = (int(k) for k in np.argwhere(outside)[0])
            raise DivergedError(
                f"TableLookup: rate of line {line} is {signal.hz[tick, line]:g} Hz at tick "
                f"{signal.window.start + tick}, outside of the table's {self.inputs[0]:g} to {self.inputs[-1]:g} Hz; "
                f"extend the table, or give clip=True"
            )
        return self._looked_up(signal)

    def expected(self, signal: Rates) -> Moments:
        total = self._looked_up(signal).total(self._clock)
        return Moments(total, np.zeros_like(total))

    def _looked_up(self, signal: Rates) -> Rates:
        inside: FloatArray = np.clip(signal.hz, self.inputs[0], self.inputs[-1])
        entry = np.clip(np.searchsorted(self.inputs, inside, side="right") - 1, 0, len(self._slopes) - 1)
        hz = self.outputs[entry] + self._slopes[entry] * (inside - self.inputs[entry])
        return Rates(signal.window, signal.size, hz)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "inputs": self.inputs.tolist(), "outputs": self.outputs.tolist()}
