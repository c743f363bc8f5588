"""A mass is replaced by the spiking population it stands for, and its neighbour does not notice (about 40 s on one core).

In the limit of many neurons, quadratic integrate-and-fire neurons with Lorentzian excitabilities are exactly the mass of
Montbrio, Pazo & Roxin (2015) Phys Rev X 5:021028. Two coupled masses go through a pulse that switches one of them; then this
one becomes a circuit, through our adapters. The trajectories stay, and what is left of a difference falls with the number of
neurons N as 1/sqrt(N): the N quantiles of a Lorentzian lack its tails, where rates grow as the square root.

python examples/qif_mass.py --out qif_mass.png
"""

import argparse

import numpy as np

from adapters import RateToPoisson, SpikeToRate
from hybrid import Brain, Connectome, Pulse, Simulation, Stimulus
from hybrid.circuits import Microcircuit
from hybrid.masses import MassNetwork, MontbrioPazoRoxin

TICK_MS, STEP_MS, BIN_MS, DURATION_MS = 0.1, 0.002, 10, 500
TAU_MS, ETA, DELTA, J, PEAK = 10.0, -5.0, 1.0, 15.0, 200.0
PULSE = Pulse(50.0, 250.0, 300.0)  # 300 Hz are a current of 3 for this weight and time constant
FIBRES = 5000  # that bring what other nodes and the pulse send
SIZES, SEEDS = (125, 250, 500, 1000, 2000, 4000), (1, 2, 3)


def population(neurons):
    """``tau v' = v^2 + eta``; a recurrent spike adds J/N to every neuron, one of a fibre 1/fibres (a synaptic weight of 1).

    Excitabilities are the quantiles of their Lorentzian distribution.
    """
    from brian2 import Network, NeuronGroup, Synapses, ms

    from hybrid.circuits import Afferents, Circuit

    names = {"tau": TAU_MS * ms, "peak": PEAK, "recurrent": J / neurons, "external": 1.0 / FIBRES}
    cells = NeuronGroup(
        neurons,
        "dv/dt = (v*v + excitability)/tau : 1 (unless refractory)\nexcitability : 1",
        threshold="v > peak",
        reset="v = -peak",
        refractory=2 * TAU_MS / PEAK * ms,  # from the peak to infinity, and from there to the reset
        method="euler",
    )
    share = np.arange(1, neurons + 1) / (neurons + 1)
    cells.excitability = ETA + DELTA * np.tan(np.pi * (share - 0.5))
    cells.v = -2.0
    within = Synapses(cells, cells, on_pre="v_post += recurrent")
    within.connect()
    fibres = Afferents(1)
    outside = Synapses(fibres, cells, on_pre="v_post += external")
    outside.connect()
    return Circuit(Network(cells, within, fibres, outside), {"in": fibres}, {"spikes": cells}, names)


def mass(name):
    one = Connectome((name,), np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((1, 3)))
    return MassNetwork(name, one, model=MontbrioPazoRoxin(tau_ms=TAU_MS, eta=ETA, Delta=DELTA, J=J))


def trajectories(neurons=None, seed=1, window_ms=None):
    """Rates of the node and of its neighbour, Hz, in bins of 10 ms: a mass, or a circuit of so many neurons."""
    brain = Brain(tick_ms=TICK_MS)
    neighbour, pulse = brain.add(mass("neighbour")), brain.add(Stimulus("pulse", 1, PULSE))
    if neurons is None:
        node = brain.add(mass("node"))
        out, into, to_circuit, to_mass = node["rate"], node["drive"], None, None
    else:
        parameters = {"neurons": neurons}
        node = brain.add(Microcircuit("node", population, parameters=parameters, dt_ms=STEP_MS))
        out, into = node["spikes"], node["in"]
        to_circuit, to_mass = RateToPoisson(fibres=FIBRES), SpikeToRate(tau_ms=2, pool="mean")
    brain.connect(pulse["rate"], into, weight=1.0, delay_ms=1, adapter=to_circuit)
    brain.connect(neighbour["rate"], into, weight=0.3, delay_ms=2, adapter=to_circuit)
    brain.connect(out, neighbour["drive"], weight=0.3, delay_ms=2, adapter=to_mass)
    results = Simulation(brain, seed=seed, record=[neighbour["rate"], out], window_ms=window_ms).run(DURATION_MS)
    ticks = round(DURATION_MS / TICK_MS)
    if neurons is None:
        own = results[out].hz[:, 0]
    else:
        spikes = results[out]
        own = np.bincount(spikes.ticks, weights=spikes.counts, minlength=ticks) / neurons / (TICK_MS * 1e-3)
    return tuple(
        each.reshape(-1, round(BIN_MS / TICK_MS)).mean(axis=1) for each in (own, results[neighbour["rate"]].hz[:, 0])
    )


def times_ms():
    """The middle of each bin."""
    return BIN_MS * (np.arange(DURATION_MS // BIN_MS) + 0.5)


def error(circuit_hz, mass_hz):
    """Difference of the mean rates in the high state after the pulse, as a share of the rate."""
    after = times_ms() > 300
    return float(abs(circuit_hz[after].mean() / mass_hz[after].mean() - 1))


def errors(sizes=SIZES, seeds=SEEDS):
    """Of the node and of its neighbour, which hears it, ``[node, size, seed]``."""
    expected = trajectories()
    runs = [[trajectories(n, seed) for seed in seeds] for n in sizes]
    return np.array([[[error(run[k], expected[k]) for run in row] for row in runs] for k in (0, 1)])


def draw(of_mass, of_circuit, found, path):
    import matplotlib.pyplot as plt

    from hybrid.plot.style import BLUE, GREY, INK, PALE, VERMILLION, letter, our_style, save

    with our_style():
        figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
        for panel, k, title in zip(axes, (0, 1), ("The replaced node", "Its neighbour, always a mass"), strict=False):
            panel.axvspan(50, 250, color=PALE, lw=0, zorder=0)
            panel.plot(times_ms(), of_mass[k], color=INK, ls=(0, (4, 2)), zorder=3, label="mass")
            panel.plot(times_ms(), of_circuit[k], color=BLUE, lw=2.5, label="2,000 neurons")
            panel.set(xlabel="Time (ms)", ylabel="Rate (Hz)", title=title, xlim=(0, DURATION_MS))
        axes[0].text(150, 4, "pulse", ha="center", color=GREY)
        axes[0].legend(loc="center right")
        for each, colour, name in zip(found, (VERMILLION, BLUE), ("the node", "its neighbour"), strict=True):
            rms = np.sqrt((each**2).mean(axis=1))
            axes[2].loglog(SIZES, each, "o", color=colour, alpha=0.4, ms=5)
            axes[2].loglog(SIZES, rms, "o-", color=colour, ms=8, label=name)
            axes[2].loglog(SIZES, rms[0] * np.sqrt(SIZES[0] / np.array(SIZES)), color=INK, ls=(0, (4, 2)), lw=1)
        axes[2].plot([], [], color=INK, ls=(0, (4, 2)), lw=1, label="1 / sqrt(N)")
        axes[2].set(xlabel="Neurons N", ylabel="Error of the rate in the high state", title="The error falls with N")
        axes[2].set_xticks(SIZES, [f"{n:,}" for n in SIZES])
        axes[2].minorticks_off()
        axes[2].legend(loc="lower left")
        for k, panel in enumerate(axes):
            letter(panel, "abc"[k])
        save(figure, path)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", default="qif_mass.png")
    options = options.parse_args()
    of_mass, of_circuit = trajectories(), trajectories(2000)
    print("rate before and after the pulse, Hz")
    for name, (own, _) in {"mass": of_mass, "2,000 neurons": of_circuit}.items():
        print(f"  {name:14s} {own[2:5].mean():6.2f} {own[times_ms() > 300].mean():7.2f}")
    found = errors()
    for n, node, neighbour in zip(SIZES, *np.sqrt((found**2).mean(axis=2)), strict=True):
        print(f"  N = {n:5d}: error {node:.2%}, of the neighbour {neighbour:.2%}")
    draw(of_mass, of_circuit, found, options.out)


if __name__ == "__main__":
    main()
