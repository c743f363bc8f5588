"""The detailed scale: spiking microcircuits in Brian2, advanced window by window."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hybrid.circuits.circuit import Circuit, Injection, Readout
from hybrid.circuits.microcircuit import Microcircuit

if TYPE_CHECKING:
    from hybrid.circuits.afferents import Afferents

__all__ = ["Afferents", "Circuit", "Injection", "Microcircuit", "Readout"]


def __getattr__(name: str) -> Any:
    """``Afferents`` is a Brian2 class: Brian2 is imported when it is first asked for."""
    if name == "Afferents":
        return import_module("hybrid.circuits.afferents").Afferents
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
