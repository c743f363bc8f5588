"""Small Brian2 networks for the tests of circuits; few, since each is a compilation."""

# ruff: noqa: F841, NPY002  (Brian2 finds constants by their names and draws from numpy's global stream)

from __future__ import annotations

import numpy as np
from brian2 import Network, NeuronGroup, SpikeMonitor, StateMonitor, Synapses, ms, mV

from hybrid.circuits import Afferents, Circuit, Microcircuit, Readout
from hybrid.clock import Clock, Window
from hybrid.signals import Signal, Spikes

TICK = Clock(0.1)
FIBRES = 5


def noisy(n: int = 60) -> Circuit:
    """All that is hard to carry over a cut: noise, random delays, refractoriness, plastic synapses, monitors."""
    tau, tau_ge, tau_d = 10 * ms, 4 * ms, 100 * ms
    cells = NeuronGroup(
        n,
        """dv/dt = (18*mV + ge - v) / tau + 6*mV * xi * tau**-0.5 : volt (unless refractory)
           dge/dt = -ge / tau_ge : volt
           leak = v / tau : volt/second""",
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="euler",
        name="cells",
    )
    cells.v = "rand() * 20*mV"
    cells.ge = np.random.rand(n) * mV
    recurrent = Synapses(
        cells,
        cells,
        """w : volt
           dx/dt = (1 - x) / tau_d : 1 (event-driven)""",
        on_pre="ge += w * x\nx *= 0.8",
        name="recurrent",
    )
    recurrent.connect("i != j", p=0.2)
    recurrent.w = "0.4*mV * rand()"
    recurrent.x = 1
    recurrent.delay = "0.1*ms + rand() * 3*ms"
    fibres = Afferents(FIBRES, name="fibres")
    drive = Synapses(fibres, cells, on_pre="ge += 1*mV", delay=0.7 * ms, name="drive")
    drive.connect(p=0.4)
    monitors = [SpikeMonitor(cells, name="spiked"), StateMonitor(cells, "v", record=[0, 3], dt=0.5 * ms, name="traced")]
    return Circuit(
        Network(cells, recurrent, fibres, drive, *monitors),
        inputs={"afferents": fibres},
        outputs={
            "spikes": cells,
            "second_half": cells[n // 2 :],
            "v": Readout(cells, "v", unit="mV"),
            "mean_v": Readout(cells, "v", average=True, unit="mV"),
            "leak": Readout(cells[:3], "leak", unit="mV/ms"),
        },
    )


def counting() -> Circuit:
    """Cells that add up what reaches them: without noise, decay or threshold but one.

    Cell k hears fibre k alone: at once by ``now``, after 1 ms by ``late``, with a weight that changes with every event
    by ``facilitating`` (u -> (1 + u) / 2, and the cell gets u).
    """
    cells = NeuronGroup(
        3,
        "now : 1\nlate : 1\nfacilitated : 1\ndz/dt = 0/second : 1",
        threshold="z > 0.5",
        reset="z = 0",
        method="euler",
        name="cells",
    )
    fibres = Afferents(3, name="fibres")
    now = Synapses(fibres, cells, on_pre="now_post += 1", name="at_once")
    late = Synapses(fibres, cells, on_pre="late_post += 1\nz_post += 1", delay=1 * ms, name="later")
    facilitating = Synapses(fibres, cells, "u : 1", on_pre="u += 0.5 * (1 - u)\nfacilitated_post += u", name="facil")
    for each in (now, late, facilitating):
        each.connect(j="i")
    return Circuit(
        Network(cells, fibres, now, late, facilitating, SpikeMonitor(fibres, name="heard")),
        inputs={"afferents": fibres},
        outputs={"spikes": cells, "now": Readout(cells, "now", unit="events"), "late": Readout(cells, "late")},
    )


def exploding(rate: float = 1.0) -> Circuit:
    """One of ten cells runs away: dx/dt = x**2 reaches infinity at 1/x(0) = 1/rate s (here: after 5 ms)."""
    cells = NeuronGroup(10, "dx/dt = x**2 / second : 1", threshold="x < -1", reset="", method="euler", name="runaway")
    cells.x[7] = 200 * rate
    return Circuit(Network(cells), outputs={"spikes": cells})


def deterministic(n: int = 100) -> Circuit:
    """Without noise: every neuron is driven above threshold by its own constant current, and inhibits some others."""
    cells = NeuronGroup(
        n,
        "dv/dt = (current - v) / (10*ms) : volt (unless refractory)\ncurrent : volt (constant)",
        threshold="v > 15*mV",
        reset="v = 0*mV",
        refractory=1 * ms,
        method="exact",
        name="cells",
    )
    cells.current = np.linspace(16, 30, n) * mV
    cells.v = np.linspace(0, 14, n) * mV
    inhibit = Synapses(cells, cells, on_pre="v -= 0.3*mV", delay=1.3 * ms, name="inhibit")
    inhibit.connect("(7*i + 3*j) % 10 < 3")
    return Circuit(Network(cells, inhibit), outputs={"spikes": cells})


def alive(build, engine: str, seed: int = 1, name: str = "circuit", clock: Clock = TICK, **others) -> Microcircuit:
    """A prepared circuit."""
    circuit = Microcircuit(name, build, engine=engine, **others)
    circuit.prepare(clock, np.random.default_rng(seed))
    return circuit


def random_spikes(ticks: int, seed: int = 3, lines: int = FIBRES) -> Spikes:
    """About one event a tick and ten lines, some of them pooled."""
    return Spikes.from_counts(Window(0, ticks), np.random.default_rng(seed).poisson(0.1, (ticks, lines)))


def live(circuit: Microcircuit, heard: Spikes | None, cuts: list[int]) -> dict[str, Signal]:
    """Let ``circuit`` live through windows that end at ``cuts``; the outputs joined (of spikes: as ticks, ids, counts)."""
    pieces: dict[str, list] = {}
    start = circuit._tick
    for stop in cuts:
        window = Window(start, stop)
        inputs = {port: heard.during(window) for port in circuit.inputs}
        for port, signal in circuit.advance(window, inputs).items():
            pieces.setdefault(port, []).append(
                np.array(signal.payload()) if isinstance(signal, Spikes) else signal.values
            )
        start = stop
    return {
        port: np.concatenate(parts, axis=1 if circuit.outputs[port].carries_events else 0)
        for port, parts in pieces.items()
    }
