"""The script of a job array: valid for bash, submits itself and the collection, and every task runs its share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from floors import ROOT
from mpirun import HERE
from sweeps import experiment

from hybrid.errors import ConfigurationError
from hybrid.experiment.sweep import Sweep
from hybrid.experiment.sweep.slurm import write_script


def script_of(points: int, tasks: int | None, tmp_path: Path) -> str:
    return write_script(tmp_path, "any thing", points, tasks, 2, "02:00:00").read_text()


def test_the_script_is_bash_and_its_lines_are_those_of_the_array(tmp_path):
    script = script_of(10, 4, tmp_path)
    assert "#SBATCH --array=0-3\n" in script
    assert "#SBATCH --job-name=any_thing\n" in script
    assert "#SBATCH --cpus-per-task=2\n" in script
    assert "#SBATCH --time=02:00:00\n" in script
    assert (tmp_path / "logs").is_dir()  # SLURM makes no folders for its logs
    checked = subprocess.run(["bash", "-n", tmp_path / "sweep.slurm"], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("points", [1, 2, 7, 999, 1000, 1001, 2500])
@pytest.mark.parametrize("tasks", [None, 1, 3, 5000])
def test_the_tasks_have_every_point_once(tmp_path, points, tasks):
    """What the shell reckons, reckoned here."""
    script = script_of(points, tasks, tmp_path)
    last_task = int(script.partition("--array=0-")[2].split()[0])
    share = int(script.partition("SLURM_ARRAY_TASK_ID * ")[2].partition(")")[0])
    assert last_task < (tasks or 1000)
    assert last_task * share < points <= (last_task + 1) * share


def test_what_slurm_cannot_take_is_refused(tmp_path):
    (tmp_path / "a%b").mkdir()
    with pytest.raises(ConfigurationError, match="choose another with --out"):
        write_script(tmp_path / "a%b", "x", 1, None, 1, "1")
    with pytest.raises(ConfigurationError, match="--tasks 0"):
        write_script(tmp_path, "x", 1, 0, 1, "1")


def test_the_script_submits_itself_then_every_task_runs_its_points(tmp_path):
    out = tmp_path / "in a folder"
    sweep = Sweep.of(experiment(tmp_path), ["run.seed=1..3"], out)
    sweep.prepare()
    script = write_script(out, "ramp", len(sweep), 2, 1, "1:00:00")
    (tmp_path / "sbatch").write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" --- >> "{tmp_path}/asked"\necho "77;cluster"\n')
    (tmp_path / "sbatch").chmod(0o700)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(map(str, (HERE, ROOT))),
    }
    environment.pop("SLURM_ARRAY_TASK_ID", None)
    subprocess.run(["bash", script], env=environment, check=True, stdout=subprocess.DEVNULL)
    array, index, _ = (tmp_path / "asked").read_text().split("---\n")
    assert array.split("\n")[:2] == ["--parsable", str(script)]
    assert "--dependency=afterany:77\n" in index
    assert not list((out / "points").iterdir())
    for task in ("0", "1"):
        assert not (out / "index.csv").exists()
        done = subprocess.run(
            ["bash", script], env={**environment, "SLURM_ARRAY_TASK_ID": task}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert [each.status for each in sweep.outcomes] == ["done"] * 3
    assert (out / "index.csv").exists()  # the last task wrote it
    (out / "index.csv").unlink()
    wrapped = next(line for line in index.splitlines() if line.startswith("--wrap=")).removeprefix("--wrap=")
    subprocess.run(["bash", "-c", wrapped], env=environment, check=True, stdout=subprocess.DEVNULL)
    assert (out / "index.csv").exists()
    assert sys.executable in wrapped
