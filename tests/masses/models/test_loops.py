"""Basal ganglia and thalamus with cortex: rests, cycles, onsets and spectra against theory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from masses_toys import lived, one_node, prepared
from scipy.optimize import root
from scipy.signal import welch

from hybrid.errors import ConfigurationError, DataError, UnknownNameError
from hybrid.masses import FiringRate, MassNetwork, Robinson, basal_ganglia, thalamocortical
from hybrid.testing import check_component


def rising(x: Any) -> Any:
    """Times, in ticks, at which x rises through its mean."""
    level = x.mean()
    k = np.flatnonzero((x[:-1] < level) & (x[1:] >= level))
    return k + (level - x[k]) / (x[k + 1] - x[k])


def hertz(x: Any, tick_ms: float) -> Any:
    return 1e3 / (np.diff(rising(x)).mean() * tick_ms)


# one population


def test_firing_rate_response_has_its_base_its_largest_rate_and_slope_1_in_between() -> None:
    model = FiringRate(tau_ms=[5.0, 14.0, 6.0], max_hz=[400.0, 400.0, 300.0], base_hz=[75.0, 75.0, 17.0])
    into = np.array([0.0, 1e4, 75.0 * math.log(283.0 / 17.0)])  # where the odds are 1
    F, ahead = (model.derivatives(np.zeros((1, 3)), (into + d)[None])[0] * model.tau_ms for d in (0.0, 1e-4))
    np.testing.assert_allclose(F, [75.0, 400.0, 150.0], rtol=1e-12)
    assert (ahead - F)[2] / 1e-4 == pytest.approx(1.0, abs=1e-6)
    assert model.derivatives([[10.0] * 3], [into])[0, 0] == pytest.approx((75.0 - 10.0) / 5.0)


def test_dendrites_filter_with_two_time_constants() -> None:
    """A step of input: V = 1 - (beta exp(-alpha t) - alpha exp(-beta t)) / (beta - alpha)."""
    a, b = 0.08, 0.4
    model = Robinson(alpha_per_ms=a, beta_per_ms=b, input_mv=1.0)
    network = MassNetwork("net", one_node(), model, initial={"V": 0.0, "phi": 0.0}, integrator="rk4")
    t = 0.1 * np.arange(500)
    expected = 1.0 - (b * np.exp(-a * t) - a * np.exp(-b * t)) / (b - a)
    np.testing.assert_allclose(lived(prepared(network), 500)["V"][:, 0], expected, atol=1e-8)


def test_cortical_waves_are_damped_critically() -> None:
    """At a constant rate Q: phi = Q (1 - (1 + gamma t) exp(-gamma t))."""
    network = MassNetwork("net", one_node(), Robinson(input_mv=10.0), initial={"phi": 0.0}, integrator="rk4")
    outputs = lived(prepared(network), 500)
    t = 0.0116 * np.arange(500)
    rate = 340.0 / (1.0 + math.exp(2.92 / 3.8))
    np.testing.assert_allclose(outputs["rate"], rate, rtol=1e-12)
    np.testing.assert_allclose(outputs["phi"][:, 0], rate * (1.0 - (1.0 + t) * np.exp(-t)), atol=1e-7)


@pytest.mark.parametrize("model", [FiringRate, Robinson])
def test_population_either_excites_or_inhibits(model: Any) -> None:
    with pytest.raises(ConfigurationError, match="give 1 of an excitatory population and -1 of an inhib"):
        model(sign=0.5)


def test_base_rate_is_below_the_largest() -> None:
    with pytest.raises(ConfigurationError, match="give a base rate above 0 and below the largest"):
        FiringRate(max_hz=100.0, base_hz=[10.0, 100.0])


# basal ganglia: Nevado-Holgado, Terry & Bogacz (2010), written out a second time

WEIGHTS = {"sg": (19.0, 20.0), "gs": (1.12, 10.7), "gg": (6.60, 12.3), "cs": (2.42, 9.2), "xg": (15.1, 139.4)}


def between(strength: float) -> dict[str, float]:
    return {which: weak + strength * (strong - weak) for which, (weak, strong) in WEIGHTS.items()}


def response(x: float, most: float, base: float) -> float:
    return most / (1.0 + (most - base) / base * math.exp(-4.0 * x / most))


def pull(y: Any, s_late: float, g_late: float, g_less: float, w: dict[str, float]) -> Any:
    into_s = w["cs"] * 27.0 - w["gs"] * g_late
    into_g = w["sg"] * s_late - w["gg"] * g_less - w["xg"] * 2.0
    return np.array([(response(into_s, 300.0, 17.0) - y[0]) / 6.0, (response(into_g, 400.0, 75.0) - y[1]) / 14.0])


def rest(strength: float) -> Any:
    w = between(strength)
    found = root(lambda y: pull(y, y[0], y[1], y[1], w), [18.0, 50.0], tol=1e-13)
    assert found.success
    return found.x


def characteristic(exponent: complex, strength: float) -> complex:
    """Its roots are the exponents, 1/ms, of small deviations from rest."""
    w, (s, g) = between(strength), rest(strength)
    slope_s, slope_g = 4.0 * s / 300.0 * (1.0 - s / 300.0), 4.0 * g / 400.0 * (1.0 - g / 400.0)
    itself = (6.0 * exponent + 1.0) * (14.0 * exponent + 1.0 + slope_g * w["gg"] * np.exp(-4.0 * exponent))
    return complex(itself + slope_s * slope_g * w["gs"] * w["sg"] * np.exp(-12.0 * exponent))


def as_pair(z: complex) -> list[float]:
    return [z.real, z.imag]


def exponent(strength: float) -> complex:
    found = root(lambda z: as_pair(characteristic(complex(*z), strength)), [0.0, 0.17], tol=1e-12)
    assert found.success
    return complex(*found.x)


def onset() -> tuple[float, float]:
    """Strength and frequency, rad/ms, at which an exponent crosses the imaginary axis."""
    found = root(lambda z: as_pair(characteristic(1j * z[0], z[1])), [0.17, 0.3], tol=1e-12)
    assert found.success
    return found.x[1], found.x[0]


def test_healthy_basal_ganglia_rest() -> None:
    rates = lived(prepared(basal_ganglia()), 20_000)["rate"][-1]
    np.testing.assert_allclose(rates, [18.148, 53.693], rtol=5e-5)
    np.testing.assert_allclose(rates, rest(0.0), rtol=1e-9)


def test_parkinsonian_basal_ganglia_oscillate_in_beta() -> None:
    """Against 20.52 Hz (computed independently), and Runge and Kutta's method of order four with a cubic history."""
    rates = lived(prepared(basal_ganglia(state="parkinsonian")), 30_000)["rate"][10_000:]
    assert hertz(rates[:, 0], 0.1) == pytest.approx(20.52, abs=0.3)
    h, w = 0.2, between(1.0)
    y = np.empty((5001, 2))
    slope = np.zeros((5001, 2))
    y[:31] = [17.0, 75.0]

    def middle(k: int) -> Any:  # of the step from k to k + 1
        return 0.5 * (y[k] + y[k + 1]) + h / 8.0 * (slope[k] - slope[k + 1])

    for k in range(30, 5000):
        late = [(y[k - 30], y[k - 20]), (middle(k - 30), middle(k - 20)), (y[k - 29], y[k - 19])]
        first, half, last = ((gs[0], gs[1], gg[1]) for gs, gg in late)
        k1 = pull(y[k], *first, w)
        slope[k] = k1
        k2 = pull(y[k] + h / 2 * k1, *half, w)
        k3 = pull(y[k] + h / 2 * k2, *half, w)
        k4 = pull(y[k] + h * k3, *last, w)
        y[k + 1] = y[k] + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    cycle = y[2500:]
    assert hertz(rates[:, 0], 0.1) == pytest.approx(hertz(cycle[:, 0], h), rel=5e-4)
    np.testing.assert_allclose(rates.max(axis=0), cycle.max(axis=0), rtol=1e-3)
    np.testing.assert_allclose(rates.min(axis=0), cycle.min(axis=0), rtol=1e-3)


def test_beta_begins_where_the_delayed_characteristic_equation_says() -> None:
    strength, pace = onset()
    assert strength == pytest.approx(0.3047, abs=1e-4)
    assert 13.0 < 1e3 * pace / (2.0 * math.pi) < 30.0
    assert exponent(strength - 0.02).real < 0.0 < exponent(strength + 0.02).real
    assert exponent(strength).imag == pytest.approx(pace, rel=1e-9)


@pytest.mark.parametrize("beyond", [-0.02, 0.02])
def test_small_deviations_from_rest_grow_or_die_as_the_onset_says(beyond: float) -> None:
    strength = onset()[0] + beyond
    still = rest(strength)
    network = basal_ganglia(
        strength=strength, initial={"y": [still[0] + 1e-5, still[1]]}, history=lambda t: {"y": still}
    )
    s = lived(prepared(network, 0.05), 40_000)["y"][4000:, 0] - still[0]
    peaks = np.flatnonzero((s[1:-1] > s[:-2]) & (s[1:-1] >= s[2:])) + 1
    growth, _ = np.polyfit(0.05 * peaks, np.log(s[peaks]), 1)
    expected = exponent(strength)
    assert growth == pytest.approx(expected.real, rel=0.02)
    assert np.sign(growth) == np.sign(beyond)
    assert hertz(s, 0.05) == pytest.approx(1e3 * expected.imag / (2.0 * math.pi), rel=1e-3)


def test_cycle_grows_from_nothing_beyond_the_onset() -> None:
    """Supercritical: the squared amplitude grows like the distance from the onset."""
    excess = np.array([0.002, 0.004])
    squared = [
        np.ptp(lived(prepared(basal_ganglia(strength=onset()[0] + d), 0.1), 150_000)["rate"][-2000:, 0]) ** 2
        for d in excess
    ]
    assert squared[1] / squared[0] == pytest.approx(2.0, rel=0.1)


def test_drive_of_basal_ganglia_is_a_rate_of_cortex_and_of_striatum() -> None:
    driven = lived(
        prepared(basal_ganglia(cortex_hz=20.0, striatum_hz=0.5)), 500, drive_hz=np.tile([7.0, 1.5], (500, 1))
    )
    plain = lived(prepared(basal_ganglia()), 500)
    np.testing.assert_allclose(driven["rate"], plain["rate"], rtol=1e-12)


@pytest.mark.parametrize("loop", [basal_ganglia, thalamocortical])
def test_loop_keeps_the_contract_of_components(loop: Any) -> None:
    check_component(loop)


def test_numbers_and_options_of_a_loop_are_replaced_by_name() -> None:
    network = basal_ganglia("bg", w_gg=0.0, delay_gs_ms=8.0, tau_s_ms=5.0, integrator="rk4")
    assert network.name == "bg"
    assert network.regions == ("STN", "GPe")
    np.testing.assert_array_equal(network.connectome.weights, [[0.0, 1.12], [19.0, 0.0]])
    np.testing.assert_allclose(network.connectome.delays_ms(network.speed_m_s, 0.1), [[0.1, 8.0], [6.0, 4.0]])
    np.testing.assert_array_equal(network.model.tau_ms, [5.0, 14.0])  # type: ignore[attr-defined]
    assert network.integrator == "rk4"
    with pytest.raises(UnknownNameError, match="w_xy"):
        basal_ganglia(w_xy=1.0)
    with pytest.raises(UnknownNameError, match="healthy"):
        basal_ganglia(state="health")
    with pytest.raises(UnknownNameError, match="spindles"):
        thalamocortical(state="spindle")
    with pytest.raises(DataError, match="not below 0"):
        basal_ganglia(w_gs=-1.0)
    with pytest.raises(ConfigurationError, match="strength"):
        basal_ganglia(strength=-0.1)


# thalamus and cortex

NAMES = ("cortex_e", "cortex_i", "reticular", "relay")


@pytest.mark.parametrize(
    ("state", "published", "digits"),
    [
        ("rest", (6.9858430745, 6.9858430745, 15.3466300572, 5.6382566040), 1e-6),
        ("spindles", (5.832360, 5.832360, 39.568251, 0.624277), 2e-3),  # its weights have 4 to 6 digits
    ],
)
def test_thalamus_and_cortex_stand_still_at_the_rates_of_nftsim(state: str, published: Any, digits: float) -> None:
    """Rates that NFTsim's configurations of the same parameters start from."""
    network = thalamocortical(state=state, noise=None)
    assert network.regions == NAMES
    rates = lived(prepared(network), 3000)["rate"]
    np.testing.assert_allclose(rates[0], published, rtol=digits)
    np.testing.assert_allclose(rates[-1], rates[0], rtol=1e-9)


def spectrum(network: MassNetwork, hz: Any, cut: tuple[tuple[str, str], ...] = ()) -> Any:
    """Of phi of the cortex, Hz^2/Hz, both sides: noise through the linear system at the fixed point.

    ``cut`` paths, (target, source), leave gains and fixed point as they are.
    """
    model: Any = network.model
    a, b, gamma = model.alpha_per_ms, model.beta_per_ms, model.gamma_per_ms[0]
    signed = network.connectome.weights * model.sign
    v = network._initial[0]
    rate = model.max_hz / (1.0 + np.exp((model.theta_mv - v) / model.sigma_mv))
    np.testing.assert_allclose(signed @ rate + model.input_mv, v, rtol=1e-9)
    gain = signed * rate / model.sigma_mv * (1.0 - rate / model.max_hz)
    for target, source in cut:
        gain[NAMES.index(target), NAMES.index(source)] = 0.0
    slope = rate[0] / model.sigma_mv * (1.0 - rate[0] / model.max_hz)
    sigma = network._noise_sigma[1, 3]
    power = []
    for f in np.atleast_1d(hz):
        s = 2j * np.pi * 1e-3 * f
        wave = np.array([1.0 / (1.0 + s / gamma) ** 2, 1.0, 1.0, 1.0])
        dendrite = 1.0 / ((1.0 + s / a) * (1.0 + s / b))
        late = np.exp(-s * network.connectome.lengths_mm)
        forced = np.array([0.0, 0.0, 0.0, sigma / (a * b)]) * dendrite
        v = np.linalg.solve(np.eye(4) - dendrite * gain * late * wave, forced)
        power.append(1e-3 * abs(slope * wave[0] * v[0]) ** 2)  # ms are 1e-3 s
    return np.array(power)


def peak_hz(hz: Any, power: Any) -> float:
    """The top of a parabola through the logarithm of the upper three quarters of the highest peak."""
    top = int(power.argmax())
    low, high = top, top
    while power[low - 1] > power[top] / 4.0:
        low -= 1
    while power[high + 1] > power[top] / 4.0:
        high += 1
    curve, line, _ = np.polyfit(hz[low : high + 1] - hz[top], np.log(power[low : high + 1]), 2)
    return float(hz[top] - line / (2.0 * curve))


BAND = {"rest": (8.0, 12.0), "spindles": (12.0, 15.0)}
SEGMENT = 10_000  # ticks of 0.5 ms, for a resolution of 0.2 Hz


@pytest.mark.parametrize("state", ["rest", "spindles"])
def test_spectrum_of_thalamus_and_cortex_is_that_of_the_linear_system(state: str) -> None:
    """Weak noise, 250 s. Welch's averages over k segments that overlap by half vary by sqrt(1.06 / k) a bin."""
    network = thalamocortical(state=state, local_delay_ms=0.5, phi_n_noise=0.02)
    phi = lived(prepared(network, 0.5), 502_000)["phi"][2000:, 0]
    hz, power = welch(phi, 2000.0, nperseg=SEGMENT, detrend="constant")
    used = (hz > 2.0) & (hz < 30.0)
    hz, power = hz[used], power[used] / 2.0  # both sides
    expected = spectrum(network, hz)
    k = 2 * phi.size / SEGMENT - 1
    spread = math.sqrt(1.06 / k)
    assert (abs(power / expected - 1.0) < 5.0 * spread).all()
    assert (power / expected).mean() == pytest.approx(1.0, abs=4.0 * spread / math.sqrt(hz.size / 2.0))
    resolution = 2000.0 / SEGMENT
    assert peak_hz(hz, power) == pytest.approx(peak_hz(hz, expected), abs=resolution)
    low, high = BAND[state]
    assert low < peak_hz(hz, power) < high


@pytest.mark.parametrize("state", ["rest", "spindles"])
def test_rhythm_stays_with_the_noise_that_is_given(state: str) -> None:
    network = thalamocortical(state=state, local_delay_ms=0.5)
    outputs = lived(prepared(network, 0.5), 200_000)
    assert 0.5 < outputs["V"][:, 3].std() < 2.0
    hz, power = welch(outputs["phi"][2000:, 0], 2000.0, nperseg=SEGMENT)
    low, high = BAND[state]
    assert low < peak_hz(hz[10:], power[10:]) < high


def test_alpha_is_where_the_rule_of_its_authors_puts_it() -> None:
    """f = 1 / (t0 + 1/alpha + 1/beta), a rule of thumb of 1 Hz; a longer loop is slower by as much."""
    hz = np.arange(5.0, 20.0, 0.02)
    rule = 1e3 / (85.0 + 12.0 + 1.3)
    assert rule == pytest.approx(10.17, abs=0.005)
    assert peak_hz(hz, spectrum(thalamocortical(), hz)) == pytest.approx(rule, abs=1.0)
    longer = peak_hz(hz, spectrum(thalamocortical(t0_ms=105.0), hz))
    assert longer == pytest.approx(1e3 / (105.0 + 12.0 + 1.3), abs=1.0)


def test_alpha_needs_the_loop_through_the_cortex_and_spindles_that_of_the_nuclei() -> None:
    hz = np.arange(5.0, 25.0, 0.1)
    corticothalamic = (("relay", "cortex_e"), ("reticular", "cortex_e"))
    nuclei = (("relay", "reticular"),)
    awake, asleep = thalamocortical(), thalamocortical(state="spindles")

    def has_peak(network: MassNetwork, cut: Any) -> bool:
        power = spectrum(network, hz, cut)
        low, high = BAND["rest" if network is awake else "spindles"]
        inner = (hz[1:-1] > low) & (hz[1:-1] < high)
        return bool((inner & (power[1:-1] > power[:-2]) & (power[1:-1] > power[2:])).any())

    assert has_peak(awake, ())
    assert not has_peak(awake, corticothalamic)
    assert has_peak(asleep, ())
    assert has_peak(asleep, corticothalamic)
    assert not has_peak(asleep, nuclei)


def test_drive_of_relay_cells_is_a_rate_of_their_afferents() -> None:
    driven = prepared(thalamocortical(noise=None, phi_n_hz=0.4, initial=thalamocortical()._initial))
    drive = np.tile([0.0, 0.0, 0.0, 0.6], (500, 1))
    plain = lived(prepared(thalamocortical(noise=None)), 500)
    np.testing.assert_allclose(lived(driven, 500, drive_hz=drive)["rate"], plain["rate"], rtol=1e-9)


def test_thalamus_and_cortex_without_a_fixed_point_near_say_so() -> None:
    with pytest.raises(ConfigurationError, match="no fixed point found near that of the state; give 'initial'"):
        thalamocortical(nu_sr=1000.0)
