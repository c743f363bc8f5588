"""Our models and networks against an independent implementation: The Virtual Brain 2.10."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from toys import silent_inputs

from hybrid.clock import Clock, Window
from hybrid.connectome import Connectome
from hybrid.masses import (
    Difference,
    Epileptor,
    Epileptor2D,
    Generic2dOscillator,
    JansenRit,
    KIonEx,
    Kuramoto,
    Linear,
    MassNetwork,
    MontbrioPazoRoxin,
    ReducedWongWang,
    Sine,
    StuartLandau,
    WilsonCowan,
    WongWangExcInh,
)

pytestmark = pytest.mark.oracle
TICK_MS = 0.05
NAMES = ["epileptor", "montbrio", "wilson_cowan", "jansen_rit", "reduced_wong_wang", "kuramoto"]
FURTHER = {  # of the further models: (coupling, strength, tick in ms, how many ticks of the 76 regions)
    "epileptor_2d": (Difference, 0.003, 0.05, 20_000),
    "modified_epileptor_2d": (Difference, 0.003, 0.05, 20_000),
    "stuart_landau": (Difference, 0.0005, 0.05, 20_000),
    "generic_2d_oscillator": (Linear, 0.005, 0.05, 20_000),
    "wong_wang_exc_inh": (Linear, 0.01, 0.05, 20_000),
    "k_ion_ex": (Linear, 0.002, 0.02, 10_000),
}

EPILEPTOR = {"Kvf": 0.3, "Kf": 0.2, "Ks": -0.4, "tt": 0.9, "slope": 0.2, "Iext": 3.2, "aa": 5.5, "bb": 1.8, "x0": -1.9}
EPILEPTOR_2D = {"Kvf": 0.3, "Ks": -0.4, "tt": 0.9, "slope": 0.2, "Iext": 3.2, "x0": -1.9, "r": 0.0007}
WILSON_COWAN = {"c_ee": 16.0, "c_ei": 12.0, "c_ie": 15.0, "c_ii": 3.0, "a_e": 1.3, "a_i": 2.0, "P": 1.25, "Q": 0.1}


def of_ours(theirs: str) -> str:
    return {"Kvf": "K_vf", "Kf": "K_f", "Ks": "K_s", "V": "v", "cr": "c_r", "cv": "c_v"}.get(theirs, theirs)


def pairs() -> dict[str, tuple[Any, Any]]:
    """Each of our models with the same parameters as the one of The Virtual Brain."""
    models = pytest.importorskip("tvb.simulator.models")
    as_array = {name: np.array([value]) for name, value in EPILEPTOR.items()}
    epileptor = models.Epileptor(**as_array, tau=np.array([9.0]), r=np.array([0.0004]))
    mean_field = {"J": 14.0, "eta": -4.6, "Delta": 0.7, "I": 0.3, "cr": 0.6, "cv": 0.4}
    montbrio = models.MontbrioPazoRoxin(**{k: np.array([v]) for k, v in mean_field.items()}, tau=np.array([2.5]))
    wilson = models.WilsonCowan(
        **{k: np.array([v]) for k, v in WILSON_COWAN.items()},
        b_e=np.array([4.0]),
        b_i=np.array([3.7]),
        theta_e=np.zeros(1),
        theta_i=np.zeros(1),
        k_e=np.ones(1),
        k_i=np.ones(1),
        r_e=np.ones(1),
        r_i=np.ones(1),
        c_e=np.ones(1),
        c_i=np.ones(1),
        alpha_e=np.ones(1),
        alpha_i=np.ones(1),
        tau_e=np.array([8.0]),
        tau_i=np.array([6.0]),
    )
    return {
        "epileptor": (Epileptor(**{of_ours(k): v for k, v in EPILEPTOR.items()}, tau=9.0, r=0.0004), epileptor),
        "montbrio": (MontbrioPazoRoxin(**{of_ours(k): v for k, v in mean_field.items()}, tau_ms=2.5), montbrio),
        "jansen_rit": (JansenRit(p_hz=220.0), models.JansenRit(nu_max=np.array([0.0025]), v0=np.array([6.0]))),
        "reduced_wong_wang": (ReducedWongWang(), models.ReducedWongWang()),
        "kuramoto": (Kuramoto(omega=0.07), models.Kuramoto(omega=np.array([0.07]))),
        "wilson_cowan": (WilsonCowan(**WILSON_COWAN, tau_e_ms=8.0, tau_i_ms=6.0), wilson),
        **further_pairs(models),
    }


def further_pairs(models: Any) -> dict[str, tuple[Any, Any]]:
    def arrays(parameters: dict[str, float]) -> Any:
        return {name: np.array([value]) for name, value in parameters.items()}

    reduced, modified = EPILEPTOR_2D, {**EPILEPTOR_2D, "x0": 2.4}
    ours, theirs = ({of_ours(name): value for name, value in each.items()} for each in (reduced, modified))
    oscillator = {"a": 1.5, "b": -9.0, "c": -0.5, "e": 2.8, "g": 0.1, "tau": 1.2, "I": 0.3, "gamma": -0.9, "beta": 0.8}
    gating = {"lamda": 0.4, "J_i": 1.2, "I_ext": 0.02, "w_p": 1.5}
    ions = {"J": 0.3, "eta": 0.2, "Delta": 0.8, "R_minus": 0.4, "R_plus": -0.6}
    return {
        "epileptor_2d": (Epileptor2D(**ours), models.Epileptor2D(**arrays(reduced))),
        "modified_epileptor_2d": (
            Epileptor2D(**theirs, modification=1.0),
            models.Epileptor2D(**arrays(modified), modification=np.array([True])),
        ),
        "stuart_landau": (
            StuartLandau(a=0.02, omega=0.07),
            models.SupHopf(a=np.array([0.02]), omega=np.array([0.07])),
        ),
        "generic_2d_oscillator": (Generic2dOscillator(**oscillator), models.Generic2dOscillator(**arrays(oscillator))),
        "wong_wang_exc_inh": (WongWangExcInh(**gating), models.ReducedWongWangExcInh(**arrays(gating), G=np.ones(1))),
        "k_ion_ex": (KIonEx(**ions, k_bath_mm=15.0), models.KIonEx(**arrays(ions), K_bath=np.array([15.0]))),
    }


@pytest.mark.parametrize("name", [*NAMES, *FURTHER])
def test_right_hand_side_agrees_at_random_states(name: str) -> None:
    ours, theirs = pairs()[name]
    theirs.configure()
    rng = np.random.default_rng(3)
    n = 500
    state = rng.normal(0.0, 1.5, (len(ours.variables), n))
    if "epileptor" in name:
        state[ours.variables.index("z")] = rng.uniform(-1.0, 5.0, n)  # z < 0 has a term of its own
    if name == "jansen_rit":
        state = rng.normal(0.0, 8.0, state.shape)
    if name in ("reduced_wong_wang", "wong_wang_exc_inh"):
        state = rng.uniform(0.0, 1.0, state.shape)
    if name == "k_ion_ex":
        lowest, highest = np.array([[0.0, -90.0, 0.0, -10.0, -2.0], [2.0, 30.0, 1.0, 1.0, 15.0]])[..., None]
        state = rng.uniform(lowest, highest, state.shape)
    felt = rng.normal(0.0, 1.0, (len(theirs.cvar), n))
    coupling = rng.normal(0.0, 1.0, state.shape)  # the rows of variables that are not coupled must not matter
    for row, variable in zip(felt, theirs.cvar, strict=True):
        coupling[variable] = row
    expected = theirs.dfun(state[..., None], felt[..., None])[..., 0]
    np.testing.assert_allclose(ours.derivatives(state, coupling), expected, rtol=1e-12, atol=1e-12)


def simulated_by_tvb(
    monkeypatch: Any,
    model: Any,
    coupling: Any,
    connectome: Connectome,
    initial: Any,
    steps: int,
    method: str,
    tick_ms: float = TICK_MS,
) -> Any:
    from tvb.datatypes.connectivity import Connectivity
    from tvb.simulator import integrators, monitors
    from tvb.simulator.history import SparseHistory
    from tvb.simulator.simulator import Simulator

    network = Connectivity(
        weights=connectome.weights.copy(),
        tract_lengths=connectome.lengths_mm.copy(),
        region_labels=np.array(connectome.labels),
        centres=connectome.centres_mm.copy(),
        speed=np.array([3.0]),
    )
    model.variables_of_interest = model.state_variables
    simulator = Simulator(
        model=model,
        connectivity=network,
        coupling=coupling,
        integrator=getattr(integrators, method)(dt=tick_ms),
        monitors=(monitors.Raw(),),
        simulation_length=steps * tick_ms,
        initial_conditions=np.tile(initial[None, :, :, None], (5000, 1, 1, 1)),
    )
    for kept in ("weights", "nnz_weights", "es_weights", "buffer", "current_state", "delayed_state"):  # as float32
        monkeypatch.setattr(inspect.getattr_static(SparseHistory, kept), "dtype", np.float64)
    simulator.configure()
    ((_, states),) = simulator.run()
    return states[..., 0]  # [step, variable, node], beginning with the state after the first step


def network_of(n: int, seed: int) -> Connectome:
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.1, 1.0, (n, n)) * (rng.random((n, n)) < 0.4)
    np.fill_diagonal(weights, 0.0)
    return Connectome(
        labels=tuple(f"r{k}" for k in range(n)),
        weights=weights,
        lengths_mm=rng.uniform(1.0, 120.0, (n, n)),  # up to 800 ticks
        centres_mm=rng.normal(size=(n, 3)),
    )


@pytest.mark.parametrize("kind", ["linear", "difference"])
@pytest.mark.parametrize(
    ("ours_integrator", "theirs_integrator"), [("heun", "HeunDeterministic"), ("euler", "EulerDeterministic")]
)
@pytest.mark.parametrize("name", NAMES)
def test_one_second_of_a_network_agrees(
    name: str, ours_integrator: str, theirs_integrator: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pairs()[name]
    from tvb.simulator import coupling as tvb_coupling

    strength = {"epileptor": 0.01, "montbrio": 0.3, "jansen_rit": 4.0, "reduced_wong_wang": 0.5}.get(name, 0.1)
    connectome, steps = network_of(12, seed=5), 20_000
    if ours_integrator == "heun":  # on the 76 regions, whose weights are larger and more
        connectome, strength = Connectome.load("tvb76"), strength / 15
    a = np.array([strength])
    if name == "kuramoto":
        coupling, theirs_coupling = Sine(strength), tvb_coupling.Kuramoto(a=a)
    elif name == "jansen_rit":
        rate = {"cmin": 0.0, "cmax": 0.005, "midpoint": 6.0, "r": 0.56}
        rate_of_difference = {k: np.array([v]) for k, v in rate.items()}
        coupling, theirs_coupling = Linear(strength), tvb_coupling.SigmoidalJansenRit(a=a, **rate_of_difference)
    elif kind == "linear":
        coupling, theirs_coupling = Linear(strength, 0.02), tvb_coupling.Linear(a=a, b=np.array([0.02]))
    else:
        coupling, theirs_coupling = Difference(strength), tvb_coupling.Difference(a=a)
    rng, n = np.random.default_rng(1), len(connectome)
    initial = ours.initial(n) + rng.normal(0.0, 0.05, (len(ours.variables), n))
    if name in ("montbrio", "reduced_wong_wang"):
        initial[0] = abs(initial[0])  # The Virtual Brain cuts them off at 0
    expected = simulated_by_tvb(monkeypatch, theirs, theirs_coupling, connectome, initial, steps, theirs_integrator)
    network = MassNetwork(
        "net", connectome, ours, speed_m_s=3.0, coupling=coupling, integrator=ours_integrator, initial=initial
    )
    network.prepare(Clock(TICK_MS), rng)
    compare(ours, network, expected)


@pytest.mark.parametrize("name", FURTHER)
def test_the_76_regions_of_the_virtual_brain_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a second, or a fifth of it where the model needs short steps."""
    ours, theirs = pairs()[name]
    from tvb.simulator import coupling as tvb_coupling

    kind, strength, tick_ms, steps = FURTHER[name]
    connectome, rng = Connectome.load("tvb76"), np.random.default_rng(1)
    initial = ours.initial(76)
    initial += rng.normal(0.0, 0.005 if name == "wong_wang_exc_inh" else 0.05, initial.shape)
    if name == "k_ion_ex":
        initial[[0, 2]] = abs(initial[[0, 2]])  # The Virtual Brain cuts x and n off at 0
    theirs_coupling = getattr(tvb_coupling, kind.__name__)(a=np.array([strength]))
    expected = simulated_by_tvb(
        monkeypatch, theirs, theirs_coupling, connectome, initial, steps, "HeunDeterministic", tick_ms
    )
    network = MassNetwork("net", connectome, ours, speed_m_s=3.0, coupling=kind(strength), initial=initial)
    network.prepare(Clock(tick_ms), rng)
    compare(ours, network, expected)


def compare(model: Any, network: MassNetwork, expected: Any) -> None:
    """The states of a network with ``expected[step, variable, node]``, which begins after the first step."""
    window = Window(0, len(expected) + 1)
    outputs = network.advance(window, silent_inputs(network, window))
    for row, variable in enumerate(model.variables):
        np.testing.assert_allclose(
            outputs[variable].values[1:], expected[:, row], rtol=1e-9, atol=1e-9, err_msg=variable
        )
        assert np.ptp(expected[:, row], axis=0).max() > 1e-3  # it was a journey, not a rest
