"""Finds the C++ compiler and makes a shared library of a unit."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import brian2
from brian2.devices.cpp_standalone.device import CPPWriter

from hybrid.circuits.compiled.cache import find_or_make, key_of, processor
from hybrid.circuits.compiled.device import LibraryDevice
from hybrid.circuits.compiled.unit import UNIT, Unit
from hybrid.errors import CompilerError

INSTALL = (
    "install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install; "
    "conda: conda install -c conda-forge cxx-compiler), name it in $CXX, or use engine='runtime'"
)

ALIGN_LOOPS = "-falign-loops=32"
# glibc shows its vector exp and log only where this is defined, which Brian2's -fno-finite-math-only prevents; and gcc gives up
# on loops over many state variables too early. Neurons of Hodgkin-Huxley type run two to three times faster with both
VECTORS = ("-D__FAST_MATH__", "--param=vect-max-version-for-alias-checks=200")


class NoCompilerError(CompilerError):
    """There is no C++ compiler here, or none that compiles anything."""


@dataclass(frozen=True)
class Compiler:
    """A command that compiles C++, and what it says of its version."""

    command: tuple[str, ...]
    version: str

    @property
    def library_flags(self) -> list[str]:
        # unaligned, the same loop over neurons was found to run up to 30 % slower, by chance of what stands before it
        flags = ["-fPIC", "-fvisibility=hidden", ALIGN_LOOPS]
        return flags if "clang" in self.version else [*flags, "-fno-gnu-unique", *VECTORS]  # clang knows none of these


def find_compiler() -> Compiler:
    """``$CXX``, or else the first of g++, clang++ and c++ that runs; :class:`NoCompilerError` says how to get one."""
    if os.name == "nt":
        raise NoCompilerError(
            "compiled circuits need Linux or macOS; use engine='runtime' or the Windows Subsystem for Linux"
        )
    named = os.environ.get("CXX")
    for candidate in [named] if named else ["g++", "clang++", "c++"]:
        found = _compiler(tuple(shlex.split(candidate)), os.environ.get("PATH", ""))
        if found:
            return found
    what = f"the C++ compiler that $CXX names ({named}) does not run" if named else "there is no C++ compiler"
    raise NoCompilerError(f"{what}; {INSTALL}")


@cache
def _compiler(command: tuple[str, ...], path: str) -> Compiler | None:
    if not command or shutil.which(command[0], path=path) is None:
        return None
    try:
        answer = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return Compiler(command, answer.stdout)


def compiled(name: str, unit: Unit) -> Path:
    """The shared library of ``unit``, from the cache or compiled now; ``name`` is the circuit's, for messages."""
    compiler = find_compiler()
    extra = [Path(each).read_text() for each in unit.options.sources]
    key = key_of(
        [
            *(f"{file}\n{text}" for file, text in sorted(unit.sources.items())),
            *extra,
            repr(unit.options),
            repr(compiler.library_flags),
            compiler.version,
            processor(),
            brian2.__version__,
        ]
    )
    return find_or_make(key, lambda folder: _make(name, unit, compiler, folder))


def _make(name: str, unit: Unit, compiler: Compiler, folder: Path) -> Path:
    for file, text in unit.sources.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(text)
    LibraryDevice().copy_source_files(CPPWriter(str(folder)), str(folder))
    brianlib = sorted(f"brianlib/{each.name}" for each in (folder / "brianlib").glob("*.cpp"))  # none in Brian2 2.9
    options = unit.options
    sources = [UNIT, *brianlib, *options.sources]
    failure = _compile(compiler, sources, options.compile, options.link, folder)
    if failure:
        accepted = [each for each in options.compile if _accepts(compiler, [each], folder)]
        if not _accepts(compiler, [], folder):
            shutil.rmtree(folder, ignore_errors=True)
            raise NoCompilerError(
                f"the C++ compiler {shlex.join(compiler.command)} does not work; {INSTALL}\n{failure}"
            )
        if accepted != options.compile:
            failure = _compile(compiler, sources, accepted, options.link, folder)
    if failure:
        raise CompilerError(
            f"circuit {name}: {shlex.join(compiler.command)} refused the code that Brian2 generated; it is kept in "
            f"{folder / UNIT}, the last it said:\n{failure}"
        )
    return folder / "unit.so"


def _compile(compiler: Compiler, sources: list[str], flags: list[str], link: list[str], folder: Path) -> str:
    """Compile and link in ``folder``; returns the last lines of what the compiler said if it failed.

    Linked apart and without the flags for compiling: linking with -ffast-math would make loading the library change
    how the whole process treats small numbers.
    """
    objects = []
    for k, source in enumerate(sources):
        objects.append(f"{k}.o")
        said = _run(compiler, [*flags, *compiler.library_flags, "-I.", "-c", source, "-o", objects[-1]], folder)
        if said:
            return said
    return _run(compiler, ["-shared", *compiler.library_flags, *objects, "-o", "unit.so", *link], folder)


def _accepts(compiler: Compiler, flags: list[str], folder: Path) -> bool:
    (folder / "trial.cpp").write_text("#include <vector>\nint trial() { return 0; }\n")
    return not _run(compiler, [*flags, "-Werror", "-c", "trial.cpp", "-o", "trial.o"], folder)


def _run(compiler: Compiler, arguments: list[str], folder: Path) -> str:
    done = subprocess.run([*compiler.command, *arguments], cwd=folder, capture_output=True, text=True)
    return "\n".join((done.stderr or f"exit code {done.returncode}").splitlines()[-20:]) if done.returncode else ""
