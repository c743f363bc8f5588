"""Across scales: a population of quadratic integrate-and-fire neurons is exactly the Montbrió-Pazó-Roxin mass.

Montbrió, Pazó & Roxin (2015) Phys Rev X 5:021028: in the limit of many neurons with Lorentzian excitabilities. So in a brain
of coupled masses one may be replaced by the circuit, through our adapters, and the trajectory stays: here through a pulse that
switches it from the low to the high state (J = 15, Delta = 1, eta = -5; fixed points of the mass alone 8.11 and 103.06 Hz
for tau = 10 ms). The brain is that of examples/qif_mass.py.
"""

from __future__ import annotations

import numpy as np
import pytest
import qif_mass
from qif_mass import BIN_MS, SEEDS, SIZES, error, errors, trajectories

from adapters import Affine, RateToPoisson
from hybrid import Chain


@pytest.fixture(scope="module")
def both():
    return {"mass": trajectories(), "circuit": trajectories(2000)}


def between(rates, start_ms, stop_ms):
    return rates[start_ms // BIN_MS : stop_ms // BIN_MS].mean()


def test_the_circuit_rests_switches_and_stays_as_the_mass_does(both):
    mass, circuit = both["mass"][0], both["circuit"][0]
    assert between(mass, 0, 50) == pytest.approx(8.11, rel=0.02)
    assert between(circuit, 20, 50) == pytest.approx(between(mass, 20, 50), rel=0.1)  # low: 10 %, high: 3 %, as others
    assert between(circuit, 120, 250) == pytest.approx(between(mass, 120, 250), rel=0.03)  # find with a peak of 200
    assert between(circuit, 300, 500) == pytest.approx(between(mass, 300, 500), rel=0.03)
    assert between(mass, 300, 500) > 95  # it has switched, and stays after the pulse
    crossing = [int(np.argmax(each > 50)) * BIN_MS for each in (mass, circuit)]
    assert abs(crossing[0] - crossing[1]) <= BIN_MS


def test_the_neighbour_does_not_notice(both):
    mass, circuit = both["mass"][1], both["circuit"][1]
    felt = between(mass, 150, 250) - between(mass, 0, 50)
    assert felt > 0.4  # Hz: it does feel the switch
    assert between(circuit, 150, 250) == pytest.approx(between(mass, 150, 250), abs=0.06 * felt)
    assert np.abs(circuit - mass).max() < 0.3 * felt  # also while switching


def slope(sizes, found):
    """Of the error against the number of neurons, both as logarithms."""
    return np.polyfit(np.log(sizes), np.log(found), 1)[0]


def test_the_error_falls_with_the_number_of_neurons(both):
    sizes = (125, 500, 2000)
    runs = [trajectories(125), trajectories(500), both["circuit"]]
    for node in (0, 1):
        found = [error(run[node], both["mass"][node]) for run in runs]
        assert slope(sizes, found) == pytest.approx(-0.5, abs=0.12)


@pytest.mark.long
def test_the_error_falls_as_one_over_the_root_of_the_number_of_neurons():
    of_node, of_neighbour = np.sqrt((errors() ** 2).mean(axis=2))
    assert len(SEEDS) >= 3
    assert slope(SIZES, of_node) == pytest.approx(-0.5, abs=0.08)
    assert slope(SIZES, of_neighbour) == pytest.approx(-0.5, abs=0.04)


def test_the_window_changes_nothing(both):
    for window_ms in (0.1, 0.5):
        again = trajectories(125, window_ms=window_ms)
        assert all(np.array_equal(a, b) for a, b in zip(again, trajectories(125), strict=True))


def test_an_interface_that_loses_a_quarter_would_show(both, monkeypatch):
    monkeypatch.setattr(qif_mass, "RateToPoisson", lambda fibres: Chain(Affine(0.75), RateToPoisson(fibres=fibres)))
    mass, circuit = both["mass"][0], trajectories(2000)[0]
    assert between(circuit, 120, 250) < 0.97 * between(mass, 120, 250)
