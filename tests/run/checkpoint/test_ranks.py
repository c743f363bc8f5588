"""Checkpoints belong to names, not to ranks: a run killed on some ranks goes on to the same bits on others."""

from __future__ import annotations

import re
from functools import cache

import pytest
from checkpoint_brains import DURATION_MS, simulation
from mpirun import HERE, mpirun

from hybrid import Results
from hybrid.run.checkpoint import Generations, Manifest, unfinished

pytestmark = pytest.mark.mpi
PROGRAM = HERE / "checkpoint_program.py"


@cache
def whole(kind: str) -> str:
    return simulation(kind).run(DURATION_MS).content_sha256


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("toys", 2, 3),
        *(
            pytest.param(kind, before, after, marks=pytest.mark.long)
            for kind in ("toys", "adapters", "masses", "circuit")
            for before, after in ((1, 2), (2, 1), (2, 3))
        ),
    ],
)
def test_killed_and_resumed_on_another_number_of_ranks(kind, before, after, tmp_path):
    out = tmp_path / "run.h5"
    assert mpirun(before, PROGRAM, "run", kind, out, KILL_TICK="210").returncode != 0
    assert Generations(unfinished(out)).ticks()
    done = mpirun(after, PROGRAM, "resume", kind, out)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"sha (\w+)", done.stdout) == [whole(kind)] * after
    assert Results.load(out).content_sha256 == whole(kind)
    assert [each.name for each in tmp_path.iterdir()] == ["run.h5"]


@pytest.mark.long
@pytest.mark.parametrize("file", [3, 9, 14])
def test_killed_while_a_checkpoint_is_written(file, tmp_path):
    out = tmp_path / "run.h5"
    assert mpirun(2, PROGRAM, "run", "toys", out, KILL_FILE=str(file)).returncode != 0
    generations = Generations(unfinished(out))
    if not generations.ticks():  # it was the first
        done = mpirun(2, PROGRAM, "resume", "toys", out)
        assert "CheckpointError" in done.stderr
        assert "holds no checkpoint; start the run anew" in done.stderr
        return
    done = mpirun(2, PROGRAM, "resume", "toys", out)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"sha (\w+)", done.stdout) == [whole("toys")] * 2


def test_a_signal_asks_all_ranks_for_a_checkpoint_and_the_run_goes_on(tmp_path):
    out = tmp_path / "run.h5"
    run = mpirun(2, PROGRAM, "run", "toys", out, SIGNAL="SIGUSR1", SIGNAL_TICK="130")
    assert run.returncode == 0, run.stderr
    assert re.findall(r"sha (\w+)", run.stdout) == [whole("toys")] * 2
    assert "checkpoint 132 SIGUSR1" in run.stdout
    assert run.stdout.count("checkpoint ") == 6


@pytest.mark.long
def test_terminated_with_a_checkpoint_and_resumed(tmp_path):
    out = tmp_path / "run.h5"
    run = mpirun(2, PROGRAM, "run", "toys", out, SIGNAL="SIGTERM", SIGNAL_TICK="130")
    assert run.returncode == 143, run.stderr
    assert Results.load(out).is_partial
    newest = Generations(unfinished(out))
    assert Manifest.read(newest.path(newest.ticks()[0])).reason == "SIGTERM"
    assert newest.ticks()[0] == Results.load(out).duration
    done = mpirun(3, PROGRAM, "resume", "toys", out)
    assert done.returncode == 0, done.stderr
    assert Results.load(out).content_sha256 == whole("toys")
