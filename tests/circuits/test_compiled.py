"""What only the compiled engine does: finds a compiler, compiles once, loads private copies, is stock Brian2 to the bit."""

# ruff: noqa: NPY002  (numpy's global stream is the one that Brian2 draws from)

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, check_units, implementation, ms
from circuit_examples import alive, counting, deterministic, live, noisy, random_spikes
from floors import ROOT

from hybrid.cache import cache_folder, kept
from hybrid.circuits import Circuit, microcircuit
from hybrid.circuits.building import Recipe
from hybrid.circuits.compiled import compiler, engine, library
from hybrid.circuits.compiled.cache import key_of
from hybrid.errors import CompilerError, ConfigurationError

pytestmark = pytest.mark.usefixtures("shared_cache")


@implementation("cpp", "double broken(double x) { return nonsense; }")
@check_units(x=1, result=1)
def broken(x):
    return x


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
def test_native_bits_are_those_of_stock_standalone_brian2(tmp_path, monkeypatch):
    """The same seed in Brian2's C++ standalone mode (its own makefile, binary and main loop)."""
    monkeypatch.setenv("HYBRID_BITS", "native")
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
