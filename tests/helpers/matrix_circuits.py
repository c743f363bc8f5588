"""Small circuits for the matrix: one that hears spikes, one that takes currents and conductances."""

# ruff: noqa: F841  (Brian2 finds constants by their names)

from __future__ import annotations

from brian2 import Network, NeuronGroup, SpikeMonitor, Synapses, ms, mV

from hybrid.circuits import Afferents, Circuit, Injection, Readout


def heard(n: int = 12) -> Circuit:
    """Noise, random delays, refractoriness."""
    tau = 10 * ms
    cells = NeuronGroup(
        n,
        "dv/dt = (18*mV - v) / tau + 6*mV * xi * tau**-0.5 : volt (unless refractory)",
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="euler",
        name="cells",
    )
    cells.v = "rand() * 20*mV"
    recurrent = Synapses(cells, cells, on_pre="v += 0.5*mV", name="recurrent")
    recurrent.connect("i != j", p=0.3)
    recurrent.delay = "0.1*ms + rand() * 3*ms"
    fibres = Afferents(3, name="fibres")
    drive = Synapses(fibres, cells, on_pre="v += 2*mV", delay=0.7 * ms, name="drive")
    drive.connect()
    return Circuit(
        Network(cells, recurrent, fibres, drive),
        inputs={"afferents": fibres},
        outputs={
            "spikes": cells,
            "first": cells[:5],
            "v": Readout(cells, "v", unit="mV"),
            "mean_v": Readout(cells, "v", average=True, unit="mV"),
        },
    )


def injected(n: int = 4) -> Circuit:
    """A current and a conductance from outside."""
    tau, reversal = 10 * ms, 30 * mV
    cells = NeuronGroup(
        n,
        """dv/dt = (-v + i_in * 50*Mohm + g_in * 50*Mohm * (reversal - v)) / tau : volt
           i_in : amp
           g_in : siemens""",
        threshold="v > 15*mV",
        reset="v = 0*mV",
        method="euler",
        name="cells",
    )
    return Circuit(
        Network(cells, SpikeMonitor(cells, name="seen")),
        inputs={"current": Injection(cells, "i_in"), "conductance": Injection(cells, "g_in", unit="nS")},
        outputs={"spikes": cells, "v": Readout(cells, "v", unit="mV")},
    )
