"""How a C++ compiler is found and run: flags, languages, time limits, and what it leaves."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
import warnings
from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, check_units, implementation
from circuit_examples import TICK, alive, counting, deterministic, live, random_spikes
from floors import ROOT

from hybrid.circuits import Circuit, Microcircuit
from hybrid.circuits.building import Recipe
from hybrid.circuits.compiled import compiler, engine
from hybrid.errors import CompilerError, ConfigurationError

pytestmark = pytest.mark.usefixtures("shared_cache")


@pytest.fixture
def no_compiler(monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_no_compiler(no_compiler):
    with pytest.raises(CompilerError, match=r"there is no C\+\+ compiler; install one .*apt install g\+\+"):
        alive(deterministic, "compiled")


def test_compiler_named_in_vain(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(CompilerError, match=r"\$CXX names \(no-such-compiler\) does not run"):
        alive(deterministic, "compiled")


def test_compiler_named_with_a_quote_left_open(monkeypatch):
    monkeypatch.setenv("CXX", "g++ '")
    with pytest.raises(CompilerError, match=r"^\$CXX \(g\+\+ '\) is not a command \(No closing quotation\); [^\n]*$"):
        alive(deterministic, "compiled")


def test_flags_of_the_compiler_are_used_and_part_of_the_key(compilations, monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(compiler, "_compiled_in", lambda *others: (others[-1] / "unit.so").write_bytes(b"one") * 0)
    wrapper = script(tmp_path / "ccache", 'echo "$@" >> %s; exec "$@"' % (tmp_path / "seen"))
    _, unit = engine._generate(Recipe("any", counting, {}), 1e-4, 1)
    for named in (f"{wrapper} g++ -O2", f"{wrapper} g++ -O1", f"{wrapper} g++ -O2"):
        monkeypatch.setenv("CXX", named)
        compiler.compiled("any", unit)
    assert len(compilations) == 2
    assert (tmp_path / "seen").read_text().splitlines()[0] == "g++ -O2 --version"


def test_compiler_with_flags_works(monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "cache"))
    wrapper = script(tmp_path / "a wrapper", 'exec "$@"')
    monkeypatch.setenv("CXX", f"'{wrapper}' g++ -O1")
    spikes = random_spikes(5, lines=3)
    expected = np.bincount(spikes.ids, spikes.counts, 3)
    assert np.array_equal(live(alive(counting, "compiled"), spikes, [5])["now"][-1], expected)


def test_compiler_that_prints_another_encoding(monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "cache"))
    talks = r"""printf 'Version \351\377\n' >&2; [ "$1" = --version ] && { printf '\351 1.0\n'; exit 0; }; exit 1"""
    monkeypatch.setenv("CXX", script(tmp_path / "c++", talks))
    with pytest.raises(CompilerError, match=r"(?s)does not work; install one.*Version \ufffd"):
        alive(deterministic, "compiled")


HANGS = '[ "$1" = --version ] && { echo 1.0; exit 0; }; sleep 1000 & echo $! > %s; wait'


def gone(process: int) -> bool:
    """Whether a process ended, or does so within a few seconds."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_compiler_that_hangs_is_ended_with_what_it_started(monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", script(tmp_path / "c++", HANGS % (tmp_path / "child")))
    monkeypatch.setenv("HYBRID_COMPILE_TIMEOUT_S", "0.5")
    with pytest.raises(CompilerError, match=r"circuit V1: .* not finish within 0\.5 s; .*\$HYBRID_COMPILE_TIMEOUT_S"):
        alive(deterministic, "compiled", name="V1")
    assert gone(int((tmp_path / "child").read_text()))
    assert list((tmp_path / "cache" / "circuits").iterdir()) == []


@pytest.mark.parametrize("limit", ["soon", "0", "-1", "nan"])
def test_limit_that_is_none(limit, monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HYBRID_COMPILE_TIMEOUT_S", limit)
    with pytest.raises(
        ConfigurationError, match=rf"\$HYBRID_COMPILE_TIMEOUT_S = '{limit}' must be a number of seconds"
    ):
        alive(deterministic, "compiled")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_interrupt_while_compiling_ends_the_compiler(tmp_path):
    child = tmp_path / "child"
    code = "from circuit_examples import alive, counting; alive(counting, 'compiled')"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "CXX": script(tmp_path / "c++", HANGS % child),
            "HYBRID_CACHE": str(tmp_path / "cache"),
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "tests" / "helpers", ROOT))),
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not (child.exists() and child.read_text()):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=60)[1]
    assert gone(int(child.read_text()))
    assert list((tmp_path / "cache" / "circuits").iterdir()) == []


def test_file_that_a_user_function_includes_is_part_of_the_key(compilations, monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(compiler, "_compiled_in", lambda *others: (others[-1] / "unit.so").write_bytes(b"one") * 0)
    (tmp_path / "outer.h").write_text('#include "inner.h"\n')

    @implementation(
        "cpp", "double mine(double x) { return GAIN * x; }", headers=['"outer.h"'], include_dirs=[str(tmp_path)]
    )
    @check_units(x=1, result=1)
    def mine(x):
        return x

    def build():
        cells = NeuronGroup(3, "x : 1", name="cells")
        cells.run_regularly("x = mine(x)")
        return Circuit(Network(cells), namespace={"mine": mine})

    for gain in (2, 3, 3):
        (tmp_path / "inner.h").write_text(f"#define GAIN {gain}.0\n")
        compiler.compiled("any", engine._generate(Recipe("any", build, {}), 1e-4, 1)[1])
    assert len(compilations) == 2


def test_without_a_compiler_auto_warns_once_and_runs(no_compiler):
    circuit = Microcircuit("V1", counting)
    with pytest.warns(RuntimeWarning, match=r"circuit V1 runs in Brian2's numpy mode, some \d+ times slower"):
        circuit.prepare(TICK, np.random.default_rng(1))
    with warnings.catch_warnings(action="error", category=RuntimeWarning):
        circuit.prepare(TICK, np.random.default_rng(1))
    spikes = random_spikes(50, lines=3)
    assert np.array_equal(live(circuit, spikes, [50])["now"][-1], np.bincount(spikes.ids, spikes.counts, 3))


def test_compiler_that_compiles_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(
        "CXX", script(tmp_path / "c++", '[ "$1" = --version ] && echo 1.0 || { echo no headers >&2; exit 1; }')
    )
    with pytest.raises(CompilerError, match=r"(?s)does not work; install one.*no headers"):
        alive(counting, "compiled")
    with pytest.warns(RuntimeWarning, match="numpy mode"):
        live(alive(counting, "auto"), random_spikes(5, lines=3), [5])
    assert list((tmp_path / "cache" / "circuits").iterdir()) == []


def test_flag_that_the_compiler_does_not_know_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path))
    flags = [*brian2.prefs["codegen.cpp.extra_compile_args_gcc"], "-fno-such-flag"]
    monkeypatch.setitem(brian2.prefs.prefs, "codegen.cpp.extra_compile_args_gcc", flags)
    live(alive(counting, "compiled"), random_spikes(5, lines=3), [5])
