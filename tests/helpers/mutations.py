"""Hypothesis strategies: what may become of a good file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import h5py
import numpy as np
from hypothesis import strategies as st
from toml_text import Raw

INTEGERS = [0, 1, -1, 2, 7, 255, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, -(2**63), 10**30]
NUMBERS = [0.0, -0.0, 1e308, -1e308, 1e-320, 1e16, 0.1, float("nan"), float("inf"), float("-inf")]
TEXTS = [
    "", " ", "x", ":x", "x:", ":", "builtins:dict", "builtins:exit", "sys:exit", "json:dumps", "os:getcwd", "no_such:Thing",
    "toys:Relay", "hybrid:Brain", "hybrid.masses:MassModel", "Epileptor", "a.b.c", "a/b", "..", "/", "/dev/null", "connectome",
    "rest", "\0", "é\N{BRAIN}", "x" * 5000, "1e-3", "20*ms", "tvb76", "inf", "-1", "__class__", "\ud7ff", "%s%n{0}",
]  # fmt: skip
DEEP, LONG = Raw("[" * 3000 + "]" * 3000), Raw("9" * 4400)

odd_numbers = st.one_of(st.sampled_from(INTEGERS), st.sampled_from(NUMBERS), st.integers(), st.floats())
odd_texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=20))
odd_values = st.recursive(
    st.one_of(odd_numbers, odd_texts, st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(odd_texts, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def bytes_from(draw: Any, good: bytes) -> bytes:
    """A few bytes changed, cut out, put in or repeated, or the rest lost."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(1, 1 + len(data) // 4))
        deed = draw(st.sampled_from(["change", "cut", "insert", "repeat", "truncate", "number"]))
        if deed == "change":
            new = draw(st.binary(min_size=1, max_size=8))
            data[at : at + len(new)] = new
        elif deed == "number":  # as a length or an offset
            new = draw(st.sampled_from([0, 1, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**63 - 1]))
            data[at : at + 8] = new.to_bytes(8, draw(st.sampled_from(["little", "big"])))
        elif deed == "cut":
            del data[at : at + length]
        elif deed == "insert":
            data[at:at] = draw(st.binary(max_size=64))
        elif deed == "repeat":
            data[at:at] = data[at : at + length] * draw(st.integers(1, 3))
        else:
            del data[at:]
    return bytes(data)


@st.composite
def tables_from(draw: Any, good: Mapping[str, Any]) -> dict[str, Any]:
    """One to three values of nested tables replaced, left out, renamed or put in."""
    tables = _copied(good)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        table, path = tables, list(draw(st.sampled_from(_paths(tables) or [("x",)])))
        for key in path[:-1]:
            table = table[key]
        last = path[-1]
        deed = draw(st.sampled_from(["replace", "replace", "replace", "remove", "rename", "add"]))
        if deed == "replace":
            table[last] = draw(st.one_of(_alike(table[last]), odd_values))
        elif deed == "add" and isinstance(table, dict):
            table[draw(odd_texts)] = draw(odd_values)
        elif last in table if isinstance(table, dict) else False:
            value = table.pop(last)
            if deed == "rename":
                table[draw(odd_texts)] = value
    return tables


def _alike(value: Any) -> st.SearchStrategy[Any]:
    """Odd values of the same kind, which pass the first check and go on to the next."""
    if isinstance(value, bool):
        return st.just(not value)
    if isinstance(value, int | float):
        return st.one_of(odd_numbers, st.just(LONG))
    if isinstance(value, str):
        return odd_texts
    if isinstance(value, list) and value:
        return st.one_of(st.lists(_alike(value[0]), max_size=3), st.just(value * 1000), st.just(DEEP))
    return st.just(DEEP)


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, each in inner for path in [(*before, key), *_paths(each, (*before, key))]]


@st.composite
def arrays(draw: Any) -> Any:
    """Arrays of any kind and shape; what is large compresses well, as in a bomb."""
    deed = draw(st.sampled_from(["numbers", "texts", "large", "empty texts", "scalar", "others"]))
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
    if deed == "numbers":
        kind = draw(st.sampled_from(["f8", "f4", "i8", "u1", "?", "c16", "f2", ">f8"]))
        with np.errstate(all="ignore"):
            return np.full(shape, draw(st.sampled_from([0.0, 1.0, -1.0, 1e30, np.nan, np.inf]))).astype(kind)
    if deed == "texts":
        return np.full(shape, draw(st.sampled_from(["", "a", "left", "x" * 300])))
    if deed == "large":
        return np.zeros(draw(st.sampled_from([10**5, 3 * 10**6])), draw(st.sampled_from(["f8", "U1", "?"])))
    if deed == "empty texts":
        return np.zeros(draw(st.integers(0, 5)), draw(st.sampled_from(["U1", "S1", "U0", "S0"])))
    if deed == "scalar":
        return np.array(draw(st.one_of(st.integers(-5, 5), st.floats(), st.text(max_size=4))))
    return np.zeros(shape, draw(st.sampled_from(["M8[s]", "V4", "m8[ms]", "f8,i4"])))


@st.composite
def npz_from(draw: Any, good: Mapping[str, Any]) -> bytes:
    """One or two arrays replaced, left out or put in."""
    given = dict(good)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from([*good, "other", "format"]))
        if draw(st.booleans()):
            given[name] = draw(arrays())
        else:
            given.pop(name, None)
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **given)
    return stream.getvalue()


@st.composite
def members_from(draw: Any, good: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files of an archive: one or two changed, left out, renamed or doubled, or filled with far too much of the same."""
    members = dict(good)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from([*good]))
        deed = draw(st.sampled_from(["change", "change", "table", "table", "remove", "rename", "double", "flood"]))
        if deed == "change" and name in members:
            members[name] = draw(bytes_from(members[name]))
        elif deed == "table":
            cells = st.one_of(
                odd_numbers.map(str), st.sampled_from(["nan", "a", "", '"', "#", "1e999", "0x1", "1_0", "é"])
            )
            rows = draw(st.lists(st.lists(cells, max_size=5), max_size=4))
            members[name] = "\n".join(draw(st.sampled_from([" ", ",", "\t"])).join(row) for row in rows).encode()
        elif deed == "remove":
            members.pop(name, None)
        elif deed == "rename" and name in members:
            members[draw(st.sampled_from(["Weights.txt", "weights.csv", "x/weights.txt", "../weights.txt"]))] = (
                members.pop(name)
            )
        elif deed == "double" and name in members:
            members[f"again/{name}"] = members[name]
        elif deed == "flood":
            members[name] = draw(st.sampled_from([b"0 ", b"0", b"\n", b"a 0 0 0\n", b"1 1\n"])) * draw(
                st.sampled_from([1000] * 9 + [1_000_000])
            )
    return members


def zipped(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@st.composite
def hdf5_from(draw: Any, good: bytes) -> bytes:
    """One to three attributes or datasets of an HDF5 file replaced, left out or put in."""
    stream = io.BytesIO(good)
    with h5py.File(stream, "r+") as file:
        for _ in range(draw(st.integers(1, 3))):
            found: list[str] = []
            file.visit(found.append)
            path = draw(st.sampled_from(["/", *found]))
            node = file[path]
            deed = draw(st.sampled_from(["attribute", "attribute", "no attribute", "data", "remove", "huge", "group"]))
            _change(draw, file, path, node, deed)
    return stream.getvalue()


def _change(draw: Callable[..., Any], file: Any, path: str, node: Any, deed: str) -> None:
    if deed in ("attribute", "no attribute"):
        names = sorted(node.attrs)
        name = draw(st.sampled_from([*names, "other"]))
        if deed == "no attribute" or name in names:
            node.attrs.pop(name, None)
        if deed == "attribute":
            value = draw(
                st.one_of(
                    st.sampled_from(INTEGERS[:12]), st.sampled_from(NUMBERS), st.sampled_from(TEXTS[:8]), arrays()
                )
            )
            try:
                node.attrs[name] = value
            except (TypeError, ValueError, OverflowError, OSError):  # what HDF5 cannot hold
                node.attrs[name] = -1
    elif path != "/":
        del file[path]
        if deed == "data":
            values = draw(arrays())
            file[path] = values if values.dtype.kind in "fiub" else np.zeros(3)
        elif deed == "huge":
            file.create_dataset(path, shape=(2**40,), dtype=draw(st.sampled_from(["f8", "i4", "u1"])), chunks=(2**16,))
        elif deed == "group":
            file.create_group(path)
