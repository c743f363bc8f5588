"""Regions as neural masses on a connectome: one component, one compiled kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.clock import Clock, Window
from hybrid.component import Component, State, first_not_finite
from hybrid.errors import ConfigurationError, DivergedError, unknown
from hybrid.masses.coupling import Coupling
from hybrid.masses.engine import Engine
from hybrid.masses.model import MassModel
from hybrid.masses.noise import Noise, one_for_each
from hybrid.ports import Port
from hybrid.signals import Rates, Signal, States
from hybrid.units import FloatArray, array, number

if TYPE_CHECKING:
    from hybrid.connectome import Connectome

INTEGRATORS = ("euler", "heun")
DESCRIBED_REGIONS = 256  # whose weights are kept with the results


class MassNetwork(Component):
    """One neural mass for each region of a connectome, coupled over its tracts with their delays.

    Port ``drive`` takes rates, one for each region. Port ``rate`` gives the firing rates, and one port for each of the
    model's variables, of that variable's name, gives the states. What stands at tick t of an output is the state at the
    *start* of tick t, so tick 0 shows the initial state; the drive of tick t acts over the step from t to t + 1. Before
    tick 0 every node has always been in its initial state: that is what delays reach back to.

    A step is a tick. The delayed sum over the other nodes is evaluated once a step, at its start, as is the node's own
    state in a :class:`~hybrid.masses.coupling.Difference`; both stages of Heun's method use it. For constant coupling
    Heun's method is of second order, Euler's of first. With noise the same schemes are those of Euler and Maruyama and
    the stochastic Heun method (Mannella 2002, additive noise).

    Parameters
    ----------
    connectome: regions, weights and tract lengths; weights are used as they are, in the order ``[target, source]``.
    model: the equations and their parameters, numbers or arrays ``[region]``.
    speed_m_s: of conduction, metres per second (= mm/ms). Delays are rounded to ticks and never below one.
    coupling: how the sum over the others is scaled; by default ``model.default_coupling``.
    integrator: "heun" or "euler".
    noise: white noise on some variables.
    initial: the state at tick 0 (and before), ``[variable, region]``, or a dictionary that replaces some variables of
        ``model.initial``, each by a number or one value for each region.
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
        initial: ArrayLike | Mapping[str, ArrayLike] | None = None,
    ) -> None:
        if integrator not in INTEGRATORS:
            raise unknown(f"{name}: integrator", integrator, INTEGRATORS)
        self.name = name
        self.connectome = connectome
        self.model = model
        self.speed_m_s = number(speed_m_s, "m_s", f"{name}: speed_m_s", positive=True)
        self.coupling = coupling if coupling is not None else model.default_coupling
        self.integrator = integrator
        self.noise = noise
        self.initial = initial
        n, labels = len(connectome.labels), tuple(connectome.labels)
        self._initial = _initial_state(name, model, n, initial)
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
        delays = clock.ticks_of(self.connectome.delays_ms(self.speed_m_s, clock.tick_ms), f"{self.name}: delays")
        self._engine = Engine(
            self.model,
            self._parameters,
            weights=self.connectome.weights,
            delays=delays,
            coupling=self.coupling,
            h=clock.tick_ms / self.model.time_unit_ms,
            heun=self.integrator == "heun",
            sigma=self._noise_sigma,
            key=rng.integers(2**64, dtype=np.uint64),
            initial=self._initial,
        )
        self._engine.advance(0, 0, np.zeros((0, len(self.regions))))  # compiles now, and not in the first window

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
            "noise": self.noise.describe() if self.noise is not None else None,
            "initial": self._initial.tolist() if self.initial is not None else None,
            "connectome": self.connectome.describe(),
            **_weights(self.connectome),
        }


def _initial_state(
    name: str, model: MassModel, n: int, given: ArrayLike | Mapping[str, ArrayLike] | None
) -> FloatArray:
    """``[variable, node]`` from what the user gave."""
    state = np.array(model.initial(n), dtype=np.float64)
    if given is None:
        return state
    if not isinstance(given, Mapping):
        state = array(given, "1", f"{name}: initial")
        if state.shape != (len(model.variables), n):
            raise ConfigurationError(
                f"{name}: initial has shape {state.shape}; it must be [variable, region] = {[len(model.variables), n]}"
            )
        return state
    for variable, value in given.items():
        if variable not in model.variables:
            raise unknown(f"{name}: initial of variable", variable, model.variables)
        state[model.variables.index(variable)] = one_for_each(value, n, f"{name}: initial {variable}")
    return state


def _weights(connectome: Connectome) -> dict[str, Any]:
    """The weights ``[target, source]``, as long as they are few enough to stand in a text."""
    return {"weights": connectome.weights.tolist()} if len(connectome) <= DESCRIBED_REGIONS else {}
