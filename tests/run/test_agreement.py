"""What all ranks must have in common, compared in one process."""

from __future__ import annotations

import numpy as np
import pytest
from mixed import mixed_brain

from hybrid import Brain, Window, make_plan
from hybrid.errors import ConfigurationError
from hybrid.run import agreement
from hybrid.run.agreement import require_agreement, what_must_agree
from hybrid.run.transport.serial import SerialTransport

SPAN = Window(0, 1000)


class Told(SerialTransport):
    """Rank 0, to whom the others are what a test says."""

    def __init__(self, *others):
        self.others = others
        self.size = 1 + len(others)

    def highest(self, values, where):
        sums = [np.array([_sum(lines) for lines in each.values()], np.int64) for each in self.others]
        return np.max([values, *(np.concatenate([each, -each]) for each in sums)], axis=0)

    def everyone(self, value, where):
        changed = [next(lines for lines in each.values() if lines != ["same"]) for each in self.others]
        return [value, *(_sum(lines) if isinstance(value, int) else lines for lines in changed)]


def _sum(lines):
    return agreement._checksum(lines)


def facts(brain=None, seed=1, span=SPAN, recorded=("a.rate",), **options):
    brain = brain or mixed_brain()
    return what_must_agree(brain, make_plan(brain, 2, **options), seed, span, recorded)


def test_the_same_script_gives_the_same_facts():
    assert facts() == facts(mixed_brain(order=(3, 2, 1, 0)))


@pytest.mark.parametrize(
    ("subject", "changed"),
    [
        ("run", {"seed": 2}),
        ("run", {"span": Window(0, 1001)}),
        ("run", {"window_ms": 0.6}),
        ("recordings", {"recorded": ("b.rate",)}),
        ("placement", {"placement": {"a": 1, "b": 1}}),
        ("connections", {"brain": mixed_brain()}),
    ],
)
def test_what_differs_is_in_its_subject_alone(subject, changed):
    if subject == "connections":
        changed["brain"].connect(changed["brain"]["a"]["rate"], changed["brain"]["a"]["in"], delay_ms=2.0, name="zz")
    mine, theirs = facts(), facts(**changed)
    assert [name for name in mine if mine[name] != theirs[name]] == [subject]


@pytest.mark.parametrize("subject", ["weight", "delay_ms"])
def test_weights_and_delays_count_every_pair(subject):
    def made(value):
        brain = mixed_brain()
        matrix = {"weight": np.full((2, 3), 0.5), "delay_ms": np.full((2, 3), 2.0)}
        matrix[subject][1, 2] += value
        brain.connect(brain["b"]["rate"], brain["a"]["in"], name="dense", **matrix)
        return facts(brain)["connections"]

    assert made(0.0) == made(0.0)
    assert made(0.0) != made(0.1)
    assert made(0.0) == made(1e-15) if subject == "weight" else True  # nodes of another kind may round another way


def test_other_bits_are_refused_with_both_sides_and_the_remedy(monkeypatch):
    monkeypatch.setenv("HYBRID_BITS", "native")
    theirs = {"bits": facts()["bits"]}
    monkeypatch.setenv("HYBRID_BITS", "portable")
    mine = {"bits": facts()["bits"]}
    with pytest.raises(
        ConfigurationError, match=r"bits: .*\(rank 0: portable; rank 1: native\); set \$HYBRID_BITS for"
    ):
        require_agreement(Told(theirs), mine)


def test_the_first_rank_and_the_first_line_that_differ_are_named():
    mine = {"run": ["same"], "connections": ["ab: 1", "cd: 2", "ef: 3"]}
    same = {"run": ["same"], "connections": list(mine["connections"])}
    other = {"run": ["same"], "connections": ["ab: 1", "cd: 2" + "!" * 5000]}
    require_agreement(Told(same, same), mine)
    with pytest.raises(ConfigurationError, match=r"connections: .*\(rank 0: cd: 2; rank 2: cd: 2!+\)") as caught:
        require_agreement(Told(same, other), mine)
    assert len(str(caught.value)) < 1000
    shorter = {"run": ["same"], "connections": ["ab: 1", "cd: 2"]}
    with pytest.raises(ConfigurationError, match="rank 0: ef: 3; rank 1: nothing"):
        require_agreement(Told(shorter), mine)


def test_a_brain_without_connections_has_facts_too():
    brain = Brain(tick_ms=0.1)
    brain.add(mixed_brain()["a"])
    assert facts(brain)["connections"] == []
