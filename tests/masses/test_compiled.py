"""Compiled kernels are found again by later processes, and never those of other equations."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from floors import ROOT
from masses_toys import Relaxation

from hybrid.errors import ConfigurationError
from hybrid.masses import Linear
from hybrid.masses.compiled import compiler
from hybrid.masses.compiled.compiler import compiled_for

USER_MODEL = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from numba import njit
from hybrid.masses import MassModel

GAIN = {gain}

@njit
def helper(x):
    return GAIN * x + 0.5

def equations(state, coupling, drive_hz, p):
    return (-helper(state[0]),)

@dataclass(frozen=True, eq=False)
class {name}(MassModel):
    variables: ClassVar = ("x",)
    coupled: ClassVar = ("x",)
    rhs = staticmethod(equations)

    def rate_hz(self, state):
        return state[0]
"""
SLOPE = """
import sys
sys.path[:0] = [{folder!r}, {tests!r}]
from hybrid.masses import Linear, MassNetwork
from hybrid.masses.compiled.compiler import compiled_for
from masses_toys import lived, one_node, prepared
for name in {names!r}:
    model = getattr(__import__(name.lower()), name)()
    slope = model.derivatives([[3.0]], [[0.0]])[0, 0]
    loaded = sum(compiled_for(model.equations(Linear(1.0))).derivatives.stats.cache_hits.values())
    if {whole}:
        network = MassNetwork("net", one_node(), model, initial={{"x": 3.0}}, integrator="euler")
        x = lived(prepared(network, 0.5), 2)["x"][:, 0]
        assert abs((x[1] - x[0]) / 0.5 - slope) < 1e-12, (name, x, slope)
    print(slope, loaded)
"""


def write(folder: Path, name: str, gain: float = 2.0) -> None:
    (folder / f"{name.lower()}.py").write_text(USER_MODEL.format(name=name, gain=gain))


def slopes(folder: Path, *names: str, whole: bool = False) -> list[tuple[float, int]]:
    """What fresh processes that share a cache compute at x = 3, and how many functions they loaded from it.
    ``whole`` has them take a step with the network, too."""
    environment = {**os.environ, "HYBRID_CACHE": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    code = SLOPE.format(folder=str(folder), tests=str(ROOT / "tests" / "helpers"), names=names, whole=whole)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    return [(float(slope), int(loaded)) for slope, loaded in (line.split() for line in done.stdout.splitlines())]


def test_second_process_loads_and_a_changed_model_is_compiled_again(tmp_path: Path) -> None:
    write(tmp_path, "Model")
    assert slopes(tmp_path, "Model") == [(-6.5, 0)]
    write(tmp_path, "Model", gain=3.0)  # a global that a helper uses
    assert slopes(tmp_path, "Model") == [(-9.5, 0)]
    write(tmp_path, "Model")
    source = (tmp_path / "model.py").read_text()
    (tmp_path / "model.py").unlink()  # a file of another name is no other model
    (tmp_path / "moved.py").write_text(source.replace("class Model", "class Moved"))
    assert slopes(tmp_path, "Moved") == [(-6.5, 1)]


@pytest.mark.long
def test_models_compiled_apart_do_not_mix_when_loaded_together(tmp_path: Path) -> None:
    """Their functions have the same names; linked by name, one would run with the equations of the other."""
    for name, gain in (("First", 2.0), ("Second", 5.0)):
        write(tmp_path, name, gain=gain)
        assert slopes(tmp_path, name, whole=True)[0][1] == 0
    assert slopes(tmp_path, "First", "Second", whole=True) == [(-6.5, 1), (-15.5, 1)]
    assert slopes(tmp_path, "Second", "First", whole=True) == [(-15.5, 1), (-6.5, 1)]


def test_no_place_to_write_is_no_error(tmp_path: Path) -> None:
    write(tmp_path, "Model")
    (tmp_path / "cache").write_text("a file where the directory should be")
    assert slopes(tmp_path, "Model") == [(-6.5, 0)]


# -- values that change within one process ---------------------------------------------------------------------------------

CONSTANTS = "GAIN = 2.0\nGAINS = __import__('numpy').array([2.0])\n"
READERS = """
import numba
import constants
from constants import GAINS

GAIN = 2.0

def reads_global(state, coupling, drive_hz, p):
    return (GAIN * state[0],)

def reads_module(state, coupling, drive_hz, p):
    return (constants.GAIN * state[0],)

def reads_array(state, coupling, drive_hz, p):
    return (GAINS[0] * state[0],)

@numba.njit
def helper(x):
    return GAIN * x

@numba.njit
def helper_of_helper(x):
    return helper(x)

def calls_helper(state, coupling, drive_hz, p):
    return (helper_of_helper(state[0]),)

def reading_a_cell():
    gain = 2.0
    def equations(state, coupling, drive_hz, p):
        return (gain * state[0],)
    def change():
        nonlocal gain
        gain = 3.0
    return equations, change

reads_cell, change_cell = reading_a_cell()
exec("def no_source(state, coupling, drive_hz, p):\\n    return (GAIN * helper(state[0]) / 2.0,)")
no_file = lambda state, coupling, drive_hz, p: (GAIN * state[0],)

def change():
    global GAIN
    GAIN = constants.GAIN = GAINS[0] = 3.0
    change_cell()
"""
NAMES = ["global", "module", "array", "helper", "cell", "source", "file"]


@pytest.mark.parametrize("which", NAMES)
def test_a_value_changed_in_the_process_needs_another_kernel(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, model = reading(which, tmp_path, monkeypatch)
    kernel = compiled_for(model.equations(Linear(1.0)))
    assert compiled_for(model.equations(Linear(1.0))) is kernel
    module.change()
    assert compiled_for(model.equations(Linear(1.0))) is not kernel


@pytest.mark.parametrize(
    "which", [name if name in ("helper", "source") else pytest.param(name, marks=pytest.mark.long) for name in NAMES]
)
def test_a_value_changed_in_the_process_is_the_new_one(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, model = reading(which, tmp_path, monkeypatch)

    def slope() -> float:
        return float(model.derivatives([[1.0]], [[0.0]])[0, 0])

    old = slope()
    module.change()
    assert (old, slope()) == ((2.0, 4.5) if which == "source" else (2.0, 3.0))


def reading(which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Relaxation]:
    """A module, whose ``change()`` changes the value, and a model that reads it so."""
    (tmp_path / "constants.py").write_text(CONSTANTS)
    (tmp_path / "readers.py").write_text(READERS)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("constants", "readers"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module: Any = importlib.import_module("readers")
    rhs = next(value for name, value in vars(module).items() if name.endswith(f"s_{which}") or name == f"no_{which}")

    class Model(Relaxation):
        pass

    Model.rhs = staticmethod(rhs)  # type: ignore[assignment]
    return module, Model()


# -- a cache that is broken ------------------------------------------------------------------------------------------------


def test_a_broken_cache_heals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path))

    def loads() -> int:
        """How many functions came from the cache, as in a new process; the slope is right."""
        monkeypatch.setattr(compiler, "_compiled", {})
        model = Relaxation(tau_ms=2.0)
        assert model.derivatives([[3.0]], [[0.0]]) == -1.5
        function: Any = compiled_for(model.equations(Linear(1.0))).derivatives
        return sum(function.stats.cache_hits.values())

    assert loads() == 0
    assert loads() == 1
    (source,) = (tmp_path / "masses").iterdir()
    (code,) = (tmp_path / "numba").iterdir()
    text, content = source.read_bytes(), code.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for broken in (b"", content[:middle], flipped):
        code.write_bytes(broken)
        assert loads() == 0
        assert loads() == 1
    for broken in (b"\xff", text[:500]):
        source.write_bytes(broken)
        assert loads() == 1  # the machine code is whole
        assert source.read_bytes() == text
    source.unlink()
    source.mkdir()  # nowhere to write
    assert loads() == 0


@pytest.mark.long
def test_processes_may_race(tmp_path: Path) -> None:
    write(tmp_path, "Model")
    with ThreadPoolExecutor(3) as pool:
        assert {each[0][0] for each in pool.map(lambda _: slopes(tmp_path, "Model"), range(3))} == {-6.5}
    assert slopes(tmp_path, "Model")[0][0] == -6.5
    assert slopes(tmp_path, "Model") == [(-6.5, 1)]


@pytest.mark.parametrize("bad", ["return (0.0, 'a')", "return (0.0,) * 3", "return 0.0"])
def test_equations_that_cannot_be_compiled_are_refused_by_the_name_of_the_model(bad: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def equations(state, coupling, drive_hz, p):\n    {bad}", namespace)

    class Broken(Relaxation):
        rhs = staticmethod(namespace["equations"])

    with pytest.raises(ConfigurationError, match=r"Broken\.rhs"):
        Broken().derivatives(np.zeros((1, 2)), np.zeros((1, 2)))


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("return (p.Tau * state[0],)", "The compiler says: Unknown attribute 'Tau'"),
        ("return (helper(state[0]),)", "The compiler says: Untyped global name 'helper'"),
    ],
)
def test_the_cause_is_told_and_where_it_stands(body: str, cause: str) -> None:
    namespace: dict[str, Any] = {"helper": lambda x: -x}
    exec(f"def equations(state, coupling, drive_hz, p):\n    {body}", namespace)

    class Broken(Relaxation):
        rhs = staticmethod(namespace["equations"])

    with pytest.raises(ConfigurationError, match=cause) as caught:
        Broken().derivatives(np.zeros((1, 2)), np.zeros((1, 2)))
    assert "kernel_" not in str(caught.value)
