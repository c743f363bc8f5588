"""Checkpoints of a run: the state of all its parts at a window border, from which it can go on to the bit."""

from hybrid.run.checkpoint.finding import read_setup
from hybrid.run.checkpoint.generations import UNFINISHED, Generations, find_unfinished, is_partial, unfinished
from hybrid.run.checkpoint.keeper import Keeper, Wish
from hybrid.run.checkpoint.manifest import Manifest, setup_of

__all__ = [
    "UNFINISHED",
    "Generations",
    "Keeper",
    "Manifest",
    "Wish",
    "find_unfinished",
    "is_partial",
    "read_setup",
    "setup_of",
    "unfinished",
]
