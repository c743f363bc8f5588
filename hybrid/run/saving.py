"""Saves the results of an interrupted run even if its launcher kills this process meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable


def save_apart(save: Callable[[], object]) -> None:
    """Call ``save`` in a process that leaves this one's group: Open MPI's ``mpirun`` kills its ranks 0.2 s after it told them
    to end."""
    child = os.fork()
    if child == 0:
        saved = False
        try:
            os.setsid()
            save()
            saved = True
        finally:
            os._exit(not saved)
    _, status = os.waitpid(child, 0)
    if status:
        save()  # raises here what was raised there
