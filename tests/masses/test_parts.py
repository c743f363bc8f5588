"""A network in parts, in threads and in steps of its own is the same network."""

from __future__ import annotations

import re

import numpy as np
import pytest
from masses_toys import Oscillator, Relaxation, lived, nodes, one_node, prepared
from mpirun import HERE, mpirun

from hybrid import Brain, Simulation
from hybrid.errors import ConfigurationError, TimeError, UnknownNameError, WiringError
from hybrid.masses import Difference, JansenRit, Kuramoto, Linear, MassNetwork, Noise, Sine
from hybrid.masses.compiled import engine
from hybrid.testing import check_component

N = 12
RANDOM = np.random.default_rng(0)


def run(networks, variable, ms=40.0, window_ms=None):
    """``[tick, region]`` of one network or its parts."""
    brain = Brain(tick_ms=0.1)
    for network in networks:
        brain.add(network)
    if len(networks) > 1:
        brain.join(*networks)
    results = Simulation(brain, seed=1, record=[each[variable] for each in networks], window_ms=window_ms).run(ms)
    assert not any(row["drifts"] for row in results.audit)
    return np.concatenate([results[each[variable]].values for each in networks], axis=1)


# -- parts -----------------------------------------------------------------------------------------------------------------


class Slower(Oscillator):
    """Another class with the same variables."""


KINDS = [
    (Oscillator(k=RANDOM.uniform(0.05, 0.2, N)), Linear(0.1), "x"),
    (Oscillator(), Difference(0.2, offset=0.01), "x"),
    (Kuramoto(omega=RANDOM.uniform(0.05, 0.08, N)), Sine(0.05), "theta"),
    pytest.param(JansenRit(p_hz=RANDOM.uniform(120, 320, N)), Linear(0.5), "y1", marks=pytest.mark.long),
]


OPTIONS = [
    {},
    {"delays": "interpolated"},
    {"dt_ms": 0.1, "noise": Noise(0.0), "threads": 2},
    {"history": np.zeros((3, 700, N))},
    {"coupling_in_step": "interpolated"},
    {"dt_ms": 0.05, "delays": "interpolated"},
]
REFUSED = {"history", "coupling_in_step"}


def parts_live_as_the_whole_does(model, coupling, variable, parts, options):
    connectome = nodes(N, longest_mm=60.0)
    initial = {variable: RANDOM.uniform(-1, 1, N)}
    options = {"coupling": coupling, "initial": initial, "speed_m_s": 1.0, **options}
    whole = run([MassNetwork("net", connectome, model, **options)], variable)
    cut = run(MassNetwork.in_parts("net", connectome, model, parts=parts, **options), variable)
    assert np.ptp(whole, axis=0).min() > 1e-3
    np.testing.assert_allclose(cut, whole, rtol=0, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize("delays", ["rounded", "interpolated"])
@pytest.mark.parametrize(("model", "coupling", "variable"), KINDS)
@pytest.mark.parametrize("parts", [2, pytest.param(5, marks=pytest.mark.long)])
def test_parts_live_as_the_whole_does(model, coupling, variable, parts, delays):
    """From tick 0 on: other parts have always been in their initial states, too."""
    parts_live_as_the_whole_does(model, coupling, variable, parts, {"delays": delays})


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "plain")
@pytest.mark.parametrize("coupling", [Linear(0.1), Difference(0.2, offset=0.01)])
@pytest.mark.parametrize(
    "integrator", ["heun", *(pytest.param(each, marks=pytest.mark.long) for each in ("euler", "rk4"))]
)
def test_any_options_give_the_whole_or_are_refused(integrator, coupling, options):
    options = {**options, "integrator": integrator}
    if not (REFUSED & set(options) or options.get("dt_ms") == 0.05):
        return parts_live_as_the_whole_does(Oscillator(), coupling, "x", 3, options)
    with pytest.raises(
        ConfigurationError, match=r"a part of a whole takes (coupling_in_step='held'|no dt_ms = 0.05 ms)"
    ):
        Brain(tick_ms=0.1).join(*MassNetwork.in_parts("net", nodes(N), Oscillator(), parts=3, **options))


def test_a_part_in_steps_below_a_tick_is_refused_though_nobody_joined_it():
    whole = nodes(2)
    part = MassNetwork("net", whole, Oscillator(), whole=whole, dt_ms=0.05)
    with pytest.raises(ConfigurationError, match=r"no dt_ms = 0.05 ms below the tick of 0.1 ms.*Brain\(tick_ms=0.05\)"):
        prepared(part)


OTHERS = [
    ({"model": JansenRit()}, "model is masses_toys:Oscillator and hybrid.masses.models.jansen_rit:JansenRit"),
    ({"model": Slower()}, "model is masses_toys:Oscillator and .*Slower"),
    ({"coupling": Linear(0.2)}, "coupling is .*0.1.* and .*0.2"),
    ({"coupling": Difference(0.1)}, "coupling is .*Linear.* and .*Difference"),
    ({"coupling": Linear(0.1, variables=("x",))}, "coupling is .* and .*'x'"),
    ({"speed_m_s": 2.0}, "speed_m_s is 3.0 and 2.0"),
    ({"integrator": "euler"}, "integrator is heun and euler"),
    ({"delays": "interpolated"}, "delays is rounded and interpolated"),
    ({"dt_ms": 0.1}, "dt_ms is None and 0.1"),
    ({"noise": Noise(0.1, multiplicative=True)}, "their noise is .*False.* and .*True"),
    ({"noise": Noise(0.1, tau_ms=2.0)}, "their noise is .*None.* and .*2.0"),
    ({"whole": nodes(4, seed=1)}, "whole is .* and "),
]


@pytest.mark.parametrize(("other", "text"), OTHERS, ids=lambda each: "-".join(each) if isinstance(each, dict) else "")
def test_parts_that_disagree_are_not_joined(other, text):
    c = nodes(4)
    same = {"model": Oscillator(), "noise": Noise(0.1), "coupling": Linear(0.1), "whole": c}
    first = MassNetwork("a", c.only("r0", "r1"), **same)
    second = MassNetwork("b", c.only("r2", "r3"), **{**same, **other})
    with pytest.raises(WiringError, match=rf"a and b are no parts of one network: {text}"):
        Brain(tick_ms=0.1).join(first, second)


def test_parameters_and_strengths_of_noise_may_differ_and_parts_may_have_none():
    c = nodes(4)
    first = MassNetwork("a", c.only("r0", "r1"), Oscillator(k=0.2), noise=Noise(0.1), whole=c)
    second = MassNetwork("b", c.only("r2", "r3"), Oscillator(k=[0.1, 0.3]), whole=c)
    brain = Brain(tick_ms=0.1)
    brain.join(first, second)
    with pytest.raises(WiringError, match="a is joined already"):
        brain.join(first, second)


def test_the_labels_say_which_regions_are_in_which_part():
    connectome = nodes(4)
    left, right = MassNetwork.in_parts(
        "net", connectome, Oscillator(k=np.arange(1.0, 5.0)), parts=[["r3", "r0"], ["r1", "r2"]]
    )
    assert (left.name, left.regions, right.regions) == ("net_0", ("r3", "r0"), ("r1", "r2"))
    np.testing.assert_array_equal(left.model.k, [4.0, 1.0])


def test_noise_and_initial_states_are_cut_too():
    noise = Noise({"x": np.arange(6.0), "w": 0.5}, tau_ms=3.0)
    parts = MassNetwork.in_parts(
        "net", nodes(6), Oscillator(), parts=3, noise=noise, initial=np.arange(18.0).reshape(3, 6)
    )
    np.testing.assert_array_equal(parts[1]._noise_sigma, [[2, 3], [0, 0], [0.5, 0.5]])
    np.testing.assert_array_equal(parts[1]._initial, [[2, 3], [8, 9], [14, 15]])
    assert parts[1].noise.tau_ms == 3.0


def test_windows_change_nothing():
    connectome = nodes(N, longest_mm=60.0)
    parts = [MassNetwork.in_parts("net", connectome, Oscillator(), parts=3, noise=Noise(0.01)) for _ in range(3)]
    first, *others = (
        run(each, "x", window_ms=window_ms) for each, window_ms in zip(parts, (None, 0.1, 0.1), strict=True)
    )
    assert all(np.array_equal(first, each) for each in others)


def test_a_part_keeps_the_contract_of_a_component():
    def part():
        first, second = MassNetwork.in_parts("net", nodes(6), Oscillator(), parts=2, noise=Noise(0.01))
        first.joint.siblings = [second.joint]
        return first

    check_component(part)


def test_a_part_alone_is_refused():
    """It would feel the pull of regions that never send."""
    brain = Brain(tick_ms=0.1)
    brain.add(MassNetwork.in_parts("net", nodes(6), Oscillator(), parts=2)[0])
    with pytest.raises(
        ConfigurationError, match=r"net_0 is a part of a whole, but 'r3' and 2 other regions .* brain.join"
    ):
        Simulation(brain).run(1)


@pytest.mark.mpi
def test_the_same_bits_on_any_number_of_ranks():
    found = set()
    for ranks in (1, 3):
        done = mpirun(ranks, HERE / "masses_in_parts.py")
        assert done.returncode == 0, done.stderr
        found |= set(re.findall(r"sha \w{64}", done.stdout))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda c: MassNetwork.in_parts("net", c, Oscillator(), parts=0),
            ConfigurationError,
            r"parts = 0; give 1 to 4",
        ),
        (
            lambda c: MassNetwork.in_parts("net", c, Oscillator(), parts=[["r0", "r1"], ["r1", "r2", "r3"]]),
            ConfigurationError,
            "region 'r1' is in 2 parts; give each region one",
        ),
        (
            lambda c: MassNetwork.in_parts("net", c, Oscillator(), parts=[["r0", "r1"], ["r2"]]),
            ConfigurationError,
            "region 'r3' is in 0 parts",
        ),
        (
            lambda c: MassNetwork.in_parts("net", c, Oscillator(), parts=[["r0", "x"]]),
            UnknownNameError,
            "net: region 'x' does not exist",
        ),
        (
            lambda c: MassNetwork.in_parts("net", c, Oscillator(), parts=2, coupling_in_step="interpolated"),
            ConfigurationError,
            "takes coupling_in_step='held' and no history",
        ),
        (
            lambda c: MassNetwork("net", one_node(), Oscillator(), whole=c),
            UnknownNameError,
            "net: region of the whole 'a' does not exist",
        ),
        (
            lambda c: Brain(tick_ms=0.1).join(MassNetwork("net", c, Oscillator()), MassNetwork("b", c, Oscillator())),
            WiringError,
            "net is no part of a whole; give it whole=connectome",
        ),
        (
            lambda c: Brain(tick_ms=0.1).join(
                MassNetwork("a", c.only("r0"), Oscillator(), whole=c),
                MassNetwork("b", c.only("r1"), JansenRit(), whole=c),
            ),
            WiringError,
            r"a and b .*: model is .*Oscillator and .*JansenRit; .* Masses of other kinds are connected by their rates",
        ),
        (
            lambda c: Brain(tick_ms=0.1).join(
                *(MassNetwork(name, c.only("r0"), Oscillator(), whole=c) for name in "ab")
            ),
            WiringError,
            "region 'r0' is in a and in b",
        ),
        (
            lambda c: Brain(tick_ms=0.1).join(MassNetwork.in_parts("net", c, Oscillator(), parts=2)),
            WiringError,
            r"takes networks of masses, brain.join\(\*parts\), not list",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        make(nodes(4))


# -- threads ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coupling", [Linear(0.1), Difference(0.1)])
def test_threads_change_nothing(coupling, monkeypatch):
    monkeypatch.setattr(engine, "_WORTH_SHARING", 10)
    connectome = nodes(40, longest_mm=60.0)
    found = []
    for threads in (1, 2, 3):
        network = prepared(
            MassNetwork(
                "net", connectome, Oscillator(), coupling=coupling, noise=Noise(0.01), threads=threads, speed_m_s=1.0
            )
        )
        assert network._engine._threads == threads
        found.append([lived(network, 300, cuts)["x"] for cuts in (300, 7)])
        network.close()
    assert all(np.array_equal(found[0][0], each[0]) for each in found)
    assert all(np.array_equal(found[0][1], each[1]) for each in found)


def test_few_pairs_are_not_worth_a_thread():
    assert prepared(MassNetwork("net", nodes(5), Oscillator(), threads=4))._engine._threads == 1


# -- steps of its own ------------------------------------------------------------------------------------------------------


def test_shorter_steps_are_those_of_a_shorter_tick():
    connectome, model = nodes(8, longest_mm=60.0), Oscillator()
    options = {"noise": Noise(0.01), "initial": {"x": 0.5}, "speed_m_s": 1.0}
    fine = lived(prepared(MassNetwork("net", connectome, model, **options), tick_ms=0.025), 400)
    own = prepared(MassNetwork("net", connectome, model, dt_ms=0.025, **options))
    for cuts in (100, 7):
        coarse = lived(own, 100, cuts)
        if cuts == 100:
            for name, values in coarse.items():
                np.testing.assert_array_equal(values, fine[name][::4])


def test_the_drive_of_a_tick_acts_in_all_its_steps():
    """dx/dt = drive: 1 for a tick of 0.1 ms is 0.1 however many steps there are, and shows at the next tick."""
    drive_hz = np.array([[0.0], [1.0], [0.0], [2.0], [0.0], [0.0]])
    for dt_ms in (0.1, 0.05, 0.02):
        network = prepared(MassNetwork("net", one_node(), Relaxation(), dt_ms=dt_ms))
        np.testing.assert_allclose(
            lived(network, 6, drive_hz=drive_hz)["x"][:, 0], [0, 0, 0.1, 0.1, 0.3, 0.3], rtol=1e-12
        )


def test_networks_of_different_models_and_steps_live_in_one_brain():
    """Regions of either kind hear the rates of the other; with shorter steps of one both converge, at least linearly."""
    connectome = nodes(6, longest_mm=60.0)

    def brain(dt_ms):
        brain = Brain(tick_ms=0.1)
        oscillators = brain.add(MassNetwork("oscillators", connectome.only("r0", "r1"), Oscillator(), dt_ms=dt_ms))
        columns = brain.add(MassNetwork("columns", connectome.without("r0", "r1"), JansenRit()))
        for a, b in ((oscillators, columns), (columns, oscillators)):
            brain.connect(a["rate"], b["drive"], **brain.tracts(connectome, a["rate"], b["drive"]))
        return Simulation(brain, record=["oscillators.x", "columns.y1"]).run(50)

    coarse, half, fine = brain(None), brain(0.05), brain(0.02)
    assert np.ptp(coarse["columns.y1"].values) > 1
    for port in ("oscillators.x", "columns.y1"):
        errors = [np.abs(each[port].values - fine[port].values).max() for each in (coarse, half)]
        assert errors[1] < 0.01 * np.ptp(fine[port].values)
        assert errors[0] > 2.5 * errors[1]  # order 1: (0.1 - 0.02) / (0.05 - 0.02)


def test_a_step_that_does_not_fit_the_tick_is_refused():
    with pytest.raises(TimeError, match=r"net: the tick \(0.1 ms\) is no whole multiple of dt_ms = 0.03 ms; .* 0.0333"):
        prepared(MassNetwork("net", one_node(), Relaxation(), dt_ms=0.03))
    with pytest.raises(TimeError, match=r"net: the tick \(0.1 ms\) is no whole multiple"):  # as early as it is known
        Brain(tick_ms=0.1).add(MassNetwork("net", one_node(), Relaxation(), dt_ms=0.03))


def test_steps_keep_the_contract():
    check_component(lambda: MassNetwork("net", nodes(6), Oscillator(), dt_ms=0.05, noise=Noise(0.01)))
