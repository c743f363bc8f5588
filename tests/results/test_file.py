"""The file of results: exact there and back, and whole or absent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from small_results import CLOCK, RATE, X1, a_run

from hybrid.clock import Window
from hybrid.errors import DataError, OutputExistsError
from hybrid.results import Results, place
from hybrid.results import file as results_file
from hybrid.results.recorder import Recording
from hybrid.signals import Rates, States

# --- file: there and back


@pytest.mark.parametrize("seed", [0, 2**64 - 1, 2**200 + 1])
def test_round_trip_is_exact(tmp_path: Path, seed: int) -> None:
    saved = a_run(seed=seed)
    loaded = Results.load(saved.save(tmp_path / "run.h5"))
    assert list(loaded) == list(saved)
    for name, recording in saved.recordings.items():
        found = loaded.recordings[name]
        assert (found.port, found.every, found.clock) == (recording.port, recording.every, recording.clock)
        assert found.averaged == recording.averaged
        assert found.signal.window == recording.signal.window
        for back, there in zip(found.signal.payload(), recording.signal.payload(), strict=True):
            assert (back.dtype, back.shape, back.tobytes()) == (there.dtype, there.shape, there.tobytes())
    assert loaded.content_sha256 == saved.content_sha256
    assert (loaded.seed, loaded.duration, loaded.created) == (seed, 1000, saved.created)
    for document in results_file.DOCUMENTS:
        assert repr(getattr(loaded, document)) == repr(getattr(saved, document))  # repr: NaN equals itself there


def test_extremes_survive_the_round_trip(tmp_path: Path) -> None:
    values = np.array([[np.nan, np.inf, -np.inf], [-0.0, 5e-324, 1.7976931348623157e308]])
    results = a_run(recordings={"cortex.x1": Recording(X1, States(Window(0, 2), 3, values), 1, CLOCK)}, duration=2)
    loaded = Results.load(results.save(tmp_path / "run.h5"))
    assert loaded["cortex.x1"].values.tobytes() == values.tobytes()
    empty = a_run(recordings={}, duration=0)
    assert len(Results.load(empty.save(tmp_path / "empty.h5"))) == 0


def test_large_and_quiet_recordings_are_compressed_and_accepted(tmp_path: Path) -> None:
    quiet = Recording(RATE, Rates.silence(Window(0, 400_000), 3), 1, CLOCK)  # 9.6 MB of zeros: deflate at its best
    path = a_run(recordings={"cortex.rate": quiet}, duration=400_000).save(tmp_path / "run.h5")
    assert path.stat().st_size < 200_000
    assert Results.load(path)["cortex.rate"].hz.shape == (400_000, 3)


def test_bits_that_cannot_be_compressed_survive_the_round_trip(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).integers(0, 2**64, (50_001, 3), dtype=np.uint64).view(np.float64)
    noise = Recording(X1, States(Window(0, 50_001), 3, bits), 1, CLOCK)
    path = a_run(recordings={"cortex.x1": noise}, duration=50_001).save(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        stored = file["ports/cortex.x1/values"]
        rows = stored.chunks[0]
        assert stored.shape[0] % rows  # the last chunk is not full
        stored.id.write_direct_chunk((0, 0), bits[:rows].tobytes(), filter_mask=3)  # HDF5 may leave filters out
    assert Results.load(path)["cortex.x1"].values.tobytes() == bits.tobytes()


def test_data_so_quiet_that_the_file_would_be_implausibly_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = Recording(RATE, Rates.silence(Window(0, 1_200_000), 3), 1, CLOCK)  # 28.8 MB of zeros
    quiet = a_run(recordings={"cortex.rate": silence}, duration=1_200_000)
    assert quiet.save(tmp_path / "small.h5").stat().st_size < 200_000  # 256 MiB are plausible for any file
    monkeypatch.setattr("hybrid.results.layout._FREE_BYTES", 2**20)
    with pytest.raises(DataError, match="more than is plausible"):
        Results.load(tmp_path / "small.h5")
    path = quiet.save(tmp_path / "run.h5")
    assert 288_000 < path.stat().st_size < 300_000
    assert Results.load(path).content_sha256 == quiet.content_sha256


def test_file_of_version_1_still_loads() -> None:
    loaded = Results.load(Path(__file__).parent / "version_1.hdf5")
    assert loaded.content_sha256 == "1bffb2a655271daa201bc184247dc6b51bf689e9cf0d8f0a4a068a81a79e2209"
    assert list(loaded) == ["focus.spikes", "cortex.rate", "cortex.x"]
    assert loaded.recordings["cortex.rate"].port.labels == RATE.labels
    assert (loaded.seed, loaded.created, loaded.interrupted_by) == (2**70, "2025-01-01T00:00:00+00:00", None)
    assert loaded.configuration["run"]["name"] == "Épilepsie"


def test_texts_that_are_no_utf8_survive(tmp_path: Path) -> None:
    path = os.fsdecode(b"/data/\xff.h5")  # as the name of a file may be
    recording = a_run().recordings["cortex.rate"]
    labelled = replace(recording, port=replace(RATE, labels=("", path, "c")))
    results = a_run(recordings={"cortex.rate": labelled}, configuration={"path": path})
    loaded = Results.load(results.save(tmp_path / "run.h5"))
    assert loaded.configuration["path"] == path
    assert loaded.recordings["cortex.rate"].port.labels == ("", path, "c")


def test_file_describes_itself(tmp_path: Path) -> None:
    with h5py.File(a_run().save(tmp_path / "run.h5")) as file:
        assert file.attrs["format"] == b"hybrid-results"
        assert file.attrs["format_version"] == 2
        assert file.attrs["seed"] == 1
        assert file["ports/cortex.rate"].attrs["unit"] == b"Hz"
        assert file["ports/cortex.rate"].attrs["every_ticks"] == 10
        assert json.loads(file["documents/plan"][()])["set_by"] == "a -> b"
        assert "ports/cortex.drive%2Fin/values" in file
        assert [label.decode() for label in file["ports/cortex.rate/labels"]] == list(RATE.labels)


# --- file: whole or absent


def test_existing_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(b"precious")
    with pytest.raises(OutputExistsError, match=r"run\.h5 exists already; choose another name, or save with overwrite"):
        a_run().save(path)
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["run.h5"]
    a_run().save(path, overwrite=True)
    assert Results.load(path).seed == 1
    assert os.listdir(tmp_path) == ["run.h5"]


@pytest.mark.parametrize("links", [True, False])
def test_file_that_appears_while_saving_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    path = tmp_path / "run.h5"
    sync, link = os.fsync, os.link
    monkeypatch.setattr(place.os, "fsync", lambda written: (sync(written), path.write_bytes(b"precious")))

    def linked(source: Path, target: Path) -> None:
        if not links:
            raise OSError("this file system has no links")
        link(source, target)

    monkeypatch.setattr(os, "link", linked)
    with pytest.raises(OutputExistsError, match="exists already"):
        a_run().save(path)
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["run.h5"]


def test_saves_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    assert Results.load(a_run().save(tmp_path / "run.h5")).seed == 1
    assert os.listdir(tmp_path) == ["run.h5"]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "deeper" / "run.h5"
    assert Results.load(a_run().save(path)).seed == 1
    assert os.listdir(path.parent) == ["run.h5"]


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(OutputExistsError, match="is a folder"):
        a_run().save(tmp_path, overwrite=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ZeroDivisionError])
def test_aborted_save_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool, error: type[BaseException]
) -> None:
    path = tmp_path / "run.h5"
    if overwrite:
        path.write_bytes(b"old")
    original, written = results_file._write_recording, []

    def fails_half_way(*arguments: Any) -> None:
        if len(written) == 2:
            raise error("no space left on device")
        written.append(original(*arguments))

    monkeypatch.setattr(results_file, "_write_recording", fails_half_way)
    with pytest.raises(DataError if error is OSError else error, match="no space left"):
        a_run().save(path, overwrite=overwrite)
    assert os.listdir(tmp_path) == (["run.h5"] if overwrite else [])
    assert not overwrite or path.read_bytes() == b"old"


@pytest.mark.parametrize("saved_before", [0, 1])
def test_sigkill_while_saving_leaves_the_old_file_the_new_one_or_none(tmp_path: Path, saved_before: int) -> None:
    path = tmp_path / "run.h5"
    program = f"""
import numpy as np
from hybrid.results import Results; from hybrid.results.recorder import Recording
from hybrid.clock import Clock, Window; from hybrid.ports import Port; from hybrid.signals import States
port, clock = Port("a", "x", States, 100, "out"), Clock(1)
values = np.random.default_rng(1).normal(size=(4000, 100))
for seed in range(100):
    print(seed, flush=True)
    recording = Recording(port, States(Window(0, 4000), 100, values + seed), 1, clock)
    Results({{"a.x": recording}}, clock, 4000, seed).save({str(path)!r}, overwrite=True)
"""
    for wait_s in (0.015, 0.040, 0.070):  # one save takes about 0.1 s
        path.unlink(missing_ok=True)
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            while process.stdout.readline() != f"{saved_before}\n".encode():
                pass
            time.sleep(wait_s)
            process.send_signal(signal.SIGKILL)
        if saved_before or path.exists():
            assert Results.load(path).seed in (saved_before - 1, saved_before)  # load verifies the hash of the data
        assert all(left == path or left.name.startswith(".hybrid-") for left in tmp_path.iterdir())


# --- file: what dead processes left behind

LEFT = """
import os, sys
from hybrid.results import place
with place.written_aside(place.Path(sys.argv[1]), False):
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_left_is_removed_by_the_next_save(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LEFT, str(tmp_path / "other.h5")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        [left] = os.listdir(tmp_path)
        elsewhere = tmp_path / left.replace(".hybrid-", ".hybrid-another.")
        elsewhere.touch()
        (tmp_path / f".hybrid-{'0' * 32}.part").touch()  # nobody knows whose
        a_run().save(tmp_path / "first.h5")
        assert left in os.listdir(tmp_path)  # it lives, it may go on
        process.kill()
        process.wait()
    a_run().save(tmp_path / "second.h5")
    assert sorted(os.listdir(tmp_path)) == sorted(["first.h5", "second.h5", elsewhere.name, f".hybrid-{'0' * 32}.part"])
