"""A connectome from geometry alone, for tests and for scaling studies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

from hybrid.elementary import arrays
from hybrid.errors import ConfigurationError
from hybrid.units import FloatArray

SEMI_AXES_MM = np.array([65.0, 85.0, 60.0])  # right, front, up: about the size of a human cerebrum
MIDLINE_MM = 4.0  # no left centre is nearer to the midline
DENSITY = 0.25
DECAY_MM = 40.0  # an assumption: of the order of human tract lengths
RECIPROCAL = 0.8  # of the connected pairs, the share that is connected both ways
CANDIDATES = 8


@dataclass(frozen=True)
class Geometry:
    """What :func:`make` gives: left regions first, then right ones; matrices are ``[target, source]``."""

    labels: tuple[str, ...]
    weights: FloatArray
    lengths_mm: FloatArray
    centres_mm: FloatArray
    hemispheres: NDArray[np.bool_]


def make(n: int, seed: int) -> Geometry:
    """``n`` regions; the rules are told by :meth:`Connectome.synthetic`."""
    for what, value, least in (("n", n, 2), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ConfigurationError(
                f"synthetic connectome: {what} = {value!r} must be a whole number, {least} or above"
            )
    rng = np.random.Generator(np.random.PCG64(int(seed)))
    right = n // 2
    left = n - right
    centres = _centres(rng, left, right)
    distance = cdist(centres, centres)
    connected = _connections(rng, distance, left, right)
    return Geometry(
        labels=tuple(f"l{k:03d}" for k in range(1, left + 1)) + tuple(f"r{k:03d}" for k in range(1, right + 1)),
        weights=_weights(rng, distance, connected),
        lengths_mm=distance * _mirrored(rng.uniform(1.2, 1.5, size=distance.shape)),
        centres_mm=centres,
        hemispheres=np.arange(n) >= left,
    )


def _mirrored(values: FloatArray) -> FloatArray:
    """The upper triangle, on both sides of a diagonal of zeros."""
    upper = np.triu(values, k=1)
    return np.asarray(upper + upper.T)


def _in_hemisphere(rng: np.random.Generator, n: int) -> FloatArray:
    """``n`` points in the outer part of the left half of the ellipsoid."""
    direction = rng.standard_normal((n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    points = direction * rng.uniform(0.6, 1.0, size=(n, 1)) * SEMI_AXES_MM
    points[:, 0] = -np.maximum(np.abs(points[:, 0]), MIDLINE_MM)
    return np.asarray(points)


def _centres(rng: np.random.Generator, left: int, right: int) -> FloatArray:
    """Centres well apart on the left (each the farthest of a few candidates), and their near mirror images."""
    points = _in_hemisphere(rng, 1)
    while len(points) < left:
        candidates = _in_hemisphere(rng, CANDIDATES)
        farthest = cdist(candidates, points).min(axis=1).argmax()
        points = np.vstack([points, candidates[farthest]])
    mirrored = points[:right] * (-1.0, 1.0, 1.0) + rng.uniform(-1.0, 1.0, size=(right, 3))
    return np.asarray(np.vstack([points, mirrored]))


def _connections(rng: np.random.Generator, distance: FloatArray, left: int, right: int) -> NDArray[np.bool_]:
    """Which pairs are connected, ``[target, source]``."""
    n = len(distance)
    certain = np.zeros((n, n), dtype=bool)
    certain[np.arange(right), left + np.arange(right)] = True  # mirror images are connected, as through the callosum
    certain |= minimum_spanning_tree(distance).toarray() > 0  # and a tree holds the whole together
    certain = np.triu(certain | certain.T, k=1)
    open_pairs = np.triu(~certain, k=1)
    decay = arrays.exp(-distance / DECAY_MM)
    share = (1.0 + RECIPROCAL) / 2.0  # a connected pair has this share of its two directions

    def surplus(scale: float) -> float:
        drawn = np.minimum(scale * decay[open_pairs], 1.0).sum()
        return float(certain.sum() + share * drawn - DENSITY * n * (n - 1) / 2)

    scale = 0.0 if surplus(0.0) >= 0 else float(brentq(surplus, 0.0, 1.0 / decay.min()))
    drawn = open_pairs & (rng.random((n, n)) < scale * decay)
    both = rng.random((n, n)) < RECIPROCAL
    upward = rng.random((n, n)) < 0.5
    forth = certain | (drawn & (both | upward))
    back = certain | (drawn & (both | ~upward))
    return np.asarray(forth | back.T)


def _weights(rng: np.random.Generator, distance: FloatArray, connected: NDArray[np.bool_]) -> FloatArray:
    """Log-normal weights that decay with distance; the two directions of a pair are alike, not equal."""
    n = len(distance)
    pair = _mirrored(rng.standard_normal((n, n)))
    own = rng.standard_normal((n, n))
    weights = np.where(connected, arrays.exp(pair + 0.3 * own - distance / DECAY_MM), 0.0)
    return np.asarray(weights / weights.max())
