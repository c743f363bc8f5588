"""Our models and networks against an independent implementation: The Virtual Brain 2.10."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import silent_inputs
from tvb_peer import TICK_MS, check_agreement, network_of, pairs, simulated_by_tvb

from hybrid.clock import Clock, Window
from hybrid.connectome import Connectome
from hybrid.masses import (
    Difference,
    Linear,
    MassNetwork,
    Sine,
)

pytestmark = pytest.mark.oracle
OF_NAME = {  # model: coupling
    "epileptor": "difference",
    "montbrio": "linear",
    "wilson_cowan": "difference",
    "jansen_rit": "sigmoidal",  # that of rates, which is its own
    "reduced_wong_wang": "linear",
    "kuramoto": "sine",
}
NAMES = [*OF_NAME]
FURTHER = {  # of the further models: (coupling, strength, tick in ms, how many ticks of the 76 regions)
    "epileptor_2d": (Difference, 0.003, 0.05, 20_000),
    "modified_epileptor_2d": (Difference, 0.003, 0.05, 20_000),
    "stuart_landau": (Difference, 0.0005, 0.05, 20_000),
    "generic_2d_oscillator": (Linear, 0.005, 0.05, 20_000),
    "wong_wang_exc_inh": (Linear, 0.01, 0.05, 20_000),
    "k_ion_ex": (Linear, 0.002, 0.02, 10_000),
}


@pytest.mark.parametrize("name", [*NAMES, *FURTHER])
def test_right_hand_side_agrees_at_random_states(name: str) -> None:
    ours, theirs = pairs()[name]
    theirs.configure()
    rng = np.random.default_rng(3)
    n = 500
    state = rng.normal(0.0, 1.5, (len(ours.variables), n))
    if "epileptor" in name:
        state[ours.variables.index("z")] = rng.uniform(-1.0, 5.0, n)  # z < 0 has a term of its own
    if name == "jansen_rit":
        state = rng.normal(0.0, 8.0, state.shape)
    if name in ("reduced_wong_wang", "wong_wang_exc_inh"):
        state = rng.uniform(0.0, 1.0, state.shape)
    if name == "k_ion_ex":
        lowest, highest = np.array([[0.0, -90.0, 0.0, -10.0, -2.0], [2.0, 30.0, 1.0, 1.0, 15.0]])[..., None]
        state = rng.uniform(lowest, highest, state.shape)
    felt = rng.normal(0.0, 1.0, (len(theirs.cvar), n))
    coupling = rng.normal(0.0, 1.0, state.shape)  # the rows of variables that are not coupled must not matter
    for row, variable in zip(felt, theirs.cvar, strict=True):
        coupling[variable] = row
    expected = theirs.dfun(state[..., None], felt[..., None])[..., 0]
    for variable, slopes, theirs_slopes in zip(
        ours.variables, ours.derivatives(state, coupling), expected, strict=True
    ):
        size = np.median(np.abs(theirs_slopes))  # slopes of slow variables are 1e-4 and less
        assert size > 0
        np.testing.assert_allclose(slopes, theirs_slopes, rtol=1e-12, atol=1e-12 * size, err_msg=variable)


SHORT = [("heun", name, kind) for name, kind in OF_NAME.items()] + [("euler", "epileptor", "linear")]
EVERY = [
    (integrator, name, kind)
    for integrator in ("heun", "euler")
    for name in NAMES
    for kind in (("linear", "difference") if OF_NAME[name] in ("linear", "difference") else (OF_NAME[name],))
]


@pytest.mark.parametrize(
    ("ours_integrator", "name", "kind", "steps"),
    [(*case, 4000) for case in SHORT] + [pytest.param(*case, 20_000, marks=pytest.mark.long) for case in EVERY],
)
def test_a_network_agrees(
    ours_integrator: str, name: str, kind: str, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a fifth of a second, and for a whole one."""
    ours, theirs = pairs()[name]
    from tvb.simulator import coupling as tvb_coupling

    strength = {"epileptor": 0.01, "montbrio": 0.3, "jansen_rit": 4.0, "reduced_wong_wang": 0.5}.get(name, 0.1)
    connectome, theirs_integrator = network_of(12, seed=5), f"{ours_integrator.capitalize()}Deterministic"
    if ours_integrator == "heun":  # on the 76 regions, whose weights are larger and more
        connectome, strength = Connectome.load("tvb76"), strength / 15
    a = np.array([strength])
    if kind == "sine":
        coupling, theirs_coupling = Sine(strength), tvb_coupling.Kuramoto(a=a)
    elif kind == "sigmoidal":
        rate = {"cmin": 0.0, "cmax": 0.005, "midpoint": 6.0, "r": 0.56}
        rate_of_difference = {k: np.array([v]) for k, v in rate.items()}
        coupling, theirs_coupling = Linear(strength), tvb_coupling.SigmoidalJansenRit(a=a, **rate_of_difference)
    elif kind == "linear":
        coupling, theirs_coupling = Linear(strength, 0.02), tvb_coupling.Linear(a=a, b=np.array([0.02]))
    else:
        coupling, theirs_coupling = Difference(strength), tvb_coupling.Difference(a=a)
    rng, n = np.random.default_rng(1), len(connectome)
    initial = ours.initial(n) + rng.normal(0.0, 0.05, (len(ours.variables), n))
    if name in ("montbrio", "reduced_wong_wang"):
        initial[0] = abs(initial[0])  # The Virtual Brain cuts them off at 0
    expected = simulated_by_tvb(monkeypatch, theirs, theirs_coupling, connectome, initial, steps, theirs_integrator)
    network = MassNetwork(
        "net", connectome, ours, speed_m_s=3.0, coupling=coupling, integrator=ours_integrator, initial=initial
    )
    network.prepare(Clock(TICK_MS), rng)
    compare(ours, network, expected)


@pytest.mark.parametrize("part", [0.2, pytest.param(1.0, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", FURTHER)
def test_the_76_regions_of_the_virtual_brain_agree(name: str, part: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a second, or a fifth of it where the model needs short steps; and for a fifth of that."""
    ours, theirs = pairs()[name]
    from tvb.simulator import coupling as tvb_coupling

    kind, strength, tick_ms, ticks = FURTHER[name]
    steps = round(part * ticks)
    connectome, rng = Connectome.load("tvb76"), np.random.default_rng(1)
    initial = ours.initial(76)
    initial += rng.normal(0.0, 0.005 if name == "wong_wang_exc_inh" else 0.05, initial.shape)
    if name == "k_ion_ex":
        initial[[0, 2]] = abs(initial[[0, 2]])  # The Virtual Brain cuts x and n off at 0
    theirs_coupling = getattr(tvb_coupling, kind.__name__)(a=np.array([strength]))
    expected = simulated_by_tvb(
        monkeypatch, theirs, theirs_coupling, connectome, initial, steps, "HeunDeterministic", tick_ms
    )
    network = MassNetwork("net", connectome, ours, speed_m_s=3.0, coupling=kind(strength), initial=initial)
    network.prepare(Clock(tick_ms), rng)
    compare(ours, network, expected)


def compare(model: Any, network: MassNetwork, expected: Any) -> None:
    """The states of a network with ``expected[step, variable, node]``, which begins after the first step."""
    window = Window(0, len(expected) + 1)
    outputs = network.advance(window, silent_inputs(network, window))
    check_agreement(model, {name: outputs[name].values[1:] for name in model.variables}, expected)
