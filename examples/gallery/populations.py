"""Populations with two rates, or one that inhibition keeps (MontbrioPazoRoxin, ReducedWongWang, WongWangExcInh)."""

from types import SimpleNamespace

import numpy as np
from scipy.optimize import brentq

from gallery.running import lived, nullclines
from hybrid import Connectome, Pulse
from hybrid.masses import Linear, MontbrioPazoRoxin, Noise, ReducedWongWang, WongWangExcInh
from hybrid.plot.style import BLUE, GREY, INK, PALE, VERMILLION

TAU_MS = 10.0
FIXED_POINTS = {  # rate in Hz for tau = 10 ms, and v; J = 15, Delta = 1, eta = -5
    "stable": (8.11344, -1.96162),
    "saddle": (47.2980, -0.336494),
    "focus": (103.0597, -0.154430),
}


def montbrio_pazo_roxin():
    """A pulse of afferent spikes takes the population from its low state to its high one, where it stays."""
    model = MontbrioPazoRoxin(tau_ms=TAU_MS)
    weak, strong = Pulse(50, 250, 150.0), Pulse(50, 250, 300.0)
    ran = lived(model, 600, 2, tick_ms=0.1, every_ms=0.1, drives=[(weak, "r0"), (strong, "r1")])
    return SimpleNamespace(t_ms=ran.t_ms, rate=ran.rate, v=ran.v, final_hz=ran.rate[-1], final_v=ran.v[-1])


def draw_montbrio_pazo_roxin(left, right, found):
    left.axvspan(50, 250, color=PALE, lw=0)
    left.text(150, 280, "drive", ha="center", color=GREY)
    for k, (colour, name) in enumerate(((BLUE, "150 Hz"), (VERMILLION, "300 Hz"))):
        left.plot(found.t_ms, found.rate[:, k], color=colour, label=name)
        right.plot(found.rate[:, k], found.v[:, k], color=colour, lw=0.7)
    left.set(xlabel="Time (ms)", ylabel="Rate (Hz)", title="A pulse switches it for good", xlim=(0, 600), ylim=(0, 300))
    left.legend(loc="upper right")
    r, v = np.linspace(0.0002, 0.3, 400), np.linspace(-3, 3, 400)
    nullclines(right, MontbrioPazoRoxin(tau_ms=TAU_MS), r, v, scale=(1e3, 1.0))
    for name, point in FIXED_POINTS.items():
        right.plot(*point, "o", mfc="white" if name == "saddle" else INK, mec=INK, ms=8, zorder=4)
    right.set(xlabel="Rate (Hz)", ylabel="v, mean voltage", title="Two stable points and a saddle")
    right.set(xlim=(0, 300), ylim=(-3, 3))
    right.legend(loc="lower right", fontsize=10)


def strength_for(S, w=0.9, I_o=0.3, J_N=0.2609, a=270.0, b=108.0, d=0.154):
    """The coupling at which regions whose weights sum to 1 all rest at the gating S: Deco et al. (2013) solved for it."""
    holding_hz = S / (0.641e-3 * 100.0 * (1 - S))
    u = brentq(lambda x: x / -np.expm1(-d * x) - holding_hz, -100.0, 1000.0)
    return ((u + b) / a - I_o - w * J_N * S) / (J_N * S)


def reduced_wong_wang():
    """74 regions from below and from above, at strengths from 0 to 1.2; w and I_o are those of Deco et al. (2013)."""
    whole = Connectome.load("tvb76").normalised("in_strength")
    connectome = whole.only(*(name for name, row in zip(whole.labels, whole.weights, strict=True) if row.any()))
    connectome = connectome.normalised("in_strength")
    model, options = ReducedWongWang(w=0.9, I_o=0.3), {"tick_ms": 1.0}
    strengths = np.linspace(0.0, 1.2, 25)
    low, high = (
        [
            lived(model, 5000, connectome, coupling=Linear(G), initial={"S": start}, **options).S[-1].mean()
            for G in strengths
        ]
        for start in (0.02, 0.9)
    )
    pulse = lived(model, 4000, connectome, coupling=Linear(0.6), drives=[(Pulse(1000, 1500, 60.0), None)], **options)
    return SimpleNamespace(strengths=strengths, low=np.array(low), high=np.array(high), t_ms=pulse.t_ms, S=pulse.S)


def draw_reduced_wong_wang(left, right, found):
    left.axvspan(1.0, 1.5, color=PALE, lw=0)
    left.text(1.25, 0.93, "drive", ha="center", color=GREY)
    left.plot(found.t_ms * 1e-3, found.S, color=BLUE, lw=0.5, alpha=0.5)
    left.set(xlabel="Time (s)", ylabel="Gating S of the regions", title="Coupling 0.6: both states last")
    left.set(xlim=(0, 4), ylim=(0, 1))
    S = np.linspace(0.0345, 0.87, 400)
    right.plot([strength_for(each) for each in S], S, color=INK, lw=1, ls=(0, (4, 2)), label="equilibria")
    right.plot(found.strengths, found.high, "v", color=VERMILLION, label="from above")
    right.plot(found.strengths, found.low, "^", color=BLUE, label="from below")
    right.set(
        xlabel="Strength of coupling", ylabel="Gating S, mean", title="Hysteresis", xlim=(-0.02, 1.22), ylim=(0, 1)
    )
    right.legend(loc="center right")


TARGET_HZ = 3.0631  # of H at 0.026 nA below b/a, as Deco et al. (2014) want it


def feedback_inhibition(received):
    """``J_i`` for each region at which it fires at the target rate: ``received`` is what arrives of the others' S_e there."""
    S_e = 0.0641 * TARGET_HZ / (1 + 0.0641 * TARGET_HZ)

    def excess_of_inhibition(S_i):
        x = 615.0 * (0.15 * S_e - S_i + 0.7 * 0.382) - 177.0
        return 1e-3 * x / -np.expm1(-0.087 * x) - S_i / 10.0

    def excess_rate(current):
        x = 310.0 * current - 125.0
        return x / -np.expm1(-0.16 * x) - TARGET_HZ

    S_i, wanted = brentq(excess_of_inhibition, 0.0, 0.2), brentq(excess_rate, 0.3, 0.45)
    return (1.4 * 0.15 * S_e + 0.382 + 0.15 * received * S_e - wanted) / S_i


def wong_wang_exc_inh(strength=0.06):
    """76 regions without and with feedback inhibition control, both with noise."""
    connectome = Connectome.load("tvb76").normalised()
    into = connectome.weights.sum(axis=1)
    options = {"tick_ms": 0.5, "coupling": Linear(strength), "noise": Noise({"S_e": 5e-4})}
    free, held = (
        lived(WongWangExcInh(J_i=J_i), 10_000, connectome, **options).rate
        for J_i in (1.0, feedback_inhibition(strength * into))
    )
    return SimpleNamespace(into=into, free=free, held=held)


def draw_wong_wang_exc_inh(left, right, found):
    t = np.arange(len(found.free)) * 1e-3
    chosen = np.argsort(found.into)[::15]
    for runs, colour, name in ((found.free, VERMILLION, "J_i = 1"), (found.held, BLUE, "J_i for 3 Hz")):
        left.plot(t, runs[:, chosen], color=colour, lw=0.6, alpha=0.8)
        right.plot(found.into, runs[5000:].mean(axis=0), "o", color=colour, alpha=0.7, label=name)
    left.set(xlabel="Time (s)", ylabel="Rate of six regions (Hz)", title="Without and with control", xlim=(0, t[-1]))
    left.set(yscale="log", ylim=(2, 80), yticks=[3, 10, 30], yticklabels=["3", "10", "30"])
    left.minorticks_off()
    right.axhline(TARGET_HZ, color=INK, ls=(0, (4, 2)), lw=1)
    right.set(xlabel="Sum of a region's weights", ylabel="Its mean rate (Hz)", title="Feedback inhibition control")
    right.legend(loc="upper left")
