"""The executable contracts: each keeps silent about what is right and catches what breaks just one promise."""

from __future__ import annotations

import numpy as np
import pytest
from broken import Noisy
from toys import Accumulator, RampSource, RandomSpikes, Regional, Relay

from adapters import RateToPoisson, SpikeToRate
from hybrid import Adapter, Currents, Moments, Rates, Spikes, States
from hybrid.errors import ConfigurationError
from hybrid.signals import check_rates
from hybrid.testing import ContractError, adapter_checks, check_adapter, check_component, verdicts

# -- components --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: RampSource("a", 3),
        lambda: Accumulator("a"),
        lambda: Relay("a", 2, Spikes),
        lambda: Relay("a", 2, Currents),
        lambda: Relay("a", 2, States),
    ],
)
def test_components_that_keep_the_contract_pass(make):
    check_component(make)


class ForgetsAtWindows(Accumulator):
    def advance(self, window, inputs):
        self.y = np.zeros(2)
        return super().advance(window, inputs)


class MeanOfTheWindow(Accumulator):
    """As one that applies an input's mean over the window: acts on what has not come yet."""

    def advance(self, window, inputs):
        mean = Rates(window, 2, inputs["in"].hz.mean(axis=0)) if len(window) else inputs["in"]
        return super().advance(window, {"in": mean})


class LooksOneTickAhead(Relay):
    def advance(self, window, inputs):
        ahead = np.concatenate([inputs["in"].hz[1:], inputs["in"].hz[-1:]])
        return {"out": Rates(window, 1, ahead)}


class GlobalRandomSeeded(Noisy):
    """Seeds the global stream when it is prepared: repeatable, until there are two of them."""

    def prepare(self, clock, rng):
        super().prepare(clock, rng)
        np.random.seed(5)  # noqa: NPY002

    def noise(self, ticks):
        return np.random.random((ticks, 2))  # noqa: NPY002

    def state(self):
        return {**super().state(), "global": np.random.get_state()[1]}  # noqa: NPY002


class ForgetsItsStream(Noisy):
    def restore(self, state):
        Accumulator.restore(self, state)


class ForgetsItsLevel(Accumulator):
    def state(self):
        return {}

    def restore(self, state):
        pass


class WrongKind(RampSource):
    def advance(self, window, inputs):
        return {"rate": Currents(window, 1, 0.0)}


class WrongWindow(RampSource):
    def advance(self, window, inputs):
        return {"rate": super().advance(window, inputs)["rate"].shifted(1)}


class NoOutput(RampSource):
    def advance(self, window, inputs):
        return {}


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (ForgetsAtWindows, "it matters how time is cut: .* first at tick 1, line 0"),
        (MeanOfTheWindow, "an output comes before its cause: another future changes the past"),
        (LooksOneTickAhead, "an output comes before its cause: .* first at tick 99, line 0"),
        (GlobalRandomSeeded, "two instances disturb each other"),
        (ForgetsItsStream, "a restored state does not continue as the original did"),
        (ForgetsItsLevel, "a restored state does not continue as the original did"),
        (WrongKind, r"output 'rate' over \[0, 200\) is Currents.*, not Rates of size 1"),
        (WrongWindow, r"output 'rate' over \[0, 200\) is Rates\(window=\[1, 201\), size=1\)"),
        (NoOutput, "output 'rate' .* is None"),
    ],
)
def test_a_component_that_breaks_one_promise_is_caught(broken, text):
    with pytest.raises(ContractError, match=text):
        check_component(lambda: broken("a"))


def test_a_component_with_a_saved_stream_passes():
    check_component(lambda: Noisy("a"))


def test_several_ports_of_several_kinds_are_tried():
    with pytest.raises(ContractError, match=r"a restored state .* \(spikes of 'spikes'\)"):
        check_component(lambda: Regional("a", (), 3, hz=500.0))  # keeps no stream


def test_every_component_that_was_made_is_closed_also_of_a_trial_that_fails():
    born, closed = [], []

    class Counted(ForgetsAtWindows):
        def __init__(self, name):
            super().__init__(name)
            born.append(self)

        def close(self):
            closed.append(self)

    with pytest.raises(ContractError):
        check_component(lambda: Counted("a"))
    assert len(born) > 1
    assert closed == born


@pytest.mark.parametrize(
    "check", [lambda: check_component(lambda: RampSource("a"), ticks=50), lambda: check_adapter(SpikeToRate, ticks=69)]
)
def test_a_trial_too_short_to_tell_is_refused(check):
    with pytest.raises(ConfigurationError, match=r"ticks = \d+ is too short a trial; give at least 70"):
        check()


# -- adapters ----------------------------------------------------------------------------------------------------------


class RestartsInEachWindow(SpikeToRate):
    def convert(self, signal):
        self._memory[:] = 0.0
        return super().convert(signal)


class LaterSpikesCountToo(SpikeToRate):
    """A kernel centred on the spike: half of it comes before."""

    def convert(self, signal):
        rates = super().convert(signal)
        return Rates(rates.window, rates.size, 0.5 * (rates.hz + rates.hz[::-1]))


class ForgetsOnRestore(SpikeToRate):
    def restore(self, state):
        pass


class DeclaresTooMuch(SpikeToRate):
    def expected(self, signal):
        moments = super().expected(signal)
        return Moments(1.001 * moments.mean, moments.variance)


class OneSpikeForEveryTick(RateToPoisson):
    """``ceil`` of the expected count: right only for silence."""

    def convert(self, signal):
        super().convert(signal)
        return Spikes.from_counts(signal.window, np.ceil(signal.hz * 1e-4).astype(int))


class LosesTheLastTick(SpikeToRate):
    """In windows of seven ticks only: cut otherwise, nothing is missing."""

    def convert(self, signal):
        if len(signal.window) == 7:
            kept = signal.ticks < signal.window.stop - 1
            signal = Spikes(signal.window, signal.size, signal.ticks[kept], signal.ids[kept], signal.counts[kept])
        return super().convert(signal)


class TakesAnyRate(RateToPoisson):
    def impossible(self, hz):
        return np.zeros(hz.shape, bool)

    def convert(self, signal):
        if self.impossible(signal.hz).any():
            raise ValueError("impossible")
        return super().convert(Rates(signal.window, signal.size, np.clip(np.nan_to_num(signal.hz), 0, 1e5)))


class TakesInfinity(TakesAnyRate):
    def impossible(self, hz):
        return np.isnan(hz) | (hz < 0)


class TakesNegative(TakesAnyRate):
    def impossible(self, hz):
        return ~np.isfinite(hz)


class WrongLines(SpikeToRate):
    def emitted_size(self, size):
        return size + 1

    def prepare(self, clock, source, target, rng):
        super().prepare(clock, source, target, rng)
        self._memory = np.zeros((1, source.size))


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (RestartsInEachWindow, "it matters how time is cut: .* first at tick"),
        (LaterSpikesCountToo, "an output comes before its cause"),
        (ForgetsOnRestore, "a restored state does not continue"),
        (DeclaresTooMuch, r"at .* Hz it delivered .* where expected\(\) declares"),
        (OneSpikeForEveryTick, r"at 1e-06 Hz it delivered 7980 .* where expected\(\) declares 7.*e-07"),
        (LosesTheLastTick, r"at .* Hz it delivered"),
        (TakesAnyRate, "a rate of nan Hz was accepted"),
        (TakesInfinity, "a rate of inf Hz was accepted"),
        (TakesNegative, "a rate of -1 Hz was accepted"),
        (WrongLines, r"convert\(\) of Spikes\(window=\[0, 2000\), size=4\) gave Rates\(window=\[0, 2000\), size=4\)"),
    ],
)
def test_an_adapter_that_breaks_one_promise_is_caught(broken, text):
    with pytest.raises(ContractError, match=text):
        check_adapter(broken)


class OneDrawATick(RateToPoisson):
    """At most one spike a tick, with probability ``p(rate * tick)``, declared as Poisson."""

    def p(self, mean):
        return np.minimum(mean, 1.0)

    def convert(self, signal):
        check_rates(signal, "OneDrawATick")
        p = self.p(signal.hz * self._clock.tick_ms * 1e-3)
        return Spikes.from_counts(signal.window, self._counts.random(signal.hz.shape) < p)


class LosesWhatIsSimultaneous(OneDrawATick):
    def p(self, mean):
        return -np.expm1(-mean)


# p = rate * tick keeps the mean, but has a Fano factor of 1 - p: .9 at 1,000 Hz (E[p^2] / E[p] = .108 for rates from 500 to
# 1,500 Hz)
def test_one_draw_a_tick_declared_as_poisson_has_too_little_variance():
    with pytest.raises(ContractError, match=r"at 1000 Hz its variance is 0\.(8[789]|90).* times .* declares \(z = -"):
        check_adapter(OneDrawATick)
    found = verdicts(adapter_checks(OneDrawATick))
    assert [each.name for each in found if not each.kept] == ["variance"]


class Bernoulli(OneDrawATick):
    def expected(self, signal):
        p = signal.hz * self._clock.tick_ms * 1e-3
        return Moments(p.sum(axis=0), (p * (1 - p)).sum(axis=0))


class AllTheSame(Bernoulli):
    """One draw for all lines: right for each, though their sum scatters far more."""

    def convert(self, signal):
        check_rates(signal, "AllTheSame")
        p = self.p(signal.hz * self._clock.tick_ms * 1e-3)
        return Spikes.from_counts(signal.window, self._counts.random((len(p), 1)) < p)


@pytest.mark.parametrize("right", [Bernoulli, AllTheSame])
def test_variance_declared_for_what_is_delivered_passes_whether_or_not_lines_are_independent(right):
    check_adapter(right)


class Clumps(RateToPoisson):
    """Half as many events, two spikes each: the right mean, twice the variance."""

    def convert(self, signal):
        return super().convert(signal.scaled(0.5)).scaled(2)


class DeclaresNone(RateToPoisson):
    def expected(self, signal):
        return Moments(super().expected(signal).mean, np.zeros(signal.size))


class Mixes(SpikeToRate):
    """Gives every line the mean of all: the sum is right, no line is."""

    def convert(self, signal):
        rates = super().convert(signal)
        return Rates(rates.window, rates.size, np.repeat(rates.hz.mean(axis=1, keepdims=True), rates.size, axis=1))


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (Clumps, r"at \d+ Hz its variance is (1\.9|2)\S* times what expected\(\) declares \(z = \+"),
        (DeclaresNone, r"at .* Hz it delivered .* declares .* \+- 0"),
        (Mixes, r"at .* Hz line \d+ delivered .* more than expected\(\) declares, and no variance"),
    ],
)
def test_a_variance_that_is_declared_wrongly_is_caught(broken, text):
    with pytest.raises(ContractError, match=text):
        check_adapter(broken)


def biased(rate_hz, factor):
    class Biased(RateToPoisson):
        def convert(self, signal):
            near = (signal.hz > 0.4 * rate_hz) & (signal.hz < 1.6 * rate_hz)
            return super().convert(Rates(signal.window, signal.size, np.where(near, factor, 1.0) * signal.hz))

    return Biased


@pytest.mark.parametrize(("rate_hz", "factor"), [(1.0, 0.95), (1.0, 1.05), (1000.0, 0.99), (1000.0, 1.01)])
def test_a_small_bias_is_found(rate_hz, factor):
    with pytest.raises(ContractError, match=rf"at {rate_hz:g} Hz.* it delivered"):
        check_adapter(biased(rate_hz, factor))


# one draw a tick with p = 1 - exp(-rate * tick) loses rate * tick / 2: 5 % at 1,000 Hz
def test_the_bias_of_one_draw_a_tick_is_found_in_a_short_trial():
    with pytest.raises(ContractError, match=r"at 1000 Hz it delivered"):
        check_adapter(LosesWhatIsSimultaneous, ticks=300)


def test_an_adapter_that_cannot_have_ticks_of_1_ms_is_tried_in_its_own():
    class Fine(SpikeToRate):
        def prepare(self, clock, source, target, rng):
            clock.ticks(0.5, "a parameter")
            super().prepare(clock, source, target, rng)

    check_adapter(Fine)


def test_a_pooling_adapter_passes_and_one_without_memory_needs_no_state():
    class Tenfold(Adapter):
        accepts, emits = Rates, Rates

        def prepare(self, clock, source, target, rng):
            self.clock = clock

        def convert(self, signal):
            if not (signal.hz >= 0).all() or np.isinf(signal.hz).any():
                raise ValueError("impossible")
            return Rates(signal.window, signal.size, 10 * signal.hz)

        def expected(self, signal):
            return Moments(10 * signal.total(self.clock), np.zeros(signal.size))

    check_adapter(Tenfold)
    check_adapter(lambda: SpikeToRate(3, pool="sum"))


def test_random_spikes_without_a_saved_stream_are_caught():
    with pytest.raises(ContractError, match="a restored state"):
        check_component(lambda: RandomSpikes("a", hz=500.0))
