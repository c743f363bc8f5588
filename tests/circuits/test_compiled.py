"""What only the compiled engine does: finds a compiler, compiles once, loads private copies, is stock Brian2 to the bit."""

# ruff: noqa: NPY002  (numpy's global stream is the one that Brian2 draws from)

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, check_units, implementation, ms
from circuit_examples import TICK, alive, counting, deterministic, live, noisy, random_spikes
from floors import ROOT

from hybrid.cache import cache_folder, kept
from hybrid.circuits import Circuit, Microcircuit, microcircuit
from hybrid.circuits.building import Recipe
from hybrid.circuits.compiled import compiler, engine, library
from hybrid.circuits.compiled.cache import key_of
from hybrid.errors import CompilerError, ConfigurationError

pytestmark = pytest.mark.usefixtures("shared_cache")


@pytest.fixture
def compilations(monkeypatch):
    """The names of the circuits that were compiled."""
    names, make = [], compiler._make
    monkeypatch.setattr(compiler, "_make", lambda name, *others: names.append(name) or make(name, *others))
    return names


@pytest.fixture
def no_compiler(monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


@implementation("cpp", "double broken(double x) { return nonsense; }")
@check_units(x=1, result=1)
def broken(x):
    return x


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_same_code_is_compiled_once(compilations, monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path))
    circuits = [alive(counting, "compiled", seed=k, name=name) for k, name in enumerate(("left", "right", "left"))]
    assert compilations == ["left"]
    assert [path.suffix for path in (tmp_path / "circuits").iterdir()] == [".circuit"]
    for circuit in circuits:
        circuit.close()


def test_initial_values_given_as_arrays_need_no_compilation(compilations):
    def build(first):
        cells = NeuronGroup(3, "x : 1", name="cells")
        cells.x = np.array([first, 2.0, 3.0])
        return Circuit(Network(cells))

    found = [alive(build, "compiled", parameters={"first": first}).read("x") for first in (1.0, 7.0)]
    assert np.array_equal(found, [[1, 2, 3], [7, 2, 3]])
    assert len(compilations) <= 1


def test_ranks_that_race_for_one_library(monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path))
    _, unit = engine._generate(Recipe("racing", counting, {}), 1e-4, 1)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(compiler.compiled("racing", unit))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (library,) = (tmp_path / "circuits").iterdir()
    assert len(found) == 2
    assert kept(library) in found


def test_generated_code_does_not_depend_on_the_process():
    text = (
        "from circuit_examples import noisy; from hybrid.circuits.building import Recipe\n"
        "from hybrid.circuits.compiled import cache, engine\n"
        "unit = engine._generate(Recipe('any', noisy, {}), 1e-4, 3)[1]\n"
        "print(cache.key_of(f'{file} {text}' for file, text in sorted(unit.sources.items())))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", text],
            env={
                **os.environ,
                "PYTHONHASHSEED": str(seed),
                "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "tests" / "helpers", ROOT))),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(found) == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_broken_file_in_the_cache_is_made_again(damage, compilations, monkeypatch, tmp_path):
    """Loaded as it is, a library cut short ends the process with a bus error."""
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path))
    monkeypatch.setattr(compiler, "_make", lambda *others: compilations.append("made") or tmp_path / "made")
    (tmp_path / "made").write_bytes(b"a library" * 1000)
    _, unit = engine._generate(Recipe("any", counting, {}), 1e-4, 1)
    image = compiler.compiled("any", unit)
    (library,) = (tmp_path / "circuits").iterdir()
    whole = library.read_bytes()
    flipped = whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:]
    library.write_bytes({"cut": whole[:4000], "flipped": flipped, "empty": b""}[damage])
    assert compiler.compiled("any", unit) == image
    assert compiler.compiled("any", unit) == image
    assert compilations == ["made", "made"]
    assert library.read_bytes() == whole


def test_library_that_cannot_be_loaded_is_compiled_again_once(monkeypatch):
    asked = []

    def refuse(image):
        raise library.CannotLoadError("made for another system")

    monkeypatch.setattr(library, "_load_copy", refuse)
    monkeypatch.setattr(engine, "compiled", lambda name, unit, anew=False: asked.append(anew))
    with pytest.raises(CompilerError, match="another system"):
        engine._loaded("V1", None)
    assert asked == [False, True]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_is_left_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    circuit = alive(counting, "compiled")
    assert list(tmp_path.iterdir()) == []
    mapped = {line.split()[-2] for line in Path("/proc/self/maps").read_text().splitlines() if str(tmp_path) in line}
    assert len(mapped) == 1
    circuit.close()
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()


def test_small_numbers_of_the_process_are_left_alone():
    circuit = alive(counting, "compiled")
    live(circuit, random_spikes(5, lines=3), [5])
    assert np.float64(1e-310) * np.float64(0.5) > 0


def test_nothing_is_written_to_the_terminal(capfd):
    circuit = alive(noisy, "compiled")
    live(circuit, random_spikes(50), [50])
    circuit.close()
    assert capfd.readouterr().out == ""


def test_generated_code_that_would_end_the_process_is_an_error():
    def build():
        cells = NeuronGroup(3, "x : 1", name="cells")
        synapses = Synapses(cells, cells, name="outside")
        synapses.connect(j="i + 1000")
        return Circuit(Network(cells, synapses))

    with pytest.raises(ConfigurationError, match=r"circuit V1: .*synapse to neuron j=1000 outside range"):
        alive(build, "compiled", name="V1")


def test_refused_code_is_shown_and_kept(monkeypatch, tmp_path):
    def build():
        cells = NeuronGroup(3, "x : 1", name="cells")
        cells.run_regularly("x = broken(x)")
        return Circuit(Network(cells))

    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path))
    for _ in range(2):
        with pytest.raises(CompilerError, match=r"(?s)circuit V1: .*kept in .*unit\.cpp.*nonsense") as caught:
            alive(build, "compiled", name="V1")
        kept = Path(str(caught.value).split("kept in ")[1].split(",")[0])
        assert "nonsense" in kept.read_text()
        assert list((tmp_path / "circuits").iterdir()) == [kept.parent]


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


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "here"))
    assert cache_folder("circuits") == tmp_path / "here" / "circuits"
    monkeypatch.delenv("HYBRID_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("circuits") == tmp_path / "xdg" / "hybrid" / "circuits"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "file" / "below"))
    assert cache_folder("circuits").is_dir()  # a temporary one


def test_borders_of_texts_are_part_of_the_key():
    assert key_of(["ab", "c"]) != key_of(["a", "bc"])


def test_unsorted_synapses_are_mentioned(monkeypatch):
    def build(order):
        cells = NeuronGroup(5, "x : 1", name="cells")
        synapses = Synapses(cells, cells, name="backwards")
        synapses.connect(i=np.arange(5)[::order], j=np.arange(5))
        return Circuit(Network(cells, synapses))

    monkeypatch.setattr(microcircuit, "UNSORTED_MATTERS", 5)
    with pytest.warns(RuntimeWarning, match="the 5 synapses of backwards are not in the order of their sources"):
        alive(build, "compiled", parameters={"order": -1})
    alive(build, "compiled", parameters={"order": 1})


@pytest.mark.parametrize("kind", ["compiled", "runtime"])
def test_spikes_are_those_of_a_plain_brian2_run(kind):
    """Brian2's own ``Network.run`` (numpy), which shares no code with our stepping."""
    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    try:
        circuit = deterministic()
        monitor = brian2.SpikeMonitor(circuit.outputs["spikes"], name="monitor")
        circuit.network.add(monitor)
        circuit.network.run(100 * ms, namespace={})
    finally:
        brian2.prefs.codegen.target = before
    expected = np.array([np.rint(monitor.t / ms / 0.1).astype(int), monitor.i])
    assert expected.shape[1] > 500
    assert np.array_equal(live(alive(deterministic, kind), None, [333, 1000])["spikes"][:2], expected)


@pytest.mark.long
def test_bits_are_those_of_stock_standalone_brian2(tmp_path):
    """The same seed in Brian2's C++ standalone mode (its own makefile, binary and main loop)."""
    circuit = alive(noisy, "compiled")
    spikes = live(circuit, random_spikes(1000).scaled(0), [17, 1000])["spikes"]
    brian2.devices.all_devices["cpp_standalone"].reinit()
    brian2.set_device("cpp_standalone", build_on_run=False)
    try:
        np.random.seed(int(np.random.default_rng(1).integers(2**32)))
        brian2.seed(int(np.random.default_rng(1).integers(2**32)))
        stock = noisy()
        stock.network.run(100 * ms, namespace=dict(stock.namespace))
        brian2.device.build(directory=str(tmp_path), compile=True, run=True, with_output=False)
        monitor = stock.network["spiked"]
        assert np.array_equal(spikes[:2], [np.rint(monitor.t / ms / 0.1).astype(int), monitor.i])
        assert np.array_equal(circuit.read("cells.v"), np.array(stock.network["cells"].v_[:]))
        assert np.array_equal(circuit.read("recurrent.x"), np.array(stock.network["recurrent"].x_[:]))
    finally:
        brian2.device.reinit()
        brian2.set_device("runtime")
