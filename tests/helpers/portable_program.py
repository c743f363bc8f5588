"""Runs what the package ships and prints a hash of each, as JSON: to be compared between machines, real or pretended.

``python tests/helpers/portable_program.py demo=300 cases=200`` runs the demonstration for 300 ms and every case of the matrix
for 200 ms; ``cases=200:Epileptor,Sine`` only those whose names begin so.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from matrix_cases import CASES, TICK_MS, add_to

from hybrid import Brain, Simulation
from hybrid.experiment import Experiment

TOML = Path(__file__).parent.parent.parent / "examples" / "seizure_spread.toml"


def demo(duration_ms: str) -> dict[str, str]:
    simulation = Experiment.load(TOML, [f"run.duration_ms={duration_ms}"]).simulation()
    return {f"demo {duration_ms} ms": simulation.run(float(duration_ms)).content_sha256}


def cases(asked: str) -> dict[str, str]:
    duration_ms, _, begin = asked.partition(":")
    chosen = [name for name in CASES if name.startswith(tuple(begin.split(",")))]
    return {name: _lived(name, float(duration_ms)) for name in chosen}


def _lived(name: str, duration_ms: float) -> str:
    brain = Brain(tick_ms=TICK_MS)
    recorded = add_to(brain, name)
    return Simulation(brain, seed=1, record=recorded, progress=False).run(duration_ms).content_sha256


if __name__ == "__main__":
    found: dict[str, str] = {}
    for each in sys.argv[1:]:
        kind, _, argument = each.partition("=")
        found |= {"demo": demo, "cases": cases}[kind](argument)
    print(json.dumps(found))
