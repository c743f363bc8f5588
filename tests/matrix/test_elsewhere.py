"""Everything the package ships can be left at any tick and taken up in another process, with the same bits."""

from __future__ import annotations

import os
import subprocess
import sys

import matrix_lives
import numpy as np
import pytest
from floors import ROOT
from matrix_cases import COVERED
from matrix_lives import END, HALF, Life


@pytest.fixture(scope="module")
def continued(tmp_path_factory):
    """By case: how it went on here, and (from one other process for all) how it went on there."""
    folder = tmp_path_factory.mktemp("lives")
    here = {}
    for name in COVERED:
        life = Life(name, seed=1)
        life.through(0, HALF, 7)
        left = life.state()
        assert all(isinstance(value, np.ndarray) for value in left.values()), name
        np.savez(folder / f"{name}.left.npz", **left)
        here[name] = life.through(HALF, END, 7)
        life.close()
    program = matrix_lives.__file__
    path = os.pathsep.join([os.path.dirname(program), str(ROOT)])
    subprocess.run(
        [sys.executable, program, folder, *COVERED], env={**os.environ, "PYTHONPATH": path}, check=True, timeout=280
    )
    return here, folder


@pytest.mark.parametrize("name", COVERED)
def test_goes_on_in_another_process_as_it_did_here(name, continued):
    here, folder = continued
    with np.load(folder / f"{name}.continued.npz", allow_pickle=False) as there:
        assert set(there.files) == set(here[name])
        for key, values in here[name].items():
            if key.startswith("audit"):  # sums over windows, and those are others
                np.testing.assert_allclose(there[key], values, rtol=1e-9, atol=1e-9, err_msg=key)
            else:
                assert values.tobytes() == there[key].tobytes(), key
    assert any(values.size for values in here[name].values())
