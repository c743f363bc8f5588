"""A compiled circuit in memory: loads a private copy of the library and reaches into it."""

from __future__ import annotations

import ctypes
import os
import tempfile
from _ctypes import dlclose
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_uint32, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.cache import cache_folder
from hybrid.errors import CompilerError

_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "allocate": (None, []),
    "free": (None, []),
    "initial": (c_void_p, [c_int64]),
    "values": (c_void_p, []),
    "make": (c_int32, [c_uint32, c_int64]),
    "message": (c_char_p, []),
    "advance": (c_int32, [c_int64, c_void_p, c_void_p]),
    "want": (None, [c_int64, c_int32]),
    "emitted": (c_void_p, []),
    "divergence": (c_void_p, []),
    "step": (c_void_p, []),
    "random": (c_void_p, [POINTER(c_int64)]),
    "array": (c_void_p, [c_int64, POINTER(c_int64)]),
    "resize": (None, [c_int64, c_int64]),
    "table_shape": (None, [c_int64, c_void_p]),
    "table_get": (None, [c_int64, c_void_p]),
    "table_set": (None, [c_int64, c_void_p, c_int64, c_int64]),
    "queue_size": (c_int64, [c_int64]),
    "queue_get": (None, [c_int64, c_void_p]),
    "queue_set": (None, [c_int64, c_void_p]),
}


class CannotLoadError(CompilerError):
    """The system refused to load a compiled circuit."""


class Library:
    """The functions of one private copy of a compiled circuit, without their prefix ``circuit_``.

    A copy of its own gives each instance its own global variables. The file is removed as soon as it is mapped.

    Parameters
    ----------
    image: the bytes of the library.
    """

    def __init__(self, image: bytes) -> None:
        self._loaded: ctypes.CDLL | None = _load_copy(image)
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self._loaded, f"circuit_{name}")
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"library has no function {name!r}, or was closed")

    def get_array(self, index: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """A copy of the array of that index."""
        size = c_int64()
        address = self.array(index, byref(size))
        return copied(address, size.value, dtype)

    def set_array(self, index: int, values: NDArray[Any]) -> None:
        """Overwrite the array of that index, which must have the size of ``values``."""
        size = c_int64()
        write(self.array(index, byref(size)), values)

    def size_of(self, index: int) -> int:
        size = c_int64()
        self.array(index, byref(size))
        return size.value

    def get_table(self, index: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """A copy of the two-dimensional array (what a monitor recorded) of that index."""
        shape = np.zeros(2, np.int64)
        self.table_shape(index, shape.ctypes.data)
        values = np.empty(shape, dtype)
        self.table_get(index, values.ctypes.data)
        return values

    def set_table(self, index: int, values: NDArray[Any]) -> None:
        self.table_set(index, values.ctypes.data, *values.shape)

    def get_queue(self, index: int) -> NDArray[np.int32]:
        """The spikes under way in a pathway, as numbers that :meth:`set_queue` takes."""
        values = np.empty(self.queue_size(index), np.int32)
        self.queue_get(index, values.ctypes.data)
        return values

    def set_queue(self, index: int, values: NDArray[np.int32]) -> None:
        self.queue_set(index, values.ctypes.data)

    def get_random(self) -> NDArray[np.uint8]:
        """The bytes of the random generator."""
        size = c_int64()
        address = self.random(byref(size))
        return copied(address, size.value, np.dtype(np.uint8))

    def set_random(self, values: NDArray[np.uint8]) -> None:
        size = c_int64()
        write(self.random(byref(size)), values)

    def close(self) -> None:
        """Free the arrays and unload the library."""
        if self._loaded is not None:
            self.free()
            handle, self._loaded = self._loaded._handle, None
            for name in _FUNCTIONS:
                delattr(self, name)
            dlclose(handle)


def view(address: int | None, size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The ``size`` values that lie at ``address``, in place: gone when the library moves or frees them."""
    if not address or not size:
        return np.empty(0, dtype)
    memory: Any = (ctypes.c_char * (size * dtype.itemsize)).from_address(address)
    return np.frombuffer(memory, dtype=dtype)


def copied(address: int | None, size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A copy of the ``size`` values that lie at ``address``."""
    return view(address, size, dtype).copy()


def write(address: int | None, values: NDArray[Any]) -> None:
    """Copy ``values``, which must be contiguous, to ``address``."""
    if address and values.size:
        ctypes.memmove(address, values.ctypes.data, values.nbytes)


def _load_copy(image: bytes) -> ctypes.CDLL:
    failure: OSError | None = None
    for parent in (None, cache_folder("circuits")):  # the temporary folder may forbid to execute what lies there
        try:
            with tempfile.TemporaryDirectory(prefix="hybrid-", dir=parent, ignore_cleanup_errors=True) as folder:
                copy = os.path.join(folder, "circuit.so")
                with open(copy, "wb") as file:
                    file.write(image)
                return ctypes.CDLL(copy)
        except OSError as error:
            failure = error
    raise CannotLoadError(f"the compiled circuit cannot be loaded: {failure}; use engine='runtime'")
