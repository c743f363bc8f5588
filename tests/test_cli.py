"""The command line: what each command prints and leaves behind, and the exit code of everything that can go wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from floors import ROOT
from toys import Failing, RampSource

from hybrid import Brain, Results, Simulation, __version__
from hybrid.cli import main
from hybrid.errors import ComponentError, DataError
from hybrid.results import file as results_file
from hybrid.run.scheduler import Scheduler

EXPERIMENT = """
[run]
tick_ms = 0.5
duration_ms = 20
seed = 4
record = ["relay.rate"]

[components.source]
kind = "toys:RampSource"
parameters = {size = 2}

[components.relay]
kind = "toys:Accumulator"

[connections.wire]
from = "source.rate"
to = "relay.in"
delay_ms = 1.5

[connections.back]
from = "relay.rate"
to = "relay.in"
weight = 0.01
delay_ms = 4
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "ramp.toml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return path


@pytest.fixture
def hybrid(capsys):
    """Runs a command in this process; gives the exit code, what it printed, and what it complained of."""

    def run(*arguments):
        code = 0
        try:
            main([str(each) for each in arguments])
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def finished(hybrid, file, tmp_path):
    assert hybrid("run", file, "--out", tmp_path / "out")[0] == 0
    return tmp_path / "out" / "run.h5"


# -- looking before running --------------------------------------------------------------------------------------------


def test_validate_says_what_a_valid_file_holds(hybrid, file):
    code, out, err = hybrid("validate", file)
    assert (code, err) == (0, "")
    assert out == f"{file}: valid; <Brain: 2 components, 2 connections, Clock(tick_ms=0.5)>\n"


def test_validate_names_what_it_cannot_check(hybrid):
    code, out, _ = hybrid("validate", ROOT / "examples" / "seizure_spread.toml")
    assert code == 0
    told = out.splitlines()[1]
    assert told == "only a run can tell: whether the C++ of focus compiles, and whether its steps are stable"


def test_plan_prints_window_slack_and_placement(hybrid, file):
    code, out, err = hybrid("plan", file, "--ranks", 2)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "window: 1.5 ms = 3 ticks of 0.5 ms, set by wire (source.rate -> relay.in)",
        "  back                         slack      2.5 ms   relay.rate -> relay.in",
        "  wire                         slack        0 ms   source.rate -> relay.in",
        "rank 0: relay",
        "rank 1: source",
    ]


def test_plan_follows_overrides(hybrid, file):
    _, out, _ = hybrid("plan", file, "--set", "connections.wire.weight=0", "--set", "run.window_ms=2")
    assert out.startswith("window: 2 ms = 4 ticks of 0.5 ms, set by back (relay.rate -> relay.in)\n")
    assert "wire" not in out


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("run.sead=3", "UnknownNameError: ramp.toml: [run]: the key 'sead' does not exist; did you mean 'seed'?"),
        ("run.duration_ms=0", "ConfigurationError: ramp.toml: [run] duration_ms must be a number above 0"),
        ("connections.wire.delay_ms=0", "TimeError: "),
        ("connections.wire.delay_ms=1.7", "WiringError: ramp.toml: [connections.wire] delay of source.rate -> relay.in = 1.7 ms"),
        ("connections.wire.to=relay.inn", "WiringError: ramp.toml: [connections.wire] relay: port 'inn' does not exist"),
        ("components.relay.kind=toys:Rely", "UnknownNameError: ramp.toml: [components.relay] toys: 'Rely' does not exist"),
        ("run.window_ms=3", "TimeError: "),
        ("run.placement.rely=1", "UnknownNameError: "),
    ],
)  # fmt: skip
def test_a_wrong_configuration_exits_with_2_and_says_so_once(hybrid, file, tmp_path, command, override, complaint):
    out = ["--out", tmp_path / "out"] if command == "run" else []
    code, printed, err = hybrid(command, file, "--set", override, *out)
    assert (code, printed) == (2, "")
    assert err.startswith(complaint)
    assert err.count(complaint) == 1
    assert "Traceback" not in err
    assert not (tmp_path / "out" / "run.h5").exists()


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
def test_a_file_that_is_not_there_exits_with_2(hybrid, tmp_path, command):
    code, out, err = hybrid(command, tmp_path / "nowhere.toml")
    assert (code, out) == (2, "")
    assert err == (
        f"ConfigurationError: {tmp_path}/nowhere.toml does not exist; give the path of an experiment file (TOML)\n"
    )


def test_an_unknown_command_or_option_exits_with_2(hybrid, file):
    assert hybrid("rum", file)[0] == 2
    assert hybrid("run", file, "--seed", 3)[0] == 2
    code, _, err = hybrid("plan", file, "--ranks", 0)
    assert code == 2
    assert err == "ConfigurationError: ranks = 0 must be at least 1\n"


# -- running -----------------------------------------------------------------------------------------------------------


def test_run_writes_the_results_and_tells_how_it_went(hybrid, file, tmp_path):
    code, out, err = hybrid("run", file, "--out", tmp_path / "out")
    assert code == 0
    assert not [line for line in err.splitlines() if not line.startswith("prepar")]  # a slow machine is told of that
    results = Results.load(tmp_path / "out" / "run.h5")
    assert results.seed == 4
    assert results["relay.rate"].hz.shape == (40, 2)
    assert np.isfinite(results["relay.rate"].hz).all()
    lines = out.splitlines()
    assert lines[0].startswith("window: 1.5 ms = 3 ticks")
    assert [line.split()[0] for line in lines if line.endswith(" ok")] == ["back", "wire"]
    assert any(line.startswith("window 1.5 ms, 0.02 s simulated in") for line in lines)
    assert lines[-1] == f"results: {tmp_path}/out/run.h5  ({results.content_sha256[:16]})"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["run.h5"]  # nothing left aside


def test_the_results_go_beside_the_name_of_the_file_by_default(hybrid, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert hybrid("run", file.name)[0] == 0
    assert (tmp_path / "results" / "ramp" / "run.h5").exists()


def test_overrides_change_the_run(hybrid, file, tmp_path, finished):
    assert hybrid("run", file, "--out", tmp_path / "cut", "--set", "connections.wire.weight=0")[0] == 0
    cut, whole = Results.load(tmp_path / "cut" / "run.h5"), Results.load(finished)
    assert cut.content_sha256 != whole.content_sha256
    assert [row["connection"] for row in cut.audit] == ["back"]


def test_existing_results_are_refused_before_anything_runs(hybrid, file, finished, monkeypatch):
    def must_not_run(*_):
        raise AssertionError("it ran")

    before, when = finished.read_bytes(), finished.stat().st_mtime_ns
    monkeypatch.setattr(Simulation, "run", must_not_run)
    code, out, err = hybrid("run", file, "--out", finished.parent)
    assert (code, out) == (2, "")
    assert err == (
        f"OutputExistsError: {finished} exists already; choose another folder with --out, or give --overwrite\n"
    )
    assert (finished.read_bytes(), finished.stat().st_mtime_ns) == (before, when)


def test_overwrite_replaces_the_results(hybrid, file, finished):
    before = Results.load(finished).content_sha256
    assert hybrid("run", file, "--out", finished.parent, "--overwrite", "--set", "run.duration_ms=10")[0] == 0
    after = Results.load(finished)
    assert after.duration_ms == 10
    assert after.content_sha256 != before


def test_results_are_kept_when_the_run_that_should_replace_them_fails(hybrid, file, finished):
    before = finished.read_bytes()
    assert (
        hybrid("run", file, "--out", finished.parent, "--overwrite", "--set", "components.relay.kind=toys:Diverging")[0]
        == 4
    )
    assert finished.read_bytes() == before


def test_a_run_that_diverges_exits_with_4(hybrid, file, tmp_path):
    arguments = ["--set", "components.relay.kind=toys:Diverging", "--set", "components.relay.parameters.at_tick=13"]
    code, out, err = hybrid("run", file, "--out", tmp_path / "out", *arguments)
    assert code == 4
    assert err == "DivergedError: relay failed in window [12, 15) (t = 6 ms): y is nan in line 0\n"
    assert "results:" not in out
    assert not (tmp_path / "out" / "run.h5").exists()


OWN = """
from toys import Accumulator

class Broken(Accumulator):
    def advance(self, window, inputs):
        return {}["level"]

class Stopped(Accumulator):
    def advance(self, window, inputs):
        raise KeyboardInterrupt  # of its own: nobody pressed Ctrl-C
"""


@pytest.mark.parametrize(
    ("kind", "code", "complaint"),
    [
        ("Broken", 1, "ComponentError: relay failed in window [0, 3) (t = 0 ms): KeyError: 'level'\n"),
        ("Stopped", 1, "ComponentError: relay failed in window [0, 3) (t = 0 ms): KeyboardInterrupt: \n"),
    ],
)
def test_a_component_that_fails(hybrid, file, tmp_path, kind, code, complaint):
    (tmp_path / "own_components.py").write_text(OWN, encoding="utf-8")
    found = hybrid("run", file, "--out", tmp_path / "out", "--set", f"components.relay.kind=own_components:{kind}")
    assert (found[0], found[2]) == (code, complaint)
    assert not (tmp_path / "out" / "run.h5").exists()


DRIFTING = """
from adapters import RateToPoisson, SpikeToRate
from hybrid import Chain
from hybrid.signals import Moments

class Half(SpikeToRate):
    def expected(self, signal):
        moments = super().expected(signal)
        return Moments(2 * moments.mean, moments.variance)

def half():
    return Chain(RateToPoisson(fibres=50), Half(tau_ms=1))
"""


def test_an_interface_that_drifts_is_a_warning_and_a_verdict(hybrid, file, tmp_path):
    (tmp_path / "own_adapters.py").write_text(DRIFTING, encoding="utf-8")
    code, out, err = hybrid(
        "run", file, "--out", tmp_path / "out", "--set", "connections.wire.adapter=own_adapters:half"
    )
    assert code == 0
    assert "wire" in next(line for line in out.splitlines() if line.endswith("DRIFTS"))
    assert err.startswith("warning: wire (source.rate -> relay.in, Chain) delivered")
    assert err.count("\n") == 1


def test_an_interface_that_drifts_is_an_error_on_request_and_exits_with_4(hybrid, file, finished, tmp_path):
    before = finished.read_bytes()
    (tmp_path / "own_adapters.py").write_text(DRIFTING, encoding="utf-8")
    options = ["--set", "connections.wire.adapter=own_adapters:half", "--set", "run.on_drift=error", "--overwrite"]
    code, out, err = hybrid("run", file, "--out", finished.parent, *options)
    assert code == 4
    assert err.startswith(
        "DriftError: wire failed in window [39, 40) (t = 19.5 ms): (source.rate -> relay.in, Chain) delivered"
    )
    assert err.count("\n") == 1
    assert "results:" not in out
    assert finished.read_bytes() == before


# -- where results go --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "complaint"),
    [
        ("a_file", "cannot save {0}/a_file/run.h5: {0}/a_file is no folder; choose another place"),
        ("a_file/inside", "cannot save {0}/a_file/inside/run.h5: {0}/a_file is no folder; choose another place"),
        ("/dev/null", "cannot save /dev/null/run.h5: /dev/null is no folder; choose another place"),
        ("/proc/nothing", "cannot save /proc/nothing/run.h5: No such file or directory; choose another place"),
        ("a" * 300, "is longer than the 255 bytes a name may have; choose another place"),
    ],
)
def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(
    hybrid, file, tmp_path, monkeypatch, out, complaint
):
    (tmp_path / "a_file").touch()
    monkeypatch.setattr(Scheduler, "prepare", None)
    code, _, err = hybrid("run", file, "--out", tmp_path / out)
    assert code == 2
    assert err.startswith("ConfigurationError: ")
    assert complaint.format(tmp_path) in err
    assert err.count("\n") == 1


def test_a_second_place_takes_what_the_first_cannot(hybrid, file, tmp_path, monkeypatch):
    write = results_file.write

    def full(path, *others):
        if path.parent.name == "out":
            raise DataError(f"{path}: could not be written (No space left on device)")
        return write(path, *others)

    monkeypatch.setattr(results_file, "write", full)
    spare = tmp_path / "spare"
    code, _, err = hybrid("run", file, "--out", tmp_path / "out", "--spare", spare)
    assert code == 3
    assert f"the results are in {spare / 'run.h5'}" in err
    assert len(Results.load(spare / "run.h5")) == 1
    assert hybrid("run", file, "--out", tmp_path / "new", "--spare", spare)[0] == 2  # taken, and told before the run
    assert not (tmp_path / "new").exists()


def test_the_demonstration_replaces_its_own_folder_only(hybrid, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hybrid.commands.running.demo_file", lambda: file)
    assert hybrid("demo")[0] == 0
    assert hybrid("demo", "--set", "run.seed=5")[0] == 0
    assert Results.load(tmp_path / "results" / "seizure_spread" / "run.h5").seed == 5
    assert hybrid("demo", "--out", "mine")[0] == 0
    for gone in ("run.h5", "seizure_spread.png"):
        kept = {path: path.read_bytes() for path in (tmp_path / "mine").iterdir()}
        code, out, err = hybrid("demo", "--out", "mine", "--set", "run.seed=6")
        assert (code, out) == (2, "")
        assert "exists already; choose another folder with --out, or give --overwrite" in err
        assert {path: path.read_bytes() for path in (tmp_path / "mine").iterdir()} == kept
        (tmp_path / "mine" / gone).unlink()
        assert hybrid("demo", "--out", "mine", "--overwrite", "--set", "run.seed=7")[0] == 0
        assert Results.load(tmp_path / "mine" / "run.h5").seed == 7


def test_a_plan_for_more_ranks_than_there_are_is_refused(hybrid, file):
    code, _, err = hybrid("plan", file, "--ranks", 10**11)
    assert (code, err) == (2, "ConfigurationError: --ranks 100000000000: plan for at most 100,000\n")


# -- looking at results ------------------------------------------------------------------------------------------------


def test_info_as_json_holds_the_hash_of_the_data(hybrid, finished):
    code, out, err = hybrid("info", finished, "--json")
    assert (code, err) == (0, "")
    info = json.loads(out)
    assert info["content_sha256"] == Results.load(finished).content_sha256
    assert (info["seed"], info["duration_ms"], info["tick_ms"]) == (4, 20.0, 0.5)
    assert [port["port"] for port in info["ports"]] == ["relay.rate"]
    assert [row["connection"] for row in info["audit"]] == ["back", "wire"]


def test_info_as_text_holds_the_same(hybrid, finished):
    code, out, err = hybrid("info", finished)
    assert (code, err) == (0, "")
    for part in (Results.load(finished).content_sha256, "relay.rate", "wire"):
        assert part in out


@pytest.mark.parametrize("command", ["info", "plot"])
def test_what_is_no_results_file_exits_with_3(hybrid, finished, tmp_path, command):
    broken = tmp_path / "broken.h5"
    for content in (b"", b"not HDF5", finished.read_bytes()[:-500]):
        broken.write_bytes(content)
        code, out, err = hybrid(command, broken)
        assert (code, out) == (3, "")
        assert err.startswith(f"DataError: {broken}")
        assert err.count("\n") == 1
    code, out, err = hybrid(command, tmp_path / "nowhere.h5")
    assert (code, out) == (3, "")
    assert str(tmp_path / "nowhere.h5") in err


def test_plot_draws_beside_the_results_or_where_it_is_told(hybrid, finished, tmp_path):
    code, out, err = hybrid("plot", finished)
    assert (code, err) == (0, "")
    assert out == f"picture: {finished.with_suffix('.png')}\n"
    assert hybrid("plot", finished, "--out", tmp_path / "elsewhere.png")[0] == 0
    for picture in (finished.with_suffix(".png"), tmp_path / "elsewhere.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_plot_is_told_ports_and_times_only_if_they_were_given(hybrid, finished, monkeypatch):
    asked = []
    monkeypatch.setattr("hybrid.plot.plot_results", lambda results, path, **options: asked.append((path, options)))
    assert hybrid("plot", finished)[0] == 0
    options = ["--from", "5", "--to", "0.01 s", "--ports", "relay.rate", "source.rate"]
    assert hybrid("plot", finished, *options, "--out", "x.png")[0] == 0
    picture = finished.with_suffix(".png")
    wished = {"ports": ["relay.rate", "source.rate"], "from_ms": 5.0, "to_ms": 10.0}
    assert asked == [(picture, {}), (Path("x.png"), wished)]
    for time in ("soon", "nan", "5 mV", "inf"):
        assert hybrid("plot", finished, "--to", time)[0] == 2
    assert len(asked) == 2


def test_a_picture_replaces_no_results_and_one_that_cannot_be_drawn_is_told(hybrid, finished, tmp_path):
    before = finished.read_bytes()
    for out, text in (
        (finished, "the picture would replace the results"),
        (tmp_path / "x.unknown", "is not supported"),
        (tmp_path / ("a" * 300 + ".png"), "File name too long"),
        (tmp_path / "nowhere" / "x.png", "there is no folder"),
    ):
        code, _, err = hybrid("plot", finished, "--out", out)
        assert (code, err.count("\n")) == (2, 1), err
        assert text in err
    assert finished.read_bytes() == before


@pytest.mark.parametrize("command", ["info", "plot"])
def test_a_pipe_is_not_waited_for(hybrid, tmp_path, command):
    os.mkfifo(tmp_path / "pipe")
    assert hybrid(command, tmp_path / "pipe") == (
        3, "", f"DataError: {tmp_path}/pipe is no regular file; give a file of results\n"
    )  # fmt: skip
    assert hybrid(command, tmp_path)[0] == 3


@pytest.mark.parametrize(
    "reference", ["os:system", "subprocess:run", "hybrid.masses:WilsonCowan", ":x", "builtins:dict", "x"]
)
def test_check_calls_nothing_but_adapters_and_components(hybrid, tmp_path, monkeypatch, reference):
    monkeypatch.chdir(tmp_path)
    code, out, err = hybrid("check", reference, "--set", "command=touch touched")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert not list(tmp_path.iterdir())


# -- as a program ------------------------------------------------------------------------------------------------------


def test_as_a_program_it_finds_the_modules_beside_the_file_and_returns_its_code(file, tmp_path):
    shutil.copy(ROOT / "tests" / "helpers" / "toys.py", tmp_path)
    command = [sys.executable, "-m", "hybrid.cli", "run", str(file), "--out", str(tmp_path / "out")]
    where = ROOT  # where hybrid is found; the experiment and its modules lie elsewhere
    done = subprocess.run(
        [*command, "--set", "components.relay.kind=toys:Diverging"], cwd=where, capture_output=True, text=True
    )
    assert done.returncode == 4
    assert done.stderr == "DivergedError: relay failed in window [3, 6) (t = 1.5 ms): y is nan in line 0\n"


def test_version(hybrid):
    assert hybrid("--version") == (0, f"hybrid {__version__}\n", "")


# -- checkpoints -------------------------------------------------------------------------------------------------------


@pytest.fixture
def unfinished(hybrid, file, tmp_path, monkeypatch):
    """The folder of a run with checkpoints that failed at 12 ms."""
    with monkeypatch.context() as patched:

        def advance(self, window, inputs, advance=RampSource.advance):
            if 24 in window:
                raise OSError("the node is gone")
            return advance(self, window, inputs)

        patched.setattr(RampSource, "advance", advance)
        out = tmp_path / "out"
        code, _, complaint = hybrid("run", file, "--out", out, "--checkpoint-every", "2.5", "--set", "run.seed=9")
    assert (code, "the node is gone" in complaint) == (1, True)
    return out


def test_resume_goes_on_to_the_same_results_with_what_was_overridden(hybrid, file, tmp_path, unfinished):
    hybrid("run", file, "--out", tmp_path / "whole", "--set", "run.seed=9")
    code, said, complaint = hybrid("resume", unfinished)
    assert code == 0, complaint
    whole, resumed = (Results.load(folder / "run.h5") for folder in (tmp_path / "whole", unfinished))
    assert resumed.content_sha256 == whole.content_sha256
    assert (resumed.configuration, resumed.seed) == (whole.configuration, 9)
    assert whole.content_sha256[:16] in said
    assert os.listdir(unfinished) == ["run.h5"]
    code, _, complaint = hybrid("resume", unfinished)
    assert code == 6
    assert "is none and has none" in complaint


def test_resume_until_a_later_time(hybrid, unfinished):
    code, _, complaint = hybrid("resume", unfinished / "run.h5.unfinished", "--until", "40 ms")
    assert code == 0, complaint
    assert Results.load(unfinished / "run.h5").duration_ms == 40.0


def test_resume_refuses_changed_software_with_6_unless_forced(hybrid, unfinished, monkeypatch):
    from hybrid.run.checkpoint import finding

    now = finding.deciding_versions()
    monkeypatch.setattr(finding, "deciding_versions", lambda: {**now, "scipy": "0.0"})
    code, _, complaint = hybrid("resume", unfinished)
    assert code == 6
    assert "CheckpointError" in complaint
    assert "\n  versions.scipy: " in complaint
    assert hybrid("resume", unfinished, "--force")[0] == 0


def test_a_new_run_refuses_the_place_of_an_unfinished_one_with_2(hybrid, file, unfinished):
    code, _, complaint = hybrid("run", file, "--out", unfinished)
    assert code == 2
    assert "go on with hybrid resume" in complaint
    assert hybrid("run", file, "--out", unfinished, "--overwrite")[0] == 0


def test_run_from_a_checkpoint(hybrid, file, tmp_path, unfinished):
    kept = unfinished / "run.h5.unfinished" / "checkpoints"
    tick = max(int(each) for each in os.listdir(kept) if each.isdecimal())
    code, _, complaint = hybrid("run", file, "--out", tmp_path / "b", "--from", kept / str(tick), "--set", "run.seed=3")
    assert code == 0, complaint
    branch = Results.load(tmp_path / "b" / "run.h5")
    assert branch["relay.rate"].window.start == tick
    assert "seed: 9 in the checkpoint, 3 now" in branch.provenance["branched_from"]["differs"]


def test_what_a_python_program_began_is_not_resumed_here(hybrid, tmp_path):
    brain = Brain(0.5)
    brain.add(Failing("f", 20, OSError("gone")))
    with pytest.raises(ComponentError):
        Simulation(brain, window_ms=1).run(20, out=tmp_path / "run.h5", checkpoint_every_ms=2)
    code, _, complaint = hybrid("resume", tmp_path)
    assert code == 6
    assert "go on there with Simulation(...).resume(...)" in complaint


def test_recordings_are_streamed_and_left_in_parts_on_request(hybrid, file, tmp_path, finished):
    code, out, _ = hybrid("run", file, "--out", tmp_path / "new", "--buffer-mib", "0.0001", "--no-join")
    parts = tmp_path / "new" / "run.h5.parts"
    assert code == 0
    assert f"results: {parts}" in out
    code, out, _ = hybrid("info", parts, "--json")
    assert code == 0
    assert json.loads(out)["content_sha256"] == Results.load(finished).content_sha256
    code, _, err = hybrid("run", file, "--out", tmp_path / "else", "--buffer-mib", "-1")
    assert code == 2
    assert "buffer_mib" in err
