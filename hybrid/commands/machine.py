"""What ``hybrid doctor`` finds on one machine: processors, threads, the compiler, folders and their file systems."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hybrid.cache import cache_folder
from hybrid.errors import HybridError, told

OK, NOTE, PROBLEM = "ok", "note", "PROBLEM"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_SOURCE = 'extern "C" __attribute__((visibility("default"))) int trial() { return 42; }\n'


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line: how it is (``OK``, ``NOTE`` or ``PROBLEM``), what of, and in words."""

    level: str
    of: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:8s} {self.of}: {self.text}"


def visible_processors() -> list[int]:
    """The numbers of those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def processors() -> Verdict:
    """How many this process may use, and how many SLURM says that a task has."""
    asked = os.environ.get("SLURM_CPUS_PER_TASK")
    text = f"{len(visible_processors())} of {os.cpu_count()} for this rank"
    return Verdict(OK, "processors", text + (f", SLURM_CPUS_PER_TASK={asked}" if asked else ""))


def threads(ranks: int) -> Verdict:
    """What the libraries for linear algebra and numba are told of threads."""
    given = [f"{name}={os.environ[name]}" for name in THREADS if name in os.environ]
    if ranks > 1 and "OMP_NUM_THREADS" not in os.environ:
        text = "export OMP_NUM_THREADS=1, or linear algebra may start a thread on every processor in each rank"
        return Verdict(NOTE, "threads", ", ".join([*given, text]))
    return Verdict(OK, "threads", ", ".join(given) or "no variable says how many")


def compiler() -> Verdict:
    """The C++ compiler, tried: a library is compiled and loaded where circuits will be."""
    try:
        from hybrid.circuits.compiled.compiler import find_compiler
        from hybrid.circuits.compiled.process import finished

        found = find_compiler()
        name = f"{' '.join(found.command)}, {found.version.splitlines()[0] if found.version else 'of unknown version'}"
        with tempfile.TemporaryDirectory(dir=_cache()[0], ignore_cleanup_errors=True) as made:
            folder, began = Path(made), time.perf_counter()
            (folder / "trial.cpp").write_text(_SOURCE)
            command = [*found.command, *found.library_flags, "-shared", "trial.cpp", "-o", "trial.so"]
            done = finished(command, folder, 60.0)
            if done.returncode:
                return Verdict(PROBLEM, "compiler", f"{name}: {(done.stderr.strip() or 'it failed').splitlines()[0]}")
            took_s = time.perf_counter() - began
            if ctypes.CDLL(str(folder / "trial.so")).trial() != 42:
                return Verdict(PROBLEM, "compiler", f"{name}: what it compiled does not run as it should")
    except HybridError as error:
        return Verdict(PROBLEM, "compiler", str(error))
    except subprocess.TimeoutExpired:
        return Verdict(PROBLEM, "compiler", f"{name}: not done with one line after a minute")
    except OSError as error:  # a file system that runs nothing, too
        where = "a cache folder on a file system that may hold programs ($HYBRID_CACHE)"
        return Verdict(PROBLEM, "compiler", f"{name}: {told(error)}; give {where}")
    except ImportError as error:
        return Verdict(PROBLEM, "compiler", f"Brian2 cannot be imported ({error}); install the package again")
    return Verdict(OK, "compiler", f"{name}: compiles and loads a library in {took_s:.1f} s")


def cache() -> Verdict:
    """Where compiled code is kept."""
    folder, warned = _cache()
    if folder.parent.parent == Path(tempfile.gettempdir()):  # what cache_folder() gives where there is no better one
        remedy = "set $HYBRID_CACHE to a folder of your own that this machine can write to"
        return Verdict(NOTE, "cache", warned or f"none: every run compiles anew; {remedy}")
    return Verdict(OK, "cache", f"{folder.parent}, on {file_system(folder)}")


def file_system_of_cache() -> str:
    """As :func:`file_system`."""
    return file_system(_cache()[0])


def _cache() -> tuple[Path, str]:
    """The folder of circuits, and why it is only a temporary one, if that is told."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        folder = cache_folder("circuits")
    return folder, "; ".join(str(each.message) for each in caught)


def results(folder: Path) -> Verdict:
    """Whether a folder takes results, and locks."""
    where = f"{folder}, on {file_system(folder)}"
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"trial")
            file.flush()
            os.fsync(file.fileno())
            locks = _takes_locks(file.fileno())
    except OSError as error:
        return Verdict(
            NOTE, "this folder", f"{where}: cannot be written to ({told(error)}); give results another, --out"
        )
    if not locks:
        return Verdict(NOTE, "this folder", f"{where}: writable, without file locks; set HDF5_USE_FILE_LOCKING=FALSE")
    return Verdict(OK, "this folder", f"{where}: writable, with file locks")


def _takes_locks(descriptor: int) -> bool:
    with suppress(ImportError):  # not on Windows
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def file_system(folder: Path) -> str:
    """The kind of file system that a folder is on (``nfs4``, ``lustre``, ``ext4``), as Linux tells it."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
        mounts = [line.split()[1:3] for line in lines]
        target = folder.resolve()
        found = [(len(at), kind) for at, kind in mounts if target.is_relative_to(at.replace("\\040", " "))]
        return max(found, key=lambda each: each[0])[1]
    except (OSError, ValueError, IndexError):
        return "a file system of unknown kind"
