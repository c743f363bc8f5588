"""What a window costs on P ranks, from what its parts cost: work, messages between neighbours, one reduction over all ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Costs:
    """Microseconds a window: of a component, of a connection, of the loop around them, each on the rank that has it."""

    component: float
    connection: float
    loop: float


@dataclass(frozen=True)
class Network:
    """Microseconds of an exchange: by itself, for each neighbour, for a step of latency, and bytes a microsecond.

    ``everyone``: each rank sends to all others, as the transport once did, instead of to its neighbours and in a reduction.
    ``nap``: what a rank loses that has to wait for a processor, where there are more ranks than processors.
    """

    exchange: float
    neighbour: float
    latency: float
    bytes_per_us: float
    nap: float = 0.0
    everyone: bool = False


@dataclass(frozen=True)
class Rank:
    """What one rank has: components, connections that end on it, ranks that it exchanges signals with, and bytes sent."""

    components: float
    connections: float
    neighbours: float
    sent: float


def work_us(costs: Costs, rank: Rank) -> float:
    """A window of one rank without its exchange."""
    return costs.loop + rank.components * costs.component + rank.connections * costs.connection


def exchange_us(network: Network, rank: Rank, ranks: int) -> float:
    """The exchange of one rank, if no other is late: its messages, and the steps of a reduction among all."""
    if ranks == 1:
        return 0.0
    messages = ranks - 1 if network.everyone else rank.neighbours
    steps = 1 if network.everyone else math.ceil(math.log2(ranks))
    return network.exchange + messages * network.neighbour + steps * network.latency + rank.sent / network.bytes_per_us


def window_us(costs: Costs, network: Network, ranks: Sequence[Rank], processors: int) -> float:
    """A window of all ranks: that of the slowest or, where ranks share processors, of the fullest processor.

    Sharing adds a nap, for a rank that waits gives its processor away and comes back late.
    """
    each = [work_us(costs, rank) + exchange_us(network, rank, len(ranks)) for rank in ranks]
    if len(ranks) <= processors:
        return max(each)
    return max(max(each), sum(each) / processors) + network.nap


def spread(of: int, over: int) -> list[int]:
    """So many things, as evenly as they go."""
    return [of // over + (k < of % over) for k in range(over)]


def slowest_of(samples_us: ArrayLike, ranks: int) -> float:
    """The mean of the slowest of so many ranks, whose windows are drawn from those measured on one.

    Where there are fewer samples than ranks it is the slowest sample, and so too little.
    """
    ordered = np.sort(np.asarray(samples_us, float))
    below = np.arange(ordered.size + 1) / ordered.size
    chance = np.diff(below**ranks)  # that the slowest of them all is this sample
    return float(ordered @ chance)
