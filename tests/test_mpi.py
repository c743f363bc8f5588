"""Over MPI: the same bits on any number of ranks, and no hang whatever happens to one of them."""

from __future__ import annotations

import json
import re

import pytest
from mpirun import HERE, mpirun
from test_scheduler import mixed_hash

pytestmark = pytest.mark.mpi
PROGRAM = HERE / "mpi_program.py"


def run(ranks, fault="none", placement=None, **options):
    return mpirun(ranks, PROGRAM, fault, json.dumps(placement or {}), timeout_s=60, **options)


@pytest.mark.parametrize(
    ("ranks", "placement"),
    [(1, {}), (2, {}), (3, {}), (4, {}), (3, {"a": 2, "b": 2, "r": 0, "s": 1}), (2, {"a": 0, "b": 1, "r": 1, "s": 0})],
)
def test_the_same_bits_on_every_rank_whatever_their_number_and_the_placement(ranks, placement):
    done = run(ranks, placement=placement)
    assert done.returncode == 0, done.stderr
    hashes = re.findall(r"sha (\w+)", done.stdout)
    assert hashes == [mixed_hash()] * ranks


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (
            "raise",
            r"ComponentError: z failed in window \[\d+, \d+\) \(t = 49.\d+ ms\) on rank 1: ZeroDivisionError: on purpose",
        ),
        ("nan", r"DivergedError: z failed in window .* on rank 1: v is nan"),
        ("exit", r"rank 1 left during window"),
        ("interrupt", r"KeyboardInterrupt"),
        ("hang", r"PeerError: rank [02] waited 4 s for rank\(s\) .* at window .*; giving up. No results were written"),
        ("kill", r"signal 9|PeerError: rank \d was told to end"),
        ("late", r"RuntimeError: after the run"),
    ],
)
def test_a_fault_on_one_rank_ends_all_of_them_with_a_message(fault, text):
    done = run(3, fault, {"z": 1})
    assert done.returncode != 0
    assert re.search(text, done.stderr + done.stdout), done.stderr
    assert "sha" not in done.stdout


def test_a_failure_is_told_once_and_every_rank_stops_by_itself():
    done = run(3, "raise", {"z": 1})
    assert done.stderr.count("ComponentError: z failed") == 1
