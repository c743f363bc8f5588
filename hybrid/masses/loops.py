"""Ready-made networks of populations that loop: basal ganglia (beta) and thalamus with cortex (alpha, spindles)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hybrid.connectome import Connectome
from hybrid.elementary import arrays
from hybrid.errors import ConfigurationError, unknown
from hybrid.masses.models.firing_rate import FiringRate
from hybrid.masses.models.robinson import Robinson
from hybrid.masses.network import MassNetwork
from hybrid.masses.noise import Noise
from hybrid.units import FloatArray, number

Numbers = Mapping[str, float]
OPTIONS = ("integrator", "noise", "initial", "history", "coupling_in_step", "delays", "dt_ms")

HEALTHY = {"w_sg": 19.0, "w_gs": 1.12, "w_gg": 6.60, "w_cs": 2.42, "w_xg": 15.1}
PARKINSONIAN = {"w_sg": 20.0, "w_gs": 10.7, "w_gg": 12.3, "w_cs": 9.2, "w_xg": 139.4}
POPULATIONS = {
    "tau_s_ms": 6.0,
    "max_s_hz": 300.0,
    "base_s_hz": 17.0,
    "tau_g_ms": 14.0,
    "max_g_hz": 400.0,
    "base_g_hz": 75.0,
}
INPUTS = {"cortex_hz": 27.0, "striatum_hz": 2.0}
DELAYS = {"delay_sg_ms": 6.0, "delay_gs_ms": 6.0, "delay_gg_ms": 4.0}


def basal_ganglia(
    name: str = "basal_ganglia", state: str = "healthy", *, strength: Any = None, **overrides: Any
) -> MassNetwork:
    """The loop of the subthalamic nucleus (region ``STN``) and the external globus pallidus (``GPe``).

    Nevado-Holgado, Terry & Bogacz (2010) Conditions for the generation of beta oscillations in the subthalamic
    nucleus-globus pallidus network, J Neurosci 30:12340. STN excites GPe, which inhibits STN and itself; cortex excites STN
    and striatum (X) inhibits GPe, at constant rates. The healthy loop rests at 18.15 and 53.69 Hz, the parkinsonian one
    oscillates at 20.6 Hz, in the beta band. The numbers are quoted from memory of the paper's tables; that the one rests and
    the other oscillates in beta is what the paper reports.

    The weights are linear in ``strength``, from the healthy ones at 0 to the parkinsonian ones at 1. The rest becomes
    unstable at 0.3047, a Hopf bifurcation at 27.4 Hz; with strength the cycle grows and slows down.

    The drive is a further rate of cortex, at STN, and of striatum, at GPe, with their weights.

    Parameters
    ----------
    name: of the component.
    state: "healthy" or "parkinsonian": strength 0 or 1.
    strength: in place of the state, at least 0.
    overrides: any of the numbers by name: weights ``w_sg``, ``w_gs``, ``w_gg``, ``w_cs``, ``w_xg`` (source, then target: S STN,
        G GPe, C cortex, X striatum; all positive); ``delay_sg_ms``, ``delay_gs_ms``, ``delay_gg_ms``; ``tau_s_ms``,
        ``max_s_hz``, ``base_s_hz`` and the same of g; ``cortex_hz``, ``striatum_hz``. Or an option of
        :class:`~hybrid.masses.network.MassNetwork`.

    Populations are :class:`~hybrid.masses.models.firing_rate.FiringRate` and start at their base rates.
    """
    given = {"healthy": 0.0, "parkinsonian": 1.0}
    if state not in given:
        raise unknown(f"{name}: state", state, given)
    k = given[state] if strength is None else number(strength, "1", f"{name}: strength", at_least=0.0)
    weights = {which: weak + k * (PARKINSONIAN[which] - weak) for which, weak in HEALTHY.items()}
    p, options = _settings(name, {**weights, **POPULATIONS, **INPUTS, **DELAYS}, overrides)
    model = FiringRate(
        tau_ms=[p["tau_s_ms"], p["tau_g_ms"]],
        max_hz=[p["max_s_hz"], p["max_g_hz"]],
        base_hz=[p["base_s_hz"], p["base_g_hz"]],
        input_hz=[p["w_cs"] * p["cortex_hz"], -p["w_xg"] * p["striatum_hz"]],
        sign=[1.0, -1.0],
        drive_gain=[p["w_cs"], -p["w_xg"]],
    )
    paths = {
        ("GPe", "STN"): (p["w_sg"], p["delay_sg_ms"]),
        ("STN", "GPe"): (p["w_gs"], p["delay_gs_ms"]),
        ("GPe", "GPe"): (p["w_gg"], p["delay_gg_ms"]),
    }
    connectome = _wired("basal ganglia", ("STN", "GPe"), paths, "Nevado-Holgado, Terry & Bogacz (2010).")
    return MassNetwork(name, connectome, model, **{"speed_m_s": 1.0, "coupling_in_step": "interpolated", **options})


EVERYWHERE = {
    "gamma_per_ms": 0.116,
    "max_hz": 340.0,
    "theta_mv": 12.92,
    "sigma_mv": 3.8,
    "t0_ms": 85.0,
    "local_delay_ms": 0.1,
    "phi_n_hz": 1.0,
}
REST = {
    "alpha_per_ms": 1.0 / 12.0,
    "beta_per_ms": 1.0 / 1.3,
    "nu_ee": 1.5316368,
    "nu_ei": 9.6390641,
    "nu_es": 9.7322420,
    "nu_re": 0.1428004,
    "nu_rs": 0.0577027,
    "nu_se": 1.1354746,
    "nu_sr": 1.2216477,
    "nu_sn": 8.2218638,
    "phi_n_noise": 0.5,
}
SPINDLES = {
    "alpha_per_ms": 0.045,
    "beta_per_ms": 0.185,
    "nu_ee": 12.214,
    "nu_ei": 12.888,
    "nu_es": 2.353,
    "nu_re": 0.729,
    "nu_rs": 1.548,
    "nu_se": 8.439,
    "nu_sr": 2.427,
    "nu_sn": 35.803,
    "phi_n_noise": 0.1,
}
NEAR_MV = {
    "rest": (-1.8, -1.8, 1.3, -2.6),
    "spindles": (-2.5, -2.5, 5.2, -11.0),
}  # the fixed points, less the threshold


def thalamocortical(name: str = "thalamocortical", state: str = "rest", **overrides: Any) -> MassNetwork:
    """Cortex (regions ``cortex_e``, ``cortex_i``) with the reticular and the relay nuclei (``reticular``, ``relay``).

    Robinson, Rennie & Rowe (2002) Dynamics of large-scale brain activity in normal arousal states and epileptic seizures,
    Phys Rev E 65:041924, for activity that is the same all over the cortex. Relay cells excite cortex and reticular cells,
    cortex excites both nuclei, reticular cells inhibit relay cells; cortex and thalamus are ``t0_ms / 2`` apart, each way.
    Noise reaches the relay cells. The electroencephalogram follows the state ``phi`` of ``cortex_e``.

    At "rest", eyes closed, the loop through cortex and thalamus makes alpha: the spectrum peaks at 9.6 Hz (the authors' rule
    of thumb, 1 / (t0 + 1/alpha + 1/beta), says 10.2). In "spindles", light sleep, that of the two nuclei makes sigma: a peak
    at 13.9 Hz. The numbers are those of the two configurations of that purpose, ``eirs_eyes_closed.conf`` and
    ``eirs_spindles.conf``, of NFTsim (Sanz-Leon et al. 2018 NFTsim: theory and simulation of multiscale neural field dynamics,
    PLoS Comput Biol 14:e1006387), whose fixed points these are too. The strength of the noise is a choice made here: it
    makes the potential of relay cells vary by about 1 mV, which keeps the system nearly linear.

    The drive counts at the relay cells like the rate phi_n of their afferents, elsewhere like that of relay cells.

    Parameters
    ----------
    name: of the component.
    state: "rest" or "spindles".
    overrides: any of the numbers by name: ``nu_ee``, ``nu_ei``, ``nu_es``, ``nu_re``, ``nu_rs``, ``nu_se``, ``nu_sr``, ``nu_sn``,
        weights in mV/Hz (target, then source: e and i cortex, r reticular, s relay, n afferents; all positive; what cells of
        i receive is what those of e do); ``alpha_per_ms``, ``beta_per_ms``, ``gamma_per_ms``, ``max_hz``, ``theta_mv``,
        ``sigma_mv`` (see :class:`~hybrid.masses.models.robinson.Robinson`); ``t0_ms``, and ``local_delay_ms`` of all other paths,
        which is 0 in the paper, but here at least a tick; ``phi_n_hz`` and ``phi_n_noise``, mean and white noise of the
        afferents' rate, Hz and Hz ms^1/2. Or an option of :class:`~hybrid.masses.network.MassNetwork`; ``noise`` takes the
        place of that of phi_n.

    It starts at a fixed point. Errors: ``ConfigurationError`` if there is none near that of the state.
    """
    states = {"rest": REST, "spindles": SPINDLES}
    if state not in states:
        raise unknown(f"{name}: state", state, states)
    p, options = _settings(name, {**EVERYWHERE, **states[state]}, overrides)
    model = Robinson(
        **{which: p[which] for which in ("alpha_per_ms", "beta_per_ms", "max_hz", "theta_mv", "sigma_mv")},
        gamma_per_ms=[p["gamma_per_ms"], 0.0, 0.0, 0.0],
        input_mv=[0.0, 0.0, 0.0, p["nu_sn"] * p["phi_n_hz"]],
        sign=[1.0, -1.0, -1.0, 1.0],
        drive_gain=[p["nu_es"], p["nu_es"], p["nu_rs"], p["nu_sn"]],
    )
    near, far = p["local_delay_ms"], p["t0_ms"] / 2.0
    into_cortex = {"cortex_e": (p["nu_ee"], near), "cortex_i": (p["nu_ei"], near), "relay": (p["nu_es"], far)}
    paths = {(target, source): path for target in ("cortex_e", "cortex_i") for source, path in into_cortex.items()}
    paths |= {
        ("reticular", "cortex_e"): (p["nu_re"], far),
        ("reticular", "relay"): (p["nu_rs"], near),
        ("relay", "cortex_e"): (p["nu_se"], far),
        ("relay", "reticular"): (p["nu_sr"], near),
    }
    labels = ("cortex_e", "cortex_i", "reticular", "relay")
    connectome = _wired("thalamocortical", labels, paths, "Robinson, Rennie & Rowe (2002); NFTsim.")
    if not {"initial", "history"} & set(options):
        options["initial"] = model.settled(
            _fixed_point_mv(name, model, connectome, np.add(NEAR_MV[state], p["theta_mv"]))
        )
    noise = Noise({"dV": [0.0, 0.0, 0.0, p["alpha_per_ms"] * p["beta_per_ms"] * p["nu_sn"] * p["phi_n_noise"]]})
    settled = {"speed_m_s": 1.0, "coupling_in_step": "interpolated", "noise": noise}
    return MassNetwork(name, connectome, model, **{**settled, **options})


def _settings(name: str, numbers: Numbers, overrides: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, Any]]:
    """The numbers, some replaced, and the options of the network."""
    for which in overrides:
        if which not in numbers and which not in OPTIONS:
            raise unknown(f"{name}: override", which, (*numbers, *OPTIONS))
    replaced = dict(numbers)
    for which in numbers.keys() & overrides.keys():
        unit = next((u for u in ("per_ms", "ms", "hz", "mv") if which.endswith("_" + u)), "1")
        replaced[which] = number(overrides[which], "1" if unit == "per_ms" else unit, f"{name}: {which}")
    return replaced, {which: value for which, value in overrides.items() if which in OPTIONS}


def _wired(
    name: str, labels: tuple[str, ...], paths: Mapping[tuple[str, str], tuple[float, float]], source: str
) -> Connectome:
    """Paths from ``(target, source)`` to weight and delay, ms; at 1 m/s, a delay in ms is a length in mm."""
    weights, lengths = np.zeros((2, len(labels), len(labels)))
    for (into, out_of), (weight, delay_ms) in paths.items():
        pair = labels.index(into), labels.index(out_of)
        weights[pair], lengths[pair] = weight, delay_ms
    return Connectome(labels, weights, lengths, np.zeros((len(labels), 3)), name=name, provenance=source)


def _fixed_point_mv(name: str, model: Robinson, connectome: Connectome, near: FloatArray) -> FloatArray:
    """The potentials ``[node]`` at which a network without noise stands still."""
    from scipy.optimize import root  # scipy takes long to import

    signed = connectome.weights * np.asarray(model.sign)
    found = root(lambda v: arrays.product(signed, model.rate_hz(v[None])) + model.input_mv - v, near, tol=1e-12)
    if not found.success:
        raise ConfigurationError(
            f"{name}: no fixed point found near that of the state; give 'initial', or numbers nearer to those of the state"
        )
    potentials: FloatArray = arrays.settled(found.x)
    return potentials
