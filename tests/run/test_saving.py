"""Results of an interrupted run are saved whole, whatever becomes of the process that ran it."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
from floors import ROOT

from hybrid import Clock, Port, Results, States, Window
from hybrid.errors import OutputExistsError
from hybrid.results.recorder import Recording
from hybrid.run.saving import save_apart

KILLED = """
import sys
sys.path[:0] = sys.argv[2:]
from test_saving import large
from hybrid.run.saving import save_apart
results = large()
print("saving", flush=True)
save_apart(lambda: results.save(sys.argv[1]))
"""


def large() -> Results:
    port, samples = Port("a", "x", States, 1000, "out"), 10_000
    values = np.random.default_rng(1).random((samples, 1000))
    clock = Clock(0.1)
    recording = Recording(port, States(Window(0, samples), 1000, values), 1, clock)
    return Results({"a.x": recording}, clock, samples, 1, interrupted_by="SIGTERM")


def test_saving_goes_on_when_the_process_is_killed(tmp_path):
    path = tmp_path / "run.h5"
    folders = [str(ROOT), str(ROOT / "tests" / "run"), str(ROOT / "tests" / "helpers")]
    with subprocess.Popen([sys.executable, "-c", KILLED, path, *folders], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        while not list(tmp_path.glob("*.part")):
            assert process.poll() is None, "it was faster than this test"
        process.kill()
    assert not path.exists()  # killed in the middle of it
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert Results.load(path).interrupted_by == "SIGTERM"
    assert [each.name for each in tmp_path.iterdir()] == ["run.h5"]


def test_what_cannot_be_saved_is_raised_here(tmp_path):
    path = tmp_path / "run.h5"
    path.write_text("mine")
    with pytest.raises(OutputExistsError):
        save_apart(lambda: large().save(path))
    assert path.read_text() == "mine"
