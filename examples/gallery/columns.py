"""Cortical columns: alpha waves and what impaired inhibition makes of them (JansenRit, Wendling)."""

from types import SimpleNamespace

import numpy as np

from gallery.running import lived, peak_hz, rises, spectrum
from hybrid.masses import JansenRit, Noise, Wendling
from hybrid.plot.style import BLUE, CYCLE, GREY, INK, VERMILLION

TYPES = {  # (A, B, G) in mV, of Wendling et al. (2002)
    "background": (5, 50, 15),
    "sporadic spikes": (5, 40, 15),
    "sustained spikes": (5, 25, 15),
    "slow rhythm": (5, 10, 15),
    "low-voltage fast": (5, 5, 25),
    "quasi-sinusoidal": (5, 15, 0),
}


def fluctuating(A_mv, hz, every_ms=2.0):
    """The kicks that an afferent rate gives which is drawn anew every 2 ms with this standard deviation."""
    return 1e-3 * np.asarray(A_mv) * 0.1 * hz * np.sqrt(every_ms)


def jansen_rit():
    """Afferents with the mean and variance of Jansen and Rit's, uniform from 120 to 320 a second."""
    ran = lived(JansenRit(p_hz=220.0), 62_000, noise=Noise({"y4": fluctuating(3.25, 200 / np.sqrt(12))}))
    eeg = (ran.y1 - ran.y2)[2000:, 0]
    hz, power = spectrum(eeg, 1.0)
    return SimpleNamespace(eeg=eeg, hz=hz, power=power, peak_hz=peak_hz(hz, power))


def draw_jansen_rit(left, right, found):
    left.plot(np.arange(2000) * 1e-3, found.eeg[:2000], color=BLUE)
    left.set(xlabel="Time (s)", ylabel="y1 - y2, pyramidal cells (mV)", title="Noise in, alpha out", xlim=(0, 2))
    right.axvspan(8, 12, color=GREY, alpha=0.2, lw=0)
    right.semilogy(found.hz, found.power, color=BLUE)
    right.axvline(found.peak_hz, color=VERMILLION, lw=1, ls=(0, (4, 2)))
    top = found.power.max()
    right.text(found.peak_hz + 4, top, f"peak at {found.peak_hz:.1f} Hz", color=VERMILLION, va="center")
    right.set(xlabel="Frequency (Hz)", ylabel="Power (mV²/Hz)", title="Spectrum; grey: alpha, 8-12 Hz")
    right.set(xlim=(0, 40), ylim=(1e-5 * top, 3 * top))


def wendling():
    """The six types of activity of the paper, at 90 afferent spikes a second with fluctuations of 30."""
    A, B, G = np.transpose(list(TYPES.values())).astype(float)
    noise = Noise({"y6": fluctuating(A, 30.0)})
    ran = lived(Wendling(A_mv=A, B_mv=B, G_mv=G), 62_000, len(TYPES), noise=noise)
    eeg = dict(zip(TYPES, (ran.y1 - ran.y2 - ran.y3)[2000:].T, strict=True))
    spectra = {name: spectrum(each, 1.0) for name, each in eeg.items()}
    return SimpleNamespace(
        eeg=eeg,
        spectra=spectra,
        spikes={name: len(rises(each, 8.0)) for name, each in eeg.items()},  # in 60 s
        sd_mv={name: float(each.std()) for name, each in eeg.items()},
        peak_hz={name: peak_hz(*each) for name, each in spectra.items()},
    )


def draw_wendling(left, right, found):
    height = np.array([0, 17, 39, 54, 64, 76])
    for k, (name, eeg) in enumerate(found.eeg.items()):
        shown = eeg[20_000:24_000] if name != "sporadic spikes" else eeg[rises(eeg, 8.0)[5] - 2500 :][:4000]
        left.plot(np.arange(4000) * 1e-3, shown - eeg.mean() - height[k], color=CYCLE[k] if k < 5 else INK, lw=0.8)
        left.text(4.1, -height[k], name, color=CYCLE[k] if k < 5 else INK, va="center", fontsize=10)
    left.plot([-0.15, -0.15], [-height[5] - 5, -height[5] + 5], color=INK, lw=2, clip_on=False)
    left.text(-0.25, -height[5], "10 mV", rotation=90, ha="right", va="center", fontsize=10)
    left.set(xlabel="Time (s)", title="Six types of activity", xlim=(0, 4), yticks=[])
    left.spines["left"].set_visible(False)
    for k, (name, (hz, power)) in enumerate(found.spectra.items()):
        if name in ("background", "sustained spikes", "slow rhythm", "low-voltage fast"):
            right.loglog(hz[1:], power[1:], color=CYCLE[k], label=name)
    right.set(xlabel="Frequency (Hz)", ylabel="Power (mV²/Hz)", title="Spectra of four of them")
    right.set(xlim=(1, 80), ylim=(1e-6, 1e2))
    right.legend(loc="lower left", fontsize=10)
