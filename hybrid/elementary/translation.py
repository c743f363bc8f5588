"""C++ of :mod:`hybrid.elementary.functions`, from the same text, so that circuits and masses reckon alike."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from hybrid.elementary import functions

_PRIMITIVES = """
struct Pair { double high, low; };
static const double INFINITY_ = std::numeric_limits<double>::infinity(), NAN_ = std::numeric_limits<double>::quiet_NaN();
INLINED double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }
INLINED double sqrt(double x) { return __builtin_sqrt(x); }
INLINED double floor(double x) { return __builtin_floor(x); }
INLINED double abs(double x) { return __builtin_fabs(x); }
INLINED int64_t bits(double x) { int64_t i; std::memcpy(&i, &x, sizeof i); return i; }
INLINED double real(int64_t i) { double x; std::memcpy(&x, &i, sizeof x); return x; }
"""
_PRIMITIVE_NAMES = {"fma", "sqrt", "floor", "abs", "bits", "real"}
_RENAMED = {"INFINITY": "INFINITY_", "NAN": "NAN_"}  # those are macros
_TYPES = {"float": "double", "int": "int64_t", "bool": "bool"}
_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.BitAnd: "&", ast.BitOr: "|",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.And: "&&", ast.Or: "||", ast.USub: "-", ast.Not: "!",
}  # fmt: skip


@cache
def names() -> tuple[str, ...]:
    """The functions of one and of two numbers that equations may call."""
    return tuple(each.name for each in _functions() if _kind(each) == "double" and not each.name.endswith("_of"))


@cache
def translated() -> str:
    """The functions as C++, to stand in a namespace of their own, after ``<cstring>``, ``<limits>`` and ``<cstdint>``."""
    constants = [
        f"static const {'int64_t' if isinstance(value, int) else 'double'} {name} = {value!r};"
        for name, value in vars(functions).items()
        if name.isupper() and name not in _RENAMED
    ]
    return "\n".join(["#define INLINED static inline __attribute__((always_inline))", _PRIMITIVES, *constants,
                      *map(_function, _functions()), "#undef INLINED", ""])  # fmt: skip


def _functions() -> list[ast.FunctionDef]:
    body = ast.parse(Path(str(functions.__file__)).read_text(encoding="utf-8")).body
    found = [each for each in body if isinstance(each, ast.FunctionDef) and each.name not in _PRIMITIVE_NAMES]
    return [
        each for each in found if any(isinstance(by, ast.Name) and by.id == "_inlined" for by in each.decorator_list)
    ]


def _kind(function: ast.FunctionDef) -> str:
    return _TYPES.get(ast.unparse(function.returns), "Pair") if function.returns else "void"


def _function(function: ast.FunctionDef) -> str:
    arguments = ", ".join(f"double {each.arg}" for each in function.args.args)
    lines = [line for statement in function.body for line in _statement(statement)]
    return f"INLINED {_kind(function)} {function.name}({arguments})\n{{\n" + "\n".join(lines) + "\n}"


def _unknown(node: ast.AST) -> TypeError:
    return TypeError(
        f"{functions.__file__}, line {getattr(node, 'lineno', '?')}: C++ cannot be made of {ast.unparse(node)!r}; write it "
        f"with annotated names, conditional expressions and calls of functions above"
    )


def _statement(node: ast.stmt) -> list[str]:
    match node:
        case ast.Expr(value=ast.Constant()):
            return []
        case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id=kind), value=ast.expr() as value):
            return [f"    {_TYPES[kind]} {name} = {_expression(value)};"]
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return [f"    {name} = {_expression(value)};"]
        case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id=high), ast.Name(id=low)])], value=value):
            pair = f"{high}_and_{low}"
            return [
                f"    const Pair {pair} = {_expression(value)};",
                f"    double {high} = {pair}.high, {low} = {pair}.low;",
            ]
        case ast.Return(value=ast.Tuple(elts=[high, low])):
            return [f"    return {{ {_expression(high)}, {_expression(low)} }};"]
        case ast.Return(value=ast.expr() as value):
            return [f"    return {_expression(value)};"]
    raise _unknown(node)


def _expression(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=bool()):
            return str(node.value).lower()
        case ast.Constant(value=value):
            return repr(value)
        case ast.Name(id=name):
            return _RENAMED.get(name, name)
        case ast.BinOp(
            left=left, op=ast.LShift() | ast.RShift() as shift, right=right
        ):  # of what is not below 0, if right
            sign = "<<" if isinstance(shift, ast.LShift) else ">>"
            return f"(int64_t)((uint64_t){_expression(left)} {sign} {_expression(right)})"
        case ast.BinOp(left=left, op=op, right=right):
            return f"({_expression(left)} {_OPERATORS[type(op)]} {_expression(right)})"
        case ast.UnaryOp(op=op, operand=operand):
            return f"({_OPERATORS[type(op)]}{_expression(operand)})"
        case ast.BoolOp(op=op, values=values):
            return "(" + f" {'&' if isinstance(op, ast.And) else '|'} ".join(map(_expression, values)) + ")"
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return f"({_expression(left)} {_OPERATORS[type(op)]} {_expression(right)})"
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return f"({_expression(test)} ? {_expression(body)} : {_expression(orelse)})"
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return f"{name}({', '.join(map(_expression, arguments))})"
    raise _unknown(node)
