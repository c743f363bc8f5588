"""Plain numbers inside, Brian2 quantities welcome at the door.

Names carry their unit (``tau_ms``). A Brian2 quantity handed to such an argument is converted here: ``float(10*ms)`` is
0.01, the trap this module exists for. Brian2 itself is not imported.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.errors import ConfigurationError, shown, unknown

FloatArray = NDArray[np.float64]

# exponents of (length, mass, time, current, temperature, amount, luminosity), and how many of ours make one SI unit
_UNITS: dict[str, tuple[tuple[int, ...], float]] = {
    "ms": ((0, 0, 1, 0, 0, 0, 0), 1e3),
    "s": ((0, 0, 1, 0, 0, 0, 0), 1.0),
    "hz": ((0, 0, -1, 0, 0, 0, 0), 1.0),
    "mv": ((2, 1, -3, -1, 0, 0, 0), 1e3),
    "ns": ((-2, -1, 3, 2, 0, 0, 0), 1e9),
    "na": ((0, 0, 0, 1, 0, 0, 0), 1e9),
    "mm": ((1, 0, 0, 0, 0, 0, 0), 1e3),
    "m_s": ((1, 0, -1, 0, 0, 0, 0), 1.0),
    "1": ((0, 0, 0, 0, 0, 0, 0), 1.0),
}


_BASES = {  # in what texts are written, one SI unit each: exponents as above
    ("s", "second"): (0, 0, 1, 0, 0, 0, 0),
    ("Hz", "hertz"): (0, 0, -1, 0, 0, 0, 0),
    ("V", "volt"): (2, 1, -3, -1, 0, 0, 0),
    ("S", "siemens"): (-2, -1, 3, 2, 0, 0, 0),
    ("A", "amp"): (0, 0, 0, 1, 0, 0, 0),
    ("m", "metre", "meter"): (1, 0, 0, 0, 0, 0, 0),
}
_PREFIXES = {"": 1.0, "M": 1e6, "k": 1e3, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9, "p": 1e-12}
_WRITTEN: dict[str, tuple[tuple[int, ...], float]] = {"cm": (_UNITS["mm"][0], 1e-2)} | {
    prefix + symbol: (exponents, size)
    for symbols, exponents in _BASES.items()
    for symbol in symbols
    for prefix, size in _PREFIXES.items()
}
_QUANTITY = re.compile(r"\s*(?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*\*?\s*(?P<unit>[^\d\s.+*-].*)?")
_LONGEST_TEXT = 60


def unit_in(name: str) -> str | None:
    """The unit that stands in a name: ``ms`` of ``tau_ms``, ``m_s`` of ``speed_m_s``; none of ``weight`` or ``mixing_per_ms``."""
    if "_per_" in name or not name.islower():  # K_s is a gain, no time
        return None
    return next((unit for unit in ("m_s", *_UNITS) if unit != "1" and name.endswith(f"_{unit}")), None)


def quantity(text: str, unit: str, what: str) -> float | None:
    """A number in ``unit`` from a text such as ``"10 ms"``, ``"3 m/s"`` or Brian2's ``"3*meter/second"``.

    ``None`` if the text does not begin with a number; ``ConfigurationError`` names ``what`` if its unit is unknown or of another
    dimension.
    """
    match = _QUANTITY.fullmatch(text.rstrip()) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        return None
    if match["unit"] is None:
        raise ConfigurationError(f"{what} = {text!r} is text; give the number without quotes (it is in {unit})")
    above, slash, below = (part.strip() for part in match["unit"].partition("/"))
    for symbol in (above, below) if slash else (above,):
        if symbol not in _WRITTEN:
            raise unknown(f"{what} = {text!r}: the unit", symbol, _COMMON)
    exponents, size = _WRITTEN[above]
    if slash:
        exponents = tuple(a - b for a, b in zip(exponents, _WRITTEN[below][0], strict=True))
        size /= _WRITTEN[below][1]
    expected, per_si = _UNITS[unit]
    if exponents != expected:
        raise ConfigurationError(
            f"{what} = {text!r} has the wrong dimension; give a number in {unit} or such a quantity"
        )
    return number(float(f"{float(match['number']) * size * per_si:.15g}"), unit, what)


_COMMON = ("s", "ms", "us", "Hz", "kHz", "mV", "V", "nS", "uS", "nA", "pA", "mm", "cm", "m", "m/s")


def _in(unit: str) -> str:
    return "" if unit == "1" else f" in {unit}"


def _factor(value: Any, unit: str, what: str) -> float:
    """How a possibly dimensional value becomes a number in ``unit``."""
    dimensions = getattr(value, "dim", None)
    if dimensions is None or not hasattr(dimensions, "_dims"):
        return 1.0
    expected, per_si = _UNITS[unit]
    if tuple(dimensions._dims) == expected:
        return per_si
    if getattr(dimensions, "is_dimensionless", False):
        return 1.0
    raise ConfigurationError(
        f"{what} = {shown(value)} has the wrong dimension; give a number{_in(unit)} or such a quantity"
    )


def _bare(value: Any, unit: str, what: str) -> Any:
    """Without dimensions; also inside of lists, where numpy would drop them."""
    if isinstance(value, list | tuple):
        return [_bare(each, unit, what) for each in value]
    return value if getattr(value, "dim", None) is None else np.asarray(value) * _factor(value, unit, what)


def number(
    value: Any,
    unit: str,
    what: str,
    *,
    positive: bool = False,
    at_least: float | None = None,
    at_most: float | None = None,
) -> float:
    """One finite number in ``unit`` from a plain number or a Brian2 quantity; ``ConfigurationError`` names ``what``."""
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        result, factor = float(np.asarray(value)), _factor(value, unit, what)
        if factor != 1.0:
            result = float(f"{result * factor:.15g}")  # 100 us are 0.1 ms, not 0.09999999999999999
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{what} = {shown(value)} is not a number; give one{_in(unit)}") from None
    if isinstance(value, bool) or not math.isfinite(result):
        raise ConfigurationError(f"{what} = {shown(value)} is not a finite number; give one{_in(unit)}")
    if positive and result <= 0:
        raise ConfigurationError(f"{what} = {result:g} must be above 0")
    if at_least is not None and result < at_least:
        raise ConfigurationError(f"{what} = {result:g} must be at least {at_least:g}")
    if at_most is not None and result > at_most:
        raise ConfigurationError(f"{what} = {result:g} must be at most {at_most:g}")
    return result


def array(value: Any, unit: str, what: str) -> FloatArray:
    """An array of finite numbers in ``unit``, a copy; ``ConfigurationError`` names ``what`` and the first bad entry."""
    try:
        given = np.array(_bare(value, unit, what))
        if given.dtype.kind in "SUc":
            raise TypeError("there is text or a complex number")
        result = given.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{what} is not an array of numbers{_in(unit)}: {error}") from None
    bad = np.argwhere(~np.isfinite(result))
    if len(bad):
        where = tuple(int(k) for k in bad[0])
        raise ConfigurationError(f"{what} is not finite at {where}: {result[where]} ({len(bad)} such entries)")
    return result


_RANGES: dict[type[np.integer[Any]], tuple[int, int]] = {
    kind: (int(np.iinfo(kind).min), int(np.iinfo(kind).max)) for kind in (np.int32, np.int64)
}


def whole_numbers(
    value: ArrayLike, kind: type[np.integer[Any]], what: str, *, at_least: int | None = None
) -> NDArray[Any]:
    """A list of whole numbers as ``kind``; a fraction, a NaN or a number that ``kind`` cannot hold is refused, never cast."""
    given = np.asarray(value)
    if given.ndim != 1:
        raise ConfigurationError(f"{what} have the shape {list(given.shape)}; give a list")
    if given.dtype == kind and at_least is None:
        return given
    if given.size and given.dtype.kind not in "iuf":
        raise ConfigurationError(f"{what} must be whole numbers, not {given.tolist()[0]!r}")
    least, most = _RANGES[kind]
    least = least if at_least is None else at_least
    of_floats = given.dtype.kind == "f"
    if not given.size or (not of_floats and least <= np.minimum.reduce(given) and np.maximum.reduce(given) <= most):
        return given.astype(kind, copy=False)
    bad = ~((given >= least) & (given < most + 1))  # powers of two, exact as floats too; NaN is in no range
    if of_floats:
        bad |= given != np.rint(given)
    if bad.any():
        raise ConfigurationError(
            f"{what} must be whole numbers from {least:,} to {most:,}, not {given[bad][0].item()!r} ({bad.sum()} such entries)"
        )
    return given.astype(kind, copy=False)
