"""Regions as neural masses on a connectome: one component, one compiled kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.clock import Clock, Window
from hybrid.component import Component, State, first_not_finite
from hybrid.errors import ConfigurationError, DivergedError, unknown
from hybrid.masses.compiled import Scheme
from hybrid.masses.coupling import Coupling
from hybrid.masses.engine import Engine
from hybrid.masses.model import MassModel
from hybrid.masses.noise import Noise, one_for_each
from hybrid.ports import Port
from hybrid.signals import Rates, Signal, States
from hybrid.units import FloatArray, array, number

if TYPE_CHECKING:
    from hybrid.connectome import Connectome

INTEGRATORS = ("euler", "heun", "rk4")
IN_STEP = ("held", "interpolated")
DELAYS = ("rounded", "interpolated")
Initial = ArrayLike | Mapping[str, ArrayLike]
DESCRIBED_REGIONS = 256  # whose weights are kept with the results


class MassNetwork(Component):
    """One neural mass for each region of a connectome, coupled over its tracts with their delays.

    Port ``drive`` takes rates, one for each region. Port ``rate`` gives the firing rates, and one port for each of the
    model's variables, of that variable's name, gives the states. What stands at tick t of an output is the state at the
    *start* of tick t, so tick 0 shows the initial state; the drive of tick t acts over the step from t to t + 1.

    A step is a tick. As in The Virtual Brain the delayed sum over the other nodes is evaluated once a step, at its start,
    as is the node's own state in a :class:`~hybrid.masses.coupling.Difference`, and held over it: then every integrator
    is of first order in what arrives, Heun's of second and "rk4" of fourth in all else. ``coupling_in_step="interpolated"``
    uses what arrives at the start and at the end of the step, which is known as no delay is below a tick, and the node's
    own state in each stage: of second order then. With noise "euler" is the method of Euler and Maruyama, "heun" the
    stochastic Heun method (Mannella 2002); "rk4" spreads each kick evenly over its step.

    Parameters
    ----------
    connectome: regions, weights and tract lengths; weights are used as they are, in the order ``[target, source]``.
    model: the equations and their parameters, numbers or arrays ``[region]``.
    speed_m_s: of conduction, metres per second (= mm/ms). Delays are never below one tick.
    coupling: how the sum over the others is scaled; by default ``model.default_coupling``.
    integrator: "heun", "euler" or "rk4".
    noise: white or coloured, on some variables.
    initial: the state at tick 0, ``[variable, region]``, or a dictionary that replaces some variables of
        ``model.initial``, each by a number or one value for each region.
    history: what was before tick 0, where delays reach back to: states ``[variable, tick, region]`` whose last tick is the
        one before tick 0, at least as many as the longest delay has; or a function of the time in ms (below 0) whose value
        is anything that ``initial`` takes. By default every node has always been in its initial state. Without ``initial``
        a function also gives the state at tick 0.
    coupling_in_step: "held" or "interpolated".
    delays: "rounded" to the nearest tick, or "interpolated" linearly between the two ticks around them.
    """

    def __init__(
        self,
        name: str,
        connectome: Connectome,
        model: MassModel,
        *,
        speed_m_s: Any = 3.0,
        coupling: Coupling | None = None,
        integrator: str = "heun",
        noise: Noise | None = None,
        initial: Initial | None = None,
        history: ArrayLike | Callable[[float], Initial] | None = None,
        coupling_in_step: str = "held",
        delays: str = "rounded",
    ) -> None:
        for what, given, known in (
            ("integrator", integrator, INTEGRATORS),
            ("coupling_in_step", coupling_in_step, IN_STEP),
            ("delays", delays, DELAYS),
        ):
            if given not in known:
                raise unknown(f"{name}: {what}", given, known)
        self.name = name
        self.connectome = connectome
        self.model = model
        self.speed_m_s = number(speed_m_s, "m_s", f"{name}: speed_m_s", positive=True)
        self.coupling = coupling if coupling is not None else model.default_coupling
        self.coupling.felt(model)  # refuses unknown variables
        self.integrator = integrator
        self.coupling_in_step = coupling_in_step
        self.delays = delays
        self.noise = noise
        self.initial = initial
        self.history = history
        n, labels = len(connectome.labels), tuple(connectome.labels)
        self._history = history if history is None or callable(history) else self._states(history, n)
        if callable(history) and initial is None:
            initial = history(0.0)
        self._initial = _initial_state(f"{name}: initial", model, n, initial)
        self._noise_sigma = noise.rows(model.variables, n) if noise is not None else np.zeros((len(model.variables), n))
        self._parameters = model.parameter_rows(n)
        self.regions = labels
        self.inputs = {"drive": Port(name, "drive", Rates, n, "in", labels=labels)}
        self.outputs = {"rate": Port(name, "rate", Rates, n, "out", labels=labels)} | {
            variable: Port(name, variable, States, n, "out", unit=model.units.get(variable, ""), labels=labels)
            for variable in model.variables
        }
        self._engine: Engine | None = None

    def prepare(self, clock: Clock, rng: np.random.Generator) -> None:
        self._clock = clock
        self._tick = 0
        noise = self.noise
        self._engine = Engine(
            self.model,
            self._parameters,
            weights=self.connectome.weights,
            delays=self._delays(),
            coupling=self.coupling,
            h=clock.tick_ms / self.model.time_unit_ms,
            scheme=Scheme(self.integrator, self.coupling_in_step == "held", noise is not None and noise.multiplicative),
            sigma=self._noise_sigma,
            key=rng.integers(2**64, dtype=np.uint64),
            tau_ticks=noise.tau_ms / clock.tick_ms if noise is not None and noise.tau_ms is not None else None,
            initial=self._initial,
            past=self._past if self._history is not None else None,
        )
        self._engine.advance(0, 0, np.zeros((0, len(self.regions))))  # compiles now, and not in the first window

    def _delays(self) -> NDArray[Any]:
        """``[target, source]`` in ticks, whole ones if they are rounded."""
        tick_ms = self._clock.tick_ms
        if self.delays == "rounded":
            return self._clock.ticks_of(self.connectome.delays_ms(self.speed_m_s, tick_ms), f"{self.name}: delays")
        ticks = np.maximum(self.connectome.lengths_mm / self.speed_m_s / tick_ms, 1.0)
        whole = np.rint(ticks)
        return np.where(np.isclose(ticks, whole, rtol=0.0, atol=1e-6), whole, ticks)

    def _states(self, history: ArrayLike, n: int) -> FloatArray:
        states = array(history, "1", f"{self.name}: history")
        if states.ndim != 3 or states.shape[::2] != (len(self.model.variables), n):
            raise ConfigurationError(
                f"{self.name}: history has shape {list(states.shape)}; it must be [variable, tick, region] = "
                f"[{len(self.model.variables)}, ticks, {n}]"
            )
        return states

    def _past(self, ticks: int) -> FloatArray:
        """The states ``[variable, tick, region]`` of so many ticks before tick 0."""
        given, n = self._history, len(self.regions)
        if callable(given):
            times = [self._clock.ms(k) for k in range(-ticks, 0)]
            states = [_initial_state(f"{self.name}: history({t:g})", self.model, n, given(t)) for t in times]
            return np.stack(states, axis=1) if states else np.zeros((len(self.model.variables), 0, n))
        assert given is not None
        if given.shape[1] < ticks:
            raise ConfigurationError(
                f"{self.name}: history has {given.shape[1]} ticks, but the longest delay reaches back {ticks}; give as many"
            )
        return given[:, given.shape[1] - ticks :]

    def advance(self, window: Window, inputs: Mapping[str, Signal]) -> dict[str, Signal]:
        """All regions through ``window``; ``DivergedError`` names the first state that is not finite."""
        if self._engine is None or window.start != self._tick:
            where = "is not prepared" if self._engine is None else f"stands at tick {self._tick}"
            raise ConfigurationError(f"{self.name} {where}; it cannot advance over {window}")
        drive = inputs["drive"]
        assert isinstance(drive, Rates)
        trajectory, finite = self._engine.advance(window.start, window.stop, drive.hz)
        if not finite:
            raise self._diverged(window.start, trajectory)
        self._tick = window.stop
        n = self.inputs["drive"].size
        outputs: dict[str, Signal] = {"rate": Rates(window, n, self.model.rate_hz(trajectory))}
        for variable, values in zip(self.model.variables, trajectory, strict=True):
            outputs[variable] = States(window, n, values)
        return outputs

    def _diverged(self, start: int, trajectory: FloatArray) -> DivergedError:
        assert self._engine is not None
        until_now = np.concatenate([trajectory, self._engine.state[:, None]], axis=1).transpose(1, 2, 0)
        where = first_not_finite(until_now)
        assert where is not None
        tick, node, variable = where
        return DivergedError(
            f"{self.name}: {self.model.variables[variable]} of {self.connectome.labels[node]} became "
            f"{until_now[where]} at {self._clock.ms(start + tick):g} ms; use a smaller tick (now "
            f"{self._clock.tick_ms:g} ms) or a weaker coupling (now strength {self.coupling.strength:g})"
        )

    def state(self) -> State:
        if self._engine is None:
            raise ConfigurationError(f"{self.name} is not prepared; it has no state yet")
        return {"tick": np.array(self._tick), **self._engine.saved(self._tick)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        if self._engine is None:
            raise ConfigurationError(f"{self.name} is not prepared; prepare() it before restore()")
        self._tick = int(state["tick"])
        self._engine.restore(self._tick, state)

    def describe(self) -> dict[str, Any]:
        return {
            "kind": type(self).__name__,
            "model": self.model.describe(),
            "coupling": self.coupling.describe(),
            "speed_m_s": self.speed_m_s,
            "integrator": self.integrator,
            "coupling_in_step": self.coupling_in_step,
            "delays": self.delays,
            "noise": self.noise.describe() if self.noise is not None else None,
            "initial": self._initial.tolist() if self.initial is not None else None,
            "history": None if self.history is None else "function" if callable(self.history) else "states",
            "connectome": self.connectome.describe(),
            **_weights(self.connectome),
        }


def _initial_state(what: str, model: MassModel, n: int, given: Initial | None) -> FloatArray:
    """``[variable, node]`` from what the user gave."""
    state = np.array(model.initial(n), dtype=np.float64)
    if given is None:
        return state
    if not isinstance(given, Mapping):
        state = array(given, "1", what)
        if state.shape != (len(model.variables), n):
            raise ConfigurationError(
                f"{what} has shape {state.shape}; it must be [variable, region] = {[len(model.variables), n]}"
            )
        return state
    for variable, value in given.items():
        if variable not in model.variables:
            raise unknown(f"{what} of variable", variable, model.variables)
        state[model.variables.index(variable)] = one_for_each(value, n, f"{what} {variable}")
    return state


def _weights(connectome: Connectome) -> dict[str, Any]:
    """The weights ``[target, source]``, as long as they are few enough to stand in a text."""
    return {"weights": connectome.weights.tolist()} if len(connectome) <= DESCRIBED_REGIONS else {}
