"""Wrong names and units in equations are found as soon as the ports of a circuit are asked for, without a compiler."""

from __future__ import annotations

import brian2
import pytest
from brian2 import Hz, Network, NeuronGroup, Synapses, check_units, network_operation
from circuit_examples import alive, counting, deterministic, live, noisy

from hybrid.circuits import Circuit, Microcircuit
from hybrid.circuits.compiled.device import LibraryDevice
from hybrid.circuits.potassium import potassium_focus
from hybrid.circuits.runtime import SteppedDevice
from hybrid.errors import ConfigurationError


@pytest.fixture(params=["compiled", "runtime"])
def engine(request):
    return request.param


def group(equations="dv/dt = -v / (10*ms) : volt", threshold="v > 1*mV", reset="v = 0*mV", **others):
    return NeuronGroup(4, equations, threshold=threshold, reset=reset, name="cells", **{"method": "exact", **others})


def synapses(model="", **others):
    cells = group("dv/dt = -v / (10*ms) : volt\ntotal : 1")
    made = Synapses(cells, cells, model, name="synapses", **others)
    made.connect()
    return Network(cells, made)


def regular():
    cells = group()
    cells.run_regularly("v += amplitude")
    return Network(cells)


def poisson_input():
    cells = group()
    return Network(cells, brian2.PoissonInput(cells, "v", 10, 5 * Hz, weight="w_missing"))


@check_units(x=1, result=1)
def python_only(x):
    return x


def named(namespace=None):
    def build_of(make):
        def build():
            network = make()
            return Circuit(network if isinstance(network, Network) else Network(network), namespace=namespace or {})

        return build

    return build_of


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: group("dv/dt = -v / tau : volt"), '"tau" could not be resolved'),
        (lambda: group("dv/dt = -v : volt"), "does not have the expected unit"),
        (lambda: group("dv/dt = -v / (10*ms) : volt\nb = v + w : volt"), '"w" could not be resolved'),
        (lambda: group(threshold="v > v_threshold"), '"v_threshold" could not be resolved'),
        (lambda: group(threshold="v > 3"), "v > 3|units"),
        (lambda: group(reset="v = v_reset"), '"v_reset" could not be resolved'),
        (lambda: group(reset="v = 0"), "v = 0"),
        (lambda: group(refractory="pause"), '"pause" could not be resolved'),
        (lambda: group(refractory="v"), "a timespan or a boolean value"),
        (lambda: synapses(on_pre="v_post += jump"), '"jump" could not be resolved'),
        (lambda: synapses(on_pre="v_post += 1"), "v_post"),
        (lambda: synapses(on_post="v_pre += jump"), '"jump" could not be resolved'),
        (lambda: synapses("w : 1\ntotal_post = w * gain : 1 (summed)"), '"gain" could not be resolved'),
        (lambda: synapses("dx/dt = -x / tau_x : 1 (event-driven)", on_pre="x += 1"), '"tau_x" could not be resolved'),
        (regular, '"amplitude" could not be resolved'),
        (poisson_input, '"w_missing" could not be resolved'),
    ],
)
def test_wrong_names_and_units(make, message, engine):
    with pytest.raises(ConfigurationError, match=rf"(?s)circuit V1: Brian2 refused .*({message})"):
        _ = Microcircuit("V1", named()(make), engine=engine).inputs


def test_function_without_c(engine):
    def build():
        cells = group()
        cells.run_regularly("v = python_only(v/mV) * mV")
        return Circuit(Network(cells), namespace={"python_only": python_only})

    if engine == "runtime":
        assert Microcircuit("V1", build, engine=engine).inputs == {}
        return
    with pytest.raises(
        ConfigurationError, match=r"circuit V1: cells_run_\w+ uses the function python_only, .* no C\+\+"
    ):
        _ = Microcircuit("V1", build, engine=engine).inputs


def test_python_in_every_step(engine):
    def build():
        cells, seen = group(), []

        @network_operation(name="each_step")
        def look():
            seen.append(1)

        return Circuit(Network(cells, look))

    if engine == "runtime":
        live(alive(build, engine), None, [2])
        return
    with pytest.raises(ConfigurationError, match=r"circuit V1: each_step \(NetworkOperation\) runs Python code"):
        _ = Microcircuit("V1", build, engine=engine).inputs


@pytest.mark.parametrize("build", [noisy, counting, deterministic, potassium_focus], ids=lambda build: build.__name__)
def test_no_code_is_made_where_nothing_is_wrong(build, engine, monkeypatch):
    def gather(*others):
        pytest.fail("made code")

    monkeypatch.setattr(LibraryDevice, "gather", gather)
    monkeypatch.setattr(SteppedDevice, "gather", gather)
    assert Microcircuit("V1", build, engine=engine).outputs
