"""The same networks of masses in other programs, ready to be timed.

Each function prepares a network and returns what takes it so many steps on and gives ``states[variable, step, node]``,
the first time from the initial state. What a program does once (reading, compiling, looking up delays) is not timed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.timing import SPEED_M_S, TICK_MS
from hybrid.connectome import Connectome
from hybrid.masses import MassModel
from hybrid.units import FloatArray

Run = Callable[[], FloatArray]
OU_MS = 5.0  # time of correlation of the noise in Wilson-Cowan networks


class Problem(NamedTuple):
    connectome: Connectome
    model: MassModel
    strength: float
    initial: FloatArray  # [variable, node]
    sigma: dict[str, float]  # of white noise, empty for none


EPILEPTOR = {
    **{name: name for name in ("a", "b", "c", "d", "r", "s", "x0", "Iext", "Iext2", "slope", "tau", "aa", "bb", "tt")},
    **{"Kvf": "K_vf", "Kf": "K_f", "Ks": "K_s"},
}
MONTBRIO = {"J": "J", "eta": "eta", "Delta": "Delta", "I": "I", "tau": "tau_ms", "cr": "c_r", "cv": "c_v"}


def parameters(model: MassModel, names: dict[str, str]) -> dict[str, FloatArray]:
    return {theirs: np.array([float(getattr(model, ours))]) for theirs, ours in names.items()}


def tvb_simulator(problem: Problem, steps: int, theirs: Any, coupling: Any, kicks: FloatArray | None) -> Any:
    """A configured simulator of The Virtual Brain; Heun's method, noise of its own, or these ``kicks[variable, step, node]``."""
    from tvb.datatypes.connectivity import Connectivity
    from tvb.simulator import integrators, monitors, noise
    from tvb.simulator.simulator import Simulator

    class Replayed(noise.Additive):  # type: ignore[misc]
        def generate(self, shape: tuple[int, ...], lo: float = -1.0, hi: float = 1.0) -> Any:
            assert kicks is not None
            if shape[2] == 1:  # the next step
                self.at = getattr(self, "at", -1) + 1
                return kicks[:, self.at, :, None].copy()
            past = np.zeros((*shape[:2], shape[2] - kicks.shape[1]))
            return np.concatenate([past, kicks.transpose(0, 2, 1)], axis=2)

    logging.disable(logging.WARNING)  # of seeds and shapes, at every turn
    connectome = problem.connectome
    if problem.sigma:
        strengths = np.array([problem.sigma.get(name, 0.0) for name in problem.model.variables])
        nsig = np.tile(strengths[:, None, None] ** 2 / 2, (1, len(connectome), 1))
        integrator = integrators.HeunStochastic(
            dt=TICK_MS, noise=(noise.Additive if kicks is None else Replayed)(nsig=nsig)
        )
    else:
        integrator = integrators.HeunDeterministic(dt=TICK_MS)
    past = int(connectome.delays_ms(SPEED_M_S, TICK_MS).max() / TICK_MS) + 2
    theirs.variables_of_interest = theirs.state_variables
    simulator = Simulator(
        model=theirs,
        connectivity=Connectivity(
            weights=np.array(connectome.weights),
            tract_lengths=np.array(connectome.lengths_mm),
            region_labels=np.array(connectome.labels),
            centres=np.array(connectome.centres_mm),
            speed=np.array([SPEED_M_S]),
        ),
        coupling=coupling,
        integrator=integrator,
        monitors=(monitors.Raw(),),
        simulation_length=steps * TICK_MS,
        initial_conditions=np.tile(problem.initial[None, :, :, None], (past, 1, 1, 1)),
    )
    simulator.configure()
    return simulator


def tvb(problem: Problem, steps: int, kicks: FloatArray | None = None) -> Run:
    """The Virtual Brain as it comes: weights and history in single precision."""
    from tvb.simulator import coupling, models

    a = np.array([problem.strength])
    if type(problem.model).__name__ == "Epileptor":
        epileptor = models.Epileptor(**parameters(problem.model, EPILEPTOR))
        simulator = tvb_simulator(problem, steps, epileptor, coupling.Difference(a=a), kicks)
    else:
        montbrio = models.MontbrioPazoRoxin(**parameters(problem.model, MONTBRIO))
        simulator = tvb_simulator(problem, steps, montbrio, coupling.Linear(a=a), kicks)
    return lambda: simulator.run(simulation_length=(steps - 0.5) * TICK_MS)[0][1][..., 0].transpose(1, 0, 2)


def tvb_numba(problem: Problem, steps: int, kicks: FloatArray | None = None) -> Run:
    """Its numba back-end for Montbrió-Pazó-Roxin networks: always from the initial state, in double precision.

    ``compatibility_mode`` evaluates the coupling once a step, as its default does and we do (else twice). The back-end
    draws all noise before it starts; without noise nothing is drawn here, though ``run_sim`` would.
    """
    from tvb.simulator import coupling, models
    from tvb.simulator.backend.nb_mpr import NbMPRBackend

    linear = coupling.Linear(a=np.array([problem.strength]))
    montbrio = models.MontbrioPazoRoxin(**parameters(problem.model, MONTBRIO))
    simulator = tvb_simulator(problem, steps, montbrio, linear, kicks)
    backend, n, horizon = NbMPRBackend(), len(problem.connectome), simulator.connectivity.horizon
    integrate = backend.build_py_func(
        '<%include file="nb-montbrio.py.mako"/>', {"sim": simulator, "compatibility_mode": True}, name="integrate"
    )
    past = np.roll(simulator.history.buffer[..., 0], -1, axis=0).transpose(1, 2, 0)
    drawn = simulator.integrator.noise if problem.sigma else None

    def run() -> FloatArray:
        shape = (2, n, horizon + steps)
        states = np.zeros(shape) if drawn is None else drawn.generate(shape=shape) * drawn.gfun(None)
        states[:, :, :horizon] = past
        backend._run_integrate(integrate, simulator, n, steps, list(states), None)
        return np.asarray(states[:, :, horizon:].transpose(0, 2, 1))

    return run


def neurolib(problem: Problem, steps: int) -> Run:
    """neurolib's Wilson-Cowan network, Euler's method, always from the initial state; zeros are not skipped.

    It draws its noise, Ornstein and Uhlenbeck's with a time of correlation of 5 ms, even at strength 0.
    """
    from neurolib.models.wc import WCModel
    from neurolib.models.wc.timeIntegration import timeIntegration

    connectome = problem.connectome
    network = WCModel(Cmat=np.array(connectome.weights), Dmat=np.array(connectome.lengths_mm), seed=1)
    network.params.update(
        signalV=SPEED_M_S,
        dt=TICK_MS,
        duration=steps * TICK_MS,
        K_gl=problem.strength,
        exc_ext=0.65,
        tau_ou=OU_MS,
        # theirs is inside 1 / tau_exc, and its stationary variance is sigma_ou^2 tau_ou / 2
        sigma_ou=problem.sigma.get("E", 0.0) * network.params["tau_exc"] / OU_MS,
    )

    def run() -> FloatArray:
        for name, row in zip(("exc", "inh"), problem.initial, strict=True):
            network.params[f"{name}_init"] = row[:, None].copy()
            network.params[f"{name}_ou"] = np.zeros(len(connectome))
        _, exc, inh, *_ = timeIntegration(network.params)
        return np.array([exc[:, -steps:].T, inh[:, -steps:].T])

    return run


def vbi(problem: Problem, steps: int) -> Run:
    """vbi's Jansen-Rit network in C++, the compiled one it has with delays of tracts; Euler's method, always from the
    initial state. It draws noise even at strength 0, and gives one variable, the potential ``y1 - y2``.

    The package of vbi 0.4.4 has the compiled library, but not the Python file that goes with it, so we call the library.
    """
    from vbi.models.cpp._src import _jr_sdde

    p: Any = problem.model
    n = len(problem.connectome)
    weights = np.array(problem.connectome.weights)
    delays = np.rint(problem.connectome.delays_ms(SPEED_M_S, TICK_MS) / TICK_MS) * TICK_MS * (weights > 0.0)
    network = _jr_sdde.new_JR_sdde(
        TICK_MS,
        problem.initial.ravel().tolist(),
        weights.tolist(),
        delays.tolist(),
        problem.strength,
        len(problem.initial),
        *(float(getattr(p, name)) for name in ("A_mv", "B_mv", "a_per_ms", "b_per_ms", "slope", "v0_mv")),
        2e-3 * p.e0_hz,
        *([float(getattr(p, name))] * n for name in ("C1", "C2", "C3", "C4")),
        *([0.0] * n, 0.0, 0.0, 0.0),  # no stimulus
        1e-3 * p.p_hz,
        problem.sigma.get("y4", 0.0),
        0.0,  # no transient
        steps * TICK_MS,
        1,  # seed
    )
    network.disown()  # a bare library has no destructor

    def run() -> FloatArray:
        _jr_sdde.JR_sdde_integrate(network, "euler")
        return np.array([])

    def checked() -> FloatArray:
        """With the states, which take long to come over."""
        run()
        return np.array([np.array(_jr_sdde.JR_sdde_get_y(network))[:, : steps - 1].T])

    run.checked = checked  # type: ignore[attr-defined]
    return run
