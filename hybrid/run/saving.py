"""Saves the results of an interrupted run even if its launcher kills this process meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

from hybrid.results import Results


def save_apart(results: Results, path: Path, overwrite: bool) -> None:
    """As ``results.save``, by a process that leaves this one's group: Open MPI's ``mpirun`` kills its ranks 0.2 s after it
    told them to end."""
    child = os.fork()
    if child == 0:
        saved = False
        try:
            os.setsid()
            results.save(path, overwrite)
            saved = True
        finally:
            os._exit(not saved)
    _, status = os.waitpid(child, 0)
    if status:
        results.save(path, overwrite)  # raises here what was raised there
