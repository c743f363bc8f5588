"""What all signals have in common: the contract, their size, and weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError
from hybrid.units import FloatArray


class Signal(ABC):
    """One kind of signal over the half-open ``window``, for ``size`` lines (neurons, fibres, nodes)."""

    __slots__ = ("size", "window")
    unit: ClassVar[str]
    window: Window
    size: int

    @classmethod
    @abstractmethod
    def silence(cls, window: Window, size: int) -> Self:
        """Nothing at all, for ``size`` lines over ``window``."""

    @abstractmethod
    def __add__(self, other: Self) -> Self:
        """Both together; windows and sizes must agree."""

    @abstractmethod
    def scaled(self, weight: ArrayLike) -> Self:
        """Weighed by a number, or by a matrix ``[target, source]`` that also changes the size."""

    @abstractmethod
    def shifted(self, ticks: int) -> Self:
        """The same, ``ticks`` later."""

    @abstractmethod
    def during(self, window: Window) -> Self:
        """The part inside ``window``, which must lie inside this signal's own."""

    @abstractmethod
    def total(self, clock: Clock) -> FloatArray:
        """``[size]``: number of events, or the integral over the window in (unit) x seconds."""

    @abstractmethod
    def add_to(self, totals: FloatArray) -> None:
        """Add to ``totals[size]`` the number of events, or the values of all ticks (see :meth:`in_total`)."""

    @classmethod
    @abstractmethod
    def in_total(cls, totals: FloatArray, clock: Clock) -> FloatArray:
        """What :meth:`add_to` has summed, in the unit of :meth:`total`."""

    def is_finite(self) -> bool:
        """Whether nothing in it is infinite or not a number."""
        return True

    @abstractmethod
    def payload(self) -> tuple[NDArray[Any], ...]:
        """The arrays that carry the signal, in the order :meth:`from_payload` takes them."""

    @classmethod
    @abstractmethod
    def from_payload(cls, window: Window, size: int, payload: tuple[NDArray[Any], ...]) -> Self:
        """The signal again, from its arrays."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(window={self.window}, size={self.size})"

    def _check_match(self, other: Signal) -> None:
        if type(other) is not type(self) or other.window != self.window or other.size != self.size:
            raise ConfigurationError(f"{self!r} and {other!r} cannot be added: kind, window and size must agree")

    def _check_covers(self, window: Window) -> None:
        if not self.window.covers(window):
            raise ConfigurationError(f"{self!r} does not cover {window}")


def line_count(size: Any) -> int:
    """The size of a signal, checked."""
    if type(size) is int and size >= 0:
        return size
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
        raise ConfigurationError(f"size = {size!r} of a signal must be a whole number of lines, 0 or above")
    return int(size)


def check_matrix(weights: NDArray[Any], size: int) -> None:
    """Refuse weights that are no matrix ``[target, source]`` of ``size`` columns."""
    if weights.ndim != 2 or weights.shape[1] != size:
        raise ConfigurationError(
            f"weights of shape {list(weights.shape)} do not fit {size} lines; give a number or a matrix "
            f"[target, source] with {size} columns"
        )
