"""The mean field of neurons that exchange potassium with their surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from hybrid.elementary import arrays
from hybrid.masses.coupling import Coupling, Linear
from hybrid.masses.functions import log, logistic
from hybrid.masses.model import MassModel
from hybrid.units import FloatArray


@njit(error_model="numpy", forceinline=True)  # type: ignore[untyped-decorator]
def nernst(outside: float, inside: float, p: Any) -> float:
    """Reversal potential, mV; not a number where a concentration is not above 0."""
    ratio = outside / inside
    return float(p.nernst_mv * log(ratio)) if ratio > 0.0 else math.nan


def k_ion_ex(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """Bandyopadhyay, Rabuffo et al., the five equations of the mean field, in the form of The Virtual Brain."""
    x, V, n, DKi, Kg = state
    K_out, K_in = p.k_out_mm - p.beta * DKi + Kg, p.k_in_mm + DKi
    Na_out, Na_in = p.na_out_mm + p.beta * DKi, p.na_in_mm - DKi
    if p.v_star_mv < V:
        R, c = p.R_plus, p.c_plus_mv
    else:
        R, c = p.R_minus, p.c_minus_mv
    h = p.h_top - logistic(p.h_slope * (n - p.h_half))
    g_na = p.g_na_leak_ns + p.g_na_ns * logistic((V - p.m_half_mv) / p.m_slope_mv) * h
    I_na = g_na * (V - nernst(Na_out, Na_in, p))
    I_k = (p.g_k_leak_ns + p.g_k_ns * n) * (V - nernst(K_out, K_in, p))
    I_cl = p.g_cl_ns * (V - p.E_cl_mv)
    I_pump = (
        p.pump_pa
        * logistic((Na_in - p.pump_na_half_mm) / p.pump_na_slope_mm)
        * logistic((K_out - p.pump_k_half_mm) / p.pump_k_slope_mm)
    )
    r = p.R_minus / math.pi * x
    conductance = p.R_minus / math.pi * coupling[0] + p.drive_gain * 1e-3 * drive_hz
    return (
        p.Delta + 2.0 * R * (V - c) * x - p.J * r * x,
        p.eta - (I_na + I_k + I_cl + I_pump) / p.capacitance_pf - R * x * x + conductance * (p.E_mv - V),
        (logistic((V - p.n_half_mv) / p.n_slope_mv) - n) / p.tau_n_ms,
        -p.moved_mm_per_pa_ms * (I_k - 2.0 * I_pump),
        p.epsilon_per_ms * (p.k_bath_mm - K_out),
    )


@dataclass(frozen=True, eq=False)
class KIonEx(MassModel):
    """Infinitely many Hodgkin-Huxley-type neurons whose potassium leaks out, is pumped back and diffuses away.

    Bandyopadhyay, Rabuffo et al., a mean field of neurons with ion exchange, eLife 104249, of the neurons of
    Depannemaecker et al. (2022) J Comput Neurosci, doi 10.1007/s10827-022-00811-1: the cells of ``potassium_focus`` in
    :mod:`hybrid.circuits`, with the same names and values of what both have. Equations are those of The Virtual Brain
    2.10, ``KIonEx``.

    Variables: ``x``, width of the distribution of potentials, dimensionless; ``V``, mean potential, mV; ``n``, gate of
    potassium channels; ``DKi``, change of potassium inside, mM (negative when it has left); ``Kg``, potassium outside
    that has come from the bath, mM. Potassium outside is ``k_out_mm - volume_in / volume_out * DKi + Kg``. Others feel
    ``x``: what arrives times ``R_minus / pi`` is a synaptic conductance per capacitance, 1/ms, towards ``E_mv``.

    Conventions of The Virtual Brain that differ from the equations of its own documentation, and that this follows:
    the population's own synapses (J) act on x but not on V, and the firing rate is ``R_minus x / pi`` on both sides of
    ``v_star_mv``. It keeps x and n from going below 0 by force; here nothing does, and nothing needs to without noise.

    As a rate: ``1000 R_minus x / pi`` Hz, which is 4.7 Hz at rest and exceeds 100 Hz in the spikes of a burst, which the
    whole population fires at once; in depolarization block it is thousands of Hz and no firing rate. A drive acts as
    the rate of other regions does: as the conductance ``drive_gain * drive_hz / 1000``, in 1/ms.

    A node alone rests with a bath of 5.5 mM (the default), has recurrent bursts from 7 to 15 mM, as potassium accumulates
    and is cleared, and is in depolarization block from 20 mM on. The membrane is fast: take steps of 0.02 ms
    (``MassNetwork(..., dt_ms=0.02)``); with 0.05 spikes are a fifth lower, with 0.1 the state diverges.

    Parameters (numbers or arrays ``[node]``)
    ----------
    k_bath_mm: potassium in the bath (vessels and glia). epsilon_per_ms: exchange with it.
    J: synaptic weight within the node. eta, Delta: centre and half-width of the Lorentzian of currents, mV/ms.
    R_minus, c_minus_mv, R_plus, c_plus_mv, v_star_mv: the two parabolas that stand for the membrane's response, their
        curvature, 1/(mV ms), and vertex, and where they meet.
    E_mv: reversal potential of synapses. drive_gain: conductance per capacitance for each spike of drive.
    capacitance_pf, g_na_ns, g_na_leak_ns, g_k_ns, g_k_leak_ns, g_cl_ns: of the membrane.
    m_half_mv, m_slope_mv, n_half_mv, n_slope_mv, tau_n_ms: activation of sodium, instantaneous, and of potassium.
    h_top, h_half, h_slope: inactivation of sodium, ``h(n) = top - 1 / (1 + exp(slope (half - n)))``.
    pump_pa, pump_na_half_mm, pump_na_slope_mm, pump_k_half_mm, pump_k_slope_mm: the Na/K pump and its two sigmoids.
    volume_in_um3, volume_out_um3: of a cell and of its share of extracellular space.
    gamma_mm_um3_per_pa_ms: how much concentration a current moves.
    k_in_mm, k_out_mm, na_in_mm, na_out_mm, cl_in_mm, cl_out_mm: concentrations of a healthy cell.
    nernst_mv: R T / F.
    """

    variables: ClassVar[tuple[str, ...]] = ("x", "V", "n", "DKi", "Kg")
    coupled: ClassVar[tuple[str, ...]] = ("x",)
    units: ClassVar[dict[str, str]] = {"V": "mV", "DKi": "mM", "Kg": "mM"}
    default_coupling: ClassVar[Coupling] = Linear(0.01)
    rhs = staticmethod(k_ion_ex)

    k_bath_mm: ArrayLike = 5.5
    J: ArrayLike = 0.1
    eta: ArrayLike = 0.0
    Delta: ArrayLike = 1.0
    R_minus: ArrayLike = 0.5
    c_minus_mv: ArrayLike = -40.0
    R_plus: ArrayLike = -0.5
    c_plus_mv: ArrayLike = -20.0
    v_star_mv: ArrayLike = -31.0
    E_mv: ArrayLike = 0.0
    drive_gain: ArrayLike = 1.0
    capacitance_pf: ArrayLike = 1.0
    g_na_ns: ArrayLike = 40.0
    g_na_leak_ns: ArrayLike = 0.02
    g_k_ns: ArrayLike = 22.0
    g_k_leak_ns: ArrayLike = 0.12
    g_cl_ns: ArrayLike = 7.5
    m_half_mv: ArrayLike = -24.0
    m_slope_mv: ArrayLike = 12.0
    n_half_mv: ArrayLike = -19.0
    n_slope_mv: ArrayLike = 18.0
    tau_n_ms: ArrayLike = 4.0
    h_top: ArrayLike = 1.1
    h_half: ArrayLike = 0.4
    h_slope: ArrayLike = 8.0
    pump_pa: ArrayLike = 250.0
    pump_na_half_mm: ArrayLike = 21.0
    pump_na_slope_mm: ArrayLike = 2.0
    pump_k_half_mm: ArrayLike = 5.5
    pump_k_slope_mm: ArrayLike = 1.0
    volume_in_um3: ArrayLike = 2160.0
    volume_out_um3: ArrayLike = 720.0
    gamma_mm_um3_per_pa_ms: ArrayLike = 0.04
    k_in_mm: ArrayLike = 130.0
    k_out_mm: ArrayLike = 4.8
    na_in_mm: ArrayLike = 16.0
    na_out_mm: ArrayLike = 138.0
    cl_in_mm: ArrayLike = 5.0
    cl_out_mm: ArrayLike = 112.0
    nernst_mv: ArrayLike = 26.64
    epsilon_per_ms: ArrayLike = 0.001

    def derived(self) -> dict[str, Any]:
        return {
            "beta": np.divide(self.volume_in_um3, self.volume_out_um3),
            "E_cl_mv": -np.multiply(self.nernst_mv, arrays.log(np.divide(self.cl_out_mm, self.cl_in_mm))),
            "moved_mm_per_pa_ms": np.divide(self.gamma_mm_um3_per_pa_ms, self.volume_in_um3),
        }

    def rate_hz(self, state: FloatArray) -> FloatArray:
        result: FloatArray = np.multiply(self.R_minus, 1e3 / math.pi) * np.maximum(state[0], 0.0)
        return result

    def initial(self, n: int) -> FloatArray:
        """Near the rest of a node alone with the default parameters, concentrations healthy."""
        return np.repeat([[0.03], [-74.0], [0.045], [0.0], [0.0]], n, axis=1)
