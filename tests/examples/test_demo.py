"""The demonstration: its science, its controls, and the same bits on every number of ranks.

The quick tests run the demonstration's own file with fewer neurons and less time; ``make test-long`` runs it whole.
"""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest
from floors import ROOT
from mpirun import mpirun
from scipy.stats import spearmanr

from hybrid import Connectome, Results
from hybrid.experiment import Experiment

EXAMPLES = ROOT / "examples"
TOML = EXAMPLES / "seizure_spread.toml"
SMALL = ("run.duration_ms=2000", "components.focus.parameters.cells=300")
QUICK = ("run.duration_ms=700", "components.focus.parameters.cells=300")
HEALTHY = "components.focus.parameters.bath_mm=5.5"
NOBODY_HEARS = "connections.focus_to_cortex.weight=0"
FOCUS_IS_DEAF = "connections.cortex_to_focus.weight=0"


def run(*overrides):
    experiment = Experiment.load(TOML, overrides)
    return experiment.simulation().run(experiment.document.run.duration_ms)


def recruited_at_ms(results):
    """Per region: when x1 first is in the ictal range (above 0), nan for never."""
    ictal = results["cortex.x1"].values > 0
    times = results.times_ms("cortex.x1")
    return np.where(ictal.any(axis=0), times[ictal.argmax(axis=0)], np.nan)


def peak_rate_hz(results):
    """The largest population rate of the focus in 100 ms."""
    cells = results.recording("focus.spikes").port.size
    events = results["focus.spikes"]
    per_bin = np.bincount((results.times_ms("focus.spikes") // 100).astype(int), weights=events.counts, minlength=2)
    return per_bin.max() / cells / 0.1


@pytest.fixture(scope="module")
def small():
    return {name: run(*SMALL, *more) for name, more in {
        "seizure": [], "healthy": [HEALTHY], "nobody hears": [NOBODY_HEARS], "deaf": [FOCUS_IS_DEAF]
    }.items()}  # fmt: skip


def check_science(runs):
    seizure = runs["seizure"]
    assert peak_rate_hz(seizure) > 80
    recruited = recruited_at_ms(seizure)
    assert np.isfinite(recruited).sum() == 73  # all but rCC and lCC, which the connectome joins to nobody
    labels = seizure.recording("cortex.x1").port.labels
    assert {labels[k] for k in np.flatnonzero(np.isnan(recruited))} == {"rCC", "lCC"}

    assert peak_rate_hz(runs["healthy"]) < 10
    assert np.isnan(recruited_at_ms(runs["healthy"])).all()

    assert peak_rate_hz(runs["nobody hears"]) > 80
    assert np.isnan(recruited_at_ms(runs["nobody hears"])).all()

    assert runs["deaf"]["focus.spikes"].ticks.tobytes() != seizure["focus.spikes"].ticks.tobytes()
    assert peak_rate_hz(runs["deaf"]) > 80


def check_order(seizure):
    """Regions close to the focus, in delay and in strength of connection, are recruited first."""
    recruited = recruited_at_ms(seizure)
    labels = np.array(seizure.recording("cortex.x1").port.labels)
    connectome = Connectome.load("tvb76").normalised()
    direct = connectome.projection("rHC", labels)
    weights = connectome.weights
    over_one = (weights + weights @ weights)[[connectome.index(each) for each in labels], connectome.index("rHC")]
    seen = np.isfinite(recruited)
    delay, strength = direct.delays_ms(3.0, 0.1)[seen, 0], over_one[seen]
    assert spearmanr(recruited[seen], delay).statistic > 0.4
    assert spearmanr(recruited[seen], strength).statistic < -0.6
    neighbours = labels[direct.weights[:, 0] > 0]
    assert labels[np.nanargmin(recruited)] in neighbours
    right = np.array([label.startswith("r") for label in labels])
    assert np.nanmedian(recruited[right]) < np.nanmedian(recruited[~right])


def test_the_science_of_the_demonstration(small):
    check_science(small)


def test_recruitment_follows_the_connectome(small):
    check_order(small["seizure"])


def test_the_interface_delivers_what_it_should(small):
    for row in small["seizure"].audit:
        assert not row["drifts"]
        assert row["delivered"] > 100


def test_the_focus_starts_in_single_neurons(small):
    """Before half of the cells have fired, there is a time when under 5 % have."""
    events = small["seizure"]["focus.spikes"]
    first = np.full(300, np.inf)
    np.minimum.at(first, events.ids, events.ticks * 0.1)
    order = np.sort(first)
    assert order[150] - order[5] > 20  # ms from the sixth cell to the median one
    assert np.isfinite(order[int(0.95 * 300)])  # and in the end nearly all take part


@pytest.fixture(scope="module")
def quick():
    return run(*QUICK).content_sha256


@pytest.mark.long  # on 1 and 2 in every test run: the script below
@pytest.mark.mpi
@pytest.mark.parametrize(("ranks", "placement"), [*((k, "{}") for k in (1, 2, 3, 4)), (3, "{focus=2, cortex=1}")])
def test_the_same_bits_on_1_to_4_ranks_for_any_placement(ranks, placement, quick, tmp_path):
    overrides = [word for each in (*QUICK, f"run.placement={placement}") for word in ("--set", each)]
    done = mpirun(ranks, "-m", "hybrid.cli", "run", TOML, "--out", tmp_path, *overrides)
    assert done.returncode == 0, done.stderr
    assert Results.load(tmp_path / "run.h5").content_sha256 == quick


def test_another_seed_is_another_run(quick):
    assert run(*QUICK, "run.seed=2").content_sha256 != quick


@pytest.mark.mpi
def test_the_script_is_the_same_experiment_and_runs_alone_and_over_mpi(quick, tmp_path):
    script = [EXAMPLES / "seizure_spread.py", "--cells", "300", "--duration-ms", "700"]
    for ranks, name in ((1, "alone.h5"), (2, "two.h5")):
        done = mpirun(ranks, *script, "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).with_suffix(".png").stat().st_size > 50_000
    alone, two = (Results.load(tmp_path / name) for name in ("alone.h5", "two.h5"))
    assert alone.content_sha256 == two.content_sha256 == quick


@pytest.mark.mpi
def test_a_script_that_fails_on_every_rank_does_not_hang(tmp_path):
    done = mpirun(
        2, EXAMPLES / "seizure_spread.py", "--duration-ms", "0.05", "--cells", "300", "--out", tmp_path / "x.h5"
    )
    assert done.returncode != 0
    assert "duration_ms = 0.05 ms is no multiple of the tick (0.1 ms)" in done.stderr


@pytest.mark.mpi
def test_too_strong_coupling_stops_with_a_message_and_writes_nothing(tmp_path):
    more = ["--set", "components.cortex.coupling.strength=20", "--set", "components.focus.parameters.cells=300"]
    done = mpirun(2, "-m", "hybrid.cli", "run", TOML, "--out", tmp_path / "out", *more)
    assert done.returncode == 4, done.stderr
    assert re.search(
        r"DivergedError: cortex failed in window .* became .* use shorter steps .* or a weaker coupling", done.stderr
    )
    assert done.stderr.count("DivergedError") == 1
    assert not (tmp_path / "out" / "run.h5").exists()


@pytest.mark.mpi
def test_existing_results_are_refused_before_anything_runs(tmp_path):
    (tmp_path / "run.h5").write_text("precious")
    done = mpirun(2, "-m", "hybrid.cli", "run", TOML, "--out", tmp_path)
    assert done.returncode == 2
    assert "run.h5 exists already" in done.stderr
    assert (tmp_path / "run.h5").read_text() == "precious"


@pytest.mark.long
def test_the_whole_demonstration_holds_too():
    names = {"seizure": [], "healthy": [HEALTHY], "nobody hears": [NOBODY_HEARS], "deaf": [FOCUS_IS_DEAF]}
    runs = {name: run(*overrides) for name, overrides in names.items()}
    check_science(runs)
    check_order(runs["seizure"])


def test_the_script_is_short():
    assert len((EXAMPLES / "seizure_spread.py").read_text().splitlines()) <= 60


def test_info_prints_the_hash(tmp_path, capsys):
    from hybrid.cli import main

    results = run("run.duration_ms=50", "components.focus.parameters.cells=300")
    results.save(tmp_path / "run.h5")
    main(["info", str(tmp_path / "run.h5"), "--json"])
    assert json.loads(capsys.readouterr().out)["content_sha256"] == results.content_sha256
    assert "brian2" not in sys.modules or results.versions["brian2"]
