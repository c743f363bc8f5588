"""What tests of checkpoints run on every rank: a run that is killed at a tick or while it writes, or one that goes on.

``run KIND OUT``, ``resume KIND OUT``; where it ends is said by ``KILL_TICK``, ``KILL_FILE`` (the number of the file that is being
written) and ``SIGNAL`` (which the process sends to itself at ``SIGNAL_TICK``).
"""

from __future__ import annotations

import os
import signal
import sys

from checkpoint_brains import DURATION_MS, Leaver, simulation

from hybrid.run.checkpoint import Generations, keeper


class Killed:
    """Writes files of checkpoints until the process dies in the middle of one."""

    def __init__(self, number: int) -> None:
        self.left, self.write = number, keeper.write_arrays

    def __call__(self, path, state, who):
        self.left -= 1
        if not self.left:
            path.write_bytes(b"PK torn")
            os.kill(os.getpid(), signal.SIGKILL)
        return self.write(path, state, who)


def signalling(at_tick: int, name: str) -> None:
    def advance(self, window, inputs):
        if at_tick in window:
            os.kill(os.getpid(), signal.Signals[name])
        return {}

    Leaver.advance = advance


publish = Generations.publish


def told(self, manifest) -> None:
    publish(self, manifest)
    print(f"checkpoint {manifest.tick} {manifest.reason}", flush=True)


def main(mode: str, kind: str, out: str) -> None:
    tick = os.environ.get("KILL_TICK")
    run = simulation(kind, None if tick is None else int(tick), kills=True, timeout_s=20)
    Generations.publish = told
    if "KILL_FILE" in os.environ:
        keeper.write_arrays = Killed(int(os.environ["KILL_FILE"]))
    if "SIGNAL" in os.environ:
        signalling(int(os.environ["SIGNAL_TICK"]), os.environ["SIGNAL"])
    results = run.run(DURATION_MS, out=out, checkpoint_every_ms=5.0) if mode == "run" else run.resume(out)
    print(f"sha {results.content_sha256}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
