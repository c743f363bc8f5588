"""A full disk while saving is one DataError: nothing is left behind, and the same results can be saved elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_results import a_run

from hybrid.errors import DataError
from hybrid.results import Results
from hybrid.results import file as results_file
from hybrid.results.sink import Sink, write_through

LIMITED = """
import os, resource, sys
from hybrid.errors import DataError
from hybrid.results import Results
from small_results import a_run
results = a_run()
for limit in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        results.save(sys.argv[1] + "/run.h5")
    except DataError as error:
        assert error.exit_code == 3 and "File too large" in str(error) and "save elsewhere" in str(error), error
        assert os.listdir(sys.argv[1]) == []
    else:
        raise SystemExit(f"{limit} bytes were enough")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(Results.load(results.save(sys.argv[1] + "/run.h5")).content_sha256 == results.content_sha256)
"""


def test_limit_on_the_size_of_files(tmp_path: Path) -> None:
    size = a_run().save(tmp_path / "whole.h5").stat().st_size
    (tmp_path / "out").mkdir()
    limits = [str(limit) for limit in (0, 1, 2000, *np.linspace(4096, size - 1, 12).astype(int))]
    helpers = Path(__file__).parent.parent / "helpers"
    found = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "out"), *limits],
        capture_output=True, text=True, timeout=100, env={**os.environ, "PYTHONPATH": str(helpers)},
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (0, "True\n"), found.stderr  # -11 is a segmentation fault


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.getuid() != 0, reason="mounting takes root on Linux")
def test_full_disk(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        results = a_run()
        with pytest.raises(DataError, match="No space left on device"):
            results.save(small / "run.h5")
        assert os.listdir(small) == []
    finally:
        subprocess.run(["umount", small], check=True)
    assert Results.load(results.save(tmp_path / "elsewhere.h5")).content_sha256 == results.content_sha256


class FullAfter(Sink):
    """A disk that takes so many writes and no more."""

    writes_left = 0

    def write(self, data: object) -> int:
        if type(self).writes_left == 0 and self.error is None:
            self.error = OSError(28, "No space left on device")
        type(self).writes_left -= 1
        return super().write(data)


def test_no_write_is_the_one_that_crashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.results.sink.Sink", FullAfter)
    results, reasons = a_run(), []
    while not (tmp_path / "run.h5").exists():
        FullAfter.writes_left = len(reasons)
        try:
            results.save(tmp_path / "run.h5")
        except DataError as error:
            reasons.append((str(error).count("(No space left on device)"), os.listdir(tmp_path)))
    assert len(reasons) > 10
    assert set(map(str, reasons)) == {"(1, [])"}
    assert Results.load(tmp_path / "run.h5").content_sha256 == results.content_sha256


def test_disk_that_fails_when_it_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(DataError, match="No space left"):
            a_run().save(tmp_path / "new" / "folders" / "run.h5")
    assert os.listdir(tmp_path) == []


def test_half_written_calls_are_completed(tmp_path: Path) -> None:
    class Sluggish:
        """Takes at most 7 bytes a call, as a pipe or a disk that fills up may."""

        def __init__(self, raw: object) -> None:
            self._raw = raw

        def __getattr__(self, name: str) -> object:
            return getattr(self._raw, name)

        def write(self, data: memoryview) -> int:
            return self._raw.write(data[:7])  # type: ignore[attr-defined]

    values = np.arange(1000.0)
    with (tmp_path / "x.h5").open("x+b", buffering=0) as raw:

        def build(sink: Sink) -> None:
            with h5py.File(sink, "w") as file:
                file["x"] = values

        write_through(Sluggish(raw), build)  # type: ignore[arg-type]
    with h5py.File(tmp_path / "x.h5") as file:
        np.testing.assert_array_equal(file["x"][()], values)


def test_interrupt_while_saving_ends_it_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, main = results_file._write_recording, threading.main_thread().ident
    assert main is not None
    written = []

    def interrupted(*arguments: object) -> None:
        if not written:
            signal.pthread_kill(main, signal.SIGINT)
            event.wait(0.2)  # let the main thread take it
        written.append(original(*arguments))  # type: ignore[arg-type]

    event = threading.Event()
    monkeypatch.setattr(results_file, "_write_recording", interrupted)
    with pytest.raises(KeyboardInterrupt):
        a_run().save(tmp_path / "run.h5")
    assert len(written) == 1  # not the four others
    assert os.listdir(tmp_path) == []
