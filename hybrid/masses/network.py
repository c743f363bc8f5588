"""Regions as neural masses on a connectome: one component, one compiled kernel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.clock import Clock, Window
from hybrid.component import Component, State, check_fits, first_not_finite
from hybrid.connectome import Connectome
from hybrid.errors import CheckpointError, ConfigurationError, DivergedError, unknown
from hybrid.masses.arguments import check_arguments
from hybrid.masses.compiled.compiler import Scheme
from hybrid.masses.compiled.engine import Engine
from hybrid.masses.coupling import Coupling
from hybrid.masses.model import MassModel
from hybrid.masses.noise import Noise
from hybrid.masses.origin import Initial, initial_state, past, states
from hybrid.masses.parts import Joint, delays_in_steps, groups_of, initial_of, model_of, noise_of
from hybrid.ports import Port
from hybrid.signals import Rates, Signal, States
from hybrid.units import FloatArray, number

INTEGRATORS = ("euler", "heun", "rk4")
IN_STEP = ("held", "interpolated")
DELAYS = ("rounded", "interpolated")
DESCRIBED_REGIONS = 256  # whose weights are kept with the results


class MassNetwork(Component):
    """One neural mass for each region of a connectome, coupled over its tracts with their delays.

    Port ``drive`` takes rates, one for each region. Port ``rate`` gives the firing rates, and one port for each of the
    model's variables, of that variable's name, gives the states. What stands at tick t of an output is the state at the
    *start* of tick t, so tick 0 shows the initial state; the drive of tick t acts over the step from t to t + 1.

    A step is a tick, or a part of it. As in The Virtual Brain the delayed sum over the other nodes is evaluated once a
    step, at its start, as is the node's own state in a :class:`~hybrid.masses.coupling.Difference`, and held over it: then
    every integrator is of first order in what arrives, Heun's of second and "rk4" of fourth in all else.
    ``coupling_in_step="interpolated"`` uses what arrives at the start and at the end of the step, which is known as no delay
    is below a step, and the node's own state in each stage: of second order then. With noise "euler" is the method of Euler
    and Maruyama, "heun" the stochastic Heun method (Mannella 2002); "rk4" spreads each kick evenly over its step.

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
    history: what was before tick 0, where delays reach back to: states ``[variable, step, region]`` whose last is the
        one before tick 0, at least as many as the longest delay has; or a function of the time in ms (below 0) whose value
        is anything that ``initial`` takes. By default every node has always been in its initial state. Without ``initial``
        a function also gives the state at tick 0.
    coupling_in_step: "held" or "interpolated".
    delays: "rounded" to the nearest step, or "interpolated" linearly between the two steps around them.
    dt_ms: length of a step; the tick must be a whole multiple of it. By default a step is a tick.
    whole: the connectome of which this network's is a part. What regions outside of it send then arrives through the port
        ``others``; :meth:`hybrid.Brain.join` connects the parts, :meth:`in_parts` makes them.
    threads: how many share in the sums over delayed neighbours, where there are 50,000 pairs or more. They change the time it
        takes and nothing else.
    """

    streams = ("noise_key",)

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
        dt_ms: Any = None,
        whole: Connectome | None = None,
        threads: int = 1,
    ) -> None:
        check_arguments(name, connectome, model, coupling, noise, whole)
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
        self._felt = self.coupling.felt(model.variables, model.coupled, model.felt())  # refuses unknown variables
        self.integrator = integrator
        self.coupling_in_step = coupling_in_step
        self.delays = delays
        self.noise = noise
        self.initial = initial
        self.history = history
        self.dt_ms = None if dt_ms is None else number(dt_ms, "ms", f"{name}: dt_ms", positive=True)
        self.threads = int(number(threads, "1", f"{name}: threads", at_least=1.0))
        if whole is not None and (coupling_in_step != "held" or history is not None):
            raise ConfigurationError(
                f"{name}: a part of a whole takes coupling_in_step='held' and no history; what other parts send is known from "
                f"tick to tick, and from tick 0 on"
            )
        n, labels = len(connectome.labels), tuple(connectome.labels)
        self._history = history if history is None or callable(history) else states(name, model, n, history)
        if callable(history) and initial is None:
            initial = history(0.0)
        self._initial = initial_state(f"{name}: initial", model, n, initial)
        self._noise_sigma = noise.rows(model.variables, n) if noise is not None else np.zeros((len(model.variables), n))
        self._parameters = model.parameter_rows(n)
        self.regions = labels
        self.inputs = {"drive": Port(name, "drive", Rates, n, "in", labels=labels)}
        self.outputs = {"rate": Port(name, "rate", Rates, n, "out", labels=labels)} | {
            variable: Port(name, variable, States, n, "out", unit=model.units.get(variable, ""), labels=labels)
            for variable in model.variables
        }
        self.joint: Joint | None = None
        if whole is not None:
            self._be_part_of(whole)
        self._engine: Engine | None = None
        self.wanted: frozenset[str] | None = None

    def prepare(self, clock: Clock, rng: np.random.Generator) -> None:
        self.close()
        self.wanted = None
        self._tick = 0
        self._steps = 1 if self.dt_ms is None else clock.steps_per_tick(self.dt_ms, self.name)
        self._clock = Clock(clock.tick_ms / self._steps)
        noise, step_ms = self.noise, self._clock.tick_ms
        self._engine = Engine(
            self.model,
            self._parameters,
            weights=self.connectome.weights,
            delays=delays_in_steps(self.connectome.lengths_mm, self.speed_m_s, self._clock, self.delays, self.name),
            coupling=self.coupling,
            h=step_ms / self.model.time_unit_ms,
            scheme=self._scheme(),
            sigma=self._noise_sigma,
            key=rng.integers(2**64, dtype=np.uint64),
            tau_ticks=noise.tau_ms / step_ms if noise is not None and noise.tau_ms is not None else None,
            initial=self._initial,
            past=self._past() if self._history is not None else None,
            pull=None if self.joint is None else self.joint.pull,
            threads=self.threads,
        )
        if self.joint is not None:
            self.joint.prepare(clock, self._engine.block)

    def _scheme(self) -> Scheme:
        multiplicative = self.noise is not None and self.noise.multiplicative
        return Scheme(self.integrator, self.coupling_in_step == "held", multiplicative, joined=self.joint is not None)

    def _be_part_of(self, whole: Connectome) -> None:
        self.joint = Joint(
            self.name,
            whole,
            self.regions,
            self._felt.size * (2 if self.coupling.sine else 1),
            speed_m_s=self.speed_m_s,
            delays=self.delays,
            dt_ms=self.dt_ms,
            initially_sent=self._initially_sent,
        )
        self.inputs["others"], self.outputs["sent"] = self.joint.others, self.joint.sent

    @classmethod
    def in_parts(
        cls,
        name: str,
        connectome: Connectome,
        model: MassModel,
        *,
        parts: int | Sequence[Sequence[str]],
        **options: Any,
    ) -> list[MassNetwork]:
        """One network as several components, ``name_0``, ``name_1``, ..., which :meth:`hybrid.Brain.join` connects.

        They may live on different ranks. Sums over neighbours are taken part by part, so how many parts there are decides
        the last digits, and noise follows from the name of each part; on how many ranks they live decides nothing.

        Parameters
        ----------
        parts: how many, of consecutive regions; or the labels of each.
        options: as for a network; arrays are those of all regions.
        """
        check_arguments(name, connectome, model, options.get("coupling"), options.get("noise"))
        n = len(connectome)
        made = []
        for k, group in enumerate(groups_of(name, connectome, parts)):
            own = dict(options)
            for option, cut in (("noise", noise_of), ("initial", initial_of)):
                own[option] = cut(options.get(option), group, n)  # type: ignore[operator]
            regions = connectome.only(*(connectome.labels[i] for i in group))
            made.append(cls(f"{name}_{k}", regions, model_of(model, group, n), whole=connectome, **own))
        return made

    def _initially_sent(self, clock: Clock, block: int) -> FloatArray:
        """What others feel of each region in its initial state, ``[feature, region]``."""
        n = len(self.regions)
        engine = Engine(
            self.model,
            self._parameters,
            weights=np.zeros((n, n)),
            delays=np.ones((n, n), np.int64),
            coupling=self.coupling,
            h=clock.tick_ms / self.model.time_unit_ms,
            scheme=self._scheme(),
            sigma=self._noise_sigma,
            key=np.uint64(0),
            initial=self._initial,
            block=block,
        )
        return engine.initially_sent

    def _past(self) -> Callable[[int], FloatArray]:
        return lambda steps: past(self.name, self.model, len(self.regions), self._history, steps, self._clock)

    def advance(self, window: Window, inputs: Mapping[str, Signal]) -> dict[str, Signal]:
        """All regions through ``window``; ``DivergedError`` names the first state that is not finite."""
        if self._engine is None or window.start != self._tick:
            where = "is not prepared" if self._engine is None else f"stands at tick {self._tick}"
            raise ConfigurationError(f"{self.name} {where}; it cannot advance over {window}")
        drive, k = inputs["drive"], self._steps
        assert isinstance(drive, Rates)
        drive_hz, others = drive.hz, None if self.joint is None else self.joint.heard(window, inputs["others"])
        if k > 1:
            drive_hz, others = drive_hz.repeat(k, axis=0), None if others is None else others.repeat(k, axis=0)
        trajectory, sent, finite = self._engine.advance(k * window.start, k * window.stop, drive_hz, others)
        if not finite:
            raise self._diverged(k * window.start, trajectory)
        self._tick = window.stop
        if k > 1:
            trajectory, sent = np.ascontiguousarray(trajectory[:, ::k]), np.ascontiguousarray(sent[::k])
        n, wanted = len(self.regions), self.wanted
        outputs: dict[str, Signal] = {}
        if wanted is None or "rate" in wanted:
            outputs["rate"] = Rates(window, n, self.model.rate_hz(trajectory))
        for variable, values in zip(self.model.variables, trajectory, strict=True):
            if wanted is None or variable in wanted:
                outputs[variable] = States.of(window, n, values)
        if self.joint is not None:
            outputs["sent"] = States.of(window, self.joint.sent.size, sent)
        return outputs

    def want(self, outputs: Collection[str]) -> None:
        """From now on :meth:`advance` may leave out all other outputs; until it is told, it gives all."""
        for name in outputs:
            self[name]  # raises if there is no such port
        self.wanted = frozenset(outputs)

    def _diverged(self, start: int, trajectory: FloatArray) -> DivergedError:
        """``start`` and the times of ``trajectory`` are steps."""
        assert self._engine is not None
        until_now = np.concatenate([trajectory, self._engine.state[:, None]], axis=1).transpose(1, 2, 0)
        where = first_not_finite(until_now)
        assert where is not None
        tick, node, variable = where
        return DivergedError(
            f"{self.name}: {self.model.variables[variable]} of {self.connectome.labels[node]} became "
            f"{until_now[where]} at {self._clock.ms(start + tick):g} ms; use shorter steps (dt_ms, now "
            f"{self._clock.tick_ms:g} ms) or a weaker coupling (now strength {self.coupling.strength:g})"
        )

    def state(self) -> State:
        if self._engine is None:
            raise ConfigurationError(f"{self.name} is not prepared; it has no state yet")
        return {"tick": np.array(self._tick), **self._engine.saved(self._steps * self._tick)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        if self._engine is None:
            raise ConfigurationError(f"{self.name} is not prepared; prepare() it before restore()")
        check_fits(self.name, state, {"tick": np.array(0)})
        tick = int(state["tick"])
        if tick < 0:
            raise CheckpointError(f"{self.name}: the state is of tick {tick}; time begins at 0")
        self._engine.restore(self._steps * tick, state)
        self._tick = tick

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def describe(self) -> dict[str, Any]:
        return {
            "kind": type(self).__name__,
            "model": self.model.describe(),
            "coupling": self.coupling.describe(),
            "speed_m_s": self.speed_m_s,
            "integrator": self.integrator,
            "coupling_in_step": self.coupling_in_step,
            "delays": self.delays,
            "dt_ms": self.dt_ms,
            "whole": None if self.joint is None else self.joint.whole.describe(),
            "noise": self.noise.describe() if self.noise is not None else None,
            "initial": self._initial.tolist() if self.initial is not None else None,
            "history": None if self.history is None else "function" if callable(self.history) else "states",
            "connectome": self.connectome.describe(),
            **_weights(self.connectome),
        }


def _weights(connectome: Connectome) -> dict[str, Any]:
    """The weights ``[target, source]``, as long as they are few enough to stand in a text."""
    return {"weights": connectome.weights.tolist()} if len(connectome) <= DESCRIBED_REGIONS else {}
