"""Results as an xarray.Dataset."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import numpy as np
import pytest
from small_results import CLOCK, RATE, RUN, SPIKES, X1, a_run, recordings

from hybrid.clock import Window
from hybrid.errors import ConfigurationError
from hybrid.ports import Port
from hybrid.results.recorder import Recording
from hybrid.signals import States


def test_xarray() -> None:
    pytest.importorskip("xarray")
    results = a_run()
    dataset = results.to_xarray()
    assert dataset.cortex_rate.dims == ("time_cortex_rate", "line_cortex_rate")
    np.testing.assert_array_equal(dataset.cortex_rate, results[RATE].hz)
    np.testing.assert_allclose(dataset.time_cortex_rate, np.arange(100))
    assert dataset.cortex_x1.dims[0] == "time"
    np.testing.assert_array_equal(dataset.cortex_x1.sel(line_cortex_x1="lV1"), results[X1].values[:, 1])
    np.testing.assert_allclose(dataset.time, np.arange(1000) * 0.1)
    assert dataset.cortex_rate.attrs["units"] == "Hz"
    assert dataset.time.attrs["units"] == "ms"
    np.testing.assert_array_equal(dataset.focus_spikes_id, results[SPIKES].ids)
    np.testing.assert_array_equal(dataset.focus_spikes_count, results[SPIKES].counts)
    np.testing.assert_array_equal(dataset.focus_spikes_time_ms, results.times_ms(SPIKES))
    assert dataset.focus_spikes_id.dims == ("focus_spikes_event",)
    assert dataset.attrs["content_sha256"] == results.content_sha256


def test_xarray_shares_dimensions_that_are_alike() -> None:
    pytest.importorskip("xarray")
    alike = {name: recordings()[name] for name in ("cortex.rate", "focus.spikes")}
    values = States(Window(0, 100), 3, np.ones((100, 3)))
    alike["cortex.x1"] = Recording(X1, values, 10, CLOCK, averaged=True)
    dataset = a_run(recordings=alike).to_xarray()
    assert dataset.cortex_rate.dims == dataset.cortex_x1.dims == ("time", "line_cortex")
    assert set(dataset.sel(line_cortex="rV1").data_vars) >= {"cortex_rate", "cortex_x1"}


def test_xarray_refuses_two_ports_of_one_name() -> None:
    pytest.importorskip("xarray")
    first, second = Port("a", "b_c", States, 1, "out"), Port("a_b", "c", States, 1, "out")
    both = {str(port): Recording(port, States.silence(RUN, 1), 1, CLOCK) for port in (first, second)}
    with pytest.raises(ConfigurationError, match=r"a\.b_c and a_b\.c would both be called a_b_c"):
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
