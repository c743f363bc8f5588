"""A run that was left and taken up again gives the bits of one that was not; what does not fit is refused."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from hashlib import sha256

import numpy as np
import pytest
from checkpoint_brains import BRAINS, DURATION_MS, simulation

from hybrid import Results
from hybrid.errors import CheckpointError, ComponentError, ConfigurationError, OutputExistsError
from hybrid.results.folder import RunFolder
from hybrid.run.checkpoint import Generations, Manifest, unfinished


@cache
def whole(kind: str) -> str:
    return simulation(kind).run(DURATION_MS).content_sha256


def leave(kind, out, at_tick=210, every_ms=5.0, **options):
    """A run with checkpoints that ends with an error at a tick."""
    with pytest.raises(ComponentError, match="left on purpose"):
        simulation(kind, at_tick).run(DURATION_MS, out=out, checkpoint_every_ms=every_ms, **options)
    return Generations(unfinished(out))


@pytest.mark.parametrize(
    ("kind", "at_tick"),
    [
        pytest.param(
            kind, at_tick, marks=() if kind == "toys" or (kind != "adapters" and at_tick == 170) else pytest.mark.long
        )
        for kind in BRAINS
        for at_tick in (60, 170, 290)
    ],
)
def test_the_bits_are_those_of_a_run_without_a_break(kind, at_tick, tmp_path):
    out = tmp_path / "run.h5"
    leave(kind, out, at_tick)
    results = simulation(kind).resume(out)
    assert results.content_sha256 == whole(kind)
    assert results.duration_ms == DURATION_MS
    assert Results.load(out).content_sha256 == whole(kind)
    assert os.listdir(tmp_path) == ["run.h5"]  # what was kept for going on is gone


@pytest.mark.parametrize("kind", ["toys", "circuit"])
def test_checkpoints_change_no_bit(kind, tmp_path):
    results = simulation(kind).run(DURATION_MS, out=tmp_path / "run.h5", checkpoint_every_ms=4.3)
    assert results.content_sha256 == whole(kind)
    assert os.listdir(tmp_path) == ["run.h5"]


def test_a_run_may_be_left_again_and_again(tmp_path):
    out = tmp_path / "run.h5"
    leave("toys", out, 100, every_ms=2.5)
    for at_tick in (140, 200, 260):
        with pytest.raises(ComponentError):
            simulation("toys", at_tick).resume(out)
    results = simulation("toys").resume(out)
    assert results.content_sha256 == whole("toys")
    assert len(results.provenance["resumed_at_ms"]) == 4
    assert results.provenance["resumed_at_ms"] == sorted(set(results.provenance["resumed_at_ms"]))


def test_checkpoints_lie_at_the_first_border_at_or_after_each_time_and_two_are_kept(tmp_path):
    left = leave("toys", tmp_path / "run.h5", 250, every_ms=5.0)  # windows of 12 ticks
    assert left.ticks() == [204, 156]
    manifest = Manifest.read(left.path(204))
    assert (manifest.tick, manifest.end, manifest.window, manifest.every, manifest.seed) == (204, 300, 12, 50, 1)
    assert manifest.reason == "time"


def test_the_audit_and_the_drift_watch_go_on_too(tmp_path):
    audit = simulation("circuit").run(DURATION_MS).audit
    leave("circuit", tmp_path / "run.h5")
    assert simulation("circuit").resume(tmp_path / "run.h5").audit == audit


def test_until_gives_a_run_another_end(tmp_path):
    leave("toys", tmp_path / "run.h5")
    longer = simulation("toys").resume(tmp_path / "run.h5", until_ms=45.0)
    assert longer.content_sha256 == simulation("toys").run(45.0).content_sha256
    leave("toys", tmp_path / "other.h5")
    with pytest.raises(CheckpointError, match=r"is of 20.4 ms, and the run is to end at 20 ms; give a later end"):
        simulation("toys").resume(tmp_path / "other.h5", until_ms=20.0)


# -- damaged checkpoints -----------------------------------------------------------------------------------------------


def files_of_each_kind(folder):
    found = {path.name.partition("-")[0]: path for path in sorted(folder.iterdir())}
    assert set(found) == {"manifest.json", "setup.json", "component", "connection", "recording"}
    return found


KINDS = ["manifest.json", "setup.json", "component", "connection", "recording"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    out = tmp_path_factory.mktemp("left") / "run.h5"
    leave("toys", out)
    return unfinished(out)


@pytest.mark.parametrize("harm", [cut, flip, os.remove])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(kind, harm, left, tmp_path, capfd):
    folder = tmp_path / left.name
    shutil.copytree(left, folder)
    newest = Generations(folder).path(Generations(folder).ticks()[0])
    path = files_of_each_kind(newest)[kind]
    harm(path)
    results = simulation("toys").resume(folder)
    assert results.content_sha256 == whole("toys")
    assert results.provenance["resumed_at_ms"] == pytest.approx([15.6])
    told = capfd.readouterr().err
    assert "warning: the checkpoint of 20.4 ms cannot be used, trying that of 15.6 ms" in told
    assert path.name in told


def test_without_any_that_can_be_used_the_error_says_so(left, tmp_path):
    folder = tmp_path / left.name
    shutil.copytree(left, folder)
    for tick in Generations(folder).ticks():
        cut(files_of_each_kind(Generations(folder).path(tick))["component"])
    with pytest.raises(
        CheckpointError, match=r"none of the 2 checkpoints in .* can be used; start the run anew"
    ) as caught:
        simulation("toys").resume(folder)
    assert caught.value.exit_code == 6
    assert len(Generations(folder).ticks()) == 2  # nothing is removed


def test_an_array_with_a_pickle_is_not_opened(left, tmp_path):
    folder = tmp_path / left.name
    shutil.copytree(left, folder)
    path = Generations(folder).path(Generations(folder).ticks()[0])
    target = files_of_each_kind(path)["component"]
    np.savez(target, y=np.array([{"a": 1}], dtype=object))
    manifest, data = Manifest.read(path), target.read_bytes()
    for entry in manifest.files.values():
        if entry.file == target.name:
            object.__setattr__(entry, "size", len(data))
            object.__setattr__(entry, "sha256", sha256(data).hexdigest())
    (path / "manifest.json").write_bytes(manifest.text())
    results = simulation("toys").resume(folder)
    assert results.provenance["resumed_at_ms"] == pytest.approx([15.6])


# -- another run -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(left, tmp_path):
    shutil.copytree(left, tmp_path / left.name)
    return tmp_path / left.name


def test_another_seed_is_refused_with_the_difference(folder):
    with pytest.raises(CheckpointError, match=r"belongs to another run[\s\S]*\n  seed: 1 in the checkpoint, 2 now"):
        simulation("toys", seed=2).resume(folder)


def test_another_brain_is_refused_with_the_differences_or_forced(folder):
    other = simulation("toys")
    other.brain.connections["a_to_b"]._weights.data[:] = 0.02
    with pytest.raises(
        CheckpointError, match=r"\n  brain.connections.a_to_b.weight: .*0.01.* in the checkpoint, .*0.02"
    ):
        other.resume(folder)
    forced = other.resume(folder, force=True)
    assert forced.content_sha256 != whole("toys")


def test_what_is_recorded_must_be_the_same(folder):
    with pytest.raises(CheckpointError, match=r"record.r.out: {} in the checkpoint, absent now"):
        simulation("toys", record=["s.spikes"]).resume(folder)


def test_another_version_is_refused_with_the_difference(folder, monkeypatch):
    from hybrid.run.checkpoint import finding

    now = finding.deciding_versions()
    monkeypatch.setattr(finding, "deciding_versions", lambda: {**now, "numpy": "9.9", "bits": "native"})
    with pytest.raises(CheckpointError, match=r'bits: "portable" in the checkpoint, "native" now[\s\S]*versions.numpy'):
        simulation("toys").resume(folder)


def test_code_of_the_users_own_is_compared(folder, monkeypatch):
    copy = folder.parent / "toys.py"
    copy.write_text("# another text")
    monkeypatch.setattr(sys.modules["toys"], "__file__", str(copy))
    with pytest.raises(CheckpointError, match=r"code.toys: "):
        simulation("toys").resume(folder)


def test_a_state_that_is_refused_names_its_part(folder, monkeypatch):
    from mixed import Accumulator

    def restore(self, state):
        raise KeyError("z")

    monkeypatch.setattr(Accumulator, "restore", restore)
    with pytest.raises(CheckpointError, match=r"component a: its state cannot be restored: KeyError: 'z'"):
        simulation("toys").resume(folder)


# -- places ------------------------------------------------------------------------------------------------------------


def test_a_run_refuses_the_place_of_an_unfinished_one_unless_it_may_replace_it(left, tmp_path):
    shutil.copytree(left, tmp_path / left.name)
    for options in ({}, {"checkpoint_every_ms": 5.0}):
        with pytest.raises(OutputExistsError, match=r"did not finish; go on with hybrid resume .*, or replace it"):
            simulation("toys").run(DURATION_MS, out=tmp_path / "run.h5", **options)
    assert Generations(tmp_path / left.name).ticks() == [204, 156]
    with pytest.raises(ComponentError):
        simulation("toys", 70).run(DURATION_MS, out=tmp_path / "run.h5", checkpoint_every_ms=5.0, overwrite=True)
    assert Generations(tmp_path / left.name).ticks() == [60]  # nothing of the other run is left, whatever its time
    simulation("toys").run(DURATION_MS, out=tmp_path / "run.h5", overwrite=True)
    assert os.listdir(tmp_path) == ["run.h5"]


def test_two_runs_at_once_in_one_place_are_refused(tmp_path):
    mine = RunFolder(unfinished(tmp_path / "run.h5"), "mine", {})
    mine.claim()
    for options in ({}, {"checkpoint_every_ms": 5.0}, {"overwrite": True}):
        with pytest.raises(OutputExistsError, match=r"another run \(process \d+ on .*\) writes to"):
            simulation("toys").run(DURATION_MS, out=tmp_path / "run.h5", **options)
    mine.tidy()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["run.h5", "run.h5.unfinished", "."])
def test_the_folder_is_found_from_the_results_or_around_it(place, left, tmp_path):
    shutil.copytree(left, tmp_path / left.name)
    assert simulation("toys").resume(tmp_path / place).content_sha256 == whole("toys")


def test_no_unfinished_run_or_several_are_told(left, tmp_path):
    with pytest.raises(CheckpointError, match=r"give the folder NAME\.unfinished of an unfinished run; this is none"):
        simulation("toys").resume(tmp_path)
    shutil.copytree(left, tmp_path / "a.unfinished")
    shutil.copytree(left, tmp_path / "b.unfinished")
    with pytest.raises(CheckpointError, match=r"this has 2 of them: a.unfinished, b.unfinished"):
        simulation("toys").resume(tmp_path)


def test_complete_results_are_not_replaced_unasked(left, tmp_path):
    simulation("toys").run(5.0, out=tmp_path / "run.h5")
    shutil.copytree(left, tmp_path / left.name)
    with pytest.raises(OutputExistsError):
        simulation("toys").resume(tmp_path / "run.h5")
    assert simulation("toys").resume(tmp_path / "run.h5", overwrite=True).content_sha256 == whole("toys")


def test_checkpoints_need_a_place(tmp_path):
    with pytest.raises(ConfigurationError, match="checkpoint_every_ms needs a place"):
        simulation("toys").run(DURATION_MS, checkpoint_every_ms=5.0)
    with pytest.raises(ConfigurationError, match=r"checkpoint_every_ms = 0: there is nothing"):
        simulation("toys").run(DURATION_MS, out=tmp_path / "run.h5", checkpoint_every_ms=0.0)
    assert not any(tmp_path.iterdir())


def test_a_run_that_fails_before_its_first_checkpoint_leaves_nothing(tmp_path):
    with pytest.raises(ComponentError):
        simulation("toys", 10).run(DURATION_MS, out=tmp_path / "new" / "run.h5", checkpoint_every_ms=5.0)
    assert not any(tmp_path.iterdir())
