"""Elementary functions as plain arithmetic: the same bits from every compiler, processor and mathematical library.

Branch-free, so that loops over them are vectorised, and right to within about a unit of the last place. Only what IEEE 754
fixes is used: sums, products, quotients, fused multiply-add, comparisons and bits. Results below the smallest normal number
are 0. :mod:`hybrid.elementary.translation` makes C++ of the same text, so keep to what it knows: annotated names,
conditional expressions, calls of functions above.

Reductions and polynomials of log, sin, cos and atan follow fdlibm (Sun Microsystems, 1993).
"""

# mypy: disable-error-code="no-any-return, return-value"
from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

INFINITY, NAN = math.inf, math.nan
LARGEST, SMALLEST = 709.782712893384, -708.3964185322641  # exp of more overflows, of less is no normal number
SMALLEST_NORMAL = 2.2250738585072014e-308
ROUNDS = 6755399441055744.0  # 1.5 * 2**52; adding it leaves a whole number in the last bits
WHOLE = 4503599627370496.0  # 2**52: or-ing a whole number below into its bits adds it
WHOLE_BITS = 0x4330000000000000
MANTISSA = 0xFFFFFFFFFFFFF
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
TO_SQRT_HALF = 0x3FF0000000000000 - SQRT_HALF_BITS
PER_LN2, LN2, LN2_REST = 1.4426950408889634, 0.6931471805599453, 2.3190468138462996e-17
LN2_SHORT, LN2_SHORT_REST = 0.6931471805592082, 7.371002565167799e-13  # 40 bits: its products with exponents are exact
PER_LN10, PER_LN10_REST = 0.4342944819032518, 1.098319650216765e-17
TWO_THIRDS, TWO_THIRDS_REST = 0.6666666666666666, 3.700743415417188e-17
PER_QUARTER_TURN = 0.6366197723675814
QUARTER_TURN, QUARTER_TURN_REST, QUARTER_TURN_LAST = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33
TOO_FAR = 1125899906842624.0  # 2**50: beyond, neighbouring numbers are so far apart that a sine says nothing


@intrinsic  # type: ignore[untyped-decorator]
def fma(typing_context: Any, x: Any, y: Any, z: Any) -> Any:
    """``x * y + z``, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


_inlined = njit(nogil=True, error_model="numpy", forceinline=True)


@_inlined  # type: ignore[untyped-decorator]
def bits(x: float) -> int:
    return np.float64(x).view(np.int64)


@_inlined  # type: ignore[untyped-decorator]
def real(i: int) -> float:
    return np.int64(i).view(np.float64)


@_inlined  # type: ignore[untyped-decorator]
def sqrt(x: float) -> float:
    return math.sqrt(x)


@_inlined  # type: ignore[untyped-decorator]
def floor(x: float) -> float:
    return np.floor(x)


# ---- from here on also translated to C++ ----


@_inlined  # type: ignore[untyped-decorator]
def exp(x: float) -> float:
    shifted: float = fma(x, PER_LN2, ROUNDS)
    k: float = shifted - ROUNDS
    r: float = fma(k, -LN2_REST, fma(k, -LN2, x))
    q: float = fma(r, 2.510038549551032e-08, 2.7620088445409746e-07)
    q = fma(r, q, 2.7557268459997064e-06)
    q = fma(r, q, 2.4801521295954376e-05)
    q = fma(r, q, 0.00019841269863053618)
    q = fma(r, q, 0.0013888888917213717)
    q = fma(r, q, 0.008333333333330062)
    q = fma(r, q, 0.04166666666662413)
    q = fma(r, q, 0.16666666666666669)
    q = fma(r, q, 0.5000000000000001)
    p: float = fma(r * r, q, r) + 1.0
    scaled: float = real(bits(p) + (bits(shifted) << 52))
    above: float = scaled if x >= SMALLEST else 0.0
    return above if x <= LARGEST else x + INFINITY


@_inlined  # type: ignore[untyped-decorator]
def expm1(x: float) -> float:
    above: float = -40.0 if x < -40.0 else x
    shifted: float = fma(above, PER_LN2, ROUNDS)
    k: float = shifted - ROUNDS
    r: float = fma(k, -LN2_REST, fma(k, -LN2, above))
    q: float = fma(r, 2.510038549551032e-08, 2.7620088445409746e-07)
    q = fma(r, q, 2.7557268459997064e-06)
    q = fma(r, q, 2.4801521295954376e-05)
    q = fma(r, q, 0.00019841269863053618)
    q = fma(r, q, 0.0013888888917213717)
    q = fma(r, q, 0.008333333333330062)
    q = fma(r, q, 0.04166666666662413)
    q = fma(r, q, 0.16666666666666669)
    q = fma(r, q, 0.5000000000000001)
    p: float = fma(r * r, q, r)
    half: float = real((bits(shifted) << 52) + 0x3FE0000000000000)  # 2 ** (k - 1)
    result: float = 2.0 * fma(half, p, half - 0.5)
    near: float = p if k == 0.0 else result
    return near if x <= LARGEST else x + INFINITY


@_inlined  # type: ignore[untyped-decorator]
def tanh(x: float) -> float:
    t: float = expm1(-2.0 * abs(x))
    y: float = (0.0 - t) / (t + 2.0)
    return -y if x < 0.0 else y


@_inlined  # type: ignore[untyped-decorator]
def sinh(x: float) -> float:
    a: float = abs(x)
    t: float = expm1(22.0 if a > 22.0 else a)
    half: float = exp(0.5 * a)
    y: float = (0.5 * half) * half if a > 22.0 else 0.5 * (t + t / (t + 1.0))
    return -y if x < 0.0 else y


@_inlined  # type: ignore[untyped-decorator]
def cosh(x: float) -> float:
    a: float = abs(x)
    e: float = exp(22.0 if a > 22.0 else a)
    half: float = exp(0.5 * a)
    return (0.5 * half) * half if a > 22.0 else 0.5 * e + 0.5 / e


@_inlined  # type: ignore[untyped-decorator]
def log(x: float) -> float:
    tiny: bool = x < SMALLEST_NORMAL
    shifted: int = bits(x * 18014398509481984.0 if tiny else x) + TO_SQRT_HALF
    k: float = real((shifted >> 52) | WHOLE_BITS) - (WHOLE + 1023.0)
    k = k - 54.0 if tiny else k
    f: float = real((shifted & MANTISSA) + SQRT_HALF_BITS) - 1.0
    s: float = f / (f + 2.0)
    z: float = s * s
    q: float = fma(z, 0.14617807153417325, 0.15331611722055008)
    q = fma(z, q, 0.1818289243253687)
    q = fma(z, q, 0.22222211089379496)
    q = fma(z, q, 0.28571428626253836)
    q = fma(z, q, 0.3999999999989889)
    q = z * fma(z, q, 0.666666666666667)
    h: float = 0.5 * f * f
    result: float = fma(k, LN2_SHORT, f - (h - fma(s, h + q, k * LN2_SHORT_REST)))
    below: float = -INFINITY if x == 0.0 else NAN
    above: float = result if x > 0.0 else below
    return above if x < INFINITY else x


@_inlined  # type: ignore[untyped-decorator]
def log1p(x: float) -> float:
    u: float = 1.0 + x
    y: float = log(u) + (x - (u - 1.0)) / u
    return y if u > 0.0 and x < INFINITY else log(u)


@_inlined  # type: ignore[untyped-decorator]
def log_pair(x: float) -> tuple[float, float]:
    """The logarithm of a positive finite number as a sum of two."""
    tiny: bool = x < SMALLEST_NORMAL
    shifted: int = bits(x * 18014398509481984.0 if tiny else x) + TO_SQRT_HALF
    k: float = real((shifted >> 52) | WHOLE_BITS) - (WHOLE + 1023.0)
    k = k - 54.0 if tiny else k
    m: float = real((shifted & MANTISSA) + SQRT_HALF_BITS)
    f: float = m - 1.0
    d: float = m + 1.0
    d_rest: float = (1.0 - (d - (d - 1.0))) + (m - (d - 1.0))
    s: float = f / d
    s_rest: float = (fma(-s, d, f) - s * d_rest) / d
    z: float = s * s
    z_rest: float = fma(s, s, -z) + 2.0 * s * s_rest
    c: float = s * z
    c_rest: float = fma(s, z, -c) + s * z_rest + s_rest * z
    g: float = c * TWO_THIRDS
    g_rest: float = fma(c, TWO_THIRDS, -g) + c * TWO_THIRDS_REST + c_rest * TWO_THIRDS
    q: float = fma(z, 0.08, 0.08695652173913043)
    q = fma(z, q, 0.09523809523809523)
    q = fma(z, q, 0.10526315789473684)
    q = fma(z, q, 0.11764705882352941)
    q = fma(z, q, 0.13333333333333333)
    q = fma(z, q, 0.15384615384615385)
    q = fma(z, q, 0.18181818181818182)
    q = fma(z, q, 0.2222222222222222)
    q = fma(z, q, 0.2857142857142857)
    q = fma(z, q, 0.4)
    e: float = k * LN2_SHORT
    h: float = e + 2.0 * s
    h_rest: float = (e - h) + 2.0 * s
    t: float = h + g
    t_rest: float = (h - t) + g
    rest: float = h_rest + t_rest + (fma(k, LN2_SHORT_REST, 2.0 * s_rest) + g_rest + c * z * q)
    high: float = t + rest
    return high, (t - high) + rest


@_inlined  # type: ignore[untyped-decorator]
def log10(x: float) -> float:
    high, low = log_pair(x)
    p: float = high * PER_LN10
    y: float = p + (fma(high, PER_LN10, -p) + fma(high, PER_LN10_REST, low * PER_LN10))
    return y if x > 0.0 and x < INFINITY else log(x)


@_inlined  # type: ignore[untyped-decorator]
def pow(x: float, y: float) -> float:
    a: float = abs(x)
    high, low = log_pair(a)
    p: float = y * high
    e: float = exp(p)
    r: float = fma(e, fma(y, high, -p) + y * low, e) if e > 0.0 and e < INFINITY else e
    small: bool = a == 0.0 if y > 0.0 else a == INFINITY
    large: bool = a == INFINITY if y > 0.0 else a == 0.0
    r = 0.0 if small else r
    r = INFINITY if large else r
    r = 1.0 if a == 1.0 else r
    whole: bool = floor(y) == y
    odd: bool = whole and floor(0.5 * y) != 0.5 * y
    r = -r if odd and bits(x) < 0 else r
    r = NAN if x < 0.0 and a < INFINITY and not whole else r
    r = r if x == x and y == y else NAN
    return 1.0 if x == 1.0 or y == 0.0 else r


@_inlined  # type: ignore[untyped-decorator]
def reduced(x: float) -> tuple[float, float]:
    """An angle less whole quarters of a turn, as a sum of two."""
    k: float = fma(x, PER_QUARTER_TURN, ROUNDS) - ROUNDS
    r: float = fma(k, -QUARTER_TURN, x)
    p: float = k * QUARTER_TURN_REST
    w: float = r - p
    lost: float = (r - (w - (w - r))) - (p + (w - r))
    return w, fma(k, -QUARTER_TURN_LAST, lost - fma(k, QUARTER_TURN_REST, -p))


@_inlined  # type: ignore[untyped-decorator]
def sine_of(x: float, rest: float) -> float:
    """Within an eighth of a turn."""
    z: float = x * x
    q: float = fma(z, 1.58969099521155010221e-10, -2.50507602534068634195e-08)
    q = fma(z, q, 2.75573137070700676789e-06)
    q = fma(z, q, -1.98412698298579493134e-04)
    q = fma(z, q, 8.33333333332248946124e-03)
    v: float = z * x
    return x - ((z * fma(-v, q, 0.5 * rest) - rest) - v * -1.66666666666666324348e-01)


@_inlined  # type: ignore[untyped-decorator]
def cosine_of(x: float, rest: float) -> float:
    """Within an eighth of a turn."""
    z: float = x * x
    q: float = fma(z, -1.13596475577881948265e-11, 2.08757232129817482790e-09)
    q = fma(z, q, -2.75573143513906633035e-07)
    q = fma(z, q, 2.48015872894767294178e-05)
    q = fma(z, q, -1.38888888888741095749e-03)
    q = z * fma(z, q, 4.16666666666666019037e-02)
    h: float = 0.5 * z
    w: float = 1.0 - h
    return w + (((1.0 - w) - h) + fma(z, q, -x * rest))


@_inlined  # type: ignore[untyped-decorator]
def sin(x: float) -> float:
    quarters: int = bits(fma(x, PER_QUARTER_TURN, ROUNDS))
    w, rest = reduced(x)
    y: float = sine_of(w, rest) if (quarters & 1) == 0 else cosine_of(w, rest)
    y = y if (quarters & 2) == 0 else -y
    return y if abs(x) < TOO_FAR else NAN


@_inlined  # type: ignore[untyped-decorator]
def cos(x: float) -> float:
    quarters: int = bits(fma(x, PER_QUARTER_TURN, ROUNDS)) + 1
    w, rest = reduced(x)
    y: float = sine_of(w, rest) if (quarters & 1) == 0 else cosine_of(w, rest)
    y = y if (quarters & 2) == 0 else -y
    return y if abs(x) < TOO_FAR else NAN


@_inlined  # type: ignore[untyped-decorator]
def tan(x: float) -> float:
    return sin(x) / cos(x)


@_inlined  # type: ignore[untyped-decorator]
def atan(x: float) -> float:
    """Of one of five stretches, less the arc tangent of its middle."""
    a: float = abs(x)
    first: bool = a < 0.4375
    second: bool = a < 0.6875
    third: bool = a < 1.1875
    fourth: bool = a < 2.4375
    over: float = 1.0 if third else (1.5 if fourth else 0.0)
    over = 0.5 if second else over
    middle: float = 0.0 if first else over
    beyond: bool = not fourth
    numerator: float = -1.0 if beyond else a - middle
    w: float = numerator / (a if beyond else fma(a, middle, 1.0))
    base: float = 0.7853981633974483 if third else (0.982793723247329 if fourth else 1.5707963267948966)
    base_rest: float = 3.061616997868383e-17 if third else (1.3903311031230998e-17 if fourth else 6.123233995736766e-17)
    base = 0.4636476090008061 if second else base
    base_rest = 2.2698777452961687e-17 if second else base_rest
    base = 0.0 if first else base
    base_rest = 0.0 if first else base_rest
    z: float = w * w
    q: float = fma(z, 1.62858201153657823623e-02, -3.65315727442169155270e-02)
    q = fma(z, q, 4.97687799461593236017e-02)
    q = fma(z, q, -5.83357013379057348645e-02)
    q = fma(z, q, 6.66107313738753120669e-02)
    q = fma(z, q, -7.69187620504482999495e-02)
    q = fma(z, q, 9.09088713343650656196e-02)
    q = fma(z, q, -1.11111104054623557880e-01)
    q = fma(z, q, 1.42857142725034663711e-01)
    q = fma(z, q, -1.99999999998764832476e-01)
    q = z * fma(z, q, 3.33333333333329318027e-01)
    y: float = base - ((w * q - base_rest) - w)
    return -y if x < 0.0 else y


@_inlined  # type: ignore[untyped-decorator]
def asin(x: float) -> float:
    return atan(x / sqrt((1.0 - x) * (1.0 + x)))


@_inlined  # type: ignore[untyped-decorator]
def acos(x: float) -> float:
    return 2.0 * atan(sqrt((1.0 - x) / (1.0 + x)))
