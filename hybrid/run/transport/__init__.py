"""How signals and failures reach other ranks; the only door to MPI is :mod:`hybrid.run.transport.mpi`."""

from __future__ import annotations

from hybrid.errors import ConfigurationError
from hybrid.run.transport.contract import Failure, Transport
from hybrid.run.transport.launcher import launched_rank, launched_ranks

__all__ = ["Failure", "Transport", "launched_rank", "launched_ranks", "open_transport"]


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
        from hybrid.run.transport.serial import SerialTransport

        return SerialTransport()
    if kind == "mpi":
        from hybrid.run.transport.mpi import MpiTransport

        return MpiTransport(timeout_s)
    raise ConfigurationError(f"transport = {kind!r} is not known; give 'auto', 'serial' or 'mpi'")
