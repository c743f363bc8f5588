"""Executes the text of a module from a file in the cache, so that what is compiled there can be kept and looked at."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np

from hybrid.cache import cache_folder
from hybrid.masses.compiled.script import remade

_VERSIONS = f"python {sys.version} numpy {np.__version__} numba {numba.__version__}"


def module_of(text: str, imported: Sequence[str], given: list[Any]) -> ModuleType:
    """The module of this text. Machine code of functions that say ``cache=CACHED`` is kept between processes.

    The file is called by a hash of the text, of the texts it imports and of the versions. With ``given`` objects, which stand in
    no text, there is no file, and nothing is kept.
    """
    digest = sha256("\0".join((_VERSIONS, text, *imported)).encode()).hexdigest()[:32]
    path = None if given else _file(digest, text)
    module = ModuleType(f"hybrid_masses_{digest}")  # a name of its own: machine code is linked by module and name
    sys.modules[module.__name__] = module  # numba imports it when it loads what was kept
    vars(module).update(given=given, remade=remade, CACHED=path is not None)
    exec(compile(text, str(path or module.__name__), "exec", dont_inherit=True), vars(module))
    return module


def _file(digest: str, text: str) -> Path | None:
    """The module's file; ``None`` if there is nowhere to write."""
    path = cache_folder("masses") / f"kernel_{digest}.py"
    aside = path.with_suffix(f".{os.getpid()}")
    try:
        if not path.is_file() or path.read_bytes() != text.encode():
            aside.write_bytes(text.encode())
            os.replace(aside, path)
    except OSError:
        aside.unlink(missing_ok=True)
        return None
    return path
