"""Small files that would take gigabytes, and thousands of damaged ones: one error of ours, within a budget of memory."""

from __future__ import annotations

import bz2
import io
import random
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hybrid.connectome import Connectome
from hybrid.connectome.archives import FREE_BYTES
from hybrid.errors import DataError, HybridError

TABLES = {
    "weights.txt": b"0 2 0.5\n1 0 0\n1e-3 0 0\n",
    "tract_lengths.txt": b"0 30 20\n40 0 10\n20 10 0\n",
    "centres.txt": "rA 0 0 0\nlB 3 4 0\nlÄ 3 4 9\n".encode(),
    "hemispheres.txt": b"1\n0\n0\n",
}
MEMORY = 400 * 2**20

LIMITED = """
import resource, sys
from hybrid.connectome import Connectome
from hybrid.errors import DataError
in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + {memory}, in_use + {memory}))
for path in sys.argv[1:]:
    try:
        print(path, Connectome.load(path))
    except DataError as error:
        print(error)
"""


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def npy(descr: str, shape: tuple[int, ...], content: bytes) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue() + content


def arrays(path: Path, **changes: bytes) -> Path:
    """An ``.npz`` of two regions, with some of its members as given."""
    given = {
        "labels": npy("<U1", (2,), np.array(["a", "b"]).tobytes()),
        "weights": npy("<f8", (2, 2), np.zeros(4).tobytes()),
        "lengths_mm": npy("<f8", (2, 2), np.zeros(4).tobytes()),
        "centres_mm": npy("<f8", (2, 3), np.zeros(6).tobytes()),
    }
    return zipped(path, {f"{key}.npy": value for key, value in {**given, **changes}.items()})


def bombs(folder: Path) -> dict[Path, str]:
    """Files of at most 300 kB, and what is said of each."""
    size = 10_000
    many = b"0 " * size + b"\n"
    blank = b" " * 2_000_000
    packed = {name: TABLES[name] for name in TABLES if name != "weights.txt"}
    return {
        zipped(folder / "rows.zip", {**packed, "weights.txt.bz2": bz2.compress(many * 100)}): "unpacks to more than",
        zipped(folder / "line.zip", {**packed, "weights.txt": b"0 " * 3_000_000}): "row 1 is longer than 1,048,576",
        zipped(folder / "spaces.zip", {**packed, "weights.txt": blank}): "row 1 is longer than",
        zipped(folder / "blank.zip", {**packed, "weights.txt": b"\n" * 50_000}): "more than 40,000 lines",
        zipped(folder / "lzma.zip", {**packed, "weights.txt": blank}, zipfile.ZIP_LZMA): "packed by method 14",
        arrays(folder / "nothing.npz", labels=npy("<U0", (10**8,), b"")): "entries of 0 bytes",
        arrays(folder / "labels.npz", labels=npy("<U9", (20_000, 20_000), b"")): "has 2 dimensions; it must have 1",
        arrays(folder / "notes.npz", notes=npy("<U1", (4_000_000,), b"a\0\0\0" * 4_000_000)): "at most 20,000",
        arrays(folder / "note.npz", notes=npy("<U10000", (1_000,), bytes(40_000_000))): "40,000,000 bytes of text",
        arrays(folder / "zeros.npz", weights=npy("<f8", (size, size), bytes(4 * 10**6))): "unpacks to more than",
        arrays(folder / "deep.npz", weights=b"\x93NUMPY\1\0\xff\xff" + b"(" * 65_535): "is no readable array",
    }


def test_small_bombs_take_little_memory(tmp_path: Path) -> None:
    expected = bombs(tmp_path)
    assert all(path.stat().st_size < 300_000 for path in expected)
    found = subprocess.run(
        [sys.executable, "-c", LIMITED.format(memory=MEMORY), *map(str, expected)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout.splitlines()
    assert len(found) == len(expected)
    for (path, message), said in zip(expected.items(), found, strict=True):
        assert path.name in said
        assert message in said
        assert len(said) < 500 + len(str(path))


def test_a_connectome_that_is_nearly_all_zeros_can_be_saved_and_loaded(tmp_path: Path) -> None:
    size = 2_500
    assert 8 * size**2 > FREE_BYTES
    sparse = Connectome(
        [f"r{k}" for k in range(size)], np.eye(size, k=1), np.eye(size, k=1), np.arange(3.0 * size).reshape(size, 3)
    )
    assert Connectome.load(sparse.save(tmp_path / "sparse.npz")) == sparse


def test_other_writers_of_arrays_are_understood(tmp_path: Path) -> None:
    weights = np.array([[0.0, 2.0], [1.0, 0.0]])
    header = b"{'shape':(2,2),'fortran_order':True, 'descr' : \">f8\"}\n"  # any order, as the format allows
    body = header + weights.T.astype(">f8").tobytes()
    for version, length in ((1, struct.pack("<H", len(header))), (3, struct.pack("<I", len(header)))):
        path = arrays(
            tmp_path / "other.npz",
            weights=b"\x93NUMPY" + bytes([version, 0]) + length + body,
            lengths_mm=npy("|i1", (2, 2), np.array([[0, 3], [4, 0]], np.int8).tobytes()),
        )
        loaded = Connectome.load(path)
        np.testing.assert_array_equal(loaded.weights, weights)
        np.testing.assert_array_equal(loaded.lengths_mm, [[0, 3], [4, 0]])


def test_every_byte_of_an_array_is_checked(tmp_path: Path) -> None:
    path = arrays(tmp_path / "odd.npz", weights=npy("<f8", (2, 2), np.array([0.0, 1, 2, 0]).tobytes()))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    stored = zipped(tmp_path / "odd.npz", members, zipfile.ZIP_STORED)
    stored.write_bytes(stored.read_bytes().replace(np.float64(2).tobytes(), np.float64(3).tobytes()))
    with pytest.raises(DataError, match=r"weights.npy cannot be read: Bad CRC"):
        Connectome.load(stored)
    members["weights.npy"] += b"more"
    with pytest.raises(DataError, match=r"weights.npy holds more than the 32 bytes its header tells of"):
        Connectome.load(zipped(tmp_path / "odd.npz", members))


def _changed(data: bytes, *changes: tuple[bytes, int, bytes]) -> bytes:
    """With some bytes changed at an offset behind every signature."""
    changed = bytearray(data)
    for signature, offset, value in changes:
        at = data.find(signature)
        while at >= 0:
            changed[at + offset : at + offset + len(value)] = value
            at = data.find(signature, at + 1)
    return bytes(changed)


LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([(CENTRAL, 6, b"\xc8\0")], "is no readable zip file .zip file version 20.0"),
        ([(LOCAL, 6, b"\1\0"), (CENTRAL, 8, b"\1\0")], "cannot be read: .* encrypted"),
        ([(LOCAL, 8, b"\x63\0"), (CENTRAL, 10, b"\x63\0")], "packed by method 99"),
        ([(CENTRAL, 8, b"\x20\0")], "cannot be read: compressed patched data"),
        ([(CENTRAL, 42, b"\xff\xff\0\0")], "cannot be read"),
    ],
)
def test_zips_that_zipfile_cannot_read(tmp_path: Path, changes: list[tuple[bytes, int, bytes]], message: str) -> None:
    path = zipped(tmp_path / "odd.zip", TABLES)
    path.write_bytes(_changed(path.read_bytes(), *changes))
    with pytest.raises(DataError, match=message):
        Connectome.load(path)


@pytest.mark.parametrize(
    ("label", "message"),
    [("a\x1b[2J", "holds a control character"), ("\ud800", "can't encode"), ("a" * 20_000, "entries of 80,000 bytes")],
)
def test_labels_that_are_none(tmp_path: Path, label: str, message: str) -> None:
    values = np.array([label, "b"])
    with pytest.raises(DataError, match=message) as caught:
        Connectome.load(arrays(tmp_path / "odd.npz", labels=npy(values.dtype.str, (2,), values.tobytes())))
    assert str(caught.value).isprintable()


def mutant(data: bytes, rng: random.Random) -> bytes:
    """The same with bytes flipped, replaced, removed, repeated, or cut short."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(changed) or 1)
        what = rng.randrange(6)
        if what == 0:
            changed[at : at + 1] = bytes([rng.randrange(256)])
        elif what == 1 and changed:
            changed[at % len(changed)] ^= 1 << rng.randrange(8)
        elif what == 2:
            del changed[at : at + rng.choice((1, 4, 100))]
        elif what == 3:
            changed[at:at] = changed[at : at + rng.choice((1, 30, 300))]
        elif what == 4:
            changed[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"-1 ", b"nan ", b"1e99", b"\r,,\n"))
        else:
            del changed[at:]
    return bytes(changed)


def damaged_once(folder: Path, seed: int) -> str:
    """Load one mutant of a zip, an ``.npz``, a folder, or a member inside an intact zip; what came of it."""
    rng = random.Random(seed)
    kind = rng.randrange(5)
    path = folder / f"m{kind}"
    if kind == 0:
        zipped(path, TABLES, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
        path.write_bytes(mutant(path.read_bytes(), rng))
    elif kind == 1:
        path = arrays(folder / "m1.npz", notes=npy("<U2", (1,), "no".encode("utf-32-le")))
        path.write_bytes(mutant(path.read_bytes(), rng))
    elif kind == 2:
        members = {**TABLES, "weights.txt.bz2": bz2.compress(TABLES["weights.txt"])}
        del members["weights.txt"]
        zipped(path, {name: mutant(data, rng) if rng.random() < 0.5 else data for name, data in members.items()})
    elif kind == 3:
        path.mkdir(exist_ok=True)
        for name, data in TABLES.items():
            (path / name).write_bytes(mutant(data, rng) if rng.random() < 0.5 else data)
    else:
        weights = npy("<f8", (2, 2), np.array([0.0, 1, 2, 0]).tobytes())
        lengths = npy("<f8", (2, 2), np.array([0.0, 1, 2, 0]).tobytes())
        path = arrays(folder / "m4.npz", weights=mutant(weights, rng), lengths_mm=lengths)
    try:
        Connectome.load(path)
    except HybridError as error:
        return "refused" if str(error).isprintable() else f"seed {seed}: {error!r}"
    return "loaded"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seeds", [range(1_000), pytest.param(range(1_000, 30_000), marks=pytest.mark.long)])
def test_damaged_files(tmp_path: Path, seeds: range) -> None:
    found = [damaged_once(tmp_path, seed) for seed in seeds]
    assert set(found) == {"refused", "loaded"}
    assert found.count("refused") > 0.5 * len(seeds)
    assert found.count("loaded") > 0.02 * len(seeds)
