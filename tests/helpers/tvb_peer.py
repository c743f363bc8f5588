"""The Virtual Brain 2.10 beside our models: pairs of equal models, and a network simulated by it."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from hybrid.connectome import Connectome
from hybrid.masses import (
    Epileptor,
    Epileptor2D,
    Generic2dOscillator,
    JansenRit,
    KIonEx,
    Kuramoto,
    MontbrioPazoRoxin,
    ReducedWongWang,
    StuartLandau,
    WilsonCowan,
    WongWangExcInh,
)

TICK_MS = 0.05
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


def check_agreement(model: Any, outputs: Any, expected: Any) -> None:
    """Trajectories ``outputs[variable][step, node]`` with ``expected[step, variable, node]``, by how far each variable travels.

    So one whose numbers are small is compared as strictly as the others.
    """
    for row, variable in enumerate(model.variables):
        travelled = np.ptp(expected[:, row], axis=0).max()
        assert travelled > 1e-3 * np.abs(expected[:, row]).max(), f"{variable} rests"
        np.testing.assert_allclose(outputs[variable], expected[:, row], rtol=0, atol=1e-9 * travelled, err_msg=variable)


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
