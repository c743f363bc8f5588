"""Circuits that live in threads of one process, at the same time: each as if it were alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, check_units, implementation
from circuit_examples import TICK, alive, live, noisy, random_spikes

from hybrid.circuits import Circuit, Readout
from hybrid.clock import Window
from hybrid.errors import ComponentError, DivergedError

pytestmark = pytest.mark.usefixtures("shared_cache")

TICKS, THREADS = 300, 4


@implementation(
    "cpp", 'double limited(double x) { if (x > 100) throw std::runtime_error("beyond 100"); return x + 1; }'
)
@check_units(x=1, result=1)
def limited(x):
    return x + 1


def failing() -> Circuit:
    """Fading becomes too small to be told from 0 at once, rising raises in the 101st, and growing overflows."""
    cells = NeuronGroup(50, "fading : 1\nrising : 1\ngrowing : 1\nfactor : 1", name="cells")
    cells.fading, cells.growing = 3e-308, 1.0
    cells.run_regularly("fading *= 0.5\nrising = limited(rising)\ngrowing *= factor")
    return Circuit(Network(cells), outputs={"fading": Readout(cells[:1], "fading")})


def together(actions):
    """What each gives, all begun at the same moment in threads of their own."""
    found, start = [None] * len(actions), threading.Barrier(len(actions))

    def run(k):
        start.wait()
        found[k] = actions[k]()

    threads = [threading.Thread(target=run, args=(k,)) for k in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_the_same_bits_while_others_fail():
    heard = random_spikes(TICKS)
    cuts = list(range(1, TICKS + 1))
    seeds = range(1, THREADS + 1)
    alone = [live(alive(noisy, "compiled", seed=seed), heard, cuts) for seed in seeds]
    circuits = [alive(noisy, "compiled", seed=seed) for seed in seeds]

    def fail(kind):
        def action():
            for _ in range(5):
                circuit = broken.pop()
                try:
                    circuit.advance(Window(0, 400), {})
                except kind as error:
                    raised.append(type(error))
                small.append(np.float64(1e-310) * np.float64(0.5) > 0)

        broken = [alive(failing, "compiled") for _ in range(5)]
        if kind is DivergedError:
            state = broken[0].state() | {"array/_array_cells_factor": np.full(50, 1e200)}
            for each in broken:
                each.restore(state)
        return action

    raised: list[type] = []
    small: list[bool] = []
    lives = [lambda circuit=circuit: live(circuit, heard, cuts) for circuit in circuits]
    found = together([*lives, fail(ComponentError), fail(DivergedError)])[:THREADS]
    for mine, theirs in zip(found, alone, strict=True):
        assert all(mine[port].tobytes() == theirs[port].tobytes() for port in theirs)
    assert sorted(each.__name__ for each in raised) == ["ComponentError"] * 5 + ["DivergedError"] * 5
    assert all(small)  # the threads' own handling of small numbers is as it was


def test_small_numbers_are_zero_in_every_thread():
    """How a processor treats them is a setting of the thread, not of the process."""

    def faded():
        circuit = alive(failing, "compiled", clock=TICK)
        values = live(circuit, None, [1, 2, 10])["fading"].ravel()
        circuit.close()
        return values.tolist(), bool(np.float64(1e-310) * np.float64(0.5) > 0)

    expected = [0.0] * 10, True
    assert faded() == expected
    assert together([faded, faded]) == [expected] * 2
