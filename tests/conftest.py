"""Shared set-up of the tests: a home, a cache, a temporary and a working folder of their own, and nothing left outside."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOT_OURS = {".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"}  # tools keep things there
REMOVED_AT_EXIT = ("brian_", "hybrid-cache-")  # logs of Brian2 and the substitute cache of a process that still lives
A_DAY_S = 86_400.0
# the costly files come first, so that workers end together; those that need the same kernels do not begin together
ORDER = (
    "matrix/test_contracts.py",
    "examples/test_synapse.py",
    "examples/test_qif_mass.py",
    "examples/test_demo.py",
    "circuits/",
    "masses/test_coupling.py",
    "test_cache.py",
    "faults/",
    "masses/test_network.py",
    "run/",
    "masses/models/",
    "testing/",
    "masses/",
    "plot/",
    "examples/",
    "test_console.py",
    "matrix/",
    "test_docs.py",
    "",
)
LONG_S = 7_200.0  # for a long test, where the machine is slow
_place: Path | None = None  # where HOME and the like are; known to the process that writes the report only
_before: set[Path] = set()


@pytest.hookimpl(trylast=True)  # pytest's own temporary folder is made in the place that it had before
def pytest_configure(config):
    """Whatever the tests and the processes they start keep goes below pytest's temporary folder.

    Workers (xdist) inherit it all. Only what was compiled outlives the run, in pytest's cache, for the same sources.
    """
    global _place
    if hasattr(config, "workerinput"):
        return
    _place = config._tmp_path_factory.getbasetemp() / "world"
    for name in ("home", "tmp", "cwd"):
        (_place / name).mkdir(parents=True, exist_ok=True)
    os.environ["HOME"] = str(_place / "home")
    os.environ["XDG_CACHE_HOME"] = str(_place / "home" / ".cache")
    os.environ["XDG_CONFIG_HOME"] = str(_place / "home" / ".config")
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(_place / "home" / "hypothesis")
    os.environ["TMPDIR"] = str(_place / "tmp")
    os.environ["HYBRID_CACHE"] = str(_compiled(config))
    os.environ["HYBRID_TESTS_CWD"] = str(_place / "cwd")
    tempfile.tempdir = None  # it remembers where it was
    _before.update(_files(ROOT))


def pytest_ignore_collect(collection_path, config):
    """To import all files takes longer than to see which of them start ranks."""
    if config.option.markexpr.startswith("mpi") and collection_path.suffix == ".py":
        return "pytest.mark.mpi" not in collection_path.read_text(encoding="utf-8") or None
    return None


def pytest_collection_modifyitems(items):
    def place(item) -> int:
        file = item.nodeid.removeprefix("tests/")
        return next(k for k, start in enumerate(ORDER) if file.startswith(start))

    items.sort(key=place)
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(LONG_S))


def _compiled(config) -> Path:
    """Where compiled circuits and kernels are kept: one folder for all workers and later runs of these very sources."""
    digest = hashlib.sha256()
    for source in sorted((ROOT / "hybrid").rglob("*.py")):
        digest.update(source.read_bytes())
    try:
        kept = config.cache.mkdir("compiled")
        folder = kept / digest.hexdigest()[:16]
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)  # nobody else may put code there
        os.utime(folder)
        for other in kept.iterdir():
            if time.time() - other.stat().st_mtime > A_DAY_S:
                shutil.rmtree(other, ignore_errors=True)
    except (OSError, AttributeError):  # a checkout that cannot be written to, or no cache (-p no:cacheprovider)
        folder = config._tmp_path_factory.getbasetemp() / "hybrid-cache"
    return folder


def _files(folder: Path) -> set[Path]:
    found = set()
    for where, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each not in NOT_OURS]
        found.update(Path(where, name) for name in names)
    return found


def _left_behind() -> list[Path]:
    """What appeared where no test may leave anything."""
    assert _place is not None
    strays = _files(ROOT) - _before
    for folder in (_place / "cwd", _place / "tmp", _place / "home" / ".cache" / "hybrid"):
        strays |= set(folder.iterdir()) if folder.is_dir() else set()
    return sorted(each for each in strays if not each.name.startswith(REMOVED_AT_EXIT))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    if _place is not None and exitstatus == 0 and _left_behind():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if _place is not None and (strays := _left_behind()):
        terminalreporter.section("left behind", red=True)
        terminalreporter.line("tests must leave nothing outside of the folders pytest gives them, but there are now:")
        for each in strays:
            terminalreporter.line(f"  {each}")


@pytest.fixture(scope="session", autouse=True)
def _in_a_folder_of_their_own():
    """No test finds the repository, or leaves anything there, by being in it."""
    before = Path.cwd()
    os.chdir(os.environ["HYBRID_TESTS_CWD"])
    yield
    os.chdir(before)


@pytest.fixture
def shared_cache():
    """One cache of compiled circuits for the whole test run and all its workers, apart from the user's."""
    assert "HYBRID_TESTS_CWD" in os.environ  # the cache of the run is that of every test


@pytest.fixture(autouse=True)
def _ctrl_c_is_pythons_own():
    """As in a program of the user's: a worker of xdist, and a shell that starts one in the background, answer it themselves."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
