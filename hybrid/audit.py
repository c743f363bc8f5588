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
    """Running totals of one conversion, per line: expected mean and variance, and what was delivered.

    ``covariance`` is what the declared variance of the sum over lines has beyond the sum of their variances.
    """

    def __init__(self, size: int) -> None:
        self.expected: FloatArray = np.zeros(size)
        self.variance: FloatArray = np.zeros(size)
        self.delivered: FloatArray = np.zeros(size)
        self.covariance: FloatArray = np.zeros(1)

    def enter(self, moments: Moments, delivered: Signal, clock: Clock) -> None:
        self.expected += moments.mean
        self.variance += moments.variance
        self.delivered += delivered.total(clock)
        if moments.variance_of_sum is not None:
            self.covariance += moments.variance_of_sum - moments.variance.sum()

    @property
    def variance_of_sum(self) -> float | None:
        """``None`` where lines are independent."""
        covariance = float(self.covariance[0])
        return max(float(self.variance.sum()) + covariance, 0.0) if covariance else None


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
    expected: FloatArray,
    delivered: FloatArray,
    variance: FloatArray,
    *,
    variance_of_sum: float | None = None,
    scale: FloatArray | None = None,
    jump: float = 0.0,
) -> dict[str, Any]:
    """Sums, relative bias and z-scores of per-line totals.

    Parameters
    ----------
    expected, delivered, variance: ``[line]``.
    variance_of_sum: where lines are not independent; an event may then be one of each line.
    scale: ``[line]``, the size of the numbers that ``expected`` is a difference of; it decides what is rounding.
    jump: the size of a single event, 1 for spikes: a few rare ones are no deviation.
    """
    sizes = np.maximum(np.abs(expected), np.abs(delivered))
    scale = sizes if scale is None else np.maximum(scale, sizes)
    difference = np.where(np.abs(delivered - expected) <= ROUNDING * scale, 0.0, delivered - expected)
    per_line = _z(difference, variance, jump * _clumps(variance, expected))
    worst = int(np.argmax(np.abs(per_line)))
    total = float(delivered.sum() - expected.sum())
    total = 0.0 if abs(total) <= ROUNDING * scale.sum() else total
    if variance_of_sum is None:
        variance_of_sum, together = float(variance.sum()), 1
    else:
        together = len(variance)
    return {
        "expected": float(expected.sum()),
        "delivered": float(delivered.sum()),
        "bias": total / float(expected.sum()) if expected.sum() else 0.0,
        "z": float(_z(np.array([total]), np.array([variance_of_sum]), jump * together)[0]),
        "worst_z": _corrected(float(per_line[worst]), len(per_line)),
        "worst_line": worst,
    }


def _clumps(variance: FloatArray, expected: FloatArray) -> FloatArray:
    """The events that may come at once: 1, or ``2 F - 1`` where the declared Fano factor F is above that of Poisson counts.

    A rule, not a bound: bursts have no largest size, and with this one rare ones raise no alarm.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        fano = np.where((expected > 0) & (variance > expected), variance / expected, 1.0)
    return 2 * fano - 1


def _z(difference: FloatArray, variance: FloatArray, jump: FloatArray | float) -> FloatArray:
    """``difference / sqrt(variance)``, or, for events, the z-score of Bennett's bound on so large a deviation.

    Bennett (1962): a sum of independent terms of variance v, none above b, exceeds its mean by t with a chance of at most
    ``exp(-v/b^2 h(b t / v))``, ``h(u) = (1 + u) log(1 + u) - u``. For many events it is the normal one.
    """
    size = np.abs(difference)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if np.any(jump):
            u = jump * size / variance
            z = np.sqrt(2 * variance * ((1 + u) * np.log1p(u) - u)) / jump
            z = np.where(u < 1e-4, size / np.sqrt(variance), z)  # where the bracket is a difference of equals
            z = np.where(variance > 0, z, np.inf)
        else:
            z = size / np.sqrt(variance)
        result: FloatArray = np.where(size == 0, 0.0, np.sign(difference) * z)
    return result


def _corrected(z: float, lines: int) -> float:
    """The z-score whose chance is ``lines`` times that of the largest of ``lines`` (Bonferroni)."""
    if not np.isfinite(z) or lines < 2:
        return z
    from scipy.special import log_ndtr, ndtri_exp

    log_chance = min(float(log_ndtr(-abs(z))) + np.log(lines), np.log(0.5))
    return float(np.sign(z) * -ndtri_exp(log_chance)) + 0.0


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
