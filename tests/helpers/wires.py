"""Connections outside of a brain, and what they carry."""

from __future__ import annotations

import numpy as np

from hybrid import Clock, Port, Rates, Spikes, Window
from hybrid.interface.connection import Connection
from hybrid.random import named_stream

CLOCK = Clock(0.1)


def ports(source=Rates, target=Rates, sources=3, targets=2):
    return Port("V1", "out", source, sources, "out"), Port("PFC", "in", target, targets, "in")


def connection(weight=1.0, delay_ms=1.0, adapter=None, clock=CLOCK, **kinds):
    return Connection("wire", clock, *ports(**kinds), weight, delay_ms, adapter)


def prepared(*args, seed=1, **kwargs):
    made = connection(*args, **kwargs)
    made.prepare(named_stream(seed, "connection", "wire"))
    return made


def carried(wire, sent, length=10):
    """All that is delivered, when a simulation carries ``sent`` in windows of ``length``."""
    delivered = []
    for window in sent.window.cut(length):
        part = wire.deliver(window)
        assert (part.window, part.size, type(part)) == (window, wire.target.size, wire.target.kind)
        delivered.append(part.to_counts() if isinstance(part, Spikes) else part.values)
        given = sent.during(window)
        for array in given.payload():
            array.setflags(write=False)
        wire.accept(given)
    return np.concatenate(delivered)


def rates(ticks=100, sources=3, seed=0):
    return Rates(Window(0, ticks), sources, np.random.default_rng(seed).uniform(0, 2000, (ticks, sources)))


def spikes(ticks=100, sources=3, seed=0):
    return Spikes.from_counts(Window(0, ticks), np.random.default_rng(seed).poisson(0.3, (ticks, sources)))


def delayed(values, ticks):
    return np.concatenate([np.zeros((ticks, values.shape[1])), values])[: len(values)]
