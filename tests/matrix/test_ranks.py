"""Everything the package ships, in one brain, gives the same bits on any number of ranks."""

from __future__ import annotations

import re

import pytest
from matrix_program import DURATION_MS, crowd
from mpirun import HERE, mpirun


@pytest.fixture(scope="module")
def alone():
    """On no rank but this process."""
    return crowd().run(DURATION_MS).content_sha256


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, pytest.param(1, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)])
def test_the_same_bits_on_any_number_of_ranks(ranks, alone):
    done = mpirun(ranks, HERE / "matrix_program.py", timeout_s=280)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"sha (\w+)", done.stdout) == [alone] * ranks
