"""What networks of masses cost: against other programs, and where the time goes.

Run: ``python benchmarks/masses.py``. Results are compared before anything is timed; figures are medians of processor
time on one core, taken in turns so that a busy machine disturbs all alike. Peers that are not installed are left out
(``pip install "hybrid-brain-simulation[bench]"`` has them).
"""

from __future__ import annotations

import platform
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np

from benchmarks import mass_costs, mass_coupling, mass_peers
from benchmarks.mass_peers import OU_MS, Problem, Run
from benchmarks.timing import REPEATS, SPEED_M_S, TICK_MS, lived, living, medians, met, normalised, prepared, synthetic
from hybrid.connectome import Connectome
from hybrid.masses import (
    Difference,
    Epileptor,
    JansenRit,
    Linear,
    MassNetwork,
    MontbrioPazoRoxin,
    Noise,
    WilsonCowan,
)
from hybrid.masses.compiled.normals import normals


def measure_networks(connectome: Connectome) -> None:
    kicks = Noise({"x2": 0.02, "y2": 0.02})
    cases = {
        "Epileptor, Heun": (Epileptor(), {"coupling": Difference(0.01)}),
        "Epileptor, Heun, 152 noises": (Epileptor(), {"coupling": Difference(0.01), "noise": kicks}),
        "Montbrió-Pazó-Roxin, Heun": (MontbrioPazoRoxin(), {"coupling": Linear(0.01)}),
        "Wilson-Cowan, Heun": (WilsonCowan(), {"coupling": Linear(0.02)}),
    }
    for name, (model, options) in cases.items():
        work = {}
        for window in (2000, 16, 1):
            network = MassNetwork("net", connectome, model, speed_m_s=SPEED_M_S, **options)
            work[window] = living(network, 2000, window)
        for run in work.values():
            run()
        times = medians(work, 2000, repeats=7)
        print(f"{name:32s}" + "   ".join(f"windows of {w}: {t:6.2f}" for w, t in times.items()))


class Case(NamedTuple):
    """One model and the programs that have it, with what each needs to agree: relative and absolute."""

    name: str
    model: Any
    coupling: Callable[[float], Any]
    strength: float
    integrator: str
    sigma: dict[str, float]
    low: tuple[float, ...]  # the initial state is drawn between
    high: tuple[float, ...]
    peers: dict[str, tuple[Callable[..., Run], float]]
    gives: Callable[[Any], Any]  # outputs -> what the peers give of them


DOUBLE, SINGLE = 1e-9, 2e-4
WC = {
    "a_e": 1.5,
    "a_i": 1.5,
    "theta_e": 3.0,
    "theta_i": 3.0,
    "shifted": 0.0,
    "P": 0.65,
    "tau_e_ms": 2.5,
    "tau_i_ms": 3.75,
}
CASES = (
    Case(
        "Montbrió-Pazó-Roxin, Heun",
        MontbrioPazoRoxin(),
        Linear,
        0.5,
        "heun",
        {"r": 0.003, "v": 0.01},
        (0.8, -0.5),
        (1.2, 0.5),
        {"TVB": (mass_peers.tvb, SINGLE), "TVB's numba": (mass_peers.tvb_numba, DOUBLE)},
        lambda out: [out["r"].values, out["v"].values],
    ),
    Case(
        "the same, r and v felt",
        MontbrioPazoRoxin(c_v=0.1),
        Linear,
        0.5,
        "heun",
        {},
        (0.8, -0.5),
        (1.2, 0.5),
        {"TVB": (mass_peers.tvb, SINGLE), "TVB's numba": (mass_peers.tvb_numba, DOUBLE)},
        lambda out: [out["r"].values, out["v"].values],
    ),
    Case(
        "Epileptor, Heun",
        Epileptor(),
        Difference,
        0.1,
        "heun",
        {"x2": 0.02, "y2": 0.02},
        (-1.8, -12.0, 2.8, -1.1, 0.0, -0.2),
        (-1.4, -11.0, 3.2, -0.9, 0.1, -0.1),
        {"TVB": (mass_peers.tvb, SINGLE)},
        lambda out: [out[name].values for name in Epileptor.variables],
    ),
    Case(
        "Wilson-Cowan, Euler",
        WilsonCowan(**WC),
        Linear,
        1.0,
        "euler",
        {"E": 0.01, "I": 0.01 * 2.5 / 3.75},
        (0.0, 0.0),
        (0.1, 0.1),
        {"neurolib": (mass_peers.neurolib, DOUBLE)},
        lambda out: [out["E"].values, out["I"].values],
    ),
    Case(
        "Jansen-Rit, Euler",
        JansenRit(p_hz=220.0),
        Linear,
        10.0,
        "euler",
        {"y4": 0.01},
        (0.0,) * 6,
        (0.1,) * 6,
        {"vbi": (mass_peers.vbi, DOUBLE)},
        lambda out: [out["y1"].values - out["y2"].values],
    ),
)
STEPS = {  # of one run: ours, and peers too slow for as many
    "76 regions": {"ours": 2000, "TVB": 400, "TVB's numba": 2000, "neurolib": 2000, "vbi": 800},
    "1,000 nodes, dense": {"ours": 320, "TVB": 12, "TVB's numba": 48, "neurolib": 120, "vbi": 12},
    "1,000 nodes, 2 %": {"ours": 2000, "TVB": 60, "TVB's numba": 48, "neurolib": 120, "vbi": 160},
}
AIMS = {"76 regions": (5.0, 50.0), "1,000 nodes, dense": (5.0, 40.0)}  # to the fastest peer, to TVB's default


def measure_peers(size: str, connectome: Connectome, repeats: int) -> None:
    steps, fastest, default = STEPS[size], [], []
    for case in CASES:
        rng = np.random.default_rng(0)
        between = rng.uniform(
            np.array(case.low)[:, None], np.array(case.high)[:, None], (len(case.low), len(connectome))
        )
        initial = between.astype(np.float32).astype(np.float64)
        for sigma in ({}, case.sigma) if case.sigma else ({},):
            problem = Problem(connectome, case.model, case.strength, initial, sigma)
            work: dict[str, Run] = {"ours": living(our_network(case, problem), steps["ours"])}
            work["ours"]()
            for name, (peer, tolerance) in case.peers.items():
                try:
                    work[name] = compared(case, problem, peer, steps[name], tolerance)
                except ImportError:
                    print(f"{case.name}: {name} is not installed")
            times = medians(work, steps, repeats=repeats)
            kind = "noise" if sigma else "deterministic"
            figures = "".join(f"   {name} {t:9.2f} ({t / times['ours']:5.1f} x)" for name, t in list(times.items())[1:])
            print(f"{case.name:26s}{kind:14s}ours {times['ours']:8.2f}{figures}", flush=True)
            for name in list(times)[1:]:
                (default if name == "TVB" else fastest).append(times[name] / times["ours"])
    if size in AIMS:
        for what, ratios, aim in zip(
            ("the fastest peer", "TVB's default"), (fastest, default), AIMS[size], strict=True
        ):
            if ratios:
                print(
                    f"  at least {aim:.0f} x {what}: {min(ratios):.1f} to {max(ratios):.1f} x, {met(min(ratios) >= aim)}"
                )


def our_network(case: Case, problem: Problem) -> MassNetwork:
    coloured = {"tau_ms": OU_MS} if "neurolib" in case.peers else {}
    return MassNetwork(
        "net",
        problem.connectome,
        case.model,
        speed_m_s=SPEED_M_S,
        coupling=case.coupling(case.strength),
        integrator=case.integrator,
        noise=Noise(problem.sigma, **coloured) if problem.sigma else None,
        initial=problem.initial,
    )


def compared(case: Case, problem: Problem, peer: Callable[..., Run], steps: int, tolerance: float) -> Run:
    """The peer, which gives what ours gives: in every step, given the same noise where a peer can be given any (TVB's),
    else (neurolib and vbi draw their own) the same mean and standard deviation of all nodes, within 4 standard errors.
    """
    ours = prepared(our_network(case, problem))
    expected = np.array(case.gives(lived(ours, steps + 1, steps + 1)[0]))[:, 1:]
    if problem.sigma and peer in (mass_peers.neurolib, mass_peers.vbi):
        run = peer(problem, steps)
        given = getattr(run, "checked", run)()
        half = slice(given.shape[1] // 2, given.shape[1])
        for measure in (np.mean, np.std):
            a, b = (measure(each[:, half], axis=1) for each in (given, expected))
            error = np.sqrt((a.var(axis=1) + b.var(axis=1)) / a.shape[1])
            assert np.all(abs(a.mean(axis=1) - b.mean(axis=1)) <= 4.0 * error), (case.name, measure.__name__)
        return run
    if problem.sigma:
        given = peer(problem, steps, kicks_of(ours, case, steps))()
        run = peer(problem, steps)
    else:
        run = peer(problem, steps)
        given = getattr(run, "checked", run)()
    np.testing.assert_allclose(
        given, expected[:, : given.shape[1]], rtol=tolerance, atol=tolerance, err_msg=f"{case.name}, {peer.__name__}"
    )
    assert np.ptp(expected, axis=1).max() > 1e-3  # it was a journey, not a rest
    run()
    return run


def kicks_of(network: MassNetwork, case: Case, steps: int) -> Any:
    """What our noise adds in unit strength, ``[variable, step, node]``."""
    assert network._engine is not None
    random, variables = network._engine._random, case.model.variables
    z = np.zeros((4 * (-(-steps // 4)), random.node.size))
    normals(random.key, 0, len(z) // 4, random.node, random.variable, z)
    kicks = np.zeros((len(variables), steps, len(network.connectome)))
    kicks[random.variable.astype(int), :, random.node.astype(int)] = z[:steps].T * np.sqrt(TICK_MS)
    return kicks


if __name__ == "__main__":
    warnings.filterwarnings("ignore", module="tvb")
    print(f"Python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}, one core")
    print(f"medians of {REPEATS} or fewer, microseconds a step of {TICK_MS} ms\n")
    tvb76 = Connectome.load("tvb76")
    brain = Connectome(tvb76.labels, normalised(tvb76.weights), tvb76.lengths_mm, tvb76.centres_mm)
    dense, thin = synthetic(1000, 1.0), synthetic(1000, 0.02)
    for size, connectome, repeats in zip(STEPS, (brain, dense, thin), (7, 3, 5), strict=True):
        print(f"against other programs, {size}, {np.count_nonzero(connectome.weights):,} pairs")
        measure_peers(size, connectome, repeats)
        print()
    mass_costs.measure(brain, thin)
    mass_coupling.measure(tvb76)
    print("\nwhole networks, 76 regions, all outputs")
    measure_networks(tvb76)
