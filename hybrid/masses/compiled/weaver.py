"""Writes functions into one another: the text of one function that calls none of the others.

Numba types, optimises and emits every function that it compiles on its own, also one that is only ever inlined: thirty small
functions take about twice as long as one that does the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from copy import deepcopy


class Weaver:
    """The functions of some texts, and the values of their constants.

    A function that is woven into others has no ``return`` but as its last statement, does not assign to its arguments, and is
    called with positional ones. What it is called with is worked out first, in order, then its body. A branch whose condition is
    a constant is chosen here. An argument whose name is one of ``records`` becomes one argument for each of its fields.
    """

    def __init__(
        self, texts: Iterable[str], constants: Mapping[str, int], records: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        defined = [each for text in texts for each in ast.parse(text).body if isinstance(each, ast.FunctionDef)]
        self._functions = {each.name: each for each in defined}
        self._constants = {name: ast.Constant(value) for name, value in constants.items()}
        self._records = records or {}

    def function(self, name: str) -> str:
        """The text of this function, all that it calls written into it."""
        function = self._functions[name]
        body = _Body(self._functions, self._constants, self._records).of(deepcopy(function.body), self._constants)
        given = (self._fields(each.arg) for each in function.args.args)
        lines = [f"def {name}({', '.join(field for fields in given for field in fields)}):"]
        return "\n".join(lines + ["    " + line for each in body for line in ast.unparse(each).splitlines()])

    def _fields(self, name: str) -> list[str]:
        return [f"{name}_{field}" for field in self._records[name]] if name in self._records else [name]


class _Body(ast.NodeTransformer):
    """Makes the statements of one function; ``written`` are those that have to stand before the present one."""

    def __init__(
        self,
        functions: Mapping[str, ast.FunctionDef],
        constants: Mapping[str, ast.expr],
        records: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._functions, self._constants, self._records = functions, constants, records
        self._calls = 0
        self._written: list[ast.stmt] = []

    def of(self, statements: list[ast.stmt], names: Mapping[str, ast.expr]) -> list[ast.stmt]:
        """These statements, with ``names`` in place of what they call so."""
        outside, self._written = self._written, []
        for each in statements:
            if not _is_docstring(each):
                self._add(_Renamed(names).visit(each))
        written, self._written = self._written, outside
        return written

    def _add(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.If):
            test = self.visit(statement.test)
            if isinstance(test, ast.Constant):
                self._written += self.of(statement.body if test.value else statement.orelse, {})
                return
            statement.test = test
            statement.body, statement.orelse = self.of(statement.body, {}), self.of(statement.orelse, {})
        elif isinstance(statement, ast.For):
            statement.iter, statement.body = self.visit(statement.iter), self.of(statement.body, {})
        else:
            statement = self.visit(statement)
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                return  # a procedure, all of it written already
        self._written += _one_by_one(ast.fix_missing_locations(statement))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.attr in self._records.get(node.value.id, ()):
            return ast.Name(f"{node.value.id}_{node.attr}", node.ctx)
        self.generic_visit(node)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        if isinstance(node.test, ast.Constant):
            chosen: ast.expr = self.visit(node.body if node.test.value else node.orelse)
            return chosen
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name) or node.func.id not in self._functions:
            return node
        function = self._functions[node.func.id]
        self._calls += 1
        call = self._calls
        names = dict(self._constants)
        for argument, value in zip(function.args.args, node.args, strict=True):
            names[argument.arg] = self._named(f"{argument.arg}_{call}", value)
        own = {each.id for each in ast.walk(function) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        assert own.isdisjoint(names.keys()), (function.name, own)
        names |= {name: ast.Name(f"{name}_{call}", ast.Load()) for name in own}
        body = deepcopy(function.body)
        last = body[-1]
        self._written += self.of(body[:-1] if isinstance(last, ast.Return) else body, names)
        if not isinstance(last, ast.Return):
            return ast.Constant(None)
        assert last.value is not None
        return self._named(f"{function.name}_{call}", self.visit(_Renamed(names).visit(last.value)))

    def _named(self, name: str, value: ast.expr) -> ast.expr:
        """A variable that has this value, unless it is one already."""
        if isinstance(value, ast.Name | ast.Constant):
            return value
        self._written.append(ast.fix_missing_locations(ast.Assign([ast.Name(name, ast.Store())], value)))
        return ast.Name(name, ast.Load())


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, ast.expr]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        new = self._names.get(node.id)
        if new is None:
            return node
        return ast.Name(new.id, node.ctx) if isinstance(new, ast.Name) else new


def _one_by_one(statement: ast.stmt) -> list[ast.stmt]:
    """``a, b = c, d`` as two statements, which numba need not make a tuple for, if no name stands on both sides."""
    match statement:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            names = [{each.id for each in ast.walk(side) if isinstance(each, ast.Name)} for side in (*targets, *values)]
            if set().union(*names[: len(targets)]).isdisjoint(set().union(*names[len(targets) :])):
                pairs = zip(targets, values, strict=True)
                return [ast.fix_missing_locations(ast.Assign([target], value)) for target, value in pairs]
    return [statement]


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
