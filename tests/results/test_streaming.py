"""Recordings that are written while a run goes on: the same data as in memory, read by slices, joined in the end."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from floors import ROOT
from mpirun import HERE, mpirun
from streaming_program import DURATION_MS, WAYS, simulation

from hybrid import Results, Window
from hybrid.errors import ConfigurationError, DataError, OutputExistsError
from hybrid.results.frames import FrameWriter
from hybrid.results.lazy import LazyArray, arrays_of

TINY_MIB = 1e-3
_alone: dict[str, Results] = {}


def alone(way: str = "all") -> Results:
    """The same run, kept in memory."""
    if way not in _alone:
        _alone[way] = simulation(way).run(DURATION_MS)
    return _alone[way]


@pytest.mark.parametrize("window_ms", [None, 0.1])
@pytest.mark.parametrize("way", WAYS)
def test_what_was_written_on_the_way_is_what_memory_would_have_held(tmp_path, way, window_ms):
    path = tmp_path / "run.h5"
    results = simulation(way, window_ms).run(DURATION_MS, out=path, buffer_mib=TINY_MIB)
    assert os.listdir(tmp_path) == ["run.h5"]
    assert results.content_sha256 == Results.load(path).content_sha256 == alone(way).content_sha256
    for name, recording in results.recordings.items():
        arrays = arrays_of(recording.signal)
        assert all(isinstance(each, LazyArray) for each in arrays)  # it did stream
        for found, expected in zip(arrays, alone(way)[name].payload(), strict=True):
            np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [3, pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)])
def test_the_same_checksum_on_any_number_of_ranks_with_and_without_files(tmp_path, ranks):
    done = mpirun(ranks, HERE / "streaming_program.py", tmp_path, f"{TINY_MIB},64")
    assert done.returncode == 0, done.stderr
    found = re.findall(r"sha (\S+) (\S+) (\w+) (\S+)", done.stdout)
    assert len(found) == ranks * len(WAYS) * 2
    for way, _, checksum, total in found:
        assert checksum == alone(way).content_sha256
        name = next(iter(alone(way)))
        assert float(total) == alone(way)[name].payload()[0].sum()
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_run_that_is_over_before_it_is_due_makes_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(FrameWriter, "__init__", None)
    results = simulation().run(DURATION_MS, out=tmp_path / "run.h5")
    assert isinstance(results["ramp.rate"].hz, np.ndarray)
    assert os.listdir(tmp_path) == ["run.h5"]


def test_it_writes_when_it_is_time_though_the_buffer_is_large(tmp_path):
    results = simulation().run(DURATION_MS, out=tmp_path / "run.h5", flush_s=1e-6)
    assert isinstance(results["ramp.rate"].hz, LazyArray)
    assert results.content_sha256 == alone().content_sha256


def test_parts_may_stay_unjoined_and_be_joined_later(tmp_path):
    path = tmp_path / "run.h5"
    results = simulation().run(DURATION_MS, out=path, buffer_mib=TINY_MIB, join=False)
    assert os.listdir(tmp_path) == ["run.h5.parts"]
    kept = Results.load(tmp_path / "run.h5.parts")
    assert not kept.is_partial
    assert kept.content_sha256 == results.content_sha256 == alone().content_sha256
    assert kept.audit == results.audit
    kept.save(path)
    assert Results.load(path).content_sha256 == alone().content_sha256
    path.unlink()
    with pytest.raises(OutputExistsError, match=r"run\.h5\.parts exists already"):
        simulation().run(DURATION_MS, out=tmp_path / "run.h5", overwrite=False, join=False)
    with pytest.raises(ConfigurationError, match="give out=PATH"):
        simulation().run(DURATION_MS, join=False)


KILLED = """
import os, sys
sys.path[:0] = sys.argv[2:]
from hybrid.run.scheduler import Scheduler
from streaming_program import DURATION_MS, simulation
carry, windows = Scheduler._carry, []

def killed(self, heard):
    windows.append(1)
    if len(windows) == 30:
        os.kill(os.getpid(), 9)
    return carry(self, heard)

Scheduler._carry = killed
simulation().run(DURATION_MS, out=sys.argv[1], buffer_mib=1e-3)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What a run left that was killed in the midst of its 30th of 40 windows."""
    path = tmp_path_factory.mktemp("killed") / "run.h5"
    done = subprocess.run([sys.executable, "-c", KILLED, path, ROOT, HERE], check=False)
    assert done.returncode == -9
    return path


def test_what_a_killed_run_wrote_is_readable_and_marked(killed, tmp_path):
    folder = killed.with_name("run.h5.unfinished")
    found = Results.load(folder)
    assert found.is_partial
    assert 0 < found.duration <= 450
    assert found.seed == 3
    assert found.versions
    whole = alone()
    for name in ("cells.spikes", "ramp.rate"):
        expected = whole[name].during(Window(0, found.duration))
        for array, there in zip(found[name].payload(), expected.payload(), strict=True):
            np.testing.assert_array_equal(array, there)
    assert len(found["masses.rate"].values) == found.duration // 7
    assert len(found["masses.in"].values) == -(-found.duration // 7)
    found.save(tmp_path / "partial.h5")
    assert Results.load(tmp_path / "partial.h5").interrupted_by == found.interrupted_by


def test_a_folder_of_an_earlier_run_is_refused_or_replaced(killed):
    with pytest.raises(OutputExistsError, match=r"did not finish; .* hybrid resume .*--overwrite"):
        simulation().run(DURATION_MS, out=killed)
    assert killed.with_name("run.h5.unfinished").is_dir()
    lock = killed.with_name("run.h5.unfinished") / "lock"
    before = lock.read_text()
    held = {**json.loads(before), "process": 1, "host": "elsewhere"}
    lock.write_text(json.dumps(held))
    with pytest.raises(OutputExistsError, match=r"another run \(process 1 on elsewhere\) writes to"):
        simulation().run(DURATION_MS, out=killed, overwrite=True)
    os.utime(lock, (0, 0))  # it has not shown for long that it lives
    simulation().run(DURATION_MS, out=killed, overwrite=True)
    assert [each.name for each in killed.parent.iterdir()] == ["run.h5"]


def test_a_run_that_goes_on_in_a_folder_takes_it_over(tmp_path):
    from hybrid.results.folder import RunFolder, check_free

    first = RunFolder(tmp_path / "run.h5.unfinished", "first", {"seed": 1})
    first.claim()
    with pytest.raises(OutputExistsError, match="another run"):
        RunFolder(first.path, "second", {}).claim()
    second = RunFolder(first.path, "second", {"seed": 2})
    second.adopt()
    RunFolder(first.path, "second", {}).claim()  # another rank of it
    first.release()  # is not its own any more
    with pytest.raises(OutputExistsError, match="another run"):
        check_free(first.path, overwrite=True)
    second.release()
    check_free(first.path, overwrite=True)
    assert json.loads((first.path / "run.json").read_text())["seed"] == 2


@pytest.mark.mpi
def test_sigterm_over_mpi_joins_the_windows_that_were_run(tmp_path):
    program = tmp_path / "stopped.py"
    program.write_text(STOPPED, encoding="utf-8")
    mpirun(2, program, tmp_path / "run.h5", timeout_s=60)
    deadline = time.monotonic() + 30
    while not (tmp_path / "run.h5").exists():  # saved even if the launcher ends the ranks meanwhile
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found = Results.load(tmp_path / "run.h5")
    assert (found.duration, found.interrupted_by) == (315, "SIGTERM")


STOPPED = """
import os, signal, sys
from streaming_program import DURATION_MS, simulation
stopped = simulation()
advance = stopped.brain["masses"].advance

def terminated(window, inputs):
    if 300 in window:
        os.kill(os.getpid(), signal.SIGTERM)
    return advance(window, inputs)

stopped.brain["masses"].advance = terminated
stopped.run(DURATION_MS, out=sys.argv[1], buffer_mib=1e-3)
"""


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    first, second = simulation(), simulation()
    inner = []

    class Curious(type(first.brain["ramp"])):
        def advance(self, window, inputs):
            if window.start > 300 and not inner:
                with pytest.raises(OutputExistsError, match="another run") as caught:
                    second.run(DURATION_MS, out=tmp_path / "run.h5", buffer_mib=TINY_MIB)
                inner.append(caught)
            return super().advance(window, inputs)

    first.brain["ramp"].__class__ = Curious
    results = first.run(DURATION_MS, out=tmp_path / "run.h5", buffer_mib=TINY_MIB)
    assert inner
    assert results.content_sha256 == alone().content_sha256


def test_a_full_disk_ends_the_run_and_leaves_what_was_written(tmp_path, monkeypatch):
    write, path = FrameWriter._write, tmp_path / "run.h5"

    def full(self, parts):
        if self.path.name.startswith("masses.rate") and self.rows >= 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, parts)

    monkeypatch.setattr(FrameWriter, "_write", full)
    with pytest.raises(DataError, match=r"masses\.rate\.frames: could not be written \(No space left.*Results\.load"):
        simulation().run(DURATION_MS, out=path, buffer_mib=TINY_MIB)
    found = Results.load(f"{path}.unfinished")
    assert found.is_partial
    assert 20 <= len(found["masses.rate"].values) < 85
    expected = alone()["ramp.rate"].during(Window(0, found.duration)).hz
    np.testing.assert_array_equal(found["ramp.rate"].hz, expected)
    monkeypatch.undo()
    simulation().run(DURATION_MS, out=path, overwrite=True)


def test_an_error_of_a_component_leaves_all_that_was_lived_through(tmp_path):
    broken = simulation("ticks")
    advance = broken.brain["ramp"].advance

    def failing(window, inputs):
        if 450 in window:
            raise ZeroDivisionError("on purpose")
        return advance(window, inputs)

    broken.brain["ramp"].advance = failing
    with pytest.raises(Exception, match="on purpose"):
        broken.run(DURATION_MS, out=tmp_path / "run.h5", buffer_mib=TINY_MIB)
    found = Results.load(tmp_path / "run.h5.unfinished")
    assert found.duration == 450
    assert not (tmp_path / "run.h5.unfinished" / "lock").exists()


def test_ctrl_c_joins_the_windows_that_were_run(tmp_path):
    import signal

    stopped = simulation()
    advance = stopped.brain["ramp"].advance

    def interrupting(window, inputs):
        if 300 in window:
            os.kill(os.getpid(), signal.SIGINT)
        return advance(window, inputs)

    stopped.brain["ramp"].advance = interrupting
    with pytest.raises(KeyboardInterrupt):
        stopped.run(DURATION_MS, out=tmp_path / "run.h5", buffer_mib=TINY_MIB)
    found = Results.load(tmp_path / "run.h5")
    assert os.listdir(tmp_path) == ["run.h5"]
    assert (found.duration, found.interrupted_by) == (315, "SIGINT")


def test_a_file_that_rank_0_does_not_see_is_named_and_nothing_deleted(tmp_path, monkeypatch):
    from hybrid.run.keeping import Keeping

    written, path = Keeping.written, tmp_path / "run.h5"

    def moved(self, recorder, lived):
        found = written(self, recorder, lived)
        os.rename(self.place / "ramp.rate.frames", tmp_path / "elsewhere")
        return found

    monkeypatch.setattr(Keeping, "written", moved)
    with pytest.raises(DataError, match=r"ramp\.rate\.frames: rank 0 on .* does not see it; give an output on"):
        simulation().run(DURATION_MS, out=path, buffer_mib=TINY_MIB)
    os.rename(tmp_path / "elsewhere", tmp_path / "run.h5.unfinished" / "recordings" / "ramp.rate.frames")
    whole = Results.load(f"{path}.unfinished")
    assert whole.content_sha256 == alone().content_sha256


def recorded(tmp_path, data_mib, limit_mib, buffer_mib, how="whole"):
    """Whether the checksum was that of the definition, and how much memory the run took, in MiB."""
    command = [sys.executable, HERE / "memory_program.py", tmp_path / "run.h5", data_mib, limit_mib, buffer_mib, how]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, ROOT))), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, env=env, check=False)
    if how == "killed":
        assert done.returncode == -signal.SIGKILL, done.stderr
        return None
    assert done.returncode == 0, done.stderr
    (same, took_mib), *_ = re.findall(r"same (\w+) took (\d+)", done.stdout)
    return same == "True", int(took_mib)


def test_memory_is_bounded_by_the_buffer_and_the_checksum_is_that_of_the_definition(tmp_path):
    same, took_mib = recorded(tmp_path, 160, 0, 1)
    assert same
    assert took_mib < 80  # of 160; of which libraries are half


@pytest.mark.long
@pytest.mark.parametrize("killed", [False, True])
def test_a_run_of_more_data_than_memory(tmp_path, killed):
    if killed:
        recorded(tmp_path, 4200, 2048, 64, "killed")
        assert [each.name for each in tmp_path.iterdir()] == ["run.h5.unfinished"]
    same, took_mib = recorded(tmp_path, 4200, 2048, 64, "resumed" if killed else "whole")
    assert same
    assert took_mib < 400
    assert [each.name for each in tmp_path.iterdir()] == ["run.h5"]


def test_what_the_loop_pays_for_it_is_little():
    """A look after every window costs microseconds; without an output, none."""
    from hybrid.clock import Clock
    from hybrid.results.recorder import Recorder

    recorder = Recorder(Clock(0.1), simulation().record)
    began = time.perf_counter()
    for _ in range(1000):
        recorder.tend()
    assert time.perf_counter() - began < 0.05  # some 0.1 us each
