"""A sweep is run, stopped, killed and gone on with: the same files, the same index, and nothing done twice."""

from __future__ import annotations

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from floors import ROOT
from mpirun import HERE, mpirun
from sweeps import experiment

from hybrid import Results
from hybrid.errors import ConfigurationError, DataError, Interrupted, SweepError, UnknownNameError
from hybrid.experiment import Experiment
from hybrid.experiment.sweep import Sweep
from hybrid.experiment.sweep import work as work_module
from hybrid.experiment.sweep.storage import locked

GRID = ["connections.wire.weight=0.5,1,2", "run.seed=1..3"]
AT = "components.relay.parameters.at"


@pytest.fixture
def file(tmp_path):
    return experiment(tmp_path)


def index(folder: Path) -> list[dict[str, str]]:
    """Without the seconds, which no two runs share."""
    with (folder / "index.csv").open(newline="") as text:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(text)]


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: Results.load(path).content_sha256 for path in sorted((folder / "points").glob("*.h5"))}


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, ROOT)))}


def nothing_aside(folder: Path) -> bool:
    return not list(folder.rglob("*.part"))


def test_every_point_has_the_results_of_a_run_of_its_own(file, tmp_path):
    sweep = Sweep.of(file, GRID, tmp_path / "out", features=["own_parts:peak", "own_parts:ends", "means"])
    outcomes = sweep.run()
    assert [each.status for each in outcomes] == ["done"] * 9
    rows = index(tmp_path / "out")
    assert len({row["content_sha256"] for row in rows}) == 9
    for number, weight, seed in ((0, 0.5, 1), (5, 1, 3), (7, 2, 2)):
        alone = Experiment.load(file, [f"connections.wire.weight={weight}", f"run.seed={seed}"]).simulation().run(10)
        row = rows[number]
        assert row["content_sha256"] == alone.content_sha256 == sweep.results(number).content_sha256
        assert (float(row["connections.wire.weight"]), int(row["run.seed"])) == (weight, seed)
        assert float(row["peak"]) == alone["relay.rate"].hz.max()
        assert float(row["ends.last"]) == alone["relay.rate"].hz[-1, 0]
        assert float(row["means.relay.rate"]) == alone["relay.rate"].hz.mean()
    assert [row["point"] for row in rows] == [str(number) for number in range(9)]
    assert nothing_aside(tmp_path)


def test_points_that_are_done_are_not_run_again(file, tmp_path, monkeypatch):
    Sweep.of(file, GRID, tmp_path / "out").run()
    before, times = (
        index(tmp_path / "out"),
        [path.stat().st_mtime_ns for path in (tmp_path / "out" / "points").iterdir()],
    )
    monkeypatch.setattr(work_module.Work, "_run", None)
    Sweep.of(file, GRID, tmp_path / "out").run()
    assert index(tmp_path / "out") == before
    assert [path.stat().st_mtime_ns for path in (tmp_path / "out" / "points").iterdir()] == times
    Sweep.load(tmp_path / "out").run()
    outcomes = Sweep.of(file, GRID, tmp_path / "out", features=["own_parts:peak"]).run()  # from the files
    assert all(each.features["peak"] > 0 for each in outcomes)
    assert Sweep.of(file, GRID, tmp_path / "out").run() == outcomes  # features are kept where none are given


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


def _flip(path: Path) -> None:
    """A bit of the recorded numbers; only the hash can tell."""
    data, values = bytearray(path.read_bytes()), Results.load(path)["relay.rate"].hz
    at = bytes(data).find(values[-4:].tobytes())
    assert at > 0
    data[at + 3] ^= 1
    path.write_bytes(data)


def _of_another_point(path: Path) -> None:
    path.write_bytes((path.parent / "00000.h5").read_bytes())


@pytest.mark.parametrize("spoil", [Path.unlink, _cut_short, _of_another_point, _flip])
def test_results_that_are_missing_damaged_or_anothers_are_made_again(file, tmp_path, spoil):
    sweep = Sweep.of(file, ["run.seed=1..3"], tmp_path / "out")
    before = sweep.run()
    wanted = hashes(tmp_path / "out")
    spoil(tmp_path / "out" / "points" / "00001.h5")
    (tmp_path / "out" / "outcomes" / "00001.json").unlink()  # as after a crash of the machine
    of_another = (tmp_path / "out" / "outcomes" / "00000.json").read_text()
    for damaged in ("", "{", '{"status": "done"}', "[]", of_another):
        (tmp_path / "out" / "outcomes" / "00002.json").write_text(damaged)
        after = sweep.run()
        assert hashes(tmp_path / "out") == wanted
    assert [each.content_sha256 for each in after] == [each.content_sha256 for each in before]


def test_a_point_that_fails_is_listed_while_the_others_go_on(file, tmp_path):
    sweep = Sweep.of(file, [f"{AT}=0,1,3", "run.seed=1,2"], tmp_path / "out", features=["means"])
    sweep.run()
    rows = index(tmp_path / "out")
    assert [row["status"] for row in rows] == ["done", "done", "failed", "failed", "failed", "failed"]
    assert rows[2]["error"] == "ComponentError: relay failed in window [0, 3) (t = 0 ms): ValueError: on purpose"
    assert (rows[2]["content_sha256"], rows[2]["means.relay.rate"]) == ("", "")
    with pytest.raises(
        SweepError, match=r"4 of 6 points failed \(retry_failed, --retry-failed, runs failed ones again"
    ):
        sweep.check_done()
    with pytest.raises(ConfigurationError, match=r"point 2 has no results \(it failed: ComponentError"):
        sweep.results(2)


def test_failed_points_are_run_again_on_demand_only(file, tmp_path):
    sweep = Sweep.of(file, [f"{AT}=0,1"], tmp_path / "out")
    sweep.run()
    module = file.parent / "own_parts.py"
    module.write_text(module.read_text().replace("self.at == 1", "self.at == 77"))
    sys.modules.pop("own_parts", None)
    assert [each.status for each in sweep.run()] == ["done", "failed"]
    assert [each.status for each in sweep.run(retry_failed=True)] == ["done", "done"]
    assert not sweep.table[1]["error"]
    sweep.check_done()
    sys.modules.pop("own_parts", None)


def test_a_feature_that_fails_loses_no_point(file, tmp_path):
    sweep = Sweep.of(file, ["run.seed=1..3"], tmp_path / "out", features=["own_parts:wrong", "own_parts:peak"])
    sweep.run()
    rows = index(tmp_path / "out")
    assert [row["status"] for row in rows] == ["done"] * 3
    assert [row["wrong"] for row in rows] == ["1", "", ""]
    assert rows[1]["error"] == "feature wrong: KeyError: 'of seed 2'"
    assert rows[2]["error"] == (
        "feature wrong: ConfigurationError: wrong() is 'no number'; return a number, or a dictionary of numbers"
    )
    assert all(float(row["peak"]) > 0 for row in rows)
    with pytest.raises(SweepError, match="point 1: feature wrong"):
        sweep.check_done()


# -- refused before anything runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "options", "error", "complaint"),
    [
        (["components.relay.parameters.ta=1,2"], {}, UnknownNameError, "point 0 (components.relay.parameters.ta=1): ramp.toml: "),
        (["components.rely.parameters.at=1,2"], {}, UnknownNameError, "'components.rely' does not exist (there is: source, "),
        (["run.sead=1,2"], {}, UnknownNameError, "the key 'sead' does not exist; did you mean 'seed'?"),
        (["run.seed=1,-2"], {}, ConfigurationError, "point 1 (run.seed=-2): seed"),
        (["connections.wire.delay_ms=1.5,1.7"], {}, ConfigurationError, "point 1 (connections.wire.delay_ms=1.7)"),
        (["run.duration_ms=10,10.3"], {}, ConfigurationError, "point 1 (run.duration_ms=10.3): [run] duration_ms"),
        (["run.seed=1,2", "run.tick_ms=0.5,0.4"], {}, ConfigurationError, "point 1 (run.seed=1, run.tick_ms=0.4)"),
        (["run.seed=1,2"], {"features": ["own_parts:peek"]}, UnknownNameError, "did you mean 'peak'?"),
        (["run.seed=1,2"], {"features": ["mean"]}, UnknownNameError, "did you mean 'means'?"),
        (["run.seed=1,2"], {"features": ["os:system"]}, ConfigurationError, "a module of Python itself"),
        (["run.seed=1,2"], {"features": ["means", "own_parts:means"]}, ConfigurationError, "does not exist"),
        (["run.seed=1,2"], {"features": ["means", "hybrid.analysis:means"]}, ConfigurationError, "two features are called"),
        ({"run.seed": []}, {}, ConfigurationError, "run.seed: there is no value"),
        ({"run.seed": [np.float64(1), {1, 2}]}, {}, ConfigurationError, "cannot stand in an experiment file"),
    ],
)  # fmt: skip
def test_a_wrong_sweep_is_refused_and_leaves_nothing(file, tmp_path, values, options, error, complaint):
    with pytest.raises(error) as raised:
        Sweep.of(file, values, tmp_path / "out", **options).run()
    assert complaint in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_another_sweep_is_refused_with_the_difference(file, tmp_path):
    Sweep.of(file, GRID, tmp_path / "out").run()
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    with pytest.raises(
        ConfigurationError, match=r"holds another sweep: --set run.seed is \[1, 2, 3\] there and \[1, 2\] here"
    ):
        Sweep.of(file, [GRID[0], "run.seed=1,2"], tmp_path / "out").run()
    with pytest.raises(ConfigurationError, match="order of --set"):
        Sweep.of(file, GRID[::-1], tmp_path / "out").run()
    file.write_text(file.read_text().replace("hz = 400.0", "hz = 401.0"))
    with pytest.raises(ConfigurationError, match=r"components\.source\.parameters\.hz is 400\.0 there and 401\.0 here"):
        Sweep.of(file, GRID, tmp_path / "out").run()
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_a_folder_with_something_else_in_it_is_refused(file, tmp_path):
    with pytest.raises(ConfigurationError, match="has something else in it; give a folder that is new or empty"):
        Sweep.of(file, GRID, tmp_path).run()
    with pytest.raises(ConfigurationError, match="holds no sweep"):
        Sweep.load(tmp_path)
    (tmp_path / "bad").mkdir()
    for text in ("", "{}", '{"format": "hybrid-sweep", "format_version": 1}', '{"format": 1}'):
        (tmp_path / "bad" / "sweep.json").write_text(text)
        with pytest.raises(DataError, match="damaged, or no description of a sweep"):
            Sweep.load(tmp_path / "bad")


def test_two_sweeps_at_once_in_one_folder_are_refused(file, tmp_path):
    sweep = Sweep.of(file, GRID, tmp_path / "out")
    sweep.prepare()
    with locked(tmp_path / "out"):
        for only in (None, [1]):
            with pytest.raises(ConfigurationError, match="another sweep is at work in"):
                sweep.run(only=only)
    with locked(tmp_path / "out", shared=True):  # a task of a job array
        sweep.run(only=[1])
        with pytest.raises(ConfigurationError, match="another sweep is at work in"):
            sweep.run()


def test_results_that_cannot_be_written_end_the_sweep(file, tmp_path, monkeypatch):
    def full(self, path, overwrite=False):
        raise DataError(f"{path}: could not be written (No space left on device)")

    monkeypatch.setattr(Results, "save", full)
    sweep = Sweep.of(file, GRID, tmp_path / "out")
    with pytest.raises(DataError, match="No space left"):
        sweep.run()
    assert {each.status for each in sweep.outcomes} == {"missing"}  # and not failed


# -- elsewhere, and ended from outside ---------------------------------------------------------------------------------


def test_some_points_at_a_time_as_in_a_job_array(file, tmp_path):
    Sweep.of(file, GRID, tmp_path / "whole").run()
    sweep = Sweep.of(file, GRID, tmp_path / "out")
    sweep.prepare()
    for only in ([0, 1, 2, 3], [8, 7], [4, 5, 6]):
        assert not (tmp_path / "out" / "index.csv").exists()
        Sweep.load(tmp_path / "out").run(only=only)
    assert index(tmp_path / "out") == index(tmp_path / "whole")
    with pytest.raises(ConfigurationError, match="there is no point 9"):
        sweep.run(only=[9])


def test_workers_leave_the_same_files_and_lose_a_killed_point_alone(file, tmp_path):
    values = [f"{AT}=0,2", "run.seed=1..3"]
    sweep = Sweep.of(file, values, tmp_path / "out", features=["own_parts:peak"])
    outcomes = sweep.run(workers=2)
    assert [each.status for each in outcomes] == ["done"] * 3 + ["failed"] * 3
    assert "ended without a word (SIGKILL)" in outcomes[3].error
    alone = Sweep.of(file, [f"{AT}=0,1", "run.seed=1..3"], tmp_path / "alone", features=["own_parts:peak"])
    assert [each.content_sha256 for each in alone.run()] == [each.content_sha256 for each in outcomes]
    assert [row["peak"] for row in index(tmp_path / "out")] == [row["peak"] for row in index(tmp_path / "alone")]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.long)])
def test_killed_in_the_middle_and_gone_on_with(file, tmp_path, workers):
    values = ["run.seed=1..8", "components.relay.parameters.pause_s=0.03"]
    Sweep.of(file, values, tmp_path / "whole", features=["own_parts:peak"]).run()
    command = [
        sys.executable,
        "-m",
        "hybrid.cli",
        "sweep",
        file,
        "--out",
        tmp_path / "out",
        "--feature",
        "own_parts:peak",
    ]
    command += [word for each in values for word in ("--set", each)]
    process = subprocess.Popen(
        [*map(str, command), "--workers", str(workers)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "out" / "points").glob("0*.h5"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert 2 <= len(list((tmp_path / "out" / "points").glob("0*.h5"))) < 8
    assert not (tmp_path / "out" / "index.csv").exists()
    time.sleep(0.3 * (workers - 1))  # until the workers have seen it, and are gone
    Sweep.load(tmp_path / "out").run()
    assert index(tmp_path / "out") == index(tmp_path / "whole")
    assert hashes(tmp_path / "out") == hashes(tmp_path / "whole")
    assert nothing_aside(tmp_path / "out")


def test_ctrl_c_keeps_what_is_done(file, tmp_path, monkeypatch, capsys):
    done = []

    def interrupted(self, number):
        if len(done) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        done.append(number)
        return do(self, number)

    do = work_module.Work.do
    monkeypatch.setattr(work_module.Work, "do", interrupted)
    sweep = Sweep.of(file, ["run.seed=1..5"], tmp_path / "out")
    with pytest.raises(Interrupted) as raised:
        sweep.run(progress=True)
    assert raised.value.exit_code == 143
    assert [row["status"] for row in index(tmp_path / "out")] == ["done"] * 2 + ["missing"] * 3
    assert "the points that are done are kept" in capsys.readouterr().err
    monkeypatch.undo()
    assert [each.status for each in sweep.run()] == ["done"] * 5


def test_a_point_that_is_interrupted_leaves_nothing(file, tmp_path):
    sweep = Sweep.of(file, ["run.seed=1..3", "components.relay.parameters.pause_s=5"], tmp_path / "out")
    sweep.prepare()
    code = "import sys; from hybrid.experiment.sweep import Sweep; Sweep.load(sys.argv[1]).run()"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code, tmp_path / "out"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    for _ in ("when it is checked", "when the first point is run"):
        assert process.stdout.readline() == b"a component that prints\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert {each.status for each in sweep.outcomes} == {"missing"}
    assert not list((tmp_path / "out" / "points").iterdir())


@pytest.mark.mpi
def test_ranks_leave_the_same_files_as_one_process(file, tmp_path):
    values = [f"{AT}=0,1", "run.seed=1..3"]
    Sweep.of(file, values, tmp_path / "alone", features=["own_parts:peak"]).run()
    options = [word for each in values for word in ("--set", each)]
    done = mpirun(
        3, "-m", "hybrid.cli", "sweep", file, *options, "--feature", "own_parts:peak", "--out", tmp_path / "out"
    )
    assert done.returncode == 1
    assert done.stdout.count("3 of 6 points done") == 1
    assert done.stderr.count("SweepError: 3 of 6 points failed") == 1
    assert index(tmp_path / "out") == index(tmp_path / "alone")
    assert hashes(tmp_path / "out") == hashes(tmp_path / "alone")
    wrong = mpirun(2, "-m", "hybrid.cli", "sweep", file, "--set", "run.sead=1,2", "--out", tmp_path / "new")
    assert wrong.returncode == 2
    assert wrong.stderr.count("UnknownNameError") == 1
    assert not (tmp_path / "new").exists()


def test_the_index_is_one_file_that_tables_read(file, tmp_path):
    sweep = Sweep.of(
        file, ["run.seed=1,2", 'run.record=["relay.rate"],["relay.rate", "source.spikes"]'], tmp_path / "out"
    )
    sweep.run()
    digest = hashlib.sha256((tmp_path / "out" / "index.csv").read_bytes()).hexdigest()
    assert sweep.collect() == tmp_path / "out" / "index.csv"
    assert hashlib.sha256((tmp_path / "out" / "index.csv").read_bytes()).hexdigest() == digest
    assert [row["run.record"] for row in index(tmp_path / "out")] == [
        '["relay.rate"]',
        '["relay.rate", "source.spikes"]',
    ] * 2
    assert [row["run.record"] for row in sweep.table] == [["relay.rate"], ["relay.rate", "source.spikes"]] * 2
