"""Connectomes from files: the layouts that are read, and every broken file that is refused with its place."""

from __future__ import annotations

import bz2
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid.connectome import Connectome, archives
from hybrid.errors import ConfigurationError, DataError, UnknownNameError

GOOD = {
    "weights.txt": "0 2\n1 0\n",
    "tract_lengths.txt": "0 30\n40 0\n",
    "centres.txt": "rA 0 0 0\nlB 3 4 0\n",
}


def files(**changes: str | bytes | None) -> dict[str, str | bytes]:
    """The good files with some changed (``weights_txt=...``) or left out (``None``)."""
    given = {**GOOD, **{name.replace("_txt", ".txt").replace("_csv", ".csv"): value for name, value in changes.items()}}
    return {name: value for name, value in given.items() if value is not None}


def zipped(path: Path, members: dict[str, str | bytes], folder: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(folder + name, content)
    return path


def laid_out(path: Path, members: dict[str, str | bytes]) -> Path:
    path.mkdir()
    for name, content in members.items():
        (path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def is_good(connectome: Connectome) -> bool:
    np.testing.assert_array_equal(connectome.weights, [[0, 2], [1, 0]])
    np.testing.assert_array_equal(connectome.lengths_mm, [[0, 30], [40, 0]])
    np.testing.assert_array_equal(connectome.centres_mm, [[0, 0, 0], [3, 4, 0]])
    return connectome.labels == ("rA", "lB")


def test_rows_of_the_file_are_targets(tmp_path: Path) -> None:
    connectome = Connectome.load(zipped(tmp_path / "two.zip", GOOD))
    assert is_good(connectome)
    assert connectome.graph.edges["lB", "rA"]["weight"] == 2
    assert connectome.name == "two"
    assert connectome.provenance == "Read from two.zip, which does not say where its data come from."
    assert connectome.notes == ()
    np.testing.assert_array_equal(connectome.hemispheres, [True, False])  # type: ignore[arg-type]


@pytest.mark.parametrize("folder", ["", "two/", "some/where/"])
def test_a_zip_may_hold_them_in_a_folder(tmp_path: Path, folder: str) -> None:
    path = zipped(tmp_path / "two.zip", GOOD, folder)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/weights.txt", "rubbish")
        archive.writestr("other/centres.txt", "rubbish")
    assert is_good(Connectome.load(path))
    assert is_good(Connectome.load(str(path)))


def test_a_folder_of_csv(tmp_path: Path) -> None:
    folder = laid_out(
        tmp_path / "mine",
        {
            "weights.csv": "\ufeff0,2\r\n1,0\r\n",
            "lengths.csv": "0, 30\n40, 0\n\n",
            "centers.csv": "rA,0,0,0\nlB,3,4,0,cortex\n",
            "hemispheres.csv": "0\n1\n",
            "notes.docx": b"\xff\xfe",
        },
    )
    connectome = Connectome.load(folder)
    assert is_good(connectome)
    assert connectome.name == "mine"
    np.testing.assert_array_equal(connectome.hemispheres, [False, True])  # type: ignore[arg-type]
    assert Connectome.load(folder / "weights.csv") == connectome


def test_members_packed_with_bz2(tmp_path: Path) -> None:
    packed = {f"{name}.bz2": bz2.compress(str(content).encode()) for name, content in GOOD.items()}
    assert is_good(Connectome.load(zipped(tmp_path / "two.zip", packed)))
    broken = {**packed, "weights.txt.bz2": packed["weights.txt.bz2"][:-8]}
    with pytest.raises(DataError, match=r"broken.zip: weights.txt.bz2 cannot be read: Compressed file ended"):
        Connectome.load(zipped(tmp_path / "broken.zip", broken))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights_txt": "0 2\n1 x\n"}, "weights.txt: row 2, column 2: 'x' is not a number"),
        ({"weights_txt": "rA lB\n0 2\n1 0\n"}, "weights.txt: row 1, column 1: 'rA' is not a number"),
        ({"weights_txt": "0,2,\n1,0,\n"}, "weights.txt: row 1, column 3: '' is not a number"),
        ({"weights_txt": "0,5 2,5\n1,5 0,5\n"}, "weights.txt: row 1, column 2: '5 2' is not a number"),
        ({"weights_txt": "0 2\n1\n"}, "weights.txt: row 2 has 1 columns, row 1 has 2"),
        ({"weights_txt": "0 2\n"}, r"weights has shape \(1, 2\); it must be square"),
        ({"weights_txt": "0 2\n1 0\n0 0\n"}, "weights.txt has 2 columns but more rows; it must be square"),
        ({"weights_txt": "0 2 1\n1 0 1\n1 1 0\n"}, "weights has 3 regions, but there are 2 labels"),
        ({"weights_txt": " \n\n"}, "weights.txt is empty"),
        ({"weights_txt": b""}, "weights.txt is empty"),
        ({"weights_txt": b"\x89PNG\xff"}, "weights.txt is not a text file"),
        ({"weights_txt": "0 nan\n1 0\n"}, r"weights in row 1 \(rA\), column 2 \(lB\) is nan"),
        ({"weights_txt": "0 2\ninf 0\n"}, r"weights in row 2 \(lB\), column 1 \(rA\) is inf"),
        ({"weights_txt": "0 -2\n1 0\n"}, r"weights in row 1 \(rA\), column 2 \(lB\) is -2"),
        ({"tract_lengths_txt": "0 30\n-4 0\n"}, r"lengths_mm in row 2 \(lB\), column 1 \(rA\) is -4"),
        ({"tract_lengths_txt": "0\n"}, "lengths_mm has 1 regions, but there are 2 labels"),
        ({"tract_lengths_txt": "0 0\n40 0\n"}, "from lB to rA .row 1, column 2. has weight 2 but length 0"),
        ({"centres_txt": "rA 0 0 0\nrA 3 4 0\n"}, "label 'rA' names two regions, 1 and 2"),
        ({"centres_txt": "rA 0 0 0\n"}, "weights has 2 regions, but there are 1 labels"),
        ({"centres_txt": "rA 0 0\nlB 3 4 0\n"}, "centres.txt: row 1 has 3 columns; it must hold a label, x, y and z"),
        ({"centres_txt": "name,x,y,z\nrA,0,0,0\n"}, "centres.txt: row 1, column 2: 'x' is not a number"),
        ({"centres_txt": "rA 0 0 0\nlB 3 inf 0\n"}, "coordinate y of the centre of lB .row 2. is inf"),
        ({"hemispheres_txt": "1\n"}, r"hemispheres has shape \(1,\)"),
        ({"hemispheres_txt": "1\n7\n"}, "0 .left. and 1 .right. only"),
        ({"weights_txt": None}, "holds no weights.txt .*; it holds: centres.txt, tract_lengths.txt"),
        ({"tract_lengths_txt": None}, "holds no tract_lengths.txt or lengths.txt"),
        ({"centres_txt": None}, "holds no centres.txt or centers.txt"),
        ({"centers_txt": "lB 0 0 0\nrA 3 4 0\n"}, "holds centres.txt and centers.txt; keep the one that is meant"),
        ({"weights_csv": "0,2\n1,0\n"}, "holds weights.txt and weights.csv"),
    ],
)
@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_broken_tables(tmp_path: Path, kind: str, changes: dict[str, str | bytes | None], message: str) -> None:
    members = files(**changes)
    path = zipped(tmp_path / "broken.zip", members) if kind == "zip" else laid_out(tmp_path / "broken", members)
    with pytest.raises(DataError, match=message) as caught:
        Connectome.load(path)
    assert str(path) in str(caught.value), "the file is named"
    assert caught.value.exit_code == 3


def test_self_connections_are_dropped_and_counted(tmp_path: Path) -> None:
    path = zipped(tmp_path / "two.zip", files(weights_txt="5 2\n1 0\n"))
    connectome = Connectome.load(path)
    assert connectome.weights[0, 0] == 0
    assert connectome.notes == ("Dropped 1 self-connection.",)
    with pytest.raises(DataError, match=r"from rA to rA .* has weight 5 but length 0"):
        Connectome.load(path, self_connections="keep")
    with pytest.raises(UnknownNameError, match="did you mean 'drop'"):
        Connectome.load(path, self_connections="drops")


def test_lengths_of_zero_by_the_rule_that_was_asked_for(tmp_path: Path) -> None:
    path = zipped(tmp_path / "two.zip", files(tract_lengths_txt="0 0\n40 0\n"))
    by_distance = Connectome.load(path, zero_lengths="distance")
    assert by_distance.lengths_mm[0, 1] == 5
    assert by_distance.notes == ("Gave 1 tract of length 0 the distance between the centres, 5 mm.",)
    by_shortest = Connectome.load(path, zero_lengths="shortest")
    assert by_shortest.lengths_mm[0, 1] == 40
    assert by_shortest.lengths_mm[0, 0] == 0, "where there is no weight nothing is filled in"
    none_has = zipped(tmp_path / "none.zip", files(tract_lengths_txt="0 0\n0 0\n"))
    with pytest.raises(DataError, match="length 0"):
        Connectome.load(none_has, zero_lengths="shortest")
    with pytest.raises(UnknownNameError, match="zero_lengths 'ignore' does not exist"):
        Connectome.load(path, zero_lengths="ignore")


def test_what_is_odd_is_told(tmp_path: Path) -> None:
    odd = files(
        weights_txt="0 2 0\n1 0 0\n0 0 0\n",
        tract_lengths_txt="0 3 9\n40 0 9\n9 9 0\n",
        centres_txt="A 0 0 0\nB 3 4 0\nC 9 9 9\n",
    )
    connectome = Connectome.load(zipped(tmp_path / "odd.zip", odd))
    assert connectome.notes == (
        "Without any connection: 1 region, C.",
        "Shorter than the line between their centres: 1 of 2 tracts.",
    )
    assert connectome.hemispheres is None


@pytest.mark.parametrize(
    ("labels", "right"),
    [
        (("lHC", "rHC"), [False, True]),
        (("l001", "r001"), [False, True]),
        (("l_insula", "r_insula"), [False, True]),
        (("ctx-lh-cuneus", "ctx-rh-cuneus"), [False, True]),
        (("RM-V1_R", "RM-V1_L"), [True, False]),
        (("V1.right", "V1.left"), [True, False]),
        (("lingual", "rectus"), None),
        (("r1", "r2"), None),
        (("rHC", "thalamus"), None),
    ],
)
def test_sides_from_labels(tmp_path: Path, labels: tuple[str, str], right: list[bool] | None) -> None:
    path = zipped(tmp_path / "two.zip", files(centres_txt=f"{labels[0]} 0 0 0\n{labels[1]} 3 4 0\n"))
    found = Connectome.load(path).hemispheres
    assert (found is None) if right is None else (found.tolist() == right)  # type: ignore[union-attr]


def test_what_is_no_zip_or_nothing_at_all(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("0 1\n")
    (tmp_path / "empty.zip").touch()
    for name in ("text.zip", "empty.zip"):
        with pytest.raises(DataError, match=f"{name} is no readable zip file"):
            Connectome.load(tmp_path / name)
    with pytest.raises(DataError, match=r"nothing.zip does not exist"):
        Connectome.load(tmp_path / "nothing.zip")
    with pytest.raises(DataError, match=r"holds no weights.txt .* it holds: nothing"):
        Connectome.load(zipped(tmp_path / "bare.zip", {}))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("tvb77", UnknownNameError, "'tvb77' does not exist; did you mean 'tvb76'"),
        (77, UnknownNameError, "'tvb77' does not exist; did you mean 'tvb76'"),
        ("", UnknownNameError, "'' does not exist .there is: tvb66"),
        (-5, UnknownNameError, "'-5' does not exist"),
        (None, ConfigurationError, "by name or path, such as 'tvb76', not None"),
        (True, ConfigurationError, "not True"),
        (7.6, ConfigurationError, "not 7.6"),
        (b"tvb76", ConfigurationError, "not b'tvb76'"),
        (["tvb76"], ConfigurationError, r"not \['tvb76'\]"),
        (Path("tvb76"), DataError, "tvb76 does not exist"),
        (Path("/dev/null"), DataError, "/dev/null is neither a file nor a folder"),
        ("a" * 5000 + ".zip", DataError, "File name too long"),
        ("x\0.zip", DataError, r"x\\x00.zip does not exist"),
    ],
)
def test_what_is_no_name_and_no_path(source: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Connectome.load(source)


def test_a_number_names_a_set() -> None:
    assert Connectome.load(76) == Connectome.load("tvb76") == Connectome.load(np.int64(76))


def test_zips_that_hold_more_than_one_connectome_or_a_damaged_one(tmp_path: Path) -> None:
    several = zipped(tmp_path / "several.zip", GOOD, "first/")
    with zipfile.ZipFile(several, "a") as archive:
        archive.writestr("second/weights.txt", "0")
    with pytest.raises(DataError, match="holds several connectomes, in first, second"):
        Connectome.load(several)

    twice = zipped(tmp_path / "twice.zip", GOOD)
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("weights.txt", "0 9\n9 0\n")
    with pytest.raises(DataError, match=r"holds weights.txt twice"):
        Connectome.load(twice)

    damaged = tmp_path / "damaged.zip"
    with zipfile.ZipFile(damaged, "w", zipfile.ZIP_STORED) as archive:
        for name, content in GOOD.items():
            archive.writestr(name, content)
    damaged.write_bytes(damaged.read_bytes().replace(b"0 2\n1 0", b"0 3\n1 0"))
    with pytest.raises(DataError, match=r"weights.txt cannot be read: Bad CRC"):
        Connectome.load(damaged)


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_read_is_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 2**20)
    large = (b"rA 0 0 0 " + b"x" * 100_000 + b"\n") * 30
    members = files(centres_txt=None)
    members["centres.txt.bz2" if packed else "centres.txt"] = bz2.compress(large) if packed else large
    path = zipped(tmp_path / "bomb.zip", members)
    assert path.stat().st_size < 10_000
    with pytest.raises(DataError, match=r"bomb.zip unpacks to more than 1 MB"):
        Connectome.load(path)


def npz(path: Path, **changes: object) -> Path:
    given = {
        "labels": ["rA", "lB"],
        "weights": [[0, 2], [1, 0]],
        "lengths_mm": [[0, 30], [40, 0]],
        "centres_mm": [[0, 0, 0], [3, 4, 0]],
    }
    np.savez(path, **{key: value for key, value in {**given, **changes}.items() if value is not None})  # type: ignore[arg-type]
    return path


def test_an_npz(tmp_path: Path) -> None:
    connectome = Connectome.load(npz(tmp_path / "two.npz"))
    assert is_good(connectome)
    assert connectome.name == "two"
    assert "two.npz" in connectome.provenance


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"centres_mm": None}, "has no centres_mm; an .npz holds"),
        ({"weights": None, "labels": None}, "has no labels, weights; an .npz holds"),
        ({"weights": np.array([[0, print], [1, 0]], dtype=object)}, "weights.npy is no readable array"),
        ({"weights": [["0", "2"], ["1", "0"]]}, "weights.npy is not an array of numbers: its type is <U1"),
        ({"weights": [[0, 2j], [1, 0]]}, "weights.npy is not an array of numbers: its type is complex"),
        ({"weights": [[0, np.nan], [1, 0]]}, r"weights in row 1 \(rA\), column 2 \(lB\) is nan"),
        ({"lengths_mm": [[0, 30]]}, "must be square"),
        ({"labels": ["rA", "rA"]}, "names two regions"),
    ],
)
def test_broken_npz(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        Connectome.load(npz(tmp_path / "broken.npz", **changes))
    assert "broken.npz" in str(caught.value)


def test_an_array_that_claims_more_than_it_holds_reserves_no_memory(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)})
    good = npz(tmp_path / "good.npz")
    with zipfile.ZipFile(good) as archive:
        members: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    members["weights.npy"] = header.getvalue()
    with pytest.raises(DataError, match=r"weights.npy has shape \(1000000, 1000000\); .* at most 20,000 regions"):
        Connectome.load(zipped(tmp_path / "claims.npz", members))
    members["weights.npy"] = header.getvalue().replace(b"(1000000, 1000000)", b"(20000, 20000)    ")
    with pytest.raises(DataError, match=r"claims.npz unpacks to more than 32 MB"):
        Connectome.load(zipped(tmp_path / "claims.npz", members))
    members["weights.npy"] = header.getvalue().replace(b"(1000000, 1000000)", b"(2, 2)            ")
    with pytest.raises(DataError, match=r"weights.npy claims 32 bytes of numbers but holds 0"):
        Connectome.load(zipped(tmp_path / "claims.npz", members))
    members["weights.npy"] = b"\x93NUMPY\x01\x00\x05\x00nope\n"
    with pytest.raises(DataError, match=r"weights.npy is no readable array"):
        Connectome.load(zipped(tmp_path / "header.npz", members))
