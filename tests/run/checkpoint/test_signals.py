"""SIGUSR1 asks for a checkpoint and the run goes on; SIGTERM and Ctrl-C for one before it ends."""

from __future__ import annotations

import os
import signal

import pytest
from checkpoint_brains import DURATION_MS, Leaver, simulation

from hybrid import Results
from hybrid.errors import Interrupted
from hybrid.run.checkpoint import Generations, Manifest, keeper, unfinished


@pytest.fixture
def signalled(monkeypatch):
    """Lets the run's own process be signalled at a tick, by name."""

    def at(tick, name):
        def advance(self, window, inputs):
            if tick in window:
                os.kill(os.getpid(), signal.Signals[name])
            return {}

        monkeypatch.setattr(Leaver, "advance", advance)

    return at


@pytest.fixture
def written(monkeypatch):
    """Tick and reason of every checkpoint that is written."""
    seen = []
    publish = Generations.publish

    def noted(self, manifest):
        publish(self, manifest)
        seen.append((manifest.tick, manifest.reason))

    monkeypatch.setattr(Generations, "publish", noted)
    return seen


def test_sigusr1_asks_for_one_and_the_run_goes_on(signalled, written, tmp_path):
    whole = simulation("toys").run(DURATION_MS).content_sha256
    signalled(100, "SIGUSR1")
    before = signal.getsignal(signal.SIGUSR1)
    results = simulation("toys").run(DURATION_MS, out=tmp_path / "run.h5", checkpoint_every_ms=20.0)
    assert written == [(108, "SIGUSR1"), (204, "time")]
    assert results.content_sha256 == whole
    assert signal.getsignal(signal.SIGUSR1) == before


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_run_that_is_told_to_end_writes_one_first(name, code, signalled, written, tmp_path, monkeypatch):
    whole = simulation("toys").run(DURATION_MS).content_sha256
    out = tmp_path / "run.h5"
    signalled(100, name)
    with pytest.raises(
        Interrupted, match=r"at 10.8 of 30 ms; .* saved in .*; go on with: hybrid resume .*unfinished"
    ) as told:
        simulation("toys").run(DURATION_MS, out=out, checkpoint_every_ms=20.0)
    assert told.value.exit_code == code
    assert written == [(108, name)]
    assert Results.load(out).interrupted_by == name
    assert Manifest.read(Generations(unfinished(out)).path(108)).reason == name
    monkeypatch.undo()
    assert simulation("toys").resume(out).content_sha256 == whole
    assert os.listdir(tmp_path) == ["run.h5"]


def test_a_checkpoint_that_cannot_be_written_ends_the_run_and_leaves_the_one_before(tmp_path, monkeypatch):
    out, write, calls = tmp_path / "run.h5", keeper.write_arrays, []

    def full(path, state, who):
        calls.append(path)
        if len(calls) > 20:
            raise OSError(28, "No space left on device")
        return write(path, state, who)

    monkeypatch.setattr(keeper, "write_arrays", full)
    from hybrid.errors import CheckpointError

    with pytest.raises(CheckpointError, match=r"cannot be written to .*: No space left on device; make room") as told:
        simulation("toys").run(DURATION_MS, out=out, checkpoint_every_ms=5.0)
    assert told.value.exit_code == 6
    folder = Generations(unfinished(out)).folder
    assert sorted(each.name for each in folder.iterdir()) == ["60"]
    monkeypatch.undo()
    assert simulation("toys").resume(out).content_sha256 == simulation("toys").run(DURATION_MS).content_sha256
