"""The expected synaptic current, measured at the synapse: what crosses the interface does there what theory says.

Campbell's theorem for the mean and variance of the filtered input, Siegert's formula (with the shift of the threshold that a
discrete step makes, Brian2's Euler against validation numbers) for the rate of neurons that it drives.
"""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import Hz, Network, NeuronGroup, PoissonGroup, Synapses, ms
from scipy.integrate import quad
from scipy.special import erfcx
from toys import Toy

from adapters import RateToPoisson, SpikeToRate
from hybrid import Brain, Port, Rates, Simulation
from hybrid.circuits import Afferents, Circuit, Microcircuit, Readout

FIBRES, RATE_HZ, WEIGHT, TAU_MS = 100, 5.0, 0.1, 5.0


class Constant(Toy):
    """Emits a constant rate on every line."""

    def __init__(self, name, size, hz):
        super().__init__(name)
        self.hz = hz
        self.outputs = {"rate": Port(name, "rate", Rates, size, "out")}

    def advance(self, window, inputs):
        size = self.outputs["rate"].size
        return {"rate": Rates(window, size, self.hz)}


def filters(cells=200):
    """Cells that only low-pass filter the spikes of their own line."""
    group = NeuronGroup(cells, "dx/dt = -x/(5*ms) : 1", method="exact", name="cells")
    lines = Afferents(cells)
    synapses = Synapses(lines, group, on_pre="x += 0.1")
    synapses.connect(j="i")
    return Circuit(Network(group, lines, synapses), {"in": lines}, {"x": Readout(group, "x")})


def test_filtered_input_has_campbells_mean_and_variance():
    """100 sources of 5 Hz, weight .1, 5 ms: mean N w r tau = .25, variance N w^2 r tau / 2 = .0125 (shot noise)."""
    brain = Brain(tick_ms=0.1)
    source, cells = brain.add(Constant("source", 1, RATE_HZ)), brain.add(Microcircuit("cells", filters))
    brain.connect(source["rate"], cells["in"], weight=1.0, delay_ms=1.0, adapter=RateToPoisson(fibres=FIBRES))
    results = Simulation(brain, seed=4, record=[cells["x"]]).run(1050)
    x = results[cells["x"]].values[500:]  # ten time constants later
    mean, variance = FIBRES * WEIGHT * RATE_HZ * TAU_MS * 1e-3, FIBRES * WEIGHT**2 * RATE_HZ * TAU_MS * 1e-3 / 2
    independent = x.shape[1] * 1000 / (2 * TAU_MS)
    assert mean == pytest.approx(0.25)
    assert variance == pytest.approx(0.0125)
    # in discrete time a spike is read undecayed at the end of its tick, so 1 / (1 - exp(-h/tau)) stands for tau / h
    keep = np.exp(-0.1 / TAU_MS)
    in_ticks = FIBRES * RATE_HZ * 1e-4
    assert x.mean() == pytest.approx(in_ticks * WEIGHT / (1 - keep), abs=4 * np.sqrt(variance / independent))
    assert x.var() == pytest.approx(in_ticks * WEIGHT**2 / (1 - keep**2), rel=4 * np.sqrt(2 / independent))
    assert x.mean() == pytest.approx(mean, rel=0.03)
    assert x.var() == pytest.approx(variance, rel=0.06)


# -- integrate-and-fire cells, driven by spiking neurons, and by their rate through the interface -----------------------

TAU_M_MS, THRESHOLD, RESET, REFRACTORY_MS = 20.0, 20.0, 10.0, 2.0
INPUTS, JUMP, INPUT_HZ = 1000, 0.1, 10.5  # mu = tau K J r = 21, sigma = J sqrt(tau K r) = 1.45 (mV)


def siegert_hz(mu, sigma):
    """Rate of a leaky integrate-and-fire neuron (Siegert 1951), tau V' = -V + mu + sigma sqrt(tau) xi."""
    shift = 0.5826 * sigma * np.sqrt(0.1 / TAU_M_MS)  # of the threshold, for a step of 0.1 ms
    low, high = (RESET - mu) / sigma, (THRESHOLD + shift - mu) / sigma
    integral = quad(lambda u: erfcx(-u) if u < 0 else 2 * np.exp(u * u) - erfcx(u), low, high)[0]
    return 1e3 / (REFRACTORY_MS + TAU_M_MS * np.sqrt(np.pi) * integral)


def lif(cells):
    return NeuronGroup(
        cells,
        "dv/dt = -v/(20*ms) : 1 (unless refractory)",
        threshold="v > 20",
        reset="v = 10",
        refractory=2 * ms,
        method="exact",
        name="cells",
    )


def driven_by_spikes(cells=400):
    """Inside Brian2: every cell has its own 1,000 Poisson inputs, as one source of their summed rate."""
    group = lif(cells)
    sources = PoissonGroup(
        cells * 100, rates=INPUT_HZ * 10 * Hz, name="sources"
    )  # one spike a step at most: keep p small
    synapses = Synapses(sources, group, on_pre="v_post += 0.1 * int(not_refractory_post)")
    synapses.connect(j="i // 100")
    silent = Afferents(1)
    return Circuit(Network(group, sources, synapses, silent), {"in": silent}, {"spikes": group})


def driven_by_rate(cells=400):
    group = lif(cells)
    lines = Afferents(cells)
    synapses = Synapses(lines, group, on_pre="v_post += 0.1 * int(not_refractory_post)")
    synapses.connect(j="i")
    return Circuit(Network(group, lines, synapses), {"in": lines}, {"spikes": group})


def rate_of(results, cells=400, start_ms=200, stop_ms=2200):
    events = results["cells.spikes"]
    seen = (events.ticks >= start_ms * 10) & (events.ticks < stop_ms * 10)
    return events.counts[seen].sum() / cells / (stop_ms - start_ms) * 1e3


def test_cells_fire_as_siegert_says_whether_driven_by_spikes_or_through_the_interface():
    brain = Brain(tick_ms=0.1)
    cells = brain.add(Microcircuit("cells", driven_by_spikes))
    inside = rate_of(Simulation(brain, seed=5, record=[cells["spikes"]]).run(2200))

    brain = Brain(tick_ms=0.1)
    source, cells = brain.add(Constant("source", 1, INPUT_HZ)), brain.add(Microcircuit("cells", driven_by_rate))
    brain.connect(source["rate"], cells["in"], weight=1.0, delay_ms=1.0, adapter=RateToPoisson(fibres=INPUTS))
    results = Simulation(brain, seed=5, record=[cells["spikes"]]).run(2200)
    through = rate_of(results)

    mu = TAU_M_MS * 1e-3 * INPUTS * JUMP * INPUT_HZ
    sigma = JUMP * np.sqrt(TAU_M_MS * 1e-3 * INPUTS * INPUT_HZ)
    theory = siegert_hz(mu, sigma)
    assert mu == pytest.approx(21.0)
    error = 4 * np.sqrt(theory / (400 * 2.0))  # the counts vary less than Poisson ones
    # the formula knows diffusion only: jumps of 0.1 overshoot the threshold by 0.05 on average, which delays a spike by
    # tau * 0.05 / (mu - threshold) = 1 of 45 ms
    assert through == pytest.approx(inside, abs=np.sqrt(2) * error)
    assert inside == pytest.approx(theory, abs=error + 0.03 * theory)
    assert through == pytest.approx(theory, abs=error + 0.03 * theory)
    assert not results.audit[0]["drifts"]


@pytest.mark.parametrize("window_ms", [0.1, 0.5, 1.0])
def test_the_window_changes_nothing_at_the_synapse(window_ms):
    brain = Brain(tick_ms=0.1)
    source, cells = brain.add(Constant("source", 1, RATE_HZ)), brain.add(Microcircuit("cells", filters))
    brain.connect(source["rate"], cells["in"], weight=1.0, delay_ms=1.0, adapter=RateToPoisson(fibres=FIBRES))
    simulation = Simulation(brain, seed=4, record=[cells["x"]], window_ms=window_ms)
    assert simulation.run(20).content_sha256 == Simulation(brain, seed=4, record=[cells["x"]]).run(20).content_sha256


def test_a_population_is_heard_at_the_rate_it_fires():
    """Spikes of the cells, filtered into a rate, integrate to the number of spikes: nothing is lost on the way back."""
    brain = Brain(tick_ms=0.1)
    source, cells = brain.add(Constant("source", 1, INPUT_HZ)), brain.add(Microcircuit("cells", driven_by_rate))
    listener = brain.add(Listener("listener"))
    brain.connect(source["rate"], cells["in"], weight=1.0, delay_ms=1.0, adapter=RateToPoisson(fibres=INPUTS))
    brain.connect(cells["spikes"], listener["in"], weight=1.0, delay_ms=1.0, adapter=SpikeToRate(tau_ms=3, pool="sum"))
    results = Simulation(brain, seed=5, record=[cells["spikes"], listener["heard"]]).run(300)
    heard = results[listener["heard"]].hz.sum() * 1e-4
    row = next(row for row in results.audit if row["connection"] == "cells_to_listener")
    assert heard == pytest.approx(row["delivered"], rel=1e-12)
    assert not row["drifts"]
    before = (results[cells["spikes"]].ticks < 3000 - 10 - 10 * 3 * 10).sum()  # ten time constants before the end
    assert before <= heard <= results[cells["spikes"]].counts.sum()


class Listener(Toy):
    def __init__(self, name):
        super().__init__(name)
        self.inputs = {"in": Port(name, "in", Rates, 1, "in")}
        self.outputs = {"heard": Port(name, "heard", Rates, 1, "out")}

    def advance(self, window, inputs):
        return {"heard": inputs["in"]}
