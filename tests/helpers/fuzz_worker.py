"""A process of its own that loads one hostile file after the other, with little memory, and tells what came of each."""

from __future__ import annotations

import pickle
import resource
import shutil
import signal
import struct
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, BinaryIO

MEMORY = 768 * 2**20  # bytes that loading may take, on top of what the interpreter has
TIME_S = 20
GOOD = "loaded"


def load(kind: str, folder: Path, detail: Any) -> None:
    """Do with the files in ``folder`` what a user would do with them."""
    if kind == "connectome":
        from hybrid import Connectome

        Connectome.load(folder / detail)
    elif kind == "results":
        from hybrid import Results

        results = Results.load(folder / "run.h5")
        results.info()
    else:
        from hybrid.experiment import Experiment

        Experiment.load(folder / "experiment.toml", detail).simulation()


def outcome(kind: str, folder: Path, detail: Any) -> str:
    """``loaded``, ``refused`` in the package's own way, or the traceback of anything else."""
    from hybrid.errors import HybridError

    signal.alarm(TIME_S)
    try:
        load(kind, folder, detail)
    except HybridError as error:
        said = str(error)
        return "refused" if said and len(said) < 20_000 else f"refused, in {len(said)} letters"
    except _TookTooLongError:
        return f"took more than {TIME_S} s"
    except BaseException as error:
        return f"{type(error).__name__} came out: " + "".join(traceback.format_exception(error)[-6:])
    finally:
        signal.alarm(0)
    return GOOD


class _TookTooLongError(BaseException):
    pass


def _too_long(*_: Any) -> None:
    raise _TookTooLongError


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def serve(folder: Path) -> None:
    signal.signal(signal.SIGALRM, _too_long)
    output, sys.stdout = sys.stdout.buffer, sys.stderr  # nothing that is loaded may speak in between
    limited = False
    while (message := _receive(sys.stdin.buffer)) is not None:
        kind, files, detail = message
        shutil.rmtree(folder, ignore_errors=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _send(output, outcome(kind, folder, detail))
        if not limited:  # the first, a good one, has imported what there is to import
            _limit_memory()
            limited = True


def _send(stream: BinaryIO, message: Any) -> None:
    data = pickle.dumps(message)
    stream.write(struct.pack("<q", len(data)) + data)
    stream.flush()


def _receive(stream: BinaryIO) -> Any:
    head = stream.read(8)
    return pickle.loads(stream.read(struct.unpack("<q", head)[0])) if len(head) == 8 else None


class Worker:
    """The worker as its owner sees it; a new one takes the place of one that died."""

    def __init__(self, folder: Path, good: tuple[str, dict[str, bytes], Any], environment: dict[str, str]) -> None:
        self.folder, self.good, self.environment = folder, good, environment
        self.program = __file__
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, files: dict[str, bytes], detail: Any) -> str:
        if self.process is None or self.process.poll() is not None:
            command = [sys.executable, self.program, str(self.folder)]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment
            )
            assert self._answer(*self.good) == GOOD, "the good file is not"
        return self._answer(self.good[0], files, detail)

    def _answer(self, kind: str, files: dict[str, bytes], detail: Any) -> str:
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            _send(self.process.stdin, (kind, files, detail))
            answer = _receive(self.process.stdout)
        except BrokenPipeError:
            answer = None
        return answer if answer is not None else f"killed the process: exit code {self.process.wait(10)}"

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
