"""A network of masses keeps its contract, and computes what the slow and obvious way computes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from masses_toys import Oscillator, Relaxation, lived, nodes, prepared, reference
from numba import njit
from toys import silent_inputs

from hybrid.clock import Clock, Window
from hybrid.connectome import Connectome
from hybrid.errors import ConfigurationError, DivergedError, UnknownNameError
from hybrid.masses import Difference, Epileptor, Linear, MassModel, MassNetwork, Noise, WilsonCowan
from hybrid.masses.compiled.engine import Engine
from hybrid.signals import Rates
from hybrid.testing import check_component

NOISE = Noise({"x": 0.1, "w": np.linspace(0.0, 0.2, 20)})


def oscillators(name: str = "net", speed_m_s: float = 1.0, **options: Any) -> MassNetwork:
    """20 nodes whose delays at 1 m/s are 1 to 400 ticks: some below, many above a block."""
    initial = np.random.default_rng(7).normal(0.0, 0.5, (3, 20))
    return MassNetwork(name, nodes(20), Oscillator(), **{"speed_m_s": speed_m_s, "initial": initial, **options})


def alone(n: int) -> Connectome:
    """Nodes that are not coupled."""
    return Connectome(tuple(map(str, range(n))), np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, 3)))


@pytest.mark.parametrize(
    ("integrator", "longest_mm"),  # all delays below a block, some, few
    [
        *(("heun", longest_mm) for longest_mm in (0.9, 4.0, 40.0)),
        ("euler", 40.0),
        *(pytest.param("euler", longest_mm, marks=pytest.mark.long) for longest_mm in (0.9, 4.0)),
    ],
)
@pytest.mark.parametrize("coupling", [Linear(0.1, 0.05), Difference(0.1)])
def test_agrees_with_the_obvious_way(integrator: str, coupling: Any, longest_mm: float) -> None:
    connectome = nodes(9, seed=2, longest_mm=longest_mm)
    initial = np.random.default_rng(3).normal(0.0, 0.5, (3, 9))
    network = MassNetwork(
        "net", connectome, Oscillator(k=0.12), speed_m_s=1.0, coupling=coupling, integrator=integrator, initial=initial
    )
    ticks = 1300 if longest_mm == 40.0 else 400  # a few times the longest delay
    outputs = lived(prepared(network), ticks)
    expected = reference(Oscillator(k=0.12), connectome, coupling, integrator, initial, ticks)
    for row, variable in enumerate(Oscillator.variables):
        np.testing.assert_allclose(outputs[variable], expected[:, row], rtol=1e-10, atol=1e-12)
        assert np.ptp(outputs[variable][-300:]) > 0.1


@pytest.mark.parametrize(
    ("integrator", "speed_m_s"),
    [
        ("heun", 0.3),
        ("heun", 1.0),
        ("heun", 100.0),
        ("euler", 1.0),
        pytest.param("euler", 100.0, marks=pytest.mark.long),
    ],
)
def test_keeps_the_contract_of_a_component(integrator: str, speed_m_s: float) -> None:
    check_component(
        lambda: oscillators(speed_m_s=speed_m_s, integrator=integrator, noise=NOISE, coupling=Difference(0.1)),
        ticks=600,
    )


def test_does_not_depend_on_how_time_is_cut_over_many_compactions() -> None:
    whole = lived(prepared(oscillators(noise=NOISE)), 5000)
    for cuts in (1, 7, 33, 1001):
        parts = lived(prepared(oscillators(noise=NOISE)), 5000, cuts)
        for name, values in whole.items():
            assert np.array_equal(values, parts[name]), (name, cuts)


@pytest.mark.parametrize("ticks", [1, 15, 32, 777, 2049])
def test_restored_state_continues_to_the_bit(ticks: int) -> None:
    original = prepared(oscillators(noise=NOISE))
    lived(original, ticks)
    saved = {name: np.array(value) for name, value in original.state().items()}
    expected = lived(original, 1500)
    copy = prepared(oscillators(noise=NOISE), seed=99)
    lived(copy, 100)
    copy.restore(saved)
    continued = lived(copy, 1500, cuts=13)
    for name, values in expected.items():
        assert np.array_equal(values, continued[name]), name


@pytest.mark.parametrize("others", [(8,), pytest.param((16, 64), marks=pytest.mark.long)])
def test_length_of_the_block_does_not_change_the_result(others: tuple[int, ...]) -> None:
    connectome, model = nodes(20, seed=4), Oscillator()
    delays = np.rint(connectome.delays_ms(1.0, 0.1) / 0.1).astype(np.int64)
    initial = np.random.default_rng(5).normal(0.0, 0.5, (3, 20))
    trajectories = []
    for block in (32, *others):
        engine = Engine(
            model, model.parameter_rows(20), weights=connectome.weights, delays=delays, coupling=Difference(0.1), h=0.1,
            sigma=np.full((3, 20), 0.1), key=np.uint64(5), initial=initial, block=block,
        )  # fmt: skip
        trajectories.append(engine.advance(0, 1000, np.zeros((1000, 20)))[0])
    for other in trajectories[1:]:
        np.testing.assert_allclose(other, trajectories[0], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("speed_m_s", "ticks"), [(3.0, 250), (1.5, 500), (6.0, 125)])
def test_a_signal_arrives_exactly_after_length_over_speed(speed_m_s: float, ticks: int) -> None:
    """75 mm at 3 m/s are 25 ms, and 0.2 mm are one tick."""
    lengths = np.array([[1.0, 75.0, 0.2], [75.0, 1.0, 60.0], [0.2, 60.0, 1.0]])
    weights = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    connectome = Connectome(("a", "b", "c"), weights, lengths, np.zeros((3, 3)))
    drive = np.zeros((600, 3))
    drive[10, 0] = 1.0  # acts over the step from tick 10 to 11, so a is at 0.1 from tick 11 on
    network = MassNetwork("net", connectome, Relaxation(), speed_m_s=speed_m_s)
    outputs = lived(prepared(network), 600, drive_hz=drive)["x"]
    assert np.array_equal(np.flatnonzero(outputs[:, 0])[:1], [11])
    np.testing.assert_allclose(outputs[11:, 0], 0.1)
    # what a shows at tick 11 enters the step from tick 11 + delay
    assert np.flatnonzero(outputs[:, 1])[0] == 11 + ticks + 1
    assert np.flatnonzero(outputs[:, 2])[0] == 11 + 1 + 1
    np.testing.assert_allclose(outputs[11 + ticks + 1, 1], 0.1 * 2.0 * 0.1)


def test_before_tick_0_every_node_was_in_its_initial_state() -> None:
    connectome = Connectome(("a", "b"), [[0, 0], [1, 0]], [[1, 1], [5, 1]], np.zeros((2, 3)))
    network = MassNetwork("net", connectome, Relaxation(), speed_m_s=1.0, initial={"x": [3.0, 0.0]})
    outputs = lived(prepared(network), 3)["x"]
    np.testing.assert_allclose(outputs, [[3.0, 0.0], [3.0, 0.3], [3.0, 0.6]])


def test_drive_of_one_region_reaches_it_alone_and_its_targets_later() -> None:
    connectome = nodes(5, seed=1, density=1.0, longest_mm=15.0)
    drive = np.zeros((300, 5))
    drive[100:, 2] = 50.0
    silent = lived(prepared(MassNetwork("net", connectome, WilsonCowan(P=1.0), speed_m_s=1.0)), 300)
    driven = lived(prepared(MassNetwork("net", connectome, WilsonCowan(P=1.0), speed_m_s=1.0)), 300, 7, drive)
    differs = driven["E"] != silent["E"]
    delays = np.rint(connectome.delays_ms(1.0, 0.1) / 0.1).astype(int)
    assert np.flatnonzero(differs[:, 2])[0] == 101
    for target in (0, 1, 3, 4):
        assert np.flatnonzero(differs[:, target])[0] >= 101 + min(delays[target, 2], delays.min()) + 1


def test_parameters_may_differ_from_node_to_node() -> None:
    tau_ms = np.linspace(1.0, 9.0, 20)
    connectome = nodes(20, density=0.0)
    outputs = lived(prepared(MassNetwork("net", connectome, Relaxation(tau_ms=tau_ms), initial={"x": 1.0})), 101)["x"]
    np.testing.assert_allclose(outputs[100], (1.0 - 0.1 / tau_ms + 0.005 / tau_ms**2) ** 100, rtol=1e-12)


def test_memory_of_the_history_is_at_most_twice_the_longest_delay_and_a_block() -> None:
    network = prepared(oscillators())
    engine = network._engine
    assert engine is not None
    longest, block, position = engine._far.longest, engine._block, engine._history.shape[2]
    assert position <= 2 * longest + block + 16
    assert engine._history.dtype == np.float64


def test_divergence_names_network_variable_region_time_and_remedy() -> None:
    connectome = nodes(20, seed=1)
    initial = {"x1": np.where(np.arange(20) == 13, 1e3, -1.5)}
    messages = []
    for cuts in (400, 1, 7):
        network = prepared(MassNetwork("cortex", connectome, Epileptor(), coupling=Linear(0.0), initial=initial))
        with pytest.raises(DivergedError) as caught:
            lived(network, 400, cuts)
        messages.append(str(caught.value))
    assert "cortex: " in messages[0]
    assert " of r13 became " in messages[0]
    assert " ms; use shorter steps (dt_ms, now 0.1 ms)" in messages[0]
    assert messages[1] == messages[2] == messages[0]


@njit  # type: ignore[untyped-decorator]
def wrong(kind: float) -> float:
    """0 of 0, infinity of 1, minus infinity of -1, and not a number of 2."""
    huge = 1e308 * (10.0 * kind)
    return huge - huge if kind == 2.0 else huge


def three_slopes(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    return wrong(p.a), wrong(p.b), wrong(p.c)


@dataclass(frozen=True, eq=False)
class Blows(MassModel):
    """Each variable stays where it is, unless its parameter says how it goes wrong."""

    variables: ClassVar[tuple[str, ...]] = ("A", "B", "C")
    coupled: ClassVar[tuple[str, ...]] = ("A",)
    rhs = staticmethod(three_slopes)
    a: Any = 0.0
    b: Any = 0.0
    c: Any = 0.0

    def rate_hz(self, state: Any) -> Any:
        return 0.0 * state[0]


@pytest.mark.parametrize("node", [0, 15, 16, 36])
@pytest.mark.parametrize("kind", [1.0, -1.0, 2.0])
@pytest.mark.parametrize("variable", ["a", "b", "c"])
def test_every_variable_of_every_region_is_watched_for_all_that_is_not_finite(
    variable: str, kind: float, node: int
) -> None:
    """37 regions are two full chunks of lanes and a third with five."""
    model = Blows(**{variable: np.where(np.arange(37) == node, kind, 0.0)})
    seen = {1.0: "inf", -1.0: "-inf", 2.0: "nan"}[kind]
    for ticks, cuts in ((1, 1), (40, 40)):
        network = prepared(MassNetwork("net", nodes(37), model, coupling=Linear(0.0), integrator="euler"))
        with pytest.raises(DivergedError, match=rf"net: {variable.upper()} of r{node} became {seen} at 0.1 ms"):
            lived(network, ticks, cuts)


def test_ports_carry_regions_and_units() -> None:
    network = MassNetwork("cortex", nodes(3), Epileptor())
    assert set(network.outputs) == {"rate", "x1", "y1", "z", "x2", "y2", "g"}
    assert network["drive"].labels == network["z"].labels == ("r0", "r1", "r2")
    assert network["rate"].unit == "Hz"
    with pytest.raises(UnknownNameError, match="rate"):
        network["rates"]


def test_outputs_at_tick_0_are_the_initial_state() -> None:
    initial = np.random.default_rng(0).normal(size=(3, 4))
    outputs = lived(prepared(MassNetwork("net", nodes(4), Oscillator(), initial=initial)), 1)
    assert np.array_equal([outputs[v][0] for v in ("x", "y", "w")], initial)
    np.testing.assert_array_equal(outputs["rate"][0], 10 * abs(initial[0]))


def test_outputs_that_nobody_wants_may_be_left_out_and_change_nothing() -> None:
    whole, some = prepared(oscillators(noise=NOISE)), prepared(oscillators(noise=NOISE))
    some.want({"w", "rate"})
    for window in Window(0, 50).cut(16):
        every, wanted = (each.advance(window, silent_inputs(each, window)) for each in (whole, some))
        assert set(every) == set(whole.outputs)
        assert set(wanted) == {"w", "rate"}
        for name in wanted:
            np.testing.assert_array_equal(wanted[name].values, every[name].values)
    with pytest.raises(UnknownNameError, match="spikes"):
        some.want({"spikes"})


@pytest.mark.parametrize("n", [1, 15, 16, 17])
def test_nodes_that_do_not_fill_a_chunk_are_stepped_alone(n: int) -> None:
    """What the kernel writes beyond the last node of a row never shows, and nodes alone are those of a large network."""
    rates = np.random.default_rng(2).uniform(0.0, 5.0, (40, 20))
    large, small = (MassNetwork("net", alone(k), Relaxation()) for k in (20, n))
    window = Window(0, 40)
    outputs = [
        prepared(net).advance(window, {"drive": Rates(window, k, rates[:, :k])}) for net, k in ((large, 20), (small, n))
    ]
    np.testing.assert_array_equal(outputs[1]["x"].values, outputs[0]["x"].values[:, :n])
    assert np.ptp(outputs[1]["x"].values, axis=0).min() > 0.0


def test_bad_input_is_refused_by_name() -> None:
    connectome = nodes(3)
    with pytest.raises(UnknownNameError, match="did you mean 'heun'"):
        MassNetwork("net", connectome, Epileptor(), integrator="huen")
    with pytest.raises(ConfigurationError, match=r"Epileptor\.x0 has 2 values for 3 nodes"):
        MassNetwork("net", connectome, Epileptor(x0=[-2.0, -2.1]))
    with pytest.raises(ConfigurationError, match=r"Epileptor\.x0 is not finite"):
        Epileptor(x0=float("nan"))
    with pytest.raises(ConfigurationError, match="time_unit_ms"):
        Epileptor(time_unit_ms=0.0)
    with pytest.raises(ConfigurationError, match=r"\[6, 3\]"):
        MassNetwork("net", connectome, Epileptor(), initial=np.zeros((3, 6)))
    with pytest.raises(UnknownNameError, match="x1"):
        MassNetwork("net", connectome, Epileptor(), initial={"x3": 0.0})
    with pytest.raises(UnknownNameError, match="x1"):
        MassNetwork("net", connectome, Epileptor(), noise=Noise({"v": 0.1}))
    with pytest.raises(ConfigurationError, match="below 0"):
        MassNetwork("net", connectome, Epileptor(), noise=Noise(-0.1))
    with pytest.raises(ConfigurationError, match=r"\[variable, node\]"):
        Epileptor().derivatives(np.zeros((5, 3)), np.zeros((6, 3)))
    network = MassNetwork("net", connectome, Epileptor())
    with pytest.raises(ConfigurationError, match="not prepared"):
        network.advance(Window(0, 1), silent_inputs(network, Window(0, 1)))
    network.prepare(Clock(0.1), np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match="stands at tick 0"):
        network.advance(Window(5, 9), silent_inputs(network, Window(5, 9)))


def test_description_holds_plain_values_only() -> None:
    network = oscillators(noise=NOISE)
    described = json.loads(json.dumps(network.describe()))
    assert described["model"]["k"] == 0.1
    assert described["noise"]["sigma"]["w"][-1] == 0.2
    assert described["coupling"] == {"kind": "Linear", "strength": 0.1, "offset": 0.0}
    assert MassNetwork("net", nodes(3), Epileptor(x0=[-2, -2.1, -2.2])).describe()["model"]["x0"] == [-2, -2.1, -2.2]
