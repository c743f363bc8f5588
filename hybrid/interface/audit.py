"""The audit: what an interface delivered against what theory says it should have."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.adapter import Adapter, says_of_totals
from hybrid.clock import Clock, Window
from hybrid.errors import DriftError
from hybrid.signals import Moments, Signal
from hybrid.units import FloatArray

DRIFT_Z = 5.0  # a chance of one in two million: an interface beyond it is reported
CHECKS = 20  # evenly spaced moments of a run at which interfaces are looked at
WINDOWS_APART = 20  # but never closer than this, so that short runs stay cheap
IN_A_ROW = 3  # checks beyond DRIFT_Z that make a drift sustained
ROUNDING = 1e-9  # relative; what sums of floating-point numbers may differ by


class Totals:
    """What the source emitted ``[source]`` and what came out of the delay line ``[target]``, summed over a run."""

    def __init__(self, sent: FloatArray, arrived: FloatArray) -> None:
        self.sent, self.arrived = sent, arrived

    def state(self) -> dict[str, NDArray[Any]]:
        return {"sent": self.sent.copy(), "arrived": self.arrived.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.sent, self.arrived = np.array(state["sent"]), np.array(state["arrived"])


class Ledger:
    """What one adapter should have delivered and what it did, per line, summed over a run.

    Where the adapter's expectation follows from the total of what it took, it is asked in the end instead of in every window.

    Parameters
    ----------
    adapter: prepared, for ``lines`` lines.
    clock: of the run.
    lines: of what it takes.
    """

    def __init__(self, adapter: Adapter, clock: Clock, lines: int) -> None:
        self._adapter, self._clock, size = adapter, clock, adapter.emitted_size(lines)
        self._asks_in_the_end = says_of_totals(adapter, lines)
        self._sums = {
            "mean": np.zeros(size),
            "variance": np.zeros(size),
            "covariance": np.zeros(1),  # what the variance of the sum over lines has beyond the sum of their variances
            "delivered": np.zeros(size),
        }

    def enter(self, taken: Signal, delivered: Signal | None = None) -> None:
        """Count what the adapter took and, where it is final, what it gave: asked after ``convert`` of the same window."""
        sums = self._sums
        if not self._asks_in_the_end:
            moments = self._adapter.expected(taken)
            sums["mean"] += moments.mean
            sums["variance"] += moments.variance
            if moments.variance_of_sum is not None:
                sums["covariance"] += moments.variance_of_sum - moments.variance.sum()
        if delivered is not None:
            delivered.add_to(sums["delivered"])

    def expected(self, total: FloatArray) -> Moments:
        """Of ``total``, all that was taken (:meth:`hybrid.signals.Signal.total`); ``variance_of_sum`` is ``None`` where lines
        are independent.
        """
        sums = self._sums
        if self._asks_in_the_end:
            moments = self._adapter.expected_of_total(total)
            assert moments is not None
            return moments
        covariance = float(sums["covariance"][0])
        of_sum = max(float(sums["variance"].sum()) + covariance, 0.0) if covariance else None
        return Moments(sums["mean"], sums["variance"], of_sum)

    def delivered(self) -> FloatArray:
        """In the unit of :meth:`hybrid.signals.Signal.total`, what is held included."""
        return self._adapter.emits.in_total(self._sums["delivered"], self._clock) + self._adapter.held()

    def state(self) -> dict[str, NDArray[Any]]:
        return {name: each.copy() for name, each in self._sums.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._sums = {name: np.array(state[name]) for name in self._sums}


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

    def complaint(self, until_ms: float) -> str:
        """What is off after so much time, by how much, and what to do about it."""
        remedy = "check its adapter with hybrid.testing.check_adapter or the command hybrid check"
        if self.adapter == "none":
            remedy = "without an adapter that is a fault of the delay line, please report it"
        return (
            f"({self.source} -> {self.target}, {self.adapter}) delivered {self.delivered:g} where {self.expected:g} were "
            f"expected until t = {until_ms:g} ms (z = {self.z:.3g}, line {self.worst_line}: {self.worst_z:.3g}); {remedy}"
        )


class DriftWatch:
    """Looks at the interfaces of a rank at fixed moments of a run and speaks up, once for each, when one drifts.

    The moments are the first ends of windows at or after every twentieth of the run: neither the number of ranks nor the
    placement nor the time it takes moves them. A drift is told when it has lasted for ``IN_A_ROW`` checks, or is there at the
    end.

    Looking often raises the chance of a false alarm, but hardly so. Each of 18 checks may begin three in a row, which bounds
    the chance by 18 times that of a single look, 1e-5 for normal totals. In truth it is 9e-7, 1.6 times that of a single look
    (Brownian totals, integrated over their values at the 20 checks): totals run from the start, so what chance did early in
    a run is diluted before it has lasted for three checks, and late in it they hardly change from one to the next. A look at
    the end adds its own 6e-7, and ``worst_z`` as much again. The z-score of a bias grows with the square root of time and stays.

    Parameters
    ----------
    on_drift: ``"warn"``, ``"error"`` (raise) or ``"ignore"`` (do not look; the audit is kept with the results all the same).
    end: the tick at which the run ends.
    window: ticks of a window.
    """

    def __init__(self, on_drift: str, clock: Clock, end: int, window: int) -> None:
        self._error, self._ignored = on_drift == "error", on_drift == "ignore"
        self._clock, self._end = clock, end
        self._every = max(-(-end // CHECKS), WINDOWS_APART * window)
        self._in_a_row: dict[str, int] = defaultdict(int)
        self._told: set[str] = set()

    def state(self) -> dict[str, list[int]]:
        """By connection: how many checks in a row it was off, and whether that has been told (1) or not (0)."""
        return {name: [count, int(name in self._told)] for name, count in self._in_a_row.items()}

    def restore(self, state: Mapping[str, list[int]]) -> None:
        """Go on from what :meth:`state` gave."""
        self._in_a_row.update({name: count for name, (count, _) in state.items()})
        self._told |= {name for name, (_, told) in state.items() if told}

    def is_due(self, window: Window) -> bool:
        """Whether to look at the end of this window."""
        if self._ignored:
            return False
        return window.stop == self._end or window.stop // self._every > window.start // self._every

    def look(self, row: AuditRow, window: Window) -> None:
        """Judge one connection's balance at the end of a window.

        Raises
        ------
        DriftError: if that was asked for.
        """
        name = row.connection
        self._in_a_row[name] = self._in_a_row[name] + 1 if row.drifts else 0
        lasting = self._in_a_row[name] >= IN_A_ROW or (row.drifts and window.stop == self._end)
        if not lasting or name in self._told:
            return
        self._told.add(name)
        complaint = row.complaint(self._clock.ms(window.stop))
        if self._error:
            raise DriftError(complaint)
        warnings.warn(f"{name} {complaint}", stacklevel=7)  # points to the caller of Simulation.run


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
    jump: the size of a single event, 1 for spikes: a few rare ones are no deviation. 0 if nothing comes in events.
    """
    sizes = np.maximum(np.abs(expected), np.abs(delivered))
    scale = sizes if scale is None else np.maximum(scale, sizes)
    difference = np.where(np.abs(delivered - expected) <= ROUNDING * scale, 0.0, delivered - expected)
    clumps = _clumps(variance, expected) if jump == 1.0 else 1.0  # of another size, it is that of the event itself
    per_line = _z(difference, variance, jump * clumps)
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
