"""Runs a compiler so that it can be ended together with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path


def finished(command: list[str], folder: Path | None, limit_s: float) -> subprocess.CompletedProcess[str]:
    """Run ``command`` in ``folder`` to its end.

    ``subprocess.TimeoutExpired`` if that takes longer than ``limit_s``. Then, and when this process is interrupted, the
    command and its children are ended; whatever they print is taken as text.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # a group of its own: what a wrapper such as ccache started goes with it
    )
    with process:
        try:
            out, err = process.communicate(timeout=limit_s)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)
