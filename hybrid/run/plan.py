"""The dry run: the window, what sets it, the slack of every connection, and which component lives on which rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx

from hybrid.brain import Brain
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError, TimeError, unknown
from hybrid.interface.connection import Connection

LONGEST_WINDOW = 1024  # ticks; bounds memory and the time between two lines of progress where no delay does


@dataclass(frozen=True)
class Plan:
    """How a brain will be advanced.

    ``window`` is in ticks; ``set_by`` names the connection with the shortest delay (``None`` if none binds);
    ``slack`` is, per connection, by how many ticks its shortest delay exceeds the window; ``rank_of`` places components.
    """

    clock: Clock
    window: int
    set_by: str | None
    slack: dict[str, int]
    rank_of: dict[str, int]
    ranks: int
    connections: dict[str, str]

    def describe(self) -> dict[str, Any]:
        """Plain values to keep with the results."""
        return {
            "tick_ms": self.clock.tick_ms,
            "window_ticks": self.window,
            "window_ms": self.clock.ms(self.window),
            "set_by": self.set_by,
            "slack_ms": {name: self.clock.ms(ticks) for name, ticks in self.slack.items()},
            "ranks": self.ranks,
            "placement": self.rank_of,
        }

    def __str__(self) -> str:
        reason = f"set by {self.set_by} ({self.connections[self.set_by]})" if self.set_by else "no delay binds it"
        lines = [
            f"window: {self.clock.ms(self.window):g} ms = {self.window} ticks of {self.clock.tick_ms:g} ms, {reason}"
        ]
        for name, ticks in self.slack.items():
            lines.append(f"  {name:28s} slack {self.clock.ms(ticks):8.5g} ms   {self.connections[name]}")
        for rank in range(self.ranks):
            here = [name for name, place in self.rank_of.items() if place == rank]
            lines.append(f"rank {rank}: {', '.join(here) or 'nothing'}")
        return "\n".join(lines)


def make_plan(
    brain: Brain, ranks: int = 1, *, window_ms: Any = None, placement: Mapping[str, int] | None = None
) -> Plan:
    """Plan a run of ``brain`` on ``ranks`` processes.

    Parameters
    ----------
    window_ms: a window shorter than the shortest delay, if wanted; the results do not depend on it.
    placement: component name -> rank, for those that should not be placed by their ``load``; nor do they depend on this.

    Raises
    ------
    TimeError: for a delay of 0 between components, naming the cycle, or a window longer than the shortest delay.
    """
    if ranks < 1:
        raise ConfigurationError(f"ranks = {ranks} must be at least 1")
    if not brain.components:
        raise ConfigurationError("the brain has no components; add some with brain.add(...)")
    live = {name: connection for name, connection in brain.connections.items() if not connection.is_cut}
    _check_delays(brain, live)
    set_by = min(live, key=lambda name: live[name].shortest_delay, default=None)
    shortest = live[set_by].shortest_delay if set_by else LONGEST_WINDOW
    window, clock = min(shortest, LONGEST_WINDOW), brain.clock
    if window_ms is not None:
        window = clock.ticks(window_ms, "window_ms")
        if not 1 <= window <= shortest:
            binds = (
                f"the shortest delay, {clock.ms(shortest):g} ms of {live[set_by]}"
                if set_by
                else f"{LONGEST_WINDOW} ticks"
            )
            raise TimeError(f"window_ms = {clock.ms(window):g} must be at least one tick and at most {binds}")
    slack = {name: connection.shortest_delay - window for name, connection in live.items()}
    wires = {name: str(connection) for name, connection in brain.connections.items()}
    return Plan(clock, window, set_by, slack, _place(brain, ranks, placement or {}), ranks, wires)


def _check_delays(brain: Brain, live: Mapping[str, Connection]) -> None:
    problems = []
    wires = nx.DiGraph([(each.source.component, each.target.component) for each in live.values()])
    for connection in live.values():
        if connection.shortest_delay > 0:
            continue
        source, target = connection.source.component, connection.target.component
        cycle = ""
        if nx.has_path(wires, target, source):
            cycle = f", in the cycle {' -> '.join([source, *nx.shortest_path(wires, target, source)])}"
        tick = brain.clock.tick_ms
        problems.append(
            f"delay of {connection} = 0 ms{cycle}: nothing can reach another component in the tick it leaves; "
            f"give at least one tick ({tick:g} ms)"
        )
    if problems:
        raise TimeError("\n".join(problems))


def _place(brain: Brain, ranks: int, wishes: Mapping[str, int]) -> dict[str, int]:
    """Heaviest first, each to the rank with the least to do; wishes come before."""
    components = brain.components
    for name, rank in wishes.items():
        if name not in components:
            raise unknown("placement: component", name, components)
        if isinstance(rank, bool) or not isinstance(rank, int) or rank < 0:
            raise ConfigurationError(f"placement of {name} = {rank!r} must be a rank, 0 or above")
    rank_of = {name: rank % ranks for name, rank in wishes.items()}
    load = [0.0] * ranks
    for name, rank in rank_of.items():
        load[rank] += components[name].load
    for name in sorted(components.keys() - rank_of.keys(), key=lambda name: (-components[name].load, name)):
        rank = load.index(min(load))
        rank_of[name] = rank
        load[rank] += components[name].load
    return dict(sorted(rank_of.items()))
