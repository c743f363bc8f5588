"""Elementary functions: right to about a unit of the last place, and the same bits from numba and from C++."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess

import mpmath
import numpy as np
import pytest
from numba import njit

from hybrid.circuits.compiled.portable import STRICT, elementary_source, target_flags
from hybrid.elementary import arrays, functions
from hybrid.elementary.translation import names

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -3.0, 0.5, -0.5, 800.0, -800.0, 1e300, -1e300])
OF_NUMPY = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "pow": "power"}
UNARY = [name for name in names() if name != "pow"]


def spread(low, high, count=400):
    return np.random.default_rng(1).uniform(low, high, count)


RANGES = {  # where a function is tried, and by how many units of the last place it may be off
    "exp": ([spread(-708, 709.7), spread(-1, 1)], 1.0),
    "expm1": ([spread(-60, 709.7), spread(-1, 1), 10 ** spread(-20, 0)], 2.5),
    "tanh": ([spread(-25, 25), spread(-1, 1), 10 ** spread(-20, 0)], 3.0),
    "sinh": ([spread(-709, 709), spread(-2, 2), 10 ** spread(-20, 0)], 3.0),
    "cosh": ([spread(-709, 709), spread(-2, 2)], 3.0),
    "log": ([10 ** spread(-307, 307), spread(0.5, 2), 1 + spread(-1e-6, 1e-6), np.array([5e-324, 1e-310])], 1.0),
    "log1p": ([10 ** spread(-20, 20), spread(-0.999, 2)], 2.0),
    "log10": ([10 ** spread(-307, 307), spread(0.5, 2), 10.0 ** np.arange(0, 22)], 0.6),
    "sin": ([spread(-10, 10), spread(-1e6, 1e6), spread(-1e15, 1e15), np.arange(1, 400) * np.pi / 2], 2.0),
    "cos": ([spread(-10, 10), spread(-1e6, 1e6), spread(-1e15, 1e15), np.arange(1, 400) * np.pi / 2], 2.0),
    "tan": ([spread(-10, 10), spread(-1e6, 1e6)], 2.5),
    "atan": ([spread(-3, 3), 10 ** spread(-300, 300)], 1.0),
    "asin": ([spread(-1, 1), 10 ** spread(-20, 0)], 2.5),
    "acos": ([spread(-1, 1)], 2.5),
}


def units_off(found, right):
    return abs((mpmath.mpf(float(found)) - right) / mpmath.mpf(float(np.spacing(abs(float(right))))))


@pytest.mark.parametrize("name", UNARY)
def test_is_right(name):
    function, (parts, allowed) = getattr(functions, name), RANGES[name]
    with mpmath.workdps(50):
        worst = max(
            units_off(function(x), getattr(mpmath, name)(mpmath.mpf(x))) for x in np.concatenate(parts).tolist()
        )
    assert worst <= allowed


def test_powers_are_right():
    x, y = 10 ** spread(-5, 5), np.random.default_rng(2).uniform(-50, 50, 400)
    with mpmath.workdps(50):
        worst = max(
            units_off(functions.pow(a, b), mpmath.mpf(a) ** mpmath.mpf(b))
            for a, b in zip(x.tolist(), y.tolist(), strict=True)
        )
    assert worst <= 1.5


@pytest.mark.parametrize("name", UNARY)
def test_borders_of_the_range(name):
    with np.errstate(all="ignore"):
        right = getattr(np, OF_NUMPY.get(name, name))(SPECIAL)
    inside = (
        np.abs(SPECIAL) < 1e15 if name in ("sin", "cos", "tan") else np.full(SPECIAL.shape, True)
    )  # beyond: no sine
    found = np.array([getattr(functions, name)(x) for x in SPECIAL.tolist()])
    np.testing.assert_allclose(found[inside], right[inside], rtol=1e-15)


def test_borders_of_powers():
    x, y = (each.ravel() for each in np.meshgrid(SPECIAL, SPECIAL))
    with np.errstate(all="ignore"):
        right = np.array([np.power(np.longdouble(a), np.longdouble(b)) for a, b in zip(x, y, strict=True)]).astype(
            float
        )
    found = np.array([functions.pow(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)])
    np.testing.assert_allclose(found, right, rtol=1e-15)


def test_numbers_and_arrays_of_every_shape():
    assert arrays.exp(np.zeros((2, 3))).shape == (2, 3)
    assert arrays.exp(0.0) == 1.0
    assert arrays.tanh(0.0) == 0.0


def test_inverse_hyperbolic_sine_of_arrays():
    x = np.concatenate([10 ** spread(-20, 300), -spread(0, 10), [0.0]])
    np.testing.assert_allclose(arrays.arcsinh(x), np.arcsinh(x), rtol=4e-16)


PROGRAM = """
{source}
namespace of = hybrid::elementary;
{each}
extern "C" void all_pow(const double* x, const double* y, double* z, long n)
{{ for (long i = 0; i < n; i++) z[i] = of::pow(x[i], y[i]); }}
"""
ONE = 'extern "C" void all_{0}(const double* x, double* y, long n) {{ for (long i = 0; i < n; i++) y[i] = of::{0}(x[i]); }}'

V3 = ["-march=x86-64-v3", "-mtune=generic"]
BUILDS = {
    "g++": ["g++", "-O3", *V3],
    "g++ -O1": ["g++", "-O1", *V3],
    "g++ for haswell": ["g++", "-O3", "-march=haswell"],
    "g++ for znver3": ["g++", "-O3", "-march=x86-64-v3", "-mtune=znver3"],
    "g++ for this processor": ["g++", "-O3", "-march=native"],
    "g++ without fma": ["g++", "-O3"],
    "clang": [*shlex.split(os.environ.get("HYBRID_TEST_CLANG", "clang++")), "-O3", *V3],
}


@pytest.mark.skipif(not target_flags(), reason="this machine is no x86-64 of the third level")
@pytest.mark.parametrize(
    "build",
    [pytest.param(each, marks=[pytest.mark.long] * (each in ("g++ -O1", "g++ for haswell"))) for each in BUILDS],
)
def test_same_bits_from_cpp(build, tmp_path):
    command = BUILDS[build]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed; $HYBRID_TEST_CLANG may name another")
    text = PROGRAM.format(source=elementary_source(), each="\n".join(ONE.format(name) for name in UNARY))
    (tmp_path / "all.cpp").write_text(text)
    flags = ["-std=c++11", "-w", "-fPIC", "-shared", *STRICT]
    subprocess.run([*command, *flags, "all.cpp", "-o", "all.so", "-lm"], cwd=tmp_path, check=True, timeout=300)
    library, rng = ctypes.CDLL(str(tmp_path / "all.so")), np.random.default_rng(3)
    x = np.concatenate(
        [rng.uniform(-710, 710, 2001), rng.uniform(-1, 1, 2001), 10 ** rng.uniform(-300, 300, 2001), SPECIAL]
    )
    for name in UNARY:
        same_bits(name, library, x)
    same_bits("pow", library, np.abs(x), rng.uniform(-40, 40, x.size))


def same_bits(name, library, *given):
    function = getattr(functions, name)

    @njit(error_model="numpy")
    def all_of_one(x, result):
        for i in range(x.size):
            result[i] = function(x[i])

    ours, theirs = np.empty_like(given[0]), np.empty_like(given[0])
    if len(given) == 1:
        all_of_one(*given, ours)
    else:
        powers(*given, ours)
    pointers = [ctypes.c_void_p(each.ctypes.data) for each in (*given, theirs)]
    getattr(library, f"all_{name}")(*pointers, ctypes.c_long(ours.size))
    both_nan = np.isnan(ours) & np.isnan(theirs)
    assert ((ours.view(np.int64) == theirs.view(np.int64)) | both_nan).all(), name


@njit(error_model="numpy")
def powers(x, y, result):
    for i in range(x.size):
        result[i] = functions.pow(x[i], y[i])
