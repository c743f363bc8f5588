"""Rates, currents or states that follow a plan, for any port that takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.clock import Clock, Window
from hybrid.component import Component, State
from hybrid.errors import ConfigurationError, unknown
from hybrid.ports import Port
from hybrid.signals import ArraySignal, Currents, Rates, Signal, States
from hybrid.stimulus.lines import lines_of
from hybrid.stimulus.waveforms import waveform_of
from hybrid.units import FloatArray

_PORTS: dict[str, tuple[str, type[ArraySignal]]] = {"Hz": ("rate", Rates), "nA": ("current", Currents)}


class Stimulus(Component):
    """Sends values by a plan: rates through its port ``rate``, to a network's ``drive`` or, made into spikes, to a circuit;
    or, by its unit, currents through ``current`` or any other variable through ``state``, to an ``Injection``.

    Several stimuli connected to one port add up. What a rate does to a node is the model's ``drive_gain``. The connection's
    delay counts for the window as any other does: one of a single tick makes all windows as short, so give it that of the
    shortest tract, and let the stimulus start as much earlier.

    Parameters
    ----------
    lines: how many lines the port has, or their labels (``connectome.labels``).
    waveform: :class:`Pulse`, :class:`Train`, :class:`Sinusoid` or :class:`Samples` of rates; of any unit :class:`Constant`
        (or just a number, or one a line), :class:`Steps`, :class:`Function` (or just a function of the time in ms); a
        :class:`Waveform` of your own; or a dictionary with the name of one as ``kind`` and its parameters, as in an
        experiment file. Times must be whole ticks, rates not below 0.
    regions: labels of the lines that are stimulated, by default all; the others get 0. The columns of values
        ``[tick, line]`` are these lines, in this order.
    unit: ``"Hz"``, ``"nA"``, or that of any other variable, as the port it is connected to has it (``"nS"``, ``"mV"``).
    """

    def __init__(
        self,
        name: str,
        lines: int | Sequence[str],
        waveform: Any,
        *,
        regions: str | Sequence[str] | None = None,
        unit: str = "Hz",
    ) -> None:
        size, labels = lines_of(name, lines)
        self.name, self.unit = name, unit
        self.waveform = waveform_of(waveform, f"{name}: waveform")
        if not isinstance(unit, str) or not unit:
            raise ConfigurationError(f"{name}: unit = {unit!r}; give 'Hz', 'nA', or the unit of a port in words")
        if self.waveform.unit not in ("", unit):
            raise ConfigurationError(
                f"{name}: {type(self.waveform).__name__} gives {self.waveform.unit}, not {unit}; take Constant, Steps or a "
                f"function of the time"
            )
        port, kind = _PORTS.get(unit, ("state", States))
        self.inputs = {}
        self.outputs = {port: Port(name, port, kind, size, "out", unit=unit, labels=labels)}
        chosen = labels if regions is None else (regions,) if isinstance(regions, str) else tuple(regions)
        if regions is not None and not labels:
            raise ConfigurationError(
                f"{name}: regions are chosen by label, but its lines have none; give labels as lines"
            )
        for label in chosen:
            if label not in labels:
                raise unknown(f"{name}: region", label, labels)
        self.stimulated = None if regions is None else chosen
        self._columns = [labels.index(label) for label in chosen] if labels else list(range(size))
        self._clock: Clock | None = None

    def prepare(self, clock: Clock, rng: np.random.Generator) -> None:
        self._values(Window(0, 1), clock)  # refuses what does not fit
        self._clock = clock

    def advance(self, window: Window, inputs: Mapping[str, Signal]) -> dict[str, Signal]:
        if self._clock is None:
            raise ConfigurationError(f"{self.name} is not prepared; it cannot advance over {window}")
        ((name, port),) = self.outputs.items()
        values = np.zeros((len(window), port.size))
        values[:, self._columns] = self._values(window, self._clock)
        return {name: port.kind.from_payload(window, port.size, (values,))}

    def _values(self, window: Window, clock: Clock) -> FloatArray:
        """``[tick, stimulated line]``, or ``[tick, 1]`` for all alike."""
        values = np.asarray(self.waveform.values(window, clock), dtype=np.float64)
        if not len(window):
            return np.zeros((0, 1))
        shape, values = values.shape, values[:, None] if values.ndim == 1 else values
        if values.shape not in ((len(window), 1), (len(window), len(self._columns))):
            raise ConfigurationError(
                f"{self.name}: {type(self.waveform).__name__} gives values {list(shape)} for {len(window)} ticks and "
                f"{len(self._columns)} lines; give [tick] or one column for each line"
            )
        if self.unit == "Hz" and (values < 0.0).any():
            raise ConfigurationError(
                f"{self.name}: {type(self.waveform).__name__} gives the rate {values[values < 0.0][0]:g} Hz; "
                f"no rate is below 0"
            )
        return values

    def state(self) -> State:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """A value depends on its tick only."""

    def describe(self) -> dict[str, Any]:
        described = {"kind": "Stimulus", "waveform": self.waveform.describe()}
        described |= {} if self.unit == "Hz" else {"unit": self.unit}
        return described | ({} if self.stimulated is None else {"regions": list(self.stimulated)})
