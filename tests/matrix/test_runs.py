"""Everything the package ships, in a brain: however time is cut, from a file, and with a source that has gone wrong."""

from __future__ import annotations

import matrix_cases
import numpy as np
import pytest
from matrix_cases import CASES, CONNECTOME, COVERED, add_to, experiment, wiring
from shipped import kinds
from toml_text import as_toml

from hybrid import Brain, Simulation
from hybrid.errors import DivergedError
from hybrid.experiment import Experiment
from hybrid.masses import MassModel

DURATION_MS = 12.0
MODELS = set(kinds(MassModel))  # that of a network is tried; each model's contract has cuts of its own


def run(name, seed=1, window_ms=None, **bad):
    brain = Brain(matrix_cases.TICK_MS)
    record = add_to(brain, name, **bad)
    return Simulation(brain, seed, record, window_ms=window_ms, transport="serial").run(DURATION_MS)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name in MODELS)) for name in COVERED])
def test_it_does_not_matter_how_time_is_cut(name):
    whole = run(name)
    if wiring(name).sources:
        assert whole.plan["window_ms"] == pytest.approx(0.7)
    assert run(name, window_ms=0.3).content_sha256 == whole.content_sha256


@pytest.mark.parametrize("name", [name for name in COVERED if CASES[name]().table])
def test_an_experiment_file_makes_the_same(name, tmp_path):
    CONNECTOME.save(tmp_path / "five.npz")
    file = tmp_path / "experiment.toml"
    file.write_text(as_toml(experiment(name, tmp_path / "five.npz", DURATION_MS, seed=3)), encoding="utf-8")
    results = Experiment.load(file).simulation().run(DURATION_MS)
    assert results.content_sha256 == run(name, seed=3).content_sha256


def continuous():
    """Every input that could be told something that is no number."""
    for name in COVERED:
        for port, source in wiring(name).sources.items():
            if not source.outputs["out"].carries_events:
                yield name, port


@pytest.mark.parametrize("bad", [np.nan, pytest.param(np.inf, marks=pytest.mark.long)])
@pytest.mark.parametrize(("name", "port"), list(continuous()))
def test_what_is_no_number_ends_the_run_and_names_its_source(name, port, bad):
    source = "source" if port == "in" else port
    with pytest.raises(DivergedError, match=rf"\b{source}\b.* out\b|\b{source}\.out\b"):
        run(name, bad_port=port, bad_at=31, bad=bad)
