"""The connectome: regions, the weights and lengths of the tracts between them, and where they come from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import networkx
import numpy as np
from numpy.typing import NDArray

from hybrid.connectome import checks, loading
from hybrid.connectome.storage import write_npz
from hybrid.connectome.tracts import Projection, tract_delays_ms
from hybrid.errors import ConfigurationError, unknown
from hybrid.units import FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class Connectome:
    """Regions and the tracts between them. Rows are targets and columns are sources, everywhere.

    It cannot be changed: the arrays are read-only copies, and every method gives a new connectome. Two are equal when
    their regions and arrays are, whatever they are called.

    Parameters
    ----------
    labels: names of the n regions, all different.
    weights: ``[target, source]``, finite, none below 0, in the units of the data.
    lengths_mm: ``[target, source]``, finite, none below 0; above 0 wherever there is a weight, the diagonal included.
        A length without a weight is fine.
    centres_mm: ``[n, 3]``, in the axes of the data, which differ between files (``notes`` tells those of the tvb sets).
    name: what it is called.
    provenance: one sentence that says where the data come from.
    notes: sentences on what was done to the data, and on what is odd about them.
    hemispheres: ``[n]``, right = True; ``None`` where it is not known.

    Errors: ``DataError`` names the connectome, the array, the regions, and row and column counted from 1.
    """

    labels: tuple[str, ...]
    weights: FloatArray
    lengths_mm: FloatArray
    centres_mm: FloatArray
    name: str = "connectome"
    provenance: str = "Given as arrays."
    notes: tuple[str, ...] = ()
    hemispheres: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        where = f"connectome {self.name!r}"
        labels = checks.check_labels(self.labels, where)
        weights = checks.check_matrix(self.weights, labels, "1", "weights", where)
        lengths = checks.check_matrix(self.lengths_mm, labels, "mm", "lengths_mm", where)
        centres = checks.check_centres(self.centres_mm, labels, where)
        sides = checks.check_hemispheres(self.hemispheres, labels, where)
        checks.check_tracts(weights, lengths, labels, where)
        settled: dict[str, Any] = {
            "labels": labels,
            "weights": checks.frozen(weights),
            "lengths_mm": checks.frozen(lengths),
            "centres_mm": checks.frozen(centres),
            "hemispheres": None if sides is None else checks.frozen(sides),
            "notes": (self.notes,) if isinstance(self.notes, str) else tuple(self.notes),
        }
        for attribute, value in settled.items():
            object.__setattr__(self, attribute, value)

    @classmethod
    def load(
        cls,
        name_or_path: str | int | os.PathLike[str],
        *,
        self_connections: str = "drop",
        zero_lengths: str | None = None,
    ) -> Connectome:
        """A connectome of the package tvb-data, or of a file.

        Parameters
        ----------
        name_or_path: ``"tvb66"``, ``"tvb68"``, ``"tvb76"``, ``"tvb96"`` or ``"tvb192"`` (or 66, 68, …); or the path of
            a zip or folder of text tables, of the ``weights`` table of such a folder, or of an ``.npz``
            (see :mod:`hybrid.connectome.readers`).
        self_connections: ``"drop"`` the weights on the diagonal, or ``"keep"`` them; each then needs a length.
        zero_lengths: what to do with a connection between two regions whose tract has length 0: ``"refuse"`` it, or
            give it the ``"distance"`` between the centres or the length of the ``"shortest"`` other tract.
            Left out, it is refused, except in tvb192, where 22 such tracts join thalamic nuclei that share one centre:
            there it is ``"shortest"``.

        What was done stands in ``notes`` (see :mod:`hybrid.connectome.rules`). Errors: ``DataError`` names file, table,
        row and column, or says how to install the package; ``UnknownNameError`` guesses at the name that was meant.
        """
        raw = loading.load(name_or_path, self_connections, zero_lengths)
        return cls(
            labels=tuple(raw.labels),
            weights=raw.weights,
            lengths_mm=raw.lengths_mm,
            centres_mm=raw.centres_mm,
            name=raw.name,
            provenance=raw.provenance,
            notes=raw.notes,
            hemispheres=raw.hemispheres,
        )

    @classmethod
    def synthetic(cls, n: int, seed: int) -> Connectome:
        """``n`` regions from geometry alone, ``l001``, … then ``r001``, …; the same seed gives the same bits.

        Centres (x right, y front, z up) fill the outer part of two half-ellipsoids of human size, the right one nearly
        the mirror image of the left. Two regions are connected with a probability that decays exponentially with their
        distance (the rule of Ercsey-Ravasz et al. 2013, *Neuron* 80:184; here over 40 mm) at a density of 25 %; four in
        five connected pairs are so in both directions. Mirror images and a tree of near neighbours are always
        connected, so that every region reaches every other; below about 10 regions this alone makes more than 25 %.
        Weights are log-normal and decay with distance; the largest is 1. Tracts are 1.2 to 1.5 times
        the distance between the centres.
        """
        from hybrid.connectome import synthetic  # it needs much of scipy, which doubles the time to import hybrid

        made = synthetic.make(n, seed)
        return cls(
            labels=made.labels,
            weights=made.weights,
            lengths_mm=made.lengths_mm,
            centres_mm=made.centres_mm,
            name=f"synthetic{n}",
            provenance=f"Synthetic: made from geometry by Connectome.synthetic(n={n}, seed={seed}), without measured data.",
            hemispheres=made.hemispheres,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Connectome({self.name!r}, {len(self)} regions, density {self.density:.1%})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Connectome):
            return NotImplemented
        arrays = ("weights", "lengths_mm", "centres_mm", "hemispheres")
        return self.labels == other.labels and all(
            np.array_equal(getattr(self, which), getattr(other, which)) for which in arrays
        )

    def __hash__(self) -> int:
        return hash(self.labels)

    def __reduce__(self) -> tuple[Any, ...]:  # numpy forgets in copies and pickles that an array is read-only
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    @cached_property
    def density(self) -> float:
        """Share of the n (n - 1) possible connections between two regions that there are; 0 for a single region."""
        pairs = len(self) * (len(self) - 1)
        return (np.count_nonzero(self.weights) - np.count_nonzero(np.diagonal(self.weights))) / pairs if pairs else 0.0

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {label: position for position, label in enumerate(self.labels)}

    def index(self, label: str) -> int:
        """Row and column of a region; ``UnknownNameError`` guesses at the label that was meant."""
        if not isinstance(label, str):
            raise ConfigurationError(
                f"{self.name}: a region is named by its label, such as {self.labels[0]!r}, not {label!r}; "
                f"several are given one by one"
            )
        if label not in self._positions:
            raise unknown(f"{self.name}: region", label, self.labels)
        return self._positions[label]

    def _indices(self, labels: Sequence[str]) -> list[int]:
        """Positions of several different regions, in the order given."""
        found = [self.index(label) for label in labels]
        if len(set(found)) < len(found):
            twice = next(label for label in labels if list(labels).count(label) > 1)
            raise ConfigurationError(f"{self.name}: region {twice!r} is named twice")
        return found

    def only(self, *labels: str) -> Connectome:
        """These regions and the tracts between them, in the order given."""
        return self._subset(self._indices(labels), f"{self.name}, only {_listed(labels)}")

    def without(self, *labels: str) -> Connectome:
        """All regions but these, in the order they have; what led to or from the others is gone with them."""
        gone = set(self._indices(labels))
        rest = [position for position in range(len(self)) if position not in gone]
        return self._subset(rest, f"{self.name}, without {_listed(labels)}") if gone else self

    def _subset(self, positions: list[int], name: str) -> Connectome:
        if not positions:
            raise ConfigurationError(f"{name}: no region is left")
        square = np.ix_(positions, positions)
        return replace(
            self,
            labels=tuple(self.labels[k] for k in positions),
            weights=self.weights[square],
            lengths_mm=self.lengths_mm[square],
            centres_mm=self.centres_mm[positions],
            name=name,
            hemispheres=None if self.hemispheres is None else self.hemispheres[positions],
        )

    def normalised(self, by: str = "max") -> Connectome:
        """The same with weights divided by the largest of all (``"max"``), or, row by row, by the sum of the weights
        into that region (``"in_strength"``: every row sums to 1). Rows without input stay 0."""
        if by == "max":
            divisor = np.full((len(self), 1), self.weights.max())
        elif by == "in_strength":
            divisor = self.weights.sum(axis=1, keepdims=True)
        else:
            raise unknown("normalisation", by, ("max", "in_strength"))
        weights = self.weights / np.where(divisor > 0, divisor, 1.0)
        what = f"the largest, {divisor[0, 0]:g}" if by == "max" else "the summed weights into their target"
        return replace(self, weights=weights, notes=(*self.notes, f"Weights were divided by {what}."))

    def delays_ms(self, speed_m_s: Any, tick_ms: Any) -> FloatArray:
        """Delays ``[target, source]`` in ms, whole ticks and at least one; see :func:`tract_delays_ms`."""
        return tract_delays_ms(self.lengths_mm, speed_m_s, tick_ms)

    def projection(self, source_labels: str | Sequence[str], target_labels: str | Sequence[str]) -> Projection:
        """The tracts from some regions to others (one label or several each), in the order given."""
        sources, targets = (
            (given,) if isinstance(given, str) else tuple(given) for given in (source_labels, target_labels)
        )
        rectangle = np.ix_(self._indices(targets), self._indices(sources))
        return Projection(
            source_labels=sources,
            target_labels=targets,
            weights=checks.frozen(self.weights[rectangle]),
            lengths_mm=checks.frozen(self.lengths_mm[rectangle]),
        )

    @cached_property
    def graph(self) -> Any:
        """A frozen ``networkx.DiGraph``: a node a region (``centre_mm``), an edge from source to target for every weight
        above 0 (``weight``, ``length_mm``)."""
        graph = networkx.DiGraph(name=self.name)
        for label, centre in zip(self.labels, self.centres_mm.tolist(), strict=True):
            graph.add_node(label, centre_mm=tuple(centre))
        for target, source in np.argwhere(self.weights > 0):
            graph.add_edge(
                self.labels[source],
                self.labels[target],
                weight=float(self.weights[target, source]),
                length_mm=float(self.lengths_mm[target, source]),
            )
        return networkx.freeze(graph)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Into a new ``.npz`` that :meth:`load` reads; ``OutputExistsError`` if there is a file of that name.

        Self-connections that were kept are saved; loading drops them again unless told to keep them.
        """
        target = Path(path)
        arrays: dict[str, NDArray[Any]] = {
            "labels": np.array(self.labels),
            "weights": self.weights,
            "lengths_mm": self.lengths_mm,
            "centres_mm": self.centres_mm,
            "name": np.array(self.name),
            "provenance": np.array(self.provenance),
            "notes": np.array(self.notes, dtype=np.str_),
        }
        if self.hemispheres is not None:
            arrays["hemispheres"] = self.hemispheres
        write_npz(target, arrays)
        return target

    def describe(self) -> dict[str, Any]:
        """What is worth keeping with results, as plain values."""
        return {
            "name": self.name,
            "provenance": self.provenance,
            "regions": len(self),
            "density": self.density,
            "notes": list(self.notes),
        }


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
