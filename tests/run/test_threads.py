"""Components of one rank that advance side by side: the same bits, and the same errors."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from circuit_examples import noisy
from masses_toys import nodes
from toys import Accumulator, Failing, Toy

from adapters import RateToPoisson, SpikeToRate
from hybrid import Brain, Port, Rates, Simulation
from hybrid.circuits import Microcircuit
from hybrid.errors import ComponentError, ConfigurationError
from hybrid.masses import MassNetwork, Noise, WilsonCowan
from hybrid.run.threads import Threads


def test_one_thread_calls_everything_in_order():
    called = []
    Threads(1).each(called.append, [2, 0, 1])
    assert called == [2, 0, 1]


@pytest.mark.parametrize("numbers", [[], [3], [3, 1, 2], list(range(50))])
def test_several_threads_call_everything_once(numbers):
    threads, called = Threads(3), []
    for _ in range(20):
        threads.each(called.append, numbers)
    threads.close()
    assert sorted(called) == sorted(20 * numbers)


def test_calls_are_under_way_at_the_same_time():
    threads, both = Threads(2), threading.Barrier(2)
    threads.each(lambda number: both.wait(timeout=20), [0, 1])  # BrokenBarrierError if one came after the other
    threads.close()


def brain(engine):
    made = Brain(tick_ms=0.1)
    first, second = (
        made.add(MassNetwork(name, nodes(n), model=WilsonCowan(P=1.2), noise=Noise({"E": 0.01})))
        for name, n in (("a", 6), ("b", 4))
    )
    for k, name in enumerate("cde"):
        circuit = made.add(Microcircuit(name, noisy, engine=engine))
        weight = np.full((circuit["afferents"].size, 6), 0.5)
        made.connect(first["rate"], circuit["afferents"], weight=weight, delay_ms=1 + 0.3 * k, adapter=RateToPoisson())
        pooled = SpikeToRate(pool="mean")
        made.connect(circuit["spikes"], second["drive"], weight=np.ones((4, 1)), delay_ms=1.2, adapter=pooled)
    return made


@pytest.mark.usefixtures("shared_cache")
@pytest.mark.parametrize("engine", ["compiled", "runtime"])
def test_no_bit_depends_on_threads(engine):
    def content(threads):
        record = ["a.rate", "b.rate", "c.spikes", "d.spikes", "e.v"]
        return Simulation(brain(engine), 3, record, threads=threads, transport="serial").run(40.0)

    alone = content(1)
    assert alone["c.spikes"].ticks.size > 20
    for threads in (2, 3, 16):
        assert content(threads).content_sha256 == alone.content_sha256


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_error_is_that_of_the_first_component(threads):
    made = Brain(tick_ms=0.1)
    for name in ("d", "b", "c"):
        made.add(Failing(name, at_tick=25, error=ValueError(f"{name} fell")))
    made.add(Accumulator("a"))
    with pytest.raises(ComponentError, match=r"^b failed in window \[20, 30\) \(t = 2 ms\): ValueError: b fell$"):
        Simulation(made, window_ms=1.0, threads=threads, transport="serial").run(10)


class Alone(Toy):
    """Notes the threads it advances in."""

    def __init__(self, name):
        super().__init__(name)
        self.outputs = {"rate": Port(name, "rate", Rates, 1, "out")}
        self.seen = set()

    def advance(self, window, inputs):
        self.seen.add(threading.current_thread())
        return {"rate": Rates(window, 1, 0.0)}


def test_a_single_component_needs_no_other_thread_and_none_is_left_afterwards():
    made, before = Brain(tick_ms=0.1), threading.active_count()
    alone = made.add(Alone("alone"))
    Simulation(made, window_ms=1.0, threads=4, transport="serial").run(10)
    assert alone.seen == {threading.main_thread()}
    made.add(Alone("other"))
    Simulation(made, window_ms=1.0, threads=4, transport="serial").run(10)
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2", None])
def test_what_is_no_number_of_threads_is_refused(threads):
    with pytest.raises(ConfigurationError, match=r"threads = .* must be a whole number, 1 or above"):
        Simulation(brain("runtime"), threads=threads)
