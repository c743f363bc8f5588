"""From one checkpoint several runs may begin, with other parameters or another seed; what differs is told."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from checkpoint_brains import DURATION_MS, Leaver, simulation
from toys import Accumulator, RampSource, SavedSpikes

from hybrid import Brain, Results, Simulation
from hybrid.errors import CheckpointError, ComponentError
from hybrid.run.checkpoint import Generations, unfinished


def checkpoint(made, folder, duration_ms=DURATION_MS):
    """The newest checkpoint of a run that ends early."""
    out = folder / "first.h5"
    with pytest.raises(ComponentError):
        made.run(duration_ms, out=out, checkpoint_every_ms=5.0)
    kept = Generations(unfinished(out))
    return shutil.copytree(kept.path(kept.ticks()[0]), folder / "kept" / str(kept.ticks()[0]))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return checkpoint(
        simulation("circuit", 170, record=["focus.spikes", "cortex.rate"]), tmp_path_factory.mktemp("kept")
    )


def run(kept, **options):
    return simulation("circuit", record=["focus.spikes", "cortex.rate"], **options).run(DURATION_MS, start=kept)


def test_without_a_change_it_lives_the_rest_of_the_run_to_the_bit(kept, tmp_path):
    whole = simulation("circuit", record=["focus.spikes", "cortex.rate"]).run(DURATION_MS)
    branch, start = run(kept), int(kept.name)
    assert np.array_equal(branch["cortex.rate"].hz, whole["cortex.rate"].hz[start:])
    late = whole["focus.spikes"].ticks >= start
    assert np.array_equal(branch["focus.spikes"].ids, whole["focus.spikes"].ids[late])
    assert (branch["cortex.rate"].window.start, branch.duration) == (start, 300 - start)
    assert branch.times_ms("cortex.rate")[0] == pytest.approx(start * 0.1)
    origin = branch.provenance["branched_from"]
    assert (origin["differs"], origin["checkpoint"]) == ([], str(kept))
    assert Results.load(branch.save(tmp_path / "b.h5")).provenance == branch.provenance


def test_another_seed_gives_other_random_numbers_from_there_on(kept):
    one, other, again = run(kept), run(kept, seed=2), run(kept, seed=2)
    assert np.array_equal(one["cortex.rate"].hz[0], other["cortex.rate"].hz[0])  # the same state
    assert not np.array_equal(one["cortex.rate"].hz[1], other["cortex.rate"].hz[1])
    assert not np.array_equal(one["focus.spikes"].ids, other["focus.spikes"].ids)
    assert other.content_sha256 == again.content_sha256
    assert other.provenance["branched_from"]["differs"] == ["seed: 1 in the checkpoint, 2 now"]


def small(weight, hz=300.0, leave_at=None, delay_ms=1.0):
    brain = Brain(tick_ms=0.1)
    source, ramp, sink = brain.add(SavedSpikes("s", 2, hz)), brain.add(RampSource("r", 2)), brain.add(Accumulator("a"))
    brain.connect(ramp["rate"], sink["in"], weight=weight, delay_ms=delay_ms, name="wire")
    brain.connect(sink["rate"], sink["in"], weight=0.01, delay_ms=0.7, name="self")
    brain.add(Leaver("zz")).at_tick = leave_at
    return Simulation(brain, seed=1, record=[sink["rate"], source["spikes"]], on_drift="ignore")


def test_a_connection_may_be_cut_or_come_to_life(tmp_path):
    kept = checkpoint(small(0.0, leave_at=110), tmp_path)
    alive = small(1.0).run(20.0, start=kept)
    silent = small(0.0).run(20.0, start=kept)
    first = np.argwhere(alive["a.rate"].hz != silent["a.rate"].hz)[0, 0]
    assert first == 11  # a delay of 10 ticks, and one for the step
    assert any(
        line.startswith("brain.connections.wire.weight") for line in alive.provenance["branched_from"]["differs"]
    )


def test_what_cannot_be_carried_over_is_refused(tmp_path):
    kept = checkpoint(small(1.0, leave_at=110), tmp_path)
    with pytest.raises(
        CheckpointError, match=r"'history' of the state is float64 \[2, 10\] where float64 \[2, 20\] belongs"
    ):
        small(1.0, delay_ms=2.0).run(20.0, start=kept)
    with pytest.raises(CheckpointError, match=r"the checkpoint is of 10.5 ms, and the run is to end at 10 ms"):
        small(1.0).run(10.0, start=kept)
    bigger = small(1.0)
    bigger.brain.add(RampSource("new"))
    with pytest.raises(CheckpointError, match="component new is not in the checkpoint"):
        bigger.run(20.0, start=kept)


def test_a_circuit_with_other_parameters_is_warned_of(kept, capfd):
    other = simulation("circuit", record=["focus.spikes", "cortex.rate"])
    other.brain["focus"].parameters["n"] = 10.0  # the same, told otherwise
    other.run(DURATION_MS, start=kept)
    assert "warning: component focus: its parameters differ from those of the checkpoint" in capfd.readouterr().err


def test_a_branch_may_be_resumed(kept, tmp_path):
    whole = run(kept)
    made = simulation("circuit", 250, record=["focus.spikes", "cortex.rate"])
    with pytest.raises(ComponentError):
        made.run(DURATION_MS, start=kept, out=tmp_path / "b.h5", checkpoint_every_ms=5.0)
    results = simulation("circuit", record=["focus.spikes", "cortex.rate"]).resume(tmp_path / "b.h5")
    assert results.content_sha256 == whole.content_sha256
    assert results.provenance["branched_from"] == whole.provenance["branched_from"]
