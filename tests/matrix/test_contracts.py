"""Everything the package ships is in the matrix, keeps its contract, and tells plainly what it is."""

from __future__ import annotations

import json

import matrix_cases
import pytest
from matrix_cases import ADAPTERS, CASES, COVERED, PARTS, Case, add_to
from shipped import everything

from hybrid import Adapter, Brain
from hybrid.testing import check_adapter, check_component


@pytest.mark.parametrize("name", CASES)
def test_is_in_the_matrix(name):
    case = CASES[name]()  # LookupError: says what to add, and where
    assert isinstance(case, Case)
    assert isinstance(case.make("part"), Adapter) is case.is_adapter


def test_what_is_found_is_what_users_see():
    found = everything()
    assert {"MassNetwork", "Microcircuit", "Stimulus", "Epileptor", "Difference", "Pulse", "SpikeToRate"} <= set(found)
    assert {"basal_ganglia", "potassium_focus"} <= set(found)


def test_something_new_without_a_case_fails_and_learns_where_to_join(monkeypatch):
    class Novel(Adapter):
        def __init__(self, needed):
            pass

    monkeypatch.setitem(matrix_cases.CASES, "Novel", matrix_cases._cases_of("Novel", Novel)["Novel"])
    monkeypatch.setattr(matrix_cases, "kinds", lambda contract: {"Novel": Novel})
    with pytest.raises(LookupError, match=r"Novel .* is not in the matrix: it needs needed; add .* matrix_cases.py"):
        test_is_in_the_matrix("Novel")


@pytest.mark.parametrize("name", PARTS)
def test_component_keeps_its_contract(name):
    check_component(lambda: CASES[name]().make("part"), ticks=120)


@pytest.mark.parametrize("name", ADAPTERS)
def test_adapter_keeps_its_contract(name):
    check_adapter(lambda: CASES[name]().make("part"), lines=4 if name in ("Map", "Subset") else None)


@pytest.mark.parametrize("name", COVERED)
def test_describes_itself_in_plain_values(name):
    brain = Brain(matrix_cases.TICK_MS)
    add_to(brain, name)
    for part in (CASES[name]().make("part"), brain):  # before it is prepared, as `hybrid validate` asks
        described = part.describe()
        assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert described["components"]
