"""Results that stay in their file: the same numbers as in memory, and only those that are asked for."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from small_results import RATE, SPIKES, a_run

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError, DataError
from hybrid.ports import Port
from hybrid.results import Results
from hybrid.results import lazy as results_lazy
from hybrid.results import reading as results_reading
from hybrid.results.layout import metadata_digest
from hybrid.results.lazy import LazyArray
from hybrid.results.recording import Recording
from hybrid.results.stored import StoredRows
from hybrid.signals import Rates

CLOCK = Clock(0.1)
ROWS = 200_000  # of one line: 1.5 MiB, which are four chunks
VALUES = np.arange(2.0 * ROWS).reshape(ROWS, 2) / 7


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    port = Port("a", "rate", Rates, 2, "out")
    recording = Recording(port, Rates(Window(0, ROWS), 2, VALUES), 1, CLOCK)
    return Results({"a.rate": recording}, CLOCK, ROWS, 1).save(tmp_path_factory.mktemp("lazy") / "run.h5")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were read, each time."""
    original, rows = StoredRows._read, list[int]()

    def counting(self: StoredRows, first: int, stop: int) -> Any:
        rows.append(stop - first)
        return original(self, first, stop)

    monkeypatch.setattr(StoredRows, "_read", counting)
    return rows


KEYS: list[Any] = [
    slice(None), slice(10, 20), slice(-5, None), slice(None, None, 70_001), slice(ROWS, 3, -50_000), slice(9, 3), 0, -1,
    (slice(65_530, 65_540), 1), (slice(None, None, 999), slice(1)), (5, 1), (slice(None), 0), ..., (..., 0), None,
    np.array([3, 199_999, 3]), (slice(3, 9), [1, 0]),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_what_is_asked_for_is_what_numpy_gives(path: Path, key: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_lazy, "_BLOCK_BYTES", 100_000)
    hz: Any = Results.load(path, lazy=True, verify=False)["a.rate"].payload  # bound: reads nothing
    hz = hz.__self__.hz
    assert isinstance(hz, LazyArray)
    found = hz[key]
    np.testing.assert_array_equal(found, VALUES[key])
    assert found.shape == VALUES[key].shape


def test_only_what_is_asked_for_is_read(path: Path, read: list[int]) -> None:
    results = Results.load(path, lazy=True, verify=False)
    hz = results["a.rate"].hz
    assert (hz.shape, hz.ndim, len(hz), hz.nbytes) == (VALUES.shape, 2, ROWS, VALUES.nbytes)
    assert "read by slices" in repr(hz)
    assert results.content_sha256
    assert results.info()["ports"][0]["samples"] == ROWS
    assert not read
    np.testing.assert_array_equal(hz[5:9], VALUES[5:9])
    part = results.recording("a.rate").during(Window(100_000, 100_010))
    np.testing.assert_array_equal(part.signal.payload()[0], VALUES[100_000:100_010])
    np.testing.assert_allclose(part.times_ms, np.arange(100_000, 100_010) * 0.1)
    assert sum(read) == 14
    with pytest.raises(ConfigurationError, match=r"recorded over \[0, 200000\), which does not cover"):
        results.recording("a.rate").during(Window(0, ROWS + 1))


def test_whatever_else_is_asked_of_it_is_asked_of_the_numbers(path: Path) -> None:
    signal = Results.load(path, lazy=True, verify=False)["a.rate"]
    hz = signal.hz
    assert hz.mean() == VALUES.mean()
    np.testing.assert_array_equal(hz * 2 + hz, VALUES * 2 + VALUES)
    np.testing.assert_array_equal(np.diff(hz, axis=0), np.diff(VALUES, axis=0))
    np.testing.assert_array_equal(hz[:, 0] > 5, VALUES[:, 0] > 5)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(hz)), VALUES)
    np.testing.assert_allclose(signal.total(CLOCK), VALUES.sum(0) * 1e-4)
    assert [row[0] for row in hz][:3] == list(VALUES[:3, 0])
    with pytest.raises(AttributeError, match="no attribute 'hertz'"):
        hz.hertz  # noqa: B018
    with pytest.raises(IndexError, match="row 200000 is not among"):
        hz[ROWS]


def test_spikes_are_found_by_time_without_reading_all(tmp_path: Path) -> None:
    whole = a_run()
    lazy = Results.load(whole.save(tmp_path / "run.h5"), lazy=True)
    signal, expected = lazy[SPIKES], whole[SPIKES]
    for window in (Window(0, 1000), Window(100, 300), Window(999, 1000), Window(5, 5)):
        for found, there in zip(signal.during(window).payload(), expected.during(window).payload(), strict=True):
            np.testing.assert_array_equal(found, there, strict=True)
    for side in ("left", "right"):
        at = [0, int(expected.ticks[7]), 10**6]
        np.testing.assert_array_equal(
            np.searchsorted(signal.ticks, at, side), np.searchsorted(expected.ticks, at, side)
        )
    assert lazy.info() == Results.load(tmp_path / "run.h5").info()
    np.testing.assert_array_equal(lazy.times_ms(SPIKES), whole.times_ms(SPIKES))
    np.testing.assert_array_equal(lazy[RATE].hz, whole[RATE].hz)
    np.testing.assert_array_equal(signal.total(CLOCK), expected.total(CLOCK))


def test_large_files_are_left_where_they_are_and_saved_again_from_there(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(Results.load(path)["a.rate"].hz, np.ndarray)
    monkeypatch.setattr(results_reading, "LAZY_BYTES", 2**20)
    lazy = Results.load(path)
    assert isinstance(lazy["a.rate"].hz, LazyArray)
    assert isinstance(Results.load(path, lazy=False)["a.rate"].hz, np.ndarray)
    assert isinstance(Results.load(path, max_bytes=2**30)["a.rate"].hz, np.ndarray)
    again = lazy.save(tmp_path / "again.h5")
    monkeypatch.undo()
    np.testing.assert_array_equal(Results.load(again)["a.rate"].hz, VALUES)
    with h5py.File(again) as file:  # by any HDF5 library
        np.testing.assert_array_equal(file["ports/a.rate/values"][()], VALUES)


def test_a_file_that_was_replaced_is_not_taken_for_the_one_that_was_there(path: Path, tmp_path: Path) -> None:
    there = tmp_path / "run.h5"
    there.write_bytes(path.read_bytes())
    lazy = Results.load(there, lazy=True, verify=False)
    a_run().save(there, overwrite=True)
    with pytest.raises(DataError, match="not the results that were there; load them anew"):
        lazy["a.rate"].hz[0]
    there.unlink()
    with pytest.raises(DataError, match=r"run\.h5: cannot be read: No such file"):
        Results.load(path, lazy=True, verify=False)["a.rate"].hz[0], lazy["a.rate"].hz[0]


def spoil(path: Path, dataset: str, value: int) -> None:
    with h5py.File(path, "r+") as file:
        file[dataset][3] = value
        file.attrs["metadata_sha256"] = np.bytes_(metadata_digest(file).encode())


@pytest.mark.parametrize(("name", "value"), [("ids", 10**6), ("ids", -1), ("ticks", 10**9), ("counts", -5)])
def test_what_no_spike_train_can_hold_is_refused_when_it_is_read(tmp_path: Path, name: str, value: int) -> None:
    path = a_run().save(tmp_path / "run.h5")
    spoil(path, f"ports/{SPIKES}/{name}", value)
    signal = Results.load(path, lazy=True, verify=False)[SPIKES]
    with pytest.raises(DataError, match="is damaged, for it holds numbers from"):
        np.asarray(getattr(signal, name))


def test_the_checksum_of_what_stays_in_the_file_is_compared_too(tmp_path: Path) -> None:
    path = a_run().save(tmp_path / "run.h5")
    spoil(path, f"ports/{SPIKES}/counts", 7)
    with pytest.raises(DataError, match="content_sha256 differs"):
        Results.load(path, lazy=True)
    lazy = Results.load(path, lazy=True, verify=False)
    with pytest.raises(DataError, match="content_sha256 differs"):
        lazy.save(tmp_path / "copy.h5")
    assert not (tmp_path / "copy.h5").exists()


def test_xarray_reads_what_is_used(path: Path, read: list[int]) -> None:
    pytest.importorskip("xarray")
    dataset = Results.load(path, lazy=True, verify=False).to_xarray()
    assert not read
    np.testing.assert_array_equal(dataset["a.rate"].isel(time=slice(50, 60), line_a=1), VALUES[50:60, 1])
    np.testing.assert_array_equal(dataset["a.rate"].sel(time=5.0, line_a=0), VALUES[50, 0])
    assert sum(read) == 11


def test_xarray_in_chunks_says_what_it_needs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xarray")
    results = Results.load(path, lazy=True, verify=False)
    try:
        import dask  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigurationError, match="pip install dask"):
            results.to_xarray(chunks={"time": 1000})
    else:
        chunked = results.to_xarray(chunks={"time": 50_000})["a.rate"]
        assert chunked.chunks[0] == (50_000,) * 4
        np.testing.assert_array_equal(chunked.mean("line_a"), VALUES.mean(1))
        monkeypatch.setitem(sys.modules, "dask", None)


def test_xarray_of_spikes_in_a_file(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    whole = a_run()
    dataset = Results.load(whole.save(tmp_path / "run.h5"), lazy=True).to_xarray()
    assert dataset.identical(Results.load(tmp_path / "run.h5").to_xarray())
