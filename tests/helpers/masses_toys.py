"""Small models and connectomes for the tests of masses, and a reference that computes the slow, obvious way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from toys import silent_inputs

from hybrid.clock import Clock, Window
from hybrid.connectome import Connectome
from hybrid.masses import Coupling, Linear, MassModel, MassNetwork
from hybrid.random import named_stream
from hybrid.signals import Rates


def relaxation(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    (x,) = state
    return (-x / p.tau_ms + coupling[0] + p.gain * drive_hz,)


@dataclass(frozen=True, eq=False)
class Relaxation(MassModel):
    """dx/dt = -x/tau + coupling + gain * drive."""

    variables: ClassVar[tuple[str, ...]] = ("x",)
    coupled: ClassVar[tuple[str, ...]] = ("x",)
    rhs = staticmethod(relaxation)
    tau_ms: Any = 1e300
    gain: Any = 1.0

    def rate_hz(self, state: Any) -> Any:
        return abs(state[0])


def oscillator(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    x, y, w = state
    return x - x * x * x / 3.0 - y + 0.6 + coupling[0], p.k * (x + 0.7 - 0.8 * y), 0.2 * (x - w) + 0.1 * coupling[1]


@dataclass(frozen=True, eq=False)
class Oscillator(MassModel):
    """FitzHugh and Nagumo's oscillator with a filter; others feel two of its variables, not in order."""

    variables: ClassVar[tuple[str, ...]] = ("x", "y", "w")
    coupled: ClassVar[tuple[str, ...]] = ("w", "x")
    default_coupling: ClassVar[Coupling] = Linear(0.1)
    rhs = staticmethod(oscillator)
    k: Any = 0.1

    def rate_hz(self, state: Any) -> Any:
        return 10.0 * abs(state[0])


def one_node() -> Connectome:
    return Connectome(("a",), np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((1, 3)))


def nodes(n: int, seed: int = 0, density: float = 0.5, longest_mm: float = 40.0, near: int = 20) -> Connectome:
    """Random tracts of 0.1 mm to ``longest_mm``: at 1 m/s and ticks of 0.1 ms, 1 tick and more.

    If ``longest_mm`` is above 10, one in ``near`` is below a quarter of it, the others are above: at most speeds these exceed
    the longest block, as those of a single node and of parts do, so that the tests share their kernels.
    """
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.1, 1.0, (n, n)) * (rng.random((n, n)) < density)
    some_mm = longest_mm / 4 if longest_mm > 10.0 else 0.1
    lengths = rng.uniform(some_mm, longest_mm, (n, n))
    if longest_mm > 10.0:
        pairs = np.argwhere(weights)[near - 1 :: near]
        lengths[tuple(pairs.T)] = rng.uniform(0.1, some_mm, len(pairs))
    return Connectome(tuple(f"r{k}" for k in range(n)), weights, lengths, rng.normal(size=(n, 3)))


def prepared(network: MassNetwork, tick_ms: float = 0.1, seed: int = 1) -> MassNetwork:
    network.prepare(Clock(tick_ms), named_stream(seed, "component", network.name))
    return network


def lived(network: MassNetwork, ticks: int, cuts: int | None = None, drive_hz: Any = None) -> dict[str, Any]:
    """The outputs over ``ticks`` ticks as arrays ``[tick, node]``, in windows of ``cuts`` ticks."""
    parts = []
    for window in Window(network._tick, network._tick + ticks).cut(cuts or ticks):
        inputs = silent_inputs(network, window)
        if drive_hz is not None:
            inputs["drive"] = Rates(window, network.inputs["drive"].size, drive_hz[window.start : window.stop])
        parts.append(network.advance(window, inputs))
    return {name: np.concatenate([part[name].values for part in parts]) for name in network.outputs}


def reference(model: MassModel, connectome: Connectome, coupling: Coupling, integrator: str, initial: Any, ticks: int,
              speed_m_s: float = 1.0, tick_ms: float = 0.1) -> Any:  # fmt: skip
    """``[tick, variable, node]``: one pair, one tick at a time, with the whole past kept."""
    delays = np.maximum(np.rint(connectome.lengths_mm / speed_m_s / tick_ms), 1).astype(int)
    weights, n = connectome.weights, len(connectome.labels)
    h = tick_ms / model.time_unit_ms
    states = np.empty((ticks, *initial.shape))
    states[0] = initial
    for t in range(ticks - 1):
        x = states[t]
        received = np.zeros_like(x)
        for variable in model.coupled:
            v = model.variables.index(variable)
            for i in range(n):
                total = 0.0
                for j in range(n):
                    past = states[max(t - delays[i, j], 0), v, j]
                    total += weights[i, j] * (past - (x[v, i] if coupling.differs else 0.0))
                received[v, i] = coupling.strength * total + coupling.offset
        slope = model.derivatives(x, received)
        if integrator == "heun":
            slope = 0.5 * (slope + model.derivatives(x + h * slope, received))
        states[t + 1] = x + h * slope
    return states
