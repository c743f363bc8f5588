"""Lets compiled functions call others that were compiled apart from them, by address: neither is part of the other."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def address_of(function: Any, signature: Any) -> int:
    """Where the machine code of a function begins that numba compiles, or has compiled, for these types."""
    made = function.get_compile_result(signature)
    return int(made.library.get_pointer_to_function(made.fndesc.llvm_cfunc_wrapper_name))


def caller(signature: Any) -> Any:
    """``(address, arguments)`` for compiled code: calls the function of this signature, which returns nothing, there."""
    kinds = types.Tuple(signature.args)

    @intrinsic  # type: ignore[untyped-decorator]
    def call(typing: Any, address: Any, arguments: Any) -> Any:
        def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
            none = context.get_value_type(types.void)
            function = ir.FunctionType(none, [context.get_value_type(kind) for kind in kinds])
            pointer = builder.inttoptr(values[0], function.as_pointer())
            builder.call(pointer, cgutils.unpack_tuple(builder, values[1]))
            return context.get_dummy_value()

        return types.void(types.int64, kinds), generate

    return call
