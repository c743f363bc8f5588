"""Rate to rate: that of leaky integrate-and-fire neurons whose inputs fire at a rate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import dawsn

from adapters._first_passage import integral_of_erfcx
from hybrid.adapter import Adapter, arrays
from hybrid.clock import Clock
from hybrid.errors import ConfigurationError
from hybrid.signals import Moments, Rates, check_rates
from hybrid.units import FloatArray, number

_NO_NOISE = 1e-9  # sigma as a share of the distance from reset to threshold
_ZETA_HALF = 1.4603545088095868  # -zeta(1/2)


def siegert_rate_hz(
    mu_mv: ArrayLike,
    sigma_mv: ArrayLike,
    tau_m_ms: float,
    v_threshold_mv: float,
    v_reset_mv: float,
    refractory_ms: float,
    step_ms: float = 0.0,
    tau_syn_ms: float = 0.0,
) -> FloatArray:
    """Stationary rate, Hz, of a leaky integrate-and-fire neuron in white noise; of the broadcast shape of mu and sigma.

    ``tau_m dV/dt = -V + mu + sigma sqrt(tau_m) xi(t)``: without a threshold V would have the standard deviation
    ``sigma / sqrt(2)``. Siegert (1951) Phys Rev 81:617; Ricciardi (1977); Brunel (2000) J Comput Neurosci 8:183:

        1 / rate = refractory + tau_m sqrt(pi) int_{(reset - mu) / sigma}^{(threshold - mu) / sigma} erfcx(-u) du

    with ``erfcx(-u) = exp(u^2) (1 + erf(u))``. Below 0 that is integrated as it stands; above it grows without bound, and
    ``2 exp(u^2)``, whose integral is Dawson's, is split off. Without noise (sigma below 1e-9 of the distance from reset to
    threshold) it is ``refractory + tau_m log((mu - reset) / (mu - threshold))``, and 0 Hz at mu = threshold or below.

    Two corrections, both by shifted bounds, with ``-zeta(1/2) = 1.4604``:

    - ``step_ms``: of neurons that are simulated in steps and may cross the threshold between two of them unseen. It lies
      ``-zeta(1/2) / sqrt(2 pi) sigma sqrt(step / tau_m)`` higher (Broadie, Glasserman & Kou (1997) Math Finance 7:325;
      in 0.1 ms steps up to 7 % of the rate).
    - ``tau_syn_ms``: exponential synapses make the noise coloured. Threshold and reset lie
      ``-zeta(1/2) / sqrt(2) sigma sqrt(tau_syn / tau_m)`` higher (Fourcaud & Brunel (2002) Neural Comput 14:2057), the
      first order in ``sqrt(tau_syn / tau_m)``. Without white noise beside it there are no crossings unseen: leave out
      ``step_ms``.
    """
    span = v_threshold_mv - v_reset_mv
    if span <= 0 or tau_m_ms <= 0 or min(refractory_ms, step_ms, tau_syn_ms) < 0:
        raise ConfigurationError(
            f"siegert_rate_hz: v_threshold_mv = {v_threshold_mv:g} must be above v_reset_mv = {v_reset_mv:g}, "
            f"tau_m_ms = {tau_m_ms:g} above 0, refractory_ms = {refractory_ms:g}, step_ms = {step_ms:g} and "
            f"tau_syn_ms = {tau_syn_ms:g} not below 0"
        )
    given = np.asarray(mu_mv, np.float64), np.asarray(sigma_mv, np.float64)
    if not (np.isfinite(given[0]).all() and np.isfinite(given[1]).all() and (given[1] >= 0).all()):
        raise ConfigurationError("siegert_rate_hz: mu_mv must be finite, sigma_mv finite and not below 0")
    mu, sigma = (np.array(each).ravel() for each in np.broadcast_arrays(*given))
    passage = np.full(mu.shape, np.inf)  # mean time from reset to threshold, in tau_m
    quiet = sigma < _NO_NOISE * span
    fires = quiet & (mu > v_threshold_mv)
    passage[fires] = arrays.log1p(span / (mu[fires] - v_threshold_mv))
    noisy = ~quiet
    low, high = ((v - mu[noisy]) / sigma[noisy] for v in (v_reset_mv, v_threshold_mv))
    coloured = _ZETA_HALF / np.sqrt(2) * np.sqrt(tau_syn_ms / tau_m_ms)
    unseen = _ZETA_HALF / np.sqrt(2 * np.pi) * np.sqrt(step_ms / tau_m_ms)
    passage[noisy] = np.sqrt(np.pi) * _first_passage(low + coloured, high + coloured + unseen)
    rate_hz: FloatArray = 1e3 / (refractory_ms + tau_m_ms * passage)
    return rate_hz.reshape(np.broadcast_shapes(given[0].shape, given[1].shape))


def _first_passage(low: FloatArray, high: FloatArray) -> FloatArray:
    """Integral of ``erfcx(-u)`` from low to high."""
    from_, to = np.maximum(low, 0), np.maximum(high, 0)
    with np.errstate(over="ignore"):  # so far below threshold that the rate is 0
        growing = 2 * arrays.exp(to**2) * (dawsn(to) - arrays.exp(from_**2 - to**2) * dawsn(from_))
    below = integral_of_erfcx(np.maximum(-high, 0), np.maximum(-low, 0))
    result: FloatArray = below + growing - integral_of_erfcx(from_, to)
    return result


class SiegertGain(Adapter):
    """The rate at which integrate-and-fire neurons fire when ``inputs`` synapses each are driven at the rate that comes in.

    In the diffusion approximation (Brunel (2000) J Comput Neurosci 8:183) a rate r gives

        mu = mu_mv + tau_m J K r,    sigma^2 = sigma_mv^2 + tau_m J^2 K r

    with J = ``weight_mv`` and K = ``inputs``, and :func:`adapters.siegert_rate_hz` gives the rate. It holds for many small
    inputs, synapses without a time course, and rates that change slowly against ``tau_m_ms``. It takes
    some 0.2 microseconds for each line and tick; a :class:`adapters.TableLookup` made from it is faster.

    Parameters
    ----------
    weight_mv: what one spike adds to the potential; negative inhibits.
    inputs: synapses of each neuron, 1 or above.
    tau_m_ms, v_threshold_mv, v_reset_mv, refractory_ms: of the neuron; potentials from rest.
    mu_mv, sigma_mv: what all other inputs add: mean, and noise in the convention of :func:`adapters.siegert_rate_hz`.
    step_ms, tau_syn_ms: its corrections for neurons simulated in steps, and for exponential synapses.
    """

    accepts = Rates
    emits = Rates

    def __init__(
        self,
        weight_mv: Any = 0.1,
        inputs: int = 1000,
        tau_m_ms: Any = 20.0,
        v_threshold_mv: Any = 20.0,
        v_reset_mv: Any = 10.0,
        refractory_ms: Any = 2.0,
        mu_mv: Any = 0.0,
        sigma_mv: Any = 0.0,
        step_ms: Any = 0.0,
        tau_syn_ms: Any = 0.0,
    ) -> None:
        def named(value: Any, unit: str, name: str, **bounds: Any) -> float:
            return number(value, unit, f"SiegertGain: {name}", **bounds)

        self.weight_mv = named(weight_mv, "mv", "weight_mv")
        self.inputs = named(inputs, "1", "inputs", at_least=1.0)
        self.tau_m_ms = named(tau_m_ms, "ms", "tau_m_ms", positive=True)
        self.v_threshold_mv = named(v_threshold_mv, "mv", "v_threshold_mv")
        self.v_reset_mv = named(v_reset_mv, "mv", "v_reset_mv")
        self.refractory_ms = named(refractory_ms, "ms", "refractory_ms", at_least=0.0)
        self.mu_mv = named(mu_mv, "mv", "mu_mv")
        self.sigma_mv = named(sigma_mv, "mv", "sigma_mv", at_least=0.0)
        self.step_ms = named(step_ms, "ms", "step_ms", at_least=0.0)
        self.tau_syn_ms = named(tau_syn_ms, "ms", "tau_syn_ms", at_least=0.0)
        if self.v_reset_mv >= self.v_threshold_mv:
            raise ConfigurationError(
                f"SiegertGain: v_reset_mv = {self.v_reset_mv:g} must be below v_threshold_mv = {self.v_threshold_mv:g}"
            )

    def prepare(self, clock: Clock, source: Any, target: Any, rng: np.random.Generator) -> None:
        self._clock = clock

    def convert(self, signal: Rates) -> Rates:
        check_rates(signal, "SiegertGain")
        return self._fired(signal)

    def expected(self, signal: Rates) -> Moments:
        total = self._fired(signal).total(self._clock)
        return Moments(total, np.zeros_like(total))

    def _fired(self, signal: Rates) -> Rates:
        drive_mv = self.tau_m_ms * 1e-3 * self.weight_mv * self.inputs * signal.hz
        mu = self.mu_mv + drive_mv
        sigma = np.sqrt(self.sigma_mv**2 + self.weight_mv * drive_mv)
        neuron = (
            self.tau_m_ms,
            self.v_threshold_mv,
            self.v_reset_mv,
            self.refractory_ms,
            self.step_ms,
            self.tau_syn_ms,
        )
        return Rates(signal.window, signal.size, siegert_rate_hz(mu, sigma, *neuron))
