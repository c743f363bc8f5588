"""A network of masses in several parts: components of their own, which may live on different ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError, WiringError, unknown
from hybrid.masses.model import MassModel
from hybrid.masses.noise import Noise
from hybrid.ports import Port
from hybrid.signals import States
from hybrid.units import FloatArray

if TYPE_CHECKING:
    from hybrid.connectome import Connectome
    from hybrid.masses.network import MassNetwork

Indices = NDArray[np.int64]


class Joint:
    """What links a network to the other parts of a whole: its ports, its pull, and what was under way before tick 0.

    Port ``sent`` gives what others feel of each region, ``[feature * region]``; port ``others`` takes the weighed, delayed
    sums of it over the regions of other parts.
    """

    def __init__(self, name: str, whole: Connectome, regions: tuple[str, ...], features: int) -> None:
        for label in regions:
            if label not in whole.labels:
                raise unknown(f"{name}: region of the whole", label, whole.labels)
        self.whole, self.regions, self.features = whole, regions, features
        size = features * len(regions)
        self.others = Port(name, "others", States, size, "in")
        self.sent = Port(name, "sent", States, size, "out")
        self.siblings: list[MassNetwork] = []
        self._under_way = np.zeros((0, size))

    @property
    def pull(self) -> FloatArray:
        """Sum of the weights of all that reaches each region, from any part."""
        total: FloatArray = self.whole.projection(self.whole.labels, self.regions).weights.sum(axis=1)
        return total

    def tracts_from(self, sibling: MassNetwork, speed_m_s: float, tick_ms: float) -> dict[str, Any]:
        """``weight`` and ``delay_ms`` of the connection that brings what ``sibling`` sends."""
        tracts = self.whole.projection(sibling.regions, self.regions)
        return {
            "weight": np.kron(np.eye(self.features), tracts.weights),
            "delay_ms": np.tile(tracts.delays_ms(speed_m_s, tick_ms), (self.features, self.features)),
        }

    def prepare(self, clock: Clock, speed_m_s: float, block: int) -> None:
        """Before tick 0 the regions of other parts, too, have always been in their initial states.

        ``ConfigurationError`` if tracts come from regions that no part stands for.
        """
        here = {*self.regions, *(label for sibling in self.siblings for label in sibling.regions)}
        absent = [label for label in self.whole.labels if label not in here]
        if absent and self.whole.projection(absent, self.regions).weights.any():
            raise ConfigurationError(
                f"{self.sent.component} is a part of a whole, but {absent[0]!r} and {len(absent) - 1} other regions are in "
                f"no part that it is joined with; use brain.join(*all_parts)"
            )
        shares = []
        for sibling in self.siblings:
            tracts = self.tracts_from(sibling, speed_m_s, clock.tick_ms)
            delays = clock.ticks_of(tracts["delay_ms"], "delays")
            shares.append((delays, tracts["weight"] * sibling.initially_sent(clock, block)))
        longest = max((int(delays[shares != 0].max(initial=0)) for delays, shares in shares), default=0)
        arriving = np.zeros((longest + 1, len(self.regions) * self.features))  # by delay
        for delays, share in shares:
            target, source = np.nonzero(share)
            np.add.at(arriving, (delays[target, source], target), share[target, source])
        self._under_way = arriving[::-1].cumsum(axis=0)[::-1][1:]  # at tick t, all with a delay above t

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
    if isinstance(parts, int):
        if not 1 <= parts <= n:
            raise ConfigurationError(f"{name}: parts = {parts}; give 1 to {n}, as many as there are regions")
        return [np.array(each) for each in np.array_split(np.arange(n), parts)]
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


def check_siblings(networks: Sequence[MassNetwork]) -> None:
    """That these are parts of one whole, and speak of the same things."""
    for network in networks:
        joint = network.joint
        if joint is None:
            raise WiringError(f"{network.name} is no part of a whole; give it whole=connectome")
        first = networks[0].joint
        assert first is not None
        if joint.whole is not first.whole or joint.features != first.features:
            raise WiringError(
                f"{network.name} and {networks[0].name} are no parts of one network: they must have the same connectome as "
                f"whole=, and send as many variables ({joint.features} and {first.features}). Masses of other kinds are "
                f"connected by their rates: brain.connect(a['rate'], b['drive'], ...)"
            )
    taken: dict[str, str] = {}
    for network in networks:
        for label in network.regions:
            if label in taken:
                raise WiringError(
                    f"region {label!r} is in {taken[label]} and in {network.name}; a region is in one part"
                )
            taken[label] = network.name
