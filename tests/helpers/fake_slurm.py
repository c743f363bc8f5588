"""A SLURM of one machine: ``srun`` and ``scontrol`` as programs for PATH, and a job that is run, signalled and requeued."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

from floors import ROOT
from mpirun import ALLOWED

HERE = Path(__file__).parent

SRUN = """#!{python}
import os, signal, subprocess, sys
arguments = sys.argv[1:]
while arguments[0].startswith("-"):
    arguments.pop(0)
launcher = subprocess.Popen(["{mpirun}", "-n", os.environ["SLURM_NTASKS"], *arguments])

def to_ranks(number, frame):  # as srun does; mpirun would kill them after 0.2 s
    with open(f"/proc/{{launcher.pid}}/task/{{launcher.pid}}/children") as file:
        for process in file.read().split():
            os.kill(int(process), number)

for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, to_ranks)
code = launcher.wait()
sys.exit(code if code >= 0 else 128 - code)
"""
SCONTROL = """#!/bin/sh
echo "$@" >> "$FAKE_SLURM/requeued"
"""
HYBRID = """#!/bin/sh
exec {python} -m hybrid.cli "$@"
"""
OPTIONS = {
    "job-name", "ntasks", "cpus-per-task", "time", "signal", "requeue", "open-mode", "output", "array", "nodes",
    "ntasks-per-node", "dependency",
}  # fmt: skip


class FakeSlurm:
    """A job script, run in ``folder`` as ``sbatch`` would; ``requeued`` says how often it asked to be run again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "bin"
        self.bin.mkdir()
        scripts = Path(sysconfig.get_path("scripts"))
        mpirun = scripts / "mpirun" if (scripts / "mpirun").exists() else shutil.which("mpirun")
        for name, text in (("srun", SRUN), ("scontrol", SCONTROL), ("hybrid", HYBRID)):
            (self.bin / name).write_text(text.format(python=sys.executable, mpirun=mpirun) if "{" in text else text)
            (self.bin / name).chmod(0o755)
        self.logs: list[str] = []

    @property
    def requeued(self) -> list[str]:
        path = self.folder / "requeued"
        return path.read_text().splitlines() if path.exists() else []

    def run(
        self, script: Path, *arguments: str, when: Callable[[], bool], number: int | None, **environment: str
    ) -> int:
        """One start of the job; its shell gets the signal (SIGKILL: with all ranks) once ``when()`` is true."""
        named = options(script)
        path = os.pathsep.join([str(self.bin), os.environ["PATH"]])
        python = os.pathsep.join(map(str, (HERE, ROOT)))
        env = {
            **os.environ, **ALLOWED, "PATH": path, "PYTHONPATH": python, "FAKE_SLURM": str(self.folder),
            "SLURM_JOB_ID": "17", "SLURM_NTASKS": named["ntasks"], "SLURM_CPUS_PER_TASK": named["cpus-per-task"],
            "SLURM_RESTART_COUNT": str(len(self.logs)), "TMPDIR": str(self.folder), **environment,
        }  # fmt: skip
        log = self.folder / f"log-{len(self.logs)}"
        with open(log, "w") as file:
            job = subprocess.Popen(
                ["bash", str(script), *arguments],
                cwd=self.folder, env=env, stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                _wait(lambda: job.poll() is not None or when())
                if number == signal.SIGKILL:  # as if the node were gone
                    _kill_all(job.pid)
                elif number is not None and job.poll() is None:
                    job.send_signal(number)
                return job.wait(timeout=60)
            finally:
                if job.poll() is None:
                    _kill_all(job.pid)
                self.logs.append(log.read_text())


def _kill_all(process: int) -> None:
    """A process and all that it started: ranks have sessions of their own."""
    with contextlib.suppress(OSError):
        os.kill(process, signal.SIGSTOP)
        for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
            _kill_all(int(child))
        os.kill(process, signal.SIGKILL)


def _wait(until: Callable[[], bool], limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not until():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.02)


def options(script: Path) -> dict[str, str]:
    """What the ``#SBATCH`` lines say; each must be an option that SLURM has, before the first command."""
    head = re.split(r"^(?!#|$)", script.read_text(), maxsplit=1, flags=re.MULTILINE)[0]
    found = dict(re.findall(r"^#SBATCH --([\w-]+)=?(\S*)$", head, re.MULTILINE))
    assert script.read_text().count("\n#SBATCH") == len(found)
    assert set(found) <= OPTIONS
    return found
