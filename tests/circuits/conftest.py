"""What several tests of circuits need."""

from __future__ import annotations

import pytest

from hybrid.circuits.compiled import compiler


@pytest.fixture
def compilations(monkeypatch):
    """The names of the circuits that were compiled."""
    names, make = [], compiler._make
    monkeypatch.setattr(compiler, "_make", lambda name, *others: names.append(name) or make(name, *others))
    return names
