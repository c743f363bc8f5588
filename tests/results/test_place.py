"""A place where results cannot be saved is refused before a run, by one error of this package that names it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid.errors import ConfigurationError, DataError, HybridError, OutputExistsError
from hybrid.results import place
from hybrid.results.file import check_place


def assert_refused(path: Path, error: type[HybridError], match: str, overwrite: bool = False) -> None:
    with pytest.raises(error, match=match) as caught:
        check_place(path, overwrite)
    assert str(path)[:100] in str(caught.value)


def test_good_places_pass_and_stay_as_they_are(tmp_path: Path) -> None:
    check_place(tmp_path / "run.h5", False)
    check_place(tmp_path / "absent" / "deeper" / "run.h5", False)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(b"precious")
    assert_refused(path, OutputExistsError, "exists already; choose another name")
    check_place(path, True)
    assert path.read_bytes() == b"precious"
    assert_refused(tmp_path, OutputExistsError, "is a folder", overwrite=True)
    (tmp_path / "dangling").symlink_to("nowhere")
    assert_refused(tmp_path / "dangling", OutputExistsError, "exists already")


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_refused(tmp_path / "file" / "run.h5", ConfigurationError, "file is no folder; choose another place")
    assert_refused(tmp_path / "file" / "deeper" / "run.h5", ConfigurationError, "is no folder")


def test_a_device_is_never_replaced() -> None:
    assert_refused(Path(os.devnull), ConfigurationError, "no ordinary file", overwrite=True)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.parametrize("name", ["x" * 300, "ö" * 130, "x" * 300 + "/run.h5", "absent/" + "x" * 300, "x/" * 3000])
def test_names_that_are_too_long(tmp_path: Path, name: str) -> None:
    assert_refused(tmp_path / name, ConfigurationError, "longer than the 255 bytes|name too long")


def test_a_null_byte(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="null"):
        check_place(tmp_path / "a\0b", False)


def test_a_folder_that_cannot_be_written_to() -> None:
    assert_refused(Path("/proc/run.h5"), ConfigurationError, "cannot save /proc/run.h5")
    assert_refused(Path("/proc/absent/run.h5"), ConfigurationError, "cannot save")


def test_a_read_only_folder_of_an_ordinary_user(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    program = """
import os
from pathlib import Path
from hybrid.errors import ConfigurationError
from hybrid.results.file import check_place
if os.getuid() == 0:
    os.setuid(65534)
try:
    check_place(Path("run.h5"), False)
except ConfigurationError as error:
    print(error)
"""
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path / "closed", capture_output=True, text=True, check=True, timeout=60
    )
    assert "Permission denied; choose another place" in found.stdout


def test_a_full_disk_is_an_error_of_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(place.tempfile, "TemporaryFile", full)
    assert_refused(tmp_path / "run.h5", DataError, "No space left on device; make room")
