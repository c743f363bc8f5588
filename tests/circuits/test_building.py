"""Build functions that go wrong, and what is found of the names they use."""

# ruff: noqa: F841  (Brian2 finds constants by their names)

from __future__ import annotations

import subprocess
import sys

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms, mV, second
from circuit_examples import TICK, alive, live, noisy

from hybrid.circuits import Afferents, Circuit, Microcircuit, Readout
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, UnknownNameError

pytestmark = pytest.mark.usefixtures("shared_cache")


@pytest.fixture(params=["compiled", "runtime"])
def engine(request):
    return request.param


def cells(**others):
    return NeuronGroup(4, "dv/dt = -v / (10*ms) : volt", name="cells", method="exact", **others)


def raises():
    raise ZeroDivisionError("three over none")


def no_circuit():
    return Network(cells())


def no_network():
    return Circuit(cells())


def other_input():
    group = cells(threshold="v > 1*mV", reset="v = 0*mV")
    return Circuit(Network(group), inputs={"in": group})


def forgotten():
    fibres = Afferents(2, name="fibres")
    return Circuit(Network(cells()), inputs={"in": fibres})


def silent_output():
    group = cells()
    return Circuit(Network(group), outputs={"spikes": group})


def odd_output():
    return Circuit(Network(cells()), outputs={"spikes": 3})


def unknown_variable():
    group = cells()
    return Circuit(Network(group), outputs={"v": Readout(group, "vm")})


def unit_of_another_kind():
    group = cells()
    return Circuit(Network(group), outputs={"v": Readout(group, "v", unit="nA")})


def unit_left_out():
    group = cells()
    return Circuit(Network(group), outputs={"v": Readout(group, "v")})


def no_unit():
    group = cells()
    return Circuit(Network(group), outputs={"v": Readout(group, "v", unit="volts")})


def one_name_twice():
    group, fibres = cells(), Afferents(2, name="fibres")
    synapses = Synapses(fibres, group, on_pre="v += 1*mV")
    synapses.connect()
    return Circuit(
        Network(group, fibres, synapses), inputs={"x": fibres}, outputs={"x": Readout(group, "v", unit="mV")}
    )


def two_ports_for_one():
    group, fibres = cells(), Afferents(2, name="fibres")
    return Circuit(Network(group, fibres), inputs={"x": fibres, "y": fibres})


def every_synapse():
    group = cells()
    synapses = Synapses(group, group, "w : 1", name="synapses")
    synapses.connect()
    return Circuit(Network(group, synapses), outputs={"w": Readout(synapses, "w")})


def runs():
    network = Network(cells())
    network.run(1 * ms)
    return Circuit(network)


def seeds():
    brian2.seed(1)
    return Circuit(Network(cells()))


def sets_device():
    brian2.set_device("cpp_standalone")
    return Circuit(Network(cells()))


def sets_dt():
    brian2.defaultclock.dt = 0.025 * ms
    return Circuit(Network(cells()))


class OddError(ConfigurationError):
    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


class SpeechlessError(Exception):
    def __str__(self):
        raise ValueError


def raises_own_kind():
    raise OddError("this", "that")


def raises_without_words():
    raise SpeechlessError


def raises_key_error():
    {}["missing"]


def exits():
    sys.exit(0)


def raises_base():
    raise GeneratorExit("end")


def returns_nothing():
    Circuit(Network(cells()))


def drops_a_group():
    group = cells()
    dropped = NeuronGroup(2, "x : 1", name="dropped")
    return Circuit(Network(group))


def drops_an_input():
    group = cells()
    brian2.PoissonInput(group, "v", 10, 5 * brian2.Hz, 1 * mV)
    return Circuit(Network(group))


def drops_synapses():
    group, fibres = cells(), Afferents(2, name="fibres")
    synapses = Synapses(fibres, group, on_pre="v += 1*mV", name="left_out")
    synapses.connect()
    return Circuit(Network(group, fibres), inputs={"in": fibres})


def unheard_input():
    group, fibres = cells(), Afferents(2, name="fibres")
    return Circuit(Network(group, fibres), inputs={"in": fibres})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (raises_own_kind, "this and that"),
        (raises_without_words, r"its build function raised SpeechlessError: \(it does not say what\)"),
        (raises_key_error, "its build function raised KeyError: missing"),
        (exits, r"its build function ended the program \(sys.exit\(0\)\); return a Circuit, or raise an error"),
        (raises_base, "its build function raised GeneratorExit: end"),
        (returns_nothing, "its build function returned nothing"),
        (drops_a_group, r"made dropped \(NeuronGroup\) but left it out of the network; add .* Network\(..., dropped\)"),
        (drops_an_input, r"made poissoninput \(PoissonInput\) but left it out of the network"),
        (unheard_input, "input 'in': nothing in the network hears fibres; add the Synapses"),
        (raises, "its build function raised ZeroDivisionError: three over none"),
        (no_circuit, r"returned Network; it must return hybrid.circuits.Circuit\(network, inputs=..., outputs=...\)"),
        (drops_synapses, "input 'in': nothing in the network hears fibres; add the Synapses"),
        (no_network, "given a NeuronGroup as its network; give it a brian2.Network"),
        (other_input, "input 'in' is a NeuronGroup; an input is a hybrid.circuits.Afferents"),
        (forgotten, "input 'in' belongs to fibres, which is not in the network"),
        (silent_output, "output 'spikes': cells emits no spikes; give it a threshold"),
        (odd_output, "output 'spikes' is a int; an output is a Brian2 group"),
        (unknown_variable, "variable of cells 'vm' does not exist; did you mean 'v'"),
        (unit_of_another_kind, "unit 'nA' does not fit; cells.v takes a unit like 'V'"),
        (unit_left_out, "unit '1' does not fit; cells.v takes a unit like 'V'"),
        (no_unit, "unit 'volts' is no Brian2 unit"),
        (one_name_twice, "x names an input and an output"),
        (two_ports_for_one, "one Afferents stands behind two inputs"),
        (every_synapse, "how many elements synapses.w has is known only while it runs.*average=True"),
        (runs, "a build function only builds; leave out run"),
        (seeds, "leave out seed"),
        (sets_device, "changed Brian2's device"),
        (sets_dt, "set defaultclock.dt; give Microcircuit"),
    ],
)
def test_wrong_build_functions_are_explained(build, message, engine):
    device = brian2.get_device()
    with pytest.raises(ConfigurationError, match=f"circuit V1: .*{message}"):
        _ = Microcircuit("V1", build, engine=engine).outputs
    assert brian2.get_device() is device


def test_wrong_arguments():
    with pytest.raises(UnknownNameError, match="circuit V1: engine 'compile' does not exist; did you mean 'compiled'"):
        Microcircuit("V1", noisy, engine="compile")
    with pytest.raises(ConfigurationError, match="V1: dt_ms = 0 must be above 0"):
        Microcircuit("V1", noisy, dt_ms=0)
    for wrong in (0, 2.5, True):
        with pytest.raises(ConfigurationError, match="Afferents: N = "):
            Afferents(wrong)


def test_constant_that_no_one_knows(engine):
    def build():
        group = NeuronGroup(4, "dv/dt = -v / tau_nowhere : 1", method="exact")
        return Circuit(Network(group))

    with pytest.raises(
        ConfigurationError,
        match=r"circuit V1: Brian2 refused neurongroup.*tau_nowhere.*visible where Circuit\(...\) is made",
    ):
        alive(build, engine, name="V1")


def test_python_in_the_loop_is_for_the_runtime_engine():
    def build():
        group = NeuronGroup(2, "v : 1", name="group")

        @brian2.network_operation(name="by_hand")
        def step():
            group.v += 1

        return Circuit(Network(group, step), outputs={"v": Readout(group, "v")})

    assert np.array_equal(live(alive(build, "runtime"), None, [2, 3])["v"], [[1, 1], [2, 2], [3, 3]])
    with pytest.raises(ConfigurationError, match=r"circuit V1: by_hand.*runs Python code.*engine='runtime'"):
        alive(build, "compiled", name="V1")


def test_constants_of_the_build_function_are_known(engine):
    def build():
        rate = 3 / second
        group = NeuronGroup(4, "dx/dt = rate : 1", method="euler", name="group")
        return Circuit(Network(group))

    circuit = alive(build, engine, clock=Clock(1.0))
    live(circuit, None, [1000])
    assert circuit.read("x") == pytest.approx(np.full(4, 3.0), rel=1e-9)


def test_namespace_given_by_hand(engine):
    def build():
        group = NeuronGroup(4, "dx/dt = speed : 1", method="euler", name="group")
        return Circuit(Network(group), namespace={"speed": 2 / second})

    circuit = alive(build, engine, clock=Clock(1.0))
    live(circuit, None, [500])
    assert circuit.read("x") == pytest.approx(np.ones(4), rel=1e-9)


def test_ports_that_change_are_refused(engine):
    sizes = iter((3, 4))

    def build():
        group = NeuronGroup(next(sizes), "v : 1", threshold="v > 1", reset="v = 0", name="group")
        return Circuit(Network(group), outputs={"spikes": group})

    circuit = Microcircuit("V1", build, engine=engine)
    assert circuit["spikes"].size == 3
    with pytest.raises(ConfigurationError, match="circuit V1: its build function gave other ports the second time"):
        circuit.prepare(TICK, np.random.default_rng(1))


@pytest.mark.parametrize("ignored", [True, False])
def test_brian2s_hooks_are_given_back(ignored):
    """A background job that ignores Ctrl+C goes on; errors of a script are not called errors of Brian2."""
    handler = "SIG_IGN" if ignored else "default_int_handler"
    code = (
        "import os, signal, sys\n"
        f"signal.signal(signal.SIGINT, signal.{handler})\n"
        "import hybrid.circuits.building\n"
        "assert sys.excepthook is sys.__excepthook__\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    print('went on')\n"
        "except KeyboardInterrupt:\n    print('interrupted')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("went on\n" if ignored else "interrupted\n", 0), done.stderr
