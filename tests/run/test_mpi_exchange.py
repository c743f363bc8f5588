"""Over MPI: what an exchange costs and carries, what ranks must agree on, and who is named when one hangs."""

from __future__ import annotations

import json
import re

import pytest
from mpirun import HERE, mpirun

pytestmark = pytest.mark.mpi


def run(ranks, what, *arguments):
    return mpirun(ranks, HERE / "mpi_exchange.py", what, *arguments)


@pytest.mark.parametrize("ranks", [5, *(pytest.param(each, marks=pytest.mark.long) for each in (3, 8))])
def test_the_messages_of_a_window_follow_from_a_ranks_own_connections(ranks):
    done = run(ranks, "counted")
    assert done.returncode == 0, done.stderr
    counts = [json.loads(each) for each in re.findall(r"counted (.*)", done.stdout)]
    assert counts == [{"Isend": 1.0, "Iallreduce": 1.0}] * ranks


@pytest.mark.parametrize("ranks", [3, *(pytest.param(each, marks=pytest.mark.long) for each in (2, 5, 8))])
def test_buffers_values_and_failures_of_any_size_arrive(ranks):
    done = run(ranks, "buffers")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("carried") == ranks


OTHERS = [
    ({"seed": 2}, r"run: .*\(rank 0: seed 1; rank 1: seed 2\)"),
    ({"duration_ms": 11.0}, r"run: .*rank 0: \[0, 100\).*rank 1: \[0, 110\)"),
    ({"window_ms": 1.0}, r"run: .*windows of 20 .*windows of 10 "),
    ({"record": True}, r"recordings: .*\(rank 0: nothing; rank 1: a\.rate\)"),
    ({"size": 3}, r"components: .*rank 0: a: Accumulator .*, 2\).*rank 1: a: .*, 3\)"),
    ({"weight": 0.501}, r"connections: .*rank 0: ab: a\.rate -> b\.in, weights and delays"),
    ({"delay_ms": 3.0, "window_ms": 2.0}, r"connections: .*draw random weights from a seed"),
    ({"place": 0}, r"placement: .*\(rank 0: b on rank 1; rank 1: b on rank 0\)"),
]


def test_a_rank_that_would_run_something_else_is_told_so_on_all_ranks():
    done = run(2, "others", json.dumps([changed for changed, _ in OTHERS]))
    assert done.returncode == 0, done.stderr
    told = re.findall(r"told 0 (.*)", done.stdout)
    assert len(told) == 2 * len(OTHERS), done.stdout
    for changed, pattern in OTHERS:
        assert sum(bool(re.match(pattern, each)) for each in told) >= 2, (changed, told)
    assert done.stdout.count("agreed") == 2


@pytest.mark.parametrize("placed", [2, pytest.param(0, marks=pytest.mark.long)])
def test_a_rank_that_hangs_is_named_by_those_it_sends_nothing_and_shows_its_stacks(placed):
    done = run(4, "unconnected", placed)
    assert done.returncode == 5, done.stderr
    named = re.findall(r"waited 4 s for rank\(s\) (.*) at window \[500, 510\) \(t = 50 ms\); giving up", done.stderr)
    assert named, done.stderr
    assert set(named) == {str(placed)}
    assert re.search(r"^Timeout \(0:00:03\.6", done.stderr, re.MULTILINE)
    assert re.search(r'mpi_exchange\.py", line \d+ in advance', done.stderr)
