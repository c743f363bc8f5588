"""Whether every rank is about to run the same: compared by checksums before anything is prepared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import zip_longest

import numpy as np

from hybrid.bits import VARIABLE, bits
from hybrid.brain import Brain
from hybrid.clock import Window
from hybrid.errors import ConfigurationError
from hybrid.results import software_versions
from hybrid.run.plan import Plan
from hybrid.run.transport import Transport

_WHERE = "comparing ranks"
_DECIDE_BITS = ("hybrid", "python", "numpy", "scipy", "numba", "brian2")  # versions
_REMEDY = {
    "bits": f"set ${VARIABLE} for all of them, as by mpirun -x",
    "versions": "give all of them the same environment",
}
_SAME_RUN = "every rank must build the same brain and run it in the same way (draw random weights from a seed)"
_SHOWN = 300  # characters of a line that differs


def what_must_agree(brain: Brain, plan: Plan, seed: int, span: Window, recorded: Iterable[str]) -> dict[str, list[str]]:
    """Lines of text by subject, which are the same on all ranks if their results can be."""
    versions = software_versions()
    return {
        "bits": [bits()],
        "versions": [f"{name} {versions.get(name)}" for name in _DECIDE_BITS],
        "run": [f"seed {seed}", f"{span} in windows of {plan.window} ticks of {brain.clock.tick_ms!r} ms"],
        "recordings": sorted(recorded),
        "components": [
            f"{name}: {type(each).__name__} with {', '.join(_ports(each)) or 'no ports'}"
            for name, each in sorted(brain.components.items())
        ],
        "connections": [
            f"{name}: {each}, weights and delays {each.checksum():08x}, adapter {type(each.adapter).__name__}"
            for name, each in sorted(brain.connections.items())
        ],
        "placement": [f"{name} on rank {rank}" for name, rank in plan.rank_of.items()],
    }


def _ports(component: object) -> list[str]:
    ports = {**component.inputs, **component.outputs}  # type: ignore[attr-defined]
    return [f"{name} ({port.kind.__name__}, {port.size})" for name, port in ports.items()]


def require_agreement(transport: Transport, facts: Mapping[str, list[str]]) -> None:
    """Compare the facts of all ranks, by one reduction of some integers.

    ``ConfigurationError`` names two ranks that differ, and what each of them has; it is raised on all ranks.
    """
    sums = np.array([_checksum(lines) for lines in facts.values()], np.int64)
    highest = transport.highest(np.concatenate([sums, -sums]), _WHERE)
    differs = highest[: sums.size] != -highest[sums.size :]
    for subject, difference in zip(facts, differs, strict=True):
        if difference:
            _refuse(transport, subject, facts[subject])


def _refuse(transport: Transport, subject: str, lines: list[str]) -> None:
    sums = transport.everyone(_checksum(lines), _WHERE)
    other = next(rank for rank, each in enumerate(sums) if each != sums[0])
    texts = transport.everyone(lines if transport.rank in (0, other) else None, _WHERE)
    pairs = zip_longest(texts[0], texts[other], fillvalue="nothing")
    first, second = next(pair for pair in pairs if pair[0] != pair[1])
    raise ConfigurationError(
        f"{subject}: not the same on all ranks (rank 0: {first[:_SHOWN]}; rank {other}: {second[:_SHOWN]}); "
        f"{_REMEDY.get(subject, _SAME_RUN)}"
    )


def _checksum(lines: list[str]) -> int:
    """In 62 bits, so that its negative is an integer of 64 bits too."""
    return int.from_bytes(sha256("\n".join(lines).encode()).digest()[:8]) >> 2
