"""An overview of any brain: what was recorded is what is drawn, whatever its size, and nothing is drawn twice too large."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError, UnknownNameError
from hybrid.plot import plot_overview, plot_results
from hybrid.plot.raster import Cells, population_rate
from hybrid.plot.stretch import stretch_of
from hybrid.ports import Port
from hybrid.results import Results
from hybrid.results.recorder import Recording
from hybrid.signals import Spikes, States

CLOCK = Clock(0.1)


def spikes(size: int, events: int, ticks: int = 10_000, name: str = "spikes") -> Recording:
    rng = np.random.default_rng(size)
    when, who = np.sort(rng.integers(0, ticks, events)), rng.integers(0, size, events)
    signal = Spikes(Window(0, ticks), size, when, who, np.ones(events, np.int32))
    return Recording(Port("v1", name, Spikes, size, "out"), signal, 1, CLOCK)


def states(values: Any, every: int = 10, first: int = 0, labels: tuple[str, ...] = (), name: str = "x") -> Recording:
    values = np.asarray(values, np.float64)
    signal = States(Window(first, first + len(values)), values.shape[1], values)
    return Recording(Port("net", name, States, values.shape[1], "out", "mV", labels), signal, every, CLOCK)


def results(*recordings: Recording, ticks: int = 10_000) -> Results:
    return Results({str(each.port): each for each in recordings}, CLOCK, ticks, seed=1)


def panel(figure: Any, title: str) -> Any:
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == title)


RNG = np.random.default_rng(3)
CASES = {
    "one region": results(states(RNG.normal(size=(1000, 1)))),
    "eight regions": results(states(RNG.normal(size=(1000, 8)), labels=tuple("abcdefgh"))),
    "nine regions": results(states(RNG.normal(size=(1000, 9)))),
    "1,000 regions": results(
        states(RNG.normal(size=(100, 1000)), 100, labels=tuple(f"region {k}" for k in range(1000)))
    ),
    "constant": results(states(np.ones((1000, 3))), states(np.ones((1000, 30)), name="y")),
    "one sample": results(states(np.ones((1, 2)), 10_000), states(np.ones((1, 20)), 10_000, name="y")),
    "not a number": results(states(np.full((10, 2), np.nan), 1000), states(np.full((10, 20), np.nan), 1000, name="y")),
    "one tick": results(states(np.ones((1, 2)), 1), spikes(3, 2, 1), ticks=1),
    "one neuron": results(spikes(1, 50)),
    "100,000 neurons": results(spikes(100_000, 200_000)),
    "no spikes": results(spikes(1000, 0)),
    "one spike": results(spikes(2, 1)),
    "crowded": results(spikes(30, 300_000)),
    "names like formulas": results(
        states(np.zeros((10, 2)), 1000, labels=("_$a^{", r"$\frac$")),
        states(np.zeros((10, 9)), 1000, name="$x_$", labels=(*"abcdefg", "$_{$", "h" * 9000)),
    ),
    "an average never complete": results(states(np.ones((0, 2)), 20_000), spikes(3, 4)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", CASES)
def test_any_brain_can_be_drawn(case: str, tmp_path: Path) -> None:
    figure = plot_results(CASES[case], tmp_path / "all.png")
    for port in CASES[case]:
        assert panel(figure, port.replace("$", r"\$"))
    assert (tmp_path / "all.png").stat().st_size > 5_000


@pytest.mark.parametrize(("size", "most"), [(9, 9), (76, 76), (192, 192), (1000, 150)])
def test_regions_have_their_names(size: int, most: int) -> None:
    labels = tuple(f"R{k}" for k in range(size))
    axes = panel(plot_overview(results(states(RNG.normal(size=(100, size)), 100, labels=labels))), "net.x")
    named = {
        round(at - 0.5): text.get_text() for at, text in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
    }
    assert all(name == f"R{row}" for row, name in named.items())
    assert most / 3 <= len(named) <= most
    spacing = 72 * axes.get_figure().get_figheight() / size * np.diff(sorted(named))[0]
    assert axes.get_yticklabels()[0].get_fontsize() < spacing, "names do not overlap"


def test_few_lines_have_a_legend() -> None:
    axes = panel(plot_overview(results(states(RNG.normal(size=(100, 2)), 100, labels=("E", "I")))), "net.x")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["E", "I"]
    assert axes.get_ylabel() == "mV"


def test_single_spikes_are_strokes_and_crowds_are_shades() -> None:
    few = panel(plot_overview(results(spikes(30, 200))), "v1.spikes")
    segments = np.array(few.collections[0].get_segments())
    signal = CASES["one neuron"]["v1.spikes"]
    assert len(segments) == 200
    assert not few.images
    alone = panel(plot_overview(CASES["one neuron"]), "v1.spikes").collections[0].get_segments()
    np.testing.assert_allclose(np.array(alone)[:, 0, 0], (signal.ticks + 0.5) * CLOCK.tick_ms)
    crowd = panel(plot_overview(CASES["crowded"]), "v1.spikes")
    assert crowd.images[0].get_array().shape == (30, 250)
    assert crowd.images[0].get_array().sum() == 300_000
    assert not crowd.collections


def test_the_rate_below_a_raster_is_that_of_all_neurons() -> None:
    dense = results(spikes(400, 200_000))
    middle, hz = population_rate(dense.recording("v1.spikes"), stretch_of(dense), Cells(0, 400))
    assert hz.mean() == pytest.approx(500, rel=0.01)  # 200,000 spikes of 400 neurons in 1 s
    for first, stop in ((0, 150), (150, 400)):
        _, own = population_rate(dense.recording("v1.spikes"), stretch_of(dense), Cells(first, stop))
        ids = dense["v1.spikes"].ids
        fired = np.count_nonzero((ids >= first) & (ids < stop))
        assert own.mean() * (stop - first) == pytest.approx(fired, rel=0.01)
    assert 0 < middle[0] < middle[-1] < 1000
    figure = plot_overview(dense)
    drawn = next(axes for axes in figure.axes if axes.get_ylabel() == "Rate (Hz)").lines[0]
    np.testing.assert_allclose(drawn.get_ydata(), hz)


def test_ports_and_a_stretch_can_be_chosen() -> None:
    ramp = states(np.arange(1000.0)[:, None])
    many = results(ramp, spikes(20, 400), states(np.zeros((1000, 3)), name="y"))
    figure = plot_results(many, ports=["v1.spikes", many.recording("net.x").port], from_ms=200, to_ms=300)
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]
    assert titles == ["v1.spikes", "net.x"], "in the order asked for"
    np.testing.assert_array_equal(panel(figure, "net.x").lines[0].get_ydata(), np.arange(200, 300))
    np.testing.assert_allclose(panel(figure, "net.x").lines[0].get_xdata(), np.arange(200, 300))
    assert all(axes.get_xlim() == (200, 300) for axes in figure.axes)
    inside = (many["v1.spikes"].ticks >= 2000) & (many["v1.spikes"].ticks < 3000)
    assert len(panel(figure, "v1.spikes").collections[0].get_segments()) == inside.sum()
    assert len([axes for axes in plot_results(many, ports="net.y").axes if axes.get_title(loc="left")]) == 1


@pytest.mark.parametrize(("start", "first"), [(0, 0), (1.0, 1), (1.1, 2)])
def test_a_stretch_holds_the_samples_that_begin_in_it(start: float, first: int) -> None:
    figure = plot_overview(results(states(np.arange(1000.0)[:, None])), from_ms=start, to_ms=10)
    np.testing.assert_array_equal(panel(figure, "net.x").lines[0].get_ydata(), np.arange(first, 10))
    later = results(states(np.arange(5.0)[:, None], 10, first=3))
    np.testing.assert_array_equal(panel(plot_overview(later), "net.x").lines[0].get_xdata(), [3, 4, 5, 6, 7])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ports": ["net.y"]}, UnknownNameError, r"recording 'net.y' .* did you mean 'net.x'. .there is: net.x, v1.spikes"),
        ({"ports": "spikes"}, UnknownNameError, "recording 'spikes' does not exist"),
        ({"ports": []}, ConfigurationError, "no port to draw; there is: net.x, v1.spikes"),
        ({"from_ms": 1000}, ConfigurationError, "from 1000 to 1000 ms: the run lasts from 0 to 1000 ms; give a stretch"),
        ({"from_ms": 300, "to_ms": 200}, ConfigurationError, "from 300 to 200 ms: the run lasts"),
        ({"to_ms": 1001}, ConfigurationError, "from 0 to 1001 ms: the run lasts from 0 to 1000 ms"),
        ({"from_ms": -1}, ConfigurationError, "from -1 to 1000 ms"),
        ({"from_ms": float("nan")}, ConfigurationError, "from_ms"),
        ({"from_ms": "early"}, ConfigurationError, "from_ms"),
        ({"ports": "net.x", "from_ms": 10.1, "to_ms": 10.9}, ConfigurationError, "no sample .*net.x every 1 ms.*; give a longer"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plot_results(results(states(np.zeros((1000, 2))), spikes(5, 5)), **arguments)


def test_many_ports_are_cut_and_told() -> None:
    figure = plot_overview(results(*(states(np.zeros((10, 1)), 1000, name=f"x{k}") for k in range(30))))
    assert len([axes for axes in figure.axes if axes.get_title(loc="left")]) == 20
    assert figure.get_suptitle() == "20 of 30 ports; choose others by their names"


def test_no_peak_of_a_long_curve_is_lost() -> None:
    values = np.zeros((200_000, 1))
    values[123_456], values[77] = 5.0, -3.0
    line = panel(plot_overview(results(states(values, 1), ticks=200_000)), "net.x").lines[0]
    assert len(line.get_xdata()) < 5_000
    assert (line.get_ydata().max(), line.get_ydata().min()) == (5.0, -3.0)
    assert line.get_xdata()[line.get_ydata().argmax()] == pytest.approx(12.3456, abs=0.011)  # s


@pytest.mark.long
def test_large_runs_take_little_memory() -> None:
    large = results(spikes(50_000, 5_000_000, 1_000_000), states(np.zeros((100_000, 50)), 10), ticks=1_000_000)
    tracemalloc.start()
    plot_overview(large)
    assert tracemalloc.get_traced_memory()[1] < 60 * 2**20
    tracemalloc.stop()
