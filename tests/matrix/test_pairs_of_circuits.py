"""The options that meet in a circuit, in pairs: engines, steps below a tick, ways in and ways out."""

from __future__ import annotations

import numpy as np
import pytest
from alive import lived, require_same
from covering import all_pairs, label
from matrix_toys import Source

from hybrid import Brain
from hybrid.circuits import Microcircuit

TICKS, HALF, CELLS = 60, 31, 6
OPTIONS = {
    "engine": ["compiled", "runtime"],
    "dt_ms": [None, 0.05, 0.02],
    "into": ["nothing", "afferents", "injection", "both"],
    "out": ["spikes", "readout", "average", "subgroup"],
    "noise": [False, True],
}
CASES = all_pairs(OPTIONS)
QUICK = [case for case in CASES if case["engine"] == "runtime" or case["dt_ms"] == 0.05]  # few compilations


def circuit(into, out, noise):
    from brian2 import Mohm, Network, NeuronGroup, Synapses, ms, mV

    from hybrid.circuits import Afferents, Circuit, Injection, Readout

    tau = 5 * ms
    xi_term = " + 4*mV * xi * tau**-0.5" if noise else ""
    cells = NeuronGroup(
        CELLS,
        f"dv/dt = (25*mV - v + i_in * 50*Mohm) / tau{xi_term} : volt (unless refractory)\ni_in : amp",
        threshold="v > 15*mV",
        reset="v = 0*mV",
        refractory=0.5 * ms,
        method="euler",
        name="cells",
    )
    cells.v = np.linspace(0, 14, CELLS) * mV
    inhibit = Synapses(cells, cells, on_pre="v -= 0.3*mV", delay=1.3 * ms, name="inhibit")
    inhibit.connect("i != j")
    members, inputs = [cells, inhibit], {}
    if into in ("afferents", "both"):
        fibres = Afferents(3, name="fibres")
        drive = Synapses(fibres, cells, on_pre="v += 1*mV", delay=0.3 * ms, name="drive")
        drive.connect()
        members += [fibres, drive]
        inputs["afferents"] = fibres
    if into in ("injection", "both"):
        inputs["current"] = Injection(cells, "i_in")
    ways_out = {
        "spikes": cells,
        "subgroup": cells[2:5],
        "readout": Readout(cells, "v", unit="mV"),
        "average": Readout(cells, "v", average=True, unit="mV"),
    }
    return Circuit(Network(*members), inputs, {"out": ways_out[out]}, namespace={"tau": tau, "Mohm": Mohm, "mV": mV})


def brain(case):
    made = Brain(0.1)
    parameters = {key: case[key] for key in ("into", "out", "noise")}
    part = made.add(Microcircuit("part", circuit, parameters=parameters, engine=case["engine"], dt_ms=case["dt_ms"]))
    for name, port in part.inputs.items():
        source = made.add(
            Source(name, port.size, port.kind.__name__, {"Spikes": 300.0, "Currents": 0.1}[port.kind.__name__])
        )
        made.connect(source["out"], port, delay_ms=0.5)
    return made


@pytest.mark.usefixtures("shared_cache")
@pytest.mark.parametrize(
    "case", [case if case in QUICK else pytest.param(case, marks=pytest.mark.long) for case in CASES], ids=label
)
def test_options_of_circuits_get_along(case):
    outputs = lived(lambda: brain(case), TICKS, 5)
    require_same(outputs, lived(lambda: brain(case), TICKS, 3))
    require_same(outputs, lived(lambda: brain(case), TICKS, 5, leave_at=HALF), since=HALF)
    (port,) = (port for port in outputs if port.startswith("part."))
    assert all(part.size for part in outputs[port]), "nothing came out"


def test_every_pair_is_tried():
    tried = {(case["into"], case["out"]) for case in CASES}
    assert tried == {(into, out) for into in OPTIONS["into"] for out in OPTIONS["out"]}
    assert len(CASES) <= 24
    assert len(QUICK) >= 6
