"""Figures of synthetic results: what they show is what was put in, and no global state of matplotlib is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError, UnknownNameError
from hybrid.plot import plot_overview, plot_results, plot_seizure_spread
from hybrid.plot.seizure import _arriving
from hybrid.plot.style import BLUE, ORANGE, VERMILLION
from hybrid.ports import Port
from hybrid.results import Results
from hybrid.results.recorder import Recording
from hybrid.signals import Rates, Spikes, States

REGIONS, CELLS, DURATION_MS = 30, 300, 4000
CLOCK = Clock(0.5)
LABELS = tuple(f"Region {k}" for k in range(REGIONS))
RNG = np.random.default_rng(5)
STRENGTH = np.where(RNG.random(REGIONS) < 0.2, 0.0, 10 ** RNG.uniform(-3, 0, REGIONS))
DELAY_MS = np.round(RNG.uniform(4, 30, REGIONS))
ONSET_MS = np.where(STRENGTH > 0.01, 400 - 600 * np.log10(np.maximum(STRENGTH, 1e-9)), np.inf)  # stronger is earlier
RECRUITED = int(np.isfinite(ONSET_MS).sum())


def a_seizure(onset_ms: np.ndarray = ONSET_MS, configuration: dict[str, Any] | None = None) -> Results:
    times, rng = np.arange(0, DURATION_MS, 1.0), np.random.default_rng(1)
    seizing = np.greater_equal.outer(times, onset_ms)
    x1 = np.where(seizing, 0.5 + 0.7 * np.sin(times[:, None] / 15), -1.5) + rng.normal(0, 0.05, seizing.shape)
    ticks = Window(0, CLOCK.ticks(DURATION_MS))
    counts = rng.poisson(np.where(np.arange(len(ticks)) > 600, 0.02, 0.001)[:, None], (len(ticks), CELLS))
    potassium = 4 + 8 / (1 + np.exp((600 - times) / 120))

    def sampled(name: str, kind: type, component: str, values: np.ndarray, unit: str = "") -> Recording:
        labels = LABELS if values.shape[1] == REGIONS else ()
        port = Port(component, name, kind, values.shape[1], "out", unit, labels)
        return Recording(port, kind(Window(0, len(times)), values.shape[1], values), 2, CLOCK, averaged=True)

    made = [
        Recording(Port("focus", "spikes", Spikes, CELLS, "out"), Spikes.from_counts(ticks, counts), 1, CLOCK),
        sampled("potassium", States, "focus", potassium[:, None], "mM"),
        sampled("rate", Rates, "cortex", np.where(seizing, 40.0, 2.0)),
        sampled("x1", States, "cortex", x1),
    ]
    recordings = {str(each.port): each for each in made}
    return Results(recordings, CLOCK, len(ticks), seed=1, configuration=configuration or {})


@pytest.fixture(scope="module")
def figure() -> Any:
    return plot_seizure_spread(a_seizure(), strength=STRENGTH, delay_ms=DELAY_MS)


def test_raster_and_potassium(figure: Any) -> None:
    potassium, whole, zoomed = (
        next(axes for axes in figure.axes if axes.get_ylabel() == name)
        for name in ("K⁺ (mM)", "Rate of cells\n(shade)", "Spikes of\nthe same cells")
    )
    assert potassium.lines[0].get_ydata()[[0, -1]] == pytest.approx([4, 12], abs=0.1)
    assert [text.get_text() for text in potassium.get_legend().get_texts()] == ["60 of 300 neurons"]
    assert whole.get_xlabel() == "Time (s)"
    shades = whole.images[0].get_array()
    assert shades.shape[0] == 60
    assert shades[:, :10].mean() < 0.2 * shades[:, -10:].mean(), "it begins to fire after 300 ms"
    assert zoomed.get_xlabel() == "Time (ms)"
    assert zoomed.get_xlim()[0] < 300 < zoomed.get_xlim()[1]
    strokes = np.array([segment[0] for segment in zoomed.collections[0].get_segments()])
    assert len(strokes[strokes[:, 0] > 300]) == pytest.approx(60 * 40 * 0.16, rel=0.15)  # neurons, Hz, s
    assert len(strokes[strokes[:, 0] < 300]) < 0.1 * len(strokes)


def test_excitatory_and_inhibitory_cells_are_drawn_apart() -> None:
    figure = plot_seizure_spread(a_seizure(), strength=STRENGTH, delay_ms=DELAY_MS, excitatory=240)
    assert [text.get_text() for text in figure.axes[3].get_legend().get_texts()] == [
        "48 of 240 excitatory",
        "12 of 60 inhibitory",
    ]
    zoomed = next(axes for axes in figure.axes if axes.get_ylabel().startswith("Spikes"))
    colors, rows = [], []
    for collection in zoomed.collections:
        colors.append(to_hex(collection.get_colors()[0]).upper())
        rows.append({int(segment[0, 1]) for segment in collection.get_segments()})
    assert colors == [BLUE, VERMILLION]
    assert rows == [set(range(48)), set(range(48, 60))]


def test_regions_are_in_the_order_of_their_onsets(figure: Any) -> None:
    axes = figure.axes[0]
    marked = axes.lines[0]
    np.testing.assert_allclose(marked.get_xdata() * 1e3, np.sort(ONSET_MS)[:RECRUITED], atol=60)  # one cycle is 94 ms
    np.testing.assert_allclose(marked.get_ydata(), np.arange(RECRUITED) + 0.5)
    assert axes.get_title(loc="left") == f"Recruitment: {RECRUITED} of 30 regions"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["recruited"]
    texts = [text.get_text() for text in axes.texts]
    first = [LABELS[k] for k in np.argsort(ONSET_MS)[:12]]
    assert [text for text in texts if text.startswith("Region")] == first
    assert "never" in texts
    image = axes.images[0].get_array()
    assert image.shape[0] == REGIONS
    assert image[0].mean() > image[RECRUITED - 1].mean() > image[RECRUITED:].mean()


def test_recruitment_against_strength(figure: Any) -> None:
    axes = figure.axes[1]
    assert axes.get_xscale() == "log"
    assert axes.get_title(loc="left") == "Recruitment against connection strength"
    assert f"Spearman's ρ = −1.00, {RECRUITED} regions" in [text.get_text() for text in axes.texts]
    points = axes.collections[0]
    joined = np.isfinite(ONSET_MS)
    np.testing.assert_allclose(points.get_offsets()[:, 0], STRENGTH[joined])
    np.testing.assert_allclose(points.get_array(), DELAY_MS[joined])
    assert axes.get_xlim()[0] < STRENGTH[STRENGTH > 0].min()
    assert axes.get_xticklabels()[0].get_text() == "no path"


def test_rates_at_the_interface(figure: Any) -> None:
    lines = {line.get_color(): line for line in figure.axes[2].lines}
    sent, arriving = lines[BLUE].get_ydata(), lines[ORANGE].get_ydata()
    # 0.02 spikes a tick of 0.5 ms are 40 Hz; a bin of 10 ms holds 120 spikes
    assert sent[100:].mean() == pytest.approx(40, rel=0.02)
    assert arriving[-1] == pytest.approx((STRENGTH * np.where(np.isfinite(ONSET_MS), 40, 2)).sum())
    assert figure.axes[2].get_ylabel() == "Rate (Hz)"


def test_what_arrives_is_weighed_and_late() -> None:
    hz = RNG.uniform(0, 50, (40, 3))
    strength, delay = np.array([0.5, 0.0, 2.0]), np.array([3.0, 1.0, 7.0])
    expected = [
        sum(strength[j] * hz[t - int(delay[j]), j] for j in range(3) if t >= delay[j]) for t in range(40)
    ]  # the definition, term by term
    np.testing.assert_allclose(_arriving(hz, strength, delay), expected)


def test_every_panel_has_a_letter_and_labelled_axes(figure: Any) -> None:
    for axes, letter in zip(figure.axes[:4], "bcda", strict=True):
        assert letter in [text.get_text() for text in axes.texts]
        assert axes.get_xlabel() or letter == "a"
    assert {"Tract delay (ms)", "x1 (no unit)"} <= {axes.get_ylabel() for axes in figure.axes}


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_figure_is_saved(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"spread.{ending}"
    plot_seizure_spread(a_seizure(), path, strength=STRENGTH, delay_ms=DELAY_MS)
    assert path.stat().st_size > 20_000


@pytest.mark.parametrize("onset_ms", [np.full(REGIONS, np.inf), np.zeros(REGIONS)], ids=["nobody", "all at once"])
@pytest.mark.parametrize("strength", [np.zeros(REGIONS), np.ones(REGIONS)], ids=["no connection", "all alike"])
@pytest.mark.filterwarnings("error")
def test_extremes_can_be_drawn(tmp_path: Path, onset_ms: np.ndarray, strength: np.ndarray) -> None:
    results = a_seizure(onset_ms)
    figure = plot_seizure_spread(
        results, tmp_path / "spread.png", strength=strength, delay_ms=DELAY_MS, labels=["X"] * 30, potassium=None
    )
    assert any("ρ undefined" in text.get_text() for text in figure.axes[1].texts)


def test_bad_arguments_are_refused(tmp_path: Path) -> None:
    results = a_seizure()
    with pytest.raises(
        ConfigurationError, match=r"strength has shape \(3,\); it needs one number for each of 30 regions"
    ):
        plot_seizure_spread(results, strength=[1, 2, 3], delay_ms=DELAY_MS)
    with pytest.raises(ConfigurationError, match="30 regions, but 2 labels"):
        plot_seizure_spread(results, strength=STRENGTH, delay_ms=DELAY_MS, labels=["a", "b"])
    with pytest.raises(UnknownNameError, match=r"'focus\.K' does not exist"):
        plot_seizure_spread(results, strength=STRENGTH, delay_ms=DELAY_MS, potassium="K")
    with pytest.raises(ConfigurationError, match="there is no folder"):
        plot_seizure_spread(results, tmp_path / "absent" / "a.png", strength=STRENGTH, delay_ms=DELAY_MS)
    with pytest.raises(ConfigurationError, match=r"a\.docx"):
        plot_overview(results, tmp_path / "a.docx")


def test_results_know_their_figure() -> None:
    connections = {
        "out": {
            "from": "focus.spikes",
            "to": "cortex.drive",
            "weight": STRENGTH[:, None],
            "delay_ms": DELAY_MS[:, None],
        },
        "back": {
            "from": "cortex.rate",
            "to": "focus.afferents",
            "weight": np.tile(STRENGTH, (10, 1)),
            "delay_ms": np.tile(DELAY_MS, (10, 1)),
        },
    }
    for configuration in ({"connections": connections}, {"brain": {"connections": connections}}):
        figure = plot_results(a_seizure(configuration=configuration))
        np.testing.assert_allclose(figure.axes[1].collections[0].get_offsets()[:, 0], STRENGTH[np.isfinite(ONSET_MS)])
    focus = {"build": "hybrid.circuits.potassium:potassium_focus", "parameters": {"excitatory_fraction": 0.7}}
    known = {"brain": {"connections": connections, "components": {"focus": focus}}}
    kinds = plot_results(a_seizure(configuration=known)).axes[3].get_legend().get_texts()
    assert [text.get_text() for text in kinds] == ["48 of 210 excitatory", "12 of 90 inhibitory"]
    del connections["back"]
    assert is_overview(plot_results(a_seizure(configuration={"connections": connections})))


def is_overview(figure: Any) -> bool:
    return "focus.spikes" in [axes.get_title(loc="left") for axes in figure.axes]


@pytest.mark.parametrize(
    "connections",
    [
        None,
        [],
        {"out": "focus"},
        {"out": {"from": "focus.spikes", "to": "cortex.drive"}},
        {
            "out": {"from": "focus.spikes", "to": "cortex.drive", "weight": [[1.0]] * 3, "delay_ms": [[1.0]] * 3},
            "back": {"from": "cortex.rate", "to": "focus.in", "weight": [[1.0] * 3], "delay_ms": [[1.0] * 3]},
        },
        {
            "out": {"from": "focus.spikes", "to": "cortex.drive", "weight": "strong", "delay_ms": [[1.0]] * 30},
            "back": {"from": "cortex.rate", "to": "focus.in", "weight": [[1.0] * 30], "delay_ms": [[1.0] * 30]},
        },
    ],
)
def test_another_brain_with_the_same_names_has_an_overview(connections: Any) -> None:
    assert is_overview(plot_results(a_seizure(configuration={"connections": connections})))


def test_no_global_state() -> None:
    program = """
import sys, matplotlib
from hybrid.clock import Clock, Window; from hybrid.ports import Port; from hybrid.results.recorder import Recording
from hybrid.results import Results; from hybrid.signals import Rates
before = matplotlib.rcParams.copy()
from hybrid.plot import plot_overview
port, clock = Port("a", "rate", Rates, 2, "out"), Clock(1)
plot_overview(Results({"a.rate": Recording(port, Rates(Window(0, 9), 2, 1.0), 1, clock)}, clock, 9, seed=1))
print("matplotlib.pyplot" in sys.modules)  # looked at first: comparing the settings imports it
print(matplotlib.rcParams.copy() == before)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]
