"""Where compiled code is kept between runs: in folders that nobody else may write to, and behind checksums."""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import pickle
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.core.serialize import dumps

F = TypeVar("F", bound=Callable[..., Any])
_MAGIC = b"hybrid1\n"
_BEFORE = len(_MAGIC) + hashlib.sha256().digest_size


def cache_folder(kind: str) -> Path:
    """The folder ``kind`` of ``$HYBRID_CACHE`` or of the platform's folder for caches; made if need be.

    Where there is none (no home), or none that can be written to, it is a temporary one, the same for the whole process;
    so it is, with a warning, where others could put code that this process would run.
    """
    try:
        base = _base()
        folder = base / kind
        for each in (base, folder):
            if not each.is_dir():
                each.parent.mkdir(parents=True, exist_ok=True)
                each.mkdir(mode=0o700, exist_ok=True)
            danger = _danger(each)
            if danger:
                _warn_of(each, danger)
                return _substitute(kind)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    except (OSError, RuntimeError):  # the latter is what pathlib raises for a user without a home
        pass
    return _substitute(kind)


def _base() -> Path:
    named = os.environ.get("HYBRID_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "hybrid"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hybrid"


def _danger(folder: Path) -> str:
    """Who but this user may put files into ``folder``."""
    if not hasattr(os, "geteuid"):
        return ""
    found = folder.stat()
    if found.st_uid not in (0, os.geteuid()):
        return f"it belongs to another user (id {found.st_uid})"
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:  # in /tmp others cannot replace what is ours
        return f"others may write to it (mode {found.st_mode & 0o777:o})"
    return ""


@functools.cache
def _warn_of(folder: Path, danger: str) -> None:
    warnings.warn(
        f"compiled code is not kept in {folder}: {danger}, and could put code there that you would run. Set $HYBRID_CACHE "
        f"to a folder of your own, or remove this one and let it be made again",
        RuntimeWarning,
        stacklevel=4,
    )


def _substitute(kind: str) -> Path:
    folder = Path(_temporary().name) / kind
    folder.mkdir(exist_ok=True)
    return folder


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="hybrid-cache-")


def keep(path: Path, data: bytes) -> None:
    """Write ``data`` behind a checksum, in one step: whoever reads ``path`` finds all of it, or what was there before.

    Does nothing where that fails, as on a full disk: what is kept can be made again.
    """
    aside = None
    try:
        with tempfile.NamedTemporaryFile(prefix="build-", dir=path.parent, delete=False) as file:
            aside = file.name
            file.write(_MAGIC + hashlib.sha256(data).digest() + data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError:
        if aside:
            Path(aside).unlink(missing_ok=True)


def kept(path: Path) -> bytes | None:
    """What :func:`keep` wrote to ``path``; ``None`` if there is nothing, or not what was written."""
    try:
        with open(path, "rb") as file:
            if hasattr(os, "geteuid") and os.fstat(file.fileno()).st_uid not in (0, os.geteuid()):
                return None
            found = file.read()
    except OSError:
        return None
    data = found[_BEFORE:]
    return data if found[:_BEFORE] == _MAGIC + hashlib.sha256(data).digest() else None


def njit(*, cache: bool = False, **options: Any) -> Callable[[F], F]:
    """``numba.njit``, but with ``cache=True`` the machine code is kept in the folder ``numba`` of :func:`cache_folder`.

    Numba's own cache raises when a module is imported where neither its folder nor the home can be written to, and when a
    function is called whose file in the cache is broken. Here it is compiled again.
    """

    def compiled(function: F) -> F:
        made: Any = numba.njit(**options)(function)
        if cache and isinstance(made, Dispatcher):  # else numba is switched off
            with suppress(OSError, TypeError):  # a function without a file
                made._cache = _MachineCode(function)  # type: ignore[attr-defined]
        return cast(F, made)

    return compiled


class _Compiled(CompileResultCacheImpl):  # type: ignore[misc]
    """How numba takes what it compiled apart and puts it together again."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._lineno, self._locator = function.__code__.co_firstlineno, SimpleNamespace(_py_file=file)


class _MachineCode(FunctionCache):  # type: ignore[misc]
    """The machine code of one function, a file for each signature. Its name says all that decides the content."""

    def __init__(self, function: Any) -> None:
        file = inspect.getfile(function)
        source = hashlib.sha256(Path(file).read_bytes()).hexdigest()
        place = (os.path.abspath(file), function.__qualname__, function.__code__.co_firstlineno)
        self._decides = (sys.version_info[:3], numba.__version__, source, *place)
        self._py_func, self._name, self._impl = function, function.__name__, _Compiled(function, file)
        self.enable()

    @property
    def cache_path(self) -> str:
        return str(cache_folder("numba"))

    def flush(self) -> None:
        """Nothing to do: what decides the content is in the name."""

    def _file(self, signature: Any, codegen: Any) -> Path:
        decides = repr((self._decides, self._index_key(signature, codegen)))
        name = f"{self._name[:60]}-{hashlib.sha256(decides.encode()).hexdigest()[:32]}"
        return cache_folder("numba") / name

    def _load_overload(self, signature: Any, target: Any) -> Any:
        data = kept(self._file(signature, target.codegen())) if self._enabled else None
        if data is None:
            return None
        try:
            return self._impl.rebuild(target, pickle.loads(data))
        except Exception:  # of another version of something that the name does not say: compiled again
            return None

    def _save_overload(self, signature: Any, result: Any) -> None:
        if self._enabled and self._impl.check_cachable(result):
            keep(self._file(signature, result.codegen), dumps(self._impl.reduce(result)))
