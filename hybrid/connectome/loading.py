"""From a name or a path to arrays that are checked, with all that was done to them written down."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.connectome import checks, rules, tvb_data
from hybrid.connectome.archives import guarded, shown
from hybrid.connectome.readers import Raw, read
from hybrid.errors import ConfigurationError, unknown


def load(source: str | int | os.PathLike[str], self_connections: str, zero_lengths: str | None) -> Raw:
    """See :meth:`Connectome.load`."""
    if isinstance(source, bool) or not isinstance(source, str | int | np.integer | os.PathLike):
        raise ConfigurationError(f"a connectome is loaded by name or path, such as 'tvb76', not {shown(repr(source))}")
    known = None if isinstance(source, os.PathLike) else tvb_data.set_name(str(source))
    if known is None:
        return _settled(read(_as_path(source)), self_connections, zero_lengths or "refuse")
    facts = tvb_data.SETS[known]
    raw = replace(read(tvb_data.find_zip(known)), name=known, provenance=facts.provenance)
    raw = _settled(raw, self_connections, zero_lengths or facts.zero_lengths)
    return replace(raw, notes=(*raw.notes, f"Centres: {facts.axes}."))


def _as_path(source: str | int | np.integer[Any] | os.PathLike[str]) -> Path:
    """What is neither the name of a set nor looks like a path is taken for a name that was mistyped."""
    if isinstance(source, os.PathLike):
        return Path(source)
    path = Path(str(source))
    with guarded(f"connectome {shown(source)!r}"):
        if not str(source) or (len(path.parts) == 1 and not path.suffix and not path.exists()):
            raise unknown("connectome", shown(source), tvb_data.SETS)
    return path


def _settled(raw: Raw, self_connections: str, zero_lengths: str) -> Raw:
    """The arrays after checks and rules."""
    where = raw.where
    labels = checks.check_labels(raw.labels, where)
    weights = checks.check_matrix(raw.weights, labels, "1", "weights", where)
    lengths = checks.check_matrix(raw.lengths_mm, labels, "mm", "lengths_mm", where)
    centres = checks.check_centres(raw.centres_mm, labels, where)
    sides = checks.check_hemispheres(raw.hemispheres, labels, where)
    weights, dropped = rules.without_self_connections(weights, self_connections)
    lengths, filled = rules.with_lengths(weights, lengths, centres, zero_lengths)
    checks.check_tracts(weights, lengths, labels, where)
    told = [*dropped, *filled, *rules.oddities(labels, weights, lengths, centres)]
    return replace(
        raw,
        labels=labels,
        weights=weights,
        lengths_mm=lengths,
        centres_mm=centres,
        hemispheres=rules.hemispheres_of(labels) if sides is None else sides,
        notes=(*raw.notes, *(note for note in told if note not in raw.notes)),
    )
