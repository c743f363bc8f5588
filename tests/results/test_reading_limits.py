"""Small files of results that claim much cost no memory, and damage of any kind ends in one DataError."""

from __future__ import annotations

import json
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from small_results import a_run, recordings
from spoilt_results import assert_refused, forge

from hybrid.errors import DataError
from hybrid.results import Results


def _replace_values(path: Path, rows: int, **options: Any) -> None:
    """``rows`` ticks of zeros in place of the 1,000 of a port, with all else as if that were meant."""
    with h5py.File(path, "r+") as file:
        group = file["ports/cortex.x1"]
        del group["values"]
        group.attrs["stop"] = rows
        values = group.create_dataset("values", (rows, 3), "<f8", chunks=(2**14, 3), shuffle=True, **options)
        chunk = zlib.compress(bytes(2**14 * 3 * 8), 9)
        for first in range(0, rows, 2**14):
            values.id.write_direct_chunk((first, 0), chunk)
        forge(file)


def test_small_file_that_holds_much_is_refused_unless_trusted(tmp_path: Path) -> None:
    path = a_run().save(tmp_path / "run.h5")
    _replace_values(path, 12_000_000, compression="gzip", compression_opts=9)
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    assert_refused(path, r"holds 288,\d{3},\d{3} bytes .* if you trust it: Results\.load\(path, max_bytes=288\d{6}\)")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6
    trusted = a_run()
    path = trusted.save(tmp_path / "other.h5")
    with pytest.raises(DataError, match=r"which is more than is plausible \(1,000\)"):
        Results.load(path, max_bytes=1000)
    assert Results.load(path, max_bytes=1_000_000).content_sha256 == trusted.content_sha256


def test_many_small_claims_are_added_up(tmp_path: Path) -> None:
    path = a_run().save(tmp_path / "run.h5")
    chunk = zlib.compress(bytes(72_000_000))
    with h5py.File(path, "r+") as file:
        for k in range(5):
            options = {"chunks": (9_000_000,), "compression": "gzip", "shuffle": True}
            values = file.create_dataset(f"ports/{k}", (9_000_000,), "<f8", **options)
            values.id.write_direct_chunk((0,), chunk)
    assert_refused(path, r"holds 360,\d{3},\d{3} bytes")


def _chunk_that_swells(file: h5py.File) -> None:
    group = file["ports/cortex.x1"]
    del group["values"]
    values = group.create_dataset("values", (1000, 3), "<f8", chunks=(1000, 3), compression="gzip", shuffle=True)
    values.id.write_direct_chunk((0, 0), zlib.compress(bytes(40_000_000), 9))


def test_chunk_that_swells_beyond_its_size_is_not_inflated(tmp_path: Path) -> None:
    path = a_run().save(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        _chunk_that_swells(file)
        forge(file)
    tracemalloc.start()
    assert_refused(path, "content_sha256 differs|cannot be")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


def test_other_filters_are_refused(tmp_path: Path) -> None:
    path = a_run().save(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        del file["ports/cortex.x1/values"]
        file.create_dataset("ports/cortex.x1/values", data=np.ones((1000, 3)), compression="lzf")
    assert_refused(path, "stored in a way in which results are not")


# --- damage of all kinds


def assert_harmless(path: Path, reference: Results) -> None:
    """Refused with a DataError, or the same results as before: nothing between."""
    try:
        loaded = Results.load(path)
    except DataError:
        return
    assert loaded.content_sha256 == reference.content_sha256
    assert json.dumps(loaded.info()) == json.dumps(reference.info())


@pytest.mark.parametrize("trials", [100, pytest.param(10_000, marks=pytest.mark.long)])
def test_damaged_files_are_refused_or_harmless(tmp_path: Path, trials: int) -> None:
    path, rng = tmp_path / "run.h5", np.random.default_rng(trials)
    reference = a_run(
        recordings={"focus.spikes": recordings()["focus.spikes"], "cortex.rate": recordings()["cortex.rate"]}
    )
    whole = np.frombuffer(reference.save(path).read_bytes(), np.uint8)
    for trial in range(trials):
        damaged = whole.copy()
        where = rng.integers(2**13 if trial % 2 else len(whole), size=rng.integers(1, 6))  # metadata come first
        damaged[where] = rng.choice([0, 255, *rng.integers(0, 256, 4)], size=len(where))
        if trial % 10 == 0:
            damaged = damaged[: rng.integers(len(whole))]
        path.write_bytes(damaged.tobytes())
        assert_harmless(path, reference)
