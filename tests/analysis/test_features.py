"""Features that any results have: what they say of recordings that are known."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid.analysis import deviations, mean_rates_hz, means
from hybrid.clock import Clock, Window
from hybrid.ports import Port
from hybrid.results import Results
from hybrid.results.recorder import Recording
from hybrid.signals import Spikes, States

CLOCK = Clock(0.5)
VALUES = np.array([[0.0, 10.0], [2.0, 10.0], [4.0, 10.0], [6.0, 10.0]])


@pytest.fixture
def results():
    spikes = Spikes(Window(0, 2000), 4, [5, 7], [0, 3], [2, 1])
    recordings = [
        Recording(Port("v1", "spikes", Spikes, 4, "out"), spikes, 1, CLOCK),
        Recording(Port("net", "x", States, 2, "out", "mV"), States(Window(0, 4), 2, VALUES), 500, CLOCK),
    ]
    return Results({str(each.port): each for each in recordings}, CLOCK, 2000, seed=1)


def test_features_of_known_recordings(results):
    assert mean_rates_hz(results) == {"v1.spikes": 3 / 4}  # in one second
    assert means(results) == {"net.x": 6.5}
    assert deviations(results) == {"net.x": pytest.approx(np.sqrt(5) / 2)}
