"""Where the time and memory of a network of masses go: coupling, noise, a model of one's own, compiling, growth."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.timing import SPEED_M_S, lived, living, medians, met, prepared, synthetic
from hybrid.connectome import Connectome
from hybrid.masses import (
    Difference,
    Epileptor,
    Generic2dOscillator,
    Linear,
    MassModel,
    MassNetwork,
    MontbrioPazoRoxin,
    Noise,
    WilsonCowan,
)
from hybrid.units import FloatArray

MODELS: dict[str, tuple[MassModel, Any, dict[str, float]]] = {
    "Montbrió-Pazó-Roxin": (MontbrioPazoRoxin(), Linear(0.5), {"r": 0.003, "v": 0.01}),
    "Epileptor": (Epileptor(), Difference(0.1), {"x2": 0.02, "y2": 0.02}),
    "Wilson-Cowan": (WilsonCowan(), Linear(0.5), {"E": 0.01, "I": 0.01}),
}
FIRST_CALL = """
import time
from benchmarks.mass_costs import MODELS, network, prepared, synthetic
model, coupling, sigma = MODELS["Epileptor"]
epileptors = network(synthetic(76, 0.27), model, coupling)
begin = time.perf_counter()
prepared(epileptors)
print(time.perf_counter() - begin)
"""


def fitzhugh_nagumo(state: Any, coupling: Any, drive_hz: float, p: Any) -> tuple[float, ...]:
    """FitzHugh (1961) Impulses and physiological states in theoretical models of nerve membrane, Biophys J 1:445."""
    v, w = state
    return v - v * v * v / 3.0 - w + p.I + coupling[0], p.eps * (v + p.a - p.b * w)


@dataclass(frozen=True, eq=False)
class FitzHughNagumo(MassModel):
    """A model as a user writes it; a case of :class:`~hybrid.masses.Generic2dOscillator`."""

    variables: ClassVar[tuple[str, ...]] = ("v", "w")
    coupled: ClassVar[tuple[str, ...]] = ("v",)
    rhs = staticmethod(fitzhugh_nagumo)

    I: ArrayLike = 0.5  # noqa: E741
    a: ArrayLike = 0.7
    b: ArrayLike = 0.8
    eps: ArrayLike = 0.08

    def rate_hz(self, state: FloatArray) -> FloatArray:
        result: FloatArray = np.maximum(state[0], 0.0)
        return result

    def shipped(self) -> Generic2dOscillator:
        root = float(np.sqrt(self.eps))
        return Generic2dOscillator(
            d=root,
            tau=1.0 / root,
            e=0.0,
            f=1.0 / 3.0,
            g=1.0,
            alpha=-1.0,
            gamma=1.0,
            I=self.I,
            a=self.a,
            b=1.0,
            c=0.0,
            beta=self.b,
        )


def network(connectome: Connectome, model: MassModel, coupling: Any, sigma: Any = None) -> MassNetwork:
    noise = Noise(sigma) if sigma else None
    return MassNetwork("net", connectome, model, speed_m_s=SPEED_M_S, coupling=coupling, noise=noise)


def measure(brain: Connectome, thin: Connectome) -> None:
    alone = Connectome(thin.labels, np.zeros_like(thin.weights), thin.lengths_mm, thin.centres_mm)
    print("noise on all variables that have it, against none; 2 % of the pairs of 1,000 nodes, against no coupling")
    for name, (model, coupling, sigma) in MODELS.items():
        kinds = {
            "76": (brain, None),
            "76, noise": (brain, sigma),
            "1,000, 2 %": (thin, None),
            "1,000, 2 %, noise": (thin, sigma),
            "1,000, none": (alone, None),
        }
        times = timed({kind: network(where, model, coupling, s) for kind, (where, s) in kinds.items()}, 1000)
        print(f"{name:22s}" + "   ".join(f"{kind}: {t:.2f}" for kind, t in times.items()))
        for size in ("76", "1,000, 2 %"):
            more = times[f"{size}, noise"] / times[size] - 1.0
            print(f"  noise under 30 %, {size}: {100 * more:.0f} %, {met(more < 0.3)}")
        ratio = times["1,000, 2 %"] / times["1,000, none"]
        print(f"  within 2 x of no coupling at 2 %: {ratio:.2f} x, {met(ratio <= 2.0)}")
    own_model(brain)
    first_calls()
    memory(brain, thin)
    growth()


def timed(networks: dict[str, MassNetwork], steps: int, repeats: int = 9) -> dict[str, float]:
    work = {name: living(each, steps) for name, each in networks.items()}
    for run in work.values():
        run()
    return medians(work, steps, repeats=repeats)


def own_model(brain: Connectome) -> None:
    own = FitzHughNagumo()
    initial = np.random.default_rng(0).uniform(-1.0, 1.0, (2, len(brain)))
    both = {
        name: MassNetwork("net", brain, model, speed_m_s=SPEED_M_S, coupling=Linear(0.1), initial=initial)
        for name, model in {"a user's FitzHugh-Nagumo": own, "the same as Generic2dOscillator": own.shipped()}.items()
    }
    mine, theirs = (lived(prepared(each), 2000, 2000)[0] for each in both.values())
    np.testing.assert_allclose(mine["v"].values, theirs["V"].values, rtol=1e-9, atol=1e-9)
    times = timed(both, 2000)
    print("\na model of one's own: " + "   ".join(f"{name}: {t:.2f}" for name, t in times.items()))
    user, shipped = times.values()
    print(f"  same speed as ours: {shipped / user:.2f} x, {met(user <= 1.1 * shipped)}")


def first_calls() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"HYBRID_CACHE": folder}
        first, second = (
            float(
                subprocess.run(
                    [sys.executable, "-c", FIRST_CALL], env=environment, capture_output=True, check=True
                ).stdout
            )
            for _ in range(2)
        )
    print(f"\npreparing a network of 76 Epileptors in a fresh process: {first:.2f} s, again in another: {second:.2f} s")
    print(f"  first call under 3 s: {met(first < 3.0)}, again under 0.3 s: {met(second < 0.3)}")


def memory(brain: Connectome, thin: Connectome) -> None:
    print()
    for name, where in {"76 regions": brain, "1,000 nodes": thin}.items():
        engine = prepared(network(where, MontbrioPazoRoxin(), Linear(0.5)))._engine
        assert engine is not None
        features, n, _ = engine._history.shape
        longest = engine._far.longest * n * features * 8
        ratio = engine._history.nbytes / longest
        print(f"history of {name}: {engine._history.nbytes / 1e6:.2f} MB")
        print(f"  at most 2 x the longest delay: {ratio:.3f} x, {met(ratio <= 2.0)}")


def growth() -> None:
    """At most 1,000 sources for each node, so that memory holds the largest; delays as everywhere."""
    print("\ngrowth: Montbrió-Pazó-Roxin, at most 1,000 sources for each node")
    found = {}
    for n in (100, 300, 1000, 3000, 10_000):
        where = synthetic(n, min(1.0, 1000 / n))
        pairs, steps = int(np.count_nonzero(where.weights)), 64 if n > 1000 else 320
        (time,) = timed({"": network(where, MontbrioPazoRoxin(), Linear(0.5))}, steps, repeats=5).values()
        found[n] = 1e3 * time / pairs
        print(f"  {n:6,d} nodes, {pairs:10,d} pairs: {time:10.1f} a step, {found[n]:.3f} ns a pair", flush=True)
    spread = max(found.values()) / min(found.values())
    print(f"  flat within 2 x: {spread:.2f} x, {met(spread <= 2.0)}")
