"""Files from strangers: whatever becomes of a good one, it is loaded or refused in the package's own way."""

from __future__ import annotations

import os

import mutations
import numpy as np
import pytest
from floors import ROOT
from fuzz_worker import GOOD, Worker
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mpirun import HERE
from toml_text import as_toml
from toys import Accumulator, RandomSpikes

from hybrid import Brain, Connectome, Simulation

SHORT = 60  # examples of each kind in every test run
LONG = int(os.environ.get("HYBRID_FUZZ_EXAMPLES", "100000"))  # in all, for the long run
TABLES = {
    "weights.txt": b"0 2 0.5\n1 0 3\n0 1.5 0\n",
    "tract_lengths.txt": b"0 30 11\n40 0 12.5\n9 8 0\n",
    "centres.txt": b"rA 0 0 0\nlB 3 4 0\nlC 1 1 1\n",
    "hemispheres.txt": b"1\n0\n0\n",
}
EXPERIMENT = {
    "run": {
        "tick_ms": 0.1,
        "duration_ms": 10,
        "seed": 1,
        "window_ms": 0.5,
        "timeout_s": 60.0,
        "record": ["cortex.rate", {"port": "cortex.x1", "every_ms": 1.0, "average": True}],
        "placement": {"cortex": 0},
        "on_drift": "warn",
    },
    "connectome": {"source": "three.npz", "normalise": "max", "speed_m_s": 3.0},
    "components": {
        "cortex": {
            "model": "Epileptor",
            "regions": ["rA", "lB"],
            "parameters": {"x0": -2.1, "drive_gain": [0.01, 0.02]},
            "coupling": {"kind": "Difference", "strength": 0.1},
            "noise": {"sigma": {"x1": 0.01}, "tau_ms": 2.0},
            "initial": {"x1": -1.0},
            "integrator": "heun",
            "delays": "rounded",
            "dt_ms": 0.05,
            "threads": 1,
        },
        "pulse": {
            "kind": "Stimulus",
            "parameters": {"lines": ["a", "b"], "waveform": {"kind": "Pulse", "start_ms": 1.0, "stop_ms": 2.0, "hz": 3.0}},
        },
        "spikes": {"kind": "toys:RandomSpikes", "parameters": {"size": 3}},
    },
    "connections": {
        "stimulate": {"from": "pulse.rate", "to": "cortex.drive", "weight": [[1.0, 0.0], [0.0, 2.0]], "delay_ms": 0.7},
        "drive": {"from": "spikes.spikes", "to": "cortex.drive", "weight": 0.5, "scale": 2.0, "delay_ms": 1.0,
                  "adapter": {"kind": "adapters:SpikeToRate", "tau_ms": 5.0, "pool": "mean"}},
    },
}  # fmt: skip


def three(folder):
    """The good connectome as the arrays of an ``.npz``, and the file."""
    for name, content in TABLES.items():
        (folder / name).write_bytes(content)
    saved = Connectome.load(folder).save(folder / "three.npz")
    with np.load(saved, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}, saved.read_bytes()


def results(folder):
    brain = Brain(0.1)
    a, s = brain.add(Accumulator("a")), brain.add(RandomSpikes("s"))
    return (
        Simulation(brain, record=[a["rate"], s["spikes"]], transport="serial")
        .run(5)
        .save(folder / "run.h5")
        .read_bytes()
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    arrays, npz = three(folder)
    return {"arrays": arrays, "npz": npz, "results": results(folder)}


@pytest.fixture(scope="module")
def workers(tmp_path_factory, good):
    """By kind of file; each is ready when it has loaded a good one."""
    toml = {"three.npz": good["npz"], "experiment.toml": as_toml(EXPERIMENT).encode()}
    goods = {
        "connectome": ({"x.npz": good["npz"]}, "x.npz"),
        "results": ({"run.h5": good["results"]}, None),
        "experiment": (toml, ["run.seed=2"]),
    }
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, ROOT)))}
    made = {
        kind: Worker(tmp_path_factory.mktemp(kind) / "files", (kind, *each), environment)
        for kind, each in goods.items()
    }
    yield made
    for worker in made.values():
        worker.close()


def of_connectomes(good):
    """Files and the name to load."""
    members = mutations.members_from(TABLES)
    return st.one_of(
        mutations.npz_from(good["arrays"]).map(lambda data: ({"x.npz": data}, "x.npz")),
        mutations.bytes_from(good["npz"]).map(lambda data: ({"x.npz": data}, "x.npz")),
        members.map(lambda files: ({"x.zip": mutations.zipped(files)}, "x.zip")),
        mutations.bytes_from(mutations.zipped(TABLES)).map(lambda data: ({"x.zip": data}, "x.zip")),
        members.map(lambda files: ({name.replace("..", "up"): content for name, content in files.items()}, ".")),
        st.one_of(members, st.just(TABLES)).map(
            lambda files: ({f"x/{name.replace('..', 'up')}": content for name, content in files.items()}, "x")
        ),
    )


def of_results(good):
    return st.one_of(mutations.hdf5_from(good["results"]), mutations.bytes_from(good["results"])).map(
        lambda data: ({"run.h5": data}, None)
    )


PATHS = [".".join(map(str, path)) for path in mutations._paths(EXPERIMENT)]


def of_experiments(good):
    override = st.one_of(
        st.tuples(st.sampled_from(PATHS), st.one_of(mutations.odd_texts, mutations.odd_numbers.map(str))).map("=".join),
        mutations.odd_texts,
    )
    tables = mutations.tables_from(EXPERIMENT).map(_written)
    valid = as_toml(EXPERIMENT).encode()
    return st.one_of(
        st.tuples(tables, st.just([])),
        st.tuples(st.just(valid), st.lists(override, min_size=1, max_size=2)),
        st.tuples(mutations.bytes_from(valid), st.just([])),
    ).map(lambda made: ({"three.npz": good["npz"], "experiment.toml": made[0]}, made[1]))


def _written(tables):
    """As TOML, or something near it where the tables are none."""
    try:
        return as_toml(tables).encode(errors="surrogatepass")
    except (AttributeError, TypeError):
        return repr(tables).encode(errors="surrogatepass")


STRATEGIES = {"connectome": of_connectomes, "results": of_results, "experiment": of_experiments}


def fuzz(kind, good, worker, examples):
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples == SHORT,
        suppress_health_check=list(HealthCheck),
    )
    @given(STRATEGIES[kind](good))
    def each(mutant):
        files, detail = mutant
        answer = worker.ask(files, detail)
        assert answer in (GOOD, "refused"), answer

    each()


@pytest.mark.parametrize("kind", STRATEGIES)
def test_a_file_is_loaded_or_refused(kind, good, workers):
    fuzz(kind, good, workers[kind], SHORT)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("kind", STRATEGIES)
def test_many_files_are_loaded_or_refused(kind, good, workers):
    fuzz(kind, good, workers[kind], LONG // len(STRATEGIES))


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise TypeError('on purpose')", "TypeError came out"),
        ("raise SystemExit(0)", "SystemExit came out"),
        ("import os; os.abort()", "killed the process: exit code -6"),
        ("bytearray(2**30)", "MemoryError came out"),
        ("while True: pass", "took more than"),
    ],
)
def test_the_worker_notices(code, told, tmp_path, workers):
    """What would come out of a loader that is not as careful."""
    program = tmp_path / "broken_worker.py"
    program.write_text(f"""
import sys
from pathlib import Path
import fuzz_worker
fuzz_worker.TIME_S = 1
def load(kind, folder, detail):
    if detail == "bad":
        exec({code!r})
fuzz_worker.load = load
fuzz_worker.serve(Path(sys.argv[1]))
""")
    worker = Worker(tmp_path / "files", ("connectome", {}, None), workers["connectome"].environment)
    worker.program = str(program)
    try:
        assert told in worker.ask({}, "bad")
    finally:
        worker.close()
