"""Oscillators: a limit cycle, phases, and two ways to begin (WilsonCowan, Kuramoto, StuartLandau, Generic2dOscillator)."""

from types import SimpleNamespace

import numpy as np

from gallery.running import lived, nullclines, rises
from hybrid import Connectome, Pulse
from hybrid.masses import Generic2dOscillator, Kuramoto, Noise, Sine, StuartLandau, WilsonCowan
from hybrid.plot.style import BLUE, GREEN, GREY, INK, PALE, VERMILLION


def wilson_cowan():
    """The limit cycle of the paper, and the rest with a little less input."""
    ran = lived(WilsonCowan(P=[1.25, 1.0]), 600, 2, tick_ms=0.05, every_ms=0.05)
    E, I = ran.E[8000:], ran.I[8000:]  # noqa: E741
    hz = 1e3 / (0.05 * np.diff(rises(E[:, 0], E[:, 0].mean())).mean())
    return SimpleNamespace(E=E, I=I, hz=float(hz), rest=float(np.ptp(E[:, 1])))


def draw_wilson_cowan(left, right, found):
    t = np.arange(len(found.E)) * 0.05
    left.plot(t, found.E[:, 0], color=VERMILLION, label="E, P = 1.25")
    left.plot(t, found.I[:, 0], color=BLUE, label="I")
    left.plot(t, found.E[:, 1], color=GREY, label="E, P = 1")
    left.set(xlabel="Time (ms)", ylabel="Proportion that fires", title=f"A limit cycle of {found.hz:.0f} Hz")
    left.set(xlim=(0, t[-1]), ylim=(0, 0.42))
    left.legend(ncols=3, loc="upper left", columnspacing=1)
    grid = np.linspace(-0.02, 0.5, 300)
    nullclines(right, WilsonCowan(), grid, grid)
    right.plot(found.E[:, 0], found.I[:, 0], color=VERMILLION, lw=2)
    right.set(xlabel="E", ylabel="I", title="Around an unstable point", xlim=(0, 0.5), ylim=(-0.02, 0.4))
    right.legend(loc="upper right", fontsize=10)


COUPLINGS = np.array([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0])  # in units of the half-width of the paces


def order_by_theory(K):
    """Kuramoto's, for a Lorentzian distribution of half-width 1: K_c = 2."""
    return np.sqrt(np.maximum(1.0 - 2.0 / np.asarray(K), 0.0))


def kuramoto(n=300):
    """The paces are the quantiles of the Lorentzian; the order r is a mean over the last 15 time units of 40."""
    omega = np.tan(np.pi * ((np.arange(n) + 0.5) / n - 0.5))
    every = Connectome(tuple(map(str, range(n))), np.full((n, n), 1 / n), np.full((n, n), 1e-3), np.zeros((n, 3)))
    phases = 2 * np.pi * np.random.default_rng(0).permutation(n) / n
    order = []
    for K in COUPLINGS:
        options = {"coupling": Sine(float(K)), "initial": {"theta": phases}, "tick_ms": 0.05, "every_ms": 0.1}
        order.append(abs(np.exp(1j * lived(Kuramoto(omega=omega), 40, every, **options).theta).mean(axis=1)))
    return SimpleNamespace(order=np.array(order), r=np.array([each[250:].mean() for each in order]))


def draw_kuramoto(left, right, found):
    t = np.arange(found.order.shape[1]) * 0.1
    for k, colour in ((1, GREY), (4, GREEN), (5, BLUE), (7, VERMILLION)):
        left.plot(t, found.order[k], color=colour, label=f"K = {COUPLINGS[k]:g}")
    left.set(xlabel="Time (time units)", ylabel="Order r", title="Synchrony comes by itself", xlim=(0, 40), ylim=(0, 1))
    left.legend(ncols=2, loc="upper left", fontsize=10)
    K = np.linspace(0.01, 6.2, 400)
    right.plot(K, order_by_theory(K), color=INK, ls=(0, (4, 2)), label="√(1 - K_c / K)")
    right.plot(COUPLINGS, found.r, "o", color=BLUE, label="300 oscillators")
    right.set(xlabel="Coupling K (half-widths of the paces)", ylabel="Order r", title="From K_c = 2 on")
    right.set(xlim=(0, 6.2), ylim=(0, 1))
    right.legend(loc="lower right")


SIGMA = 0.01  # of the noise on x and on y
DISTANCES = np.array([-0.1, -0.08, -0.06, -0.04, -0.02, 0.02, 0.04, 0.06, 0.08, 0.1])


def radius_by_theory(a):
    """Root mean square of the radius r, whose stationary density is r exp((a r^2 - r^4 / 2) / sigma^2)."""
    r2 = np.linspace(0.0, 0.4, 40_001)
    exponent = (a * r2 - r2**2 / 2) / SIGMA**2
    density = np.exp(exponent - exponent.max())
    return np.sqrt((r2 * density).sum() / density.sum())


def stuart_landau():
    """Nodes on both sides of the bifurcation, all with the same noise; the root mean square of their radius."""
    model = StuartLandau(a=DISTANCES)
    ran = lived(model, 41_000, len(DISTANCES), noise=Noise(SIGMA))
    radius = np.sqrt((ran.x[1000:] ** 2 + ran.y[1000:] ** 2).mean(axis=0))
    return SimpleNamespace(x=ran.x[1000:], radius=radius)


def draw_stuart_landau(left, right, found):
    t = np.arange(1000)
    for k, colour, up in ((4, BLUE, 0.0), (7, VERMILLION, 0.8)):
        left.plot(t, found.x[:1000, k] + up, color=colour)
        left.text(1015, up, f"a = {DISTANCES[k]:g}", color=colour, va="center")
    left.set(
        xlabel="Time (ms)", ylabel="x (shifted)", title="Below and above the bifurcation", xlim=(0, 1000), yticks=[]
    )
    a = np.linspace(-0.11, 0.11, 221)
    right.plot(a, np.sqrt(np.maximum(a, 0.0)), color=GREY, ls=(0, (4, 2)), label="√a, without noise")
    right.plot(a, [radius_by_theory(each) for each in a], color=INK, ls=(0, (4, 2)), label="theory, with noise")
    right.plot(DISTANCES, found.radius, "o", color=BLUE, label="simulated")
    right.set(xlabel="a, distance from the bifurcation (1/ms)", ylabel="Radius, root mean square", title="Amplitude √a")
    right.set(ylim=(0, 0.36))
    right.legend(loc="upper left")


PULSES_HZ = (20.0, 200.0)  # of 20 ms


def generic_2d_oscillator():
    """Two regions at rest, a weak and a strong pulse; a third (a = 2) that oscillates."""
    drives = [(Pulse(100, 120, hz), f"r{k}") for k, hz in enumerate(PULSES_HZ)]
    initial = {"V": [-0.19258, -0.19258, 1.5], "W": [-0.0742, -0.0742, 0.0]}
    ran = lived(Generic2dOscillator(a=[-2.0, -2.0, 2.0]), 1500, 3, every_ms=0.5, drives=drives, initial=initial)
    hz = 2e3 / np.diff(rises(ran.V[1000:, 2], ran.V[1000:, 2].mean())).mean()
    return SimpleNamespace(V=ran.V, W=ran.W, peaks=ran.V[:, :2].max(axis=0), hz=float(hz))


def draw_generic_2d_oscillator(left, right, found):
    t = np.arange(1200) * 0.5
    left.axvspan(100, 120, color=PALE, lw=0)
    names = [f"pulse of {hz:.0f} Hz" for hz in PULSES_HZ] + ["a = 2: oscillates"]
    for k, (colour, name) in enumerate(zip((BLUE, VERMILLION, GREEN), names, strict=True)):
        left.plot(t, found.V[:1200, k], color=colour, label=name)
        right.plot(found.V[:, k], found.W[:, k], color=colour, lw=1.2)
    left.set(xlabel="Time (ms)", ylabel="V", title="Excitable, or an oscillator", xlim=(0, 600), ylim=(-1.2, 3))
    left.legend(loc="upper right", fontsize=10)
    nullclines(right, Generic2dOscillator(), np.linspace(-1.5, 3, 300), np.linspace(-10, 6, 300))
    right.set(xlabel="V", ylabel="W", title="Nullclines for a = -2")
    right.legend(loc="lower left", fontsize=10)
