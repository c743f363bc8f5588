"""The manifest of a checkpoint: what it holds, of which run, at what time; and the setup that must be the same to go on."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from hybrid.adapter import Chain
from hybrid.bits import NATIVE, bits
from hybrid.brain import Brain
from hybrid.errors import CheckpointError, shown
from hybrid.results import software_versions
from hybrid.results.info import plain
from hybrid.results.recorder import Every
from hybrid.run.checkpoint.arrays import Entry

FORMAT, VERSION = "hybrid-checkpoint", 1
MANIFEST, SETUP_FILE = "manifest.json", "setup.json"
LONGEST = 64 * 2**20  # bytes of a manifest
LONGEST_SETUP = 2**30
_DECIDE = ("python", "hybrid", "numpy", "scipy", "brian2", "numba", "bits")  # about the bits of a run
_FILE = re.compile(r"[\w%.+-]{1,200}")
_SHOWN = 10  # differences in a message


@dataclass(frozen=True)
class Manifest:
    """What a checkpoint is about; times in ticks.

    ``tick``: of the window border. ``began``: where the recordings begin. ``end``: of the run. ``every``: between checkpoints,
    if that was asked for. ``drift``: what the watch over interfaces remembers, by connection. ``resumed_at``: where the run was
    taken up before. ``origin``: the checkpoint that the run branched from. ``files``: by what they hold, ``"component cortex"``.
    """

    tick: int
    began: int
    end: int
    window: int
    every: int | None
    seed: int
    reason: str
    created: str
    versions: dict[str, str]
    drift: dict[str, list[int]] = field(default_factory=dict)
    resumed_at: list[int] = field(default_factory=list)
    origin: dict[str, Any] | None = None
    files: dict[str, Entry] = field(default_factory=dict)

    def text(self) -> bytes:
        """As JSON, with the hash of all the rest."""
        document = {"format": FORMAT, "version": VERSION, **asdict(self)}
        return json.dumps({"sha256": _digest(document), **document}, indent=1).encode()

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """That of one generation; ``CheckpointError`` names the file and what is wrong with it."""
        path = folder / MANIFEST
        try:
            if path.stat().st_size > LONGEST:
                raise CheckpointError(f"{path} has more than {LONGEST >> 20} MiB; it is no manifest")
            found = json.loads(path.read_bytes())
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(f"{path} is no JSON: {error}") from None
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise CheckpointError(f"{path} is no manifest of a checkpoint")
        if found.pop("sha256", None) != _digest(found):
            raise CheckpointError(f"{path} is not as it was written: its SHA-256 differs")
        del found["format"]
        if (version := found.pop("version", None)) != VERSION:
            raise CheckpointError(f"{path} is of format version {shown(version)}; this one reads version {VERSION}")
        try:
            return cls._checked(found)
        except (TypeError, ValueError, KeyError) as error:
            raise CheckpointError(f"{path} is damaged: {error}") from None

    @classmethod
    def _checked(cls, found: dict[str, Any]) -> Manifest:
        files = {}
        for what, entry in found.pop("files").items():
            files[what] = Entry(**entry)
            name, size, digest = files[what].file, files[what].size, files[what].sha256
            if not _FILE.fullmatch(name) or type(size) is not int or size < 0 or not isinstance(digest, str):
                raise ValueError(f"the entry of {shown(what)} makes no sense")
        manifest = cls(**found, files=files)
        times = manifest.began, manifest.tick, manifest.end, manifest.window, manifest.seed
        if any(type(each) is not int for each in times) or not 0 <= manifest.began <= manifest.tick:
            raise ValueError("its times make no sense")
        if manifest.window < 1 or not (manifest.every is None or (type(manifest.every) is int and manifest.every > 0)):
            raise ValueError("its window, or the time between checkpoints, makes no sense")
        for name, counts in manifest.drift.items():
            if len(counts) != 2 or any(type(each) is not int for each in counts):
                raise ValueError(f"what it says of the drift of {shown(name)} makes no sense")
        dict(manifest.versions), list(manifest.resumed_at)
        return manifest


def _digest(document: Mapping[str, Any]) -> str:
    return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def deciding_versions() -> dict[str, str]:
    """Of the software that decides about the bits of a run; of the processor only where bits are its own."""
    found = software_versions()
    return {name: found[name] for name in (*_DECIDE, *(("cpu",) if bits() == NATIVE else ()))}


def setup_of(brain: Brain, record: Iterable[Any], seed: int, experiment: Mapping[str, Any] | None) -> dict[str, Any]:
    """All that must be the same for a run to go on to the bit, as plain values; and the experiment file that it came from."""
    recorded = {}
    for each in record:
        decimated = isinstance(each, Every)
        recorded[str(each.port if decimated else each)] = (
            {"every_ms": brain.clock.ms(brain.clock.ticks(each.every_ms)), "average": each.average} if decimated else {}
        )
    setup = {
        "seed": seed,
        "record": recorded,
        "brain": brain.describe(),
        "code": dict(sorted(_code_of(brain))),
        "experiment": experiment,
    }
    found: dict[str, Any] = json.loads(json.dumps(plain(setup)))
    return found


def _code_of(brain: Brain) -> Iterator[tuple[str, str]]:
    """SHA-256 of the files in which a user's own classes and functions stand, by module; of a script, of their own text."""
    things: list[Any] = []
    for component in brain.components.values():
        things += [type(component), getattr(component, "build", None), type(getattr(component, "model", None))]
    for connection in brain.connections.values():
        steps = connection.adapter.adapters if isinstance(connection.adapter, Chain) else [connection.adapter]
        things += [type(step) for step in steps]
    for thing in things:
        module = str(getattr(thing, "__module__", ""))
        if module.partition(".")[0] in ("hybrid", "adapters", "builtins", "functools", ""):
            continue
        try:
            if module == "__main__":  # which may well say resume() where it said run()
                yield f"{module}:{thing.__qualname__}", sha256(inspect.getsource(thing).encode()).hexdigest()
            else:
                yield module, sha256(Path(sys.modules[module].__file__ or "").read_bytes()).hexdigest()
        except (OSError, TypeError, KeyError, AttributeError):  # a prompt, a notebook, a compiled module
            continue


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two nested dictionaries, one line a value."""
    one, other = dict(_leaves(before, "")), dict(_leaves(now, ""))
    lines = []
    for key in sorted({*one, *other}):
        was, is_now = one.get(key), other.get(key)
        if was != is_now:
            lines.append(f"{key}: {_short(was)} in the checkpoint, {_short(is_now)} now")
    return lines


def told_differences(lines: list[str]) -> str:
    more = f"\n  and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "".join(f"\n  {line}" for line in lines[:_SHOWN]) + more


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}" if path else str(key))
    else:
        yield path, json.dumps(value)  # as text, where NaN equals itself


def _short(text: str | None) -> str:
    return "absent" if text is None else text if len(text) <= 60 else f"{text[:59]}…"
