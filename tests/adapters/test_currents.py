"""Rates to currents and conductances: the moments of shot noise (Campbell's), the synapse's equation, the audit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from toys import Regional, Relay

from adapters import RateToConductance, RateToCurrent
from hybrid import Brain, Clock, Port, Rates, Simulation, Window
from hybrid.errors import ConfigurationError, DivergedError
from hybrid.random import named_stream
from hybrid.signals import Currents, States
from hybrid.testing import ContractError, adapter_checks, check_adapter, verdicts

TICK_MS, TICK_S = 0.1, 1e-4
BOTH = pytest.mark.parametrize("kind", [RateToCurrent, RateToConductance])
SHAPES = pytest.mark.parametrize("shape", ["exponential", "alpha"])
COURSES = {"exponential": lambda x: np.exp(-x), "alpha": lambda x: x * np.exp(1 - x)}  # of one spike, x = t / tau


def prepared(adapter, size=1, seed=1):
    source, target = Port("a", "out", Rates, size, "out"), Port("b", "in", adapter.emits, size, "in")
    adapter.prepare(Clock(TICK_MS), source, target, named_stream(seed, "connection", "test"))
    return adapter


def steady(hz, ticks, size=1):
    return Rates(Window(0, ticks), size, hz)


def kernel(shape, tau_ms, ticks):
    """Of one spike of weight 1 at the start of tick 0, the average over each tick: by quadrature."""
    course, step = COURSES[shape], TICK_MS / tau_ms
    return np.array([quad(course, n * step, (n + 1) * step, epsabs=0, epsrel=1e-12)[0] / step for n in range(ticks)])


# -- the synapse -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [
    *(lambda kind=kind, shape=shape, noise=noise: kind(2.0, 5.0, shape, noise=noise)
      for kind in (RateToCurrent, RateToConductance) for shape in COURSES for noise in (True, False)),
    lambda: RateToCurrent(-0.03, 0.05, "alpha", fibres=10),
    lambda: RateToConductance(1e-6, 300.0, "alpha", fibres=10),
])  # fmt: skip
def test_ours_keep_the_contract(make):
    check_adapter(make)


@BOTH
@SHAPES
@pytest.mark.parametrize("tau_ms", [0.05, 5.0, 500.0])
def test_one_spike_leaves_the_average_over_each_tick_of_its_course(kind, shape, tau_ms):
    hz = np.zeros((300, 1))
    hz[0] = 1 / (3 * TICK_S)
    out = prepared(kind(0.7, tau_ms, shape, fibres=3, noise=False)).convert(Rates(Window(0, 300), 1, hz))
    np.testing.assert_allclose(out.values[:, 0], 0.7 * kernel(shape, tau_ms, 300), rtol=1e-8, atol=1e-13)


@BOTH
@SHAPES
@pytest.mark.parametrize("tau_ms", [0.05, 5.0, 500.0])
@pytest.mark.parametrize("noise", [True, False])
def test_the_charge_is_delivered_or_held(kind, shape, tau_ms, noise):
    adapter = prepared(kind(0.7, tau_ms, shape, noise=noise), 2)
    delivered = adapter.convert(steady([20.0, 300.0], 700, 2)).total(Clock(TICK_MS))
    left = adapter.held()
    rest = adapter.convert(Rates(Window(700, 200_700), 2, 0.0)).total(Clock(TICK_MS))
    np.testing.assert_allclose(rest, left, rtol=1e-9, atol=1e-12)
    charge = 0.7 * tau_ms * 1e-3 * (np.e if shape == "alpha" else 1.0)
    due, sd = charge * 100 * np.array([20.0, 300.0]) * 0.07, charge * np.sqrt(100 * np.array([20.0, 300.0]) * 0.07)
    assert (np.abs(delivered + left - due) <= (5 * sd if noise else 1e-9 * due)).all()
    moments = adapter.expected(steady([20.0, 300.0], 700, 2))
    np.testing.assert_allclose(moments.mean, due, rtol=1e-12)
    np.testing.assert_allclose(moments.variance, sd**2 if noise else 0.0, rtol=1e-12)


# tau dI/dt = -I + w K tau r(t); the alpha function is two such synapses in a row, with e / tau from the first to the second
@BOTH
@SHAPES
def test_the_mean_follows_the_equation_of_the_synapse_while_the_rate_changes(kind, shape):
    tau_s, weight, fibres = 5e-3, 0.3, 50
    steps = [(10.0, 30), (80.0, 100), (0.0, 60), (35.0, 200)]

    def slope(_, y, hz):
        first = -y[0] / tau_s + fibres * hz
        return [first, -y[1] / tau_s + np.e / tau_s * y[0]] if shape == "alpha" else [first, 0.0]

    y, mean = np.zeros(2), []
    for hz, ticks in steps:
        ends = TICK_S * np.arange(1, ticks + 1)
        solved = solve_ivp(slope, (0, ends[-1]), y, "DOP853", ends, args=(hz,), rtol=1e-11, atol=1e-12)
        y = solved.y[:, -1]
        mean.append(weight * solved.y[1 if shape == "alpha" else 0])
    hz = np.repeat(*np.array(steps).T.astype(int))[:, None]
    out = prepared(kind(weight, 5.0, shape, fibres=fibres, noise=False)).convert(Rates(Window(0, len(hz)), 1, hz))
    np.testing.assert_allclose(out.values[:, 0], np.concatenate(mean), rtol=1e-8, atol=1e-9)


# -- the noise -------------------------------------------------------------------------------------------------------------


# Campbell's theorem: with c the counts' cumulants, C(l) = c2 sum k[j] k[j+l]; Bartlett's formula for the
# error of its estimate, with the fourth cumulant (0 of normal counts, c2 of Poisson ones)
@BOTH
@SHAPES
def test_mean_variance_and_autocovariance_are_those_of_shot_noise(kind, shape):
    tau_ms, weight, fibres, hz, lines, ticks = 5.0, 0.3, 20, 150.0, 200, 20_000
    settled, lags = 1500, np.array([0, 10, 25, 50, 150])
    drive, k = fibres * hz * TICK_S, weight * kernel(shape, tau_ms, settled)
    covariance = drive * np.correlate(k, k, "full")
    theory = covariance[settled - 1 + lags]

    campbell_mean, campbell_variance, fall = {  # w tau K r, w^2 tau K r / 2; e w tau K r, e^2 w^2 tau K r / 4
        "exponential": (1.5e-3 * 3000, 0.3**2 * 5e-3 * 3000 / 2, np.exp(-lags / 50)),
        "alpha": (np.e * 1.5e-3 * 3000, np.e**2 * 0.3**2 * 5e-3 * 3000 / 4, (1 + lags / 50) * np.exp(-lags / 50)),
    }[shape]
    assert drive * k.sum() == pytest.approx(campbell_mean, rel=1e-10)
    np.testing.assert_allclose(theory, campbell_variance * fall, rtol=(TICK_MS / tau_ms) ** 2)

    out = (
        prepared(kind(weight, tau_ms, shape, fibres), lines)
        .convert(steady(hz, settled + ticks, lines))
        .values[settled:]
    )
    samples = lines * ticks
    assert out.mean() == pytest.approx(campbell_mean, abs=4 * np.sqrt(covariance.sum() / samples))
    away = out - campbell_mean
    fourth = drive if kind is RateToConductance else 0.0
    for lag, expected in zip(lags, theory, strict=True):
        seen = (away[: ticks - lag] * away[lag:]).mean()
        shifted = np.pad(covariance, 2 * lag)
        bartlett = (covariance**2).sum() + (shifted[: shifted.size - 2 * lag] * shifted[2 * lag :]).sum()
        error = np.sqrt((bartlett + fourth * (expected / drive) ** 2) / (samples - lines * lag))
        assert seen == pytest.approx(expected, abs=4 * error), f"lag {lag}"


@BOTH
def test_lines_are_independent(kind):
    out = prepared(kind(), 40).convert(steady(100.0, 40_000, 40)).values[1000:]
    correlation = np.corrcoef(out.T)[np.triu_indices(40, 1)]
    # 39,000 ticks; sum of rho^2 over all lags, rho = a^|l|, is (1 + a^2) / (1 - a^2)
    a = np.exp(-TICK_MS / 5.0)
    error = np.sqrt((1 + a**2) / (1 - a**2) / 39_000)
    assert np.abs(correlation).max() < 5 * error
    assert abs(correlation.mean()) < 4 * error / np.sqrt(correlation.size)


@SHAPES
def test_a_conductance_is_never_negative_where_a_current_is_both(shape):
    hz = np.repeat(np.logspace(-4, 4, 9), 5)
    assert prepared(RateToConductance(1.0, 5.0, shape, 1), 45).convert(steady(hz, 5000, 45)).values.min() >= 0
    assert prepared(RateToCurrent(1.0, 5.0, shape, 1), 45).convert(steady(hz, 5000, 45)).values.min() < 0


@BOTH
def test_silence_gives_nothing(kind):
    adapter = prepared(kind(), 3)
    assert not adapter.convert(steady(0.0, 500, 3)).values.any()
    assert not adapter.held().any()


# -- what the checks and the audit find ------------------------------------------------------------------------------------


def clumped(kind, factor):
    """The right mean, of fewer and larger events: ``factor`` times the variance declared."""

    class Clumped(kind):
        def convert(self, signal):
            return super().convert(signal.scaled(1 / factor)).scaled(factor)

        def held(self):
            return factor * super().held()

    return Clumped


def biased(kind, factor, near_hz=None):
    class Biased(kind):
        def convert(self, signal):
            near = True if near_hz is None else np.abs(signal.hz - near_hz) < 0.6 * near_hz
            return super().convert(Rates(signal.window, signal.size, np.where(near, factor, 1.0) * signal.hz))

    return Biased


def wrong_way(kind):
    class WrongWay(kind):
        def convert(self, signal):
            return super().convert(signal).scaled(-1.0)

        def held(self):
            return -super().held()

    return WrongWay


@BOTH
@pytest.mark.parametrize("factor", [0.5, 0.85, 1.2, 2.0])
def test_a_wrong_variance_is_found_and_nothing_else(kind, factor):
    found = {each.name: each for each in verdicts(adapter_checks(clumped(kind, factor), ticks=300))}
    assert [name for name, each in found.items() if not each.kept] == ["variance"]
    said = float(found["variance"].sentence.split("its variance is ")[1].split(" times")[0])
    assert said == pytest.approx(factor, rel=0.05)


# sums of many small events have no rare large ones to be allowed for: what is one spike for spikes is its charge here
@BOTH
@pytest.mark.parametrize(
    ("near_hz", "factor"), [(None, 1.05), (None, 0.95), (1.0, 1.05), (1.0, 0.95), (1000.0, 1.01), (1000.0, 0.99)]
)
def test_a_small_bias_is_found(kind, near_hz, factor):
    with pytest.raises(ContractError, match=r"at .* Hz.* it delivered"):
        check_adapter(biased(kind, factor, near_hz), ticks=300)


@BOTH
def test_the_wrong_sign_is_found(kind):
    with pytest.raises(ContractError, match=r"at .* Hz it delivered -"):
        check_adapter(wrong_way(kind), ticks=300)


def audited(adapter, lines=5, hz=40.0, seed=1, **options):
    """The audit's row after a second."""
    brain = Brain(tick_ms=TICK_MS)
    source = brain.add(Regional("masses", tuple("abcde"), 5, hz=hz))
    target = brain.add(Relay("circuit", lines, adapter.emits))
    brain.connect(source["rate"], target["in"], delay_ms=2.0, adapter=adapter, **options)
    return Simulation(brain, seed=seed).run(1000).audit[0]


@BOTH
@SHAPES
def test_the_audit_agrees_after_a_second(kind, shape):
    row = audited(kind(0.02, 5.0, shape))
    charge = 0.02 * 5e-3 * (np.e if shape == "alpha" else 1.0)
    assert row["expected"] == pytest.approx(
        5 * charge * 100 * 40 * 0.998, rel=1e-9
    )  # what left in the last 2 ms is under way
    assert abs(row["z"]) < 4
    assert abs(row["worst_z"]) < 4
    assert not row["drifts"]
    assert row["z"] * charge * np.sqrt(5 * 100 * 40 * 0.998) == pytest.approx(
        row["delivered"] - row["expected"], rel=0.01
    )  # but for the tail of rare events


@BOTH
def test_the_audit_weighs_rates_and_is_exact_without_noise(kind):
    weights = np.random.default_rng(0).uniform(0, 2, (3, 5))
    row = audited(kind(noise=False), 3, weight=weights)
    charge = 100 * 5e-3 * (0.01 if kind is RateToCurrent else 1.0)
    assert row["expected"] == pytest.approx(charge * weights.sum() * 40 * 0.998, rel=1e-9)
    assert (row["z"], row["worst_z"], row["drifts"]) == (0.0, 0.0, False)
    assert abs(audited(kind(), 3, weight=weights)["z"]) < 4


def test_a_few_rare_events_are_no_drift():
    """Conductances of quiet lines: an event in a second where 0.02 were expected is a chance of one in fifty."""
    rows = [audited(RateToConductance(fibres=1), hz=0.02, seed=seed) for seed in range(30)]
    assert any(row["delivered"] > 5 * row["expected"] for row in rows)
    assert not any(row["drifts"] for row in rows)


@BOTH
@pytest.mark.parametrize("wrong", [wrong_way, lambda kind: biased(kind, 1.5), lambda kind: biased(kind, 0.9)])
@pytest.mark.filterwarnings("ignore:.*check its adapter")
def test_the_audit_finds_a_wrong_sign_and_a_wrong_factor(kind, wrong):
    row = audited(wrong(kind)())
    assert row["drifts"]
    assert abs(row["z"]) > 5


# -- parameters ------------------------------------------------------------------------------------------------------------


def test_parameters_are_kept_with_the_results():
    current = RateToCurrent(-0.02, 3, "alpha", fibres=7, noise=False)
    assert current.describe() == {
        "kind": "adapters.rate_to_current:RateToCurrent",
        "weight_na": -0.02, "tau_syn_ms": 3.0, "shape": "alpha", "fibres": 7, "noise": False,
    }  # fmt: skip
    assert RateToConductance().describe() == {
        "kind": "adapters.rate_to_conductance:RateToConductance",
        "weight_ns": 1.0, "tau_syn_ms": 5.0, "shape": "exponential", "fibres": 100, "noise": True,
    }  # fmt: skip
    assert (current.accepts, current.emits, RateToConductance.emits) == (Rates, Currents, States)


@BOTH
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e-9])
def test_impossible_rates_are_refused(kind, bad):
    with pytest.raises(DivergedError, match=rf"{kind.__name__}: rate of line 1 is .* at tick 2"):
        prepared(kind(), 2).convert(Rates(Window(0, 3), 2, [[1, 1], [1, 1], [1, bad]]))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: RateToCurrent(np.nan), r"RateToCurrent: weight_na = nan is not a finite number"),
        (lambda: RateToCurrent(tau_syn_ms=0), r"RateToCurrent: tau_syn_ms = 0 must be above 0"),
        (lambda: RateToCurrent(shape="beta"), r"RateToCurrent: shape = 'beta' is not known; give 'exponential' or 'alpha'"),
        (lambda: RateToCurrent(fibres=0), r"RateToCurrent: fibres = 0 must be a whole number, 1 or above"),
        (lambda: RateToCurrent(fibres=2.5), r"RateToCurrent: fibres = 2.5 must be a whole number"),
        (lambda: RateToCurrent(fibres="many"), r"RateToCurrent: fibres = 'many' is not a number"),
        (lambda: RateToConductance(0), r"RateToConductance: weight_ns = 0 must be above 0"),
        (lambda: RateToConductance(-1), r"RateToConductance: weight_ns = -1 must be above 0"),
        (lambda: RateToConductance(tau_syn_ms=-5), r"RateToConductance: tau_syn_ms = -5 must be above 0"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_named(make, text):
    with pytest.raises(ConfigurationError, match=text):
        make()
