"""Where compiled code is kept between runs."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """The folder ``kind`` of ``$HYBRID_CACHE`` or of the platform's folder for caches; made if need be.

    A temporary one, the same for the whole process, if that is not writable.
    """
    named = os.environ.get("HYBRID_CACHE")
    if named:
        base = Path(named).expanduser()
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches" / "hybrid"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hybrid"
    folder = base / kind
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    except OSError:
        pass
    substitute = Path(_substitute().name) / kind
    substitute.mkdir(exist_ok=True)
    return substitute


@cache
def _substitute() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="hybrid-cache-")
