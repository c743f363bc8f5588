"""What is done to a connectome when it is loaded, and the sentence that says so.

Nothing is repaired without a sentence in ``Connectome.notes``:

- ``self_connections="drop"`` (the default) removes the weights on the diagonal: what a region does to itself is in the
  model of the region, and most files give such a connection no length. ``"keep"`` keeps them; each then needs a length.
- ``zero_lengths="refuse"`` (the default) refuses a connection between two regions whose tract has length 0.
  ``"distance"`` gives it the straight distance between their centres, ``"shortest"`` the length of the shortest other
  tract (for regions that share one centre, as the thalamic nuclei of tvb192 do).
- Everything else that is wrong is refused, and what is only odd (regions without connections, tracts shorter than the
  straight line) is left as it is, and told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import unknown
from hybrid.units import FloatArray

_ROUNDING_MM = 1e-3  # files keep about seven digits


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def without_self_connections(weights: FloatArray, rule: str) -> tuple[FloatArray, list[str]]:
    """The weights after the rule for the diagonal, and what was done."""
    if rule not in ("drop", "keep"):
        raise unknown("self_connections", rule, ("drop", "keep"))
    found = int(np.count_nonzero(np.diagonal(weights)))
    if rule == "keep" or not found:
        return weights, []
    return np.where(np.eye(len(weights), dtype=bool), 0.0, weights), [f"Dropped {_many(found, 'self-connection')}."]


def straight_lines_mm(centres_mm: FloatArray) -> FloatArray:
    """Euclidean distances ``[n, n]`` between centres."""
    squares = np.zeros((len(centres_mm), len(centres_mm)))
    with np.errstate(over="ignore"):
        for axis in centres_mm.T:  # one after the other: the memory of one matrix, not of three
            squares += np.square(axis[:, None] - axis[None])
    return np.sqrt(squares, out=squares)


_LENGTHS = {"distance": "the distance between the centres", "shortest": "the length of the shortest other tract"}


def with_lengths(
    weights: FloatArray, lengths_mm: FloatArray, centres_mm: FloatArray, rule: str
) -> tuple[FloatArray, list[str]]:
    """The lengths after the rule for connections between two regions that have none, and what was done."""
    if rule not in ("refuse", *_LENGTHS):
        raise unknown("zero_lengths", rule, ("refuse", *_LENGTHS))
    missing = (weights > 0) & (lengths_mm == 0) & ~np.eye(len(weights), dtype=bool)
    if rule == "refuse" or not missing.any():
        return lengths_mm, []
    if rule == "distance":
        given = straight_lines_mm(centres_mm)[missing]
    else:
        others = lengths_mm[(weights > 0) & (lengths_mm > 0)]
        given = np.full(missing.sum(), others.min() if others.size else 0.0)
    filled = lengths_mm.copy()
    filled[missing] = given
    amount = f"{given.min():.3g} mm" if np.ptp(given) < _ROUNDING_MM else f"{given.min():.3g} to {given.max():.3g} mm"
    return filled, [f"Gave {_many(len(given), 'tract')} of length 0 {_LENGTHS[rule]}, {amount}."]


def oddities(labels: Sequence[str], weights: FloatArray, lengths_mm: FloatArray, centres_mm: FloatArray) -> list[str]:
    """What one should know about the data and nobody has changed."""
    notes = []
    connected = weights > 0
    alone = np.flatnonzero(~connected.any(axis=0) & ~connected.any(axis=1))
    if len(alone):
        shown = ", ".join(labels[k] for k in alone[:6]) + (", …" if len(alone) > 6 else "")
        notes.append(f"Without any connection: {_many(len(alone), 'region')}, {shown}.")
    tracts = connected & ~np.eye(len(labels), dtype=bool)
    short = tracts & (lengths_mm < straight_lines_mm(centres_mm) - _ROUNDING_MM)
    if short.any():
        notes.append(f"Shorter than the line between their centres: {short.sum()} of {_many(tracts.sum(), 'tract')}.")
    return notes


_SIDES = (
    re.compile(r"^(?:ctx[-_.])?(l|r)(?:h|eft|ight)?(?=[-_. ])", re.IGNORECASE),  # l_insula, ctx-rh-cuneus
    re.compile(r"[-_. ](l|r)(?:h|eft|ight)?$", re.IGNORECASE),  # RM-V1_R
    re.compile(r"^(l|r)(?=[A-Z0-9])"),  # rHC
)


def hemispheres_of(labels: Sequence[str]) -> NDArray[np.bool_] | None:
    """Right or not, if *all* labels say so in one and the same way (``rHC``, ``r_insula``, ``V1_R``), else ``None``.

    Both sides must occur: regions named ``r1``, ``r2``, ``r3`` are no right hemisphere.
    """
    for pattern in _SIDES:
        sides = [match.group(1).lower() for match in map(pattern.search, labels) if match]
        if len(sides) == len(labels) and set(sides) == {"l", "r"}:
            return np.array([side == "r" for side in sides])
    return None
