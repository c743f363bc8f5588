"""An adapter on the bench: what comes out of it for what goes in, against what it declares, in five panels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from scipy.signal import correlate, correlation_lags, welch
from scipy.special import gammainc

from hybrid.adapter import Adapter
from hybrid.clock import Clock, Window
from hybrid.errors import TimeError
from hybrid.plot.panels import block_means
from hybrid.plot.style import BLUE, GREY, INK, PALE, VERMILLION, check_folder, letter, our_style, save
from hybrid.ports import Port
from hybrid.random import named_stream
from hybrid.signals import Signal, Spikes, States
from hybrid.units import FloatArray

Make = Callable[[], Adapter]

_TICK_MS = 0.1
_LINES = 32
_RATE_HZ, _HIGHEST_HZ = 50.0, 100.0  # of the constant input, of any but that of (b)
_RATES_HZ = np.logspace(-3, 3, 13)
_SEGMENT = 1 << 14  # ticks of one periodogram
_SEEDS, _TICKS = 20, 2000  # for mean and variance at each rate


class _Trial(NamedTuple):
    """What went in and came out, ``[ticks, lines]`` each in Hz or the unit of the signal, and what was declared."""

    clock: Clock
    given: FloatArray
    out: FloatArray
    mean: FloatArray
    variance: FloatArray
    delivered: FloatArray


class _Maker(NamedTuple):
    """Gives adapters, and says on how many lines they are tried."""

    make: Make
    lines: int

    def __call__(self) -> Adapter:
        return self.make()


def plot_adapter(make: Make, path: str | Path | None = None, *, lines: int | None = None) -> Figure:
    """Draw what adapters from ``make`` do, on 32 or so many ``lines``; saved to ``path`` if one is given.

    (a) Input and output for a step and a sine of 5 Hz; where their units differ, on two axes that the declared gain makes
    agree. (b) Mean and variance per line and second, declared and delivered, over 1e-3 to 1,000 Hz. (c) Power spectrum of the
    output for constant (spikes: Poisson) input of 50 Hz, and theory. (d) Correlation of two lines of it. (e) Correlation of
    input and output for an input of white noise; its peak is the latency. Adapters that take low rates only are given such.
    """
    check_folder(path)
    made = _Maker(make, lines or _LINES)
    with our_style():
        figure = Figure(figsize=(15, 9), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
        panels = figure.subplot_mosaic("aaabbb;ccddee")
        _draw_course(panels["a"], made)
        _draw_moments(panels["b"], made)
        steady = _steady(made)
        _draw_spectrum(panels["c"], made, steady)
        _draw_two_lines(panels["d"], steady)
        _draw_latency(panels["e"], made)
        for name, axes in panels.items():
            letter(axes, name)
        figure.suptitle(_title(made()), x=0.008, ha="left", fontsize=16)
        save(figure, path)
    return figure


def _title(adapter: Adapter) -> str:
    described = adapter.describe()
    parameters = ", ".join(f"{name}={value!r}" for name, value in described.items() if name not in ("kind", "adapters"))
    return f"{type(adapter).__name__}({parameters}):  {adapter.accepts.__name__} → {adapter.emits.__name__}"


def _prepared(make: _Maker, clock: Clock, seed: int) -> Adapter:
    adapter = make()
    source = Port("bench", "out", adapter.accepts, make.lines, "out")
    target = Port("bench", "in", adapter.emits, adapter.emitted_size(make.lines), "in")
    adapter.prepare(clock, source, target, named_stream(seed, "connection", "bench"))
    return adapter


def _signal(adapter: Adapter, lines: int, hz: FloatArray, clock: Clock, seed: int) -> Any:
    """``hz[ticks]`` on all lines: as it is, or as Poisson spikes."""
    window, every = Window(0, len(hz)), np.repeat(hz[:, None], lines, axis=1)
    if issubclass(adapter.accepts, Spikes):
        return Spikes.from_counts(window, np.random.default_rng(seed).poisson(every * clock.tick_ms * 1e-3))
    return adapter.accepts.from_payload(window, lines, (every,))


def _values(signal: Signal, clock: Clock) -> FloatArray:
    if isinstance(signal, Spikes):
        return signal.to_counts() / (clock.tick_ms * 1e-3)
    values: FloatArray = signal.payload()[0]
    return values


def _tried(make: _Maker, hz: FloatArray, clock: Clock, seed: int = 1) -> _Trial:
    adapter = _prepared(make, clock, seed)
    signal = _signal(adapter, make.lines, hz, clock, seed)
    out = adapter.convert(signal)
    moments = adapter.expected(signal)
    delivered = out.total(clock) + adapter.held()
    return _Trial(clock, _values(signal, clock), _values(out, clock), moments.mean, moments.variance, delivered)


def _scale(make: _Maker) -> float:
    """What brings rates up to the highest of ours to half of the highest that the adapter takes, or lower."""
    return min(1.0, make().highest_rate_hz / 2 / _HIGHEST_HZ)


def _units(make: _Maker) -> tuple[str, str]:
    """Of what goes in and comes out; an attribute ``unit`` of the adapter tells that of its states."""
    adapter = make()
    named = {Spikes.unit: "Hz", States.unit: "state"}
    given, out = (named.get(kind.unit, kind.unit) for kind in (adapter.accepts, adapter.emits))
    return given, adapter.unit or out


# -- (a) -------------------------------------------------------------------------------------------------------------


def _draw_course(axes: Any, make: _Maker) -> None:
    clock, bin_ms = Clock(_TICK_MS), 10.0
    ms = clock.tick_ms * np.arange(clock.ticks(1000.0))
    sine = 60 + 40 * np.sin(2 * np.pi * 5e-3 * (ms - 500))
    stimulus = _scale(make) * np.where(ms < 150, 20.0, np.where(ms < 500, 60.0, sine))
    trial, (unit, unit_out) = _tried(make, stimulus, clock), _units(make)
    gain = float(trial.mean.mean() / (trial.given.sum(axis=0).mean() * clock.tick_ms * 1e-3)) or 1.0
    bins = clock.ticks(bin_ms)
    middle = bin_ms * (np.arange(len(ms) // bins) + 0.5)
    given, out = (block_means(each.mean(axis=1, keepdims=True), bins)[:, 0] for each in (trial.given, trial.out))
    lines = axes.plot(ms, stimulus, color=INK, lw=1.0, ls=(0, (4, 2)), label="stimulus", zorder=3)
    if not np.allclose(given, block_means(stimulus[:, None], bins)[:, 0]):
        lines += axes.plot(middle, given, color=GREY, lw=1.2, label="in")
    axes.set(xlim=(0, 1000), xlabel="Time (ms)", ylabel=f"{unit}, mean of lines", title="A step and a sine")
    axes.set_ylim(0, 1.3 * max((out / gain).max() if unit == unit_out else 0.0, given.max(), stimulus.max()))
    if unit == unit_out:
        scale = "" if np.isclose(gain, 1.0, rtol=1e-3) else f" / {gain:.4g} (declared gain)"
        lines += axes.plot(middle, out / gain, color=BLUE, lw=2.0, label=f"out{scale}")
    else:
        lines += _own_axis(axes, unit_out, gain).plot(middle, out, color=BLUE, lw=2.0, label="out (right)")
    axes.legend(handles=lines, loc="upper left", ncols=3)


def _own_axis(axes: Any, unit: str, gain: float) -> Any:
    """For another unit, on the right."""
    right = axes.twinx()
    right.spines["right"].set_visible(True)
    right.tick_params(axis="y", colors=BLUE)
    right.set_ylim(*(gain * limit for limit in axes.get_ylim()))
    right.set_ylabel(f"{unit}, mean of lines", color=BLUE)
    return right


# -- (b) -------------------------------------------------------------------------------------------------------------


def _draw_moments(axes: Any, make: _Maker) -> None:
    """Per line and second; the bars are two standard errors by the declared variance."""
    rates_hz = _RATES_HZ[make().highest_rate_hz > _RATES_HZ]
    rows = []
    for rate_hz in rates_hz:
        clock = _tick_for(make, rate_hz)
        steady = np.full(_TICKS, rate_hz)
        trials = [_tried(make, steady, clock, seed) for seed in range(1, _SEEDS + 1)]
        per_s = len(trials) * len(trials[0].mean) * _TICKS * clock.tick_ms * 1e-3
        mean, variance, delivered = (
            sum(float(getattr(each, name).sum()) for each in trials) for name in ("mean", "variance", "delivered")
        )
        scatter = sum(float(((each.delivered - each.mean) ** 2).sum()) for each in trials)
        rows.append((mean / per_s, variance / per_s, delivered / per_s, scatter / per_s, np.sqrt(variance) / per_s))
    mean, variance, delivered, scatter, error = np.array(rows).T
    minus = "minus the " if mean.max() < 0 else ""
    if minus:
        mean, delivered = -mean, -delivered
    axes.loglog(rates_hz, _drawn(mean), color=BLUE, lw=1.4, label=f"{minus}mean, declared")
    axes.errorbar(
        rates_hz,
        _drawn(delivered),
        2 * error,
        fmt="o",
        ms=9,
        mfc="white",
        mew=1.6,
        color=BLUE,
        label=f"{minus}mean, delivered",
    )
    if variance.any():
        axes.loglog(rates_hz, _drawn(variance), color=VERMILLION, lw=1.4, ls="--", label="variance, declared")
        axes.loglog(rates_hz, _drawn(scatter), "o", ms=4.5, color=VERMILLION, zorder=5, label="variance, delivered")
    else:
        axes.text(0.97, 0.06, "no variance declared", transform=axes.transAxes, ha="right", color=GREY)
    unit, unit_out = _units(make)
    moments = "Per line and second" if unit_out == "Hz" else f"Mean ({unit_out}), variance ({unit_out}² s), per line"
    axes.set(xlabel=f"Input ({unit})", ylabel=moments, title="Mean and variance")
    if mean.min() < 0 < mean.max():
        axes.set_yscale("linear")
    axes.grid(color=PALE, lw=0.6)
    axes.legend(loc="upper left")


def _drawn(values: FloatArray) -> FloatArray:
    return np.where(values != 0, values, np.nan)


def _tick_for(make: _Maker, rate_hz: float) -> Clock:
    """Longer ticks for rare events, if the adapter can have them."""
    clock = Clock(_TICK_MS if rate_hz > 30 else 1.0 if rate_hz > 3 else 10.0)
    try:
        _prepared(make, clock, 1)
    except TimeError:
        return Clock(_TICK_MS)
    return clock


# -- (c), (d) --------------------------------------------------------------------------------------------------------


def _steady(make: _Maker) -> _Trial:
    return _tried(make, np.full(1 << 17, _scale(make) * _RATE_HZ), Clock(_TICK_MS), seed=2)


def _draw_spectrum(axes: Any, make: _Maker, trial: _Trial) -> None:
    per_s, (unit, unit_out) = 1e3 / trial.clock.tick_ms, _units(make)
    steady = trial.out[len(trial.out) // 10 :]
    hz, power = welch(steady, per_s, nperseg=_SEGMENT, axis=0)
    hz, power = hz[1:], power[1:].mean(axis=1)
    axes.set(title=f"Spectrum at {_scale(make) * _RATE_HZ:g}" + " Hz" * (unit == "Hz"), xlim=(1, hz[-1]))
    axes.set(xlabel="Frequency (Hz)", ylabel=f"Power ({unit_out}²/Hz)")
    if power.max() <= 1e-12 * float(np.square(steady).mean()):
        axes.text(0.5, 0.5, "constant input gives\nconstant output", transform=axes.transAxes, ha="center", color=GREY)
        axes.set(xticks=[], yticks=[])
        return
    axes.loglog(*_smooth(hz, power), color=BLUE, lw=1.6, label="out")
    level, name = _level(make, trial)
    if level:
        share, name = _filtered(make(), trial.clock, name)
        theory = level * share[1:]
        axes.loglog(hz, theory, color=INK, lw=1.2, ls=(0, (4, 2)), label=name)
        axes.set_ylim(min(power.min(), theory.min()) / 3, 30 * max(power.max(), theory.max()))
    axes.grid(color=PALE, lw=0.6)
    axes.legend(loc="upper right")


def _filtered(adapter: Adapter, clock: Clock, name: str) -> tuple[FloatArray, str]:
    """What share of the power is left at each frequency by a filter of which the adapter tells time constant and shape."""
    tau_ms = getattr(adapter, "tau_ms", getattr(adapter, "tau_syn_ms", None))
    if not isinstance(tau_ms, float):
        return np.ones(_SEGMENT // 2 + 1), name
    alpha = getattr(adapter, "shape", "exponential") == "alpha"
    ticks = np.arange(8 * _SEGMENT + 1) * clock.tick_ms / tau_ms
    kernel = np.diff(gammainc(2.0 if alpha else 1.0, ticks))  # its share in each tick
    share: FloatArray = np.abs(np.fft.rfft(kernel)[::8]) ** 2
    return share, f"{name}, {'alpha' if alpha else 'low-pass'} {tau_ms:g} ms"


def _level(make: _Maker, trial: _Trial) -> tuple[float, str]:
    """One-sided power at low frequencies: of what is drawn, and of Poisson input times the share of each of its spikes."""
    adapter = _prepared(make, trial.clock, 3)
    drawn = 2 * float(trial.variance.mean()) / (len(trial.out) * trial.clock.tick_ms * 1e-3)
    if not issubclass(adapter.accepts, Spikes) or drawn:
        return drawn, "declared variance"
    shares = [adapter.expected(Spikes(Window(0, 1), make.lines, [0], [line])).mean for line in range(make.lines)]
    return 2 * _RATE_HZ * float(np.square(shares).sum(axis=0).mean()), "Poisson"


def _smooth(hz: FloatArray, power: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means over equal steps of the logarithm of the frequency."""
    step = np.unique(np.floor(24 * np.log10(hz)), return_inverse=True)[1]
    weight = np.bincount(step)
    return np.bincount(step, hz) / weight, np.bincount(step, power) / weight


def _draw_two_lines(axes: Any, trial: _Trial) -> None:
    axes.set(title="Two lines of it", xlabel="Lag (ms)", ylabel="Correlation", xlim=(-50, 50))
    bins = trial.clock.ticks(1.0)
    lines = block_means(trial.out[len(trial.out) // 10 :, :2], bins)
    varies = np.ptp(lines, axis=0) > 1e-9 * np.abs(lines).max(axis=0)
    note = "one line comes out" if lines.shape[1] < 2 else "constant" if not varies.all() else ""
    if note:
        axes.text(0.5, 0.5, note, transform=axes.transAxes, ha="center", color=GREY)
        axes.set(xticks=[], yticks=[])
        return
    lag_ms, value = _correlation(lines[:, 0], lines[:, 1], 1.0, (-50, 50))
    own = _correlation(lines[:, 0], lines[:, 0], 1.0, (-50, 50))[1]
    chance = 2 * np.sqrt(np.square(own).sum() / len(lines))  # Bartlett: as coloured as the lines themselves
    axes.axhspan(-chance, chance, color=PALE, lw=0, label="independent lines (2 sd)")
    axes.plot(lag_ms, value, color=BLUE, lw=1.4)
    axes.set_ylim(-1.5 * max(chance, np.abs(value).max()), 2.2 * max(chance, np.abs(value).max()))
    axes.legend(loc="upper right")


# -- (e) -------------------------------------------------------------------------------------------------------------


def _draw_latency(axes: Any, make: _Maker) -> None:
    clock = Clock(_TICK_MS)
    noise = np.random.default_rng(7).uniform(0.0, 2.0, 200_000)
    trial = _tried(make, _scale(make) * _RATE_HZ * noise, clock)
    given, out = trial.given.mean(axis=1), trial.out.mean(axis=1)
    axes.set(title="Latency", xlabel="Output after input (ms)", ylabel="Correlation", xlim=(-10, 40))
    if not given.std() or not out.std():
        axes.text(0.5, 0.5, "nothing varies", transform=axes.transAxes, ha="center", color=GREY)
        return
    lag_ms, value = _correlation(given, out, clock.tick_ms, (-10, 40))
    peak = int(np.argmax(np.abs(value)))
    axes.axvline(0, color=PALE, lw=1.0)
    axes.plot(lag_ms, value, color=BLUE, lw=1.6)
    axes.plot(lag_ms[peak], value[peak], "o", ms=9, mfc="none", mew=1.8, color=VERMILLION)
    axes.annotate(
        f"peak at {lag_ms[peak]:g} ms", (lag_ms[peak], value[peak]), xytext=(14, -4), textcoords="offset points",
        color=VERMILLION,
    )  # fmt: skip


def _correlation(
    first: FloatArray, second: FloatArray, bin_ms: float, within_ms: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Lags in ms by which ``second`` is later, and the correlation coefficient at each."""
    a, b = ((each - each.mean()) / each.std() for each in (first, second))
    value = correlate(b, a, method="fft") / len(a)
    lag_ms = np.round(correlation_lags(len(b), len(a)) * bin_ms, 9)
    shown = (lag_ms >= within_ms[0]) & (lag_ms <= within_ms[1])
    return lag_ms[shown], value[shown]
