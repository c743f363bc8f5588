"""Modules whose machine code numba keeps, sealed with checksums: what was cut short or altered is compiled again."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np

from hybrid.cache import cache_folder
from hybrid.masses.compiled.script import remade

_VERSIONS = f"python {sys.version} numpy {np.__version__} numba {numba.__version__}"


def module_of(text: str, imported: Sequence[str], given: list[Any]) -> Callable[[str], Callable[..., Any]]:
    """Execute the text of a module; what is returned gives its compiled functions by name.

    Numba keeps the machine code of those that say ``cache=CACHED`` beside the file, whose folder has the hash of the text, of
    the texts it imports and of the versions for a name. With ``given`` objects that stand in no text nothing is kept.
    """
    digest = sha256("\0".join((_VERSIONS, text, *imported)).encode()).hexdigest()[:32]
    path = None if given else _file(digest, text)
    module = ModuleType(f"hybrid_masses_{digest}")  # a name of its own: machine code is linked by module and name
    sys.modules[module.__name__] = module  # numba imports it when it loads what it kept
    vars(module).update(given=given, remade=remade, CACHED=path is not None)
    exec(compile(text, str(path or module.__name__), "exec", dont_inherit=True), vars(module))

    def function(name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(module, name)
        return _sealing(found) if path is not None else found

    if path is not None:
        _mend(Path(module.advance.stats.cache_path))
    return function


def _file(digest: str, text: str) -> Path | None:
    """The module's file; ``None`` if there is nowhere to write."""
    path = cache_folder("masses") / digest / "kernel.py"
    try:
        if not path.exists() or path.read_bytes() != text.encode():
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_suffix(f".{os.getpid()}")
            aside.write_bytes(text.encode())
            os.utime(aside, (0, 0))  # several ranks may race: whoever wins, numba finds the same stamp
            os.replace(aside, path)
    except OSError:
        return None
    return path


def _sealing(function: Any) -> Callable[..., Any]:
    """``function``, which seals what numba keeps whenever it was compiled."""
    folder = Path(function.stats.cache_path)

    @wraps(function)
    def call(*arguments: Any) -> Any:
        known = len(function.overloads)
        try:
            result = function(*arguments)
        except OSError:  # it is compiled but could not be kept: the disk is full, or another process mended the folder
            result = function(*arguments)
        if len(function.overloads) > known:
            _seal(folder)
        return result

    return call


def _seal(folder: Path) -> None:
    aside = folder / f"seal.{os.getpid()}"
    try:
        aside.write_bytes(_checksums(folder).encode())
        os.replace(aside, folder / "seal")
    except OSError:
        return  # the next process compiles again


def _mend(folder: Path) -> None:
    """Remove what is not as it was sealed."""
    try:
        if (folder / "seal").read_bytes() == _checksums(folder).encode():
            return
    except OSError:
        pass
    for path in folder.glob("*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _checksums(folder: Path) -> str:
    kept = sorted(path for path in folder.glob("*.nb[ic]"))
    return "".join(f"{sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in kept)
