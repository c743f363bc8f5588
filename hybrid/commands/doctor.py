"""``hybrid doctor``: whether this machine, this environment and all ranks have what a run needs."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hybrid.bits import bits
from hybrid.commands import machine
from hybrid.commands.arguments import command
from hybrid.commands.machine import NOTE, OK, PROBLEM, Verdict
from hybrid.errors import HybridError
from hybrid.results import software_versions
from hybrid.run.transport import launched_by, launched_rank, launched_ranks, mpi_library, open_transport

TIMEOUT_S = 60.0
_PACKAGES = ("hybrid", "numpy", "scipy", "numba", "brian2", "h5py", "mpi4py")
_DECIDE = (
    "hybrid",
    "python",
    "numpy",
    "scipy",
    "numba",
    "brian2",
    "bits",
    "MPI",
)  # a run needs them alike on all ranks


def add(commands: Any) -> None:
    """The command, which takes no arguments."""
    text = "say whether this machine and all ranks have what a run needs, also under mpirun or srun"
    command(commands, "doctor", lambda options: run(), text)


def run() -> None:
    """Print what was found, on rank 0; exit with 2 if a run would fail, else with 0."""
    is_root = launched_rank() == 0
    failed = False
    for verdict in verdicts():
        failed |= verdict.level == PROBLEM
        if is_root:  # at once: an MPI that does not fit may end this process
            print(verdict, flush=True)
    if is_root:
        print(
            "a run would fail here; see PROBLEM above" if failed else "nothing stands in the way of a run", flush=True
        )
    if failed:
        sys.exit(2)


def verdicts() -> Iterator[Verdict]:
    """What is found on this rank, and then what the ranks find together."""
    try:
        mode, ranks = bits(), launched_ranks()
    except HybridError as error:  # in a variable of the environment
        yield Verdict(PROBLEM, "environment", str(error))
        return
    versions = software_versions()
    yield Verdict(OK, "python", f"{versions['python']}, {sys.executable}")
    yield Verdict(OK, "packages", ", ".join(f"{name} {versions[name]}" for name in _PACKAGES))
    yield Verdict(OK, "machine", f"{platform.node()}, {versions['cpu']}, {versions['platform']}")
    yield Verdict(OK, "bits", mode)
    yield machine.processors()
    yield machine.threads(ranks)
    yield machine.cache()
    compiler = machine.compiler()
    yield compiler
    yield machine.results(Path.cwd())
    found = "none that works" if compiler.level == PROBLEM else compiler.text.partition(":")[0]
    yield from together({**versions, "compiler": found, "cache on": machine.file_system_of_cache()})


def together(facts: dict[str, Any]) -> Iterator[Verdict]:
    """The launcher and MPI, whether they fit, and in what the ranks differ; all ranks must come here."""
    started = launched_ranks()
    by = f", {', '.join(launched_by())}" if launched_by() else ", without mpirun or srun"
    yield Verdict(OK, "launcher", f"{started} process{'es' if started > 1 else ''}{by}")
    try:
        library = mpi_library(TIMEOUT_S)
        transport = open_transport("mpi", TIMEOUT_S) if started > 1 else None
    except HybridError as error:
        yield Verdict(PROBLEM if started > 1 else NOTE, "MPI", str(error))  # one process needs none
        return
    if transport is None:
        yield Verdict(OK, "MPI", f"{library}; to try it: mpirun -n 2 hybrid doctor")
        return
    here = {"host": platform.node(), "processors": machine.visible_processors()}
    everyone = transport.everyone({**facts, **here, "MPI": library}, "comparing ranks")
    transport.close()
    hosts = len({each["host"] for each in everyone})
    yield Verdict(OK, "MPI", f"{library}: {len(everyone)} ranks on {hosts} host{'s' if hosts > 1 else ''}, all answer")
    yield from crowding(everyone)
    yield from differences(everyone)


def crowding(everyone: list[dict[str, Any]]) -> Iterator[Verdict]:
    """Hosts with more ranks than processors that these may use between them."""
    for host in sorted({each["host"] for each in everyone}):
        of_ranks = [each["processors"] for each in everyone if each["host"] == host]
        shared = len(set().union(*of_ranks))
        if shared < len(of_ranks):
            text = f"{len(of_ranks)} ranks share {shared} processor{'s' if shared > 1 else ''} on {host} and wait for each other"
            yield Verdict(NOTE, "processors", f"{text}; ask for one a rank, or see how the launcher binds them")


def differences(everyone: list[dict[str, Any]]) -> Iterator[Verdict]:
    """What is not as on rank 0, and the first rank where it is not."""
    first = everyone[0]
    for name in [each for each in first if each not in ("host", "processors")]:
        others = [rank for rank, each in enumerate(everyone) if each[name] != first[name]]
        if not others:
            continue
        other = everyone[others[0]]
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        yield Verdict(
            PROBLEM if name in _DECIDE else NOTE,
            "ranks differ",
            f"{name} is {first[name]} on rank 0 ({first['host']}), but {other[name]} on rank {others[0]}{more} "
            f"({other['host']}); give all of them the same environment",
        )
