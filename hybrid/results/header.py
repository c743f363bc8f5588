"""What a file of results says of itself, read without its recordings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from hybrid.results.layout import FORMAT, Broken
from hybrid.results.reading import reading


@dataclass(frozen=True)
class Header:
    """``interrupted_by`` is ``None`` for a complete run; ``configuration`` is the document of that name."""

    content_sha256: str
    interrupted_by: str | None
    configuration: dict[str, Any]


def read_header(path: Path) -> Header:
    """The header of a file that :meth:`hybrid.Results.save` wrote.

    Neither the recordings nor the checksums are read: whether anything in the file is damaged that is still readable is
    found by :meth:`hybrid.Results.load`.

    Raises
    ------
    DataError: there is no such file, it is cut short, damaged, or something else.
    """
    with reading(path), h5py.File(path, "r", locking=False) as file:
        if _text(file.attrs.get("format", "")) != FORMAT:
            raise Broken("this is no file of results")
        return Header(
            content_sha256=_text(file.attrs["content_sha256"]),
            interrupted_by=_text(file.attrs["interrupted_by"]) or None,
            configuration=json.loads(_text(file["documents/configuration"][()])),
        )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
