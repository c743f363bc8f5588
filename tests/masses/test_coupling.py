"""Couplings: their formulas, those of one's own, the choice of variables, and diffusion on graphs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from masses_toys import Oscillator, Relaxation, lived, nodes, prepared
from scipy.optimize import brentq
from tvb_peer import TICK_MS, check_agreement, network_of, pairs, simulated_by_tvb

from hybrid.connectome import Connectome
from hybrid.errors import ConfigurationError, UnknownNameError
from hybrid.masses import (
    Coupling,
    Difference,
    HyperbolicTangent,
    JansenRit,
    Linear,
    MassNetwork,
    Sigmoidal,
    SigmoidalJansenRit,
    Sine,
)
from hybrid.masses.compiled.compiler import compiled_for
from hybrid.testing import check_component

SIGMOIDAL = {"cmin": -0.2, "cmax": 1.1, "midpoint": 0.3, "a": 1.4, "sigma": 0.6}
TANH = {"b": 1.3, "midpoint": 0.2, "sigma": 0.4}
OF_POTENTIAL = {"cmin": 0.0005, "cmax": 0.004, "midpoint": 5.0, "r": 0.4}


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("wilson_cowan", "sigmoidal"),
        ("wilson_cowan", "tanh"),
        ("jansen_rit", "jansen_rit"),
        *(pytest.param("epileptor", kind, marks=pytest.mark.long) for kind in ("sigmoidal", "tanh")),
    ],
)
def test_a_quarter_of_a_second_agrees_with_the_virtual_brain(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pairs()[name]
    from tvb.simulator import coupling as tvb_coupling

    def arrays(numbers: dict[str, float], **more: float) -> dict[str, Any]:
        return {key: np.array([value]) for key, value in (numbers | more).items()}

    coupling: Any
    if kind == "sigmoidal":
        coupling, theirs_coupling = Sigmoidal(**SIGMOIDAL), tvb_coupling.Sigmoidal(**arrays(SIGMOIDAL))
    elif kind == "tanh":
        coupling = HyperbolicTangent(0.07, **TANH)
        theirs_coupling = tvb_coupling.HyperbolicTangent(**arrays(TANH, a=0.07))
    else:
        coupling = SigmoidalJansenRit(3.0, **OF_POTENTIAL)
        theirs_coupling = tvb_coupling.SigmoidalJansenRit(**arrays(OF_POTENTIAL, a=3.0))
    connectome, steps = network_of(12, seed=5), 5000
    initial = ours.initial(12) + np.random.default_rng(1).normal(0.0, 0.05, (len(ours.variables), 12))
    expected = simulated_by_tvb(monkeypatch, theirs, theirs_coupling, connectome, initial, steps, "HeunDeterministic")
    network = MassNetwork("net", connectome, ours, speed_m_s=3.0, coupling=coupling, initial=initial)
    outputs = lived(prepared(network, TICK_MS), steps + 1)
    check_agreement(ours, {name: outputs[name][1:] for name in ours.variables}, expected)


def _cubed(x: float, q: Any) -> float:
    return q.gain * x * x * x


def _rectified(total: float, q: Any) -> float:
    return max(total, q.floor)


@dataclass(frozen=True)
class Own(Coupling):
    """A user's: cubes are summed, and what arrives is cut off."""

    gain: float = 1.0
    floor: float = 0.0
    pre = staticmethod(_cubed)
    post = staticmethod(_rectified)


@pytest.mark.parametrize(
    ("coupling", "in_step", "pre", "post"),
    [
        (Own(0.7, 0.1, gain=2.0, floor=0.2), "interpolated", lambda x: 2 * x**3, lambda s: np.maximum(s, 0.2)),
        *(
            pytest.param(*each, marks=pytest.mark.long)  # held, ours are tried against The Virtual Brain
            for each in (
                (Own(0.7, 0.1, gain=2.0, floor=0.2), "held", lambda x: 2 * x**3, lambda s: np.maximum(s, 0.2)),
                (
                    Sigmoidal(0.7, 0.1, **SIGMOIDAL),
                    "held",
                    None,
                    lambda s: -0.2 + 1.3 / (1 + np.exp(-1.4 * (s - 0.3) / 0.6)),
                ),
                (HyperbolicTangent(0.7, 0.1, **TANH), "held", lambda x: 1 + np.tanh((1.3 * x - 0.2) / 0.4), None),
            )
        ),
    ],
)
def test_formulas(coupling: Any, in_step: str, pre: Any, post: Any) -> None:
    """The slope of x' = what arrives, from a constant past."""
    connectome, x = nodes(9, seed=3), np.random.default_rng(2).normal(0.0, 0.8, 9)
    total = 0.7 * connectome.weights @ (pre(x) if pre else x) + 0.1
    expected = post(total) if post else total
    network = MassNetwork(
        "net", connectome, Relaxation(), speed_m_s=1.0, coupling=coupling, integrator="euler", initial={"x": x},
        coupling_in_step=in_step,
    )  # fmt: skip
    got = lived(prepared(network), 2)["x"]
    np.testing.assert_allclose((got[1] - got[0]) / 0.1, expected, rtol=1e-12)


@dataclass(frozen=True)
class Broken(Coupling):
    post = staticmethod(lambda total, q: total + q.missing)


def test_a_coupling_that_does_not_compile_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"Relaxation\.rhs \(or Broken\.post, .*\) does not compile"):
        prepared(MassNetwork("net", nodes(3), Relaxation(), coupling=Broken(1.0)))


def test_other_numbers_need_no_other_kernel() -> None:
    def kernel(coupling: Coupling) -> Any:
        return compiled_for(Oscillator().equations(coupling))

    saturating = Sigmoidal(0.5, 0.1, cmin=0.0, sigma=3.0, variables=("x",))
    assert kernel(saturating) is kernel(Sigmoidal(1.0, sigma=2.0))
    assert kernel(Linear(2.0)) is kernel(Linear(1.0))
    assert kernel(HyperbolicTangent()) is not kernel(saturating)


def test_jansen_and_rits_sigmoid_is_what_their_model_sends_anyway() -> None:
    connectome = nodes(8, seed=4)
    initial = JansenRit().initial(8) + np.random.default_rng(1).normal(0.0, 2.0, (6, 8))
    runs = []
    for coupling in (Linear(0.5, 0.001), SigmoidalJansenRit(0.5, 0.001)):
        network = MassNetwork("net", connectome, JansenRit(), speed_m_s=1.0, coupling=coupling, initial=initial)
        runs.append(lived(prepared(network), 1000))
    for variable in JansenRit.variables:
        np.testing.assert_allclose(runs[1][variable], runs[0][variable], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("in_step", ["held", pytest.param("interpolated", marks=pytest.mark.long)])
def test_only_the_chosen_variables_are_coupled(in_step: str) -> None:
    """Others receive nothing, not even the offset; their sums are not taken."""
    connectome, initial = nodes(6, seed=5), np.random.default_rng(6).normal(0.0, 0.5, (3, 6))
    coupling = Difference(0.3, 0.2, variables="x")
    network = MassNetwork(
        "net", connectome, Oscillator(), speed_m_s=1.0, coupling=coupling, integrator="euler", initial=initial,
        coupling_in_step=in_step,
    )  # fmt: skip
    outputs = lived(prepared(network), 2)
    weights, x = connectome.weights, initial[0]
    received = np.zeros((3, 6))
    received[0] = 0.3 * (weights @ x - weights.sum(axis=1) * x) + 0.2
    expected = initial + 0.1 * Oscillator().derivatives(initial, received)
    for row, variable in enumerate(Oscillator.variables):
        np.testing.assert_allclose(outputs[variable][1], expected[row], rtol=1e-12)
    assert network._engine is not None
    assert network._engine._step.felt.tolist() == [False, True]  # Oscillator.coupled is ("w", "x")


def test_a_nonlinear_coupling_keeps_the_contract_of_a_component() -> None:
    initial = np.random.default_rng(7).normal(0.0, 0.5, (3, 20))
    check_component(
        lambda: MassNetwork(
            "net", nodes(20), Oscillator(), speed_m_s=1.0, initial=initial, coupling_in_step="interpolated",
            coupling=SigmoidalJansenRit(0.3, r=2.0, midpoint=0.1, cmax=1.0, between=("x", "w")),
        ),
        ticks=400,
    )  # fmt: skip


# graphs and the eigenvalues of their Laplacians (Chung 1997 Spectral Graph Theory; here with unit weights, not normalised)
N = 12
K = np.arange(N)
GRAPHS = {
    "ring": (np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1), 2 - 2 * np.cos(2 * np.pi * K / N)),
    "path": (np.eye(N, k=1) + np.eye(N, k=-1), 2 - 2 * np.cos(np.pi * K / N)),
    "complete": (np.ones((N, N)) - np.eye(N), np.where(K == 0, 0.0, N)),
}


def diffusing(graph: str, initial: Any, tick_ms: float = 0.1, **options: Any) -> MassNetwork:
    """x_i' = sum over neighbours of (x_j - x_i), with delays of one tick."""
    labels = tuple(f"r{k}" for k in range(N))
    connectome = Connectome(labels, GRAPHS[graph][0], np.full((N, N), 1e-3), np.zeros((N, 3)))
    options = {"coupling": Difference(1.0), "initial": {"x": initial}, **options}
    return prepared(MassNetwork("net", connectome, Relaxation(), **options), tick_ms)


@pytest.mark.parametrize("graph", GRAPHS)
def test_diffusion_on_a_graph_has_the_rates_of_its_laplacian(graph: str) -> None:
    """The slopes from every unit vector, which has always been there, make up the matrix: minus the Laplacian."""
    columns = [lived(diffusing(graph, unit, integrator="euler"), 2)["x"] for unit in np.eye(N)]
    laplacian = -np.stack([(x[1] - x[0]) / 0.1 for x in columns], axis=1)
    np.testing.assert_allclose(np.linalg.eigvalsh(laplacian), np.sort(GRAPHS[graph][1]), atol=1e-10)
    np.testing.assert_allclose(laplacian, laplacian.T, atol=1e-12)


@pytest.mark.parametrize("graph", GRAPHS)
def test_modes_of_a_graph_decay_at_their_rates(graph: str) -> None:
    """In time: for equal degrees D a mode decays at the root mu of mu = D - (D - lambda) exp(mu delay), which is lambda
    itself up to the one tick of delay; a path has unequal degrees, so that its rates are lambda up to that only."""
    adjacency, tick_ms = GRAPHS[graph][0], 1 / 1024
    values, vectors = np.linalg.eigh(np.diag(adjacency.sum(axis=1)) - adjacency)
    for k in (1, 2):
        x = lived(diffusing(graph, vectors[:, k], tick_ms, coupling_in_step="interpolated"), 301)["x"] @ vectors[:, k]
        rate = math.log(x[100] / x[300]) / (200 * tick_ms)
        assert rate == pytest.approx(values[k], rel=2.5 * tick_ms)
        if graph != "path":
            degree, exact = adjacency[0].sum(), values[k]
            root = brentq(
                lambda mu, d=degree, v=exact: mu - d + (d - v) * math.exp(mu * tick_ms), 0.9 * exact, 1.1 * exact
            )
            assert rate == pytest.approx(root, rel=3e-5)


def test_bad_input_is_refused_by_name() -> None:
    connectome = nodes(3)
    with pytest.raises(UnknownNameError, match="Linear: coupled variable 'y' does not exist"):
        MassNetwork("net", connectome, Oscillator(), coupling=Linear(0.1, variables=("x", "y")))
    with pytest.raises(UnknownNameError, match=r"SigmoidalJansenRit\.between: variable 'y1'"):
        MassNetwork("net", connectome, Oscillator(), coupling=SigmoidalJansenRit())
    with pytest.raises(ConfigurationError, match="give two variables"):
        SigmoidalJansenRit(between=("y1",))
    with pytest.raises(ConfigurationError, match=r"Sigmoidal\.sigma is 0"):
        Sigmoidal(sigma=0.0)
    with pytest.raises(ConfigurationError, match=r"HyperbolicTangent\.sigma is 0"):
        HyperbolicTangent(sigma=0.0)
    with pytest.raises(ConfigurationError, match=r"Sigmoidal\.cmax"):
        Sigmoidal(cmax=math.inf)


def test_description_makes_the_same_coupling_again() -> None:
    every = (Linear(0.1), Sine(0.2, 0.3), Sigmoidal(cmax=2.0, variables=("x",)), SigmoidalJansenRit(between=["a", "b"]))
    for coupling in every:
        described = json.loads(json.dumps(coupling.describe()))
        kind = {type(each).__name__: type(each) for each in every}[described.pop("kind")]
        assert kind(**described) == coupling
    assert Linear(0.1).describe() == {"kind": "Linear", "strength": 0.1, "offset": 0.0}
