"""Over MPI: the same bits on any number of ranks, and no hang whatever happens to one of them."""

from __future__ import annotations

import json
import re

import pytest
from mixed import mixed_hash
from mpirun import HERE, mpirun

pytestmark = pytest.mark.mpi
PROGRAM = HERE / "mpi_program.py"


def run(ranks, fault="none", placement=None, **options):
    return mpirun(ranks, PROGRAM, fault, json.dumps(placement or {}), timeout_s=60, **options)


@pytest.mark.parametrize(
    ("ranks", "placement"),
    [
        (3, {"a": 2, "b": 2, "r": 0, "s": 1}),
        *(
            pytest.param(*each, marks=pytest.mark.long)
            for each in (
                *((ranks, {}) for ranks in (1, 2, 3, 4, 5, 8)),  # of 5, one has nothing to do
                (2, {"a": 0, "b": 1, "r": 1, "s": 0}),
                (3, dict.fromkeys("abrs", 1)),  # only the one in the middle has anything to do
            )
        ),
    ],
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
        *(
            pytest.param(*each, marks=pytest.mark.long)  # they are in the campaign, or in other tests of the exchange
            for each in (
                ("exit", r"ComponentError: z failed in window .* on rank 1: SystemExit: 0"),
                (
                    "hang",
                    r"PeerError: rank [02] waited 4 s for rank\(s\) 1 at window .*; giving up. No results were written",
                ),
                ("nan", r"DivergedError: z failed in window .* on rank 1: v is nan"),
                ("interrupt", r"ComponentError: z failed in window .* on rank 1: KeyboardInterrupt"),
            )
        ),
        ("kill", r"signal 9|PeerError: rank\(s\) 1 died"),
        pytest.param("late", r"RuntimeError: after the run", marks=pytest.mark.long),
    ],
)
def test_a_fault_on_one_rank_ends_all_of_them_with_a_message(fault, text):
    done = run(3, fault, {"z": 1})
    assert done.returncode != 0
    assert re.search(text, done.stderr + done.stdout), done.stderr
    assert "sha" not in done.stdout
    if fault == "raise":  # told once, and every rank stops by itself
        assert done.stderr.count("ComponentError: z failed") == 1


DRIFTING = """
import sys
from toys import RandomSpikes, Relay
from adapters import SpikeToRate
from hybrid import Brain, Moments, Simulation

class Half(SpikeToRate):
    def expected(self, signal):
        return Moments(2 * super().expected(signal).mean, super().expected(signal).variance)

brain = Brain(tick_ms=0.1)
source, relay = brain.add(RandomSpikes("s", 5)), brain.add(Relay("r", 5))
brain.connect(source["spikes"], relay["in"], delay_ms=1.0, adapter=Half(5))
Simulation(brain, placement={"s": 0, "r": 1}, timeout_s=10, on_drift=sys.argv[1]).run(200)
print("finished", flush=True)
"""


@pytest.mark.parametrize(
    ("on_drift", "told", "finished"),
    [
        ("error", r"DriftError: s_to_r failed in window .* on rank 1: .* delivered", 0),
        pytest.param("warn", r"Warning: s_to_r \(s.spi", 2, marks=pytest.mark.long),
    ],
)
def test_a_drift_is_told_once_by_the_rank_of_the_target_and_ends_all_if_wanted(tmp_path, on_drift, told, finished):
    program = tmp_path / "drifting.py"
    program.write_text(DRIFTING, encoding="utf-8")
    done = mpirun(2, program, on_drift, timeout_s=60)
    assert len(re.findall(told, done.stderr)) == 1, done.stderr
    assert done.stdout.count("finished") == finished
    assert (done.returncode == 0) is bool(finished)
    assert "left during" not in done.stderr
