"""Components and adapters that break just one promise of their contract each."""

from __future__ import annotations

import numpy as np
from toys import Accumulator, Relay

from adapters import GammaRenewal, RateToPoisson, SpikeToRate, Subset
from hybrid import Moments, Port, Rates, Spikes
from hybrid.random import generator_state, restore_generator
from hybrid.signals import check_rates

# -- components --------------------------------------------------------------------------------------------------------


class Noisy(Accumulator):
    """Right: adds noise to the accumulator, and saves its random stream."""

    def advance(self, window, inputs):
        out = super().advance(window, inputs)["rate"]
        return {"rate": Rates(window, out.size, out.hz + self.noise(len(window)))}

    def noise(self, ticks):
        return self.rng.random((ticks, 2))

    def state(self):
        return {**super().state(), "calls": generator_state(self.rng)}

    def restore(self, state):
        super().restore(state)
        restore_generator(self.rng, state["calls"])


class ScalesItsInput(Accumulator):
    def advance(self, window, inputs):
        inputs["in"].hz[:] *= 0.5
        return super().advance(window, inputs)


class ScalesItsInputInShortWindows(Accumulator):
    def advance(self, window, inputs):
        out = super().advance(window, inputs)
        if len(window) == 40:
            inputs["in"].hz[:] *= 0.5
        return out


class OneOutputTooMany(Accumulator):
    def advance(self, window, inputs):
        out = super().advance(window, inputs)
        return {**out, "more": out["rate"]} if len(window) == 17 else out


class OnceNotFinite(Accumulator):
    def advance(self, window, inputs):
        hz = np.array(super().advance(window, inputs)["rate"].hz)
        if 150 in window:
            hz[150 - window.start, 1] = np.inf
        return {"rate": Rates(window, 2, hz)}


class GlobalRandom(Noisy):
    def noise(self, ticks):
        return np.random.random((ticks, 2))  # noqa: NPY002


class LooksAheadOnce(Relay):
    """What it sends at tick 99 is what comes at tick 100, wherever time is cut so that it can know."""

    def advance(self, window, inputs):
        hz = np.array(inputs["in"].hz)
        if 99 in window and 100 in window:
            hz[99 - window.start] = hz[100 - window.start]
        return {"out": Rates(window, 1, hz)}


class SumInBlocks(Accumulator):
    """Adds up per window, so that the last bits depend on where the windows end."""

    def advance(self, window, inputs):
        sums = self.y + np.cumsum(0.1 * inputs["in"].hz, axis=0)
        self.y = sums[-1] if len(window) else self.y
        return {"rate": Rates(window, 2, sums)}


class SharedState(Accumulator):
    """Keeps its level on the class, set anew by each prepare()."""

    level = np.zeros(2)

    def prepare(self, clock, rng):
        super().prepare(clock, rng)
        type(self).level = np.zeros(2)

    def advance(self, window, inputs):
        self.y = type(self).level
        out = super().advance(window, inputs)
        type(self).level = self.y
        return out

    def state(self):
        return {"y": type(self).level.copy()}

    def restore(self, state):
        type(self).level = np.array(state["y"])


class ForgetsWhatItDrewAtFirst(Accumulator):
    """A gain for each line, drawn when it is prepared, is no part of its state."""

    def prepare(self, clock, rng):
        super().prepare(clock, rng)
        self.gain = rng.random(2)

    def advance(self, window, inputs):
        return {"rate": Rates(window, 2, self.gain * super().advance(window, inputs)["rate"].hz)}


class StateIsAView(Accumulator):
    """Hands out its own array as its state, and goes on writing into it."""

    def prepare(self, clock, rng):
        super().prepare(clock, rng)
        self.level = np.zeros(2)

    def advance(self, window, inputs):
        self.y = self.level.copy()
        out = super().advance(window, inputs)
        self.level[:] = self.y
        return out

    def state(self):
        return {"y": self.level}

    def restore(self, state):
        self.level = np.array(state["y"])


class StateIsAnObject(Accumulator):
    def state(self):
        return {"y": np.array([self, self.y], dtype=object)}

    def restore(self, state):
        self.y = state["y"][1].copy()


class StateOfThisProcess(Accumulator):
    """Its state tells where in the memory of this process its level is kept."""

    kept: list[np.ndarray] = []  # noqa: RUF012

    def state(self):
        self.kept.append(self.y.copy())
        return {"at": np.array(len(self.kept) - 1)}

    def restore(self, state):
        self.y = self.kept[int(state["at"])].copy()


class GainByHash(Accumulator):
    """Its gain follows from the hash of a text, which differs from process to process."""

    def advance(self, window, inputs):
        gain = 1 + hash("gain") % 2**30
        return {"rate": Rates(window, 2, gain * super().advance(window, inputs)["rate"].hz)}


class TakesNaNForZero(Accumulator):
    def advance(self, window, inputs):
        return super().advance(window, {"in": Rates(window, 2, np.nan_to_num(inputs["in"].hz))})


class NaNChangesThePast(Accumulator):
    def advance(self, window, inputs):
        out = super().advance(window, inputs)
        return {"rate": Rates(window, 2, np.nan)} if np.isnan(inputs["in"].hz).any() else out


class StumblesOverNaN(Accumulator):
    def advance(self, window, inputs):
        if np.isnan(inputs["in"].hz).any():
            raise KeyError("nan")
        return super().advance(window, inputs)


class DescribesArrays(Accumulator):
    def describe(self):
        return {"levels": [{"y": np.zeros(2)}]}


class DescribesByNumber(Accumulator):
    def describe(self):
        return {"lines": {0: "V1"}}


class ClosesOnce(Accumulator):
    def prepare(self, clock, rng):
        super().prepare(clock, rng)
        self.files = ["open"]

    def close(self):
        if hasattr(self, "files"):
            self.files.pop()


class ChangesWhenLessIsWanted(Accumulator):
    def want(self, outputs):
        self.y += 1e-9


class RemembersWhatWasWanted(Accumulator):
    """Also when it is prepared again."""

    def __init__(self, name):
        super().__init__(name)
        self.outputs["twice"] = Port(name, "twice", Rates, 2, "out")
        self.wanted = {"rate", "twice"}

    def want(self, outputs):
        self.wanted = outputs

    def advance(self, window, inputs):
        rate = super().advance(window, inputs)["rate"]
        return {name: each for name, each in {"rate": rate, "twice": rate.scaled(2.0)}.items() if name in self.wanted}


class ClosesWhatItHasNot(Accumulator):
    """Cannot be closed where preparation failed."""

    def close(self):
        self.rng.random()


# -- adapters ----------------------------------------------------------------------------------------------------------


class EmptiesItsInput(SpikeToRate):
    """All else is right: it declares what there was."""

    def convert(self, signal):
        self._declared, converted = super().expected(signal), super().convert(signal)
        signal.counts[:] = 0
        return converted

    def expected(self, signal):
        return self._declared


class DrawsGlobally(RateToPoisson):
    def convert(self, signal):
        check_rates(signal, "DrawsGlobally")
        mean = signal.hz * (self._clock.tick_ms * 1e-3)
        return Spikes.from_counts(signal.window, np.random.poisson(mean))  # noqa: NPY002


class LetsOneTickBeSeenEarly(Subset):
    """The spikes of tick 1000 come out in tick 999, wherever time is cut so that it can know them: none is lost."""

    def convert(self, signal):
        kept = super().convert(signal)
        early = (kept.ticks == 1000) & (999 in signal.window)
        return Spikes(signal.window, kept.size, np.where(early, 999, kept.ticks), kept.ids, kept.counts)


class Bernoulli(RateToPoisson):
    """Right: one draw a tick, declared as such."""

    def convert(self, signal):
        check_rates(signal, "Bernoulli")
        return Spikes.from_counts(signal.window, self.draws(signal.hz.shape) < self.chance(signal))

    def draws(self, shape):
        return self._counts.random(shape)

    def chance(self, signal):
        return np.minimum(signal.hz * self._clock.tick_ms * 1e-3, 1.0)

    def expected(self, signal):
        p = self.chance(signal)
        return Moments(p.sum(axis=0), (p * (1 - p)).sum(axis=0))


class DrawsLineByLine(Bernoulli):
    """Draws for all ticks of a line, then for the next line."""

    def draws(self, shape):
        return self._counts.random(shape[::-1]).T


class SharesItsMemory(SpikeToRate):
    memory = None

    def prepare(self, clock, source, target, rng):
        super().prepare(clock, source, target, rng)
        type(self).memory = self._memory

    def convert(self, signal):
        self._memory = type(self).memory
        converted = super().convert(signal)
        type(self).memory = self._memory
        return converted

    def state(self):
        return {"memory": type(self).memory.copy()}

    def restore(self, state):
        type(self).memory = np.array(state["memory"])

    def held(self):
        self._memory = type(self).memory
        return super().held()


class ForgetsItsDraws(RateToPoisson):
    def restore(self, state):
        pass


class ForgetsItsFirstDraw(SpikeToRate):
    """An efficacy for each line, drawn when it is prepared and declared, is no part of its state."""

    def prepare(self, clock, source, target, rng):
        super().prepare(clock, source, target, rng)
        self._clock, self._efficacy = clock, rng.random(source.size)

    def convert(self, signal):
        rates = super().convert(signal)
        return Rates(rates.window, rates.size, self._efficacy * rates.hz)

    def expected(self, signal):
        moments = super().expected(signal)
        return Moments(self._efficacy * moments.mean, moments.variance)

    def held(self):
        return self._efficacy * super().held()


class ForgetsItsElapsedTime(GammaRenewal):
    """Goes on as it did, but declares another variance."""

    def restore(self, state):
        super().restore({**state, "elapsed": self._elapsed})


class ForgetsWhatItHolds(SpikeToRate):
    """Counts what it holds apart from its filter, and not in its state."""

    def prepare(self, clock, source, target, rng):
        super().prepare(clock, source, target, rng)
        self._clock, self._balance = clock, np.zeros(source.size)

    def convert(self, signal):
        rates = super().convert(signal)
        self._balance += signal.total(self._clock) - rates.total(self._clock)
        return rates

    def held(self):
        return self._balance


class DeclaresOtherTotals(RateToPoisson):
    def expected(self, signal):
        mean = signal.total(self._clock)
        return Moments(mean, mean)

    def expected_of_total(self, total):
        return Moments(total, 1.01 * total)


class DeclaresTwoPercentTooMuch(RateToPoisson):
    def expected(self, signal):
        moments = super().expected(signal)
        return Moments(1.02 * moments.mean, moments.variance)


class DeclaresPoisson(Bernoulli):
    def expected(self, signal):
        mean = super().expected(signal).mean
        return Moments(mean, mean)


class TakesNegativeRates(RateToPoisson):
    def convert(self, signal):
        return super().convert(Rates(signal.window, signal.size, np.maximum(signal.hz, 0.0)))


class DescribesItsMemory(SpikeToRate):
    def describe(self):
        return {**super().describe(), "tau_ms": np.float32(self.tau_ms)}
