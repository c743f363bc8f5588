"""The expected synaptic current, measured at the synapse: what crosses the interface does there what theory says.

Campbell's theorem for the mean and variance of the filtered input, Siegert's formula (with the shift of the threshold that a
discrete step makes, Brian2's Euler against validation numbers) for the rate of neurons that it drives.
"""

from __future__ import annotations

import numpy as np
import pytest
import synapse
from brian2 import Network, NeuronGroup, Synapses, ms
from synapse import CELLS, POPULATIONS
from toys import Toy

from adapters import RateToPoisson, SpikeToRate, siegert_rate_hz
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


def test_cells_driven_through_the_interface_fire_as_siegert_says():
    brain = Brain(tick_ms=0.1)
    source, cells = brain.add(Constant("source", 1, INPUT_HZ)), brain.add(Microcircuit("cells", driven_by_rate))
    brain.connect(source["rate"], cells["in"], weight=1.0, delay_ms=1.0, adapter=RateToPoisson(fibres=INPUTS))
    results = Simulation(brain, seed=5, record=[cells["spikes"]]).run(2200)
    mu = TAU_M_MS * 1e-3 * INPUTS * JUMP * INPUT_HZ
    sigma = JUMP * np.sqrt(TAU_M_MS * 1e-3 * INPUTS * INPUT_HZ)
    theory = float(siegert_rate_hz(mu, sigma, TAU_M_MS, THRESHOLD, RESET, REFRACTORY_MS, step_ms=0.1))
    assert mu == pytest.approx(21.0)
    error = 4 * np.sqrt(theory / (400 * 2.0))  # the counts vary less than Poisson ones
    # the formula knows diffusion only: jumps of 0.1 overshoot the threshold by 0.05 on average, which delays a spike by
    # tau * 0.05 / (mu - threshold) = 1 of 45 ms
    assert rate_of(results) == pytest.approx(theory, abs=error + 0.03 * theory)
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


# -- the same rate through every adapter into current and conductance synapses: examples/synapse.py ---------------------

LONG = pytest.param(6200.0, marks=pytest.mark.long)


@pytest.fixture(scope="module", params=[1200.0, LONG])
def felt(request):
    """What was found, seconds measured, and the results."""
    found, results = synapse.measure(duration_ms=request.param)
    return found, (request.param - synapse.SETTLED_MS) * 1e-3, results


def correlation(drive):
    return synapse.SPIKES["correlated"].correlation if drive == "correlated" else 0.0


def in_common(drive):
    """The share of a cell's variance that all cells have in common."""
    c = correlation(drive)
    return synapse.INPUTS * c / (1 + (synapse.INPUTS - 1) * c)


def test_the_mean_at_the_synapse_is_campbells(felt):
    found, seconds, _ = felt
    for population in POPULATIONS:
        mean, _, _ = synapse.theory(*population)
        drive = population[2]
        if drive == "mean":
            assert found[population][0] == pytest.approx(mean, rel=1e-9)
            continue
        spikes = synapse.INPUTS * synapse.RATE_HZ * seconds  # that a cell hears; Poisson ones scatter most
        scatter = np.sqrt((1 / CELLS + synapse.INPUTS * correlation(drive)) / spikes)
        assert found[population][0] == pytest.approx(mean, rel=4 * scatter), population
        assert scatter < (0.0025 if drive != "correlated" else 0.025)


def test_the_variance_at_the_synapse_is_that_of_its_inputs(felt):
    found, seconds, _ = felt
    samples = seconds * 1e3 / (1 + 2 * np.exp(-1))  # one a ms, neighbours correlated by the synapse
    for population in POPULATIONS:
        _, variance, _ = synapse.theory(*population)
        scatter = np.sqrt(2 / samples * (1 / CELLS + in_common(population[2]) ** 2))
        assert found[population][1] == pytest.approx(variance, rel=4 * scatter + 0.005, abs=1e-20), population


def test_cells_fire_alike_however_they_are_driven_and_as_siegert_says(felt):
    found, seconds, _ = felt
    for kind, shape in synapse.SYNAPSES:
        inside = found[kind, shape, "inside"][2]
        error = np.sqrt(inside / (CELLS * seconds))  # of Poisson spikes; these are more regular
        for drive in ("Poisson", "noise"):
            assert found[kind, shape, drive][2] == pytest.approx(inside, abs=4 * np.sqrt(2) * error), (
                kind,
                shape,
                drive,
            )
        theory = synapse.theory(kind, shape, "inside")[2]
        if theory is not None:  # currents: first order in sqrt(tau_syn / tau); conductances: effective time constant
            assert inside == pytest.approx(theory, abs=4 * error + (0.03 if kind == "current" else 0.05) * theory)
        # what fluctuates less fires less, what fluctuates more fires more, and the mean alone does not fire at all
        assert found[kind, shape, "mean"][2] == 0
        for drive in ("gamma", "refractory"):
            assert found[kind, shape, drive][2] < inside - error
        assert found[kind, shape, "correlated"][2] > inside + 4 * error


def test_no_interface_of_the_synapse_drifts(felt):
    assert len(felt[2].audit) == len(synapse.SPIKES) + 2 * len(synapse.SYNAPSES)
    assert not any(row["drifts"] for row in felt[2].audit)


@pytest.mark.parametrize("window_ms", [0.7, pytest.param(0.1, marks=pytest.mark.long)])
def test_the_window_changes_nothing_through_any_adapter(window_ms):
    runs = [synapse.measure(duration_ms=205.0, window_ms=each)[1] for each in (None, window_ms)]
    assert runs[0].content_sha256 == runs[1].content_sha256
