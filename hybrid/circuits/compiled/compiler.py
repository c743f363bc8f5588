"""Finds the C++ compiler and makes a shared library of a unit."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import brian2
from brian2.devices.cpp_standalone.device import CPPWriter

from hybrid.bits import portable
from hybrid.circuits.compiled.cache import find_or_make, keep_refused, key_of, processor
from hybrid.circuits.compiled.device import LibraryDevice
from hybrid.circuits.compiled.process import finished
from hybrid.circuits.compiled.unit import UNIT, Unit
from hybrid.errors import CompilerError, ConfigurationError

INSTALL = (
    "install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install; "
    "conda: conda install -c conda-forge cxx-compiler), name it in $CXX, or use engine='runtime'"
)

LIMIT = "HYBRID_COMPILE_TIMEOUT_S"
USUAL_LIMIT_S = 1800.0
ANSWERS_WITHIN_S = 60.0  # what a compiler is asked for its version
INCLUDED = re.compile(r'^\s*#\s*include\s*["<]([^">\n]+)[">]', re.MULTILINE)

ALIGN_LOOPS = "-falign-loops=32"
# glibc shows its vector exp and log only where this is defined, which Brian2's -fno-finite-math-only prevents; and gcc gives up
# on loops over many state variables too early. Neurons of Hodgkin-Huxley type run two to three times faster with both
FAST = "-D__FAST_MATH__"
VECTORS = (FAST, "--param=vect-max-version-for-alias-checks=200")


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
        if "clang" in self.version:  # it knows none of the others
            return flags
        return [*flags, "-fno-gnu-unique", *(each for each in VECTORS if not (portable() and each == FAST))]


def find_compiler() -> Compiler:
    """``$CXX``, or else the first of g++, clang++ and c++ that runs; :class:`NoCompilerError` says how to get one."""
    if os.name == "nt":
        raise NoCompilerError(
            "compiled circuits need Linux or macOS; use engine='runtime' or the Windows Subsystem for Linux"
        )
    named = os.environ.get("CXX")
    for candidate in [named] if named else ["g++", "clang++", "c++"]:
        try:
            command = tuple(shlex.split(candidate))
        except ValueError as error:
            raise NoCompilerError(
                f"$CXX ({candidate}) is not a command ({error}); correct it or leave it out"
            ) from None
        found = _compiler(command, os.environ.get("PATH", ""))
        if found:
            return found
    what = f"the C++ compiler that $CXX names ({named}) does not run" if named else "there is no C++ compiler"
    raise NoCompilerError(f"{what}; {INSTALL}")


@cache
def _compiler(command: tuple[str, ...], path: str) -> Compiler | None:
    if not command or shutil.which(command[0], path=path) is None:
        return None
    try:
        done = finished([*command, "--version"], None, ANSWERS_WITHIN_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else Compiler(command, done.stdout)


def compiled(name: str, unit: Unit, anew: bool = False) -> bytes:
    """The shared library of ``unit``, from the cache or, if there is none or ``anew``, compiled now.

    ``name`` is the circuit's, for messages.
    """
    compiler = find_compiler()
    key = key_of(
        [
            *(f"{file}\n{text}" for file, text in sorted(unit.sources.items())),
            *texts_of_users(name, unit),
            repr(unit.options),
            repr(compiler.command),
            repr(compiler.library_flags),
            compiler.version,
            "" if portable() else processor(),
            brian2.__version__,
        ]
    )
    return find_or_make(key, lambda folder: _make(name, unit, compiler, key, folder), anew)


def texts_of_users(name: str, unit: Unit) -> Iterator[str]:
    """The files that a user's functions bring along, by ``sources=`` or by including them from ``include_dirs=``."""
    folders = [Path(flag[2:]) for flag in unit.options.compile if flag.startswith("-I")]
    texts = [*unit.sources.values()]
    for file in unit.options.sources:
        try:
            texts.append(Path(file).read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            raise ConfigurationError(f"circuit {name}: a source of a user function cannot be read: {error}") from None
        yield texts[-1]
    known: set[str] = set()
    while texts:
        for included in dict.fromkeys(INCLUDED.findall(texts.pop())):
            found = next((each / included for each in folders if (each / included).is_file()), None)
            if found and included not in known:
                known.add(included)
                texts.append(found.read_text(encoding="utf-8", errors="replace"))
                yield texts[-1]


def _make(name: str, unit: Unit, compiler: Compiler, key: str, folder: Path) -> Path:
    try:
        failure = _compiled_in(name, unit, compiler, folder)
    except OSError as error:
        raise CompilerError(
            f"circuit {name}: cannot compile in {folder.parent}: {error}; make room, or set $HYBRID_CACHE to another folder"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise CompilerError(
            f"circuit {name}: {shlex.join(compiler.command)} was ended, since it did not finish within {error.timeout:g} s; "
            f"if it needs longer, set ${LIMIT}"
        ) from None
    if failure:
        raise CompilerError(
            f"circuit {name}: {shlex.join(compiler.command)} refused the code that Brian2 generated; it is kept in "
            f"{keep_refused(folder, key) / UNIT}, the last it said:\n{failure}"
        )
    return folder / "unit.so"


def _compiled_in(name: str, unit: Unit, compiler: Compiler, folder: Path) -> str:
    """Make ``unit.so`` in ``folder``; returns what the compiler said if it refused."""
    for file, text in unit.sources.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    LibraryDevice().copy_source_files(CPPWriter(str(folder)), str(folder))
    brianlib = sorted(f"brianlib/{each.name}" for each in (folder / "brianlib").glob("*.cpp"))  # none in Brian2 2.9
    options = unit.options
    sources = [UNIT, *brianlib, *options.sources]
    failure = _compile(compiler, sources, options.compile, options.link, folder)
    if failure and not _accepts(compiler, options.compile, folder):
        accepted = [each for each in options.compile if _accepts(compiler, [each], folder)]
        if not _accepts(compiler, [], folder):
            raise NoCompilerError(
                f"the C++ compiler {shlex.join(compiler.command)} does not work; {INSTALL}\n{failure}"
            )
        if accepted != options.compile:
            failure = _compile(compiler, sources, accepted, options.link, folder)
    return failure


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
    done = finished([*compiler.command, *arguments], folder, _limit_s())
    return "\n".join((done.stderr or f"exit code {done.returncode}").splitlines()[-20:]) if done.returncode else ""


def _limit_s() -> float:
    named = os.environ.get(LIMIT, "")
    try:
        limit_s = float(named) if named else USUAL_LIMIT_S
        if not limit_s > 0:
            raise ValueError
    except ValueError:
        raise ConfigurationError(f"${LIMIT} = {named!r} must be a number of seconds above 0") from None
    return limit_s
