"""One rate through every adapter, measured at the synapse: mean, variance and the spikes it makes (about 30 s on one core).

Populations of leaky integrate-and-fire neurons hear 40 inputs each at 50 Hz: from Poisson neurons inside their circuit, or as
a rate through an adapter that makes spikes, a current or a conductance of it. What they receive is held against Campbell's
theorem (for inputs that are not Poisson: its integral over their spectrum), what they make of it against Siegert's formula.

python examples/synapse.py --out synapse.png
"""

import argparse

import numpy as np
from scipy.integrate import quad

from adapters import (
    CorrelatedPoisson,
    GammaRenewal,
    RateToConductance,
    RateToCurrent,
    RateToPoisson,
    RefractoryPoisson,
    siegert_rate_hz,
)
from hybrid import Brain, Every, Pulse, Simulation, Stimulus
from hybrid.circuits import Microcircuit

TICK_MS, DELAY_MS, SETTLED_MS = 0.1, 1.0, 200.0
CELLS, INPUTS, RATE_HZ = 100, 40, 50.0  # cells of a population, inputs of each, their rate
NEURON = {"v_threshold_mv": 20.0, "v_reset_mv": 10.0, "refractory_ms": 2.0}  # potentials from rest
TAU_M_MS, RESISTANCE_MOHM, REVERSAL_MV, TAU_SYN_MS = 20.0, 100.0, 70.0, 1.0
WEIGHT = {"current": 0.09, "conductance": 1.8}  # of a spike at its peak if the synapse is exponential, nA or nS
SPIKES = {
    "Poisson": RateToPoisson(),
    "correlated": CorrelatedPoisson(0.02),
    "gamma": GammaRenewal(cv=0.5),
    "refractory": RefractoryPoisson(refractory_ms=5.0),
}
SYNAPSES = [(kind, shape) for kind in ("current", "conductance") for shape in ("exponential", "alpha")]
DRIVES = ["inside", *SPIKES, "noise", "mean"]  # by spikes, by the synapse's own adapter with noise and without
LABELS = [
    "Poisson neurons inside",
    *(type(adapter).__name__ for adapter in SPIKES.values()),
    "RateToCurrent, -Conductance",
]
POPULATIONS = [(kind, shape, drive) for kind, shape in SYNAPSES for drive in DRIVES]


def peak(kind, shape):
    """Both shapes carry the same charge, an alpha function e times its peak and time constant."""
    return WEIGHT[kind] / (np.e if shape == "alpha" else 1.0)


def place(population):
    """The cells of a population, a slice of all."""
    first = CELLS * POPULATIONS.index(population)
    return slice(first, first + CELLS)


def circuit():
    """All populations in one group. A spike steps up ``s`` or, where the synapse is an alpha function, ``h``, which feeds s."""
    from brian2 import Hz, Network, NeuronGroup, PoissonGroup, Synapses, ms

    from hybrid.circuits import Afferents, Circuit, Injection, Readout

    keep, share = np.exp(-TICK_MS / TAU_SYN_MS), TAU_SYN_MS / TICK_MS
    names = {
        "tau": TAU_M_MS * ms,
        "E": REVERSAL_MV,
        "R": RESISTANCE_MOHM * 1e-3,  # mV / pA, and 1 / nS
        "s_share": share * (1 - keep),  # of s in the average over a step,
        "h_share": share * (1 - keep) - keep,  # and of h
        "keep": keep,
        "passed": keep / share,
    }
    cells = NeuronGroup(
        CELLS * len(POPULATIONS),
        """dv/dt = (1e3*R*I + R*g*(E - v) - v)/tau : 1 (unless refractory)
           I = received*feels_current + I_ext/nA : 1
           g = received*(1 - feels_current) + g_ext/nS : 1
           received = s_share*s + h_share*h : 1
           felt = I + g : 1
           s : 1
           h : 1
           I_ext : amp
           g_ext : siemens
           feels_current : 1 (constant)
           step_of_s : 1 (constant)
           step_of_h : 1 (constant)""",
        threshold="v > 20",
        reset="v = 10",
        refractory=2 * ms,
        method="exponential_euler",
        name="cells",
    )
    cells.run_regularly("s = keep*s + passed*h\nh = keep*h", when="after_groups")  # exact
    cells.v = "20*rand()"
    for population in POPULATIONS:
        kind, shape, _ = population
        members, weight = cells[place(population)], peak(kind, shape)
        members.feels_current = kind == "current"
        members.step_of_s, members.step_of_h = (0, np.e * weight) if shape == "alpha" else (weight, 0)
    sources = {drive: Afferents(CELLS * INPUTS, name=drive.lower()) for drive in SPIKES}
    inside = PoissonGroup(CELLS * INPUTS, RATE_HZ * Hz, name="inside")
    network = Network(cells, inside, *sources.values())
    for drive, source in {"inside": inside, **sources}.items():
        synapses = Synapses(
            source, cells, on_pre="s_post += step_of_s_post\nh_post += step_of_h_post", name=f"of_{drive}"
        )
        lines = np.repeat(np.arange(CELLS * INPUTS), len(SYNAPSES))
        firsts = [place((*synapse, drive)).start for synapse in SYNAPSES]
        synapses.connect(i=lines, j=lines // INPUTS + np.tile(firsts, CELLS * INPUTS))
        network.add(synapses)
    inputs = dict(sources)
    for kind, shape, drive in POPULATIONS:
        if drive in ("noise", "mean"):
            variable, unit = ("I_ext", "nA") if kind == "current" else ("g_ext", "nS")
            inputs[f"{kind}_{shape}_{drive}"] = Injection(cells[place((kind, shape, drive))], variable, unit)
    return Circuit(network, inputs, {"spikes": cells, "felt": Readout(cells, "felt")}, names)


def measure(seed=1, duration_ms=2200.0, window_ms=None):
    """``{population: (mean, variance, rate_hz)}`` of what its cells feel, nA or nS, and how they fire; and the results."""
    brain = Brain(tick_ms=TICK_MS)
    source = brain.add(Stimulus("source", 1, Pulse(0.0, duration_ms, RATE_HZ)))
    cells = brain.add(Microcircuit("cells", circuit))
    for drive, adapter in SPIKES.items():
        brain.connect(source["rate"], cells[drive], weight=1.0, delay_ms=DELAY_MS, adapter=adapter)
    for kind, shape, drive in POPULATIONS:
        if drive in ("noise", "mean"):
            make = RateToCurrent if kind == "current" else RateToConductance
            adapter = make(peak(kind, shape), TAU_SYN_MS, shape, fibres=INPUTS, noise=drive == "noise")
            port = cells[f"{kind}_{shape}_{drive}"]
            brain.connect(source["rate"], port, weight=1.0, delay_ms=DELAY_MS, adapter=adapter)
    record = [cells["spikes"], Every(cells["felt"], 1.0, average=False)]
    results = Simulation(brain, seed=seed, record=record, window_ms=window_ms).run(duration_ms)
    felt, spikes = results[cells["felt"]].values[int(SETTLED_MS) :], results[cells["spikes"]]
    late = spikes.ticks >= SETTLED_MS / TICK_MS
    fired = np.bincount(spikes.ids[late], weights=spikes.counts[late], minlength=CELLS * len(POPULATIONS))
    found = {}
    for population in POPULATIONS:
        own = felt[:, place(population)]
        rate_hz = fired[place(population)].mean() / (duration_ms - SETTLED_MS) * 1e3
        found[population] = float(own.mean()), float(own.var(axis=0).mean()), float(rate_hz)
    return found, results


def theory(kind, shape, drive):
    """Mean and variance of what a cell feels, and its rate where a formula gives it (else ``None``).

    Every input has the power spectrum S(f): the mean is ``charge K r``, the variance ``charge^2 K`` times the integral of
    S(f) and the synapse's low-pass. For Poisson inputs S = r: Campbell's theorem. A renewal process whose intervals have the
    characteristic function phi has ``S = r (1 - |phi|^2) / |1 - phi|^2`` (Cox & Lewis 1966).
    """
    charge, tau_s, poles = WEIGHT[kind] * TAU_SYN_MS * 1e-3, TAU_SYN_MS * 1e-3, 2 if shape == "alpha" else 1
    together = 1.0

    def share_of_poisson(f):
        phi = 0.0
        if drive == "gamma":
            order = SPIKES["gamma"].cv ** -2
            phi = (1 + 2j * np.pi * f / (order * RATE_HZ)) ** -order
        elif drive == "refractory":
            dead_s = SPIKES["refractory"].refractory_ms * 1e-3
            phi = np.exp(-2j * np.pi * f * dead_s) / (1 + 2j * np.pi * f * (1 / RATE_HZ - dead_s))
        return (1 - abs(phi) ** 2) / abs(1 - phi) ** 2

    if drive == "correlated":
        together = 1 + (INPUTS - 1) * SPIKES["correlated"].correlation
    density = quad(
        lambda x: share_of_poisson(x / tau_s) / (1 + (2 * np.pi * x) ** 2) ** poles, 1e-6, np.inf, limit=500
    )[0]
    mean = charge * INPUTS * RATE_HZ
    variance = 0.0 if drive == "mean" else charge**2 * INPUTS * RATE_HZ * together * 2 * density / tau_s
    return mean, variance, _rate_hz(kind, charge, together) if _is_diffusion(shape, drive) else None


def _is_diffusion(shape, drive):
    return shape == "exponential" and drive not in ("gamma", "refractory", "mean")


def _rate_hz(kind, charge, together):
    """Siegert's formula; for conductances with the effective time constant that their mean leaves."""
    per_s, ohms = INPUTS * RATE_HZ, RESISTANCE_MOHM
    if kind == "current":
        tau_ms, mu_mv, jump_mv = TAU_M_MS, ohms * charge * per_s, ohms * charge / (TAU_M_MS * 1e-3)
    else:
        opened = 1e-3 * ohms * charge * per_s
        tau_ms, mu_mv = TAU_M_MS / (1 + opened), REVERSAL_MV * opened / (1 + opened)
        jump_mv = 1e-3 * ohms * charge * (REVERSAL_MV - mu_mv) / (TAU_M_MS * 1e-3)
    sigma_mv = jump_mv * np.sqrt(together * per_s * tau_ms * 1e-3)
    return float(siegert_rate_hz(mu_mv, sigma_mv, tau_ms, **NEURON, tau_syn_ms=TAU_SYN_MS))


def draw(found, path):
    import matplotlib.pyplot as plt

    from hybrid.plot.style import CYCLE, GREY, letter, our_style, save

    with our_style():
        figure, axes = plt.subplots(1, 3, figsize=(14, 4.6), sharey=True, layout="constrained")
        titles = ["Mean, to Campbell", "Variance, to theory", "Output rate (Hz)"]
        for k, (panel, title) in enumerate(zip(axes, titles, strict=True)):
            for c, synapse in enumerate(SYNAPSES):
                for row, drive in enumerate(DRIVES):
                    seen, expected = found[(*synapse, drive)][k], theory(*synapse, drive)[k]
                    y, style = -row - 0.15 * (c - 1.5), {"color": CYCLE[c], "ms": 7}
                    if k == 2:
                        panel.plot(seen, y, "o", **style)
                        if expected is not None:
                            panel.plot(expected, y, "|", color="black", ms=14)
                    elif expected:
                        panel.plot(seen / expected, y, "o", **style, label=", ".join(synapse) if row == 0 else None)
            panel.set_title(title)
            letter(panel, "abc"[k])
            if k < 2:
                panel.axvline(1, color=GREY, ls="--", zorder=0)
                panel.set_xlim(0.9, 1.1)
        axes[0].set_yticks(-np.arange(len(DRIVES)), [*LABELS, "without noise"])
        axes[2].plot([], [], "|", color="black", ms=14, label="Siegert")
        axes[2].set_xlim(left=0)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        axes[2].legend(loc="lower right")
        save(figure, path)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--duration-ms", type=float, default=2200.0)
    options.add_argument("--out", default="synapse.png")
    options = options.parse_args()
    found, _ = measure(duration_ms=options.duration_ms)
    print(f"{'':37s} {'mean':>8s} {'/theory':>8s} {'variance':>9s} {'/theory':>8s} {'Hz':>6s} {'Siegert':>8s}")
    for kind, shape, drive in POPULATIONS:
        (mean, variance, hz), (m, v, r) = found[kind, shape, drive], theory(kind, shape, drive)
        ratio, siegert = f"{variance / v:8.3f}" if v else " " * 8, f"{r:8.2f}" if r else ""
        print(
            f"{kind + ', ' + shape:24s} {drive:12s} {mean:8.4f} {mean / m:8.4f} {variance:9.3g} {ratio} {hz:6.2f} {siegert}"
        )
    draw(found, options.out)


if __name__ == "__main__":
    main()
