"""Files that are damaged, forged or hostile are refused with one DataError, and cost neither memory nor time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_results import a_run

from hybrid.errors import DataError
from hybrid.results import Results
from hybrid.results.layout import metadata_digest


def assert_refused(path: Path, match: str) -> None:
    with pytest.raises(DataError, match=match) as caught:
        Results.load(path)
    assert str(path) in str(caught.value)


def forge(file: h5py.File) -> None:
    """Give a changed file the checksum that fits it, as only someone who means it would."""
    file.attrs.create("metadata_sha256", np.bytes_(metadata_digest(file)))


def test_no_file_text_file_and_folder(tmp_path: Path) -> None:
    assert_refused(tmp_path / "absent.h5", "there is no such file")
    assert_refused(tmp_path, "this is no file")
    assert_refused(tmp_path / ("x" * 300), "File name too long")
    (tmp_path / "text.h5").write_text("dear reader")
    assert_refused(tmp_path / "text.h5", "not an HDF5 file")
    (tmp_path / "empty.h5").touch()
    assert_refused(tmp_path / "empty.h5", "not an HDF5 file")


def test_truncated_anywhere(tmp_path: Path) -> None:
    whole = a_run().save(tmp_path / "run.h5").read_bytes()
    path = tmp_path / "cut.h5"
    for length in np.linspace(1, len(whole) - 1, 40).astype(int):
        path.write_bytes(whole[:length])
        assert_refused(path, "not an HDF5 file|truncated|damaged")


def test_any_flipped_byte_is_refused_or_harmless(tmp_path: Path) -> None:
    saved = a_run()
    whole = saved.save(tmp_path / "run.h5").read_bytes()
    path = tmp_path / "flipped.h5"
    for position in np.random.default_rng(0).integers(0, len(whole), 150):
        flipped = bytearray(whole)
        flipped[position] ^= 0x10
        path.write_bytes(flipped)
        try:
            assert Results.load(path).content_sha256 == saved.content_sha256
        except DataError:
            continue


def test_flipped_byte_in_the_data_is_noticed(tmp_path: Path) -> None:
    saved = a_run()
    path = saved.save(tmp_path / "run.h5")
    needle = saved["cortex.rate"].hz[:4].tobytes()  # small datasets are stored as they are
    whole = path.read_bytes()
    assert whole.count(needle) == 1
    flipped = bytearray(whole)
    flipped[whole.index(needle) + 3] ^= 1
    path.write_bytes(flipped)
    assert_refused(path, "content_sha256 differs")


def test_flipped_byte_in_the_configuration_is_noticed(tmp_path: Path) -> None:
    path = a_run().save(tmp_path / "run.h5")
    whole = path.read_bytes()
    assert whole.count(b"1e-300") == 1
    path.write_bytes(whole.replace(b"1e-300", b"1e-200"))
    assert_refused(path, "metadata_sha256 differs")


def _external_link(file: h5py.File, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "host.h5", "w") as host:
        host["values"] = np.zeros((1000, 3))
    del file["ports/cortex.x1/values"]
    file["ports/cortex.x1/values"] = h5py.ExternalLink(str(tmp_path / "host.h5"), "values")


def _soft_link(file: h5py.File, _: Path) -> None:
    file["ports/cortex.x1/again"] = h5py.SoftLink("/ports/cortex.x1/values")


def _circle(file: h5py.File, _: Path) -> None:
    file["ports/cortex.x1/up"] = file["ports"]


def _external_storage(file: h5py.File, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(24_000))
    del file["ports/cortex.x1/values"]
    raw = [(str(tmp_path / "secret"), 0, 24_000)]
    file.create_dataset("ports/cortex.x1/values", (1000, 3), "<f8", external=raw)


def _virtual(file: h5py.File, tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((1000, 3), "<f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "host.h5"), "values", (1000, 3))
    del file["ports/cortex.x1/values"]
    file.create_virtual_dataset("ports/cortex.x1/values", layout)


def _huge(file: h5py.File, _: Path) -> None:
    del file["ports/cortex.x1/values"]
    file.create_dataset("ports/cortex.x1/values", (10**12, 1), "<f8", chunks=(1000, 1), compression="gzip")


def _huge_contiguous(file: h5py.File, _: Path) -> None:
    del file["ports/cortex.x1/values"]
    file.create_dataset("ports/cortex.x1/values", (10**12, 1), "<f8")


def _object_type(file: h5py.File, _: Path) -> None:
    del file["ports/cortex.x1/values"]
    file.create_dataset("ports/cortex.x1/values", data=["a", "b"], dtype=h5py.string_dtype())


def _missing_dataset(file: h5py.File, _: Path) -> None:
    del file["ports/focus.spikes/ids"]


def _missing_group(file: h5py.File, _: Path) -> None:
    del file["documents"]


def _missing_attribute(file: h5py.File, _: Path) -> None:
    del file["ports/cortex.x1"].attrs["kind"]


def _wrong_shape(file: h5py.File, _: Path) -> None:
    del file["ports/cortex.x1/values"]
    file["ports/cortex.x1/values"] = np.zeros((1000, 2))


def _wrong_type(file: h5py.File, _: Path) -> None:
    del file["ports/cortex.x1/values"]
    file["ports/cortex.x1/values"] = np.zeros((1000, 3), "<i8")


def _code_as_kind(file: h5py.File, _: Path) -> None:
    file["ports/cortex.x1"].attrs["kind"] = np.bytes_("os:system")


def _spikes_outside(file: h5py.File, _: Path) -> None:
    file["ports/focus.spikes/ids"][0] = 50


def _newer(file: h5py.File, _: Path) -> None:
    file.attrs["format_version"] = 3


def _other_format(file: h5py.File, _: Path) -> None:
    file.attrs["format"] = np.bytes_("something else")


def _text_of_variable_length(file: h5py.File, _: Path) -> None:
    file.attrs["format"] = "hybrid-results"


def _array_attribute(file: h5py.File, _: Path) -> None:
    file.attrs["tick_ms"] = [0.1, 0.2]


def _no_tick(file: h5py.File, _: Path) -> None:
    file.attrs["tick_ms"] = float("nan")


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (_external_link, r"cortex\.x1/values is a link to somewhere else \(ExternalLink\)"),
        (_soft_link, r"cortex\.x1/again is a link to somewhere else \(SoftLink\)"),
        (_circle, r"is a second name"),
        (_external_storage, "outside this file"),
        (_virtual, "outside this file"),
        (_huge, r"claims 8,000,000,000,000 bytes, but only 0 are stored"),
        (_huge_contiguous, r"claims 8,000,000,000,000 bytes, but only"),
        (_object_type, "which results do not have"),
        (_newer, "format version 3, this program reads versions up to 2; update it"),
        (_other_format, "not one of results"),
        (_text_of_variable_length, "the attribute format should be one number or text of fixed length"),
        (_array_attribute, "the attribute tick_ms should be one number or text"),
    ],
)
def test_what_must_not_be_read_is_refused_before(
    tmp_path: Path, spoil: Callable[[h5py.File, Path], None], match: str
) -> None:
    path = a_run().save(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        spoil(file, tmp_path)
    assert_refused(path, match)


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (_missing_dataset, r"/ports/focus\.spikes/ids is missing"),
        (_missing_group, "/documents is missing"),
        (_missing_attribute, r"/ports/cortex\.x1: the attribute kind is missing"),
        (_wrong_shape, r"should be float64 \[1000, 3\], but is float64 \[1000, 2\]"),
        (_wrong_type, r"should be float64 \[1000, 3\], but is int64 \[1000, 3\]"),
        (_code_as_kind, "kind 'os:system'"),
        (_spikes_outside, "damaged: spikes of lines 0 to 50, but there are 50"),
        (_no_tick, "tick_ms = nan is not a finite number"),
    ],
)
def test_what_fits_its_checksum_is_checked_all_the_same(
    tmp_path: Path, spoil: Callable[[h5py.File, Path], None], match: str
) -> None:
    path = a_run().save(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        spoil(file, tmp_path)
        forge(file)
    assert_refused(path, match)
