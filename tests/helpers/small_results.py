"""A small run of every kind of signal, as results."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid.clock import Clock, Window
from hybrid.ports import Port
from hybrid.results import Results
from hybrid.results.recorder import Recording
from hybrid.signals import Currents, Rates, Spikes, States

CLOCK = Clock(0.1)
RUN = Window(0, 1000)
SPIKES = Port("focus", "spikes", Spikes, 50, "out")
RATE = Port("cortex", "rate", Rates, 3, "out", labels=("rV1", "lV1", "Hippocampe gauche ö"))
X1 = Port("cortex", "x1", States, 3, "out", labels=RATE.labels)
DRIVE = Port("cortex", "drive/in", Currents, 1, "in")
SILENT = Port("other", "spikes", Spikes, 2, "out")


def recordings() -> dict[str, Recording]:
    rng = np.random.default_rng(3)
    made = [
        Recording(SPIKES, Spikes.from_counts(RUN, rng.poisson(0.05, (1000, 50))), 1, CLOCK),
        Recording(RATE, Rates(Window(0, 100), 3, rng.normal(size=(100, 3))), 10, CLOCK, averaged=True),
        Recording(X1, States(RUN, 3, rng.normal(size=(1000, 3))), 1, CLOCK),
        Recording(DRIVE, Currents(RUN, 1, rng.normal(size=(1000, 1))), 1, CLOCK),
        Recording(SILENT, Spikes.silence(RUN, 2), 1, CLOCK),
    ]
    return {str(each.port): each for each in made}


def a_run(**changes: Any) -> Results:
    documents: dict[str, Any] = {
        "configuration": {
            "run": {"tick_ms": 0.1},
            "weights": [[0.1, 0.2], [1e-300, float("nan")]],
            "name": "Épilepsie",
        },
        "versions": {"python": "3.11"},
        "plan": {"window": 16, "set_by": "a -> b"},
        "audit": [{"connection": "a -> b", "delivered": 1.0, "expected": 1.01}],
        "timing": {"components": {"focus": 0.1, "cortex": 0.05}, "total": 0.2},
        "provenance": {"ranks": 2},
    }
    return Results(**{"recordings": recordings(), "clock": CLOCK, "duration": 1000, "seed": 1, **documents, **changes})
