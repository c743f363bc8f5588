"""The options that meet in a connection, in pairs: adapters around the matrices, weights, delays, windows, neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from alive import lived, require_same
from covering import all_pairs, label
from matrix_toys import Sink, Source

from adapters import Affine, RateToCurrent, RateToPoisson, Sigmoid, SpikeToRate, Subset, TableLookup, Thinning
from hybrid import Brain, Chain, Simulation

TICKS, HALF = 90, 47
LINES, TARGETS = 4, 3
# source, adapter, target; the matrices stand where there are rates, as late as possible
WAYS = {
    "rates": ("Rates", lambda: None, "Rates"),
    "spikes": ("Spikes", lambda: None, "Spikes"),
    "currents": ("Currents", lambda: None, "Currents"),
    "before": ("Spikes", lambda: SpikeToRate(3.0), "Rates"),
    "after": ("Rates", lambda: RateToPoisson(3), "Spikes"),
    "both": ("Spikes", lambda: Chain(SpikeToRate(3.0), RateToPoisson(2)), "Spikes"),
    "two_before": ("Spikes", lambda: Chain(Thinning(0.7), SpikeToRate(3.0)), "Rates"),
    "two_after": ("Spikes", lambda: Chain(SpikeToRate(3.0), TableLookup(), RateToCurrent(0.02, fibres=5)), "Currents"),
    "fewer_lines": ("Spikes", lambda: Chain(Subset([0, 2, 3]), SpikeToRate(3.0), Affine(0.5, 2.0)), "Rates"),
    "events": ("Spikes", lambda: Thinning(0.5), "Spikes"),
    "states": ("States", lambda: Sigmoid(), "Rates"),
}
OPTIONS = {
    "way": [*WAYS],
    "weight": ["none", "number", "matrix", "with zeros"],
    "delay": ["number", "matrix"],
    "tick_ms": [0.1, 0.05],
    "neighbours": [0, 1, 2],  # further connections into the same port
    "itself": [False, True],  # the target is heard by a third, so that what arrives travels on
}
CASES = all_pairs(OPTIONS)


def brain(case, order=1):
    made = Brain(case["tick_ms"])
    kind, adapter, into = WAYS[case["way"]]
    random = np.random.default_rng(6)
    lines = adapter().emitted_size(LINES) if adapter() else LINES
    targets = lines if case["weight"] == "none" else TARGETS
    weight = {
        "none": None,
        "number": 2,
        "matrix": random.integers(1, 4, (targets, lines)),
        "with zeros": random.integers(0, 2, (targets, lines)) * 2,
    }[case["weight"]]
    level = {"Rates": 60.0, "Spikes": 200.0, "Currents": 0.1, "States": 5.0}[kind]
    parts = [Source(name, LINES, kind, level) for name in "abc"[: 1 + case["neighbours"]]]
    parts.append(Sink("sink", targets, into))
    parts.append(Sink("third", targets, into))
    for part in parts[::order]:
        made.add(part)
    for k, source in enumerate(parts[:-2]):
        delays = random.integers(7, 25, (targets, lines)) * 0.1
        delay_ms = delays if case["delay"] == "matrix" else 0.7 + 0.4 * k
        made.connect(source["out"], made["sink"]["in"], weight=weight, delay_ms=delay_ms, adapter=adapter())
    if case["itself"]:
        made.connect(made["sink"]["out"], made["third"]["in"], delay_ms=1.3)
        made.connect(made["third"]["out"], made["third"]["in"], weight=np.eye(targets), delay_ms=2.0)
    return made


def hashed(case, order=1, window_ms=None):
    record = ["sink.out", "third.out", "sink.in"]
    simulation = Simulation(brain(case, order), 1, record, window_ms=window_ms, transport="serial", on_drift="error")
    return simulation.run(TICKS * case["tick_ms"]).content_sha256


@pytest.mark.parametrize("case", CASES, ids=label)
def test_options_of_connections_get_along(case):
    outputs = lived(lambda: brain(case), TICKS, 7)
    require_same(outputs, lived(lambda: brain(case), TICKS, 2))
    require_same(outputs, lived(lambda: brain(case), TICKS, 1))
    require_same(outputs, lived(lambda: brain(case), TICKS, 7, leave_at=HALF), since=HALF)
    assert any(np.size(part) and np.any(part) for part in outputs["sink.out"]), "nothing arrived"
    # the whole run, audit and all; components that were added the other way round
    whole = hashed(case)
    assert hashed(case, window_ms=3 * case["tick_ms"]) == whole
    assert hashed(case, order=-1) == whole


def test_every_pair_is_tried():
    tried = {(case["way"], case["weight"]) for case in CASES}
    assert tried == {(way, weight) for way in OPTIONS["way"] for weight in OPTIONS["weight"]}
    assert len(CASES) <= 56
