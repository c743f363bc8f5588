"""What makes a circuit's library give the same bits whatever the compiler and the processor."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

from hybrid.elementary.translation import names, translated

# These let a compiler change a result (reassociate, contract, approximate) or ask for a processor of its own choice
_REFUSED = (
    "-Ofast",
    "-ffast-math",
    "-funsafe-math-optimizations",
    "-fassociative-math",
    "-freciprocal-math",
    "-ffinite-math-only",
    "-fno-signed-zeros",
    "-fno-signaling-nans",
    "-ffp-",
    "-fcx-",
    "-frounding-math",
    "-D__FAST_MATH__",
    "-m",
)
_KEPT = ("-MD", "-MMD")
STRICT = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]  # the last two change no result
# what the system calls the abilities of the third level, and g++; of the fourth both use the same names
_V3 = {
    "avx": "-mavx", "avx2": "-mavx2", "bmi1": "-mbmi", "bmi2": "-mbmi2", "f16c": "-mf16c", "fma": "-mfma", "abm": "-mlzcnt",
    "movbe": "-mmovbe",
}  # fmt: skip
_V4 = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]

# the same number; AVX2 has no conversion, so without this no loop over neurons with a refractory time would be vectorised
_TO_STEPS, _TO_STEPS_VECTORISED = "return (int64_t)((t +", "return hybrid::elementary::whole_of((t +"

_HEAD = """// Elementary functions, which generated code finds in place of the library's.
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
namespace hybrid { namespace elementary {
"""
_UNARY = "template <class T> static inline typename Result<T>::type %s(T x) { return %s((double)x); }"
_TAIL = """
template <class T> struct Result { typedef double type; };
template <> struct Result<float> { typedef float type; };
%s
static inline int64_t whole_of(double x) { return bits(__builtin_trunc(x) + ROUNDS) - bits(ROUNDS); }  // below 2**51
static inline double whole_power(double x, int64_t n)
{
    if (n > 64 || n < -64)
        return pow(x, (double)n);
    uint64_t left = n < 0 ? (uint64_t)-n : (uint64_t)n;
    double power = 1.0;
    for (; left; left >>= 1)
    {
        if (left & 1)
            power *= x;
        x *= x;
    }
    return n < 0 ? 1.0 / power : power;
}
template <class A, class B> static inline typename std::enable_if<std::is_integral<B>::value, double>::type
pow(A x, B n) { return whole_power((double)x, (int64_t)n); }
template <class A, class B> static inline typename std::enable_if<!std::is_integral<B>::value, double>::type
pow(A x, B y) { return pow((double)x, (double)y); }
static inline float pow(float x, float y) { return (float)pow((double)x, (double)y); }
} }
namespace brian { using hybrid::elementary::log; }  // of normal random numbers
"""


def strict_flags(flags: list[str]) -> list[str]:
    """The same flags without those that let bits depend on compiler or processor, and with those that do not."""
    kept = ["-O3" if each == "-Ofast" else each for each in flags]
    kept = [each for each in kept if each in _KEPT or not each.startswith(_REFUSED)]
    return [*kept, *STRICT, *target_flags()]


def target_flags() -> list[str]:
    """The level of x86-64 to compile for. It decides the time that code takes and none of its bits."""
    able = _abilities()
    if not able >= _V3.keys():
        return []
    more = _V4 if able >= set(_V4) else []
    return [*_V3.values(), *(f"-m{each}" for each in more), "-mtune=generic"]  # g++ 10 and older do not know the levels


@cache
def _abilities() -> frozenset[str]:
    if platform.machine() not in ("x86_64", "AMD64"):
        return frozenset()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((each for each in lines if each.startswith("flags")), "").split())


def elementary_source() -> str:
    """The file that a unit includes first."""
    unary = "\n".join(_UNARY % (name, name) for name in names() if name != "pow")
    return _HEAD + translated() + _TAIL % unary


def portable_lines(lines: list[str]) -> list[str]:
    """The lines of a code object, finding our functions in its namespace."""
    using = [f"using hybrid::elementary::{name};" for name in names()]
    return [*using, *(each.replace(_TO_STEPS, _TO_STEPS_VECTORISED) for each in lines)]
