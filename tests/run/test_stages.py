"""Over MPI: meeting, preparing, being asked to stop, and running again, without a hang and without a trace."""

from __future__ import annotations

import re

import pytest
from mixed import mixed_brain
from mpirun import HERE, mpirun

from hybrid import Results, Simulation

pytestmark = pytest.mark.mpi
RECORD = ["a.rate", "b.rate", "r.out", "s.spikes"]


def run(ranks, stage, *arguments):
    return mpirun(ranks, HERE / "mpi_stages.py", stage, *arguments)


def test_a_rank_that_never_comes_is_given_up():
    done = run(3, "late")
    assert done.returncode != 0
    assert re.search(r"PeerError: rank [02] waited 2 s for the other ranks at the start of MPI; giving up", done.stderr)


def test_a_rank_that_prepares_long_is_waited_for_while_it_gets_on():
    done = run(2, "slow")
    assert done.stdout.count("finished") == 2, done.stderr
    assert "rank 1: preparing z2 ..." in done.stderr


def test_a_rank_that_is_stuck_in_preparation_is_named_with_what_it_prepares():
    done = run(2, "stuck")
    assert done.returncode == 5
    assert "rank 0 waited 4 s for rank(s) 1 (preparing z1) at preparation; giving up" in done.stderr


def test_if_one_rank_is_asked_to_stop_all_stop_after_the_same_window(tmp_path):
    done = run(3, "asked", "SIGTERM", tmp_path / "run.h5")
    assert done.returncode == 143, done.stderr
    assert done.stderr.count("interrupted (SIGTERM) at 50.4 of 100 ms") == 1
    partial = Results.load(tmp_path / "run.h5")
    first = Simulation(mixed_brain(), seed=1, record=RECORD).run(50.4)
    assert partial.content_sha256 == first.content_sha256


def test_an_output_that_is_there_is_refused_on_every_rank(tmp_path):
    (tmp_path / "run.h5").write_text("mine")
    done = run(2, "refused", tmp_path / "run.h5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("refused 0") == 2


@pytest.mark.long
def test_a_thousand_runs_leave_nothing_behind():
    done = mpirun(2, HERE / "many_runs.py", timeout_s=1800)
    assert done.returncode == 0, done.stderr
    grown = [float(each) for each in re.findall(r"grew by (\S+) MB", done.stdout)]
    assert len(grown) == 2
    assert max(grown) < 5.0


def test_run_after_run_on_communicators_of_a_program_leaves_nothing_behind(tmp_path):
    done = run(3, "embedded", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(re.findall(r"embedded (\d)", done.stdout)) == ["0", "1", "1"]
