"""What a ``build`` function returns: a Brian2 network, its ways in and its ways out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Readout:
    """A state variable of a Brian2 group as an output.

    ``average`` sends the mean over the group (one line) instead of every element. The value at a tick is that at the
    tick's end; ``unit`` says in what unit it leaves (a Brian2 unit name such as ``"mV"``, or any text for a
    dimensionless variable).
    """

    group: Any
    variable: str
    average: bool = False
    unit: str = "1"


@dataclass(frozen=True)
class Injection:
    """A parameter of a Brian2 group that follows a continuous input, such as an injected current or a conductance.

    Every element has a line of its own; of a ``(shared)`` parameter there is one. The value of a tick holds during all
    steps of that tick; what nothing is connected to is 0. A parameter in amperes takes ``Currents`` (``unit`` is
    ``"nA"``), any other ``States`` in ``unit`` (a Brian2 unit name such as ``"nS"`` or ``"mV"``, or any text for a
    dimensionless parameter).
    """

    group: Any
    variable: str
    unit: str = "nA"


@dataclass(frozen=True)
class Circuit:
    """A Brian2 network with its ports.

    Parameters
    ----------
    network: the ``brian2.Network`` with everything that takes part.
    inputs: port name -> :class:`hybrid.circuits.Afferents`, which the build function connected with ordinary
        ``Synapses``, or an :class:`Injection` into a parameter of a group.
    outputs: port name -> a Brian2 group whose spikes leave, or a :class:`Readout` of a state variable.
    namespace: constants and functions that equations may name. Left out, it is every name visible where the
        ``Circuit`` is made: the rule Brian2 has for ``run()``.
    """

    network: Any
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    namespace: Mapping[str, Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.namespace is None:
            maker = sys._getframe(2)  # this method, then the generated __init__, then who calls Circuit(...)
            object.__setattr__(self, "namespace", {**maker.f_globals, **maker.f_locals})
