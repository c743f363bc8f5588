"""What the launcher (``mpirun``, ``srun``) says of this process, known before MPI is."""

from __future__ import annotations

import os

from hybrid.errors import ConfigurationError

# set by mpirun of Open MPI, MPICH/Hydra, Intel MPI and MVAPICH2, by Slurm's srun and by flux, in every process they start
_RANK_COUNTS = (
    "OMPI_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "MPI_LOCALNRANKS",
    "MV2_COMM_WORLD_SIZE",
    "SLURM_STEP_NUM_TASKS",
    "FLUX_JOB_SIZE",
)
_RANKS = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "MV2_COMM_WORLD_RANK", "SLURM_PROCID", "FLUX_TASK_RANK")


def launched_rank() -> int:
    """This process's rank as its launcher tells it, 0 without one; known before MPI is."""
    return next((int(os.environ[name]) for name in _RANKS if os.environ.get(name, "").isdecimal()), 0)


def launched_ranks() -> int:
    """How many processes ``mpirun`` or ``srun`` started together, 1 without them; known before MPI is."""
    return max([1, *_counts().values()])


def launched_by() -> list[str]:
    """The variables in which launchers tell how many processes they started, with their values; none without one."""
    return [f"{name}={count}" for name, count in _counts().items()]


def check_launch(size: int, library: str) -> None:
    """Refuse an MPI that knows of other processes than the launcher started: each would believe that it is alone.

    Parameters
    ----------
    size: of MPI's world.
    library: MPI's name and version, for the message.
    """
    counts = _counts()
    most = max(counts.values(), default=size)
    if (counts and size not in counts.values()) or size == 1 < most:
        name, count = max(counts.items(), key=lambda item: item[1])
        raise ConfigurationError(
            f"the launcher started {count} processes ({name}), but MPI ({library}) knows of {size}: mpi4py uses another MPI "
            f"than the launcher. Start with the mpirun of that MPI, or name the launcher's library in MPI4PY_LIBMPI; for one "
            f"process by itself unset {name}"
        )


def _counts() -> dict[str, int]:
    """What each launcher says, by variable; the local count of a node is no answer where there is another."""
    counts = {}
    for name in _RANK_COUNTS:
        text = os.environ.get(name, "").strip()
        if text and not text.isdecimal():
            raise ConfigurationError(
                f"{name} = {text!r} is no number of processes; unset it, or start with mpirun or srun"
            )
        if text:
            counts[name] = int(text)
    return counts
