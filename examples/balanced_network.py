"""One half of a balanced random network as a rate: the other half, still spiking, does not notice (about 30 s on one core).

2,000 excitatory and 500 inhibitory integrate-and-fire neurons in the balanced state (Brunel (2000) J Comput Neurosci 8:183,
model A with its external input as white noise). Then either half becomes one line: a rate that relaxes to Siegert's formula.

python examples/balanced_network.py --out balanced_network.png
"""

# ruff: noqa: NPY002  (a build function draws from numpy's global stream, which is seeded for it)

import argparse

import numpy as np
from scipy.optimize import brentq
from scipy.signal import lfilter

from adapters import RateToPoisson, SpikeToRate, siegert_rate_hz
from hybrid import Brain, Component, Port, Rates, Simulation
from hybrid.circuits import Microcircuit

NEURON = {"tau_m_ms": 20.0, "v_threshold_mv": 20.0, "v_reset_mv": 10.0, "refractory_ms": 2.0}
NEURONS = {"exc": 2000, "inh": 500}
INPUTS = {"exc": 200, "inh": 50}  # of each neuron, from each half
JUMP_MV = {"exc": 0.1, "inh": -0.6}  # what a spike from each half does
MU_MV, SIGMA_MV = 24.0, 6.0  # of the external input
TICK_MS, DELAY_MS, SETTLED_MS = 0.1, 1.5, 200.0
OTHER = {"exc": "inh", "inh": "exc"}
NAMES = {"exc": "excitatory", "inh": "inhibitory"}


def circuit(spiking=("exc", "inh"), delay_ms=DELAY_MS):
    """The halves that spike, and a fibre for each neuron and each half that does not."""
    from brian2 import Network, NeuronGroup, Synapses, ms

    from hybrid.circuits import Afferents, Circuit

    names = {"mu": MU_MV, "sigma": SIGMA_MV, "tau": NEURON["tau_m_ms"] * ms}
    size = sum(NEURONS[half] for half in spiking)
    cells = NeuronGroup(
        size,
        "dv/dt = (mu - v)/tau + sigma*xi*tau**-0.5 : 1 (unless refractory)",
        threshold="v > 20",
        reset="v = 10",
        refractory=2 * ms,
        method="euler",
        name="cells",
    )
    cells.v = "20*rand()"
    network, inputs, outputs, first = Network(cells), {}, {}, 0
    for half in ("exc", "inh"):
        hit = f"v_post += {JUMP_MV[half]}*int(not_refractory_post)"
        if half in spiking:
            source = outputs[half] = cells[first : first + NEURONS[half]]
            first += NEURONS[half]
            synapses = Synapses(source, cells, on_pre=hit, delay=delay_ms * ms, name=f"from_{half}")
            sources = np.random.randint(NEURONS[half], size=INPUTS[half] * size)
            order = np.argsort(sources, kind="stable")  # synapses in the order of their sources are fastest
            synapses.connect(i=sources[order], j=(np.arange(sources.size) // INPUTS[half])[order])
        else:
            source = inputs[half] = Afferents(size, name=f"fibres_{half}")
            synapses = Synapses(source, cells, on_pre=hit, name=f"from_{half}")
            synapses.connect(j="i")
            network.add(source)
        network.add(synapses)
    return Circuit(network, inputs, outputs, names)


def response_hz(exc_hz, inh_hz):
    """The stationary rate of neurons whose inputs fire at these rates."""
    rates = {"exc": exc_hz, "inh": inh_hz}
    tau_s = NEURON["tau_m_ms"] * 1e-3
    mu_mv = MU_MV + sum(tau_s * JUMP_MV[half] * INPUTS[half] * rates[half] for half in rates)
    variance = SIGMA_MV**2 + sum(tau_s * JUMP_MV[half] ** 2 * INPUTS[half] * rates[half] for half in rates)
    return siegert_rate_hz(mu_mv, np.sqrt(variance), **NEURON, step_ms=TICK_MS)


def theory_hz():
    """Where the rate that comes out is the rate that goes in."""
    return brentq(lambda hz: float(response_hz(hz, hz)) - hz, 0.1, 200.0)


class RatePopulation(Component):
    """One half as a rate: it relaxes to the stationary response within ``tau_ms``."""

    def __init__(self, name, tau_ms=5.0):
        self.name, self.tau_ms = name, tau_ms
        self.inputs = {half: Port(name, half, Rates, 1, "in") for half in NEURONS}
        self.outputs = {"rate": Port(name, "rate", Rates, 1, "out")}

    def prepare(self, clock, rng):
        self.keep, self.memory = np.exp(-clock.tick_ms / self.tau_ms), np.zeros(1)

    def advance(self, window, inputs):
        target_hz = response_hz(inputs["exc"].hz[:, 0], inputs["inh"].hz[:, 0])
        hz, self.memory = lfilter([1 - self.keep], [1, -self.keep], target_hz, zi=self.memory)
        return {"rate": Rates(window, 1, hz[:, None])}

    def state(self):
        return {"memory": self.memory.copy()}

    def restore(self, state):
        self.memory = np.array(state["memory"])


def spiking_network(seed=1, duration_ms=1000.0):
    """Rates of both halves in ms, Hz, when both spike."""
    brain = Brain(tick_ms=TICK_MS)
    network = brain.add(Microcircuit("network", circuit))
    results = Simulation(brain, seed=seed, record=[network["exc"], network["inh"]]).run(duration_ms)
    return {half: per_ms(results[network[half]], NEURONS[half]) for half in NEURONS}


def hybrid_network(spiking, seed=1, duration_ms=1000.0, delay_ms=DELAY_MS, window_ms=None):
    """The same where only one half spikes, and the results of the run."""
    rate = OTHER[spiking]
    brain = Brain(tick_ms=TICK_MS)
    parameters = {"spiking": (spiking,), "delay_ms": delay_ms}
    cells = brain.add(Microcircuit("cells", circuit, parameters=parameters))
    population = brain.add(RatePopulation("population"))
    every = {"weight": 1.0, "delay_ms": delay_ms}
    brain.connect(population["rate"], cells[rate], adapter=RateToPoisson(fibres=INPUTS[rate]), **every)
    brain.connect(cells[spiking], population[spiking], adapter=SpikeToRate(tau_ms=1.0, pool="mean"), **every)
    brain.connect(population["rate"], population[rate], name="within_the_population", **every)
    record = [cells[spiking], population["rate"]]
    results = Simulation(brain, seed=seed, record=record, window_ms=window_ms).run(duration_ms)
    smooth = results[population["rate"]].hz[:, 0].reshape(-1, 10).mean(axis=1)
    return {spiking: per_ms(results[cells[spiking]], NEURONS[spiking]), rate: smooth}, results


def per_ms(spikes, neurons):
    """Rate of a population, Hz, in bins of 1 ms."""
    ms = len(spikes.window) // 10
    return np.bincount(spikes.ticks // 10, weights=spikes.counts, minlength=ms) / neurons * 1e3


def settled_hz(rates):
    """Mean rate of each half once the network has settled."""
    return {half: float(hz[int(SETTLED_MS) :].mean()) for half, hz in rates.items()}


def draw(brains, theory, path):
    import matplotlib.pyplot as plt

    from hybrid.plot.style import BLUE, GREY, VERMILLION, letter, our_style, save

    colours = {"exc": VERMILLION, "inh": BLUE}
    with our_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.2), width_ratios=[3, 2], layout="constrained")
        for k, (name, rates) in enumerate(brains.items()):
            shift = 60.0 * (len(brains) - 1 - k)
            for half, hz in rates.items():
                left.plot(hz[:300] + shift, color=colours[half], lw=1)
            left.text(302, shift + theory, name, va="center")
            for half, hz in settled_hz(rates).items():
                right.plot(hz, -k, "o", color=colours[half], ms=10, alpha=0.85, label=NAMES[half] if k == 0 else None)
        left.set(xlabel="Time (ms)", ylabel="Rate (Hz), shifted by 60 Hz", xlim=(0, 300), title="Population rates")
        right.axvline(theory, color=GREY, ls="--", label="Siegert, self-consistent")
        right.set_yticks([0, -1, -2], list(brains))
        right.set(xlabel="Mean rate (Hz)", xlim=(0, 1.25 * theory), ylim=(-2.6, 0.9))
        right.set_title("Both halves keep their rates")
        right.legend(loc="upper left", fontsize=9)
        letter(left, "a"), letter(right, "b")
        save(figure, path)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--duration-ms", type=float, default=1000.0)
    options.add_argument("--out", default="balanced_network.png")
    options = options.parse_args()
    brains = {"all spiking": spiking_network(duration_ms=options.duration_ms)}
    for spiking in ("inh", "exc"):
        brains[f"{NAMES[OTHER[spiking]]} as a rate"] = hybrid_network(spiking, duration_ms=options.duration_ms)[0]
    theory = theory_hz()
    print(f"{'Siegert, self-consistent':26s} exc {theory:6.2f} Hz   inh {theory:6.2f} Hz")
    for name, rates in brains.items():
        mean = settled_hz(rates)
        print(f"{name:26s} exc {mean['exc']:6.2f} Hz   inh {mean['inh']:6.2f} Hz")
    draw(brains, theory, options.out)


if __name__ == "__main__":
    main()
