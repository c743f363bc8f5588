"""How signals and failures reach other ranks; the only door to MPI is :mod:`hybrid.transport.mpi`."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from hybrid.errors import ConfigurationError

# set by mpirun of Open MPI, MPICH/Hydra and Intel MPI, and by Slurm's srun, in every process they start
_RANK_COUNTS = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS")


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong on one rank, as it travels to the others."""

    error: str  # name of the class in hybrid.errors
    message: str
    rank: int


class Transport(ABC):
    """Carries buffers between ranks, in step: every rank calls every method the same number of times."""

    rank: int
    size: int

    @abstractmethod
    def exchange(
        self, outgoing: dict[int, bytes], failure: Failure | None, where: str
    ) -> tuple[dict[int, bytes], Failure | None]:
        """Send a buffer to each rank that needs one, receive theirs.

        A failure on any rank reaches all (that of the lowest rank, if several failed), and then no buffers travel.
        ``where`` says in a watchdog's message what was being waited for.
        """

    @abstractmethod
    def gather(self, value: Any) -> list[Any] | None:
        """All ranks' values in order, on rank 0; ``None`` on the others."""

    @abstractmethod
    def share(self, value: Any) -> Any:
        """Rank 0's value, on every rank."""


def launched_rank() -> int:
    """This process's rank as its launcher tells it, 0 without one; known before MPI is."""
    ranks = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID")
    return next((int(os.environ[name]) for name in ranks if os.environ.get(name, "").isdigit()), 0)


def launched_ranks() -> int:
    """How many processes ``mpirun`` or ``srun`` started together, 1 without them; known before MPI is."""
    return max(int(os.environ.get(name) or 1) for name in _RANK_COUNTS)


def open_transport(kind: str = "auto", timeout_s: float = 600.0) -> Transport:
    """The transport for this process: MPI if it was started by ``mpirun`` or ``srun`` (``"auto"``), or as told.

    Parameters
    ----------
    kind: ``"auto"``, ``"serial"`` or ``"mpi"``.
    timeout_s: how long a rank waits for the others in one exchange before it ends the run.
    """
    if kind == "auto":
        kind = "mpi" if launched_ranks() > 1 else "serial"
    if kind == "serial":
        from hybrid.transport.serial import SerialTransport

        return SerialTransport()
    if kind == "mpi":
        from hybrid.transport.mpi import MpiTransport

        return MpiTransport(timeout_s)
    raise ConfigurationError(f"transport = {kind!r} is not known; give 'auto', 'serial' or 'mpi'")
