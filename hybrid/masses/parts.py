"""A network of masses in several parts: components of their own, which may live on different ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hybrid.clock import Clock, Window
from hybrid.connectome import Connectome
from hybrid.connectome.tracts import tract_delays_ms
from hybrid.errors import ConfigurationError, WiringError, unknown
from hybrid.masses.coupling import Coupling
from hybrid.masses.model import MassModel
from hybrid.masses.noise import Noise
from hybrid.ports import Port
from hybrid.signals import States
from hybrid.units import FloatArray

Indices = NDArray[np.int64]


class Joint:
    """What links a network to the other parts of a whole: its ports, its pull, and what was under way before tick 0.

    Port ``sent`` gives what others feel of each region, ``[feature * region]``; port ``others`` takes the weighed, delayed
    sums of it over the regions of other parts.
    """

    def __init__(
        self,
        name: str,
        whole: Connectome,
        regions: tuple[str, ...],
        features: int,
        *,
        speed_m_s: float,
        delays: str,
        dt_ms: float | None,
        initially_sent: Callable[[Clock, int], FloatArray],
    ) -> None:
        for label in regions:
            if label not in whole.labels:
                raise unknown(f"{name}: region of the whole", label, whole.labels)
        self.whole, self.regions, self.features = whole, regions, features
        self.initially_sent = initially_sent  # (clock, block) -> what others feel at tick 0, [feature, region]
        self._speed_m_s, self._delays, self._dt_ms = speed_m_s, delays, dt_ms
        size = features * len(regions)
        self.others = Port(name, "others", States, size, "in")
        self.sent = Port(name, "sent", States, size, "out")
        self.siblings: list[Joint] = []
        self._under_way = np.zeros((0, size))

    @property
    def pull(self) -> FloatArray:
        """Sum of the weights of all that reaches each region, from any part."""
        total: FloatArray = self.whole.projection(self.whole.labels, self.regions).weights.sum(axis=1)
        return total

    def check(self, clock: Clock) -> None:
        """``ConfigurationError`` for steps below a tick: what is sent is known from tick to tick."""
        name = self.sent.component
        if self._dt_ms is not None and clock.steps_per_tick(self._dt_ms, name) > 1:
            raise ConfigurationError(
                f"{name}: a part of a whole takes no dt_ms = {self._dt_ms:g} ms below the tick of {clock.tick_ms:g} ms, as what "
                f"other parts send is known from tick to tick; give the brain that tick, Brain(tick_ms={self._dt_ms:g}), or do "
                f"without parts"
            )

    def tracts_from(self, sibling: Joint, clock: Clock) -> Iterator[dict[str, Any]]:
        """``weight`` and ``delay_ms`` of the connections that bring what ``sibling`` sends."""
        each_feature = sparse.eye_array(self.features)
        for weights, ticks in self._shares(sibling, clock):
            delays_ms = np.where(weights != 0, ticks * clock.tick_ms, 0.0)
            yield {"weight": sparse.kron(each_feature, weights), "delay_ms": sparse.kron(each_feature, delays_ms)}

    def _shares(self, sibling: Joint, clock: Clock) -> list[tuple[FloatArray, NDArray[np.int64]]]:
        """Weights and delays in ticks, ``[target, source]``: twice, if delays are interpolated between two ticks."""
        tracts = self.whole.projection(sibling.regions, self.regions)
        ticks = delays_in_steps(tracts.lengths_mm, self._speed_m_s, clock, self._delays, self.sent.component)
        whole = np.floor(ticks).astype(np.int64)
        rest = ticks - whole
        shares = [(tracts.weights * (1.0 - rest), whole), (tracts.weights * rest, whole + 1)]
        return [(weights, delays) for weights, delays in shares if weights.any()]

    def prepare(self, clock: Clock, block: int) -> None:
        """Before tick 0 the regions of other parts, too, have always been in their initial states.

        ``ConfigurationError`` if tracts come from regions that no part stands for, or if steps are shorter than a tick.
        """
        self.check(clock)
        here = {*self.regions, *(label for sibling in self.siblings for label in sibling.regions)}
        absent = [label for label in self.whole.labels if label not in here]
        if absent and self.whole.projection(absent, self.regions).weights.any():
            raise ConfigurationError(
                f"{self.sent.component} is a part of a whole, but {absent[0]!r} and {len(absent) - 1} other regions are in "
                f"no part that it is joined with; use brain.join(*all_parts)"
            )
        shares = [
            (weights, ticks, sibling.initially_sent(clock, block))
            for sibling in self.siblings
            for weights, ticks in self._shares(sibling, clock)
        ]
        longest = max((int(ticks[weights != 0].max()) for weights, ticks, _ in shares), default=0)
        arriving = np.zeros((longest + 1, self.features, len(self.regions)))  # by delay
        for weights, ticks, sent in shares:
            target, source = np.nonzero(weights)
            for f in range(self.features):
                what = weights[target, source] * sent[f, source]
                np.add.at(arriving[:, f], (ticks[target, source], target), what)
        by_delay = arriving.reshape(longest + 1, -1)
        self._under_way = by_delay[::-1].cumsum(axis=0)[::-1][1:]  # at tick t, all with a delay above t

    def heard(self, window: Window, signal: Any) -> FloatArray:
        """What arrives over the window, ``[tick, feature * region]``."""
        values: FloatArray = signal.values
        early = self._under_way[window.start : window.stop]
        if len(early):
            values = values.copy()
            values[: len(early)] += early
        return values


def groups_of(name: str, connectome: Connectome, parts: int | Sequence[Sequence[str]]) -> list[Indices]:
    """The regions of each part, as indices: so many parts of equal size, or the labels of each."""
    n = len(connectome)
    if isinstance(parts, int | np.integer):
        if not 1 <= parts <= n:
            raise ConfigurationError(f"{name}: parts = {parts}; give 1 to {n}, as many as there are regions")
        return [np.array(each) for each in np.array_split(np.arange(n), parts)]
    if isinstance(parts, str | float) or not all(isinstance(labels, Sequence) for labels in parts):
        raise ConfigurationError(
            f"{name}: parts = {parts!r}; give how many, or the labels of each: [['lA1', 'lA2'], ['lV1']]"
        )
    groups = [np.array([_index(name, connectome, label) for label in labels], np.int64) for labels in parts]
    counts = np.bincount(np.concatenate(groups), minlength=n)
    if (counts != 1).any():
        label = connectome.labels[int(np.argmax(counts != 1))]
        raise ConfigurationError(
            f"{name}: region {label!r} is in {counts.max() if counts.max() > 1 else 0} parts; give each region one"
        )
    return groups


def _index(name: str, connectome: Connectome, label: str) -> int:
    if label not in connectome.labels:
        raise unknown(f"{name}: region", label, connectome.labels)
    return connectome.labels.index(label)


def model_of(model: MassModel, group: Indices, n: int) -> MassModel:
    """The model of some of the regions: arrays of parameters are cut."""
    cut = {key: cut_to(getattr(model, key), group, n) for key in model.parameter_names if np.ndim(getattr(model, key))}
    return replace(model, **cut) if cut else model  # type: ignore[type-var]


def noise_of(noise: Noise | None, group: Indices, n: int) -> Noise | None:
    if noise is None:
        return None
    sigma = noise.sigma
    cut = {k: cut_to(v, group, n) for k, v in sigma.items()} if isinstance(sigma, dict) else cut_to(sigma, group, n)
    return Noise(cut, multiplicative=noise.multiplicative, tau_ms=noise.tau_ms)


def initial_of(initial: Any, group: Indices, n: int) -> Any:
    if isinstance(initial, Mapping):
        return {key: cut_to(value, group, n) for key, value in initial.items()}
    return None if initial is None else np.asarray(initial)[:, group]


def cut_to(value: Any, group: Indices, n: int) -> Any:
    """A number as it is, an array of all regions cut to some."""
    return np.asarray(value)[group] if np.shape(value) == (n,) else value


def delays_in_steps(lengths_mm: FloatArray, speed_m_s: float, clock: Clock, delays: str, what: str) -> NDArray[Any]:
    """In steps, those of ``clock``, at least one; whole ones if they are "rounded"."""
    if delays == "rounded":
        return clock.ticks_of(tract_delays_ms(lengths_mm, speed_m_s, clock.tick_ms), f"{what}: delays")
    steps = np.maximum(lengths_mm / speed_m_s / clock.tick_ms, 1.0)
    whole = np.rint(steps)
    return np.where(np.isclose(steps, whole, rtol=0.0, atol=1e-6), whole, steps)


class Part(Protocol):
    """What parts of one whole must have in common, and their joint."""

    name: str
    model: MassModel
    coupling: Coupling
    speed_m_s: float
    integrator: str
    coupling_in_step: str
    delays: str
    dt_ms: float | None
    noise: Noise | None
    joint: Joint | None


def joints_of(parts: Sequence[Part], clock: Clock) -> list[Joint]:
    """Those of networks that are parts of one whole; ``WiringError`` if they are not."""
    joints = []
    for part in parts:
        if not hasattr(part, "joint"):
            raise WiringError(f"brain.join() takes networks of masses, brain.join(*parts), not {type(part).__name__}")
        if part.joint is None:
            raise WiringError(f"{part.name} is no part of a whole; give it whole=connectome")
        part.joint.check(clock)
        joints.append(part.joint)
        _check_agreement(parts[0], part)
    taken: dict[str, str] = {}
    for joint in joints:
        for label in joint.regions:
            if label in taken:
                raise WiringError(
                    f"region {label!r} is in {taken[label]} and in {joint.sent.component}; a region is in one part"
                )
            taken[label] = joint.sent.component
    return joints


def _check_agreement(first: Part, other: Part) -> None:
    ours, theirs = _common(first), _common(other)
    for what in ours:
        if ours[what] != theirs[what]:
            raise WiringError(
                f"{first.name} and {other.name} are no parts of one network: {what} is {ours[what]} and {theirs[what]}; make "
                f"parts with MassNetwork.in_parts. Masses of other kinds are connected by their rates: "
                f"brain.connect(a['rate'], b['drive'], ...)"
            )
    if first.noise is not None and other.noise is not None and _kind(first.noise) != _kind(other.noise):
        raise WiringError(
            f"{first.name} and {other.name} are no parts of one network: their noise is {_kind(first.noise)} and "
            f"{_kind(other.noise)}; give both the same kind"
        )


def _common(part: Part) -> dict[str, Any]:
    """All that decides how a step is taken, and is the same for all regions."""
    assert part.joint is not None
    return {
        "model": f"{type(part.model).__module__}:{type(part.model).__qualname__}",
        "time_unit_ms": part.model.time_unit_ms,
        "coupling": part.coupling.describe(),
        "speed_m_s": part.speed_m_s,
        "integrator": part.integrator,
        "coupling_in_step": part.coupling_in_step,
        "delays": part.delays,
        "dt_ms": part.dt_ms,
        "whole": part.joint.whole,
    }


def _kind(noise: Noise) -> dict[str, Any]:
    return {"multiplicative": noise.multiplicative, "tau_ms": noise.tau_ms}
