"""What came of one point: done or failed, with the hash of its results, how long it took, and its features."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hybrid.experiment.sweep.storage import outcome_path, write_text

DONE, FAILED, MISSING = "done", "failed", "missing"


@dataclass(frozen=True)
class Outcome:
    """``seconds``: of the run, its preparation included; ``features``: by name; ``feature_errors``: by function."""

    status: str = MISSING
    content_sha256: str = ""
    seconds: float = float("nan")
    error: str = ""
    features: dict[str, float] = field(default_factory=dict)
    feature_errors: dict[str, str] = field(default_factory=dict)
    computed: tuple[str, ...] = ()  # references of the functions that features come from

    def save(self, folder: Path, number: int) -> None:
        # not durable: without it a point is recognised by its results, or run again
        write_text(outcome_path(folder, number), json.dumps(asdict(self), ensure_ascii=False), durable=False)

    @classmethod
    def load(cls, folder: Path, number: int) -> Outcome:
        """What was saved; of a point that is not done, or whose file is damaged, one that is missing."""
        try:
            found = json.loads(outcome_path(folder, number).read_text(encoding="utf-8", errors="surrogatepass"))
            outcome = cls(**{**found, "computed": tuple(found["computed"])})
            return outcome if outcome.status in (DONE, FAILED) else cls()
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return cls()

    @property
    def told(self) -> str:
        """The error of the point, or of its features, in one line."""
        errors = [self.error] if self.error else []
        errors += [f"feature {name}: {error}" for name, error in self.feature_errors.items()]
        return "; ".join(" ".join(each.split()) for each in errors)
