"""What every adapter preserves, measured in a simulation and held against theory: mean, variance, correlation, latency.

50 lines for 20 s in ticks of 0.1 ms. Adapters of rates are given 40 Hz on every line; those of spikes Poisson lines of that
rate whose counts correlate by 0.1; maps from value to value normal numbers that correlate by 0.1, new in each tick.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import adapters
from hybrid.adapter import Adapter
from hybrid.clock import Clock, Window
from hybrid.ports import Port
from hybrid.random import named_stream
from hybrid.signals import Signal, Spikes
from hybrid.units import FloatArray

CLOCK, LINES, BLOCKS = Clock(0.1), 50, 20
BLOCK, BIN, SPARSE = 10_000, 2500, 10  # ticks of a block, of a count, between two looks at a continuous output
MAP_BLOCK = 200  # every tick of a map is a sample of its own
RATE_HZ, CORRELATION = 40.0, 0.1
PULSE_HZ, PERIOD, PULSES = 400.0, 5000, 10  # for the latency: one tick, every so many ticks, so many times

MAPS = ("Map", "Affine", "TableLookup", "SiegertGain", "Sigmoid", "InverseSigmoid")
WORKING_POINTS = {"Sigmoid": (4.0, 1.0), "InverseSigmoid": (1.5, 0.3)}  # mean and standard deviation of a map's input
LATENCY_MS = {
    "SpikeToRate": lambda own: own.tau_ms,
    "AlphaSpikeToRate": lambda own: 2 * own.tau_ms,
    "BoxSpikeToRate": lambda own: own.width_ms / 2,
    "RateToCurrent": lambda own: own.tau_syn_ms,
    "RateToConductance": lambda own: own.tau_syn_ms,
}  # of all others 0
POISSON_VARIANCE = {
    "SpikeToRate": lambda own: RATE_HZ / (2e-3 * own.tau_ms),
    "AlphaSpikeToRate": lambda own: RATE_HZ / (4e-3 * own.tau_ms),
    "BoxSpikeToRate": lambda own: RATE_HZ / (1e-3 * own.width_ms),
    "RateToCurrent": lambda own: own.weight_na**2 * own.fibres * RATE_HZ * own.tau_syn_ms / 2e3,  # Campbell
    "RateToConductance": lambda own: own.weight_ns**2 * own.fibres * RATE_HZ * own.tau_syn_ms / 2e3,
}  # of the output, of one line, if its input is Poisson


class Case(NamedTuple):
    """An adapter of ours and, of its output, the variance (to Poisson's) and the correlation of two lines in theory."""

    name: str
    options: dict[str, Any]
    variance: float = 1.0
    correlation: float | None = 0.0

    @property
    def label(self) -> str:
        options = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
        return f"{self.name}({options})".replace("'", '"')

    def make(self) -> Any:
        return getattr(adapters, self.name)(**self.options)

    def prepared(self, lines: int, seed: int = 1) -> Any:
        adapter: Adapter = self.make()
        source = Port("measured", "out", adapter.accepts, lines, "out")
        target = Port("measured", "in", adapter.emits, adapter.emitted_size(lines), "in")
        adapter.prepare(CLOCK, source, target, named_stream(seed, "connection", self.label))
        return adapter


def _gamma_fano(cv: float = 0.5) -> float:
    return cv**2 + (1 - cv**4) / 6 / (RATE_HZ * BIN * 1e-4)  # Cox (1962), section 4.5


def _refractory_fano(refractory_ticks: int = 20) -> float:
    p = RATE_HZ * 1e-4
    return (1 - (refractory_ticks - 1) * p) * (1 - refractory_ticks * p)  # squared CV of the intervals


POOLED = CORRELATION + (1 - CORRELATION) / LINES  # variance of a mean over correlated lines, to that of one
CASES = [
    Case("RateToPoisson", {}),
    Case("RateToPoisson", {"fibres": 1000}),
    Case("CorrelatedPoisson", {}, correlation=0.1),
    Case("CorrelatedPoisson", {"method": "single"}, correlation=0.1),
    Case("RefractoryPoisson", {}, variance=_refractory_fano()),
    Case("GammaRenewal", {}, variance=_gamma_fano()),
    Case("RateToCurrent", {}),
    Case("RateToCurrent", {"noise": False}, variance=0.0, correlation=None),
    Case("RateToConductance", {}),
    Case("SpikeToRate", {}, correlation=CORRELATION),
    Case("SpikeToRate", {"pool": "mean"}, variance=POOLED, correlation=None),
    Case("AlphaSpikeToRate", {}, correlation=CORRELATION),
    Case("BoxSpikeToRate", {}, correlation=CORRELATION),
    Case("Thinning", {}, correlation=0.5 * CORRELATION),  # Poisson stays Poisson, of what is common a half stays common
    Case("Subset", {}, correlation=CORRELATION),
    Case("Map", {}, variance=POOLED, correlation=None),
    *(Case(name, {}) for name in MAPS if name != "Map"),  # theory by quadrature
]


class Figure(NamedTuple):
    value: float
    error: float  # its standard error
    theory: float


class Preserved(NamedTuple):
    """What was measured; ``None`` where there is nothing to measure.

    ``mean`` is the relative bias, ``variance`` that of a count in 250 ms over its mean, or of a continuous output over the
    one that Poisson lines (for maps: the tangent) would cause; ``latency_ms`` the centre of mass of the response to a pulse.
    """

    mean: Figure
    variance: Figure
    correlation: Figure | None
    latency_ms: Figure


def measure(case: Case, seed: int = 1) -> Preserved:
    """All figures of one adapter, the same for the same seed."""
    adapter, mapping = case.prepared(LINES, seed), case.name in MAPS
    random, block = np.random.default_rng(seed), MAP_BLOCK if mapping else BLOCK
    blocks, delivered, expected = [], [], []
    for window in Window(0, (BLOCKS + 1) * block).cut(block):
        signal = _given(case, adapter, window, random)
        out = adapter.convert(signal)
        delivered.append(out.total(CLOCK).sum())
        due = _of_the_mean(adapter, signal) if mapping else adapter.expected(signal).mean
        expected.append(due.sum())
        blocks.append(_samples(out, 1 if mapping else SPARSE))
    total = np.sum(expected)
    bias = (np.sum(delivered) + np.sum(adapter.held())) / total - 1
    error = np.std(np.subtract(delivered, expected), ddof=1) * np.sqrt(len(expected)) / total
    theory = _map_theory(case) if mapping and case.name != "Map" else (0.0, case.variance, case.correlation)
    variance, correlation = _second_moments(np.array(blocks[1:]), _yardstick(case), theory)
    mean = Figure(float(bias), float(error), theory[0]) if abs(bias) > 1e-9 else Figure(0.0, 0.0, theory[0])
    return Preserved(mean, variance, correlation, _latency(case))


def _given(case: Case, adapter: Adapter, window: Window, random: np.random.Generator) -> Any:
    shape = len(window), LINES
    if adapter.accepts is Spikes:
        p = RATE_HZ * CLOCK.tick_ms * 1e-3
        common = random.poisson(CORRELATION * p, (shape[0], 1))
        return Spikes.from_counts(window, common + random.poisson((1 - CORRELATION) * p, shape))
    values = np.full(shape, RATE_HZ)
    if case.name in MAPS:
        mean, sd = _working_point(case)
        common = np.sqrt(CORRELATION) * random.standard_normal((shape[0], 1))
        values = _above_0(mean + sd * (common + np.sqrt(1 - CORRELATION) * random.standard_normal(shape)))
    return adapter.accepts.from_payload(window, LINES, (values,))


def _working_point(case: Case) -> tuple[float, float]:
    return WORKING_POINTS.get(case.name, (RATE_HZ, RATE_HZ / 5))


def _above_0(values: FloatArray) -> FloatArray:
    """Rates have to be; it takes five standard deviations to fall below."""
    return np.maximum(values, 0.0)


def _samples(out: Signal, every: int) -> FloatArray:
    """``[samples, lines]``: counts of spikes, or values."""
    if not isinstance(out, Spikes):
        values: FloatArray = out.payload()[0][::every]
        return values
    bins = len(out.window) // BIN
    places = (out.ticks - out.window.start) // BIN * out.size + out.ids
    return np.bincount(places, out.counts, bins * out.size).astype(np.float64).reshape(bins, out.size)


def _second_moments(
    blocks: FloatArray, yardstick: float | None, theory: tuple[float, float, float | None]
) -> tuple[Figure, Figure | None]:
    """Variance and correlation of ``[blocks, samples, lines]``, whose lines are alike; errors from how blocks differ."""
    mean, lines = blocks.mean(), blocks.shape[2]
    away = blocks - mean
    squares = (away**2).sum(axis=2).mean(axis=1)
    products = (away.sum(axis=2) ** 2).mean(axis=1) - squares
    scale = mean if yardstick is None else yardstick
    variance = _figure(squares / lines / scale, theory[1])
    if theory[2] is None:
        return variance, None
    return variance, _figure(products / (lines - 1) / squares.mean(), theory[2])


def _figure(values: FloatArray, theory: float) -> Figure:
    return Figure(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))), theory)


def _yardstick(case: Case) -> float | None:
    """What a variance is compared with; ``None``: the mean count."""
    if case.name not in MAPS:
        known = POISSON_VARIANCE.get(case.name)
        return None if known is None else known(case.make())
    mean, sd = _working_point(case)
    step = 1e-3 * mean
    below, above = (_response(case, np.full(LINES, mean + each))[0] for each in (-step, step))
    return float((sd * (above - below) / (2 * step)) ** 2)


def _response(case: Case, values: FloatArray) -> FloatArray:
    """Of a map to ``values[lines]`` in one tick."""
    adapter = case.prepared(values.size)
    response: FloatArray = adapter.convert(
        adapter.accepts.from_payload(Window(0, 1), values.size, (values[None],))
    ).values[0]
    return response


def _of_the_mean(adapter: Any, signal: Any) -> FloatArray:
    """What a map would deliver if every line had the mean all the time."""
    mean = np.full(signal.values.shape, signal.values.mean())
    total: FloatArray = adapter.convert(adapter.accepts.from_payload(signal.window, signal.size, (mean,))).total(CLOCK)
    return total


def _map_theory(case: Case) -> tuple[float, float, float]:
    """Bias, variance to the tangent's and correlation of a map that acts line by line, by quadrature over two lines."""
    nodes = np.linspace(-5, 5, 201)  # standard deviations; evenly, for the sake of responses with corners
    weights = np.exp(-(nodes**2) / 2)
    weights /= weights.sum()
    mean, sd = _working_point(case)
    other = CORRELATION * nodes[:, None] + np.sqrt(1 - CORRELATION**2) * nodes
    one = _response(case, _above_0(mean + sd * nodes))
    two = _response(case, _above_0(mean + sd * other.ravel())).reshape(other.shape)
    of_mean, first = float(_response(case, np.array([mean]))[0]), float(weights @ one)
    variance = float(weights @ one**2) - first**2
    covariance = float(weights @ (one * (two @ weights))) - first**2
    yardstick = _yardstick(case)
    assert yardstick is not None
    return first / of_mean - 1, variance / yardstick, covariance / variance


def _latency(case: Case) -> Figure:
    """From a pulse in one tick to the centre of mass of what it adds to the output."""
    responses = []
    for pulse in (0.0, 1.0):
        adapter = case.prepared(LINES)
        values = np.zeros((PULSES * PERIOD, LINES))
        height = min(PULSE_HZ, adapter.highest_rate_hz / 2) if adapter.accepts.__name__ == "Rates" else 1.0
        values[::PERIOD] = pulse * height
        window = Window(0, len(values))
        if adapter.accepts is Spikes:
            signal: Any = Spikes.from_counts(window, values.astype(int))
        else:
            signal = adapter.accepts.from_payload(window, LINES, (values,))
        out = adapter.convert(signal)
        response: Any = out.to_counts() if isinstance(out, Spikes) else out.values
        responses.append(response.sum(axis=1).reshape(PULSES, PERIOD).sum(axis=0))
    added = responses[1] - responses[0]
    ticks = float(added @ np.arange(PERIOD) / added.sum())
    theory = LATENCY_MS[case.name](case.make()) if case.name in LATENCY_MS else 0.0
    return Figure(round(ticks * CLOCK.tick_ms, 9), CLOCK.tick_ms / 2, theory)  # a response begins within the tick
