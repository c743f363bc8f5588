"""Named ways in and out of a component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hybrid.errors import ConfigurationError, unknown
from hybrid.signals import Signal, Spikes


@dataclass(frozen=True, slots=True)
class Port:
    """A way in or out of ``component`` for one kind of signal on ``size`` lines.

    ``unit`` defaults to the unit of the kind; ``labels`` names the lines (regions, populations) where they have names.
    """

    component: str
    name: str
    kind: type[Signal]
    size: int
    direction: Literal["in", "out"]
    unit: str = ""
    labels: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigurationError(f"port {self} has size {self.size}; it needs at least one line")
        if self.labels and len(self.labels) != self.size:
            raise ConfigurationError(f"port {self} has {self.size} lines but {len(self.labels)} labels")
        if not self.unit:
            object.__setattr__(self, "unit", self.kind.unit)

    def __str__(self) -> str:
        return f"{self.component}.{self.name}"

    @property
    def carries_events(self) -> bool:
        return issubclass(self.kind, Spikes)


def find_port(component: str, name: str, ports: Mapping[str, Port]) -> Port:
    """The port of that name, or an error that lists those there are."""
    if name not in ports:
        raise unknown(f"{component}: port", name, ports)
    return ports[name]
