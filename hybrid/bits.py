"""Which bits a run gives: the same on every machine, or those that the processor at hand makes fastest."""

from __future__ import annotations

import os

from hybrid.errors import ConfigurationError

VARIABLE = "HYBRID_BITS"
PORTABLE, NATIVE = "portable", "native"


def bits() -> str:
    """``"portable"`` or ``"native"``, from ``$HYBRID_BITS``; portable if that is not set. All ranks must agree.

    Whatever is compiled keeps the bits it was compiled for, so set the variable before the program starts.
    ``ConfigurationError`` names any other value.
    """
    named = os.environ.get(VARIABLE) or PORTABLE
    if named not in (PORTABLE, NATIVE):
        raise ConfigurationError(f"${VARIABLE} = {named!r} must be {PORTABLE!r} or {NATIVE!r}")
    return named


def portable() -> bool:
    """Whether :func:`bits` is ``"portable"``."""
    return bits() == PORTABLE
