"""Which bits a run gives: the switch, and that portable ones do not depend on what the machine has."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest
from floors import ROOT

from hybrid import bits
from hybrid.circuits.compiled.portable import STRICT, strict_flags, target_flags
from hybrid.errors import ConfigurationError
from hybrid.results import software_versions

PROGRAM = ROOT / "tests" / "helpers" / "portable_program.py"
AVX512 = ("AVX512F", "AVX512CD", "AVX512_SKX", "AVX512_CLX", "AVX512_CNL", "AVX512_ICL")
# what stands for another machine: no AVX-512 in numpy and glibc, other kernels of BLAS, other targets of numba and g++
OTHERS = {
    "numpy": {"NPY_DISABLE_CPU_FEATURES": " ".join(AVX512)},
    "glibc": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512DQ,-AVX512BW,-AVX512CD"},
    "blas": {"OPENBLAS_CORETYPE": "Haswell"},
    "numba": {
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2,+f16c,+lzcnt,+movbe,+popcnt",
    },
}
NAMES = {"numpy": "numpy", "Brian2": "brian2", "numba": "numba"}  # on the page: in the results
QUICK = ["demo=100", "cases=20:Kuramoto,Sinusoid,AlphaSpikeToRate"]


def hashes(folder, *asked, **environment):
    surroundings = {**os.environ, "HYBRID_CACHE": str(folder), **environment}
    command = [sys.executable, "-W", "ignore", str(PROGRAM), *asked]
    done = subprocess.run(command, env=surroundings, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compiler_with(flags, folder) -> str:
    """g++ with further flags, which come last and so win."""
    compiler = folder / "compiler"
    compiler.write_text(f'#!/bin/sh\nexec g++ "$@" {flags}\n')
    compiler.chmod(0o755)
    return str(compiler)


def test_portable_is_the_default(monkeypatch):
    monkeypatch.delenv(bits.VARIABLE, raising=False)
    assert bits.portable()
    assert software_versions()["bits"] == "portable"


def test_native_is_said_in_the_results(monkeypatch):
    monkeypatch.setenv(bits.VARIABLE, "native")
    assert not bits.portable()
    assert software_versions()["bits"] == "native"


def test_another_value_is_refused(monkeypatch):
    monkeypatch.setenv(bits.VARIABLE, "fast")
    with pytest.raises(ConfigurationError, match=r"HYBRID_BITS.*'fast'.*'portable' or 'native'"):
        bits.bits()


def test_flags_that_change_bits_go():
    asked = [
        "-w",
        "-Ofast",
        "-ffast-math",
        "-march=native",
        "-mtune=native",
        "-std=c++11",
        "-DWITH=1",
        "-fno-signed-zeros",
    ]
    kept = strict_flags(asked)
    assert kept == ["-w", "-O3", "-std=c++11", "-DWITH=1", *STRICT, *target_flags()]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return hashes(tmp_path_factory.mktemp("here"), *QUICK)


@pytest.mark.usefixtures("shared_cache")
@pytest.mark.parametrize("duration_ms", [1000, pytest.param(10000, marks=pytest.mark.long)])
def test_the_hash_in_the_docs(duration_ms):
    told = (ROOT / "docs" / "the_same_bits.md").read_text()
    versions = software_versions()
    ours = [f"{name} {versions[key]}" for name, key in NAMES.items()]
    if unlike := [each for each in ours if each not in told]:
        pytest.skip(f"the page tells of other versions than {', '.join(unlike)}")
    found = hashes(os.environ["HYBRID_CACHE"], f"demo={duration_ms}", HYBRID_BITS="portable")
    assert found[f"demo {duration_ms} ms"] in told


@pytest.mark.long
def test_same_bits_on_a_machine_without_avx512(here, tmp_path):
    everything = {key: value for each in OTHERS.values() for key, value in each.items()}
    assert hashes(tmp_path, *QUICK, **everything) == here


@pytest.mark.long
@pytest.mark.skipif(not target_flags(), reason="this machine is no x86-64 of the third level")
@pytest.mark.parametrize(
    "flags",
    [
        "-march=x86-64-v3 -mno-avx512f",
        "-march=haswell -mno-avx512f",
        "-mtune=haswell",
        "-mtune=znver3",
        "-mtune=skylake-avx512",
        "-O2",
        "-march=native",
    ],
)
def test_same_bits_for_every_target(flags, here, tmp_path):
    assert hashes(tmp_path, *QUICK, CXX=compiler_with(flags, tmp_path)) == here


@pytest.mark.long
def test_same_bits_from_another_compiler(here, tmp_path):
    clang = os.environ.get("HYBRID_TEST_CLANG", "clang++")
    if shutil.which(shlex.split(clang)[0]) is None:
        pytest.skip("there is no clang++; name one in $HYBRID_TEST_CLANG")
    assert hashes(tmp_path, *QUICK, CXX=clang) == here


@pytest.mark.long
@pytest.mark.skipif(not target_flags(), reason="this machine is no x86-64 of the third level")
def test_native_bits_depend_on_contraction(tmp_path):
    """So what is compared above can differ."""
    compiler = compiler_with("-ffp-contract=off", tmp_path)
    native = hashes(tmp_path / "native", "demo=100", HYBRID_BITS="native")
    assert hashes(tmp_path / "other", "demo=100", HYBRID_BITS="native", CXX=compiler) != native
