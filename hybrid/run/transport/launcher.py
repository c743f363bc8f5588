"""What the launcher (``mpirun``, ``srun``) says of this process, known before MPI is."""

from __future__ import annotations

import os

# set by mpirun of Open MPI, MPICH/Hydra and Intel MPI, and by Slurm's srun, in every process they start
_RANK_COUNTS = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS")


def launched_rank() -> int:
    """This process's rank as its launcher tells it, 0 without one; known before MPI is."""
    ranks = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID")
    return next((int(os.environ[name]) for name in ranks if os.environ.get(name, "").isdigit()), 0)


def launched_ranks() -> int:
    """How many processes ``mpirun`` or ``srun`` started together, 1 without them; known before MPI is."""
    return max(int(os.environ.get(name) or 1) for name in _RANK_COUNTS)
