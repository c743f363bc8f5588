"""Shared set-up of the tests."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def shared_cache(tmp_path_factory, monkeypatch):
    """One cache of compiled circuits for the whole test run and all its workers, apart from the user's."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    monkeypatch.setenv("HYBRID_CACHE", str(folder / "hybrid-cache"))
