"""What the launcher said against what MPI says."""

from __future__ import annotations

import sys

import pytest
from mpirun import mpirun
from toys import Toy

from hybrid import Brain, Simulation
from hybrid.errors import ConfigurationError
from hybrid.run.transport import launcher
from hybrid.run.transport.launcher import check_launch, launched_rank, launched_ranks


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch):
    for name in (*launcher._RANK_COUNTS, *launcher._RANKS):
        monkeypatch.delenv(name, raising=False)


def test_without_a_launcher_there_is_one_process():
    assert (launched_ranks(), launched_rank()) == (1, 0)
    check_launch(1, "any")


@pytest.mark.parametrize(
    "names",
    [
        ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
        ("PMI_SIZE", "PMI_RANK"),
        ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
    ],
)
def test_each_launcher_is_understood(monkeypatch, names):
    for name, value in zip(names, ("4", "3"), strict=True):
        monkeypatch.setenv(name, value)
    assert (launched_ranks(), launched_rank()) == (4, 3)
    check_launch(4, "any")


@pytest.mark.parametrize("size", [1, 3])
def test_an_mpi_that_knows_of_other_processes_is_refused(monkeypatch, size):
    monkeypatch.setenv("PMI_SIZE", "2")
    with pytest.raises(
        ConfigurationError, match=rf"started 2 processes \(PMI_SIZE\), but MPI \(MPICH 4\) knows of {size}: .*mpirun"
    ):
        check_launch(size, "MPICH 4")


def test_a_launcher_within_another_may_start_fewer(monkeypatch):
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    check_launch(2, "any")
    with pytest.raises(ConfigurationError, match="knows of 1"):
        check_launch(1, "any")


@pytest.mark.parametrize("text", ["abc", "-2", "1.5", "²"])
def test_a_count_that_is_no_number_is_one_line(monkeypatch, text):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", text)
    with pytest.raises(ConfigurationError, match=f"OMPI_COMM_WORLD_SIZE = '{text}' is no number of processes"):
        Simulation(Brain())
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", text)
    assert launched_rank() == 0


PROGRAM = """
import sys
from toys import Toy
from hybrid import Brain, Simulation
class Loud(Toy):
    def prepare(self, clock, rng):
        print("prepared")
brain = Brain(0.1)
brain.add(Loud("loud"))
Simulation(brain).run(1, out=sys.argv[1])
"""


def test_an_mpi_that_cannot_be_loaded_is_one_line(monkeypatch):
    monkeypatch.delitem(sys.modules, "hybrid.run.transport.mpi", raising=False)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    brain = Brain(0.1)
    brain.add(Toy("t"))
    with pytest.raises(ConfigurationError, match=r"transport 'mpi': there is no MPI that works .*; pip install"):
        Simulation(brain, transport="mpi").run(1)


@pytest.mark.mpi
def test_a_process_that_is_alone_in_its_mpi_but_was_not_started_alone_runs_nothing(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = mpirun(1, program, tmp_path / "run.h5", MPI_LOCALNRANKS="2")
    assert done.returncode == 1
    assert "ConfigurationError: the launcher started 2 processes" in done.stderr
    assert "prepared" not in done.stdout
    assert list(tmp_path.iterdir()) == [program]
