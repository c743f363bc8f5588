"""Where compiled code is kept between runs: in folders that nobody else may write to, and behind checksums."""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import pickle
import shutil
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.core.serialize import dumps

F = TypeVar("F", bound=Callable[..., Any])
_PASSING = "build-"
_MINUTE_S, _DAY_S = 60, 24 * 3600
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
    _tidy(path.parent)
    try:
        with tempfile.NamedTemporaryFile(prefix=_PASSING, dir=path.parent, delete=False) as file:
            aside = file.name
            file.write(_MAGIC + hashlib.sha256(data).digest() + data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError:
        if aside:
            Path(aside).unlink(missing_ok=True)


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """An empty folder in ``folder``, removed afterwards; if this process is killed, the next that keeps something does it."""
    _tidy(folder)
    made = Path(tempfile.mkdtemp(prefix=_PASSING, dir=folder))
    lock = os.open(made, os.O_RDONLY)
    try:
        with suppress(OSError, ImportError):  # some network file systems have no locks
            _lock(lock)
        yield made
    finally:
        os.close(lock)
        shutil.rmtree(made, ignore_errors=True)


def _tidy(folder: Path) -> None:
    """Remove what processes that were killed have left half made."""
    for each in folder.glob(f"{_PASSING}*"):
        with suppress(OSError):
            if _is_abandoned(each):
                shutil.rmtree(each) if each.is_dir() else each.unlink()


def _lock(descriptor: int) -> None:
    from fcntl import LOCK_EX, LOCK_NB, flock  # not on Windows

    flock(descriptor, LOCK_EX | LOCK_NB)


def _is_abandoned(path: Path) -> bool:
    """Whether it is old and nobody holds its lock; older still where there are no locks."""
    age_s = time.time() - path.stat().st_mtime
    if age_s < _MINUTE_S:
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _lock(descriptor)
    except BlockingIOError:
        return False
    except (OSError, ImportError):
        return age_s > _DAY_S
    finally:
        os.close(descriptor)
    return True


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


def _files(function: Any, seen: set[Any] | None = None) -> set[str]:
    """Where the function, all compiled functions that it calls, and the modules that it names are written."""
    seen = set() if seen is None else seen
    seen.add(function)
    files = {inspect.getfile(function)}
    for value in inspect.getclosurevars(function).globals.values():
        if isinstance(value, Dispatcher) and value.py_func not in seen:
            files |= _files(value.py_func, seen)
        elif isinstance(value, ModuleType) and Path(getattr(value, "__file__", None) or "").suffix == ".py":
            files.add(cast(str, value.__file__))
    return files


class _MachineCode(FunctionCache):  # type: ignore[misc]
    """The machine code of one function, a file for each signature. Its name says all that decides the content."""

    def __init__(self, function: Any) -> None:
        self._py_func, self._name = function, function.__name__
        self._impl = _Compiled(function, inspect.getfile(function))
        self.enable()

    @functools.cached_property
    def _decides(self) -> tuple[object, ...]:
        """What decides the content besides the types: asked when all that the function calls is there."""
        function = self._py_func
        place = (os.path.abspath(inspect.getfile(function)), function.__qualname__, function.__code__.co_firstlineno)
        sources = (Path(file).read_bytes() for file in sorted(_files(function)))
        return (sys.version_info[:3], numba.__version__, hashlib.sha256(b"".join(sources)).hexdigest(), *place)

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
