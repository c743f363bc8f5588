"""Where a file of results may be written: the check before a run, the name it has while it is written, its publication."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

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
