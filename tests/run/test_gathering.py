"""Gathering of results over MPI: arrays of any size travel in pieces, and no rank keeps them twice."""

from __future__ import annotations

import re

import pytest
from mpirun import mpirun

PROGRAM = """
import resource
import numpy as np
from hybrid.run.transport import mail, open_transport

mail.PIECE = 100_003
transport = open_transport("mpi", 60)
rank = transport.rank
mine = {
    "large": [np.arange(k * 50_000, dtype=float) * (rank + 1) for k in range(rank + 2)],
    "ids": np.arange(30_000, dtype=np.int32)[::3],
    "text": "x" * (rank * 300_000),
    "none": np.empty((0, 3)),
}
for found, other in zip(transport.everyone(mine, "a test"), range(transport.size)):
    assert len(found["large"]) == other + 2
    for k, each in enumerate(found["large"]):
        np.testing.assert_array_equal(each, np.arange(k * 50_000) * (other + 1.0))
    assert len(found["text"]) == other * 300_000 and found["none"].shape == (0, 3)
    np.testing.assert_array_equal(found["ids"], np.arange(0, 30_000, 3))
    if found["large"][1].flags.writeable is False:
        raise AssertionError("results are the user's to change")

values = np.full((100 + 25 * rank) * 2**17, 1.0 + rank)  # some 100 MiB
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
everyone = transport.everyone(values, "a test")
took = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10
others = sum(each.nbytes for k, each in enumerate(everyone) if k != rank) / 2**20
print(f"\\ntook {took / others:.2f}", flush=True)
transport.close()
"""


@pytest.mark.mpi
def test_arrays_of_any_size_travel_in_pieces_and_are_held_once(tmp_path):
    program = tmp_path / "gathering.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = mpirun(2, program, timeout_s=60)
    assert done.returncode == 0, done.stderr
    took = [float(each) for each in re.findall(r"took (\S+)", done.stdout)]
    assert len(took) == 2
    assert max(took) < 1.3
