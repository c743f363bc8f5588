"""How the recordings of a run become its output: gathered from memory, or joined from what the ranks have written."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from hybrid.clock import Window
from hybrid.errors import DataError
from hybrid.results import Results
from hybrid.results.file import check_place
from hybrid.results.folder import RECORDINGS, RunFolder, check_free, clear, parts, unfinished
from hybrid.results.layout import array_names, file_name
from hybrid.results.lazy import arrays_of
from hybrid.results.parts import Kept, kept
from hybrid.results.place import exists
from hybrid.results.recorder import Recorder
from hybrid.results.recording import Recording
from hybrid.results.stored import StoredFile, StoredRecordings, StoredRows, with_arrays
from hybrid.run.saving import save_apart
from hybrid.run.wish import Wish

Together = Callable[[str, Callable[[], Any]], Any]


class Keeping:
    """The output of a run on one rank, and the folder beside it in which recordings grow that are too large for the memory."""

    def __init__(self, wish: Wish) -> None:
        self.out, self._join = wish.out, wish.join
        self._overwrite, self._resumes, self._checkpoints = wish.overwrite, wish.resume is not None, wish.keeps
        self.run = uuid4().hex  # that of rank 0 counts
        self._folder: RunFolder | None = None
        self._claimed = False
        self._found: dict[str, Kept] = {}
        self.in_files = False  # whether recordings were written on the way, on any rank
        self.recorded = Window(0, 0)
        self._remains: Path | None = None  # the folder in which recordings stay that are not joined

    @property
    def place(self) -> Path | None:
        """Where ranks write what they record."""
        return None if self.out is None else RunFolder(unfinished(self.out), "", {}).recordings

    @property
    def output(self) -> Path | None:
        """Where the results are in the end."""
        return self._remains or self.out

    def check(self) -> None:
        """Refuse an output that cannot be written, or that is another run's; on rank 0, before anything runs."""
        if self.out is None:
            return
        self._overwrite = self._overwrite or (self._resumes and _is_partial(self.out))
        check_place(self.out, self._overwrite)
        check_free(unfinished(self.out), self._overwrite or self._resumes)
        if not self._join and not self._overwrite and os.path.lexists(parts(self.out)):
            raise exists(parts(self.out))

    def begin(self, run: str, about: Mapping[str, Any]) -> None:
        """What to say of the run, should it not come to its end."""
        if self.out is not None:
            self._folder = RunFolder(unfinished(self.out), run, about)

    def take_place(self) -> None:
        """Remove what a run that did not finish left there, or take it over; on rank 0, when this one is about to begin."""
        if self._resumes and self._folder is not None:
            self._folder.adopt()
        elif self.out is not None:
            clear(unfinished(self.out))
        if self._checkpoints:
            self.claim()

    def claim(self) -> None:
        """Make the folder and lock it, and later show that the run goes on."""
        assert self._folder is not None
        if self._claimed:
            self._folder.beat()
        else:
            self._folder.claim()
            self._claimed = True

    def tidy(self) -> None:
        """Leave nothing that nobody needs; on rank 0, when the run is over."""
        if self._folder is not None:
            self._folder.tidy()

    def abandon(self, recorder: Recorder) -> None:
        """The run failed: what was written stays, for others to read or to go on with."""
        recorder.give_up()
        self.tidy()

    # -- at the end ----------------------------------------------------------------------------------------------------

    def written(self, recorder: Recorder, lived: Window) -> tuple[str, dict[str, tuple[str, int, int]]]:
        """Write what is left; returns this host, and by port the file, its bytes and rows."""
        recorder.flush()
        recorder.close()
        return socket.gethostname(), recorder.written(lived)

    def found(self, of_ranks: list[tuple[str, dict[str, tuple[str, int, int]]]], lived: Window) -> dict[str, Recording]:
        """The files of all ranks as recordings; on rank 0.

        Raises
        ------
        DataError: rank 0 does not see the file of another rank, or not all of it.
        """
        assert self.place is not None
        for rank, (host, files) in enumerate(of_ranks):
            for port, (name, size, rows) in files.items():
                path = self.place / name
                seen = path.stat().st_size if path.exists() else None
                if seen != size:
                    what = "does not see it" if seen is None else f"sees {seen:,} bytes of it"
                    raise DataError(
                        f"{path}: rank {rank} on {host} wrote {size:,} bytes of {port} to it, but rank 0 on "
                        f"{socket.gethostname()} {what}; give an output on a file system that all ranks share (nothing was "
                        f"deleted: what each wrote is still there)"
                    )
                self._found[port] = kept(path)
                if len(self._found[port].arrays[0]) != rows:
                    raise DataError(
                        f"{path}: {rows:,} rows of {port} were written to it, but {len(self._found[port].arrays[0]):,} are "
                        f"readable; it was damaged since"
                    )
        return {port: self._found[port].recording(lived.stop) for port in sorted(self._found)}

    def save(self, results: Results, killed_soon: bool, told: Callable[[float], object]) -> None:
        """Write the output; on rank 0. ``killed_soon``: a launcher may end this process before that is done."""
        if self.out is None:
            return
        out = self.out
        if self._found and not self._join:
            self._keep_parts(results)
        elif killed_soon:
            save_apart(lambda: self._save(results, out, None))
        else:
            self._save(results, out, told)

    def _save(self, results: Results, out: Path, told: Callable[[float], object] | None) -> None:
        results.save(out, self._overwrite, told)
        if self._found and not self._goes_on(results):
            assert self._folder is not None
            self._folder.remove_recordings()

    def _goes_on(self, results: Results) -> bool:
        """Whether the run may be resumed, for which its recordings stay."""
        return self._checkpoints and results.interrupted_by is not None

    def _keep_parts(self, results: Results) -> None:
        assert self._folder is not None
        assert self.out is not None
        self._remains = self._folder.path
        if self._goes_on(results):
            return
        finished = {
            **{name: getattr(results, name) for name in ("audit", "timing", "created", "interrupted_by", "duration")},
            **{name: getattr(results, name) for name in ("configuration", "versions", "plan", "provenance")},
        }
        clear(parts(self.out))
        self._remains = parts(self.out)
        self._folder.keep_as(self._remains, finished)

    def where(self) -> Any:
        """Where rank 0 has put the data, for :meth:`seen` on every rank, which then need not look."""
        if self.out is None or not self._found:
            return None
        if not self._join:
            files = {port: (each.path.name, each.told, each.frames) for port, each in self._found.items()}
            return {"frames": files, "folder": str(self._remains)}
        stored = Results.load(self.out, lazy=True, verify=False)
        assert isinstance(stored.recordings, StoredRecordings)
        shapes = {
            name: (replace(each, signal=type(each.signal).silence(Window(0, 0), 1)), each.signal.window, _shapes(each))
            for name, each in stored.recordings.items()
        }
        return {"content_sha256": stored.recordings.content_sha256, "ports": shapes}

    def seen(self, where: Any) -> Mapping[str, Recording]:
        """The recordings where rank 0 has put them; they are opened when they are first read."""
        assert self.out is not None
        if "frames" in where:
            self._remains = Path(where["folder"])
            folder = self._remains / RECORDINGS
            return {
                port: Kept.of(folder / name, told, frames).recording(self.recorded.stop)
                for port, (name, told, frames) in sorted(where["frames"].items())
            }
        file = StoredFile(self.out, where["content_sha256"])
        recordings = {}
        for port, (plain, window, shapes) in where["ports"].items():
            names = array_names(plain.port.carries_events)
            arrays = [
                StoredRows(file, f"/ports/{file_name(port)}/{name}", *shape)
                for name, shape in zip(names, shapes, strict=True)
            ]
            recordings[port] = replace(plain, signal=with_arrays(plain.port, window, arrays))
        return StoredRecordings(recordings, where["content_sha256"])


def _is_partial(out: Path) -> bool:
    """Whether there are results that an interrupted run saved, which a resumed one may replace."""
    try:
        return out.is_file() and Results.load(out, lazy=True, verify=False).is_partial
    except DataError:
        return False


def _shapes(recording: Recording) -> list[tuple[Any, Any]]:
    return [(array.shape, array.dtype) for array in arrays_of(recording.signal)]
