"""The keys by which Brian2 finds again what it made of a text: the same keys, made in a fraction of the time.

Brian2 spends more than half of what it takes to build a network and make code of it on these keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import NoneType
from typing import Any

from brian2.devices.device import Device
from brian2.units.fundamentalunits import Dimension
from brian2.utils import caching

_LEAVES = {str, int, float, bool, NoneType, type, Dimension}
_STATE = caching.CacheKey.__dict__["_state_tuple"]
_names: dict[tuple[Any, tuple[str, ...]], list[str]] = {}  # of the attributes that matter, in order
_originally = caching._hashable


def hashable(value: Any) -> Any:
    """What ``brian2.utils.caching._hashable`` returns."""
    kind = type(value)
    if kind in _LEAVES:
        return value
    if kind is tuple or kind is list:
        return tuple(map(hashable, value))
    if kind is dict:
        return frozenset((hashable(key), hashable(each)) for key, each in value.items())
    if issubclass(kind, caching.CacheKey) and kind._state_tuple is _STATE:
        attributes = value.__dict__
        if "_cache_irrelevant_attributes" not in attributes:
            return tuple(hashable(attributes[name]) for name in _relevant(kind, tuple(attributes)))
    elif isinstance(value, Device):
        return value._state_tuple
    return _originally(value)


def _relevant(kind: Any, attributes: tuple[str, ...]) -> list[str]:
    names = _names.get((kind, attributes))
    if names is None:
        names = [name for name in sorted(attributes) if name not in kind._cache_irrelevant_attributes]
        _names[kind, attributes] = names
    return names


@contextmanager
def quick_keys() -> Iterator[None]:
    """Inside, Brian2 uses :func:`hashable`."""
    before, caching._hashable = caching._hashable, hashable
    try:
        yield
    finally:
        caching._hashable = before
