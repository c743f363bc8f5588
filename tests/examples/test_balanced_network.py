"""A balanced random network keeps its rates when one half of it becomes a rate population: examples/balanced_network.py."""

from __future__ import annotations

import balanced_network
import pytest
from balanced_network import OTHER, RatePopulation, hybrid_network, settled_hz, spiking_network, theory_hz

from adapters import Affine, RateToPoisson
from hybrid import Chain
from hybrid.testing import check_component


@pytest.fixture(scope="module")
def all_spiking():
    return settled_hz(spiking_network())


def test_the_rate_population_keeps_the_contract_of_a_component():
    check_component(lambda: RatePopulation("population"))


def test_the_spiking_network_fires_as_theory_says(all_spiking):
    theory = theory_hz()
    assert theory == pytest.approx(26.29, abs=0.01)
    for rate_hz in all_spiking.values():
        assert rate_hz == pytest.approx(theory, rel=0.05)


@pytest.mark.parametrize("spiking", ["exc", pytest.param("inh", marks=pytest.mark.long)])
def test_each_half_keeps_its_rate_when_the_other_is_a_rate(spiking, all_spiking):
    rates, results = hybrid_network(spiking)
    found = settled_hz(rates)
    for half in (spiking, OTHER[spiking]):
        assert found[half] == pytest.approx(all_spiking[half], rel=0.06)
        assert found[half] == pytest.approx(theory_hz(), rel=0.05)
    assert not any(row["drifts"] for row in results.audit)


def test_an_interface_that_loses_a_quarter_would_show(monkeypatch):
    monkeypatch.setattr(
        balanced_network, "RateToPoisson", lambda fibres: Chain(Affine(0.75), RateToPoisson(fibres=fibres))
    )
    found = settled_hz(hybrid_network("inh")[0])
    assert abs(found["inh"] / theory_hz() - 1) > 0.06


@pytest.mark.parametrize("spiking", ["exc", "inh"])
def test_the_window_changes_nothing(spiking):
    runs = [hybrid_network(spiking, duration_ms=60.0, window_ms=window_ms)[1] for window_ms in (None, 0.1, 0.5)]
    assert len({run.content_sha256 for run in runs}) == 1


@pytest.mark.long
@pytest.mark.parametrize("delay_ms", [0.5, 5.0])
def test_the_delay_across_the_interface_hardly_moves_the_rates(delay_ms):
    for spiking in ("exc", "inh"):
        for rate_hz in settled_hz(hybrid_network(spiking, delay_ms=delay_ms, duration_ms=2000.0)[0]).values():
            assert rate_hz == pytest.approx(theory_hz(), rel=0.07)
