"""The five connectomes of tvb-data 3.0.0, against figures read from its files by other means, and against anatomy."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hybrid.connectome import Connectome
from hybrid.errors import DataError, UnknownNameError

# tvb-data read with numpy.loadtxt: regions, connections between two regions, diagonal entries, largest weight between
# two regions, longest tract, shortest tract with a weight
FIGURES = {
    "tvb66": (66, 1316, 61, 0.4776708596309769, 238.0, 7.0),
    "tvb68": (68, 1176, 68, 0.10851745, 252.90276, 8.0425329),
    "tvb76": (76, 1494, 66, 3.0, 153.48574, 4.9332755),
    "tvb96": (96, 3860, 79, 3.0, 150.10497, 6.3184686),
    "tvb192": (192, 3466, 66, 3.0, 142.1458, 5.9441609),
}
LABELS = {
    "tvb66": ("rBSTS", "rCAC", "lTT"),
    "tvb68": ("r_lateralorbitofrontal", "r_parsorbitalis", "l_insula"),
    "tvb76": ("rA1", "rA2", "lCC"),
    "tvb96": ("RM-TCpol_R", "RM-TCs_R", "BG-Acc_L"),
    "tvb192": ("lAD", "lAM", "rCC"),
}


@pytest.fixture(scope="module", params=FIGURES)
def connectome(request: pytest.FixtureRequest) -> Connectome:
    return Connectome.load(request.param)


def test_figures(connectome: Connectome) -> None:
    n, connections, dropped, largest, longest, shortest = FIGURES[connectome.name]
    assert len(connectome) == n
    assert connectome.weights.shape == connectome.lengths_mm.shape == (n, n)
    assert connectome.centres_mm.shape == (n, 3)
    assert np.count_nonzero(connectome.weights) == connections
    assert connectome.density == pytest.approx(connections / (n * (n - 1)))
    assert not np.diagonal(connectome.weights).any()
    assert f"Dropped {dropped} self-connections." in connectome.notes
    assert connectome.weights.max() == pytest.approx(largest, rel=1e-7)
    assert connectome.lengths_mm.max() == pytest.approx(longest, rel=1e-7)
    assert connectome.lengths_mm[connectome.weights > 0].min() == pytest.approx(shortest, rel=1e-7)


def test_labels_and_sides(connectome: Connectome) -> None:
    assert (*connectome.labels[:2], connectome.labels[-1]) == LABELS[connectome.name]
    assert connectome.hemispheres is not None
    assert connectome.hemispheres.sum() == len(connectome) / 2
    first_is_right = connectome.name != "tvb192"
    assert connectome.hemispheres[0] == first_is_right
    assert connectome.hemispheres[-1] != first_is_right


def test_the_axes_told_are_those_of_the_centres(connectome: Connectome) -> None:
    """Frontal pole in front of visual cortex, and the sides where the note says."""
    front, back = {
        "tvb66": ("rFP", "rCUN"),
        "tvb68": ("r_frontalpole", "r_cuneus"),
        "tvb96": ("RM-PFCpol_R", "RM-V1_R"),
    }.get(connectome.name, ("rPFCPOL", "rV1"))
    axes = {part.split()[-1]: "xyz".index(part.split()[0]) for part in _axes(connectome).split(", ")[:3]}
    centres, right = connectome.centres_mm, connectome.hemispheres
    forward = centres[connectome.index(front)] - centres[connectome.index(back)]
    assert (forward[axes["front"]] > 50) if "front" in axes else (forward[axes["back"]] < -50)
    side = next(name for name in ("left", "right") if name in axes)
    same_places = slice(None) if connectome.name == "tvb96" else _cortical(connectome)
    rightward = (centres[same_places][right[same_places]] - centres[same_places][~right[same_places]])[:, axes[side]]  # type: ignore[index]
    assert (rightward.mean() > 10) if side == "right" else (rightward.mean() < -10)


def _axes(connectome: Connectome) -> str:
    note = next(note for note in connectome.notes if note.startswith("Centres: "))
    return note.removeprefix("Centres: ").removesuffix(".").replace("points to the ", "").replace("to the ", "")


def _cortical(connectome: Connectome) -> list[int]:
    """All but the nuclei of tvb192 that share a centre."""
    _, first, counts = np.unique(connectome.centres_mm, axis=0, return_inverse=True, return_counts=True)
    return [k for k in range(len(connectome)) if counts[first.ravel()[k]] == 1]


def test_provenance_and_notes_are_told(connectome: Connectome) -> None:
    assert f"connectivity_{len(connectome)}.zip of the package tvb-data" in connectome.provenance
    assert connectome.describe()["notes"] == list(connectome.notes)
    assert any("Centres:" in note for note in connectome.notes)


def test_the_default_of_tvb() -> None:
    connectome = Connectome.load("tvb76")
    assert connectome.density == pytest.approx(0.262, abs=5e-4)
    assert {"rHC", "rPHC", "lHC", "lPHC", "rAMYG"} <= set(connectome.labels)
    assert connectome.lengths_mm[connectome.weights > 0].min() / 3.0 == pytest.approx(1.64, abs=0.005)
    assert "Without any connection: 2 regions, rCC, lCC." in connectome.notes
    assert "Shorter than the line between their centres: 867 of 1494 tracts." in connectome.notes
    assert len(connectome.without("rHC")) == 75
    assert connectome.without("rHC").index("rIA") == connectome.index("rIA") - 1


@pytest.mark.parametrize("name", ["76", 76, "TVB76"])
def test_other_spellings(name: str | int) -> None:
    assert Connectome.load(name) == Connectome.load("tvb76")


def test_rows_are_targets_amygdala_to_visual_cortex() -> None:
    """In the macaque the amygdala projects to V1, and V1 not to the amygdala (Amaral and Price 1984, J Comp Neurol
    230:465): the two directions can be told apart, and so can rows and columns."""
    connectome = Connectome.load("tvb76")
    assert connectome.projection("rAMYG", "rV1").weights > 0
    assert connectome.projection("rV1", "rAMYG").weights == 0


def test_rows_are_targets_reticular_nucleus_to_thalamus() -> None:
    """The thalamic reticular nucleus hears the cortex but projects to the thalamus only (Jones 1975, J Comp Neurol
    162:285)."""
    graph = Connectome.load("tvb192").graph
    assert set(graph.successors("lR")) == {"lMD", "lMDMC", "lVA", "lVAMC", "lVApc", "lVL", "lVLo"}
    assert {"lM1", "lV2", "lPMCM"} <= set(graph.predecessors("lR"))


def test_lengths_of_zero_in_192_are_told_and_can_be_refused() -> None:
    connectome = Connectome.load("tvb192")
    assert "Gave 22 tracts of length 0 the length of the shortest other tract, 5.94 mm." in connectome.notes
    assert connectome.projection("lR", "lMD").lengths_mm == pytest.approx(5.9441609)
    with pytest.raises(DataError, match=r"from lPUL to lGL .* has weight 2 but length 0 \(22 such tracts\)"):
        Connectome.load("tvb192", zero_lengths="refuse")
    with pytest.raises(DataError, match="length 0"):  # these nuclei share one centre
        Connectome.load("tvb192", zero_lengths="distance")


def test_self_connections_can_be_kept_where_they_have_a_length() -> None:
    kept = Connectome.load("tvb66", self_connections="keep")
    assert np.count_nonzero(np.diagonal(kept.weights)) == 61
    assert kept.weights.max() == pytest.approx(0.5121645244593004)
    with pytest.raises(DataError, match=r"from rA1 to rA1 .* length 0"):
        Connectome.load("tvb76", self_connections="keep")


def test_a_set_that_does_not_exist() -> None:
    with pytest.raises(UnknownNameError, match="'tvb67' does not exist; did you mean"):
        Connectome.load("tvb67")
    with pytest.raises(UnknownNameError, match="did you mean 'tvb76'"):
        Connectome.load("tvb-76")


def test_without_the_package_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r'not installed; pip install "hybrid-brain-simulation\[data\]"'):
        Connectome.load("tvb76")
    empty = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: empty)
    with pytest.raises(DataError, match=r"has no connectivity_76.zip"):
        Connectome.load("tvb76")
