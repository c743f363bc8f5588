"""A sweep as one xarray: parameters are dimensions, what failed is NaN, recordings come along on demand."""

from __future__ import annotations

import numpy as np
import pytest
from sweeps import experiment

from hybrid.errors import ConfigurationError
from hybrid.experiment.sweep import Sweep

AT = "components.relay.parameters.at"


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    place = tmp_path_factory.mktemp("sweep")
    values = {AT: [0, 1], "run.seed": np.arange(1, 4), "connections.wire.weight": [1.5]}
    sweep = Sweep.of(experiment(place), values, place / "out", features=["own_parts:peak", "means"])
    sweep.run()
    return Sweep.load(place / "out")


def test_the_keys_are_dimensions_and_what_failed_is_nan(swept):
    dataset = swept.to_xarray()
    assert dict(dataset.sizes) == {"at": 2, "seed": 3}
    assert dataset["weight"].item() == 1.5
    assert dataset["seed"].attrs == {"key": "run.seed"}
    assert dataset["peak"].dims == ("at", "seed")
    assert dataset["peak"].sel(at=0, seed=2).item() == swept.results(1)["relay.rate"].hz.max()
    assert np.isnan(dataset["peak"].sel(at=1)).all()
    assert np.isfinite(dataset["means.relay.rate"].sel(at=0)).all()
    assert dataset["status"].sel(seed=3).values.tolist() == ["done", "failed"]
    assert dataset["content_sha256"].sel(at=0, seed=1).item() == swept.results(0).content_sha256
    assert dataset["point"].values.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_recordings_come_along(swept):
    dataset = swept.to_xarray(recordings=["relay.rate"])
    rate = dataset["relay.rate"]
    assert rate.dims == ("at", "seed", "time", "line_relay")
    assert (rate.sel(at=0, seed=3).values == swept.results(2)["relay.rate"].hz).all()
    assert np.isnan(rate.sel(at=1)).all()
    assert rate.attrs["units"] == "Hz"
    with pytest.raises(ConfigurationError, match=r"no continuous recording 'relay\.x'"):
        swept.to_xarray(recordings=["relay.x"])


def test_points_whose_recordings_differ_are_refused(tmp_path):
    sweep = Sweep.of(experiment(tmp_path), {"run.duration_ms": [5, 10]}, tmp_path / "out")
    sweep.run()
    with pytest.raises(ConfigurationError, match="differ in their times or regions"):
        sweep.to_xarray(recordings=["relay.rate"])


def test_a_zipped_sweep_has_the_dimension_point(tmp_path):
    values = {"run.seed": [5, 6], AT: [0, 1]}
    sweep = Sweep.of(experiment(tmp_path), values, tmp_path / "out", features=["means"], zipped=True)
    sweep.run()
    dataset = sweep.to_xarray()
    assert dict(dataset.sizes) == {"point": 2}
    assert dataset["seed"].values.tolist() == [5, 6]
    assert dataset["at"].dims == ("point",)
    assert np.isnan(dataset["means.relay.rate"].values).tolist() == [False, True]


def test_keys_that_end_alike_keep_their_whole_names_and_tables_are_texts(tmp_path):
    values = {
        "connections.wire.adapter": [{"kind": "adapters:SpikeToRate", "tau_ms": each} for each in (5.0, 6.0)],
        "components.source.parameters.size": [2],
        "connections.wire.weight": [[[1.0, 0.0], [0.0, 1.0]], 1.0],
        "connections.wire.scale": [1.0, 2.0],
        "components.relay.parameters.size": [2],
    }
    sweep = Sweep.of(experiment(tmp_path), values, tmp_path / "out")
    dataset = sweep.to_xarray()  # before anything has been run
    assert dict(dataset.sizes) == {"adapter": 2, "weight": 2, "scale": 2}
    assert {"components.source.parameters.size", "components.relay.parameters.size"} <= set(dataset.coords)
    assert dataset["weight"].values.tolist() == ["[[1.0, 0.0], [0.0, 1.0]]", "1.0"]
    assert dataset["adapter"].values[0] == '{"kind": "adapters:SpikeToRate", "tau_ms": 5.0}'
    assert set(dataset["status"].values.ravel()) == {"missing"}
