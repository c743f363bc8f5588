"""A run from outside: its output, what is asked of components before and after, their random streams, and what it refuses."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from mixed import mixed_brain
from toys import Accumulator, Failing, RampSource, RandomSpikes, Relay, Toy

from adapters import RateToPoisson, SpikeToRate
from hybrid import Brain, Rates, Results, Simulation, Spikes
from hybrid.errors import ComponentError, ConfigurationError, DataError, OutputExistsError
from hybrid.experiment import Experiment

ENDINGS = [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), ZeroDivisionError("oh")]


def brain_with(*components):
    brain = Brain(tick_ms=0.1)
    for each in components:
        brain.add(each)
    return brain


class Watched(Toy):
    """Keeps account of what is done with it."""

    def __init__(self, name="w"):
        super().__init__(name)
        self.seen = []

    def describe(self):
        self.seen.append("describe")
        return {}

    def prepare(self, clock, rng):
        self.seen.append("prepare")

    def advance(self, window, inputs):
        self.seen.append("advance")
        return {}

    def close(self):
        self.seen.append("close")


class Raising(Watched):
    """Raises where it is told to."""

    def __init__(self, name, where, error):
        super().__init__(name)
        for each in (where,):
            setattr(self, each, self._raise)
        self.error = error

    def _raise(self, *_):
        raise self.error


# -- the output --------------------------------------------------------------------------------------------------------


def test_a_run_saves_its_results_where_it_was_told(tmp_path):
    results = Simulation(mixed_brain(), seed=1, record=["a.rate"]).run(10, out=tmp_path / "run.h5")
    assert Results.load(tmp_path / "run.h5").content_sha256 == results.content_sha256


def test_nothing_is_run_where_the_output_would_be_refused(tmp_path):
    path = tmp_path / "run.h5"
    path.write_text("mine")
    watched = Watched()
    for out, kind, text in [
        (path, OutputExistsError, r"^.*run.h5 exists already"),
        (str(path / "run.h5"), ConfigurationError, "is no folder"),
        (tmp_path, OutputExistsError, "that is a folder"),
    ]:
        with pytest.raises(kind, match=text):
            Simulation(brain_with(watched)).run(1, out=out)
    assert "prepare" not in watched.seen
    assert path.read_text() == "mine"
    Simulation(brain_with(Watched()), seed=3).run(1, out=path, overwrite=True)
    assert Results.load(path).seed == 3


def test_results_that_could_not_be_saved_come_with_the_error(tmp_path):
    class Vandal(RampSource):
        def advance(self, window, inputs):
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
            (tmp_path / "out").write_text("in the way")
            return super().advance(window, inputs)

    (tmp_path / "out").mkdir()
    with pytest.raises((DataError, ConfigurationError), match=r"run\.h5") as caught:
        Simulation(brain_with(Vandal("v")), record=["v.rate"]).run(1, out=tmp_path / "out" / "run.h5")
    assert caught.value.results["v.rate"].hz.shape == (10, 1)


# -- before and after --------------------------------------------------------------------------------------------------


def test_a_component_is_described_before_the_run_and_closed_after_it():
    watched = Watched()
    Simulation(brain_with(watched)).run(1)
    assert watched.seen == ["describe", "prepare", "advance", "close"]


@pytest.mark.parametrize("where", ["prepare", "advance"])
def test_every_component_is_closed_whatever_fails(where):
    first, failing, last = Watched("a"), Raising("f", where, ZeroDivisionError()), Watched("z")
    with pytest.raises(ComponentError):
        Simulation(brain_with(first, failing, last)).run(1)
    assert [each.seen[-1] for each in (first, failing, last)] == ["close"] * 3


@pytest.mark.parametrize("error", ENDINGS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("prepare", "f failed in preparation: "),
        ("advance", r"f failed in window \[0, 10\).*: "),
        ("describe", "f: describe"),
    ],
)
def test_no_component_ends_the_program(where, text, error):
    with pytest.raises(ComponentError, match=rf"{text}.*{type(error).__name__}") as caught:
        Simulation(brain_with(Raising("f", where, error), Watched())).run(1)
    causes = [caught.value.__cause__, getattr(caught.value.__cause__, "__cause__", None)]
    assert error in causes


@pytest.mark.parametrize("error", ENDINGS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("method", "when"), [("prepare", "in preparation"), ("convert", "in window"), ("expected", "in window")]
)
def test_no_adapter_ends_the_program(method, when, error):
    class Ending(SpikeToRate):
        pass

    def end(*_):
        raise error

    setattr(Ending, method, end)
    brain = brain_with(RandomSpikes("s"), Relay("r", 3))
    brain.connect(brain["s"]["spikes"], brain["r"]["in"], delay_ms=0.5, adapter=Ending(5))
    with pytest.raises(ComponentError, match=f"s_to_r failed {when}.*{type(error).__name__}"):
        Simulation(brain).run(2)


@pytest.mark.parametrize("error", ENDINGS, ids=lambda error: type(error).__name__)
def test_a_component_that_cannot_be_closed_is_named_and_loses_nothing(error, tmp_path):
    closing, other, source = Raising("c", "close", error), Watched("d"), RampSource("s")
    simulation = Simulation(brain_with(closing, other, source), record=["s.rate"])
    with pytest.warns(RuntimeWarning, match=rf"^c: close\(\) raised {type(error).__name__}"):
        results = simulation.run(1, out=tmp_path / "run.h5")
    assert results["s.rate"].hz[-1, 0] == 9
    assert Results.load(tmp_path / "run.h5").content_sha256 == results.content_sha256
    assert other.seen[-1] == "close"


# -- random streams ----------------------------------------------------------------------------------------------------


def spikes_of(seed=1, names=("a", "b")):
    brain = brain_with(*(RandomSpikes(name, 5, hz=200.0) for name in names))
    results = Simulation(brain, seed=seed, record=[f"{name}.spikes" for name in names]).run(200)
    return [(results[f"{name}.spikes"].ticks.tolist(), results[f"{name}.spikes"].ids.tolist()) for name in names]


def test_every_component_draws_from_a_stream_of_its_own_that_follows_the_seed_and_its_name():
    a, b = spikes_of()
    assert a != b
    assert spikes_of(seed=1) == [a, b]
    assert all(other not in (a, b) for other in spikes_of(seed=2))
    assert spikes_of(names=("b", "c"))[0] == b  # its name alone decides, not the company


def delivered(seed=1, name=None):
    """What two relays hear of one source by Poisson adapters."""
    brain = brain_with(Accumulator("x", 1), Relay("q", 1, Spikes), Relay("r", 1, Spikes))
    for target in ("q", "r"):
        brain.connect(
            brain["x"]["rate"], brain[target]["in"], weight=20.0, delay_ms=1.0, adapter=RateToPoisson(),
            name=name if target == "r" else None,
        )  # fmt: skip
    results = Simulation(brain, seed=seed, record=["q.out", "r.out"]).run(400)
    return [results[f"{target}.out"].ticks.tolist() for target in ("q", "r")]


def test_every_connection_draws_from_a_stream_of_its_own_that_follows_the_seed_and_its_name():
    q, r = delivered()
    assert len(q) > 10
    assert q != r
    assert delivered() == [q, r]
    assert delivered(name="else")[0] == q
    assert delivered(name="else")[1] != r
    assert all(other not in (q, r) for other in delivered(seed=2))


def test_a_component_and_a_connection_of_one_name_do_not_share_a_stream():
    drawn = {}

    class Drawing(Relay):
        def prepare(self, clock, rng):
            drawn["component"] = [each.random(8).tolist() for each in (rng, *rng.spawn(2))]

    class DrawingAdapter(SpikeToRate):
        def prepare(self, clock, source, target, rng):
            super().prepare(clock, source, target, rng)
            drawn["connection"] = rng.random(8).tolist()

    brain = brain_with(RandomSpikes("s", 1), Drawing("twin"))
    brain.connect(brain["s"]["spikes"], brain["twin"]["in"], delay_ms=1.0, adapter=DrawingAdapter(5), name="twin")
    Simulation(brain).run(1)
    assert drawn["connection"] not in drawn["component"]


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        lambda window: Rates(window.shifted(1), 1, 0.0),
        lambda window: Rates(type(window)(window.start, window.stop - 1), 1, 0.0),
        lambda window: Rates(window, 2, 0.0),
        lambda window: Spikes.silence(window, 1),
    ],
    ids=["later window", "shorter window", "size", "kind"],
)
def test_outputs_of_the_wrong_window_size_or_kind_are_refused(wrong):
    class Wrong(RampSource):
        def advance(self, window, inputs):
            return {"rate": wrong(window)}

    with pytest.raises(
        ComponentError, match=r"w failed in window .*: advance\(\) returned .* for w.rate, not Rates of size 1"
    ):
        Simulation(brain_with(Wrong("w"))).run(1)


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan"), "long", None])
def test_a_timeout_that_is_no_time_is_refused(timeout_s):
    with pytest.raises(ConfigurationError, match="timeout_s"):
        Simulation(brain_with(Watched()), timeout_s=timeout_s)


def test_the_timeout_of_an_experiment_file_is_that_of_its_simulation():
    tables = {"run": {"duration_ms": 1.0, "timeout_s": 12.5}, "components": {"s": {"kind": "toys:RampSource"}}}
    assert Experiment(tables).simulation().timeout_s == 12.5


def test_a_communicator_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match=r"comm = 'world'"):
        Simulation(brain_with(Watched()), comm="world")


# -- timing ------------------------------------------------------------------------------------------------------------


def test_the_time_to_prepare_stands_beside_that_of_the_run():
    timing = Simulation(brain_with(Failing("f", 10**9, ValueError()))).run(1).timing
    assert 0 <= timing["prepare_s"] <= timing["total_s"]
    assert 0 < timing["running_s"] <= timing["total_s"] - timing["prepare_s"]
    assert np.isclose(timing["real_time_factor"], timing["running_s"] / 1e-3)
