"""Rate to rate: responses of populations against their formulas, and linear maps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfcx

from adapters import (
    Affine,
    InverseSigmoid,
    Map,
    RateToPoisson,
    SiegertGain,
    Sigmoid,
    SpikeToRate,
    Subset,
    TableLookup,
    siegert_rate_hz,
)
from adapters._first_passage import integral_of_erfcx
from hybrid import Chain, Clock, Port, Rates, Window
from hybrid.errors import ConfigurationError, DivergedError, WiringError
from hybrid.masses import JansenRit
from hybrid.random import named_stream
from hybrid.signals import States
from hybrid.testing import check_adapter

NEURON = {"tau_m_ms": 20.0, "v_threshold_mv": 20.0, "v_reset_mv": 10.0, "refractory_ms": 2.0}


def prepared(adapter, size=1, tick_ms=0.1):
    source = Port("a", "out", adapter.accepts, size, "out")
    target = Port("b", "in", adapter.emits, adapter.emitted_size(size), "in")
    adapter.prepare(Clock(tick_ms), source, target, named_stream(1, "connection", "test"))
    return adapter


def rates(hz):
    hz = np.atleast_2d(np.asarray(hz, float))
    return Rates(Window(0, len(hz)), hz.shape[1], hz)


def response(adapter, values):
    """Of one line, tick by tick."""
    column = np.asarray(values, float)[:, None]
    return prepared(adapter).convert(adapter.accepts(Window(0, len(column)), 1, column)).values[:, 0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Affine(2.0, offset_hz=5.0),
        lambda: Affine(-1.0, offset_hz=3.0),
        lambda: Sigmoid(5.0, half=6.0, slope=0.56),
        InverseSigmoid,
        lambda: InverseSigmoid(5000.0, half=6.0, slope=0.56, clip=None),
        lambda: InverseSigmoid(5.0, half=6.0, slope=0.56, clip=None),
        Map,
        TableLookup,
        lambda: TableLookup([0, 10, 2000], [0, 50, 60]),
        lambda: TableLookup([1, 10], [3, 1], clip=True),
        lambda: SiegertGain(0.1, 1000, mu_mv=15, sigma_mv=5),
        lambda: Chain(Subset([0, 1, 2, 3]), SpikeToRate(5), Map([[1, 1, 0, -0.5], [0, 0, 2, 0], [0.1, 0.2, 0.3, 0.4]])),
    ],
)
def test_ours_keep_the_contract(make):
    check_adapter(make)


@pytest.mark.parametrize(
    "make",
    [
        Affine,
        lambda: Map([[1.0]]),
        lambda: InverseSigmoid(100, 0, 1, clip=0.01),
        lambda: TableLookup([0, 1], [0, 1], clip=True),
        lambda: SiegertGain(0.1, 1000),
    ],
)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e-9])
def test_impossible_rates_are_refused(make, bad):
    with pytest.raises(DivergedError, match=f"{type(make()).__name__}: rate of line 0 is .* at tick 1"):
        prepared(make()).convert(rates([[1.0], [bad]]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Affine(2.0, offset_hz=5.0),
        lambda: InverseSigmoid(100.0, half=6.0, slope=0.56, clip=None),
        lambda: InverseSigmoid(100.0, half=6.0, slope=0.56, clip=0.1),
        Map,
        TableLookup,
        lambda: TableLookup([0, 50, 100], [0, 30, 40]),
        lambda: SiegertGain(0.1, 1000),
    ],
)
def test_what_is_declared_is_the_integral_of_what_comes_out(make):
    adapter, signal = prepared(make(), 3), rates(np.random.default_rng(0).uniform(1, 99, (50, 3)))
    expected = adapter.expected(signal)
    np.testing.assert_allclose(adapter.convert(signal).values.sum(axis=0) * 1e-4, expected.mean, rtol=1e-12)
    np.testing.assert_array_equal(expected.variance, np.zeros_like(expected.mean))


# -- lines and tables ------------------------------------------------------------------------------------------------------


def test_affine_is_a_line():
    np.testing.assert_allclose(response(Affine(0.5, offset_hz=-3), [0, 10, 100]), [-3, 2, 47], rtol=1e-14)


def test_a_table_is_read_by_straight_lines():
    table = TableLookup([0, 10, 30], [5, 25, 15])
    np.testing.assert_allclose(response(table, [0, 5, 10, 20, 30]), [5, 15, 25, 20, 15], rtol=1e-14)
    x = np.random.default_rng(0).uniform(0, 30, 500)
    np.testing.assert_allclose(response(table, x), np.interp(x, [0, 10, 30], [5, 25, 15]), rtol=1e-13)
    assert table.describe()["inputs"] == [0, 10, 30]


def test_outside_of_the_table_is_refused_or_clipped():
    inputs, outputs = [1, 10], [2, 20]
    np.testing.assert_allclose(response(TableLookup(inputs, outputs, clip=True), [0, 5.5, 11]), [2, 11, 20])
    for outside in (0.5, 10.01):
        with pytest.raises(
            DivergedError, match=rf"line 0 is {outside:g} Hz at tick 1, outside of the table's 1 to 10 Hz"
        ):
            response(TableLookup(inputs, outputs), [5, outside])


def test_without_parameters_a_table_saturates_and_is_clipped():
    hz = np.array([0, 1, 20, 75, 100, 400, 1000, 5000])
    np.testing.assert_allclose(response(TableLookup(), hz[:-1]), hz[:-1] / (1 + hz[:-1] / 100), rtol=0.15)
    assert (response(TableLookup(), hz)[-1], TableLookup().describe()["clip"]) == (91, True)
    with pytest.raises(DivergedError, match="outside of the table's 0 to 1000 Hz"):
        response(TableLookup(clip=False), hz)


# -- maps ------------------------------------------------------------------------------------------------------------------


# tvb-multiscale #45 asks for maps between populations and variables: many to one, and signed
def test_a_map_is_its_matrix():
    random = np.random.default_rng(0)
    matrix, hz = random.normal(size=(3, 5)) * (random.random((3, 5)) < 0.6), random.uniform(0, 50, (20, 5))
    adapter = prepared(Map(matrix), 5)
    out = adapter.convert(rates(hz))
    np.testing.assert_allclose(out.hz, hz @ matrix.T, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(adapter.expected(rates(hz)).mean, (hz @ matrix.T).sum(axis=0) * 1e-4, rtol=1e-10)
    assert (out.hz < 0).any()
    assert adapter.describe()["matrix"] == matrix.tolist()


def test_a_map_does_not_depend_on_how_time_is_cut():
    random = np.random.default_rng(1)
    hz, adapter = random.uniform(0, 50, (40, 76)), prepared(Map(random.normal(size=(33, 76))), 76)
    signal = rates(hz)
    whole = adapter.convert(signal).hz
    for width in (1, 3, 16):
        cut = np.concatenate([adapter.convert(signal.during(w)).hz for w in signal.window.cut(width)])
        assert cut.tobytes() == whole.tobytes()


def test_maps_and_responses_are_chained():
    chain = prepared(Chain(Map([[1, -1]]), Affine(1, 5)), 2)
    np.testing.assert_allclose(chain.convert(rates([[8, 2]])).hz, [[11]])
    with pytest.raises(DivergedError, match="RateToPoisson: rate of line 0 is -6"):
        prepared(Chain(Map([[1, -1]]), RateToPoisson()), 2).convert(rates([[2, 8]]))


def test_without_parameters_a_map_is_the_mean_of_all_lines():
    hz = np.random.default_rng(0).uniform(0, 50, (20, 7))
    adapter = prepared(Map(), 7)
    np.testing.assert_allclose(adapter.convert(rates(hz)).hz, hz.mean(axis=1, keepdims=True), rtol=1e-14)
    assert (adapter.emitted_size(7), adapter.describe()["matrix"]) == (1, None)


def test_a_map_that_does_not_fit_is_refused():
    with pytest.raises(WiringError, match=r"Map: the matrix has 2 columns, the source 3 lines \(rows are targets"):
        Map(np.ones((3, 2))).emitted_size(3)


# -- sigmoids --------------------------------------------------------------------------------------------------------------


# Jansen & Rit (1995): e0 = 2.5 /s, v0 = 6 mV, r = 0.56 /mV; averages over normal potentials: independent quadrature
@pytest.mark.parametrize(
    ("mu", "sigma", "expected"),
    [(4, 0.5, 1.248091), (4, 1, 1.297482), (4, 2, 1.445587), (9, 1, 4.146711), (6, 1, 2.5)],
)
def test_the_sigmoid_of_jansen_and_rit(mu, sigma, expected):
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    hz = response(Sigmoid(5, half=6, slope=0.56), mu + sigma * nodes)
    assert hz @ weights / weights.sum() == pytest.approx(expected, abs=1e-6)


def test_the_sigmoid_is_that_of_the_mass_model():
    potentials = np.linspace(-200, 200, 41)
    state = np.zeros((6, 41))
    state[1] = potentials
    np.testing.assert_allclose(response(Sigmoid(5, 6, 0.56), potentials), JansenRit().rate_hz(state), rtol=1e-12)
    assert (response(Sigmoid(5, 6, 0.56), [-1e6, 1e6]) == [0, 5]).all()


def test_the_inverse_goes_back():
    potentials = np.linspace(-20, 30, 51)
    hz = response(Sigmoid(5, 6, 0.56), potentials)
    np.testing.assert_allclose(response(InverseSigmoid(5, 6, 0.56, clip=None), hz), potentials, atol=1e-8)
    inside = (hz > 0.005) & (hz < 4.995)  # what is clipped by default is beyond 12.3 mV from half
    np.testing.assert_allclose(response(InverseSigmoid(), hz[inside]), potentials[inside], atol=1e-12)
    np.testing.assert_array_equal(inside, np.abs(potentials - 6) < np.log(999) / 0.56)


@pytest.mark.parametrize("hz", [0.0, 5.0, 7.0])
def test_a_rate_without_a_potential_is_refused_or_clipped(hz):
    with pytest.raises(DivergedError, match=rf"rate of line 0 is {hz:g} Hz at tick 1, not between 0 and 5 Hz"):
        response(InverseSigmoid(5, 6, 0.56, clip=None), [1, hz])
    assert np.isfinite(response(InverseSigmoid(), [1, hz])).all()
    nearest = response(InverseSigmoid(5, 6, 0.56), [0.05 if hz == 0 else 4.95])
    np.testing.assert_allclose(response(InverseSigmoid(5, 6, 0.56, clip=0.01), [hz]), nearest, rtol=1e-12)


def test_the_inverse_says_which_rates_it_has():
    assert InverseSigmoid(80, 6, 0.56).highest_rate_hz == InverseSigmoid(80, 6, 0.56, clip=None).highest_rate_hz == 80


def test_a_state_that_is_not_finite_is_refused():
    values = np.zeros((4, 2))
    values[2, 1] = np.nan
    with pytest.raises(DivergedError, match="Sigmoid: state of line 1 is nan at tick 2; states must be finite"):
        prepared(Sigmoid(5, 6, 0.56), 2).convert(States(Window(0, 4), 2, values))


# -- integrate-and-fire ----------------------------------------------------------------------------------------------------


# Siegert (1951), Ricciardi, Brunel (2000): tau = 20 ms, threshold 20 mV, reset 10 mV, refractory 2 ms
@pytest.mark.parametrize(
    ("mu", "sigma", "hz"),
    [(15, 5, 9.46080), (18, 3, 12.51153), (20, 5, 27.34057), (24, 2, 38.34628), (30, 5, 66.29333), (12, 6, 5.44771)],
)
def test_siegert(mu, sigma, hz):
    assert siegert_rate_hz(mu, sigma, **NEURON) == pytest.approx(hz, abs=6e-6)  # as many digits as are given
    integral, _ = quad(lambda u: erfcx(-u), (10 - mu) / sigma, (20 - mu) / sigma, epsrel=1e-13, epsabs=0)
    assert siegert_rate_hz(mu, sigma, **NEURON) == pytest.approx(1e3 / (2 + 20 * np.sqrt(np.pi) * integral), rel=1e-11)


# 1 / rate = refractory + tau log((mu - reset) / (mu - threshold))
@pytest.mark.parametrize("sigma", [0.0, 1e-9, 2e-8, 1e-5])
def test_siegert_without_noise(sigma):
    hz = siegert_rate_hz([21, 25, 30, 40], sigma, **NEURON)
    np.testing.assert_allclose(hz, [20.0169, 41.7149, 63.0400, 98.9188], atol=5.1e-5)
    assert siegert_rate_hz(19.9, sigma, **NEURON) == 0


def test_siegert_is_smooth_and_finite_everywhere():
    mu, sigma = np.meshgrid(np.linspace(-100, 200, 301), np.logspace(-3, 3, 13))
    hz = siegert_rate_hz(mu, sigma, **NEURON)
    assert np.isfinite(hz).all()
    assert (hz >= 0).all()
    assert (hz <= 500).all()
    assert (np.diff(hz, axis=1) >= -1e-9 * hz[:, 1:]).all()  # more drive, more spikes
    assert siegert_rate_hz([-1e6, 1e6], [1.0, 1.0], **NEURON) == pytest.approx(
        [0, 499.95], rel=1e-7
    )  # 2 ms and 20 ms * 10 mV / 1e6 mV


# Euler steps see the threshold 0.5826 sigma sqrt(dt / tau) higher (Chernoff & Petkau; -zeta(1/2) / sqrt(2 pi))
def test_siegert_is_the_rate_of_simulated_neurons():
    mu, sigma, dt, tau, cells, steps, settle = 15.0, 5.0, 0.1, 20.0, 1000, 12_000, 2000
    random, v, waiting, fired = np.random.default_rng(1), np.full(1000, 10.0), np.zeros(1000, int), 0
    for step in range(steps):
        free = waiting <= 0
        v += free * ((mu - v) * dt / tau + sigma * np.sqrt(dt / tau) * random.standard_normal(cells))
        spikes = v > 20
        v[spikes], waiting = 10.0, np.where(spikes, 20, waiting - 1)
        fired += int(spikes.sum()) if step >= settle else 0
    seen = fired / (cells * (steps - settle) * dt * 1e-3)
    theory = siegert_rate_hz(mu, sigma, **NEURON, step_ms=dt)
    shifted = NEURON | {"v_threshold_mv": 20 + 0.5826 * sigma * np.sqrt(dt / tau)}
    assert theory == pytest.approx(siegert_rate_hz(mu, sigma, **shifted), rel=1e-5)
    assert theory == pytest.approx(8.821, abs=1e-3)
    assert seen == pytest.approx(float(theory), rel=0.04)  # 4 standard errors of 8,821


# both bounds shift by alpha / 2 sqrt(tau_syn / tau), alpha = sqrt(2) |zeta(1/2)| (Fourcaud & Brunel 2002)
def test_coloured_noise_shifts_threshold_and_reset():
    shift = np.sqrt(2) * 1.4603545 / 2 * np.sqrt(2 / 20)
    integral, _ = quad(lambda u: erfcx(-u), (10 - 15) / 5 + shift, (20 - 15) / 5 + shift, epsrel=1e-12)
    theory = 1e3 / (2 + 20 * np.sqrt(np.pi) * integral)
    assert siegert_rate_hz(15, 5, **NEURON, tau_syn_ms=2) == pytest.approx(theory, rel=1e-7)
    assert theory < 0.85 * siegert_rate_hz(15, 5, **NEURON)
    gain = SiegertGain(mu_mv=15, sigma_mv=5, tau_syn_ms=2, step_ms=0.1)
    hz = prepared(gain, 1).convert(Rates(Window(0, 1), 1, 0.0)).hz[0, 0]
    assert hz == pytest.approx(siegert_rate_hz(15, 5, **NEURON, tau_syn_ms=2, step_ms=0.1), rel=1e-12)


# Brunel (2000): theta / (J C tau) = 10 Hz brings the mean to threshold
def test_the_gain_takes_mean_and_noise_from_its_inputs():
    hz = response(SiegertGain(0.1, 1000), [0.0, 5.0, 10.0, 20.0])
    np.testing.assert_allclose(hz[2], siegert_rate_hz(20.0, np.sqrt(0.1 * 20), **NEURON), rtol=1e-12)
    np.testing.assert_allclose(hz[3], siegert_rate_hz(40.0, np.sqrt(0.1 * 40), **NEURON), rtol=1e-12)
    assert hz[0] == 0
    inhibited = response(SiegertGain(-0.5, 100, mu_mv=25, sigma_mv=3), [4.0])
    np.testing.assert_allclose(
        inhibited, siegert_rate_hz(21.0, np.sqrt(9 + 0.25 * 100 * 4 * 0.02), **NEURON), rtol=1e-12
    )


def test_a_table_replaces_the_gain():
    grid = np.linspace(0, 40, 400)
    table = TableLookup(grid, response(SiegertGain(0.1, 1000), grid))
    x = np.random.default_rng(0).uniform(5, 40, 200)
    np.testing.assert_allclose(response(table, x), response(SiegertGain(0.1, 1000), x), atol=0.02)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Affine(gain=np.inf), r"Affine: gain = inf is not a finite number"),
        (lambda: Map([1, 2]), r"Map: matrix of shape \[2\] must be \[target, source\]"),
        (lambda: Map(np.zeros((0, 3))), r"Map: matrix of shape \[0, 3\] must be"),
        (lambda: Map([[1, np.nan]]), r"Map: matrix is not finite"),
        (lambda: Sigmoid(0, 6, 0.56), r"Sigmoid: rate_max_hz = 0 must be above 0"),
        (lambda: Sigmoid(5, 6, -1), r"Sigmoid: slope = -1 must be above 0"),
        (lambda: InverseSigmoid(5, 6, 0), r"InverseSigmoid: slope = 0 must be above 0"),
        (lambda: InverseSigmoid(5, 6, 1, clip=0.5), r"InverseSigmoid: clip = 0.5 must be below 0.5"),
        (lambda: TableLookup([0, 1], [0, 1, 2]), r"inputs \[2\] and outputs \[3\] must be lists of the same length"),
        (lambda: TableLookup([0, 1]), r"inputs and outputs belong together; give both, or neither"),
        (lambda: TableLookup(outputs=[0, 1]), r"inputs and outputs belong together"),
        (lambda: TableLookup([0], [0]), r"the same length, 2 or above"),
        (lambda: TableLookup([0, 2, 2], [0, 1, 2]), r"inputs must rise, but \[2\] = 2 follows 2"),
        (lambda: SiegertGain(0.1, 0), r"SiegertGain: inputs = 0 must be at least 1"),
        (lambda: SiegertGain(0.1, 10, tau_m_ms=0), r"SiegertGain: tau_m_ms = 0 must be above 0"),
        (lambda: SiegertGain(0.1, 10, v_reset_mv=20), r"v_reset_mv = 20 must be below v_threshold_mv = 20"),
        (
            lambda: siegert_rate_hz(15, -1, **NEURON),
            r"siegert_rate_hz: mu_mv must be finite, sigma_mv finite and not below 0",
        ),
        (lambda: siegert_rate_hz(15, 1, 20, 10, 20, 2), r"v_threshold_mv = 10 must be above v_reset_mv = 20"),
    ],
)
def test_wrong_parameters_are_named(make, text):
    with pytest.raises(ConfigurationError, match=text):
        make()


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("low", "high"),
    [
        (0, 1e-3),
        (0, 0.1),
        (0, 8),
        (0.2, 0.3),
        (0.4, 0.6),
        (2, 2.6),
        (3, 3.5),
        (1, 10),
        (10, 1e3),
        (100, 130),
        (7, 1e7),
        (1e8, 1e10),
    ],
)
def test_the_integral_of_erfcx_is_that_of_mpmath(low, high):
    """In 30 digits, over arcsinh(s); beyond 50 by the asymptotic series of erfc (Abramowitz & Stegun 7.1.23)."""
    mpmath = pytest.importorskip("mpmath")

    def height(w):
        s = mpmath.sinh(w)
        if s < 50:
            return mpmath.exp(s * s) * mpmath.erfc(s) * mpmath.cosh(w)
        series = sum((-1) ** n * mpmath.fac2(2 * n - 1) / (2 * s * s) ** n for n in range(8))
        return mpmath.cosh(w) / (s * mpmath.sqrt(mpmath.pi)) * series

    with mpmath.workdps(30):
        exact = mpmath.quad(height, mpmath.linspace(mpmath.asinh(low), mpmath.asinh(high), 12))
    (found,) = integral_of_erfcx(np.array([float(low)]), np.array([float(high)]))
    assert found == pytest.approx(float(exact), rel=5e-15)


def test_the_integral_of_erfcx_is_zero_over_nothing():
    np.testing.assert_array_equal(integral_of_erfcx(np.array([0.0, 3.0, 1e9]), np.array([0.0, 3.0, 1e9])), 0.0)
