"""Loops of populations: thalamus with cortex, and the basal ganglia (thalamocortical, basal_ganglia)."""

from types import SimpleNamespace

import numpy as np

from gallery.running import peak_hz, rises, run, spectrum
from hybrid.masses import basal_ganglia, thalamocortical
from hybrid.plot.style import BLUE, GREY, VERMILLION

HOPF = 0.3047  # strength at which the rest of the loop of subthalamic nucleus and pallidum becomes unstable


def thalamus_and_cortex():
    """A minute of each state; the potential of the cortex as the electroencephalogram sees it."""
    found = {}
    for state in ("rest", "spindles"):
        eeg = run(thalamocortical(state=state), 62_000).phi[2000:, 0]
        hz, power = spectrum(eeg, 1.0)
        found[state] = SimpleNamespace(eeg=eeg, hz=hz, power=power, peak_hz=peak_hz(hz, power, lowest=6.0))
    return SimpleNamespace(**found, alpha_hz=found["rest"].peak_hz, sigma_hz=found["spindles"].peak_hz)


def draw_thalamus_and_cortex(left, right, found):
    for state, colour, up in ((found.rest, BLUE, 0.0), (found.spindles, VERMILLION, 9.0)):
        eeg = (state.eeg - state.eeg.mean()) / state.eeg.std()
        name = f"{'rest' if state is found.rest else 'spindles'}, {state.peak_hz:.1f} Hz"
        left.plot(np.arange(3000) * 1e-3, eeg[:3000] + up, color=colour, lw=1)
        right.semilogy(
            state.hz, state.power / state.power[(state.hz > 1) & (state.hz < 40)].max(), color=colour, label=name
        )
        right.axvline(state.peak_hz, color=colour, lw=1, ls=(0, (4, 2)))
        left.text(3.05, up, name.split(",")[0], color=colour, va="center")
    left.set(xlabel="Time (s)", ylabel="Field φ of the cortex (each over its sd)", yticks=[], xlim=(0, 3))
    left.set_title("Alpha at rest, spindles in sleep")
    right.set(xlabel="Frequency (Hz)", ylabel="Power (relative)", title="Spectra", xlim=(1, 40), ylim=(1e-4, 2))
    right.legend(loc="upper right")


def subthalamus_and_pallidum():
    """The healthy loop, the parkinsonian one, and what lies between."""
    strengths = np.linspace(0.0, 1.0, 21)
    options = {"every_ms": 0.5}
    runs = [run(basal_ganglia(strength=k), 4000, **options).rate[4000:] for k in strengths]
    begins = rises(runs[-1][:, 0], runs[-1][:, 0].mean())
    return SimpleNamespace(
        strengths=strengths,
        healthy=run(basal_ganglia(state="healthy"), 600, **options).rate,
        parkinsonian=run(basal_ganglia(state="parkinsonian"), 600, **options).rate,
        lowest=np.array([each[:, 0].min() for each in runs]),
        highest=np.array([each[:, 0].max() for each in runs]),
        beta_hz=float(1e3 / (0.5 * np.diff(begins).mean())),
    )


def draw_subthalamus_and_pallidum(left, right, found):
    t = np.arange(len(found.healthy)) * 0.5
    for rates, style, of in ((found.parkinsonian, "-", "parkinsonian"), (found.healthy, (0, (4, 2)), "healthy")):
        for k, (colour, name) in enumerate(((VERMILLION, "STN"), (BLUE, "GPe"))):
            left.plot(t, rates[:, k], color=colour, ls=style, label=f"{name}, {of}")
    left.set(xlabel="Time (ms)", ylabel="Rate (Hz)", title=f"Beta of {found.beta_hz:.1f} Hz", xlim=(0, 600))
    left.set_ylim(0, 1.45 * found.parkinsonian.max())
    left.legend(ncols=2, loc="upper right", fontsize=10)
    right.plot(found.strengths, found.highest, "v", color=VERMILLION, label="highest")
    right.plot(found.strengths, found.lowest, "^", color=VERMILLION, mfc="white", label="lowest")
    right.axvline(HOPF, color=GREY, ls=(0, (4, 2)), lw=1)
    right.text(HOPF + 0.02, 0.8 * found.highest.max(), "Hopf", color=GREY, va="center")
    right.set(xlabel="Strength: 0 healthy, 1 parkinsonian", ylabel="Rate of STN (Hz)", title="Where beta begins")
    right.legend(loc="upper left")
