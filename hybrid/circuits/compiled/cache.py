"""Compiled libraries on disk, found again by a hash of all that decides their content."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from hybrid.cache import cache_folder


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


def find_or_make(key: str, make: Callable[[Path], Path]) -> Path:
    """The library of that key; if there is none, ``make(folder)`` compiles one in an empty folder and it is kept.

    Whoever comes first puts the finished file in place in one step; several processes may do so at once.
    """
    wanted = cache_folder("circuits") / f"{key}.so"
    if wanted.exists():
        return wanted
    folder = Path(tempfile.mkdtemp(prefix="build-", dir=wanted.parent))
    os.replace(make(folder), wanted)  # an exception leaves the folder, so that the source can be looked at
    shutil.rmtree(folder, ignore_errors=True)
    return wanted
