"""The job scripts of ``examples/cluster``: on a SLURM of one machine they are interrupted, requeued, and give the same bits."""

from __future__ import annotations

import re
import signal
import subprocess
import tomllib

import pytest
from fake_slurm import FakeSlurm, options
from floors import ROOT
from sweeps import experiment

from hybrid import Results
from hybrid.experiment import Experiment

CLUSTER = ROOT / "examples" / "cluster"
SCRIPTS = sorted(CLUSTER.glob("*.slurm"))


@pytest.fixture
def slurm(tmp_path):
    file = experiment(tmp_path)
    text = file.read_text().replace('"own_parts:Fragile"', '"own_parts:Fragile"\nparameters = { pause_s = 0.02 }')
    text = text.replace("toys:RandomSpikes", "toys:SavedSpikes")
    file.write_text(text.replace("duration_ms = 10", "duration_ms = 150"))
    return FakeSlurm(tmp_path)


def whole(folder):
    """The hash of the run as it is without a cluster."""
    found = Experiment.load(folder / "ramp.toml", ["components.relay.parameters.pause_s=0.0"])
    return found.simulation().run(found.document.run.duration_ms).content_sha256


def manifests(slurm):
    return lambda: bool(list(slurm.folder.glob("out/**/checkpoints/*/manifest.json")))


def never():
    return False


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_job_script_is_bash_and_its_options_are_slurms(script):
    done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    found = options(script)
    assert re.fullmatch(r"\d\d:\d\d:\d\d", found["time"])
    assert int(found["ntasks"]) > 0


@pytest.mark.long
@pytest.mark.mpi
def test_a_run_that_the_time_limit_ends_is_requeued_and_gives_the_same_bits(slurm):
    arguments = ["ramp.toml", "out"]
    settings = {"EVERY": "15", "SLURM_NTASKS": "2", "HYBRID_CACHE": str(slurm.folder / "cache")}
    script = CLUSTER / "run.slurm"
    assert slurm.run(script, *arguments, when=manifests(slurm), number=signal.SIGUSR1, **settings) == 0, slurm.logs
    assert slurm.requeued == ["requeue 17"]
    assert "exit code 143" in slurm.logs[0]
    partial = Results.load(slurm.folder / "out" / "run.h5")
    assert partial.interrupted_by == "SIGTERM"
    assert slurm.run(script, *arguments, when=never, number=None, **settings) == 0, slurm.logs
    assert "start 2: hybrid resume out" in slurm.logs[1]
    results = Results.load(slurm.folder / "out" / "run.h5")
    assert results.provenance["resumed_at_ms"]
    assert results.content_sha256 == whole(slurm.folder)
    assert len(slurm.requeued) == 1
    assert slurm.run(script, *arguments, when=never, number=None, **settings) == 0
    assert "out/run.h5 is complete" in slurm.logs[2]


@pytest.mark.mpi
@pytest.mark.long
def test_an_array_goes_on_after_its_node_is_gone_and_each_task_has_its_seed(slurm):
    settings = {"EVERY": "15", "SLURM_NTASKS": "1", "SLURM_ARRAY_TASK_ID": "4", "HYBRID_CACHE": str(slurm.folder / "c")}
    script, arguments = CLUSTER / "run.slurm", ["ramp.toml", "out"]
    assert slurm.run(script, *arguments, when=manifests(slurm), number=signal.SIGKILL, **settings) == -signal.SIGKILL
    assert slurm.run(script, *arguments, when=never, number=None, **settings) == 0, slurm.logs
    results = Results.load(slurm.folder / "out" / "4" / "run.h5")
    assert results.seed == 4  # that of the file
    assert results.content_sha256 == whole(slurm.folder)
    assert slurm.requeued == []


@pytest.mark.mpi
@pytest.mark.long
def test_a_run_that_is_cancelled_is_not_requeued_and_the_next_job_goes_on(slurm):
    settings = {"EVERY": "15", "SLURM_NTASKS": "1", "HYBRID_CACHE": str(slurm.folder / "cache")}
    script, arguments = CLUSTER / "run.slurm", ["ramp.toml", "out"]
    assert slurm.run(script, *arguments, when=manifests(slurm), number=signal.SIGTERM, **settings) == 143, slurm.logs
    settings["SLURM_RESTART_COUNT"] = "0"  # another job
    assert slurm.run(script, *arguments, when=never, number=None, **settings) == 0, slurm.logs
    assert Results.load(slurm.folder / "out" / "run.h5").content_sha256 == whole(slurm.folder)
    assert slurm.requeued == []


@pytest.mark.mpi
@pytest.mark.long
def test_a_run_that_would_fail_again_is_not_requeued(slurm):
    (slurm.folder / "ramp.toml").write_text("[run]\nnonsense = 1\n")
    code = slurm.run(
        CLUSTER / "run.slurm", "ramp.toml", "out", when=never, number=None, SLURM_NTASKS="1", HYBRID_CACHE="cache"
    )
    assert (code, slurm.requeued) == (2, [])
    assert "ConfigurationError" in slurm.logs[0]


def test_the_definition_of_the_container_names_what_there_is():
    text = (CLUSTER / "hybrid.def").read_text()
    assert re.findall(r"^%(\w+)", text, re.MULTILINE) == ["help", "files", "post", "environment", "runscript", "test"]
    files = re.search(r"^%files\n(.*?)\n\n", text, re.MULTILINE | re.DOTALL)[1].split()
    assert all((ROOT / source).exists() for source in files[::2])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packed = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"], *packed["packages"]}
    assert needed | {each.partition("/")[0] for each in packed["force-include"]} == set(files[::2])
    extras = re.search(r"/opt/hybrid\[([\w,]+)\]", text)[1].split(",")
    assert set(extras) <= set(project["project"]["optional-dependencies"])
    for script in re.findall(r"^%(?:post|environment|runscript|test)\n(.*?)(?=\n%|\Z)", text, re.MULTILINE | re.DOTALL):
        assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
