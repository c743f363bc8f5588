"""Seizures: the Epileptor, its slow half, and two models of potassium (Epileptor, Epileptor2D, KIonEx, PotassiumWilsonCowan)."""

from types import SimpleNamespace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from gallery.running import lived, rises
from hybrid import Connectome
from hybrid.masses import Difference, Epileptor, Epileptor2D, KIonEx, PotassiumWilsonCowan
from hybrid.plot.style import BLUE, CYCLE, GREEN, GREY, INK, VERMILLION

CRITICAL_X0 = -2.062037  # where the line z = 4 (x1 - x0) meets the fold x1 = -4/3 of z = 4.1 - x1^3 - 2 x1^2
BATHS_MM = (5.5, 12.0, 15.0, 25.0)
K_HOPF_MM, K_SNIC_MM = 4.6526, 4.2995


def epileptor():
    """One region above the critical x0, one below, both thrown off their rest; r is 1/2857 as in the paper."""
    model = Epileptor(x0=[-1.6, -2.2], r=1 / 2857)
    ran = lived(model, 10_000, 2, tick_ms=0.05, initial={"x1": -1.4, "z": 2.95})
    x1, z, x2 = ran.x1[2000:], ran.z[2000:], ran.x2[2000:]
    smooth = np.convolve(z[:, 0], np.full(201, 1 / 201), "valid")
    begins = rises(np.gradient(smooth), 0.0)  # z rises in a seizure
    return SimpleNamespace(x1=x1, x2=x2, z=z, period=float(np.diff(begins).mean()), seizures=len(begins))


def draw_epileptor(left, right, found):
    shown = slice(0, 4200)
    left.plot(found.x1[shown, 0] + 3.2, color=BLUE, lw=0.5)
    left.plot(found.x2[shown, 0], color=GREEN, lw=0.8)
    left.plot(found.z[shown, 0] - 6.2, color=VERMILLION)
    for name, y, colour in (("x1", 1.6, BLUE), ("x2", -1.0, GREEN), ("z", -3.0, VERMILLION)):
        left.text(4280, y, name, color=colour, va="center")
    left.set(
        xlabel="Time (time units)", title=f"Seizures every {found.period:.0f} time units", xlim=(0, 4200), yticks=[]
    )
    left.set_ylabel("x1, x2, z (shifted)")
    right.plot(found.z[:2200, 0], found.x1[:2200, 0], color=BLUE, lw=0.4, alpha=0.7)
    x1 = np.linspace(-2.3, -0.9, 200)
    right.plot(4.1 - x1**3 - 2 * x1**2, x1, color=INK, lw=1.4, label="x1 and y1 at rest")
    x1 = np.array([-2.3, 1.5])
    for x0, colour in ((-1.6, VERMILLION), (CRITICAL_X0, GREY), (-2.2, GREEN)):
        right.plot(4 * (x1 - x0), x1, color=colour, ls=(0, (4, 2)), label=f"dz/dt = 0, x0 = {x0:.4g}")
    right.plot([found.z[-1, 1]], [found.x1[-1, 1]], "o", color=GREEN, ms=8, zorder=4)
    right.set(xlabel="z", ylabel="x1", title="Below x0 = -2.062 it rests", xlim=(2.4, 4.6), ylim=(-2.3, 3.6))
    right.legend(loc="upper right", fontsize=10)


def chain(regions=5):
    weights = np.eye(regions, k=1) + np.eye(regions, k=-1)
    return Connectome(tuple(f"region {k + 1}" for k in range(regions)), weights, 30.0 * weights, np.zeros((regions, 3)))


def epileptor_2d():
    """Only the first of five regions in a chain seizes by itself; the stronger the coupling, the more of the others do."""
    x0, strengths = np.array([-1.6, -2.1, -2.2, -2.3, -2.4]), (0.1, 0.3, 0.5, 0.8, 1.2)
    runs = [lived(Epileptor2D(x0=x0), 6000, chain(), coupling=Difference(strength)).x1 for strength in strengths]
    onsets = [[int(rises(each, 0.0)[0]) for each in run.T if each.max() > 0] for run in runs]
    return SimpleNamespace(strengths=strengths, runs=runs, onsets=onsets, recruited=[len(each) for each in onsets])


def draw_epileptor_2d(left, right, found):
    for k in range(5):
        colour = VERMILLION if k == 0 else BLUE
        left.plot(found.runs[3][:, k] - 4 * k, color=colour)
        left.text(6080, -4 * k - 1, f"{k + 1}", va="center", color=colour)
    left.set(xlabel="Time (time units)", ylabel="x1 of a chain of five (shifted)", yticks=[], xlim=(0, 6000))
    left.set_title(f"The first recruits the others (strength {found.strengths[3]})")
    for k, (strength, onsets) in enumerate(zip(found.strengths, found.onsets, strict=True)):
        right.plot(np.arange(len(onsets)) + 1, onsets, "o-", color=CYCLE[k], ms=9 - k, label=f"{strength}")
    right.set(xlabel="Region", ylabel="Its first seizure (time units)", title="Stronger coupling recruits more, sooner")
    right.set(xticks=range(1, 6), xlim=(0.8, 6.2))
    right.legend(title="strength", loc="upper right", fontsize=10)


def k_ion_ex(seconds=6):
    """The same population in baths of more and more potassium; ticks of 0.02 ms, as its membrane is fast."""
    model = KIonEx(k_bath_mm=BATHS_MM)
    ran = lived(model, seconds * 1e3, len(BATHS_MM), tick_ms=0.02)
    k_out = model.k_out_mm - model.volume_in_um3 / model.volume_out_um3 * ran.DKi + ran.Kg
    spikes = [rises(v, -20.0) for v in ran.V[2000:].T]
    bursts = [int((np.diff(each) > 300).sum()) + 1 if len(each) else 0 for each in spikes]
    return SimpleNamespace(V=ran.V[2000:], k_out=k_out[2000:], spikes=[len(each) for each in spikes], bursts=bursts)


def draw_k_ion_ex(left, right, found):
    t = np.arange(len(found.V)) * 1e-3
    for k, bath in enumerate(BATHS_MM):
        left.plot(t, found.V[:, k] - 120 * k, color=CYCLE[k], lw=0.6)
        left.text(1.02 * t[-1], -120 * k - 40, f"{bath:g} mM", color=CYCLE[k], va="center")
        right.plot(t, found.k_out[:, k], color=CYCLE[k])
    left.set(xlabel="Time (s)", yticks=[], title="Mean potential: rest, bursts, block", xlim=(0, t[-1]))
    left.spines["left"].set_visible(False)
    left.plot([-0.06, -0.06], [-80, -30], color=INK, lw=2, clip_on=False)
    left.text(-0.1, -55, "50 mV", rotation=90, ha="right", va="center", fontsize=10)
    right.set(xlabel="Time (s)", ylabel="Potassium outside (mM)", title="Potassium of the same runs", xlim=(0, t[-1]))


def potassium_wilson_cowan():
    """Both set-ups over 110 s, and when (ms) their seizures begin and end, as the fast part of E tells."""
    found = {}
    for name, model in (("Hopf", PotassiumWilsonCowan()), ("SNIC", PotassiumWilsonCowan.snic())):
        ran = lived(model, 110_000, tick_ms=0.2)
        E = ran.E[:, 0]
        fast = gaussian_filter1d(abs(E - gaussian_filter1d(E, 100.0)), 200.0)
        ends = rises(-fast, -0.01)
        begins = [int(each) for each in rises(fast, 0.01) if each < ends[-1]]
        found[name] = SimpleNamespace(E=E, k=ran.k[:, 0], begins=begins, ends=ends[-len(begins) :])
    return SimpleNamespace(**found, spikes_ms=rises(found["SNIC"].E[: found["SNIC"].ends[-1] + 500], 0.5))


def draw_potassium_wilson_cowan(left, right, found):
    t = np.arange(80_000) * 1e-3
    of_k = left.twinx()
    for set_up, up, colour, k_on in ((found.Hopf, 0.0, BLUE, K_HOPF_MM), (found.SNIC, 1.3, VERMILLION, K_SNIC_MM)):
        left.plot(t, set_up.E[:80_000] + up, color=colour, lw=0.4)
        of_k.plot(t, set_up.k[:80_000] + 10 * up, color=INK, lw=1)
        of_k.axhline(k_on + 10 * up, color=GREY, ls=(0, (4, 2)), lw=1)
    left.set(xlabel="Time (s)", ylabel="E: Hopf below, SNIC above", yticks=[], xlim=(0, 80), ylim=(-0.1, 2.5))
    left.set_title("Seizures recur as potassium (black) rises")
    of_k.set(yticks=[], ylim=(-1, 25))
    for set_up, up, colour, name in ((found.Hopf, 0.0, BLUE, "Hopf"), (found.SNIC, 0.8, VERMILLION, "SNIC")):
        start = set_up.begins[1] - 1000
        right.plot(np.arange(5000) * 1e-3, set_up.E[start : start + 5000] + up, color=colour, lw=0.9)
        right.text(5.1, up + 0.2, name, color=colour, va="center")
    right.set(xlabel="Time (s)", ylabel="E (shifted)", yticks=[], title="Two ways to begin", xlim=(0, 5))
