"""Turing patterns on a ring of populations: which wavelength, from which strength on, how fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from masses_toys import lived, prepared
from scipy.optimize import brentq

from hybrid.connectome import Connectome
from hybrid.masses import FiringRate, Linear, MassNetwork

N = 256
TICK_MS = 0.05


def mexican_hat(x: Any) -> Any:
    """Its transform is k^2 / (1 + k^2)^2: 1/4 at most, at k = 1."""
    return 0.25 * (1.0 - x) * np.exp(-x)


def difference_of_gaussians(x: Any) -> Any:
    """Areas 1.5 and 1, widths 1 and 2: the transform is largest at k^2 = 2 ln(8/3) / 3."""
    wide, narrow = np.exp(-(x**2) / 8.0) / 2.0, np.exp(-(x**2) / 2.0)
    return (1.5 * narrow - wide) / np.sqrt(2.0 * np.pi)


class Ring:
    """N places of two populations with the same input and the same rate, one excitatory and one inhibitory, which carry the
    kernel where it is above and below 0.

    All rates at half of the largest are a fixed point, where the response has slope 1.
    """

    def __init__(self, kernel: Callable[[Any], Any], length: float) -> None:
        step = length / N
        apart = step * np.arange(N)
        self.row = step * kernel(np.minimum(apart, length - apart))
        self.modes = np.fft.fft(self.row).real  # a symmetric kernel has a real transform
        w = self.row[(np.arange(N)[:, None] - np.arange(N)) % N]
        weights = np.tile(np.hstack([np.maximum(w, 0.0), np.maximum(-w, 0.0)]), (2, 1))
        labels = tuple(f"{kind}{place}" for kind in "ei" for place in range(N))
        self.connectome = Connectome(labels, weights, np.full((2 * N, 2 * N), TICK_MS), np.zeros((2 * N, 3)))

    def growth(self, strength: float, mode: int) -> float:
        """Of a mode, per ms: tau = 1 ms and a delay of one tick."""
        gain = strength * self.modes[mode]
        return float(brentq(lambda g: 1.0 + g - gain * np.exp(-g * TICK_MS), -3.0, 3.0, xtol=1e-14))

    def lived(self, strength: float, ticks: int, size_hz: float) -> Any:
        """Deviations ``[tick, place]`` from the fixed point after a bump at one place, which has all modes alike."""
        model = FiringRate(
            tau_ms=1.0,
            max_hz=300.0,
            base_hz=150.0,
            input_hz=-strength * 150.0 * self.row.sum(),
            sign=np.repeat([1.0, -1.0], N),
        )
        bump = np.tile(np.where(np.arange(N) == N // 3, 150.0 + size_hz, 150.0), 2)
        network = MassNetwork(
            "ring",
            self.connectome,
            model,
            speed_m_s=1.0,
            coupling=Linear(strength),
            coupling_in_step="interpolated",
            initial={"y": bump},
            history=lambda t: {"y": 150.0},
        )
        y = lived(prepared(network, TICK_MS), ticks)["y"]
        np.testing.assert_array_equal(y[:, :N], y[:, N:])
        return y[:, :N] - 150.0


KERNELS = [(mexican_hat, 16.0 * np.pi, 1.0, 4.0), (difference_of_gaussians, 40.0, 0.808632, 1.232724)]


@pytest.mark.parametrize(("kernel", "length", "k", "strength"), KERNELS)
def test_first_mode_and_strength_are_those_of_the_transform(
    kernel: Any, length: float, k: float, strength: float
) -> None:
    """Up to the step of the ring: an error of step^2 / 12 in the transform where the kernel has a corner."""
    ring = Ring(kernel, length)
    first = int(ring.modes[: N // 2].argmax())
    assert abs(2.0 * np.pi * first / length - k) <= np.pi / length
    assert ring.modes[first] == pytest.approx(1.0 / strength, rel=0.02)


@pytest.mark.parametrize(("kernel", "length", "k", "strength"), KERNELS)
@pytest.mark.parametrize("beyond", [0.9, 1.1])
def test_small_modes_grow_at_the_rates_of_the_dispersion_relation(
    kernel: Any, length: float, k: float, strength: float, beyond: float
) -> None:
    ring = Ring(kernel, length)
    modes = abs(np.fft.fft(ring.lived(beyond * strength, 401, 1e-2), axis=1))
    first = round(k * length / (2.0 * np.pi))
    for mode in range(first - 3, first + 4):
        measured = np.log(modes[400, mode] / modes[200, mode]) / (200 * TICK_MS)
        assert measured == pytest.approx(ring.growth(beyond * strength, mode), abs=2e-4)
        assert measured > 0.0 or beyond < 1.0 or mode != first
        assert measured < 0.0 or beyond > 1.0


@pytest.mark.parametrize(("kernel", "length", "k", "strength"), KERNELS)
def test_pattern_has_the_wavelength_of_the_first_mode(kernel: Any, length: float, k: float, strength: float) -> None:
    ring = Ring(kernel, length)
    pattern = ring.lived(1.1 * strength, 4000, 10.0)
    assert np.ptp(pattern[-1]) > 50.0
    np.testing.assert_allclose(pattern[-1], pattern[-200], atol=0.5)
    power = abs(np.fft.rfft(pattern[-1])) ** 2
    mode = int(power[1:].argmax()) + 1
    assert abs(2.0 * np.pi * mode / length - k) <= np.pi / length


@pytest.mark.parametrize(("kernel", "length", "k", "strength"), KERNELS)
def test_no_pattern_below_the_critical_strength(kernel: Any, length: float, k: float, strength: float) -> None:
    deviations = Ring(kernel, length).lived(0.9 * strength, 2000, 1.0)
    assert abs(deviations[-1]).max() < 1e-4
