"""Brian2 finds what it made before by keys that are quick to make, and finds the same."""

from __future__ import annotations

import gc
import weakref
from contextlib import nullcontext

from brian2.utils import caching
from circuit_examples import counting, deterministic, noisy

from hybrid.circuits import building, cache_keys
from hybrid.circuits.building import Recipe
from hybrid.circuits.compiled import engine
from hybrid.circuits.compiled.device import LibraryDevice

originally = caching._hashable


def generated(build, **parameters):
    return dict(engine._generate(Recipe("any", build, parameters), 1e-4, 1)[1].sources)


def test_keys_are_those_of_brian2(monkeypatch):
    compared = []

    def both(value):
        found = cache_keys.hashable(value)
        monkeypatch.setattr(caching, "_hashable", originally)
        assert found == originally(value)
        monkeypatch.setattr(caching, "_hashable", both)
        compared.append(found)
        return found

    monkeypatch.setattr(building, "quick_keys", nullcontext)
    monkeypatch.setattr(caching, "_hashable", both)
    generated(noisy)
    assert len(compared) > 100


def test_code_is_that_of_slow_keys_whatever_was_made_before(monkeypatch):
    with monkeypatch.context() as slow:
        slow.setattr(building, "quick_keys", nullcontext)
        expected = [generated(build) for build in (noisy, counting, deterministic)]
    for _ in range(2):
        assert [generated(build) for build in (noisy, counting, deterministic)] == expected
    assert generated(noisy, n=61) != expected[0]


def test_nothing_is_made_twice_for_the_same_text(monkeypatch):
    generated(noisy)
    made = []
    slow = caching._CacheStatistics
    monkeypatch.setattr(slow, "misses", property(lambda self: 0, lambda self, count: made.append(count)), raising=False)
    generated(noisy)
    assert made == []


def test_devices_are_not_kept():
    device = LibraryDevice()
    with building.isolated(device, 1):
        Recipe("any", noisy, {}).circuit_and_layout(device, 1e-4)
    gone = weakref.ref(device)
    del device
    gc.collect()
    assert gone() is None


def test_brian2_is_left_as_it_was():
    with building.isolated(LibraryDevice(), 1):
        assert caching._hashable is cache_keys.hashable
    assert caching._hashable is originally
