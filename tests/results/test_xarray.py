"""Results as an xarray.Dataset."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import numpy as np
import pytest
from small_results import CLOCK, RATE, RUN, SPIKES, X1, a_run, recordings

from hybrid.errors import ConfigurationError
from hybrid.ports import Port
from hybrid.results.recorder import Recording
from hybrid.signals import Rates


def test_names_are_those_of_the_run() -> None:
    pytest.importorskip("xarray")
    results = a_run(interrupted_by="SIGTERM")
    dataset = results.to_xarray()
    rate, x1, drive = dataset["cortex.rate"], dataset["cortex.x1"], dataset["cortex.drive/in"]
    assert rate.dims == ("time_cortex.rate", "region")
    assert x1.dims == ("time", "region")
    assert drive.dims == ("time", "line_cortex")
    np.testing.assert_array_equal(rate, results[RATE].hz)
    np.testing.assert_allclose(dataset["time_cortex.rate"], np.arange(100))
    np.testing.assert_array_equal(x1.sel(region="lV1"), results[X1].values[:, 1])
    np.testing.assert_allclose(dataset.time, np.arange(1000) * 0.1)
    assert rate.attrs["units"] == "Hz"
    assert dataset.time.attrs["units"] == "ms"
    np.testing.assert_array_equal(dataset["focus.spikes.ids"], results[SPIKES].ids)
    np.testing.assert_array_equal(dataset["focus.spikes.counts"], results[SPIKES].counts)
    np.testing.assert_array_equal(dataset["focus.spikes.times_ms"], results.times_ms(SPIKES))
    assert dataset["focus.spikes.ids"].dims == ("focus.spikes.events",)
    assert dataset.attrs["content_sha256"] == results.content_sha256
    assert dataset.attrs["interrupted_by"] == "SIGTERM"


def _rates(*ports: Port) -> dict[str, Recording]:
    return {str(port): Recording(port, Rates.silence(RUN, port.size), 1, CLOCK) for port in ports}


def test_regions_of_several_components() -> None:
    pytest.importorskip("xarray")
    same = Port("stimulus", "rate", Rates, 3, "out", labels=RATE.labels)
    other = Port("other", "rate", Rates, 2, "out", labels=("rV1", "lV1"))
    cells = Port("focus", "rates", Rates, 3, "out")
    dataset = a_run(recordings=_rates(RATE, same, cells)).to_xarray()
    assert dataset["cortex.rate"].dims == dataset["stimulus.rate"].dims == ("time", "region")
    assert dataset["focus.rates"].dims == ("time", "line_focus")
    dataset = a_run(recordings=_rates(RATE, other)).to_xarray()
    assert dataset["cortex.rate"].dims == ("time", "region_cortex")
    assert list(dataset["other.rate"].coords["region_other"].values) == ["rV1", "lV1"]
    part = Port("cortex", "part", Rates, 2, "out", labels=("rV1", "lV1"))
    dataset = a_run(recordings=_rates(RATE, part)).to_xarray()
    assert dataset["cortex.part"].dims == ("time", "region_cortex.part")


def test_two_variables_of_one_name_are_refused() -> None:
    pytest.importorskip("xarray")
    both = {"focus.spikes": recordings()["focus.spikes"]} | _rates(Port("focus", "spikes.ids", Rates, 1, "out"))
    with pytest.raises(
        ConfigurationError, match=r"focus\.spikes and another port would both be called focus\.spikes\.ids"
    ):
        a_run(recordings=both).to_xarray()


def test_missing_xarray_is_answered_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "hybrid.results.xarray", raising=False)
    original = builtins.__import__

    def without_xarray(name: str, *rest: Any) -> Any:
        if name == "xarray":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_xarray)
    with pytest.raises(ConfigurationError, match=r'pip install "hybrid-brain-simulation\[xarray\]"'):
        a_run().to_xarray()
