"""Results: equal hashes for equal data, a file that is whole or absent, and no trust in files that are neither."""

from __future__ import annotations

import builtins
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError, DataError, OutputExistsError, UnknownNameError
from hybrid.ports import Port
from hybrid.results import Results, format_info, software_versions
from hybrid.results import file as results_file
from hybrid.results.recorder import Recording
from hybrid.signals import Currents, Rates, Spikes, States

CLOCK = Clock(0.1)
RUN = Window(0, 1000)
SPIKES = Port("focus", "spikes", Spikes, 50, "out")
RATE = Port("cortex", "rate", Rates, 3, "out", labels=("rV1", "lV1", "Hippocampe gauche ö"))
X1 = Port("cortex", "x1", States, 3, "out", labels=RATE.labels)
DRIVE = Port("cortex", "drive/in", Currents, 1, "in")
SILENT = Port("other", "spikes", Spikes, 2, "out")


def recordings() -> dict[str, Recording]:
    rng = np.random.default_rng(3)
    made = [
        Recording(SPIKES, Spikes.from_counts(RUN, rng.poisson(0.05, (1000, 50))), 1, CLOCK),
        Recording(RATE, Rates(Window(0, 100), 3, rng.normal(size=(100, 3))), 10, CLOCK, averaged=True),
        Recording(X1, States(RUN, 3, rng.normal(size=(1000, 3))), 1, CLOCK),
        Recording(DRIVE, Currents(RUN, 1, rng.normal(size=(1000, 1))), 1, CLOCK),
        Recording(SILENT, Spikes.silence(RUN, 2), 1, CLOCK),
    ]
    return {str(each.port): each for each in made}


def a_run(**changes: Any) -> Results:
    documents: dict[str, Any] = {
        "configuration": {
            "run": {"tick_ms": 0.1},
            "weights": [[0.1, 0.2], [1e-300, float("nan")]],
            "name": "Épilepsie",
        },
        "versions": {"python": "3.11"},
        "plan": {"window": 16, "set_by": "a -> b"},
        "audit": [{"connection": "a -> b", "delivered": 1.0, "expected": 1.01}],
        "timing": {"components": {"focus": 0.1, "cortex": 0.05}, "total": 0.2},
        "provenance": {"ranks": 2},
    }
    return Results(**{"recordings": recordings(), "clock": CLOCK, "duration": 1000, "seed": 1, **documents, **changes})


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


def test_file_describes_itself(tmp_path: Path) -> None:
    with h5py.File(a_run().save(tmp_path / "run.h5")) as file:
        assert file.attrs["format"] == b"hybrid-results"
        assert file.attrs["format_version"] == 1
        assert file.attrs["seed"] == 1
        assert file["ports/cortex.rate"].attrs["unit"] == b"Hz"
        assert file["ports/cortex.rate"].attrs["every_ticks"] == 10
        assert json.loads(file["documents/plan"][()])["set_by"] == "a -> b"
        assert "ports/cortex.drive%2Fin/values" in file


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
    sync, link = results_file._sync, os.link
    monkeypatch.setattr(results_file, "_sync", lambda written: (sync(written), path.write_bytes(b"precious")))

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


# --- file: broken or hostile


def assert_refused(path: Path, match: str) -> None:
    with pytest.raises(DataError, match=match) as caught:
        Results.load(path)
    assert str(path) in str(caught.value)


def test_no_file_text_file_and_folder(tmp_path: Path) -> None:
    assert_refused(tmp_path / "absent.h5", "there is no such file")
    assert_refused(tmp_path, "there is no such file")
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
    assert_refused(path, "documents_sha256 differs")


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
    file.attrs["format_version"] = 2


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
        (_missing_dataset, r"/ports/focus\.spikes/ids is missing"),
        (_missing_group, "/documents is missing"),
        (_missing_attribute, r"/ports/cortex\.x1: the attribute kind is missing"),
        (_wrong_shape, r"should be float64 \[1000, 3\], but is float64 \[1000, 2\]"),
        (_wrong_type, r"should be float64 \[1000, 3\], but is int64 \[1000, 3\]"),
        (_code_as_kind, "kind 'os:system'"),
        (_spikes_outside, "damaged: spikes of lines 0 to 50, but there are 50"),
        (_newer, "format version 2, this program reads versions up to 1; update it"),
        (_other_format, "not one of results"),
        (_text_of_variable_length, "the attribute format should be one str"),
        (_array_attribute, "the attribute tick_ms should be one float"),
        (_no_tick, "tick_ms = nan is not a finite number"),
    ],
)
def test_spoilt_file_is_refused(tmp_path: Path, spoil: Callable[[h5py.File, Path], None], match: str) -> None:
    path = a_run().save(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        spoil(file, tmp_path)
    assert_refused(path, match)


# --- xarray, and words


def test_xarray() -> None:
    pytest.importorskip("xarray")
    results = a_run()
    dataset = results.to_xarray()
    assert dataset.cortex_rate.dims == ("time_cortex_rate", "line_cortex_rate")
    np.testing.assert_array_equal(dataset.cortex_rate, results[RATE].hz)
    np.testing.assert_allclose(dataset.time_cortex_rate, np.arange(100))
    assert dataset.cortex_x1.dims[0] == "time"
    np.testing.assert_array_equal(dataset.cortex_x1.sel(line_cortex_x1="lV1"), results[X1].values[:, 1])
    np.testing.assert_allclose(dataset.time, np.arange(1000) * 0.1)
    assert dataset.cortex_rate.attrs["units"] == "Hz"
    assert dataset.time.attrs["units"] == "ms"
    np.testing.assert_array_equal(dataset.focus_spikes_id, results[SPIKES].ids)
    np.testing.assert_array_equal(dataset.focus_spikes_count, results[SPIKES].counts)
    np.testing.assert_array_equal(dataset.focus_spikes_time_ms, results.times_ms(SPIKES))
    assert dataset.focus_spikes_id.dims == ("focus_spikes_event",)
    assert dataset.attrs["content_sha256"] == results.content_sha256


def test_xarray_shares_dimensions_that_are_alike() -> None:
    pytest.importorskip("xarray")
    alike = {name: recordings()[name] for name in ("cortex.rate", "focus.spikes")}
    values = States(Window(0, 100), 3, np.ones((100, 3)))
    alike["cortex.x1"] = Recording(X1, values, 10, CLOCK, averaged=True)
    dataset = a_run(recordings=alike).to_xarray()
    assert dataset.cortex_rate.dims == dataset.cortex_x1.dims == ("time", "line_cortex")
    assert set(dataset.sel(line_cortex="rV1").data_vars) >= {"cortex_rate", "cortex_x1"}


def test_xarray_refuses_two_ports_of_one_name() -> None:
    pytest.importorskip("xarray")
    first, second = Port("a", "b_c", States, 1, "out"), Port("a_b", "c", States, 1, "out")
    both = {str(port): Recording(port, States.silence(RUN, 1), 1, CLOCK) for port in (first, second)}
    with pytest.raises(ConfigurationError, match=r"a\.b_c and a_b\.c would both be called a_b_c"):
        a_run(recordings=both).to_xarray()


def test_missing_xarray_is_answered_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "hybrid.results.xarray", raising=False)
    original = builtins.__import__

    def without_xarray(name: str, *rest: Any) -> Any:
        if name == "xarray":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_xarray)
    with pytest.raises(ConfigurationError, match=r'pip install "hybrid-brain-simulation\[xarray\]"'):
        a_run().to_xarray()


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
    code = "import sys, hybrid.results as r; r.software_versions(); print({'brian2', 'mpi4py', 'xarray'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
