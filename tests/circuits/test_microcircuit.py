"""What a circuit promises, on both engines."""

# ruff: noqa: NPY002  (numpy's global stream is the one that Brian2 draws from)

from __future__ import annotations

import subprocess
import sys
import threading

import brian2
import numpy as np
import pytest
from brian2 import Network
from circuit_examples import FIBRES, TICK, alive, counting, deterministic, exploding, live, noisy, random_spikes
from toys import silent_inputs

from hybrid.circuits import Circuit, Microcircuit
from hybrid.clock import Clock, Window
from hybrid.errors import ComponentError, ConfigurationError, DataError, DivergedError, TimeError, UnknownNameError
from hybrid.signals import Spikes, States
from hybrid.testing import check_component

TICKS = 400
UNEVEN = [1, 2, 9, 10, 47, 48, 160, 161, 162, 300, 399, 400]


pytestmark = pytest.mark.usefixtures("shared_cache")


@pytest.fixture(params=["compiled", "runtime"])
def engine(request):
    return request.param


def same(first, second) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[key], second[key]) for key in first)


def test_ports_are_known_before_the_run(engine):
    circuit = Microcircuit("V1", noisy, engine=engine)
    assert circuit["afferents"].kind is Spikes
    assert circuit["afferents"].size == FIBRES
    assert circuit["spikes"].kind is Spikes
    assert circuit["spikes"].size == 60
    assert circuit["second_half"].size == 30
    assert circuit["v"].kind is States
    assert (circuit["v"].size, circuit["v"].unit) == (60, "mV")
    assert (circuit["mean_v"].size, circuit["leak"].size) == (1, 3)
    with pytest.raises(UnknownNameError, match="V1: port 'rates'"):
        circuit["rates"]


def test_it_does_not_matter_how_time_is_cut(engine):
    heard = random_spikes(TICKS)
    whole = live(alive(noisy, engine), heard, [TICKS])
    assert whole["spikes"].shape[1] > 50
    assert whole["second_half"].shape[1] > 10
    assert same(live(alive(noisy, engine), heard, UNEVEN), whole)
    assert same(live(alive(noisy, engine), heard, list(range(1, TICKS + 1))), whole)


def test_outputs_that_nobody_wants_are_left_out_and_change_nothing(engine):
    heard = random_spikes(TICKS)
    whole = live(alive(noisy, engine), heard, UNEVEN)
    circuit = alive(noisy, engine)
    circuit.want({"second_half", "leak"})
    few = live(circuit, heard, UNEVEN)
    assert same(few, {port: whole[port] for port in ("second_half", "leak")})
    circuit.prepare(TICK, np.random.default_rng(1))
    assert same(live(circuit, heard, UNEVEN), whole)


def test_what_was_emitted_is_not_overwritten(engine):
    circuit = alive(noisy, engine)
    heard = random_spikes(TICKS)
    windows = list(Window(0, TICKS).cut(50))
    emitted = [circuit.advance(window, {"afferents": heard.during(window)}) for window in windows]
    again = alive(noisy, engine)
    for window, earlier in zip(windows, emitted, strict=True):
        for port, signal in again.advance(window, {"afferents": heard.during(window)}).items():
            assert all(map(np.array_equal, signal.payload(), earlier[port].payload()))


def test_seed_and_nothing_else_decides(engine):
    heard = random_spikes(TICKS)
    first = live(alive(noisy, engine, seed=1, name="A"), heard, [TICKS])
    np.random.seed(99)
    again = live(alive(noisy, engine, seed=1, name="B"), heard, [TICKS])
    other = live(alive(noisy, engine, seed=2, name="A"), heard, [TICKS])
    assert same(first, again)
    assert not np.array_equal(first["mean_v"], other["mean_v"])


def test_restored_circuit_continues_with_the_same_bits(engine):
    heard = random_spikes(TICKS)
    original = alive(noisy, engine)
    live(original, heard, [173])
    state = original.state()
    rest = live(original, heard, [200, 300, TICKS])
    fresh = alive(noisy, engine, seed=5)  # other synapses until it is restored
    live(fresh, heard, [20])
    fresh.restore(state)
    assert same(live(fresh, heard, [174, TICKS]), rest)
    for name in ("spiked.t", "traced.v", "recurrent.x", "recurrent.w", "cells.lastspike"):
        assert np.array_equal(fresh.read(name), original.read(name)), name
    assert all(np.array_equal(value, fresh.state()[key]) for key, value in original.state().items())


def test_counts_arrive_exactly(engine):
    counts = np.zeros((60, 3), int)
    counts[0, 0], counts[7, 1], counts[19] = 1, 5, (0, 1000, 2)  # far more at once than there are fibres
    circuit = alive(counting, engine)
    out = live(circuit, Spikes.from_counts(Window(0, 60), counts), [3, 7, 8, 20, 21, 60])
    assert np.array_equal(out["now"], np.cumsum(counts, axis=0))
    shifted = np.vstack([np.zeros((10, 3), int), counts[:-10]])  # 1 ms later, over the edges of windows
    assert np.array_equal(out["late"], np.cumsum(shifted, axis=0))
    assert np.array_equal(circuit.read("heard.i"), np.repeat([0, 1, 1, 2], [1, 5, 1000, 2]))


def test_on_pre_runs_once_for_each_event(engine):
    counts = np.zeros((3, 3), int)
    counts[1] = (0, 1, 4)
    circuit = alive(counting, engine)
    live(circuit, Spikes.from_counts(Window(0, 3), counts), [3])
    # u = 1 - 2**-k after k events, and the cell gets the sum of them
    assert circuit.read("facilitated") == pytest.approx([0, 0.5, 0.5 + 0.75 + 0.875 + 0.9375], abs=1e-15)
    assert circuit.read("facil.u") == pytest.approx([0, 0.5, 1 - 2**-4], abs=1e-15)


def test_spike_of_an_afferent_leaves_in_the_tick_it_should(engine):
    circuit = alive(counting, engine)
    out = live(circuit, Spikes(Window(0, 40), 3, [4, 17], [2, 0]), [5, 40])
    # delivered in tick t + 10 after the threshold, so that the cell spikes in t + 11
    assert np.array_equal(out["spikes"], [[15, 28], [2, 0], [1, 1]])


def test_shorter_step_than_the_tick(engine):
    fine = alive(deterministic, engine, dt_ms=0.1, clock=Clock(0.1))
    coarse = alive(deterministic, engine, dt_ms=0.1, clock=Clock(2.0))
    steps = live(fine, None, [1000])["spikes"]
    ticks = live(coarse, None, [13, 50])["spikes"]
    assert steps.shape[1] > 500
    key = steps[0] // 20 * 100 + steps[1]
    expected, counts = np.unique(key, return_counts=True)
    assert np.array_equal(ticks, [expected // 100, expected % 100, counts])


def test_afferents_come_in_the_first_step_of_a_tick(engine):
    circuit = alive(counting, engine, dt_ms=0.1, clock=Clock(0.5))
    out = live(circuit, Spikes(Window(0, 10), 3, [2, 2, 5], [0, 1, 1], [2, 1, 1]), [10])
    assert np.array_equal(out["now"][[1, 2, 4, 5]], [[0, 0, 0], [2, 1, 0], [2, 1, 0], [2, 2, 0]])
    # 10 steps later, which is in tick 2 + 10 / 5, and the spike one step after
    assert np.array_equal(out["late"][[3, 4, 6, 7]], [[0, 0, 0], [2, 1, 0], [2, 1, 0], [2, 2, 0]])


def test_tick_must_hold_whole_steps(engine):
    with pytest.raises(TimeError, match=r"tick \(0.1 ms\).*dt_ms = 0.03 ms; the nearest that fits is 0.0333"):
        alive(deterministic, engine, dt_ms=0.03)
    with pytest.raises(TimeError, match=r"traced.*dt = 0.5 ms, no multiple of the circuit's step"):
        alive(noisy, engine, dt_ms=0.2, clock=Clock(0.2))


@pytest.mark.parametrize("engine", ["compiled", pytest.param("runtime", marks=pytest.mark.long)])  # the matrix has both
def test_contract(engine):
    check_component(lambda: Microcircuit("V1", noisy, engine=engine), ticks=100)


def test_state_of_another_circuit_is_refused(engine):
    circuit = alive(noisy, engine, name="V1")
    for other in (alive(counting, engine), alive(noisy, engine, parameters={"n": 61})):
        with pytest.raises(DataError, match="circuit V1: the state does not fit; it comes from a circuit with other"):
            circuit.restore(other.state())
    broken = circuit.state()
    broken["queue/drive_pre"] = broken["queue/drive_pre"][:-1]
    with pytest.raises(DataError, match="queue/drive_pre"):
        circuit.restore(broken)


def test_two_circuits_live_side_by_side_and_in_threads(engine):
    heard = random_spikes(TICKS)
    alone = [live(alive(noisy, engine, seed=seed), heard, [TICKS]) for seed in (1, 2)]
    both = [alive(noisy, engine, seed=seed) for seed in (1, 2)]
    found = [None, None]

    def run(k):
        found[k] = live(both[k], heard, UNEVEN)

    threads = [threading.Thread(target=run, args=(k,)) for k in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(same(a, b) for a, b in zip(alone, found, strict=True))


def test_process_is_left_as_it_was(engine):
    device, dt = brian2.get_device(), 0.25 * brian2.ms
    brian2.defaultclock.dt = dt
    brian2.prefs.codegen.target = "cython"
    np.random.seed(5)
    expected = np.random.RandomState(5).rand()
    mine = brian2.NeuronGroup(1, "v : 1", name="cells")
    try:
        circuit = alive(noisy, engine)
        live(circuit, random_spikes(10), [10])
        assert brian2.get_device() is device
        assert brian2.defaultclock.dt == dt
        assert brian2.prefs.codegen.target == "cython"
        assert np.random.rand() == expected
        magic = [each() for each in brian2.core.base.BrianObject.__instances__()]
        assert any(each is mine for each in magic)
        assert "recurrent" not in {each.name for each in magic}
    finally:
        brian2.defaultclock.dt = 0.1 * brian2.ms
        brian2.prefs.codegen.target = "auto"
        brian2.Network(mine)
        mine._network = "of no concern"  # else Brian2 warns that it never ran


def test_read_names_what_there_is(engine):
    circuit = alive(noisy, engine)
    assert circuit.read("ge").shape == (60,)
    assert circuit.read("ge").max() < 1.1e-3  # volt
    before = circuit.read("cells.v")
    before[:] = 0
    assert circuit.read("cells.v").any()
    with pytest.raises(UnknownNameError, match=r"circuit circuit: variable 'vv'.*cells.v"):
        circuit.read("vv")
    with pytest.raises(ConfigurationError, match=r"several groups have a variable 'v'; say which: cells.v, traced.v"):
        circuit.read("v")


def test_divergence_is_named(engine):
    circuit = alive(exploding, engine, name="focus")
    with pytest.raises(DivergedError, match=r"circuit focus: x of runaway\[7\] is (inf|nan) by t = \d+(\.\d)? ms"):
        live(circuit, None, [500])


def test_divergence_of_a_readout_is_found_at_once(engine):
    def readable():
        made = exploding()
        return type(made)(made.network, {}, {"x": brian2_readout(made.outputs["spikes"])})

    def brian2_readout(cells):
        from hybrid.circuits import Readout

        return Readout(cells, "x", average=True)

    circuit = alive(readable, engine, name="focus")
    live(circuit, None, [55])
    with pytest.raises(DivergedError, match=r"runaway\[7\]") as caught:
        live(circuit, None, [1000])
    assert float(str(caught.value).split("t = ")[1].split(" ms")[0]) < 12


def test_wrong_use_is_refused(engine):
    circuit = Microcircuit("V1", deterministic, engine=engine)
    with pytest.raises(ComponentError, match="V1 is not alive; call prepare"):
        circuit.advance(Window(0, 1), {})
    circuit.prepare(TICK, np.random.default_rng(1))
    circuit.advance(Window(0, 5), {})
    with pytest.raises(ComponentError, match=r"at tick 5, but was asked for window \[6, 7\)"):
        circuit.advance(Window(6, 7), {})


def takes(n, *, rate_hz=1.0):
    pass


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"build": 3}, "circuit V1: build = 3 is no function that returns a Circuit$"),
        ({"build": Circuit(None)}, r"what one returned; give the function itself, .*: build=make, not build=make\(\)"),
        ({"build": Network()}, "what one returned; give the function itself"),
        (
            {"build": takes, "parameters": {"n": 1, "rate_Hz": 3}},
            "parameter .*'rate_Hz' does not exist; did you mean 'rate_hz'",
        ),
        ({"build": takes}, r"circuit V1: its build function needs n; give parameters=\{'n': ...\}"),
        ({"build": noisy, "parameters": [3]}, r"circuit V1: parameters = \[3\]; give a dictionary"),
        ({"build": noisy, "name": 3}, "Microcircuit: name = 3 is no text"),
        ({"build": noisy, "name": ""}, "Microcircuit: name = '' is no text"),
        ({"build": noisy, "region": 3}, "circuit V1: region = 3 is no text"),
        ({"build": noisy, "constants": "value"}, "circuit V1: constants 'value' does not exist; did you mean 'values'"),
        ({"build": noisy, "engine": 3}, "circuit V1: engine '?3'? does not exist"),
    ],
)
def test_first_slips(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        Microcircuit(**{"name": "V1", **arguments})


def test_parameters_that_fit_in_other_ways():
    for build in (dict, lambda **others: None, lambda n=1, *more, **others: None):
        Microcircuit("V1", build, parameters={"n": 3})


def test_closed_circuit_can_be_prepared_again(engine):
    circuit = alive(noisy, engine)
    first = live(circuit, random_spikes(50), [50])
    circuit.close()
    circuit.close()
    with pytest.raises(ComponentError, match="not alive"):
        circuit.read("v")
    circuit.prepare(TICK, np.random.default_rng(1))
    assert same(live(circuit, random_spikes(50), [50]), first)


def test_silence_in_is_no_spikes_in(engine):
    circuit = alive(counting, engine)
    circuit.advance(Window(0, 30), silent_inputs(circuit, Window(0, 30)))
    assert not circuit.read("now").any()
    assert not circuit.read("late").any()


def test_description_holds_the_parameters(engine):
    described = Microcircuit("V1", noisy, engine=engine, parameters={"n": 10}, dt_ms=0.05, region="V1").describe()
    assert described == {
        "kind": "hybrid.circuits.microcircuit:Microcircuit",
        "build": "circuit_examples:noisy",
        "parameters": {"n": 10},
        "dt_ms": 0.05,
        "engine": engine,
        "constants": "auto",
        "region": "V1",
    }


def test_engines_agree_where_nothing_is_random():
    counts = random_spikes(100, lines=3)
    compiled, runtime = (live(alive(counting, each), counts, [100]) for each in ("compiled", "runtime"))
    assert same(compiled, runtime)
    assert compiled["spikes"].shape[1] > 10


def test_importing_circuits_does_not_import_brian2():
    script = "import sys, hybrid.circuits; from hybrid.circuits import Microcircuit; print('brian2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "False"
