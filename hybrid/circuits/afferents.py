"""The group of fibres through which signals from outside enter a circuit."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.core.spikesource import SpikeSource
from brian2.core.variables import Variables
from brian2.groups.group import Group
from brian2.groups.subgroup import Subgroup

from hybrid.errors import ConfigurationError


class Afferents(Group, SpikeSource):  # type: ignore[misc]
    """``N`` fibres that bring spikes from outside: an ordinary source for Brian2's ``Synapses`` and monitors.

    What arrives at the port in a tick is delivered in that tick's first step, before the ``synapses`` slot. A count n
    (several events of pooled fibres in one tick) makes the synapses' ``on_pre`` run n times; a ``SpikeMonitor`` records
    n spikes. In a network that is not part of a ``Microcircuit`` the fibres are silent.

    Parameters
    ----------
    N: number of fibres, the size of the port.
    name: Brian2 name of the group.
    """

    add_to_magic_network = True

    def __init__(self, N: int, name: str = "afferents*") -> None:
        if isinstance(N, bool) or int(N) != N or N < 1:
            raise ConfigurationError(f"Afferents: N = {N!r} must be a whole number of fibres, 1 or more")
        Group.__init__(self, when="thresholds", name=name)
        self.codeobj_class = None
        self._N = size = int(N)
        self.start, self.stop = 0, size
        self.events = {"spike": None}
        self.variables = Variables(self)
        self.variables.add_constant("N", value=size)
        self.variables.add_arange("i", size, constant=True, read_only=True)
        # ids of the fibres that spike, their number in the last place; dynamic, since a fibre is listed once per event
        self.variables.add_dynamic_array("_spikespace", size=size + 1, dtype=np.int32, needs_reference_update=True)
        self.variables.create_clock_variables(self._clock)
        self._enable_group_attributes()

    def __getitem__(self, item: slice) -> Any:
        """A contiguous part of the fibres, as a source of its own."""
        if not isinstance(item, slice) or item.step not in (None, 1):
            raise TypeError("a part of Afferents is a slice without a step, such as fibres[:50]")
        start, stop, _ = item.indices(self._N)
        if start >= stop:
            raise IndexError(f"fibres[{start}:{stop}] is empty")
        return Subgroup(self, start, stop)

    @property
    def spikes(self) -> Any:
        """The fibres that spike in the present step, each listed once per event."""
        space = self.variables["_spikespace"].get_value()
        return space[: space[-1]]
