"""Integrators, what they see of delayed coupling inside a step, and the past before tick 0."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from masses_toys import Oscillator, Relaxation, lived, nodes, one_node, prepared
from scipy.special import lambertw

from hybrid.connectome import Connectome
from hybrid.errors import ConfigurationError, UnknownNameError
from hybrid.masses import Difference, Kuramoto, Linear, MassNetwork, Noise, Sine
from hybrid.testing import check_component


@pytest.mark.parametrize(("integrator", "order"), [("euler", 1), ("heun", 2), ("rk4", 4)])
def test_order_without_coupling(integrator: str, order: int) -> None:
    """A nonlinear oscillator for 5 ms, against the same at a much smaller tick."""

    def after_5_ms(tick_ms: float, integrator: str) -> Any:
        network = MassNetwork(
            "net", one_node(), Oscillator(), integrator=integrator, initial={"x": 1.0, "y": 0.5, "w": -0.5}
        )
        outputs = lived(prepared(network, tick_ms), round(5.0 / tick_ms) + 1)
        return np.array([outputs[variable][-1, 0] for variable in ("x", "y", "w")])

    exact = after_5_ms(0.002, "rk4")
    assert exact == pytest.approx(after_5_ms(0.0005, "heun"), abs=1e-7)
    ticks_ms = (0.25, 0.125, 0.0625) if integrator == "rk4" else (0.02, 0.01, 0.005)
    errors = [np.linalg.norm(after_5_ms(tick_ms, integrator) - exact) for tick_ms in ticks_ms]
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), order, atol=0.15)


def obvious(network: MassNetwork, ticks: int, tick_ms: float = 0.1) -> Any:
    """``[tick, variable, node]``: one pair and one stage at a time, with the whole past kept."""
    model, coupling, weights = network.model, network.coupling, network.connectome.weights
    delays = np.maximum(network.connectome.lengths_mm / network.speed_m_s / tick_ms, 1.0)
    if network.delays == "rounded":
        delays = np.rint(delays)
    held, h, n = network.coupling_in_step == "held", tick_ms / model.time_unit_ms, len(weights)
    states = np.empty((ticks, *network._initial.shape))
    states[0] = network._initial

    def pulls(other: float, own: float) -> float:
        if coupling.sine:
            return math.sin(other - own)
        return other - own if coupling.differs else other

    def received(t: int, x: Any) -> Any:
        result = np.zeros_like(x)
        for v in (model.variables.index(variable) for variable in model.coupled):
            for i, j in np.argwhere(weights):
                whole = math.floor(delays[i, j])
                for back, share in ((whole, whole + 1 - delays[i, j]), (whole + 1, delays[i, j] - whole)):
                    result[v, i] += weights[i, j] * share * pulls(states[max(t - back, 0), v, j], x[v, i])
            result[v] = coupling.strength * result[v] + coupling.offset
        return result

    def slope(x: Any, t: int, part: float) -> Any:
        if held:
            return model.derivatives(x, received(t, states[t]))
        return model.derivatives(x, (1 - part) * received(t, x) + part * received(t + 1, x))

    for t in range(ticks - 1):
        x = states[t]
        k1 = slope(x, t, 0.0)
        if network.integrator == "euler":
            states[t + 1] = x + h * k1
        elif network.integrator == "heun":
            states[t + 1] = x + h / 2 * (k1 + slope(x + h * k1, t, 1.0))
        else:
            k2 = slope(x + h / 2 * k1, t, 0.5)
            k3 = slope(x + h / 2 * k2, t, 0.5)
            states[t + 1] = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + slope(x + h * k3, t, 1.0))
    assert n == states.shape[2]
    return states


@pytest.mark.parametrize("delays", ["rounded", "interpolated"])
@pytest.mark.parametrize(
    ("coupling", "integrator", "in_step"),
    [
        (Linear(0.1, 0.05), "rk4", "held"),
        pytest.param(Linear(0.1, 0.05), "euler", "interpolated", marks=pytest.mark.long),
        (Difference(0.1), "heun", "interpolated"),
        pytest.param(Difference(0.1), "rk4", "interpolated", marks=pytest.mark.long),
        (Sine(0.1), "heun", "interpolated"),
    ],
)
def test_agrees_with_the_obvious_way(coupling: Any, integrator: str, in_step: str, delays: str) -> None:
    model: Any = Kuramoto(omega=0.3) if coupling.sine else Oscillator(k=0.12)
    connectome = nodes(5, seed=2, longest_mm=14.0, near=8)  # delays of 1 to 140 ticks
    initial = np.random.default_rng(3).normal(0.0, 0.5, (len(model.variables), 5))
    network = MassNetwork(
        "net", connectome, model, speed_m_s=1.0, coupling=coupling, integrator=integrator, initial=initial,
        coupling_in_step=in_step, delays=delays,
    )  # fmt: skip
    outputs = lived(prepared(network), 150, 40)
    expected = obvious(network, 150)
    for row, variable in enumerate(model.variables):
        np.testing.assert_allclose(outputs[variable], expected[:, row], rtol=1e-10, atol=1e-12)
        assert np.ptp(outputs[variable]) > 0.1


@pytest.mark.parametrize(  # most delays above a block; all below 5 ticks
    ("integrator", "speed_m_s"),
    [("heun", 0.3), *(pytest.param(*each, marks=pytest.mark.long) for each in (("heun", 100.0), ("rk4", 0.3)))],
)
def test_interpolated_coupling_keeps_the_contract_of_a_component(integrator: str, speed_m_s: float) -> None:
    initial = np.random.default_rng(7).normal(0.0, 0.5, (3, 20))
    noise = Noise({"x": 0.1}, multiplicative=integrator == "rk4", tau_ms=1.0 if integrator == "heun" else None)
    check_component(
        lambda: MassNetwork(
            "net", nodes(20), Oscillator(), speed_m_s=speed_m_s, integrator=integrator, initial=initial, noise=noise,
            coupling=Difference(0.1), coupling_in_step="interpolated", delays="interpolated",
        ),
        ticks=600,
    )  # fmt: skip


def delayed_loop(strength: float, delay_ms: float = 1.0, **options: Any) -> MassNetwork:
    """dx/dt = strength * x(t - delay)."""
    connectome = Connectome(("a",), [[1.0]], [[delay_ms]], np.zeros((1, 3)))
    options = {"coupling_in_step": "interpolated", "delays": "interpolated", "initial": {"x": 1.0}, **options}
    return MassNetwork("net", connectome, Relaxation(), speed_m_s=1.0, coupling=Linear(strength), **options)


def loop(strength: float, tick_ms: float, until_ms: float, delay_ms: float = 1.0, **options: Any) -> Any:
    network = prepared(delayed_loop(strength, delay_ms, **options), tick_ms)
    return lived(network, round(until_ms / tick_ms) + 1)["x"][:, 0]


@pytest.mark.parametrize("integrator", ["heun", "rk4"])
@pytest.mark.parametrize("tick_ms", [1 / 2048, 3 / 4000])  # 1 ms is 2048 ticks, and 1333 1/3
def test_delayed_decay_by_the_method_of_steps(integrator: str, tick_ms: float) -> None:
    """x' = -x(t - 1) with x = 1 before 0 is 1 - t up to 1, and so on by integration: 0, -1/2, -1/6 at 1, 2, 3."""
    x = loop(-1.0, tick_ms, 3.0, integrator=integrator)
    assert x[-1] == pytest.approx(-1 / 6, abs=1e-6)
    if tick_ms == 1 / 2048:
        np.testing.assert_allclose(x[[2048, 4096]], [0.0, -0.5], atol=1e-6)
    t = np.arange(x.size) * tick_ms
    first, second = t <= 1, (t > 1) & (t <= 2)
    np.testing.assert_allclose(x[first], 1 - t[first], atol=1e-6)
    np.testing.assert_allclose(x[second], 1 - t[second] + (t[second] - 1) ** 2 / 2, atol=1e-6)


@pytest.mark.parametrize("integrator", ["heun", "rk4"])
@pytest.mark.parametrize(
    "ticks_ms",
    [
        (1 / 64, 1 / 128, 1 / 256, 1 / 512),  # the delay is a multiple of the tick
        (3 / 160, 3 / 320, 3 / 640, 3 / 1280),  # it is 53 1/3, 106 2/3, 213 1/3, 426 2/3 ticks
    ],
)
def test_interpolated_coupling_is_of_second_order(integrator: str, ticks_ms: tuple[float, ...]) -> None:
    errors = [abs(loop(-1.0, tick_ms, 3.0, integrator=integrator)[-1] + 1 / 6) for tick_ms in ticks_ms]
    np.testing.assert_allclose([np.log2(a / b) for a, b in pairwise(errors)], 2.0, atol=0.25)
    assert np.log2(errors[-2] / errors[-1]) > 1.9


@pytest.mark.parametrize(
    "option",
    [
        {"coupling_in_step": "held"},
        {"delays": "rounded"},
        pytest.param({"integrator": "euler"}, marks=pytest.mark.long),
    ],
)
def test_what_is_held_or_rounded_is_of_first_order(option: dict[str, Any]) -> None:
    errors = [abs(loop(-1.0, 3 / 40 / 4**k, 3.0, **option)[-1] + 1 / 6) for k in (1, 2, 3)]
    np.testing.assert_allclose([np.log2(a / b) / 2 for a, b in pairwise(errors)], 1.0, atol=0.2)


ROOT = complex(lambertw(-1.0))  # of lambda = -exp(-lambda)


def dominant_root(x: Any, spacing_ms: float) -> complex:
    """Of a late solution: x[n+1] = p x[n] - q x[n-1] for equally spaced samples of a damped oscillation."""
    p, q = np.linalg.lstsq(np.stack([x[1:-1], -x[:-2]], axis=1), x[2:], rcond=None)[0]
    return complex(np.log(p / 2 + 1j * np.sqrt(q - p * p / 4)) / spacing_ms)


@pytest.mark.parametrize("tick_ms", [1 / 1024, 3 / 2500])
def test_characteristic_root_of_the_delayed_decay(tick_ms: float) -> None:
    assert pytest.approx(-0.3181315 + 1.3372357j, abs=1e-7) == ROOT
    x = loop(-1.0, tick_ms, 20.0)
    step = round(0.3 / tick_ms)
    assert dominant_root(x[round(8.0 / tick_ms) :: step], step * tick_ms) == pytest.approx(ROOT, abs=2e-6)


def test_hopf_bifurcation_of_the_delayed_decay() -> None:
    """x' = -a x(t - tau) loses stability at a tau = pi / 2 with the frequency a; tau is 0.7 ms, no multiple of the tick."""
    tau, tick_ms = 0.7, 1 / 1024

    def root(product: float) -> complex:
        x = loop(-product / tau, tick_ms, 14.0, tau)
        return dominant_root(x[round(5.0 / tick_ms) :: 200], 200 * tick_ms)

    below, at, above = root(math.pi / 2 - 0.02), root(math.pi / 2), root(math.pi / 2 + 0.02)
    assert below.real < -0.01
    assert above.real > 0.01
    assert at == pytest.approx(1j * math.pi / 2 / tau, abs=1e-5)


@pytest.mark.parametrize("integrator", ["heun", "rk4"])
def test_history_may_be_a_function_or_states(integrator: str) -> None:
    """With the past Re exp(root t) the solution of x' = -x(t - 1) goes on as that."""
    tick_ms = 1 / 64
    t = np.arange(-80, 3 * 64 + 1) * tick_ms
    exact = np.exp(ROOT * t).real
    by_function = loop(
        -1.0, tick_ms, 3.0, integrator=integrator, initial=None, history=lambda t: {"x": np.exp(ROOT * t).real}
    )
    np.testing.assert_allclose(by_function, exact[80:], atol=1e-4)
    states = exact[None, :80, None]  # more than needed
    by_states = loop(-1.0, tick_ms, 3.0, integrator=integrator, history=states)
    np.testing.assert_array_equal(by_states, by_function)


def test_history_reaches_every_node_after_its_delay() -> None:
    """b hears what a was 3 1/4 ticks ago."""
    connectome = Connectome(("a", "b"), [[0, 0], [1, 0]], [[1, 1], [0.325, 1]], np.zeros((2, 3)))
    past = np.zeros((1, 4, 2))
    past[0, :, 0] = [8.0, 4.0, 2.0, 1.0]
    network = MassNetwork("net", connectome, Relaxation(), speed_m_s=1.0, delays="interpolated", history=past)
    x = lived(prepared(network), 6)["x"]
    np.testing.assert_allclose(np.diff(x[:, 1]) / 0.1, [5.0, 2.5, 1.25, 0.25, 0.0], atol=1e-13)
    assert not x[:, 0].any()


def test_bad_input_is_refused_by_name() -> None:
    connectome = nodes(3)
    with pytest.raises(UnknownNameError, match="did you mean 'rk4'"):
        MassNetwork("net", connectome, Oscillator(), integrator="rk5")
    with pytest.raises(UnknownNameError, match="coupling_in_step 'hold' does not exist; did you mean 'held'"):
        MassNetwork("net", connectome, Oscillator(), coupling_in_step="hold")
    with pytest.raises(UnknownNameError, match="net: delays 'exact'"):
        MassNetwork("net", connectome, Oscillator(), delays="exact")
    with pytest.raises(ConfigurationError, match=r"history has shape \[3, 9\]; .* = \[3, steps, 3\]"):
        MassNetwork("net", connectome, Oscillator(), history=np.zeros((3, 9)))
    with pytest.raises(ConfigurationError, match=r"net: history has 9 steps, but the longest delay reaches back \d+"):
        prepared(MassNetwork("net", connectome, Oscillator(), history=np.zeros((3, 9, 3))))
    with pytest.raises(UnknownNameError, match=r"net: history\(-.*\) of variable 'v'"):
        prepared(MassNetwork("net", connectome, Oscillator(), initial={"x": 0.0}, history=lambda t: {"v": 0.0}))


def test_description_tells_scheme_and_past() -> None:
    described = json.loads(json.dumps(delayed_loop(-1.0, history=lambda t: {"x": 1.0}).describe()))
    assert described["coupling_in_step"] == described["delays"] == "interpolated"
    assert described["history"] == "function"
