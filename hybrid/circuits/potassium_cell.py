"""A Hodgkin-Huxley-type neuron whose extracellular potassium is slow enough to start and to end seizures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from brian2 import NeuronGroup, mmolar, ms, mV, nS, pA, pF, umeter

from hybrid.elementary import arrays
from hybrid.errors import ConfigurationError, unknown
from hybrid.units import number

LONGEST_STEP_MS = 0.05  # the membrane's fastest time constant is C_m / g_K = 0.045 ms: 0.1 ms blows up

EQUATIONS = """
# fast: membrane potential and the gate of potassium channels
dV/dt = -(I_Na + I_K + I_Cl + I_pump + I_syn) / C_m : volt
dn/dt = (n_inf - n) / tau_n : 1

# slow: potassium that leaves the cell (K_left) and what it does outside; sodium comes in for it
dK_left/dt = leaving : mmolar
dK_o/dt = beta*leaving + epsilon*(K_bath - K_o) + mixing*(K_shared - K_o) : mmolar
leaving = gamma/volume_in * (I_K - 2*I_pump) : mmolar/second

# synaptic conductances
dg_exc/dt = -g_exc / tau_exc : siemens
dg_inh/dt = -g_inh / tau_inh : siemens
I_syn = g_exc*(V - E_exc) + g_inh*(V - E_Cl) : amp

# membrane currents; sodium activates at once, and inactivates as potassium activates
I_Na = (g_Na_leak + g_Na*m_inf*h) * (V - E_Na) : amp
I_K = (g_K_leak + g_K*n) * (V - E_K) : amp
I_Cl = g_Cl * (V - E_Cl) : amp
m_inf = 1 / (1 + exp((V_m - V)/s_m)) : 1
n_inf = 1 / (1 + exp((V_n - V)/s_n)) : 1
h = h_top - 1 / (1 + exp((n_h - n)*k_h)) : 1

# the pump brings 2 K+ in for 3 Na+ out: one net charge, the more the more sodium inside and potassium outside
I_pump = pump_max / ((1 + exp((Na_half - Na_i)/Na_slope)) * (1 + exp((K_half - K_o)/K_slope))) : amp

# concentrations and Nernst potentials
Na_i = Na_i0 + K_left : mmolar
Na_o = Na_o0 - beta*K_left : mmolar
K_i = K_i0 - K_left : mmolar
E_Na = V_T * log(Na_o / Na_i) : volt
E_K = V_T * log(K_o / K_i) : volt

K_bath : mmolar (constant)
K_shared : mmolar (linked)
"""


@dataclass(frozen=True)
class PotassiumCell:
    """Parameters of one cell: the model of Depannemaecker et al. 2022 (doi 10.1007/s10827-022-00811-1).

    The values are those that two published implementations agree on, TVB's ``KIonEx`` (the mean field of these cells,
    Bandyopadhyay et al., eLife 104249) and Arbor-TVB's ``hhplus``. Where they differ, ``KIonEx`` is followed: ``tau_n_ms``
    4 against 0.25 (with which the cell fires at about 1 kHz), ``epsilon_per_ms`` 0.001 against 0.01, ``k_in_mm`` 130
    against 140.

    Parameters
    ----------
    capacitance_pf: C_m. Small against the conductances, as published: the membrane follows its currents within 0.1 ms.
    g_na_ns, g_na_leak_ns, g_k_ns, g_k_leak_ns, g_cl_ns: maximal and leak conductances.
    m_half_mv, m_slope_mv: activation of sodium, instantaneous.
    n_half_mv, n_slope_mv, tau_n_ms: activation of potassium.
    h_top, h_half, h_slope: inactivation of sodium, h(n) = top - 1 / (1 + exp(slope (half - n))).
    pump_pa, pump_na_half_mm, pump_na_slope_mm, pump_k_half_mm, pump_k_slope_mm: the Na/K pump and its two sigmoids.
    volume_in_um3, volume_out_um3: of the cell and of its share of extracellular space.
    gamma_mm_um3_per_pa_ms: how much concentration a current moves; as published, four times what Faraday's constant
        gives (0.0104).
    k_in_mm, k_out_mm, na_in_mm, na_out_mm, cl_in_mm, cl_out_mm: concentrations of a healthy cell, where a run starts.
    nernst_mv: R T / F.
    epsilon_per_ms: exchange of extracellular potassium with the bath (vessels and glia).
    threshold_mv, rearm_mv: a spike is a rise above the first; the next counts after a fall below the second. Up to a
        bath of 17 mM the count is the same for any pair from -55 to 10 mV (this work).
    """

    capacitance_pf: float = 1.0
    g_na_ns: float = 40.0
    g_na_leak_ns: float = 0.02
    g_k_ns: float = 22.0
    g_k_leak_ns: float = 0.12
    g_cl_ns: float = 7.5
    m_half_mv: float = -24.0
    m_slope_mv: float = 12.0
    n_half_mv: float = -19.0
    n_slope_mv: float = 18.0
    tau_n_ms: float = 4.0
    h_top: float = 1.1
    h_half: float = 0.4
    h_slope: float = 8.0
    pump_pa: float = 250.0
    pump_na_half_mm: float = 21.0
    pump_na_slope_mm: float = 2.0
    pump_k_half_mm: float = 5.5
    pump_k_slope_mm: float = 1.0
    volume_in_um3: float = 2160.0
    volume_out_um3: float = 720.0
    gamma_mm_um3_per_pa_ms: float = 0.04
    k_in_mm: float = 130.0
    k_out_mm: float = 4.8
    na_in_mm: float = 16.0
    na_out_mm: float = 138.0
    cl_in_mm: float = 5.0
    cl_out_mm: float = 112.0
    nernst_mv: float = 26.64
    epsilon_per_ms: float = 0.001
    threshold_mv: float = -20.0
    rearm_mv: float = -40.0

    def __post_init__(self) -> None:
        for each in fields(self):
            unit = next((u for u in ("ms", "mv") if each.name.endswith(f"_{u}") and "_per_" not in each.name), "1")
            signed = each.name.endswith(("_half_mv", "threshold_mv", "rearm_mv"))
            value = number(getattr(self, each.name), unit, each.name, positive=not signed)
            object.__setattr__(self, each.name, value)
        if self.rearm_mv > self.threshold_mv:
            raise ConfigurationError(
                f"rearm_mv = {self.rearm_mv:g} must not be above threshold_mv = {self.threshold_mv:g}"
            )

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> PotassiumCell:
        """From keyword arguments; ``UnknownNameError`` for one that no cell has."""
        names = [each.name for each in fields(cls)]
        for name in parameters:
            if name not in names:
                raise unknown("potassium cell: parameter", name, names)
        return cls(**parameters)

    def namespace(self) -> dict[str, Any]:
        """The names of :data:`EQUATIONS` as Brian2 quantities."""
        return {
            "C_m": self.capacitance_pf * pF,
            "g_Na": self.g_na_ns * nS,
            "g_Na_leak": self.g_na_leak_ns * nS,
            "g_K": self.g_k_ns * nS,
            "g_K_leak": self.g_k_leak_ns * nS,
            "g_Cl": self.g_cl_ns * nS,
            "V_m": self.m_half_mv * mV,
            "s_m": self.m_slope_mv * mV,
            "V_n": self.n_half_mv * mV,
            "s_n": self.n_slope_mv * mV,
            "tau_n": self.tau_n_ms * ms,
            "h_top": self.h_top,
            "n_h": self.h_half,
            "k_h": self.h_slope,
            "pump_max": self.pump_pa * pA,
            "Na_half": self.pump_na_half_mm * mmolar,
            "Na_slope": self.pump_na_slope_mm * mmolar,
            "K_half": self.pump_k_half_mm * mmolar,
            "K_slope": self.pump_k_slope_mm * mmolar,
            "gamma": self.gamma_mm_um3_per_pa_ms * mmolar * umeter**3 / (pA * ms),
            "volume_in": self.volume_in_um3 * umeter**3,
            "beta": self.volume_in_um3 / self.volume_out_um3,
            "K_i0": self.k_in_mm * mmolar,
            "Na_i0": self.na_in_mm * mmolar,
            "Na_o0": self.na_out_mm * mmolar,
            "E_Cl": -self.nernst_mv * arrays.log(self.cl_out_mm / self.cl_in_mm) * mV,
            "V_T": self.nernst_mv * mV,
            "epsilon": self.epsilon_per_ms / ms,
            "V_threshold": self.threshold_mv * mV,
            "V_rearm": self.rearm_mv * mV,
        }


def potassium_cells(count: int, cell: PotassiumCell, surroundings: Mapping[str, Any]) -> NeuronGroup:
    """A Brian2 group of ``count`` such cells with healthy concentrations; ``K_bath`` and ``K_shared`` are left to set.

    ``surroundings`` must hold what a cell does not own: ``mixing``, ``tau_exc``, ``tau_inh`` and ``E_exc``.
    """
    group = NeuronGroup(
        count,
        EQUATIONS,
        threshold="V > V_threshold",
        refractory="V > V_rearm",
        method="euler",
        namespace={**surroundings, **cell.namespace()},
        name="cells*",
    )
    group.K_o = cell.k_out_mm * mmolar
    return group
