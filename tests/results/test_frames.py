"""The file a run appends to: whatever a kill, a disk or a flipped bit does to it, what is read is what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid.clock import Clock, Window
from hybrid.errors import DataError
from hybrid.ports import Port
from hybrid.results import frames
from hybrid.results.frames import FrameWriter, Told, scanned
from hybrid.results.layout import Broken, part_name
from hybrid.results.lazy import arrays_of
from hybrid.results.parts import kept
from hybrid.results.recorder import Every, Recorder
from hybrid.signals import Rates, Spikes

CLOCK = Clock(0.1)
RATE = Port("a/b", "rate%", Rates, 3, "out", labels=("x", "ü", "\udc80"))
SPIKES = Port("a", "spikes", Spikes, 5, "out")
RNG = np.random.default_rng(1)
VALUES = RNG.random((100, 3))


def written(path: Path, values: np.ndarray = VALUES, at_once: int = 10) -> list[int]:
    """A file of frames; returns where each ends."""
    writer = FrameWriter(path, Told(RATE, 1, False, 0, CLOCK))
    ends = []
    for start in range(0, len(values), at_once):
        writer.append([values[start : start + at_once]], start, start + at_once)
        ends.append(writer.position)
    writer.close()
    return ends


def read(path: Path) -> np.ndarray:
    found = kept(path)
    return np.asarray(arrays_of(found.recording(found.stop).signal)[0])


@pytest.mark.parametrize("values", [VALUES, np.zeros((100, 3)), np.repeat(VALUES, 3000, axis=0)[:90_000]])
def test_what_is_written_is_read(tmp_path, values, monkeypatch):
    monkeypatch.setattr(frames, "_FRAME_BYTES", 2**17)
    written(tmp_path / "x", values, len(values) // 2)
    np.testing.assert_array_equal(read(tmp_path / "x"), values, strict=True)
    assert kept(tmp_path / "x").told == Told(RATE, 1, False, 0, CLOCK)
    pays = len(np.unique(values)) < values.size / 2
    assert ((tmp_path / "x").stat().st_size < values.nbytes / 5) == pays  # compressed where it does


def test_spikes_with_stretches_without_any(tmp_path):
    writer = FrameWriter(tmp_path / "x", Told(SPIKES, 1, False, 0, CLOCK))
    rows = np.array([1, 1, 7]), np.array([0, 4, 2], np.int32), np.array([1, 2, 1], np.int32)
    none = tuple(each[:0] for each in rows)
    for columns, start in ((none, 0), (rows, 10), (none, 20), (rows, 30), (none, 40)):
        writer.append([columns[0] + start, *columns[1:]], start, start + 10)
    writer.close()
    signal = kept(tmp_path / "x").recording(50).signal
    np.testing.assert_array_equal(signal.ticks, [11, 11, 17, 31, 31, 37])
    np.testing.assert_array_equal(signal.ids, [0, 4, 2] * 2)
    assert len(kept(tmp_path / "x").recording(31).signal.ticks) == 3
    np.testing.assert_array_equal(signal.during(Window(12, 32)).ticks, [17, 31, 31])


def test_a_file_cut_anywhere_is_read_up_to_its_last_whole_frame(tmp_path):
    ends = written(tmp_path / "x")
    data = (tmp_path / "x").read_bytes()
    head = ends[0] - (ends[1] - ends[0])
    for size in range(head, len(data), 7):
        (tmp_path / "x").write_bytes(data[:size])
        whole = sum(end <= size for end in ends)
        np.testing.assert_array_equal(read(tmp_path / "x"), VALUES[: 10 * whole])
    (tmp_path / "x").write_bytes(data[: head - 1])
    with pytest.raises(DataError, match=r"header is damaged|not a file"):
        kept(tmp_path / "x")


def test_every_flipped_bit_is_found(tmp_path):
    ends = written(tmp_path / "x")
    data = (tmp_path / "x").read_bytes()
    for at in range(0, len(data), 11):
        spoilt = bytearray(data)
        spoilt[at] ^= 1 << at % 8
        (tmp_path / "x").write_bytes(spoilt)
        if at >= ends[-2]:  # the last frame may be one that was not finished
            np.testing.assert_array_equal(read(tmp_path / "x"), VALUES[:90])
        else:
            with pytest.raises(DataError, match=r"damaged|not a file|version|header"):
                read(tmp_path / "x")


def test_a_damaged_frame_in_the_middle_is_named(tmp_path):
    ends = written(tmp_path / "x")
    data = bytearray((tmp_path / "x").read_bytes())
    data[ends[3]] ^= 1
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(
        DataError, match=rf"frame 4 at byte {ends[3]:,} is damaged, and others follow from byte {ends[4]:,}"
    ):
        kept(tmp_path / "x")


def test_a_failed_write_leaves_no_half_frame(tmp_path, monkeypatch):
    ends = written(tmp_path / "x")
    writer = FrameWriter(tmp_path / "x", Told(RATE, 1, False, 0, CLOCK), ends[4], 50)
    original = FrameWriter._write

    def torn(self, parts):
        original(self, [parts[0], parts[1][:5]])
        raise OSError("no")

    monkeypatch.setattr(FrameWriter, "_write", torn)
    with pytest.raises(OSError, match="no"):
        writer.append([VALUES[:10]], 50, 60)
    monkeypatch.undo()
    assert (writer.position, writer.rows) == (ends[4], 50)
    writer.append([VALUES[50:60]], 50, 60)
    writer.close()
    np.testing.assert_array_equal(read(tmp_path / "x"), VALUES[:60])


@pytest.mark.parametrize(
    ("position", "rows", "message"),
    [(10**6, 50, r"bytes, but 1,00\d,\d* when"), (-1, 50, "not the end of a frame"), (0, 49, "not the end of a frame")],
)
def test_only_the_end_of_a_frame_is_continued_from(tmp_path, position, rows, message):
    ends = written(tmp_path / "x")
    before = (tmp_path / "x").read_bytes()
    with pytest.raises(Broken, match=message):
        FrameWriter(tmp_path / "x", Told(RATE, 1, False, 0, CLOCK), ends[4] + position, rows)
    with pytest.raises(Broken, match="another port"):
        FrameWriter(tmp_path / "x", Told(RATE, 2, False, 0, CLOCK), ends[4], 50)
    assert (tmp_path / "x").read_bytes() == before
    assert len(scanned(tmp_path / "x")[1]) == 10


TARGETS = [
    SPIKES,
    RATE,
    Every(Port("c", "x", Rates, 2, "out"), 0.7),
    Every(Port("c", "y", Rates, 2, "out"), 0.7, False),
]


def taken(recorder: Recorder, first: int, stop: int) -> None:
    rng = np.random.default_rng(5)
    spikes = Spikes.from_counts(Window(0, 200), rng.poisson(0.1, (200, 5)))
    rates = {
        name: Rates(Window(0, 200), size, rng.random((200, size))) for name, size in (("rate%", 3), ("x", 2), ("y", 2))
    }
    for window in Window(first, stop).cut(9):
        for component in ("a", "a/b", "c"):
            recorder.take(component, window, {name: each.during(window) for name, each in rates.items()})
        recorder.take("a", window, {"spikes": spikes.during(window)})
        recorder.tend()


def content(folder: Path) -> dict[str, bytes]:
    found = {}
    for file in sorted(folder.iterdir()):
        recording = kept(file).recording(200)
        found[str(recording.port)] = b"".join(np.asarray(each).tobytes() for each in arrays_of(recording.signal))
    return found


@pytest.mark.parametrize("cut", [9, 63, 99, 180])
@pytest.mark.parametrize("buffer_mib", [1e-4, 64.0])
def test_a_recorder_restored_from_its_place_in_the_files_continues_bitwise(tmp_path, cut, buffer_mib):
    whole = Recorder(CLOCK, TARGETS)
    taken(whole, 0, 200)
    first = Recorder(CLOCK, TARGETS, tmp_path / "r", buffer_mib)
    taken(first, 0, cut)
    first.flush()
    state = first.state()
    taken(first, cut, 190)  # it goes on until it is killed
    first.flush()
    second = Recorder(CLOCK, TARGETS, tmp_path / "r", buffer_mib)
    second.restore(state)
    taken(second, cut, 200)
    second.flush()
    expected = {
        name: b"".join(each.tobytes() for each in arrays_of(recording.signal))
        for name, recording in whole.finish(Window(0, 200)).items()
    }
    assert content(tmp_path / "r") == expected
    assert all(isinstance(each, np.ndarray) and each.size < 10 for each in state.values())  # places, no data


def test_files_that_were_lost_or_shortened_are_named(tmp_path):
    recorder = Recorder(CLOCK, TARGETS, tmp_path)
    taken(recorder, 0, 100)
    recorder.flush()
    state = recorder.state()
    with pytest.raises(DataError, match="was given no output"):
        Recorder(CLOCK, TARGETS).restore(state)
    path = tmp_path / part_name(str(RATE))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"a%2Fb\.rate%25\.frames: the recording .* cannot be continued \(it has"):
        Recorder(CLOCK, TARGETS, tmp_path).restore(state)
    path.unlink()
    with pytest.raises(DataError, match="there is no such file"):
        Recorder(CLOCK, TARGETS, tmp_path).restore(state)


def test_names_of_files():
    assert part_name("a/b.x%") == "a%2Fb.x%25.frames"
    assert len({part_name("a" * 300 + end) for end in "xy"}) == 2
    assert len(part_name("ü" * 300).encode()) < 255
    assert "\0" not in part_name("a\0")
