"""``hybrid doctor``: what it finds on one machine and between ranks, and its exit codes."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest
from floors import ROOT
from mpirun import mpirun

from hybrid.cli import main
from hybrid.commands import doctor, machine
from hybrid.errors import ConfigurationError
from hybrid.run.transport import launcher

PROGRAM = ROOT / "tests" / "helpers" / "doctor_program.py"


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch):
    for name in (*launcher._RANK_COUNTS, *launcher._RANKS, "HYBRID_BITS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def lines(monkeypatch, capsys):
    """Exit code and lines of ``hybrid doctor``, without starting MPI."""

    def run(mpi="Open MPI v5.0.0"):
        def library(timeout_s):
            if isinstance(mpi, Exception):
                raise mpi
            return mpi

        monkeypatch.setattr(doctor, "mpi_library", library)
        try:
            main(["doctor"])
        except SystemExit as end:
            return end.code, capsys.readouterr().out.splitlines()
        return 0, capsys.readouterr().out.splitlines()

    return run


def line(of, found):
    (one,) = [each for each in found if each[9:].startswith(f"{of}:")]
    return one


def test_on_a_machine_that_has_everything(lines, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    code, found = lines()
    assert code == 0
    assert {each[:9].strip() for each in found[:-1]} == {"ok"}
    assert found[-1] == "nothing stands in the way of a run"
    assert sys.executable in line("python", found)
    assert "numba " in line("packages", found)
    assert line("bits", found) == "ok       bits: portable"
    assert "compiles and loads a library in" in line("compiler", found)
    assert str(tmp_path / "cache") in line("cache", found)
    assert line("this folder", found).endswith(": writable, with file locks")
    assert "OMP_NUM_THREADS=1" in line("threads", found)
    assert line("launcher", found).endswith("1 process, without mpirun or srun")
    assert os.listdir(tmp_path / "cache" / "circuits") == []
    assert os.listdir(tmp_path) == ["cache"]


def test_one_process_needs_no_mpi_and_several_do(lines, monkeypatch):
    missing = ConfigurationError("there is no MPI that works")
    code, found = lines(missing)
    assert (code, line("MPI", found)) == (0, "note     MPI: there is no MPI that works")
    monkeypatch.setenv("PMI_SIZE", "2")
    code, found = lines(missing)
    assert (code, line("MPI", found)) == (2, "PROBLEM  MPI: there is no MPI that works")
    assert "2 processes, PMI_SIZE=2" in line("launcher", found)
    assert found[-1] == "a run would fail here; see PROBLEM above"
    assert "export OMP_NUM_THREADS=1" in line("threads", found) or "OMP_NUM_THREADS" in os.environ


@pytest.mark.parametrize(
    ("compiler", "said"),
    [
        ("no-such-compiler", "that $CXX names (no-such-compiler) does not run"),
        ("{failing}", "failing, trial 1.0: out of luck"),
        ("{lying}", "trial.so"),
        ("{wrong}", "what it compiled does not run as it should"),
    ],
)
def test_a_compiler_that_is_missing_fails_or_gives_no_working_library(lines, tmp_path, monkeypatch, compiler, said):
    compilers = {
        "failing": "echo out of luck >&2; exit 1",
        "lying": "echo no library > trial.so",
        "wrong": 'sed -i s/42/41/ trial.cpp; exec g++ "$@"',
    }
    for name, text in compilers.items():
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo trial 1.0 && exit\n{text}\n')
        script.chmod(0o755)
    monkeypatch.setenv("CXX", compiler.format(**{name: tmp_path / name for name in compilers}))
    code, found = lines()
    assert code == 2
    assert line("compiler", found).startswith("PROBLEM")
    assert said in line("compiler", found)


def test_a_cache_that_others_may_write_to_is_told(lines, tmp_path, monkeypatch):
    open_to_all = tmp_path / "cache"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    monkeypatch.setenv("HYBRID_CACHE", str(open_to_all))
    code, found = lines()
    assert code == 0
    assert line("cache", found).startswith("note     cache: compiled code is not kept in")


def test_a_wrong_variable_is_told(lines, monkeypatch):
    monkeypatch.setenv("HYBRID_BITS", "some")
    code, found = lines()
    assert code == 2
    assert line("environment", found).startswith("PROBLEM  environment: $HYBRID_BITS = 'some' must be")


def test_a_folder_without_locks_or_that_is_not_there(tmp_path, monkeypatch):
    assert machine.results(tmp_path / "none").level == machine.NOTE
    monkeypatch.setattr(machine, "_takes_locks", lambda descriptor: False)
    assert machine.results(tmp_path).text.endswith("without file locks; set HDF5_USE_FILE_LOCKING=FALSE")


def test_the_file_system_is_that_of_the_nearest_mount():
    assert machine.file_system(Path("/proc/self")) == "proc"
    assert machine.file_system(Path(tempfile.gettempdir())) != "proc"


def test_ranks_that_share_processors_and_ranks_that_differ():
    first = {"host": "a", "processors": [0, 1], "numpy": "2.0", "cpu": "one", "MPI": "Open MPI v5"}
    assert not list(doctor.crowding([first, first]))
    assert not list(doctor.differences([first, {**first, "processors": [2], "host": "b"}]))
    (crowded,) = doctor.crowding([first, first, first, {**first, "host": "b"}])
    assert str(crowded).startswith("note     processors: 3 ranks share 2 processors on a ")
    (problem, note) = doctor.differences([first, first, *2 * [{**first, "host": "b", "numpy": "1.9", "cpu": "two"}]])
    assert str(problem) == (
        "PROBLEM  ranks differ: numpy is 2.0 on rank 0 (a), but 1.9 on rank 2 and 1 more (b); give all of them the same "
        "environment"
    )
    assert note.level == machine.NOTE


@pytest.mark.mpi
@pytest.mark.long
def test_under_mpirun_rank_0_prints_once():
    done = mpirun(2, PROGRAM, "doctor", PROCESSOR="1")
    assert done.returncode == 0, done.stderr
    found = done.stdout.splitlines()
    assert found[-1] == "nothing stands in the way of a run"
    assert any("2 ranks share 1 processor on" in each for each in found)
    assert "1 of " in found[4]


@pytest.mark.long
@pytest.mark.mpi
def test_under_mpirun_ranks_that_differ_are_named():
    done = mpirun(2, PROGRAM, "doctor", BITS_OF_RANK_1="native")
    assert done.returncode == 2
    assert line("MPI", done.stdout.splitlines()).endswith(": 2 ranks on 1 host, all answer")
    assert "PROBLEM  ranks differ: bits is portable on rank 0" in done.stdout
    assert "but native on rank 1" in done.stdout
