"""Results: access by port or name, equal hashes for equal data, and words about them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_results import CLOCK, DRIVE, RATE, RUN, SILENT, SPIKES, X1, a_run, recordings

from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, UnknownNameError
from hybrid.results import Results, format_info, software_versions
from hybrid.results.recorder import Recording
from hybrid.signals import Spikes, States

# --- access


def test_signals_by_port_or_name() -> None:
    results = a_run()
    assert results[SPIKES] is results["focus.spikes"]
    assert results[RATE].hz.shape == (100, 3)
    assert results["cortex.x1"].values.shape == (1000, 3)
    assert results.times_ms(RATE)[1] == 1.0
    np.testing.assert_allclose(results.times_ms("focus.spikes"), results[SPIKES].ticks * 0.1)
    assert (results.tick_ms, results.duration_ms, results.seed) == (0.1, 100.0, 1)
    assert results.ports[:2] == (SPIKES, RATE)
    assert "focus.spikes" in results
    assert RATE in results
    assert "focus.rate" not in results
    with pytest.raises(
        UnknownNameError, match=r"'focus\.spike' does not exist; did you mean 'focus\.spikes'\?.*cortex"
    ):
        results["focus.spike"]


def test_documents_are_made_plain() -> None:
    configuration = {"a": np.float64(0.5), "b": np.arange(2), "c": (1, Path("x")), 3: {"d": np.int32(4)}}
    found = a_run(configuration=configuration).configuration
    assert found == {"a": 0.5, "b": [0, 1], "c": [1, "x"], "3": {"d": 4}}
    assert type(found["a"]) is float


def test_other_ranks_save_nothing(tmp_path: Path) -> None:
    results = a_run(is_root=False)
    assert results.save(tmp_path / "absent" / "run.h5") == tmp_path / "absent" / "run.h5"
    assert list(tmp_path.iterdir()) == []
    assert results.content_sha256 == a_run().content_sha256


@pytest.mark.parametrize("name", ["SIGTERM", None])
def test_partial_results_say_so_everywhere(tmp_path: Path, name: str | None) -> None:
    results = a_run(interrupted_by=name)
    assert results.is_partial == (name is not None)
    assert ("SIGTERM" in repr(results)) == results.is_partial
    assert ("partial: SIGTERM ended the run after these 100 ms" in format_info(results.info())) == results.is_partial
    assert results.info()["interrupted_by"] == name
    loaded = Results.load(results.save(tmp_path / "run.h5"))
    assert (loaded.interrupted_by, loaded.is_partial) == (name, results.is_partial)
    assert results.content_sha256 == a_run().content_sha256


@pytest.mark.parametrize("path", [None, 3, ["run.h5"]])
def test_what_is_no_path_is_refused(path: Any) -> None:
    for use in (a_run().save, Results.load):
        with pytest.raises(ConfigurationError, match=r"is no name of a file; give one, as in 'run\.h5'"):
            use(path)


# --- content hash


def test_equal_data_have_equal_hashes() -> None:
    reference = a_run().content_sha256
    backwards = dict(reversed(recordings().items()))
    assert (
        a_run(recordings=backwards, timing={}, versions={}, seed=2, provenance={"ranks": 8}).content_sha256 == reference
    )
    swapped = recordings()  # the same numbers in memory of another layout and byte order
    values = np.asfortranarray(swapped["cortex.x1"].signal.values).astype(">f8")  # type: ignore[attr-defined]
    swapped["cortex.x1"] = replace(swapped["cortex.x1"], signal=States(RUN, 3, values))
    assert a_run(recordings=swapped).content_sha256 == reference


def _one_bit(found: dict[str, Recording]) -> None:
    values = found["cortex.x1"].signal.values  # type: ignore[attr-defined]
    values[999, 2] = np.nextafter(values[999, 2], np.inf)


def _one_spike(found: dict[str, Recording]) -> None:
    found["focus.spikes"].signal.counts[0] += 1  # type: ignore[attr-defined]


def _other_name(found: dict[str, Recording]) -> None:
    found["cortex.x2"] = found.pop("cortex.x1")


def _other_kind(found: dict[str, Recording]) -> None:
    old = found["cortex.drive/in"]
    found["cortex.drive/in"] = replace(
        old, port=replace(DRIVE, kind=States, unit="nA"), signal=States(RUN, 1, old.signal.payload()[0])
    )


def _other_unit(found: dict[str, Recording]) -> None:
    found["cortex.x1"] = replace(found["cortex.x1"], port=replace(X1, unit="mV"))


def _other_every(found: dict[str, Recording]) -> None:
    found["cortex.rate"] = replace(found["cortex.rate"], every=5)


def _other_size(found: dict[str, Recording]) -> None:
    found["other.spikes"] = Recording(replace(SILENT, size=3), Spikes.silence(RUN, 3), 1, CLOCK)


def _one_less(found: dict[str, Recording]) -> None:
    del found["other.spikes"]


@pytest.mark.parametrize(
    "change", [_one_bit, _one_spike, _other_name, _other_kind, _other_unit, _other_every, _other_size, _one_less]
)
def test_any_change_of_the_data_changes_the_hash(change: Callable[[dict[str, Recording]], None]) -> None:
    changed = recordings()
    change(changed)
    assert a_run(recordings=changed).content_sha256 != a_run().content_sha256


def test_tick_and_duration_are_part_of_the_data() -> None:
    reference = a_run().content_sha256
    assert a_run(clock=Clock(0.2)).content_sha256 != reference
    assert a_run(duration=1001).content_sha256 != reference


# --- words


def test_info_is_strict_json_and_complete() -> None:
    results = a_run()
    info = results.info()
    again = json.loads(json.dumps(info, allow_nan=False))
    assert again == info
    ports = {port["port"]: port for port in info["ports"]}
    assert ports["focus.spikes"]["spikes"] == results[SPIKES].counts.sum()
    # 0.05 spikes a tick of 0.1 ms are 500 Hz; 50 lines x 1,000 ticks leave a Poisson error of 2 %
    assert ports["focus.spikes"]["mean_rate_hz"] == pytest.approx(500, rel=0.08)
    assert (ports["cortex.rate"]["samples"], ports["cortex.rate"]["every_ms"]) == (100, 1.0)
    assert ports["cortex.x1"]["labels"] == list(X1.labels)
    assert info["configuration"]["weights"] == [[0.1, 0.2], [1e-300, None]]
    assert info["content_sha256"] == results.content_sha256
    assert set(info) >= {"audit", "timing", "versions", "plan", "provenance", "seed", "tick_ms", "duration_ms"}


def test_info_as_text() -> None:
    results = a_run()
    lines = format_info(results.info()).splitlines()
    assert lines[0].startswith("100 ms in ticks of 0.1 ms, seed 1, created 20")
    assert f"content sha256 {results.content_sha256}" in lines
    table = lines[lines.index("Recorded") + 1 :]
    assert table[0].split() == ["port", "kind", "unit", "lines", "recorded"]
    assert table[2].split(maxsplit=4) == ["cortex.rate", "Rates", "Hz", "3", "100 samples, mean of each 1 ms"]
    columns = {row.index(each) for row, each in zip(table[:3], ("recorded", "2,", "100 samples"), strict=True)}
    assert len(columns) == 1
    assert any(line.split() == ["a", "->", "b", "1", "1.01"] for line in lines)
    assert any(line.split() == ["weights", "[[0.1,", "0.2],", "[1e-300,", "–]]"] for line in lines)
    large = format_info(a_run(configuration={"weights": np.zeros((75, 75))}).info())
    assert "[75 x 75 values]" in large
    assert max(map(len, large.splitlines())) <= 110


def test_software_versions_import_nothing() -> None:
    versions = software_versions()
    assert versions["numpy"] == np.__version__
    assert versions["python"] == sys.version.split()[0]
    assert {"hybrid", "scipy", "brian2", "numba", "h5py", "mpi4py", "platform", "cpu"} <= set(versions)
    assert all(versions.values())
    versions.clear()
    assert software_versions()["numpy"] == np.__version__
    code = "import sys, hybrid.results as r; r.software_versions(); print({'brian2', 'mpi4py', 'xarray'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
