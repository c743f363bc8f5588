"""All that a run has to do with checkpoints, on one rank: it writes them, finds the one to go on from, and takes it up."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from hybrid.clock import Clock, Window
from hybrid.component import State
from hybrid.errors import CheckpointError, HybridError, told
from hybrid.ports import Port
from hybrid.results.folder import unfinished
from hybrid.results.recorder import Recorder
from hybrid.run.checkpoint.arrays import Entry, write_arrays, write_bytes
from hybrid.run.checkpoint.branching import Stateful, branched
from hybrid.run.checkpoint.finding import Finder, Loaded
from hybrid.run.checkpoint.generations import Generations, unwritable
from hybrid.run.checkpoint.manifest import SETUP_FILE, Manifest, deciding_versions
from hybrid.run.progress import say
from hybrid.run.transport import Transport
from hybrid.run.wish import Wish

COMPONENT, RECORDING = "component", "recording"


class Living(Protocol):
    """What a keeper needs of the scheduler."""

    stopped: str | None

    @property
    def parts(self) -> Mapping[str, Stateful]:
        """Components and connections of this rank, as ``"component cortex"``."""

    @property
    def drift(self) -> dict[str, list[int]]: ...

    def together(self, what: str, action: Callable[[], Any]) -> Any: ...


class Keeper:
    """Writes and reads the checkpoints of one run.

    Parameters
    ----------
    wish: what is asked of the run.
    ports: that are recorded.
    setup: makes what must be the same to go on (:func:`hybrid.run.checkpoint.manifest.setup_of`).
    """

    def __init__(
        self,
        wish: Wish,
        clock: Clock,
        transport: Transport,
        living: Living,
        recorder: Recorder,
        ports: Iterable[Port],
        setup: Callable[[], dict[str, Any]],
    ) -> None:
        self._wish, self._clock, self._transport = wish, clock, transport
        self._living, self._recorder, self._setup_of = living, recorder, setup
        self._ports = sorted((str(port), port.component) for port in ports)
        self._is_root = transport.rank == 0
        folder = wish.resume or (None if wish.out is None else unfinished(wish.out))
        self._generations = None if folder is None else Generations(folder)
        self._loaded: Loaded | None = None
        self._next: Manifest | None = None
        self._setup: dict[str, Any] = {}
        self._origin: dict[str, Any] | None = None

    def load(self, end: int | None) -> tuple[Window, Window]:
        """On every rank together: find the newest checkpoint that all can read, if the run goes on from one.

        ``end``: of the run, if it was given. Returns what is to be lived through, and the same from where recordings begin.

        Raises
        ------
        CheckpointError: there is none, or it belongs to another run; the same on every rank.
        """
        wish, manifest = self._wish, None
        if wish.keeps or wish.start is not None:
            self._setup = self._living.together("the start", self._setup_of)
            parts = [*self._living.parts, *(self._recordings() if wish.resume else ())]
            finder = Finder(self._clock, self._transport, self._living.together, self._setup, parts)
            if wish.resume is not None and self._generations is not None:
                self._loaded = finder.newest(self._generations, wish.force)
            elif wish.start is not None:
                self._loaded = finder.branched(wish.start)
            if self._loaded is not None:
                manifest = self._loaded.manifest
                end = manifest.end if end is None else end
                if end <= manifest.tick:
                    at_ms, end_ms = self._clock.ms(manifest.tick), self._clock.ms(end)
                    finder.refuse(
                        f"the checkpoint is of {at_ms:g} ms, and the run is to end at {end_ms:g} ms; give a later end"
                    )
        assert end is not None
        start = 0 if manifest is None else manifest.tick
        began = manifest.began if manifest is not None and wish.resume else start
        return Window(start, end), Window(began, end)

    def begin(self, span: Window, window: int, seed: int) -> dict[str, list[int]]:
        """On every rank together, when all parts are prepared: take up the checkpoint that was loaded, and be ready for more.

        Returns what the watch over drift remembers.

        Raises
        ------
        CheckpointError: a state does not fit, or the disk refuses; the same on every rank.
        """
        loaded, together = self._loaded, self._living.together
        before = None if self._wish.start is not None or loaded is None else loaded.manifest
        if loaded is not None:
            together("the checkpoint", lambda: self._restore(loaded, seed))
            self._origin = loaded.origin or loaded.manifest.origin
            self._loaded = None  # its arrays are no longer needed
        if before is not None:
            together("the checkpoint", lambda: self._clear_the_way(before))
        if self._wish.keeps:
            self._next = Manifest(
                tick=span.start,
                began=span.start if before is None else before.began,
                end=span.stop,
                window=window,
                every=self._wish.every or (before.every if before else None),
                seed=seed,
                reason="",
                created="",
                versions=deciding_versions(),
                resumed_at=[] if before is None else [*before.resumed_at, before.tick],
                origin=self._origin,
            )
        return {} if before is None else before.drift

    def _restore(self, loaded: Loaded, seed: int) -> None:
        states, manifest = loaded.states, loaded.manifest
        for name, part in self._living.parts.items():
            with _named(f"{name}: its state cannot be restored"):
                if self._wish.start is not None:
                    part.restore(branched(name, part, states.get(name), manifest.tick, seed != manifest.seed))
                else:
                    part.restore(states.pop(name))
        if self._wish.start is not None:
            self._warn_of_circuits(loaded.origin["differs"])
        else:
            with _named("the recordings cannot be taken up"):
                self._recorder.restore({key: value for state in states.values() for key, value in state.items()})

    def _warn_of_circuits(self, differs: list[str]) -> None:
        """What a build function puts into arrays is state: it comes with the checkpoint."""
        for name, part in self._living.parts.items():
            own = f"brain.components.{name.partition(' ')[2]}.parameters"
            if hasattr(part, "build") and any(line.startswith(own) for line in differs):
                say(
                    f"warning: {name}: its parameters differ from those of the checkpoint; constants in its equations take the "
                    f"new values, but what its build function puts into variables of neurons and synapses stays as it was"
                )

    def _clear_the_way(self, before: Manifest) -> None:
        """What is newer than the checkpoint that is taken up could not be used."""
        if self._is_root and self._generations is not None:
            self._generations.set_aside(after=before.tick)

    @property
    def at_border(self) -> Callable[[Window, str | None], None] | None:
        """To be called at the end of every window with the signal that asks for a checkpoint, if any; ``None``: no need."""
        return self._at_border if self._next is not None else None

    def _at_border(self, window: Window, asked: str | None) -> None:
        assert self._next is not None
        every = self._next.every
        due = every is not None and window.stop // every > window.start // every
        if (due or asked) and window.stop < self._next.end:
            self._write(window.stop, asked or "time")

    def _write(self, tick: int, reason: str) -> None:
        """Every rank writes the parts that live on it, aside; when all have, the root gives the whole its name.

        Raises
        ------
        CheckpointError: a disk refuses, the same on every rank; the checkpoints before are whole.
        """
        assert self._generations is not None
        assert self._next is not None
        generations, together = self._generations, self._living.together
        try:
            together("the checkpoint", lambda: generations.begin(tick) if self._is_root else None)
            mine = together("the checkpoint", lambda: self._write_mine(generations.aside(tick)))
            everyone = self._transport.everyone(mine, "the checkpoint")
            manifest = replace(
                self._next,
                tick=tick,
                reason=reason,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                drift={name: counts for _, drift in everyone for name, counts in drift.items()},
                files={name: entry for files, _ in everyone for name, entry in files.items()},
            )
            together("the checkpoint", lambda: generations.publish(manifest) if self._is_root else None)
        except BaseException:
            if self._is_root:
                generations.drop(tick)
            raise

    def _write_mine(self, folder: Path) -> tuple[dict[str, Entry], dict[str, list[int]]]:
        """The files of this rank's parts, and what the watch over drift remembers of them."""
        files: dict[str, Entry] = {}
        self._transport.tell("writing a checkpoint")
        try:
            if self._is_root:
                files[SETUP_FILE] = write_bytes(folder / SETUP_FILE, json.dumps(self._setup).encode())
            for name, state in self._states():
                files[name] = write_arrays(folder / _file_name(name), state, name)
        except OSError as error:
            raise unwritable(folder.parent, error) from error
        return files, self._living.drift

    def _states(self) -> Iterator[tuple[str, State]]:
        for name, part in self._living.parts.items():
            with _named(f"{name}: its state cannot be had"):
                state = part.state()
            yield name, state
        self._recorder.flush()
        recorded = self._recorder.state()
        for name in self._recordings():
            port = name.partition(" ")[2]
            yield name, {key: value for key, value in recorded.items() if key.startswith(f"{port}/")}

    def _recordings(self) -> list[str]:
        """What is recorded of this rank's components, as ``"recording cortex.rate"``."""
        here = self._living.parts
        return [f"{RECORDING} {port}" for port, component in self._ports if f"{COMPONENT} {component}" in here]

    @property
    def provenance(self) -> dict[str, Any]:
        """For the results: when the run was taken up again, and what it branched from."""
        resumed = [] if self._next is None else [self._clock.ms(tick) for tick in self._next.resumed_at]
        found: dict[str, Any] = {"resumed_at_ms": resumed} if resumed else {}
        return found | ({"branched_from": self._origin} if self._origin else {})

    def done(self) -> None:
        """The run is complete and its results are saved: checkpoints have served their time."""
        if self._is_root and self._next is not None and self._generations is not None:
            self._generations.remove()


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Say whose state it was that made trouble."""
    try:
        yield
    except HybridError:
        raise
    except Exception as error:
        raise CheckpointError(f"{what}: {told(error)}") from error


def _file_name(name: str) -> str:
    """Readable where it can be, and another for every name, on file systems too that do not tell capitals from small letters."""
    kind, _, of = name.partition(" ")
    safe = re.sub(r"[^\w.+-]", "_", quote(of, safe=" ").replace("%", "_"))[:80]
    return f"{kind}-{safe}-{sha256(name.encode()).hexdigest()[:8]}.npz"
