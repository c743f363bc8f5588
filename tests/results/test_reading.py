"""Files that are damaged, forged or hostile are refused with one DataError, and cost neither memory nor time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from small_results import a_run
from spoilt_results import assert_refused, forge


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


def _places(file: h5py.File) -> list[tuple[str, str | None]]:
    """Every attribute and every dataset of a file."""
    found: list[tuple[str, str | None]] = [("/", name) for name in file.attrs]

    def visit(where: str, item: h5py.Group | h5py.Dataset) -> None:
        found.extend((where, name) for name in item.attrs)
        if isinstance(item, h5py.Dataset) and item.size:
            found.append((where, None))

    file.visititems(visit)
    return found


def _changed(value: Any) -> Any:
    if isinstance(value, bytes):
        return (value[:-1] if value else b"") + (b"x" if value[-1:] != b"x" else b"y")
    return type(value)(not value) if isinstance(value, bool | np.bool_) else value + type(value)(1)


def test_every_attribute_label_document_and_number_has_a_checksum(tmp_path: Path) -> None:
    results = a_run(interrupted_by="SIGINT")
    path = results.save(tmp_path / "run.h5")
    with h5py.File(path) as file:
        places = _places(file)
    assert len(places) > 70
    changes = tmp_path / "changed.h5"
    for where, name in places:
        shutil.copy(path, changes)
        with h5py.File(changes, "r+") as file:
            item = file[where]
            if name is not None:
                item.attrs.modify(name, _changed(item.attrs[name]))
                assert item.attrs[name].dtype == h5py.File(path)[where].attrs[name].dtype
            elif item.shape:
                item[(0,) * item.ndim] = _changed(item[(0,) * item.ndim])
            else:
                item[()] = _changed(item[()])
        assert_refused(changes, "changed")


def _swapped_labels(file: h5py.File, _: Path) -> None:
    labels = file["ports/cortex.x1/labels"]
    labels[()] = labels[()][::-1]


def _extra_dataset(file: h5py.File, _: Path) -> None:
    file["ports/cortex.x1/more"] = np.zeros(3)


def _extra_group(file: h5py.File, _: Path) -> None:
    file.create_group("more")


def _extra_attribute(file: h5py.File, _: Path) -> None:
    file["documents"].attrs["more"] = 1


def _no_labels(file: h5py.File, _: Path) -> None:
    del file["ports/cortex.x1/labels"]


def _other_order(file: h5py.File, _: Path) -> None:
    file.move("ports/focus.spikes", "ports/aside")
    file.move("ports/aside", "ports/focus.spikes")


@pytest.mark.parametrize(
    "change", [_swapped_labels, _extra_dataset, _extra_group, _extra_attribute, _no_labels, _other_order]
)
def test_changed_structure_is_noticed(tmp_path: Path, change: Callable[[h5py.File, Path], None]) -> None:
    path = a_run().save(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        change(file, tmp_path)
    assert_refused(path, "metadata_sha256 differs")


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
