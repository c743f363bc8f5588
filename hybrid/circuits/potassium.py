"""An epileptogenic focus: spiking neurons that share extracellular potassium and seize when the bath has too much."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2 import Network, NeuronGroup, Synapses, defaultclock, linked_var, mmolar, ms, mV, nS

from hybrid.circuits.afferents import Afferents
from hybrid.circuits.circuit import Circuit, Readout
from hybrid.circuits.potassium_cell import LONGEST_STEP_MS, PotassiumCell, potassium_cells
from hybrid.errors import ConfigurationError
from hybrid.units import number

_OPEN = "g_{kind}_post += {share} * (1 - g_{kind}_post/g_max)"  # a spike opens a share of the receptors still closed


def potassium_focus(
    cells: int = 1000,
    bath_mm: float = 15.0,
    afferents: int = 100,
    *,
    excitatory_fraction: float = 0.8,
    inputs_per_cell: float = 50.0,
    fibres_per_cell: float = 10.0,
    g_exc_ns: float = 0.01,
    g_inh_ns: float = 0.05,
    g_afferent_ns: float = 0.1,
    tau_exc_ms: float = 5.0,
    tau_inh_ms: float = 10.0,
    g_max_ns: float = 10.0,
    e_exc_mv: float = 0.0,
    delay_ms: float = 1.0,
    mixing_per_ms: float = 0.01,
    bath_spread: float = 0.05,
    start_mv: float = -75.0,
    start_spread_mv: float = 5.0,
    **cell: float,
) -> Circuit:
    """A circuit for :class:`hybrid.circuits.Microcircuit`: neurons after Depannemaecker et al. 2022 in one potassium bath.

    The bath decides: at 5.5 mM the circuit is silent without input, between about 12.5 and 15 mM it has seizures of 1 to
    2.5 s again and again, at 17 mM it hardly stops. A run starts from healthy concentrations, so the first seizure comes
    when potassium has come in from the bath, after about 0.5 s. Give ``Microcircuit`` a ``dt_ms`` of 0.05 or less.
    ``docs/science_focus.md`` shows what to expect.

    Ports
    -----
    afferents: in, one line a fibre; every cell hears about ``fibres_per_cell`` of them.
    spikes: out, one line a cell; the first ``round(excitatory_fraction * cells)`` are excitatory.
    potassium: out, mean extracellular potassium in mM.  potential: out, mean membrane potential in mV.

    Parameters
    ----------
    cells, afferents: number of neurons and of fibres.
    bath_mm: potassium in the bath, mM (Depannemaecker et al. 2022 vary it; healthy tissue has 3 to 5.5).
    excitatory_fraction: of the cells (cortex has about 0.8).
    inputs_per_cell: mean number of recurrent synapses a cell receives, drawn with equal probability among all others.
    fibres_per_cell: mean number of afferent fibres a cell hears, excitatory and inhibitory cells alike.
    g_exc_ns, g_inh_ns, g_afferent_ns: conductance a spike adds in the target. Chosen here: one spike of a fibre depolarises a
        resting cell by 3 mV and two together make it fire; recurrent excitation recruits the population within
        about 10 ms but does not keep a seizure going, which potassium does.
    tau_exc_ms, tau_inh_ms: decay of both, of the order of AMPA and GABA-A receptors.
    g_max_ns: conductance with all receptors of one kind open, excitatory or inhibitory: a spike opens its share of those
        still closed. Ten times what a seizure needs; keeps the integration stable under any input.
    e_exc_mv: reversal potential of excitation. That of inhibition is chloride's, which GABA-A channels pass.
    delay_ms: of recurrent synapses; afferent ones have none, the connection into the circuit carries it.
    mixing_per_ms: exchange of a cell's extracellular potassium with the mean of all. Diffusion at 0.75 um2/ms (free
        diffusion over tortuosity 1.6 squared: Nicholson & Sykova 1998) evens out neighbours 12 um apart at this rate.
        Below about 0.005 cells drift apart and population seizures dissolve.
    bath_spread: standard deviation of a cell's own bath over ``bath_mm``, so that some cells start before others.
    start_mv, start_spread_mv: mean and standard deviation of membrane potentials at the start.
    **cell: any parameter of :class:`hybrid.circuits.potassium_cell.PotassiumCell`, such as ``tau_n_ms``.

    Raises
    ------
    ConfigurationError: a number out of range, or an integration step above 0.05 ms. UnknownNameError: an unknown parameter.
    """
    constants = PotassiumCell.of(cell)
    _check_step()
    count = _count(cells, "cells", at_least=2)
    fibres = _count(afferents, "afferents", at_least=1)
    bath = number(bath_mm, "1", "bath_mm", positive=True)
    excitatory = round(number(excitatory_fraction, "1", "excitatory_fraction") * count)
    if not 1 <= excitatory < count:
        raise ConfigurationError(
            f"excitatory_fraction = {excitatory_fraction} of {count} cells is {excitatory}; "
            f"there must be a cell of each kind"
        )
    g_max = number(g_max_ns, "1", "g_max_ns", positive=True)
    namespace = {
        "tau_exc": number(tau_exc_ms, "ms", "tau_exc_ms", positive=True) * ms,
        "tau_inh": number(tau_inh_ms, "ms", "tau_inh_ms", positive=True) * ms,
        "E_exc": number(e_exc_mv, "mv", "e_exc_mv") * mV,
        "mixing": number(mixing_per_ms, "1", "mixing_per_ms", at_least=0) / ms,
        "g_max": g_max * nS,
        "g_exc_step": number(g_exc_ns, "1", "g_exc_ns", at_least=0, at_most=g_max) * nS,
        "g_inh_step": number(g_inh_ns, "1", "g_inh_ns", at_least=0, at_most=g_max) * nS,
        "g_afferent_step": number(g_afferent_ns, "1", "g_afferent_ns", at_least=0, at_most=g_max) * nS,
        "p_recurrent": _probability(inputs_per_cell, count - 1, "inputs_per_cell"),
        "p_afferent": _probability(fibres_per_cell, fibres, "fibres_per_cell"),
        "spread": number(bath_spread, "1", "bath_spread", at_least=0, at_most=0.2),
        "V_start": number(start_mv, "mv", "start_mv") * mV,
        "V_spread": number(start_spread_mv, "mv", "start_spread_mv", at_least=0) * mV,
    }
    delay = number(delay_ms, "ms", "delay_ms", at_least=0) * ms

    group = potassium_cells(count, constants, namespace)
    group.K_bath = np.full(count, bath) * mmolar  # as an array, so that all baths share one compilation
    group.K_bath = "K_bath * (1 + spread*randn())"
    group.V = "V_start + V_spread*randn()"
    group.n = "n_inf"

    space = NeuronGroup(1, "K_mean : mmolar", name="space*")
    group.K_shared = linked_var(space, "K_mean")
    mixing = Synapses(group, space, "K_mean_post = K_o_pre / N_pre : mmolar (summed)", name="mixing*")
    mixing.connect()

    # generators draw source by source: synapses lie sorted by source, which makes their delivery fast
    excitation = Synapses(
        group[:excitatory], group, on_pre=_OPEN.format(kind="exc", share="g_exc_step"), delay=delay, name="excitation*"
    )
    excitation.connect(j="k for k in sample(N_post, p=p_recurrent) if k != i", namespace=namespace)
    inhibition = Synapses(
        group[excitatory:], group, on_pre=_OPEN.format(kind="inh", share="g_inh_step"), delay=delay, name="inhibition*"
    )
    inhibition.connect(j="k for k in sample(N_post, p=p_recurrent) if k != i + N_post - N_pre", namespace=namespace)
    arriving = Afferents(fibres, name="fibres")
    drive = Synapses(arriving, group, on_pre=_OPEN.format(kind="exc", share="g_afferent_step"), name="drive*")
    drive.connect(p="p_afferent", namespace=namespace)

    return Circuit(
        Network(group, space, mixing, excitation, inhibition, arriving, drive),
        inputs={"afferents": arriving},
        outputs={
            "spikes": group,
            "potassium": Readout(group, "K_o", average=True, unit="mM"),
            "potential": Readout(group, "V", average=True, unit="mV"),
        },
        namespace=namespace,
    )


def _check_step() -> None:
    step_ms = float(defaultclock.dt / ms)
    if step_ms > LONGEST_STEP_MS * (1 + 1e-9):
        raise ConfigurationError(
            f"potassium_focus: an integration step of {step_ms:g} ms is too long, the membrane becomes unstable; "
            f"give Microcircuit(..., dt_ms={LONGEST_STEP_MS:g})"
        )


def _count(value: Any, what: str, at_least: int) -> int:
    result = number(value, "1", what, at_least=at_least)
    if result != int(result):
        raise ConfigurationError(f"{what} = {value!r} must be a whole number")
    return int(result)


def _probability(mean: Any, out_of: int, what: str) -> float:
    """Of a connection, so that ``mean`` of ``out_of`` arrive; all of them where there are fewer."""
    return min(1.0, number(mean, "1", what, at_least=0) / out_of)
