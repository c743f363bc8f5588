"""A fault campaign: whatever happens to one part, the run ends, says why, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import pytest
from floors import ROOT
from mpirun import HERE, mpirun

LIMIT_S = 90.0  # for a run of 2 s on a busy machine; what hangs would hang for 1000 s
TIMEOUT_S = 45.0  # of the run's own watchdog: ranks start seconds apart on a busy machine
SHORT_TIMEOUT_S = 6.0  # where it is what must end the run
ANY_FAILURE = range(1, 256)


@dataclass(frozen=True)
class Fault:
    """What happens, and what the run is to end with."""

    part: dict = field(default_factory=dict)  # arguments of the faulty component
    adapter: dict = field(default_factory=dict)  # or of an adapter on the way to it
    codes: Sequence[int] = (1,)  # any of them
    says: str = r"\bz\b"  # on stderr
    saved: bool | None = False  # whether there are results afterwards; None: either
    ranks: tuple = (1, 2, 3)
    at_root: bool = False  # on the rank that writes; else on the last
    short: tuple = ()  # on how many ranks in every test run (others are in tests/run); the rest is long


def z(deed, where="advance", **expected):
    return Fault({"deed": deed, "where": where}, **expected)


def wire(deed, where="convert", **expected):
    return Fault(adapter={"deed": deed, "where": where}, says=expected.pop("says", r"\bto_z\b"), **expected)


TOGETHER = (2, 3)  # where somebody else can tell
FAULTS = {
    "nothing": z("", codes=(0,), says="", saved=True, short=(1,)),
    # raised
    "raise in init": z("raise", "init", codes=(2,), says=r"\bz\b.*on purpose"),
    "raise in prepare": z("raise", "prepare", says=r"ComponentError: z failed in preparation.*on purpose"),
    "raise in advance": z("raise", says=r"ComponentError: z failed in window .*on purpose"),
    "raise in convert": wire("raise", says=r"ComponentError: to_z failed in window .*on purpose"),
    "raise in an adapter's prepare": wire("raise", "prepare", says=r"ComponentError: to_z failed in preparation"),
    "raise in state": z("raise", "state", codes=(0, 1), says="", saved=None),
    "raise in describe": z("raise", "describe", codes=(1, 2), says=r"\bz\b.*on purpose", saved=None),
    "raise in close": z("raise", "close", codes=(0, 1), says=r"\bz\b.*on purpose", saved=True, short=(1,)),
    "recursion": z("recursion", says=r"\bz failed.*RecursionError"),
    "memory": z("memory", says=r"\bz failed.*MemoryError"),
    "unpicklable": z("unpicklable", says=r"\bz failed.*cannot travel"),
    "unspeakable": z("unspeakable", says=r"\bz failed.*Unspeakable", short=(1,)),
    "severe": z("severe", says=r"\bz\b.*on purpose", short=(1,)),
    "huge message": z("huge", says=r"\bz failed.*on purpose"),
    "non-ASCII message": z("non-ASCII", says=r"\bz failed.*on purpose"),
    "warnings as errors": z("warning", says=r"\bz failed.*now an error"),
    # left
    "exit 0 in init": z("exit 0", "init", codes=ANY_FAILURE),
    "exit 0 in prepare": z("exit 0", "prepare", codes=ANY_FAILURE),
    "exit 0 in advance": z("exit 0", codes=ANY_FAILURE, short=(1,)),
    "exit 3 in advance": z("exit 3", codes=ANY_FAILURE),
    "exit with a text": z("exit text", codes=ANY_FAILURE),
    "exit 0 in convert": wire("exit 0", codes=ANY_FAILURE),
    "_exit 0": z("_exit 0", codes=ANY_FAILURE, says="", ranks=TOGETHER),
    "_exit 3": z("_exit 3", codes=ANY_FAILURE, says=""),
    # told to end; what was lived through may be kept
    "keyboard interrupt": z(
        "keyboard", codes=(1, 130), says=r"interrupted|z failed.*KeyboardInterrupt", saved=None, short=(1,)
    ),
    "SIGINT": z("SIGINT", codes=(130,), says="interrupted|SIGINT", saved=None, short=(2,)),
    "SIGTERM": z("SIGTERM", codes=(143, -15), says="terminated|SIGTERM", saved=None),
    "SIGKILL": z("SIGKILL", codes=[-9, *ANY_FAILURE], says=""),
    "SIGSEGV": z("SIGSEGV", codes=[-11, *ANY_FAILURE], says=""),
    # never comes back; who waits inside of MPI_Init can only be killed (137)
    "SIGSTOP": z("SIGSTOP", codes=(5,), says="PeerError", ranks=TOGETHER),
    "SIGSTOP in init": z("SIGSTOP", "init", codes=(5, 137), says="PeerError", ranks=TOGETHER),
    "hang in init": z("hang", "init", codes=(5, 137), says="PeerError", ranks=TOGETHER),
    "hang in prepare": z("hang", "prepare", codes=(5,), says="PeerError", ranks=TOGETHER),
    "hang in advance": z("hang", codes=(5,), says="PeerError", ranks=TOGETHER),
    # gives what it must not
    "nan": z("nan", codes=(4,), says=r"DivergedError: .*\bz\b.*nan", short=(3,)),
    "inf": z("inf", codes=(4,), says=r"DivergedError: .*\bz\b.*inf"),
    "nan from an adapter": wire("nan", codes=(4,), says=r"DivergedError: .*\bto_z\b.*nan"),
    "wrong window": z("wrong window", says="ComponentError: z failed"),
    "wrong size": z("wrong size", says="ComponentError: z failed"),
    "wrong kind": z("wrong kind", says="ComponentError: z failed"),
    "another output": z("another output", says="ComponentError: z failed"),
    "no outputs": z("no outputs", says="ComponentError: z failed"),
    "an array": z("an array", says="ComponentError: z failed"),
    # around it
    "a pool of processes": z("pool", codes=(0,), says="", saved=True),
    "full disk": z("full disk", codes=(3,), says=r"run\.h5", at_root=True, short=(1,)),
}

EXPERIMENT = """
[run]
duration_ms = 20
timeout_s = {timeout_s}
record = ["a.rate", "z.rate"]
placement = {placement}
[components]
a = {{kind = "toys:Accumulator"}}
z = {{kind = "faulty:Faulty", parameters = {{{part}}}}}
[connections.to_z]
from = "a.rate"
to = "z.in"
delay_ms = 1.0
weight = 0.01
{adapter}
[connections.to_a]
from = "z.rate"
to = "a.in"
delay_ms = 1.2
weight = 0.01
"""


def _plain(arguments):
    return ", ".join(f'{key} = "{value}"' for key, value in arguments.items())


def experiment(folder, fault=None, ranks=1):
    fault = fault or Fault()
    file = folder / "experiment.toml"
    adapter = f'adapter = {{kind = "faulty:FaultyAdapter", {_plain(fault.adapter)}}}' if fault.adapter else ""
    last = ranks - 1
    placement = f"{{a = {last}, z = 0}}" if fault.at_root else f"{{a = 0, z = {last}}}"
    timeout_s = SHORT_TIMEOUT_S if 5 in fault.codes and fault.codes is not ANY_FAILURE else TIMEOUT_S
    text = EXPERIMENT.format(timeout_s=timeout_s, placement=placement, part=_plain(fault.part), adapter=adapter)
    file.write_text(text, encoding="utf-8")
    return file


def run(ranks, folder, *more, **environment):
    """``hybrid run`` on some ranks: exit code and what it said."""
    arguments = ["-m", "hybrid.cli", "run", folder / "experiment.toml", "--out", folder / "out", *more]
    try:
        if ranks > 1:
            return mpirun(ranks, *arguments, timeout_s=LIMIT_S, **environment)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, ROOT))), **environment}
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True, text=True, errors="replace", timeout=LIMIT_S, env=env,
        )  # fmt: skip
    except subprocess.TimeoutExpired as hung:
        pytest.fail(f"hangs; it said {hung.stderr!r}")


def orphans(folder):
    """Processes that still work on the experiment in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(process.name) != os.getpid() and os.fsencode(folder) in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


@pytest.fixture
def no_orphans(tmp_path):
    yield
    patience = time.monotonic() + 10.0
    while (left := orphans(tmp_path)) and time.monotonic() < patience:
        time.sleep(0.1)
    for process in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    assert not left, "processes were left behind"


def campaign():
    for name, fault in FAULTS.items():
        for ranks in fault.ranks:
            marks = [pytest.mark.mpi] * (ranks > 1) + [pytest.mark.long] * (ranks not in fault.short)
            yield pytest.param(name, ranks, marks=marks, id=f"{name}-{ranks}")


@pytest.mark.usefixtures("no_orphans")
@pytest.mark.parametrize(("name", "ranks"), list(campaign()))
def test_the_run_ends_says_why_and_leaves_nothing_behind(name, ranks, tmp_path):
    fault = FAULTS[name]
    experiment(tmp_path, fault, ranks)
    done = run(ranks, tmp_path)
    code, said, wanted = done.returncode, done.stderr, fault.codes
    assert code in wanted, said[-3000:]
    assert len(said) < 100_000, "said too much"
    assert "Traceback" not in said
    assert re.search(fault.says, said, re.DOTALL), f"nobody said {fault.says!r}, but: {said}"
    check_left(tmp_path, fault.saved)


def check_left(folder, saved):
    """Nothing but the experiment, and results, whole ones, if there are to be some."""
    assert {each.name for each in folder.iterdir()} <= {"experiment.toml", "out"}
    left = sorted(each.name for each in (folder / "out").iterdir()) if (folder / "out").exists() else []
    assert not [each for each in left if not each.endswith(".h5")], left
    if saved is not None:
        assert bool(left) is saved, left
    for each in left:
        with h5py.File(folder / "out" / each) as file:
            assert file.attrs["format"]


@pytest.mark.long  # one rank: tests/results/test_place.py
@pytest.mark.parametrize("ranks", [1, pytest.param(3, marks=pytest.mark.mpi)])
@pytest.mark.usefixtures("no_orphans")
def test_results_that_are_there_are_kept(ranks, tmp_path):
    experiment(tmp_path, ranks=ranks)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.h5").write_bytes(b"precious")
    done = run(ranks, tmp_path)
    assert done.returncode == 2, done.stderr
    assert "OutputExistsError" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "run.h5").read_bytes() == b"precious"


@pytest.mark.long  # and tests/test_console.py
@pytest.mark.parametrize(
    ("stream", "code"), [(">&-", 0), ("2>&-", 0), (">/dev/full", 3), ("| head -c 1 >/dev/null", 0)]
)
def test_nobody_listens(stream, code, tmp_path):
    """Whoever reads what is said meanwhile: there are results, and an exit code that tells whether it could be written."""
    experiment(tmp_path)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, ROOT)))}
    command = f'"$1" -m hybrid.cli run "$2" --out "$3" {stream}'
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}", "-", sys.executable, tmp_path / "experiment.toml", tmp_path / "out"],
        capture_output=True, text=True, timeout=LIMIT_S, env=env,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == code
    check_left(tmp_path, saved=True)


def test_the_campaign_is_as_wide_as_it_says():
    assert len(FAULTS) >= 25
    assert {ranks for fault in FAULTS.values() for ranks in fault.short} == {1, 2, 3}
    assert all(set(fault.short) <= set(fault.ranks) for fault in FAULTS.values())
