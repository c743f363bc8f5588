"""Pictures of a sweep: lines over one key, heat maps over two, means over seeds, what is missing told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hybrid.errors import ConfigurationError, UnknownNameError
from hybrid.experiment.sweep import Axis, Sweep
from hybrid.experiment.sweep.design import Design
from hybrid.experiment.sweep.grid import Grid
from hybrid.experiment.sweep.outcome import DONE, FAILED, Outcome
from hybrid.plot.sweep import plot_sweep


def sweep_of(
    folder: Path, axes: dict[str, list], absent: tuple[int, ...] = (), zipped: bool = False, names=("f",)
) -> Sweep:
    """Feature ``f`` is the number of the point; no results behind it."""
    grid = Grid([Axis(key, tuple(values)) for key, values in axes.items()], zipped)
    (folder / "points").mkdir()
    for number in range(len(grid)):
        done = number not in absent
        features = {name: number + 100.0 * k for k, name in enumerate(names)} if done else {}
        Outcome(DONE if done else FAILED, features=features, error="" if done else "x").save(folder, number)
        (folder / "points" / f"{number:05d}.h5").touch()
    return Sweep(Design("x.toml", folder, {}, grid), folder)


def test_one_key_is_a_line_in_the_order_of_its_values(tmp_path):
    figure = plot_sweep(sweep_of(tmp_path, {"a.x": [3.0, 1.0, 2.0]}))
    (line,) = figure.axes[0].lines
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == [1, 2, 0]
    assert figure.axes[0].get_xlabel() == "a.x"
    assert figure._suptitle is None


def test_seeds_are_dots_and_the_line_their_mean(tmp_path):
    figure = plot_sweep(sweep_of(tmp_path, {"run.seed": [1, 2], "a.x": [10, 20, 30]}, absent=(1,)), tmp_path / "it.png")
    dots, line = figure.axes[0].lines
    assert line.get_ydata().tolist() == [1.5, 4, 3.5]  # without the one that failed
    assert len(dots.get_xdata()) == 6
    assert figure._suptitle.get_text() == "mean over run.seed (2); 1 of 6 points failed or are missing"
    assert (tmp_path / "it.png").stat().st_size > 10_000


def test_two_keys_are_a_map_with_their_values_at_its_sides(tmp_path):
    figure = plot_sweep(
        sweep_of(tmp_path, {"a.x": [0.5, 1.5], "run.seed": [1, 2], "a.y": ["p", "q", "r"]}, absent=(0, 3))
    )
    panel = figure.axes[0]
    drawn = np.ma.filled(panel.images[0].get_array(), np.nan)
    np.testing.assert_array_equal(drawn, [[np.nan, 2.5, 3.5], [7.5, 8.5, 9.5]])
    assert (panel.get_ylabel(), panel.get_xlabel()) == ("a.x", "a.y")
    assert [text.get_text() for text in panel.get_yticklabels()] == ["0.5", "1.5"]
    assert [text.get_text() for text in panel.get_xticklabels()] == ["p", "q", "r"]


def test_one_seed_axis_alone_a_zipped_sweep_and_many_features(tmp_path):
    for k, (axes, zipped, panels) in enumerate(
        [({"run.seed": [1, 2, 3]}, False, 1), ({"a.x": [1, 2], "a.y": [3, 4]}, True, 1), ({"a.x": [1]}, False, 5)]
    ):
        folder = tmp_path / str(k)
        folder.mkdir()
        figure = plot_sweep(
            sweep_of(folder, axes, zipped=zipped, names=[f"f{n}" for n in range(panels)]), folder / "it.svg"
        )
        assert len(figure.axes) == panels


def test_what_cannot_be_drawn_is_refused(tmp_path):
    sweep = sweep_of(tmp_path, {"a.x": [1, 2]})
    with pytest.raises(UnknownNameError, match="feature 'g' does not exist"):
        plot_sweep(sweep, features=["g"])
    with pytest.raises(ConfigurationError, match="there is no folder"):
        plot_sweep(sweep, tmp_path / "nowhere" / "it.png")
    for path in (tmp_path / "outcomes").iterdir():
        path.write_text(json.dumps({**json.loads(path.read_text()), "features": {}}))
    with pytest.raises(ConfigurationError, match="has no features to draw"):
        plot_sweep(sweep)
