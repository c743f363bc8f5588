"""The synthetic connectome has the density, the geometry and the asymmetry it promises."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from hybrid.connectome import Connectome
from hybrid.errors import ConfigurationError


@pytest.fixture(scope="module", params=[(76, 1), (77, 2), (300, 3)])
def made(request: pytest.FixtureRequest) -> Connectome:
    return Connectome.synthetic(*request.param)


def test_labels_and_provenance(made: Connectome) -> None:
    assert made.hemispheres is not None
    assert made.labels[0] == "l001"
    assert [label[0] == "r" for label in made.labels] == made.hemispheres.tolist()
    assert made.hemispheres.sum() == len(made) // 2
    assert made.provenance.startswith("Synthetic")
    assert "seed=" in made.provenance


def test_density_and_paths(made: Connectome) -> None:
    assert made.density == pytest.approx(0.25, abs=0.02)
    assert nx.is_strongly_connected(made.graph)


def test_geometry(made: Connectome) -> None:
    centres, right = made.centres_mm, made.hemispheres
    assert (centres[right, 0] > 0).all()
    assert (centres[~right, 0] < 0).all()  # type: ignore[operator]
    assert (np.abs(centres) <= np.array([66, 86, 61])).all()
    assert np.ptp(centres[:, 1]) > 130, "the size of a human cerebrum, not of a mouse's"
    distance = cdist(centres, centres)
    pairs = ~np.eye(len(made), dtype=bool)
    assert distance[pairs].min() > 3
    ratio = made.lengths_mm[pairs] / distance[pairs]
    assert 1.2 <= ratio.min() < 1.22
    assert 1.48 < ratio.max() <= 1.5
    np.testing.assert_array_equal(made.lengths_mm, made.lengths_mm.T)


def test_near_regions_are_connected_more_often_and_more_strongly(made: Connectome) -> None:
    distance = cdist(made.centres_mm, made.centres_mm)
    pairs = np.triu(np.ones_like(distance, dtype=bool), k=1)
    connected = made.weights > 0
    near, far = pairs & (distance < 50), pairs & (distance > 80)
    assert connected[near].mean() > 2 * connected[far].mean()
    logs, lengths = np.log(made.weights[connected]), distance[connected]
    slope, intercept = np.polyfit(lengths, logs, 1)
    assert slope == pytest.approx(-1 / 40, abs=0.004)
    residual = logs - slope * lengths - intercept
    assert abs(np.mean(residual**3)) / np.std(residual) ** 3 < 0.3, "log-normal: the logarithms are not skewed"


def test_directions_are_alike_but_not_equal(made: Connectome) -> None:
    connected = made.weights > 0
    returned = (connected & connected.T).sum() / connected.sum()
    assert 0.85 < returned < 0.95
    both = np.triu(connected & connected.T, k=1)
    forth, back = np.log(made.weights[both]), np.log(made.weights.T[both])
    assert 0.9 < np.corrcoef(forth, back)[0, 1] < 0.99
    assert (forth != back).all()
    assert made.weights.max() == 1
    assert not np.diagonal(made.weights).any()


def test_the_seed_decides_every_bit() -> None:
    first, again, other = (Connectome.synthetic(40, seed) for seed in (7, 7, 8))
    np.random.default_rng(0).random(100)
    assert first == again
    assert first.weights.tobytes() == again.weights.tobytes()
    assert first != other


def test_the_global_generator_is_not_touched() -> None:
    np.random.seed(1)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    Connectome.synthetic(10, 1)
    assert np.random.random() == expected  # noqa: NPY002


@pytest.mark.parametrize("n", [2, 3, 4, 9])
def test_small_ones_hold_together(n: int) -> None:
    small = Connectome.synthetic(n, 5)
    assert len(small) == n
    assert nx.is_strongly_connected(small.graph)


@pytest.mark.parametrize(("n", "seed"), [(1, 1), (2.5, 1), (True, 1), (10, -1), (10, 1.5), (10, None)])
def test_nonsense_is_refused(n: object, seed: object) -> None:
    with pytest.raises(ConfigurationError, match="must be a whole number"):
        Connectome.synthetic(n, seed)  # type: ignore[arg-type]
