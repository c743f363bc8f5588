"""The folder of a run's checkpoints: written aside, moved into place whole, the newest two kept."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from hybrid.errors import CheckpointError
from hybrid.results.folder import UNFINISHED, unfinished
from hybrid.results.place import sync_folder
from hybrid.run.checkpoint.arrays import write_bytes
from hybrid.run.checkpoint.manifest import MANIFEST, Manifest

KEPT = 2
_ASIDE, _UNUSABLE = ".part-", "unusable-"


def find_unfinished(place: str | Path) -> Path:
    """That folder, given itself, or the results it stands beside, or the folder in which both are.

    Raises
    ------
    CheckpointError: there is none, or there are several.
    """
    path = Path(place)
    if path.name.endswith(UNFINISHED) and path.is_dir():
        return path
    if unfinished(path).is_dir() if path.name else False:
        return unfinished(path)
    found = sorted(path.glob(f"*{UNFINISHED}")) if path.is_dir() else []
    if len(found) != 1:
        has = f"has {len(found)} of them: {', '.join(each.name for each in found)}" if found else "is none and has none"
        raise CheckpointError(f"{path}: give the folder NAME{UNFINISHED} of an unfinished run; this {has}")
    return found[0]


class Generations:
    """The checkpoints in ``folder`` (that of an unfinished run), one folder each, named by its tick."""

    def __init__(self, folder: Path) -> None:
        self.run, self.folder = folder, folder / "checkpoints"

    def ticks(self) -> list[int]:
        """Of all that are there, the newest first."""
        try:
            names = os.listdir(self.folder)
        except OSError:
            return []
        return sorted((int(name) for name in names if name.isascii() and name.isdecimal()), reverse=True)

    def path(self, tick: int) -> Path:
        return self.folder / str(tick)

    def aside(self, tick: int) -> Path:
        """Where the files of a checkpoint are written before it has its name."""
        return self.folder / f"{_ASIDE}{tick}"

    def begin(self, tick: int) -> None:
        """Make the folder aside, empty."""
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self.aside(tick), ignore_errors=True)
            self.aside(tick).mkdir()

    def publish(self, manifest: Manifest) -> None:
        """Write the manifest, give the folder its name, and remove what is older than the generation before."""
        aside, path = self.aside(manifest.tick), self.path(manifest.tick)
        with self._writing():
            write_bytes(aside / MANIFEST, manifest.text())
            sync_folder(aside)
            os.rename(aside, path)
            sync_folder(self.folder)
        for tick in self.ticks()[KEPT:]:
            shutil.rmtree(self.path(tick), ignore_errors=True)
        self._sweep(_ASIDE)  # what a killed run left

    def drop(self, tick: int) -> None:
        """Remove what was written aside."""
        shutil.rmtree(self.aside(tick), ignore_errors=True)

    def set_aside(self, after: int) -> None:
        """Take those newer than tick ``after``, which cannot be used, out of the way: they are renamed."""
        with self._writing():
            for tick in self.ticks():
                if tick > after:
                    shutil.rmtree(self.folder / f"{_UNUSABLE}{tick}", ignore_errors=True)
                    os.rename(self.path(tick), self.folder / f"{_UNUSABLE}{tick}")

    def clear(self) -> None:
        """Remove all checkpoints."""
        for tick in self.ticks():
            shutil.rmtree(self.path(tick), ignore_errors=True)
        self._sweep(_ASIDE, _UNUSABLE)

    def remove(self) -> None:
        """Remove all there is, the run being over."""
        self.clear()
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def _sweep(self, *beginnings: str) -> None:
        """Remove the folders whose names begin so."""
        for name in os.listdir(self.folder) if self.folder.is_dir() else ():
            if name.startswith(beginnings):
                shutil.rmtree(self.folder / name, ignore_errors=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unwritable(self.folder, error) from error


def unwritable(folder: Path, error: OSError) -> CheckpointError:
    """What to raise where the operating system refuses a checkpoint."""
    return CheckpointError(
        f"a checkpoint cannot be written to {folder}: {error.strerror or error}; make room there, or give another --out. "
        f"The checkpoints before are whole"
    )
