"""Named members of a folder or a zip file, read by exact name, never more than a fixed number of bytes."""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from hybrid.errors import DataError

MAX_BYTES = 256 * 2**20  # of one member, unpacked: the weights of 3,000 regions as text

_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, NotImplementedError)


class Archive(Protocol):
    """Files by name."""

    where: str

    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes: ...


def _capped(file: IO[bytes], where: str) -> bytes:
    """The whole file. What counts is what is actually read, not the size the file claims to have."""
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise DataError(f"{where} holds more than {MAX_BYTES // 2**20} MB; this is no connectome")
    return data


def unpacked(data: bytes, name: str, where: str) -> bytes:
    """``data`` itself, or what a ``.bz2`` file holds."""
    if not name.endswith(".bz2"):
        return data
    try:
        with bz2.BZ2File(io.BytesIO(data)) as file:
            return _capped(file, where)
    except (OSError, EOFError) as error:
        raise DataError(f"{where} is no readable bz2 file: {error}") from None


class Folder:
    """The files that lie directly in a folder."""

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, str(path)

    def names(self) -> list[str]:
        return sorted(each.name for each in self.path.iterdir() if each.is_file())

    def read(self, name: str) -> bytes:
        where = f"{self.where}: {name}"
        try:
            with (self.path / name).open("rb") as file:
                return unpacked(_capped(file, where), name, where)
        except OSError as error:
            raise DataError(f"{where} cannot be read: {error}") from None


class Zip:
    """The members of a zip file that lie in one and the same folder of it: the one that holds the weights.

    The folder may be the top of the archive or any other; folders named ``__MACOSX`` are not looked at.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, str(path)
        try:
            with zipfile.ZipFile(path) as archive:
                members = [name for name in archive.namelist() if not name.endswith("/")]
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise DataError(
                f"{self.where} is no readable zip file ({error}); give a zip, a folder, a weights table or an .npz"
            ) from None
        self._members = _one_folder(members, self.where)

    def names(self) -> list[str]:
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        member = self._members[name]
        where = f"{self.where}: {member}"
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(member) as file:
                data = _capped(file, where)
        except _BROKEN as error:
            raise DataError(f"{where} cannot be read: {error}") from None
        return unpacked(data, name, where)


def _one_folder(members: list[str], where: str) -> dict[str, str]:
    """File name to member, as the archive spells it, for the one folder that holds the weights."""
    folders: dict[PurePosixPath, dict[str, str]] = {}
    for member in members:
        place = PurePosixPath(member)
        files = folders.setdefault(place.parent, {})
        if place.name in files:
            raise DataError(f"{where} holds {member} twice")
        files[place.name] = member
    found = [
        folder
        for folder, files in folders.items()
        if "__MACOSX" not in folder.parts and any(name.startswith("weights.") for name in files)
    ]
    if len(found) > 1:
        listed = ", ".join(sorted(map(str, found)))
        raise DataError(f"{where} holds several connectomes, in {listed}; give one of them alone")
    return folders[found[0]] if found else {member: member for member in members}
