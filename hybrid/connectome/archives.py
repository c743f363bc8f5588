"""Named members of a folder or a zip file, read by exact name as streams that a budget of bytes watches."""

from __future__ import annotations

import bz2
import io
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from hybrid.errors import DataError, HybridError

FREE_BYTES = 32 * 2**20  # what any archive may unpack to: two matrices of 1,400 regions as numbers
RATIO = 200  # and a larger one: so many times its own size (text tables unpack to 3 to 30 times theirs)
_MEMBERS = 10_000
_AT_ONCE = 2**20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without a limit on what comes out at once


def shown(text: object, most: int = 100) -> str:
    """A text out of a file as it may stand in a message: not too long, and nothing that moves a terminal's cursor."""
    cut = str(text)
    cut = cut if len(cut) <= most else cut[: most - 1] + "…"
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in cut)


@contextmanager
def guarded(where: str) -> Iterator[None]:
    """Whatever a library has to say about a broken file becomes one ``DataError``; zipfile alone knows nine kinds."""
    try:
        yield
    except HybridError:
        raise
    except MemoryError:
        raise DataError(f"{where} needs more memory than there is") from None
    except Exception as error:
        raise DataError(f"{where} cannot be read: {shown(str(error) or type(error).__name__)}") from error


class Budget:
    """How many bytes may still be unpacked from a file of ``packed`` bytes: what is read counts, not what is claimed."""

    def __init__(self, packed: int, where: str) -> None:
        self.left = max(FREE_BYTES, RATIO * packed)
        self._message = (
            f"{where} unpacks to more than {self.left / 2**20:.0f} MB, {RATIO} times its own size and more; "
            f"if it really is a connectome, unpack it into a folder and give that"
        )

    def check(self, count: int) -> None:
        """Refuse to begin what will not end well."""
        if count > self.left:
            raise DataError(self._message)

    def spend(self, count: int) -> None:
        self.check(count)
        self.left -= count


class Stream(io.BufferedReader):
    """Bytes that are counted while they are read."""

    def __init__(self, file: Any, budget: Budget) -> None:
        super().__init__(_Counted(file, budget), 2**16)
        self.budget = budget


class _Counted(io.RawIOBase):
    def __init__(self, file: Any, budget: Budget) -> None:
        self._file, self._budget = file, budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(min(len(buffer), _AT_ONCE))
        self._budget.spend(len(data))
        buffer[: len(data)] = data
        return len(data)


class Archive(Protocol):
    """Files by name."""

    where: str

    def names(self) -> list[str]: ...

    def open(self, name: str) -> AbstractContextManager[Stream]: ...


def _stream(file: IO[bytes], name: str, budget: Budget, opened: ExitStack) -> Stream:
    """``file`` itself, or what a ``.bz2`` file holds; both count."""
    stream = Stream(file, budget)
    return Stream(opened.enter_context(bz2.BZ2File(stream)), budget) if name.endswith(".bz2") else stream


class Folder:
    """The files that lie directly in a folder."""

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, shown(path, 500)

    def names(self) -> list[str]:
        return sorted(each.name for each in self.path.iterdir() if each.is_file())

    @contextmanager
    def open(self, name: str) -> Iterator[Stream]:
        path, where = self.path / name, f"{self.where}: {shown(name)}"
        with guarded(where), ExitStack() as opened:
            file = opened.enter_context(path.open("rb"))
            yield _stream(file, name, Budget(path.stat().st_size, where), opened)


class Zip:
    """The members of a zip file that lie in one and the same folder of it: the one that holds the weights.

    The folder may be the top of the archive or any other; folders named ``__MACOSX`` are not looked at.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, shown(path, 500)
        try:
            with zipfile.ZipFile(path) as archive:
                members = [each.filename for each in archive.infolist() if not each.filename.endswith("/")]
        except Exception as error:  # of nine kinds
            raise DataError(
                f"{self.where} is no readable zip file ({shown(error)}); "
                f"give a zip, a folder, a weights table or an .npz"
            ) from None
        if len(members) > _MEMBERS:
            raise DataError(f"{self.where} holds {len(members):,} files; this is no connectome")
        self._members = _one_folder(members, self.where)
        self._budget = Budget(path.stat().st_size, self.where)  # one for all, since members may share their bytes

    def names(self) -> list[str]:
        return sorted(self._members)

    @contextmanager
    def open(self, name: str) -> Iterator[Stream]:
        member = self._members[name]
        where = f"{self.where}: {shown(member)}"
        with guarded(where), ExitStack() as opened:
            archive = opened.enter_context(zipfile.ZipFile(self.path))
            method = archive.getinfo(member).compress_type
            if method not in _METHODS:
                raise DataError(
                    f"{where} is packed by method {method} (only deflate, 8, is read); pack it again as an ordinary zip"
                )
            yield _stream(opened.enter_context(archive.open(member)), name, self._budget, opened)


def _one_folder(members: list[str], where: str) -> dict[str, str]:
    """File name to member, as the archive spells it, for the one folder that holds the weights."""
    folders: dict[PurePosixPath, dict[str, str]] = {}
    for member in members:
        place = PurePosixPath(member)
        files = folders.setdefault(place.parent, {})
        if place.name in files:
            raise DataError(f"{where} holds {shown(member)} twice")
        files[place.name] = member
    found = [
        folder
        for folder, files in folders.items()
        if "__MACOSX" not in folder.parts and any(name.startswith("weights.") for name in files)
    ]
    if len(found) > 1:
        listed = shown(", ".join(sorted(map(str, found))))
        raise DataError(f"{where} holds several connectomes, in {listed}; give one of them alone")
    return folders[found[0]] if found else {member: member for member in members}
