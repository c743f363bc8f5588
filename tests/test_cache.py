"""Compiled code between runs: where it is kept, and that nothing broken or foreign is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from floors import ROOT

from hybrid import cache
from hybrid.cache import cache_folder, keep, kept

TWICE = "from hybrid.cache import njit\n\n@njit(cache=True)\ndef twice(x):\n    return 2 * x\n"
CALL = "import mine; print(mine.twice(4), sum(mine.twice.stats.cache_hits.values()))"
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
# what a file's mode forbids to read may be read, nothing more: the interpreter may lie in root's home
READING = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
RUN = """
import numpy as np
from brian2 import Network, NeuronGroup
import adapters
from hybrid import Brain, Connectome, Simulation
from hybrid.circuits import Circuit, Microcircuit, Readout
from hybrid.masses import MassNetwork, WilsonCowan

def build():
    cells = NeuronGroup(3, "dx/dt = 1/second : 1", method="euler", name="cells")
    return Circuit(Network(cells), outputs={"x": Readout(cells, "x")})

brain = Brain(tick_ms=0.1)
pair = Connectome(["a", "b"], np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.0, 10.0], [10.0, 0.0]]), np.zeros((2, 3)))
masses = brain.add(MassNetwork("masses", pair, WilsonCowan(), speed_m_s=3.0))
circuit = brain.add(Microcircuit("circuit", build, engine="compiled"))
brain.connect(masses["rate"], masses["drive"], weight=0.1, delay_ms=1.0)
results = Simulation(brain, seed=1, record=[circuit["x"], masses["rate"]], progress=False).run(duration_ms=5)
assert abs(results[circuit["x"]].values[-1, 0] - 0.005) < 1e-9
print("ran")
"""


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "cache"))
    cache._warn_of.cache_clear()
    return cache_folder("kind")


def called(path: Path, **environment: str) -> str:
    """What a fresh process prints that calls the function in ``path/mine.py``."""
    everything = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)]), **environment}
    done = subprocess.run([sys.executable, "-c", CALL], env=everything, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_only_the_owner_may_enter(folder):
    assert [each.stat().st_mode & 0o777 for each in (folder.parent, folder)] == [0o700, 0o700]


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
@pytest.mark.parametrize("which", ["base", "kind"])
def test_folder_that_others_may_write_to_is_not_used(folder, mode, which):
    (folder if which == "kind" else folder.parent).chmod(mode)
    with pytest.warns(RuntimeWarning, match=rf"others may write to it \(mode {mode:o}\).*\$HYBRID_CACHE"):
        private = cache_folder("kind")
    assert folder not in (private, *private.parents)
    assert private.parent.stat().st_mode & 0o777 == 0o700
    with warnings.catch_warnings(action="error"):
        assert cache_folder("kind") == private  # said once


def test_folder_below_one_with_a_sticky_bit_is_used(folder):
    folder.parent.chmod(0o1777)
    assert cache_folder("kind") == folder


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give a folder away")
def test_folder_of_somebody_else_is_not_used(folder):
    os.chown(folder, 65534, 65534)
    with pytest.warns(RuntimeWarning, match=r"belongs to another user \(id 65534\)"):
        assert cache_folder("kind") != folder
    os.chown(folder, 0, 0)
    keep(folder / "mine", b"data")
    os.chown(folder / "mine", 65534, 65534)
    assert kept(folder / "mine") is None


def test_user_without_a_home(monkeypatch):
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HYBRID_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", home)
    assert cache_folder("kind").is_dir()


def test_what_was_kept_is_found_whole_or_not_at_all(folder):
    path = folder / "file"
    assert kept(path) is None
    keep(path, b"some data")
    assert kept(path) == b"some data"
    assert list(folder.iterdir()) == [path]
    whole = path.read_bytes()
    for broken in [whole[:-1], whole + b"\0", whole[:20], b"", whole[:45] + b"X" + whole[46:], b"y" + whole[1:]]:
        path.write_bytes(broken)
        assert kept(path) is None


def test_full_disk_is_no_error(folder, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    keep(folder / "file", b"data")
    assert list(folder.iterdir()) == []


def test_machine_code_is_loaded_by_the_next_process_and_healed_when_broken(tmp_path):
    (tmp_path / "mine.py").write_text(TWICE)
    where = {"HYBRID_CACHE": str(tmp_path / "cache")}
    assert called(tmp_path, **where) == "8 0"
    assert called(tmp_path, **where) == "8 1"
    (file,) = (tmp_path / "cache" / "numba").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert called(tmp_path, **where) == "8 0"
    assert called(tmp_path, **where) == "8 1"
    (tmp_path / "mine.py").write_text(TWICE.replace("2 * x", "3 * x"))
    assert called(tmp_path, **where) == "12 0"


def test_a_function_is_compiled_again_when_one_that_it_calls_has_changed(tmp_path):
    """Also over several files, by name or through the module: the machine code holds all of them."""
    (tmp_path / "mine.py").write_text(
        "from hybrid.cache import njit\nfrom second import half\nimport third\n\n"
        "@njit(cache=True)\ndef twice(x):\n    return half(x) + third.half(x)\n"
    )
    where = {"HYBRID_CACHE": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    half = "from hybrid.cache import njit\n\n@njit(cache=True)\ndef half(x):\n    return {} * x\n"
    for second, third, answer in ((1, 1, "8 0"), (1, 1, "8 1"), (3, 1, "16 0"), (3, 2, "20 0")):
        (tmp_path / "second.py").write_text(half.format(second))
        (tmp_path / "third.py").write_text(half.format(third))
        assert called(tmp_path, **where) == answer


def test_what_a_killed_process_left_is_removed(folder):
    """A workshop and a file half written; what is at work now, or was a moment ago, is left alone."""
    code = f"""
import os, pathlib
from hybrid.cache import workshop
with workshop(pathlib.Path({str(folder)!r})) as made:
    (made / "unit.cpp").write_text("half")
    pathlib.Path({str(folder)!r}, "build-file").write_text("half")
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode == 9
    abandoned = set(folder.iterdir())
    assert len(abandoned) == 2
    keep(folder / "file", b"data")
    assert set(folder.iterdir()) == {*abandoned, folder / "file"}
    with cache.workshop(folder) as at_work:
        for each in folder.iterdir():
            os.utime(each, (0, 0))
        keep(folder / "file", b"data")
        assert set(folder.iterdir()) == {at_work, folder / "file"}
    assert set(folder.iterdir()) == {folder / "file"}


@pytest.mark.skipif(sys.platform != "linux", reason="drops to another user with setpriv")
def test_user_without_a_home_imports_and_runs(tmp_path):
    """As in a container: no home, no entry in the list of users, nowhere to write but the temporary folder."""
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("no setpriv")
        become = [*AS_NOBODY, *READING]
    else:
        become = []
    (tmp_path / "mine.py").write_text(RUN)
    environment = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"
    }  # fmt: skip
    done = subprocess.run(
        [*become, sys.executable, str(tmp_path / "mine.py")],
        cwd="/", env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "ran\n"), done.stderr
