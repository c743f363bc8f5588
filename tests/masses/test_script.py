"""What is written of a function computes what the function does, and changes with all that it uses."""

from __future__ import annotations

import linecache
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np

from hybrid.masses.compiled import script as script_module
from hybrid.masses.compiled.script import Script


def write_function(folder: Path, body: str = "return x + A") -> Any:
    """What defines the function ``f`` in a file of its own, as users do; with these globals."""
    path = folder / f"{abs(hash(body))}.py"
    path.write_text(f"def f(x, y=1.0):\n    {body}\n")

    def made(**scope: Any) -> Any:
        namespace = {"np": np, "math": math, "numba": numba, **scope}
        exec(compile(path.read_text(), str(path), "exec", dont_inherit=True), namespace)
        return namespace["f"]

    return made


def script_of(function: Any) -> Script:
    script = Script()
    script.function(function)
    return script


def test_the_text_changes_with_anything_the_code_uses(tmp_path: Path) -> None:
    def function(body: str = "return x + A", **scope: Any) -> Any:
        return write_function(tmp_path, body)(**scope)

    module = ModuleType("mine")
    module.A = 1.0  # type: ignore[attr-defined]
    other = ModuleType("mine")
    other.A = 2.0  # type: ignore[attr-defined]
    different = [
        function(A=1.0),
        function(A=1),
        function(A=2.0),
        function(A=math.inf),
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
    defaults = function(A=1.0)
    defaults.__defaults__ = (2.0,)
    scripts = [script_of(each) for each in (*different, defaults)]
    assert not any(each.given for each in scripts)
    assert len({each.text for each in scripts}) == len(scripts)
    assert script_of(function(A=1.0, B=5.0)).text == scripts[0].text  # what it does not use does not count


def test_what_is_written_computes_the_same(tmp_path: Path) -> None:
    @numba.njit
    def half(x: float) -> float:
        return x / 2.0

    @numba.njit
    def fact(n: float) -> float:
        return 1.0 if n < 2.0 else n * fact(n - 1.0)

    gain, module = np.array([3.0, math.pi]), ModuleType("mine")
    module.half = half  # type: ignore[attr-defined]
    body = "return half(x) * gain[1] + module.half(y) - np.float64(big) + sum([y * k for k in (x, y)]) + fact(4.0)"
    function = write_function(tmp_path, body)(half=half, gain=gain, module=module, big=-1e300, fact=fact)
    script = Script("import numpy as np", "from types import ModuleType", "from numba import njit")
    script.lines.append("inlined = njit")
    name = script.function(function, {"error_model": "numpy"})
    namespace: dict[str, Any] = {"given": script.given}
    exec(script.text, namespace)
    assert not script.given
    assert namespace[name](2.0) == function(2.0)


def test_what_cannot_be_written_is_given(tmp_path: Path) -> None:
    """An object of any other kind, a function without a file, and one whose file is no longer what was imported."""
    thing = object()
    assert script_of(write_function(tmp_path)(A=thing)).given == [thing]
    assert len(script_of(eval("lambda x: x")).given) == 1
    function = write_function(tmp_path)(A=1.0)
    Path(function.__code__.co_filename).write_text("def f(x, y=1.0):\n    return x * A\n")
    linecache.checkcache()
    script_module._source_of.cache_clear()
    assert script_of(function).given == [function.__code__]


CALL_EACH_OTHER = """
import numba

@numba.njit
def even(n):
    return 1.0 if n == 0.0 else odd(n - 1.0)

@numba.njit
def odd(n):
    return 0.0 if n == 0.0 else even(n - 1.0)

inlined = 3.0

def uses_a_name_of_the_text(x):
    return x * inlined

@numba.njit
def twice(x):
    return 2.0 * x

def named(x):
    return named(x) + 1.0

wrapper, named = named, twice
"""


def test_functions_that_call_each_other_and_names_that_hide_others(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(CALL_EACH_OTHER)
    scope: dict[str, Any] = {}
    exec(compile(CALL_EACH_OTHER, str(path), "exec", dont_inherit=True), scope)
    assert script_of(scope["even"].py_func).given  # ends, and is for this process only
    for name, expected in (("uses_a_name_of_the_text", 6.0), ("wrapper", 5.0)):
        script = Script("from numba import njit", "inlined = njit")
        written = script.function(scope[name])
        namespace = {"given": script.given, "remade": script_module.remade}
        exec(script.text, namespace)
        assert namespace[written](2.0) == expected
