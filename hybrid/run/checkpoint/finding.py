"""Finds the checkpoint that a run goes on or branches from: the newest that every rank can read, or the one that was named."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from hybrid.clock import Clock
from hybrid.component import State
from hybrid.errors import CheckpointError, HybridError, told
from hybrid.run.checkpoint.arrays import read_arrays, read_bytes
from hybrid.run.checkpoint.generations import Generations
from hybrid.run.checkpoint.manifest import (
    LONGEST_SETUP,
    MANIFEST,
    SETUP_FILE,
    Manifest,
    deciding_versions,
    differences,
    told_differences,
)
from hybrid.run.progress import say
from hybrid.run.transport import Transport


@dataclass(frozen=True)
class Loaded:
    """A checkpoint, with the states of the parts that live on this rank, by name (``"component cortex"``)."""

    manifest: Manifest
    states: dict[str, State]
    origin: dict[str, Any] = field(default_factory=dict)  # of a run that branches: from where, and what differs


@dataclass(frozen=True)
class Finder:
    """What is needed to find a checkpoint together with the other ranks.

    ``together`` does something on every rank, and if it fails on one, fails on all. ``setup`` is that of the present run, and
    ``parts`` the names of what lives on this rank.
    """

    clock: Clock
    transport: Transport
    together: Callable[[str, Callable[[], Any]], Any]
    setup: Mapping[str, Any]
    parts: Sequence[str]

    def newest(self, generations: Generations, force: bool) -> Loaded:
        """To go on from; each that cannot be used is named on standard error. ``force``: also where the run is another.

        Raises
        ------
        CheckpointError: there is none, or it is of another run; the same on every rank.
        """
        ticks = self.transport.everyone(generations.ticks(), "the checkpoints")[0]
        for k, tick in enumerate(ticks):
            loaded: list[Loaded] = []
            found = self.transport.everyone(self._tried(generations.path(tick), force, loaded), "the checkpoints")
            for kind, text in found:
                if kind == "refused":
                    self.refuse(text)
            broken = next((text for kind, text in found if kind == "broken"), None)
            if broken is None:
                return loaded[0]
            if self.transport.rank == 0:
                after = (
                    f"trying that of {self.clock.ms(ticks[k + 1]):g} ms" if k + 1 < len(ticks) else "it was the last"
                )
                say(f"warning: the checkpoint of {self.clock.ms(tick):g} ms cannot be used, {after}: {broken}")
        where = generations.folder
        has = (
            f"none of the {len(ticks)} checkpoints in {where} can be used" if ticks else f"{where} holds no checkpoint"
        )
        self.refuse(f"{has}; start the run anew")

    def refuse(self, text: str) -> NoReturn:
        """On every rank together."""

        def refuse() -> None:
            raise CheckpointError(text)

        self.together("the checkpoint", refuse)
        raise AssertionError

    def _tried(self, folder: Path, force: bool, loaded: list[Loaded]) -> tuple[str, str]:
        """Whether a checkpoint could be ``loaded`` here, is broken, or is refused, and why."""
        try:
            manifest, before = read_setup(folder)
            if (lines := self._differences(manifest, before)) and not force:
                return "refused", (
                    f"{folder.parent.parent} belongs to another run than this one; make it the same, or go on all the same "
                    f"with --force (force=True), no longer to the bit:{told_differences(lines)}"
                )
            if missing := [name for name in self.parts if name not in manifest.files]:
                return "refused", f"{folder} holds no state of {', '.join(missing[:5])}; it belongs to another run"
            loaded.append(Loaded(manifest, {name: read_arrays(folder, manifest.files[name]) for name in self.parts}))
            return "fine", ""
        except (HybridError, OSError, ValueError, MemoryError) as error:
            return "broken", str(error) if isinstance(error, HybridError) else told(error)

    def branched(self, folder: Path) -> Loaded:
        """To branch from: what differs is kept with the results; parts that the checkpoint does not know have no state.

        Raises
        ------
        CheckpointError: it is broken, or of another tick.
        """

        def load() -> Loaded:
            manifest, before = read_setup(folder)
            tick_ms = before["brain"]["tick_ms"]
            if tick_ms != self.clock.tick_ms:
                raise CheckpointError(f"{folder} is of a run in ticks of {tick_ms:g} ms, not {self.clock.tick_ms:g} ms")
            states = {name: read_arrays(folder, manifest.files[name]) for name in self.parts if name in manifest.files}
            origin = {
                "checkpoint": str(folder.resolve()),
                "manifest_sha256": sha256((folder / MANIFEST).read_bytes()).hexdigest(),
                "at_ms": self.clock.ms(manifest.tick),
                "differs": self._differences(manifest, before),
            }
            return Loaded(manifest, states, origin)

        loaded: Loaded = self.together("the checkpoint", load)
        return loaded

    def _differences(self, manifest: Manifest, before: Mapping[str, Any]) -> list[str]:
        return differences(
            {"versions": manifest.versions, **_compared(before)},
            {"versions": deciding_versions(), **_compared(self.setup)},
        )


def read_setup(folder: Path) -> tuple[Manifest, dict[str, Any]]:
    """Manifest and setup of one checkpoint; ``CheckpointError`` if they are broken."""
    manifest = Manifest.read(folder)
    if folder.name.isdecimal() and manifest.tick != int(folder.name):
        raise CheckpointError(f"{folder} holds the checkpoint of tick {manifest.tick}, not the one that its name says")
    if SETUP_FILE not in manifest.files:
        raise CheckpointError(f"{folder / MANIFEST} names no {SETUP_FILE}")
    try:
        setup = json.loads(read_bytes(folder, manifest.files[SETUP_FILE], LONGEST_SETUP))
    except (ValueError, RecursionError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{folder}: the setup is no JSON: {error}") from None
    if not isinstance(setup, dict) or not isinstance(setup.get("brain"), dict):
        raise CheckpointError(f"{folder}: the setup describes no brain")
    return manifest, setup


def _compared(setup: Mapping[str, Any]) -> dict[str, Any]:
    """Without the experiment file, whose brain is compared."""
    return {key: value for key, value in setup.items() if key != "experiment"}
