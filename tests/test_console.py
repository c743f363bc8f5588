"""Standard output and error that are closed, full, cut off or cannot show a letter: an exit code and at most one line."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from floors import ROOT

from hybrid import Results
from hybrid.cli import main

FILE = """
[run]
tick_ms = 0.5
duration_ms = 20
record = ["größe.rate"]

[components."größe"]
kind = "toys:Accumulator"
"""
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "größe.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def shell(command, cwd, **environment):
    """Run a line of bash, in which ``hybrid`` is ours; exit code, output and complaints as bytes."""
    line = f'hybrid() {{ "{sys.executable}" -m hybrid.cli "$@"; }}; set -o pipefail; {command}'
    done = subprocess.run(
        ["bash", "-c", line], cwd=cwd, env=ENVIRONMENT | environment, capture_output=True, timeout=120
    )
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_a_reader_that_has_gone_does_not_stop_a_run(file, tmp_path):
    code, out, err = shell(f"hybrid run {file.name} --out out | head -1", tmp_path)
    assert (code, err) == (0, b"")
    assert out.startswith(b"window: ")
    assert Results.load(tmp_path / "out" / "run.h5").duration_ms == 20
    assert shell("hybrid --help | true", tmp_path) == (0, b"", b"")


def test_a_full_disk_at_standard_output_is_told_and_the_results_are_kept(file, tmp_path):
    complaint = b"standard output cannot be written: No space left on device\n"
    assert shell(f"hybrid run {file.name} --out out > /dev/full", tmp_path) == (3, b"", complaint)
    assert Results.load(tmp_path / "out" / "run.h5").duration_ms == 20
    assert shell("hybrid validate nowhere.toml > /dev/full", tmp_path)[0] == 2


@pytest.mark.parametrize(
    "closed", ["<&- >&- 2>&-", *(pytest.param(each, marks=pytest.mark.long) for each in (">&-", "2>&-", ">&- 2>&-"))]
)
def test_closed_descriptors_are_not_given_to_the_results(file, tmp_path, closed):
    code, _, err = shell(f"hybrid run {file.name} --out out {closed}", tmp_path)
    assert (code, err) == (0, b"")
    assert Results.load(tmp_path / "out" / "run.h5").duration_ms == 20
    assert shell(f"hybrid validate nowhere.toml {closed}", tmp_path)[0] == 2


def test_full_standard_error_changes_no_exit_code(file, tmp_path):
    assert shell("hybrid validate nowhere.toml 2> /dev/full", tmp_path) == (2, b"", b"")


def test_letters_that_the_terminal_cannot_show_are_written_as_numbers(file, tmp_path):
    code, out, err = shell(f"hybrid validate {file.name}", tmp_path, PYTHONIOENCODING="ascii")
    assert (code, err) == (0, b"")
    assert out.startswith(b"gr\\xf6\\xdfe.toml: valid")
    code, out, err = shell(f"hybrid plan {file.name}", tmp_path, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (code, err) == (0, b"")
    assert b"rank 0: gr\\xf6\\xdfe\n" in out
    code, out, err = shell(f"hybrid validate {file.name} --set run.sеed=1", tmp_path, PYTHONIOENCODING="ascii")
    assert (code, out) == (2, b"")


# -- what nobody foresaw -----------------------------------------------------------------------------------------------


@pytest.fixture
def broken(file, monkeypatch, tmp_path):
    """Validating raises what no one has thought of."""

    def fail(*_):
        raise self.error

    class self:  # noqa: N801
        error: Exception = LookupError("of all things\nand more")

    monkeypatch.setattr("hybrid.experiment.Experiment.load", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("HYBRID_DEBUG", raising=False)
    return self


def complaint(capsys, file):
    with pytest.raises(SystemExit) as ended:
        main(["validate", str(file)])
    assert ended.value.code == 1
    return capsys.readouterr().err


def test_a_fault_of_ours_is_one_line_that_says_where_the_traceback_is(broken, file, capsys, tmp_path):
    err = complaint(capsys, file)
    (kept,) = tmp_path.glob("hybrid-*.txt")
    assert (
        err == f"LookupError: of all things; this is a fault of hybrid, please report it (the traceback is in {kept})\n"
    )
    assert kept.read_text().startswith("Traceback")
    assert kept.read_text().endswith("LookupError: of all things\nand more\n")


def test_a_traceback_that_cannot_be_kept_can_be_asked_for(broken, file, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert "please report it (HYBRID_DEBUG=1 shows the traceback)" in complaint(capsys, file)
    monkeypatch.setenv("HYBRID_DEBUG", "1")
    assert complaint(capsys, file).startswith("Traceback")


def test_too_little_memory_is_no_fault_of_ours(broken, file, capsys, tmp_path):
    broken.error = MemoryError("Unable to allocate 5 TiB")
    assert complaint(capsys, file) == "there is not enough memory (MemoryError: Unable to allocate 5 TiB)\n"
    assert not list(tmp_path.glob("hybrid-*.txt"))


def test_streams_are_given_back(file, capsys):
    before = sys.stdout, sys.stderr
    main(["validate", str(file)])
    assert (sys.stdout, sys.stderr) == before
