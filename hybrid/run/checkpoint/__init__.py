"""Checkpoints of a run: the state of all its parts at a window border, from which it can go on to the bit."""

from hybrid.results.folder import UNFINISHED, unfinished
from hybrid.run.checkpoint.finding import read_setup
from hybrid.run.checkpoint.generations import Generations, find_unfinished
from hybrid.run.checkpoint.keeper import Keeper
from hybrid.run.checkpoint.manifest import Manifest, setup_of

__all__ = [
    "UNFINISHED",
    "Generations",
    "Keeper",
    "Manifest",
    "find_unfinished",
    "read_setup",
    "setup_of",
    "unfinished",
]
