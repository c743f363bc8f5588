"""Ctrl-C and SIGTERM: whole windows are kept and saved, a second one ends at once, and nothing stays behind in the process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from many_runs import growth_mb
from mixed import mixed_brain
from toys import Toy

from hybrid import Brain, Results, Simulation
from hybrid.cli import main
from hybrid.errors import ComponentError, Interrupted

RECORD = ["a.rate", "b.rate", "r.out", "s.spikes"]
SIGNALS = [("SIGINT", 130), ("SIGTERM", 143)]


class Signalling(Toy):
    """Sends its own process signals when its time has come."""

    def __init__(self, name="z", at_tick=500, signals=("SIGINT",), where="advance"):
        super().__init__(name)
        self.at_tick, self.signals, self.where = at_tick, signals, where

    def prepare(self, clock, rng):
        if self.where == "prepare":
            self.send()

    def advance(self, window, inputs):
        if self.at_tick in window and self.where == "advance":
            self.send()
        return {}

    def close(self):
        if self.where == "close":
            self.send()

    def send(self):
        for name in self.signals:
            os.kill(os.getpid(), signal.Signals[name])


def simulation(**options):
    brain = mixed_brain()
    brain.add(Signalling(**options))
    return Simulation(brain, seed=1, record=RECORD)


@pytest.fixture(autouse=True)
def handlers_are_given_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize(("name", "code"), SIGNALS)
def test_what_was_run_is_the_beginning_of_the_whole_run_to_the_bit(name, code, tmp_path, capsys):
    with pytest.raises(
        Interrupted, match=rf"interrupted \({name}\) at 50\.4 of 100 ms; .* saved in .*run.h5"
    ) as caught:
        simulation(signals=(name,)).run(100, out=tmp_path / "run.h5")
    partial = caught.value.results
    assert (caught.value.exit_code, partial.interrupted_by, partial.duration) == (
        code,
        name,
        504,
    )  # 42 windows of 1.2 ms
    brain = mixed_brain()
    brain.add(Signalling(at_tick=-1))
    first = Simulation(brain, seed=1, record=RECORD).run(50.4)
    assert partial.content_sha256 == first.content_sha256
    assert first.interrupted_by is None
    assert Results.load(tmp_path / "run.h5").content_sha256 == first.content_sha256
    assert f"interrupted ({name})" in capsys.readouterr().err


def test_without_an_output_the_results_come_with_the_exception():
    with pytest.raises(KeyboardInterrupt, match=r"in \.results of this exception; run\(\.\.\., out=PATH\)") as caught:
        simulation().run(100)
    assert caught.value.results["a.rate"].hz.shape == (504, 2)
    assert not isinstance(caught.value, Exception)  # or a loop over seeds would go on


def test_a_second_one_ends_at_once():
    with pytest.raises(KeyboardInterrupt) as caught:
        simulation(signals=("SIGINT", "SIGINT")).run(100)
    assert not isinstance(caught.value, Interrupted)


@pytest.mark.parametrize(("name", "code"), SIGNALS)
def test_in_preparation_there_is_nothing_to_keep(name, code, tmp_path):
    with pytest.raises(Interrupted, match="in preparation, before the first window: there are no results") as caught:
        simulation(signals=(name,), where="prepare").run(100, out=tmp_path / "run.h5")
    assert (caught.value.results, caught.value.exit_code) == (None, code)
    assert not list(tmp_path.iterdir())


def test_one_that_comes_when_the_run_is_complete_loses_nothing():
    with pytest.raises(Interrupted, match="when the run was complete") as caught:
        simulation(where="close").run(20)
    assert (caught.value.results.duration, caught.value.results.interrupted_by) == (200, None)


def test_a_handler_of_the_users_own_stays():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("term"))
    try:
        results = simulation(signals=("SIGTERM",)).run(100)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (heard, results.interrupted_by, results.duration) == (["term"], None, 1000)


def test_a_thread_may_run_too_and_listens_to_nobody():
    done = []
    thread = threading.Thread(target=lambda: done.append(simulation(at_tick=-1).run(10).duration))
    thread.start()
    thread.join()
    assert done == [100]


def test_a_keyboard_interrupt_of_a_components_own_is_its_failure():
    class Own(Toy):
        def advance(self, window, inputs):
            raise KeyboardInterrupt

    brain = Brain(0.1)
    brain.add(Own("own"))
    with pytest.raises(ComponentError, match=r"own failed in window .*: KeyboardInterrupt"):
        Simulation(brain).run(1)


def square(number):
    return number**2


class Pooling(Toy):
    """Works with a pool of processes, and with one that sleeps until it is ended by SIGTERM."""

    def advance(self, window, inputs):
        context = multiprocessing.get_context("fork")
        with context.Pool(2) as pool:
            self.answers = pool.map(square, range(4))
        sleeper = context.Process(target=time.sleep, args=(1000,))
        sleeper.start()
        sleeper.terminate()
        sleeper.join(10)
        self.ended = sleeper.exitcode
        sleeper.kill()
        return {}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes_that_a_component_starts_end_by_signals_of_their_own():
    brain = Brain(0.1)
    pooling = brain.add(Pooling("p"))
    results = Simulation(brain).run(1)
    assert pooling.answers == [0, 1, 4, 9]
    assert pooling.ended == -signal.SIGTERM
    assert results.interrupted_by is None


def test_many_runs_leave_nothing_behind():
    def held():
        descriptors = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
        return descriptors, threading.active_count(), sys.excepthook, signal.getsignal(signal.SIGTERM)

    brain = Brain(0.1)
    brain.add(Toy("t"))
    Simulation(brain, progress=True).run(1)
    before = held()
    for _ in range(20):
        Simulation(brain, progress=True).run(1)
    assert held() == before


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_thousand_runs_leave_nothing_behind():
    assert growth_mb() < 5.0


SCRIPT = """
import sys
from hybrid import Brain, Simulation
from test_stopping import Signalling
brain = Brain(0.1)
brain.add(Signalling(signals=(sys.argv[1],), at_tick=5))
Simulation(brain, window_ms=0.5).run(100)
print("went on")
"""


@pytest.mark.parametrize(("name", "code"), SIGNALS)
def test_a_script_ends_with_the_code_of_the_signal_and_one_line(name, code):
    path = os.pathsep.join(
        map(str, (Path(__file__).parent, Path(__file__).parents[1] / "helpers", Path(__file__).parents[2]))
    )
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert f"interrupted ({name}) at 1 of 100 ms" in done.stderr
    assert "Traceback" not in done.stderr


EXPERIMENT = """
[run]
tick_ms = 0.1
duration_ms = 50.0
window_ms = 1.0
record = ["c.rate"]
[components.c]
kind = "toys:Accumulator"
[components.z]
kind = "own_signals:Signalling"
parameters = {at_tick = 105, signals = ["SIGTERM"]}
"""


def test_the_command_saves_the_part_and_ends_with_the_code(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "test_stopping", sys.modules[__name__])
    (tmp_path / "own_signals.py").write_text("from test_stopping import Signalling")
    (tmp_path / "e.toml").write_text(EXPERIMENT)
    with pytest.raises(SystemExit) as caught:
        main(["run", str(tmp_path / "e.toml"), "--out", str(tmp_path / "out")])
    assert caught.value.code == 143
    partial = Results.load(tmp_path / "out" / "run.h5")
    assert partial.duration_ms == 11.0
    assert np.isfinite(partial["c.rate"].hz).all()
