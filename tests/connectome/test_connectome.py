"""The connectome as an object: what it refuses, what it derives, and that nobody can change it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from hybrid.clock import Clock
from hybrid.connectome import Connectome, tract_delays_ms
from hybrid.errors import ConfigurationError, DataError, OutputExistsError, UnknownNameError

WEIGHTS = np.array([[0.0, 2.0, 0.0], [4.0, 0.0, 1.0], [0.0, 0.0, 0.0]])  # C hears nobody
LENGTHS = np.array([[0.0, 75.0, 10.0], [30.0, 0.0, 1.0], [10.0, 20.0, 0.0]])
CENTRES = np.array([[0.0, 0.0, 0.0], [3.0, 4.0, 0.0], [0.0, 0.0, 12.0]])


def abc(**changes: object) -> Connectome:
    given: dict[str, object] = {
        "labels": ("A", "B", "C"),
        "weights": WEIGHTS,
        "lengths_mm": LENGTHS,
        "centres_mm": CENTRES,
    }
    return Connectome(**{**given, "name": "abc", **changes})  # type: ignore[arg-type]


def changed(matrix: np.ndarray, row: int, column: int, value: float) -> np.ndarray:
    result = matrix.copy()
    result[row, column] = value
    return result


def test_nothing_can_be_changed_and_the_given_arrays_are_not_shared() -> None:
    weights = WEIGHTS.copy()
    connectome = abc(weights=weights, hemispheres=[1, 1, 0])
    weights[0, 1] = 99
    assert connectome.weights[0, 1] == 2
    for array in (connectome.weights, connectome.lengths_mm, connectome.centres_mm, connectome.hemispheres):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0  # type: ignore[index]
    with pytest.raises(AttributeError):
        connectome.name = "other"  # type: ignore[misc]
    with pytest.raises(nx.NetworkXError):
        connectome.graph.add_edge("A", "C")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_is_as_unchangeable(copied: Callable[[Connectome], Connectome]) -> None:
    other = copied(abc(notes=("Odd.",), hemispheres=[1, 0, 1]))
    assert other == abc(hemispheres=[1, 0, 1])
    assert (other.name, other.notes) == ("abc", ("Odd.",))
    assert not other.weights.flags.writeable


def test_length_repr_and_density() -> None:
    assert len(abc()) == 3
    assert abc().density == 3 / 6
    assert abc(notes="Odd.").notes == ("Odd.",)
    assert repr(abc()) == "Connectome('abc', 3 regions, density 50.0%)"
    alone = Connectome(("A",), [[0.5]], [[4.0]], [[0, 0, 0]])  # type: ignore[arg-type]
    assert alone.density == 0.0


def test_equality_is_of_content_not_of_name() -> None:
    assert abc() == abc(name="other", notes=("told",))
    assert hash(abc()) == hash(abc(name="other"))
    assert abc() != abc(weights=changed(WEIGHTS, 0, 1, 2.0000001))
    assert abc() != abc(lengths_mm=changed(LENGTHS, 0, 1, 74.0))
    assert abc() != abc(centres_mm=CENTRES + 1)
    assert abc() != abc(hemispheres=[0, 0, 1])
    assert abc() != abc(labels=("A", "B", "D"))
    assert abc() != "abc"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": "ABC"}, "labels must be a list of names, not 'ABC'"),
        ({"labels": None}, "labels must be a list of names, not None"),
        ({"weights": [[0, 2], [1]]}, "weights is not an array of numbers"),
        ({"hemispheres": [[0], [1, 0]]}, "hemispheres is not an array"),
        ({"weights": WEIGHTS[:2]}, r"'abc': weights has shape \(2, 3\); it must be square"),
        ({"weights": np.zeros((2, 2))}, "weights has 2 regions, but there are 3 labels"),
        ({"lengths_mm": np.ones((4, 4))}, "lengths_mm has 4 regions, but there are 3 labels"),
        ({"centres_mm": CENTRES[:, :2]}, r"centres_mm has shape \(3, 2\)"),
        ({"centres_mm": changed(CENTRES, 1, 2, np.nan)}, "coordinate z of the centre of B .row 2. is nan"),
        ({"weights": changed(WEIGHTS, 1, 2, np.nan)}, r"weights in row 2 \(B\), column 3 \(C\) is nan"),
        ({"weights": changed(WEIGHTS, 1, 0, -4)}, r"weights in row 2 \(B\), column 1 \(A\) is -4"),
        ({"lengths_mm": changed(LENGTHS, 2, 0, np.inf)}, r"lengths_mm in row 3 \(C\), column 1 \(A\) is inf"),
        ({"lengths_mm": changed(LENGTHS, 2, 0, -1)}, r"lengths_mm in row 3 \(C\), column 1 \(A\) is -1"),
        ({"lengths_mm": changed(LENGTHS, 0, 1, 0)}, "from B to A .row 1, column 2. has weight 2 but length 0"),
        ({"weights": changed(WEIGHTS, 2, 2, 1)}, "from C to C .row 3, column 3. has weight 1 but length 0"),
        ({"weights": WEIGHTS * 1j}, "weights is not an array of numbers"),
        ({"weights": [["a"]]}, "weights is not an array of numbers"),
        ({"labels": ("A", "B", "A")}, "label 'A' names two regions, 1 and 3"),
        ({"labels": ("A", " ", "C")}, "the label of region 2 is empty"),
        ({"labels": ()}, "there is no region"),
        ({"hemispheres": [1, 0]}, r"hemispheres has shape \(2,\)"),
        ({"hemispheres": [1, 0, 2]}, "0 .left. and 1 .right. only"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        abc(**changes)


def test_a_length_without_a_weight_and_a_self_connection_with_a_length_are_fine() -> None:
    connectome = abc(weights=changed(WEIGHTS, 0, 0, 0.5), lengths_mm=changed(LENGTHS, 0, 0, 6.0))
    assert connectome.weights[0, 0] == 0.5
    assert connectome.density == 3 / 6, "a self-connection is none between two regions"


def test_lengths_with_a_unit_are_converted() -> None:
    mm = pytest.importorskip("brian2").mm
    np.testing.assert_allclose(abc(lengths_mm=LENGTHS * mm).lengths_mm, LENGTHS, rtol=1e-14)


def test_index_and_its_guess() -> None:
    assert abc().index("C") == 2
    with pytest.raises(UnknownNameError, match="abc: region 'rHD' does not exist; did you mean 'rHC'"):
        abc(labels=("rHC", "lHC", "rV1")).index("rHD")


def test_without_and_only_keep_what_belongs_together() -> None:
    whole = abc(hemispheres=[1, 0, 1], provenance="Invented.")
    rest = whole.without("B")
    assert rest.labels == ("A", "C")
    np.testing.assert_array_equal(rest.lengths_mm, [[0, 10], [10, 0]])
    np.testing.assert_array_equal(rest.centres_mm, CENTRES[[0, 2]])
    np.testing.assert_array_equal(rest.hemispheres, [True, True])  # type: ignore[arg-type]
    assert rest.provenance == "Invented."
    assert rest.name == "abc, without B"

    turned = whole.only("B", "A")
    assert turned.labels == ("B", "A")
    np.testing.assert_array_equal(turned.weights, [[0, 4], [2, 0]])
    np.testing.assert_array_equal(turned.lengths_mm, [[0, 30], [75, 0]])
    np.testing.assert_array_equal(turned.centres_mm, CENTRES[[1, 0]])
    np.testing.assert_array_equal(turned.hemispheres, [False, True])  # type: ignore[arg-type]
    assert whole.without() is whole
    assert not rest.weights.flags.writeable


def test_without_and_only_refuse_what_cannot_be() -> None:
    with pytest.raises(UnknownNameError, match="'D'"):
        abc().without("D")
    with pytest.raises(UnknownNameError, match="'D'"):
        abc().only("A", "D")
    with pytest.raises(ConfigurationError, match="'A' is named twice"):
        abc().only("A", "B", "A")
    with pytest.raises(ConfigurationError, match="no region is left"):
        abc().without("A", "B", "C")
    with pytest.raises(ConfigurationError, match="no region is left"):
        abc().only()
    with pytest.raises(ConfigurationError, match=r"by its label, such as 'A', not \['A', 'B'\]; several .* one by one"):
        abc().only(["A", "B"])  # type: ignore[arg-type]


def test_normalised() -> None:
    np.testing.assert_array_equal(abc().normalised().weights, WEIGHTS / 4)
    by_strength = abc().normalised(by="in_strength")
    np.testing.assert_array_equal(by_strength.weights, [[0, 1, 0], [0.8, 0, 0.2], [0, 0, 0]])
    np.testing.assert_array_equal(by_strength.lengths_mm, LENGTHS)
    assert by_strength.notes == ("Weights were divided by the summed weights into their target.",)
    assert abc().normalised().notes == ("Weights were divided by the largest, 4.",)
    assert not abc(weights=np.zeros((3, 3))).normalised().weights.any()
    with pytest.raises(UnknownNameError, match="did you mean 'in_strength'"):
        abc().normalised(by="instrength")


def test_delays() -> None:
    delays = abc().delays_ms(speed_m_s=3, tick_ms=0.1)
    assert delays[0, 1] == 25.0, "75 mm at 3 m/s"
    assert delays[1, 0] == 10.0
    assert delays[1, 2] == pytest.approx(0.3), "0.333 ms rounds to three ticks"
    assert delays[0, 0] == 0.1, "never below one tick"
    assert Clock(0.1).ticks_of(delays)[0, 1] == 250


@pytest.mark.parametrize("tick_ms", [0.05, 0.1, 0.3, 1.0])
def test_delays_lie_within_half_a_tick_of_length_over_speed(tick_ms: float) -> None:
    lengths = np.random.default_rng(1).uniform(0, 200, (40, 40))
    delays = tract_delays_ms(lengths, 4.2, tick_ms)
    exact = lengths / 4.2
    long = exact > tick_ms
    assert np.abs(delays - exact)[long].max() <= tick_ms / 2 + 1e-9
    assert delays.min() == tick_ms
    Clock(tick_ms).ticks_of(delays)  # raises if one lies between two ticks


def test_delays_take_quantities_and_refuse_nonsense() -> None:
    b2 = pytest.importorskip("brian2")
    np.testing.assert_array_equal(tract_delays_ms(75.0, 3 * b2.meter / b2.second, 0.1 * b2.ms), 25.0)
    with pytest.raises(ConfigurationError, match="speed_m_s = 0 must be above 0"):
        tract_delays_ms(75.0, 0, 0.1)
    with pytest.raises(ConfigurationError, match="wrong dimension"):
        tract_delays_ms(75.0, 3 * b2.ms, 0.1)
    with pytest.raises(ConfigurationError, match="below 0"):
        tract_delays_ms([-1.0], 3, 0.1)


def test_projection_is_target_by_source() -> None:
    projection = abc().projection(["A", "C"], "B")
    assert projection.source_labels == ("A", "C")
    assert projection.target_labels == ("B",)
    np.testing.assert_array_equal(projection.weights, [[4, 1]])
    np.testing.assert_array_equal(projection.lengths_mm, [[30, 1]])
    np.testing.assert_array_equal(projection.delays_ms(3, 0.1), abc().delays_ms(3, 0.1)[1:2, [0, 2]])
    back = abc().projection("B", ("A", "C"))
    np.testing.assert_array_equal(back.weights, [[2], [0]])
    with pytest.raises(UnknownNameError, match="'D'"):
        abc().projection("D", "A")


def test_graph_leads_from_source_to_target() -> None:
    graph = abc().graph
    assert set(graph.edges) == {("B", "A"), ("A", "B"), ("C", "B")}
    assert graph.edges["A", "B"] == {"weight": 4.0, "length_mm": 30.0}
    assert graph.nodes["B"]["centre_mm"] == (3.0, 4.0, 0.0)
    assert set(graph) == {"A", "B", "C"}
    connectome = abc()
    assert connectome.graph is connectome.graph


def test_save_and_load(tmp_path: Path) -> None:
    path = tmp_path / "abc.npz"
    saved = abc(hemispheres=[1, 0, 1], provenance="Invented für den Test.", notes=("One.", "Two."))
    assert saved.save(path) == path
    loaded = Connectome.load(path)
    assert loaded == saved
    assert (loaded.name, loaded.provenance) == ("abc", "Invented für den Test.")
    assert loaded.notes[:2] == ("One.", "Two.")
    assert [file.name for file in path.parent.iterdir()] == ["abc.npz"], "nothing is left aside"

    before = path.read_bytes()
    with pytest.raises(OutputExistsError, match="already there"):
        abc().save(path)
    assert path.read_bytes() == before
    with pytest.raises(ConfigurationError, match=r"must end in .npz"):
        abc().save(path.with_suffix(".csv"))
    with pytest.raises(ConfigurationError, match="does not exist"):
        abc().save(path.parent / "nowhere" / "abc.npz")


def test_a_failed_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(OSError, match="no space"):
        abc().save(tmp_path / "abc.npz")
    assert list(tmp_path.iterdir()) == []


def test_loading_again_tells_each_note_once(tmp_path: Path) -> None:
    first = abc(centres_mm=CENTRES * 10)
    first.save(tmp_path / "1.npz")
    second = Connectome.load(tmp_path / "1.npz")
    assert second.notes == ("Shorter than the line between their centres: 2 of 3 tracts.",)
    second.save(tmp_path / "2.npz")
    assert Connectome.load(tmp_path / "2.npz").notes == second.notes


def test_describe_is_plain() -> None:
    assert abc(notes=("Odd.",), provenance="Invented.").describe() == {
        "name": "abc",
        "provenance": "Invented.",
        "regions": 3,
        "density": 0.5,
        "notes": ["Odd."],
    }
