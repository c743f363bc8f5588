"""The model of docs/scaling.md: what a window costs on P ranks; and the page has room for every table of the benchmark."""

from __future__ import annotations

import numpy as np
import pytest
from floors import ROOT

from benchmarks.scaling_model import Costs, Network, Rank, exchange_us, slowest_of, spread, window_us, work_us

COSTS = Costs(component=100.0, connection=10.0, loop=5.0)
NETWORK = Network(exchange=8.0, neighbour=3.0, latency=2.0, bytes_per_us=1000.0, nap=50.0)
RANK = Rank(components=2, connections=4, neighbours=3, sent=4000.0)


def test_work_is_that_of_what_lives_on_the_rank():
    assert work_us(COSTS, RANK) == 5 + 2 * 100 + 4 * 10


def test_an_exchange_takes_its_neighbours_its_bytes_and_the_steps_of_a_reduction():
    assert exchange_us(NETWORK, RANK, 1) == 0
    assert exchange_us(NETWORK, RANK, 4) == 8 + 3 * 3 + 2 * 2 + 4
    assert exchange_us(NETWORK, RANK, 10_000) - exchange_us(NETWORK, RANK, 4) == 12 * 2.0
    to_all = Network(8.0, 3.0, 2.0, 1000.0, everyone=True)
    assert exchange_us(to_all, RANK, 101) == 8 + 100 * 3 + 2 + 4


def test_a_window_is_that_of_the_slowest_or_of_the_fullest_processor():
    idle = Rank(0, 0, 0, 0)
    alone = work_us(COSTS, RANK) + exchange_us(NETWORK, RANK, 2)
    assert window_us(COSTS, NETWORK, [RANK, idle], processors=2) == alone
    shared = window_us(COSTS, NETWORK, [RANK] * 4, processors=2)
    assert shared == pytest.approx(2 * (245 + exchange_us(NETWORK, RANK, 4)) + 50)


def test_things_are_shared_out_evenly():
    assert spread(8, 3) == [3, 3, 2]
    assert sum(spread(40_000, 999)) == 40_000


def test_the_slowest_of_many_draws():
    random = np.random.default_rng(1)
    samples = random.exponential(size=500)
    drawn = random.choice(samples, (20_000, 30)).max(1)
    assert slowest_of(samples, 30) == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 20_000**0.5)
    assert slowest_of(samples, 1) == pytest.approx(samples.mean())
    assert slowest_of(samples, 10**6) == pytest.approx(samples.max())


def test_the_page_has_a_place_for_each_table():
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    script = (ROOT / "benchmarks" / "scaling.py").read_text(encoding="utf-8")
    for name in ("parts", "measured", "weak", "strong"):
        assert page.count(f"<!-- {name} -->\n|") == page.count(f"<!-- /{name} -->") == 1
        assert f'"{name}": ' in script
