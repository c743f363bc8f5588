"""Compiled kernels are found again by later processes, and never those of other equations."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
import pytest
from floors import ROOT

from hybrid.masses.compiled.fingerprint import fingerprint
from hybrid.masses.compiled.private import private

USER_MODEL = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from numba import njit
from hybrid.masses import MassModel

GAIN = {gain}

@njit
def helper(x):
    return GAIN * x + {added}

def equations(state, coupling, drive_hz, p):
    return ({sign}helper(state[0]),)

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
from hybrid.masses import MassNetwork
from hybrid.masses.compiled.compiler import compiled_for
from masses_toys import lived, one_node, prepared
for name in {names!r}:
    model = getattr(__import__(name.lower()), name)()
    slope = model.derivatives([[3.0]], [[0.0]])[0, 0]
    loaded = sum(compiled_for(model).derivatives.stats.cache_hits.values())
    if {whole}:
        network = MassNetwork("net", one_node(), model, initial={{"x": 3.0}}, integrator="euler")
        x = lived(prepared(network, 0.5), 2)["x"][:, 0]
        assert abs((x[1] - x[0]) / 0.5 - slope) < 1e-12, (name, x, slope)
    print(slope, loaded)
"""


def write(folder: Path, name: str, gain: float = 2.0, added: float = 0.5, sign: str = "-") -> None:
    (folder / f"{name.lower()}.py").write_text(USER_MODEL.format(name=name, gain=gain, added=added, sign=sign))


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
    assert slopes(tmp_path, "Model") == [(-6.5, 1)]
    write(tmp_path, "Model", gain=3.0)  # a global that a helper uses
    assert slopes(tmp_path, "Model") == [(-9.5, 0)]
    write(tmp_path, "Model", gain=3.0, added=0.25)  # a constant in the helper
    assert slopes(tmp_path, "Model") == [(-9.25, 0)]
    write(tmp_path, "Model", gain=3.0, added=0.25, sign="+")  # the equations
    assert slopes(tmp_path, "Model") == [(9.25, 0)]
    write(tmp_path, "Model")
    assert slopes(tmp_path, "Model") == [(-6.5, 1)]
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


def function(body: str = "return x + A", **scope: Any) -> Any:
    namespace = {"np": np, "math": math, "numba": numba, **scope}
    exec(f"def f(x, y=1.0):\n    {body}", namespace)
    return namespace["f"]


def test_fingerprint_changes_with_anything_the_code_uses() -> None:
    module = ModuleType("mine")
    module.A = 1.0  # type: ignore[attr-defined]
    other = ModuleType("mine")
    other.A = 2.0  # type: ignore[attr-defined]
    different = [
        function(A=1.0),
        function(A=1),
        function(A=2.0),
        function("return x - A", A=1.0),
        function("return x + 2 * A", A=1.0),
        function("return math.exp(x) + A", A=1.0),
        function("return np.exp(x) + A", A=1.0),
        function("return x + A[0]", A=np.array([1.0])),
        function("return x + A[0]", A=np.array([2.0])),
        function("return x + A[0]", A=(2.0,)),
        function("return A(x)", A=numba.njit(function(A=1.0))),
        function("return A(x)", A=numba.njit(function(A=2.0))),
        function("return A(x)", A=numba.njit(fastmath=True)(function(A=1.0))),
        function("return x + m.A", m=module),
        function("return x + m.A", m=other),
        function("return sum([A * k for k in (x, y)])", A=1.0),
        function("return sum([A * k for k in (x, y)])", A=2.0),
    ]
    marks = [fingerprint(each) for each in different]
    assert None not in marks
    assert len(set(marks)) == len(marks)
    assert fingerprint(function(A=1.0, B=5.0)) == fingerprint(function(A=1.0))  # what it does not use does not count
    defaults = function(A=1.0)
    defaults.__defaults__ = (2.0,)
    assert fingerprint(defaults) not in marks


def test_what_cannot_be_hashed_has_no_fingerprint() -> None:
    assert fingerprint(function(A=object())) is None


def test_private_copies_call_private_copies() -> None:
    helper = numba.njit(function("return 2.0 * x"))
    mine = private(function("return A(x) + 1.0", A=helper), "mark")
    assert mine(3.0) == 7.0
    assert mine.py_func.__qualname__ == "f_mark"
    assert mine.py_func.__globals__["A"].py_func.__qualname__ == "f_mark"
    assert mine.py_func.__globals__["A"] is not helper


@pytest.mark.parametrize("bad", ["return (0.0, 'a')", "return (0.0,) * 3", "return 0.0"])
def test_equations_that_cannot_be_compiled_are_refused_by_the_name_of_the_model(bad: str) -> None:
    from masses_toys import Relaxation

    from hybrid.errors import ConfigurationError

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
    from masses_toys import Relaxation

    from hybrid.errors import ConfigurationError

    namespace: dict[str, Any] = {"helper": lambda x: -x}
    exec(f"def equations(state, coupling, drive_hz, p):\n    {body}", namespace)

    class Broken(Relaxation):
        rhs = staticmethod(namespace["equations"])

    with pytest.raises(ConfigurationError, match=cause) as caught:
        Broken().derivatives(np.zeros((1, 2)), np.zeros((1, 2)))
    assert "kernel_" not in str(caught.value)
