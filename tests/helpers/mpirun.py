"""Spawns mpirun with a time limit: pytest inside mpirun would hang when one rank fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from floors import ROOT

HERE = Path(__file__).parent
# Open MPI refuses root, and more ranks than cores, until told; other MPIs ignore these
ALLOWED = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}


def mpirun(
    ranks: int, *arguments: str | Path, timeout_s: float = 120.0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``python ARGUMENTS`` on some ranks and give back what it printed; a hang fails the test."""
    beside_python = Path(sysconfig.get_path("scripts")) / "mpirun"
    command = str(beside_python) if beside_python.exists() else shutil.which("mpirun")
    assert command, "no mpirun; install the test extra"
    env = {**os.environ, **ALLOWED, "PYTHONPATH": os.pathsep.join(map(str, (HERE, ROOT))), **environment}
    return subprocess.run(
        [command, "-n", str(ranks), sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=env,
    )
