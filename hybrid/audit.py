"""The audit: what an interface delivered against what theory says it should have."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hybrid.clock import Clock
from hybrid.signals import Moments, Signal
from hybrid.units import FloatArray

DRIFT_Z = 5.0  # a chance of one in two million: an interface beyond it is reported
ROUNDING = 1e-9  # relative; what sums of floating-point numbers may differ by


class Ledger:
    """Running totals of one conversion, per line: expected mean and variance, and what was delivered."""

    def __init__(self, size: int) -> None:
        self.expected: FloatArray = np.zeros(size)
        self.variance: FloatArray = np.zeros(size)
        self.delivered: FloatArray = np.zeros(size)

    def enter(self, moments: Moments, delivered: Signal, clock: Clock) -> None:
        self.expected += moments.mean
        self.variance += moments.variance
        self.delivered += delivered.total(clock)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One connection's balance over a run, summed over the lines of its target.

    ``expected`` and ``delivered`` count events (spikes) or integrate the signal over time (Hz·s are events, nA·s charge);
    ``in_flight`` was sent and has not arrived; ``bias`` is relative; ``z`` is the deviation in standard deviations of what
    chance allows (0 where nothing is random and nothing is missing, infinite where something is) and ``worst_z`` that of the
    target line farthest off, corrected for the number of lines.
    """

    connection: str
    source: str
    target: str
    adapter: str
    expected: float
    delivered: float
    in_flight: float
    bias: float
    z: float
    worst_z: float
    worst_line: int

    @property
    def drifts(self) -> bool:
        return not (abs(self.z) <= DRIFT_Z and abs(self.worst_z) <= DRIFT_Z)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "drifts": self.drifts}


def balance(
    expected: FloatArray, delivered: FloatArray, variance: FloatArray, variance_of_sum: float | None = None
) -> dict[str, Any]:
    """Sums, relative bias and z-scores of per-line totals; give ``variance_of_sum`` where lines are not independent."""
    difference, scale = delivered - expected, np.maximum(np.abs(expected), np.abs(delivered))
    per_line = _z(difference, variance, scale)
    worst = int(np.argmax(np.abs(per_line)))
    total, total_scale = float(difference.sum()), float(scale.sum())
    if variance_of_sum is None:
        variance_of_sum = float(variance.sum())
    return {
        "expected": float(expected.sum()),
        "delivered": float(delivered.sum()),
        "bias": total / float(expected.sum()) if expected.sum() else 0.0,
        "z": float(_z(np.array([total]), np.array([variance_of_sum]), np.array([total_scale]))[0]),
        "worst_z": _corrected(float(per_line[worst]), len(per_line)),
        "worst_line": worst,
    }


def _z(difference: FloatArray, variance: FloatArray, scale: FloatArray) -> FloatArray:
    rounding = ROUNDING * scale
    real = np.where(np.abs(difference) <= rounding, 0.0, difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        result: FloatArray = np.where(real == 0, 0.0, real / np.sqrt(variance))
    return result


def _corrected(z: float, lines: int) -> float:
    """The z-score whose chance is ``lines`` times that of the largest of ``lines`` (Bonferroni)."""
    if not np.isfinite(z) or lines < 2:
        return z
    from scipy.special import log_ndtr, ndtri_exp

    log_chance = min(float(log_ndtr(-abs(z))) + np.log(lines), np.log(0.5))
    return float(np.sign(z) * -ndtri_exp(log_chance))


def format_audit(rows: list[dict[str, Any]]) -> str:
    """The audit as a table for the terminal."""
    if not rows:
        return "audit: no connections"
    lines = [
        f"{'connection':28s} {'expected':>12s} {'delivered':>12s} {'bias':>10s} {'z':>7s} {'worst z':>8s}  verdict"
    ]
    for row in rows:
        verdict = "DRIFTS" if row["drifts"] else ("silent" if not row["expected"] and not row["delivered"] else "ok")
        lines.append(
            f"{row['connection'][:28]:28s} {row['expected']:12.5g} {row['delivered']:12.5g} {row['bias']:+10.2e} "
            f"{row['z']:+7.2f} {row['worst_z']:+8.2f}  {verdict}"
        )
    return "\n".join(lines)
