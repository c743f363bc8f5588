"""The folder of a run that is under way, beside its output: whose it is, and what it holds."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from hybrid.errors import DataError, OutputExistsError
from hybrid.results.place import host, lives, sync_folder

UNFINISHED = ".unfinished"
RECORDINGS, RUN, LOCK, FINISHED = "recordings", "run.json", "lock", "results.json"
STALE_S = 300.0  # a run that has not touched its lock for so long, on another machine, is taken for dead


def unfinished(out: Path) -> Path:
    """Where a run whose output will be ``out`` keeps what it writes on the way."""
    return out.with_name(out.name + UNFINISHED)


def parts(out: Path) -> Path:
    """Where the recordings of a run are kept that are not to be joined into ``out``."""
    return out.with_name(out.name + ".parts")


class RunFolder:
    """``run.h5.unfinished/``: made by the first rank that has something to write, and known to all ranks by the run's name.

    It holds ``run.json`` (what the run is), ``lock`` (which process works on it), and ``recordings/``, a file a port.

    Parameters
    ----------
    path: the folder.
    run: a name that no other run has, the same on all ranks.
    about: what to write to ``run.json``, as plain values.
    """

    def __init__(self, path: Path, run: str, about: Mapping[str, Any]) -> None:
        self.path, self._run, self._about = path, run, about
        self._made: list[Path] = []  # folders that were not there before

    @property
    def recordings(self) -> Path:
        return self.path / RECORDINGS

    def claim(self) -> None:
        """Make the folder and lock it for this run, unless another rank has; its files may be written from then on.

        Raises
        ------
        OSError: it cannot be made.
        OutputExistsError: it is another run's.
        """
        self._made = self._made or [each for each in self.path.parents if not each.exists()]
        self.recordings.mkdir(parents=True, exist_ok=True)
        mine = {"run": self._run, "host": host(), "process": os.getpid(), "started": _started(os.getpid())}
        if _created(self.path / LOCK, mine):
            _written(self.path / RUN, {"run": self._run, **self._about})
            sync_folder(self.path)
        elif _read(self.path / LOCK).get("run") != self._run:
            raise _busy(self.path, _read(self.path / LOCK))

    def beat(self) -> None:
        """Show others that the run goes on: now and then, or it is taken for dead."""
        with contextlib.suppress(OSError):
            os.utime(self.path / LOCK)

    def adopt(self) -> None:
        """Go on in the folder of an earlier run that was killed, as :func:`check_free` found it: the lock becomes this run's."""
        (self.path / LOCK).unlink(missing_ok=True)
        self.claim()

    def release(self) -> None:
        """Nobody works on it any more; a later run will ask what to do with it."""
        with contextlib.suppress(OSError):
            if _read(self.path / LOCK).get("run") == self._run:
                (self.path / LOCK).unlink(missing_ok=True)

    def remove_recordings(self) -> None:
        """Their data are elsewhere now."""
        shutil.rmtree(self.recordings, ignore_errors=True)

    def tidy(self) -> None:
        """The run is over: remove the folder if nothing is in it that one could read or go on from; else let others in."""
        with contextlib.suppress(OSError):
            if self.recordings.is_dir() and not os.listdir(self.recordings):
                self.recordings.rmdir()
            if not set(os.listdir(self.path)) <= {RUN, LOCK} or _read(self.path / RUN).get("run") != self._run:
                self.release()
                return
            shutil.rmtree(self.path)
            for each in self._made:
                each.rmdir()

    def keep_as(self, kept: Path, finished: Mapping[str, Any]) -> None:
        """The run is complete, and its recordings stay as they are: as the folder ``kept``, with what else there is to keep."""
        _written(self.path / FINISHED, finished)
        self.release()
        if set(os.listdir(self.path)) <= {RUN, LOCK, FINISHED, RECORDINGS}:
            os.replace(self.path, kept)
        else:
            kept.mkdir()
            os.replace(self.recordings, kept / RECORDINGS)
            os.replace(self.path / FINISHED, kept / FINISHED)
            shutil.copyfile(self.path / RUN, kept / RUN)
        sync_folder(kept.parent)


def check_free(path: Path, overwrite: bool) -> None:
    """Refuse the folder of another run, before anything runs.

    Raises
    ------
    OutputExistsError: a run is at work there; or one was and did not finish, and ``overwrite`` is false.
    """
    if not os.path.lexists(path):
        return
    lock = _read(path / LOCK)
    if _is_held(path / LOCK):
        raise _busy(path, lock)
    if not overwrite:
        raise OutputExistsError(
            f"{path} belongs to a run that did not finish; go on with hybrid resume {path} if it has checkpoints, read what it "
            f"recorded with Results.load, or replace it with overwrite=True (--overwrite)"
        )


def clear(path: Path) -> None:
    """Remove the folder of a run that did not finish, which :func:`check_free` has let pass."""
    if os.path.lexists(path):
        check_free(path, overwrite=True)
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError as error:
            raise DataError(f"{path} could not be removed ({error.strerror}); remove it by hand") from error


def about(path: Path, name: str = RUN) -> dict[str, Any]:
    """What ``run.json`` (or ``results.json``) of the folder says; nothing if it is not there or damaged."""
    return _read(path / name)


def _busy(path: Path, lock: Mapping[str, Any]) -> OutputExistsError:
    return OutputExistsError(
        f"another run (process {lock.get('process')} on {lock.get('host')}) writes to {path}; choose another output, or, if "
        f"that run has ended, remove {path / LOCK}"
    )


def _is_held(path: Path) -> bool:
    """Whether the process that took this lock may still live; on another machine, whether it has touched it of late."""
    lock = _read(path)
    process = lock.get("process")
    if not isinstance(process, int):
        return False
    if lock.get("host") != host():
        with contextlib.suppress(OSError):
            return time.time() - path.stat().st_mtime < STALE_S
        return False
    return lives(process) and lock.get("started") == _started(process)


def _started(process: int) -> str:
    """When a process began, so that another which has its number by now is not taken for it; empty if nobody says or if it is
    dead and only its parent has not looked."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return ""


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _created(path: Path, values: Mapping[str, Any]) -> bool:
    """Write a file that is not there yet, in one step; whether this was the one who did."""
    aside = _aside(path, values)
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        try:
            with path.open("x") as file:
                file.write(json.dumps(values))
        except FileExistsError:
            return False
    finally:
        aside.unlink(missing_ok=True)
    return True


def _written(path: Path, values: Mapping[str, Any]) -> None:
    os.replace(_aside(path, values), path)


def _aside(path: Path, values: Mapping[str, Any]) -> Path:
    aside = path.with_name(f".{path.name}-{uuid4().hex}")
    with aside.open("w", encoding="utf-8") as file:
        json.dump(values, file, ensure_ascii=True)
        file.flush()
        os.fsync(file.fileno())
    return aside
