"""The folder of a sweep: where its files are, how small ones are written in one step, and who may work in it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from hybrid.errors import ConfigurationError
from hybrid.results.place import unwritable

POINTS, OUTCOMES, LOGS, INDEX = "points", "outcomes", "logs", "index.csv"
LOCK = ".lock"
_UNSUPPORTED = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}


def results_path(folder: Path, number: int) -> Path:
    return folder / POINTS / f"{number:05d}.h5"


def outcome_path(folder: Path, number: int) -> Path:
    return folder / OUTCOMES / f"{number:05d}.json"


def numbers_in(folder: Path, ending: str) -> set[int]:
    """Of the points that have a file there."""
    named = re.compile(rf"(\d{{5,}}){re.escape(ending)}")
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return set()
    return {int(match[1]) for match in map(named.fullmatch, names) if match}


def write_text(path: Path, text: str, durable: bool = True) -> None:
    """Replace a file in one step. Unless ``durable``, it may be empty after a power failure, and has to be made again then."""
    aside = path.parent / f".{path.name}-{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("w", encoding="utf-8", errors="surrogatepass") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def make_folders(folder: Path) -> None:
    for each in (folder / POINTS, folder / OUTCOMES):
        try:
            each.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(each, error) from error
    for left in folder.glob(f"*/.*-{socket.gethostname()}-*.part"):  # by a process that was killed
        found = re.fullmatch(rf"\..+-{re.escape(socket.gethostname())}-(\d+)-[0-9a-f]+\.part", left.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            left.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path, shared: bool = False) -> Iterator[None]:
    """Within, no other sweep works in the folder, or ``shared``: only those that share it, such as tasks of a job array.

    Where the file system knows no locks there is none: files are put in place in one step, and two sweeps in one folder
    then do the same work twice. A lock ends with its process, however that ends.
    """
    path = folder / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"another sweep is at work in {folder}; wait until it is done, or choose another folder with --out"
            ) from None
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise unwritable(path, error) from error
        yield
    finally:
        os.close(descriptor)
