"""The unit a readout leaves in, from its name."""

from __future__ import annotations

import ast
import operator
from typing import Any

from brian2.core.namespace import DEFAULT_UNITS
from brian2.units.fundamentalunits import DIMENSIONLESS, Unit, get_dimensions, get_unit

from hybrid.errors import ConfigurationError

# by the names they have in Brian2 scripts (mvolt, mV) and by those that Brian2 prints (V, uV)
_UNITS = {**{each.dispname: each for each in DEFAULT_UNITS.values() if isinstance(each, Unit)}, **DEFAULT_UNITS}
_OPERATORS: dict[type[ast.operator], Any] = {ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow}


def si_units_in(unit: str, dimension: Any, what: str, variable: str) -> float:
    """How many SI units make one ``unit``, which must fit the ``dimension`` of ``variable``; any text fits a plain number.

    ``ConfigurationError`` names ``what`` and a unit that would fit.
    """
    known = _parsed(unit)
    if known is None and dimension is DIMENSIONLESS:
        return 1.0
    if known is None or get_dimensions(known) is not dimension:
        said = "is no Brian2 unit" if known is None else "does not fit"
        raise ConfigurationError(
            f"{what}: unit {unit!r} {said}; {variable} takes a unit like {str(get_unit(dimension))!r}, with a prefix or "
            f"not (written as in 'mV' or 'nS/um**2')"
        )
    return float(known)


def _parsed(text: str) -> Any:
    """The Brian2 unit that ``text`` names, also products, quotients and powers of them; ``None`` if it names none."""
    try:
        return _value_of(ast.parse(text, mode="eval").body)
    except (SyntaxError, KeyError, TypeError):
        return None


def _value_of(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return _UNITS[node.id]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value_of(node.left), _value_of(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value_of(node.operand)
    raise TypeError(f"{ast.dump(node)} is not part of a unit")
