"""Compiled libraries on disk, found again by a hash of all that decides their content."""

from __future__ import annotations

import hashlib
import platform
import shutil
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from hybrid.cache import cache_folder, keep, kept, workshop


@cache
def processor() -> str:
    """What ``-march=native`` depends on: the processor's model and what it can do."""
    described = [platform.machine(), platform.processor()]
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return " ".join(described)
    first = lines[: lines.index("")] if "" in lines else lines
    kept = ("vendor_id", "cpu family", "model", "flags", "Features", "CPU implementer", "CPU part")
    return " ".join(described + [each for each in first if each.split("\t")[0].strip(": ") in kept])


def key_of(texts: Iterable[str]) -> str:
    """One hash of several texts, their borders included."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:40]


def find_or_make(key: str, make: Callable[[Path], Path], anew: bool = False) -> bytes:
    """The library of that key; if there is none, or ``anew``, ``make(folder)`` compiles one in an empty folder.

    Several processes may do so at once. A file that was cut short or damaged is no library: whoever loaded it would end
    with a bus error in every later run.
    """
    folder = cache_folder("circuits")
    path = folder / f"{key}.circuit"
    found = None if anew else kept(path)
    if found is None:
        with workshop(folder) as passing:
            found = make(passing).read_bytes()
        keep(path, found)
    return found


def keep_refused(folder: Path, key: str) -> Path:
    """Keep what a compiler refused, to be looked at: in place of what it refused the last time for that key."""
    refused = folder.with_name(f"refused-{key}")
    shutil.rmtree(refused, ignore_errors=True)
    try:
        return folder.rename(refused)
    except OSError:  # another rank was faster
        return refused
