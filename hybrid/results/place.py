"""Where a file of results may be written: the check before a run, the name it has while it is written, its publication."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from hybrid.errors import ConfigurationError, DataError, HybridError, OutputExistsError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def check_place(path: Path, overwrite: bool) -> None:
    """Refuse a place where results cannot be saved, so that nobody learns it after the run; nothing is left behind.

    Folders that do not exist yet are accepted where they can be made: saving makes them.

    Raises
    ------
    OutputExistsError: there is a folder, or a file and ``overwrite`` is false.
    ConfigurationError: the folder cannot be made or written to, the name is too long, or it is that of a device.
    """
    try:
        folder = _nearest_folder(path.parent)
        _check_names(path, folder)
        _check_present(path, overwrite)
        with tempfile.TemporaryFile(dir=folder, prefix=".hybrid-"):  # permissions alone do not tell of read-only disks
            pass
    except HybridError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise unwritable(path, error) from error


def unwritable(path: Path, error: Exception) -> HybridError:
    """What to raise where the operating system refuses ``path``."""
    reason = getattr(error, "strerror", None) or str(error)
    if getattr(error, "errno", None) in _FULL:
        return DataError(f"cannot save {path}: {reason}; make room, or choose another place")
    return ConfigurationError(f"cannot save {path}: {reason}; choose another place")


def exists(path: Path) -> OutputExistsError:
    return OutputExistsError(f"{path} exists already; choose another name, or save with overwrite=True")


def _nearest_folder(folder: Path) -> Path:
    """The folder itself, or the one in which those that are missing would be made."""
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        raise OSError(errno.ENOTDIR, f"{folder} is no folder")
    return folder


def _check_names(path: Path, folder: Path) -> None:
    longest = os.pathconf(folder, "PC_NAME_MAX")
    for name in path.parts:
        if len(os.fsencode(name)) > longest:
            raise OSError(errno.ENAMETOOLONG, f"{name[:20]}… is longer than the {longest} bytes a name may have")


def _check_present(path: Path, overwrite: bool) -> None:
    if path.is_dir():
        raise OutputExistsError(f"cannot save {path}: that is a folder; give the name of a file")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise ConfigurationError(f"cannot save {path}: that is no ordinary file; give another name")
    if not overwrite:
        raise exists(path)


@contextlib.contextmanager
def written_aside(path: Path, overwrite: bool) -> Iterator[io.FileIO]:
    """An unbuffered file beside ``path``, empty; moved there in one step after the block, or removed if that raised.

    It is called ``.hybrid-HOST-PID-….part``, so that the next who writes into that folder can tell whether a process that
    no longer lives left it behind, and remove it.
    """
    check_place(path, overwrite)
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    _remove_left_behind(path.parent)
    aside = path.parent / f".hybrid-{host()}-{os.getpid()}-{uuid4().hex}.part"
    try:
        with aside.open("x+b", buffering=0) as raw:
            yield raw
            os.fsync(raw.fileno())
        _publish(aside, path, overwrite)
        sync_folder(path.parent)
    except BaseException:
        aside.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody else keeps something there meanwhile
            for folder in missing:
                folder.rmdir()
        raise
    aside.unlink(missing_ok=True)  # its second name, if it was linked


def host() -> str:
    """This machine; inside of a container with process numbers of its own, that container."""
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()}.{os.stat('/proc/self/ns/pid').st_ino}"
    return socket.gethostname()


def _remove_left_behind(folder: Path) -> None:
    ours = re.compile(rf"\.hybrid-{re.escape(host())}-(\d+)-[0-9a-f]+\.part")
    with contextlib.suppress(OSError):  # another's file, or another process was faster
        for name in os.listdir(folder):
            match = ours.fullmatch(name)
            if match and not lives(int(match[1])):
                (folder / name).unlink(missing_ok=True)


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # of another user
    return True


def _publish(aside: Path, path: Path, overwrite: bool) -> None:
    """Give the finished file its name; a file that appeared there meanwhile is not overwritten unasked."""
    if not overwrite:
        try:
            os.link(aside, path)  # unlike a rename, this fails if the name is taken
        except FileExistsError:
            raise exists(path) from None
        except OSError:  # a file system without links: look, then rename
            if os.path.lexists(path):
                raise exists(path) from None
        else:
            return
    os.replace(aside, path)


def sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # the file is there already; not every file system can sync a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
