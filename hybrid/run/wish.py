"""What is asked of one run: where its results go, how it is kept safe, and where it begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wish:
    """What is asked of a run.

    Parameters
    ----------
    out: where its results go; ``None``: they stay in memory.
    every: ticks between checkpoints, ``None`` for none.
    resume: the folder of an unfinished run to go on with.
    force: although something differs.
    overwrite: what another run left.
    start: the folder of a checkpoint to branch from.
    buffer_mib, flush_s, join: see :meth:`hybrid.Simulation.run`.
    """

    out: Path | None = None
    every: int | None = None
    resume: Path | None = None
    force: bool = False
    overwrite: bool = False
    start: Path | None = None
    buffer_mib: float = 64.0
    flush_s: float = 10.0
    join: bool = True

    @property
    def keeps(self) -> bool:
        """Whether checkpoints are written."""
        return self.every is not None or self.resume is not None
