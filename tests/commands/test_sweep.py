"""``hybrid sweep``: what it prints, its exit codes, and which arguments go together."""

from __future__ import annotations

import pytest
from sweeps import experiment

from hybrid.cli import main

AT = "components.relay.parameters.at"


@pytest.fixture
def file(tmp_path):
    return experiment(tmp_path)


@pytest.fixture
def hybrid(capsys):
    def run(*arguments):
        code = 0
        try:
            main([str(each) for each in arguments])
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_a_sweep_from_the_file_to_the_picture(hybrid, file, tmp_path):
    out = tmp_path / "out"
    sets = ["--set", "connections.wire.weight=0.5..1.5/0.5", "--set", "run.seed=1..2"]
    code, printed, _ = hybrid("sweep", file, *sets, "--feature", "means", "--out", out, "--plot", tmp_path / "it.png")
    assert code == 0
    assert printed.replace("a component that prints\n", "").splitlines() == [
        f"<Sweep of ramp.toml: 6 points, connections.wire.weight (3) x run.seed (2), in {out}>",
        f"6 of 6 points done, in {out}",
        f"picture: {tmp_path / 'it.png'}",
    ]
    assert (tmp_path / "it.png").stat().st_size > 10_000
    assert hybrid("sweep", "--out", out)[0] == 0  # goes on, or finds all done
    assert hybrid("plot", out) == (0, f"picture: {out / 'sweep.png'}\n", "")
    assert hybrid("plot", out, "--features", "men")[0] == 2
    assert hybrid("plot", out, "--ports", "relay.rate")[2].startswith(
        "ConfigurationError: --ports, --from and --to are"
    )
    assert hybrid("plot", out / "points" / "00003.h5", "--features", "means")[0] == 2
    assert hybrid("info", out / "points" / "00003.h5")[0] == 0


def test_a_sweep_with_failures_ends_with_1_and_names_them(hybrid, file, tmp_path):
    code, _, err = hybrid("sweep", file, "--set", f"{AT}=0,1", "--out", tmp_path / "out")
    assert code == 1
    assert "SweepError: 1 of 2 points failed" in err
    assert "  point 1: ComponentError: relay failed in window [0, 3) (t = 0 ms): ValueError: on purpose\n" in err
    assert "Traceback" not in err
    assert hybrid("sweep", "--out", tmp_path / "out", "--only", "0")[0] == 0
    assert hybrid("sweep", "--out", tmp_path / "out", "--only", "0,1")[0] == 1
    assert hybrid("sweep", "--out", tmp_path / "out", "--collect")[0] == 1


def test_slurm_writes_a_script_and_runs_nothing(hybrid, file, tmp_path):
    code, printed, _ = hybrid(
        "sweep", file, "--set", "run.seed=1..3", "--out", tmp_path / "out", "--slurm", "--tasks", 2
    )
    assert code == 0
    assert printed.endswith(f"3 points, all checked; submit them with: bash {tmp_path / 'out' / 'sweep.slurm'}\n")
    assert not list((tmp_path / "out" / "points").iterdir())
    assert hybrid("sweep", "--out", tmp_path / "out", "--collect")[0] == 1  # nothing is done


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["FILE"], "a sweep needs values; give at least one --set"),
        (["FILE", "--set", "run.sead=1,2"], "the key 'sead' does not exist; did you mean 'seed'?"),
        (["FILE", "--set", "run.seed=5..1"], "leads nowhere; write 1..5"),
        (["FILE", "--set", "run.seed=1,2", "--workers", "0"], "workers = 0 must be a whole number"),
        (["FILE", "--set", "run.seed=1,2", "--only", "2"], "'2' is no point; give numbers from 0 to 1"),
        (["FILE", "--set", "run.seed=1,2", "--only", "1..0"], "'1..0' is no point"),
        (["FILE", "--set", "run.seed=1,2", "--slurm", "--time", "an hour"], "is no time of SLURM"),
        (["FILE", "--set", "run.seed=1,2", "--slurm", "--workers", "2"], "--slurm only writes a script"),
        (["--set", "run.seed=1"], "--set and --zip need the FILE"),
        ([], "give the FILE of an experiment"),
        (["--collect", "--retry-failed", "FILE"], "--collect runs nothing"),
    ],
)
def test_arguments_that_make_no_sense_exit_with_2(hybrid, file, tmp_path, arguments, complaint):
    given = [str(file) if each == "FILE" else each for each in arguments]
    code, _, err = hybrid("sweep", *given, *(["--out", tmp_path / "out"] if "FILE" in arguments else []))
    assert (code, err.count("\n")) == (2, 1)
    assert complaint in err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_sweep_is_no_sweep(hybrid, tmp_path):
    assert hybrid("sweep", "--out", tmp_path)[0] == 2
    assert hybrid("plot", tmp_path)[0] == 3
