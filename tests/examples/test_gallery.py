"""The gallery of mass models: complete, and each picture shows the phenomenon its model is known for, as numbers."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import model_gallery
import numpy as np
import own_model
import pytest
from floors import ROOT
from gallery import epilepsy, oscillators, populations
from model_gallery import GALLERY, SHOWN_IN, picture

from hybrid import masses
from hybrid.experiment import Experiment
from hybrid.testing import check_component

EXPORTED = {name: getattr(masses, name) for name in masses.__all__}
MODELS = [
    name
    for name, kind in EXPORTED.items()
    if inspect.isclass(kind) and issubclass(kind, masses.MassModel) and not inspect.isabstract(kind)
]
LOOPS = ["thalamocortical", "basal_ganglia"]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")


@cache
def found(name: str) -> Any:
    return GALLERY[name][0]()


# -- complete ----------------------------------------------------------------------------------------------------------


def test_nothing_is_shown_that_is_not_exported() -> None:
    assert set(GALLERY) == {SHOWN_IN.get(name, name) for name in MODELS} | set(LOOPS)


@pytest.mark.parametrize("name", [*MODELS, *LOOPS])
def test_every_model_has_a_picture_and_a_section(name: str) -> None:
    shown = SHOWN_IN.get(name, name)
    path = ROOT / "docs" / "models" / f"{shown}.png"
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert path.stat().st_size < 150_000
    section = re.search(rf"^## [^\n]*\b{name}\b[^\n]*\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section is not None
    assert f"(models/{shown}.png)" in section[1]
    assert "The Virtual Brain" in section[1]
    assert f"\n| [{shown}](#" in PAGE


def test_the_script_draws_what_is_asked_for(tmp_path: Any, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr("sys.argv", ["model_gallery.py", "--out", str(tmp_path / "new"), "--only", "WilsonCowan"])
    model_gallery.main()
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["WilsonCowan.png"]
    assert "WilsonCowan: hz 2" in capsys.readouterr().out


@pytest.mark.parametrize("name", GALLERY)
def test_every_picture_can_be_drawn(name: str) -> None:
    figure, panels = plt.subplots(1, 2)
    GALLERY[name][1](*panels, found(name))
    assert all(panel.has_data() for panel in panels)
    plt.close(figure)


@pytest.mark.long  # one of them: above
@pytest.mark.parametrize("name", GALLERY)
def test_every_picture_can_be_saved(name: str, tmp_path: Any) -> None:
    picture(name, found(name), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 20_000


# -- each shows what it is known for -----------------------------------------------------------------------------------


def test_wilson_cowan_oscillates_or_rests() -> None:
    """A cycle of 5.0034 time constants of 8 ms (computed independently)."""
    shown = found("WilsonCowan")
    assert shown.hz == pytest.approx(1e3 / (8 * 5.0034), rel=2e-3)
    assert shown.rest < 1e-6


def test_jansen_rit_makes_alpha() -> None:
    assert 9.0 < found("JansenRit").peak_hz < 12.0


def test_wendling_makes_its_types_of_activity() -> None:
    shown = found("Wendling")
    assert shown.spikes["background"] == shown.spikes["low-voltage fast"] == 0
    assert 0 < shown.spikes["sporadic spikes"] < 60 < 180 < shown.spikes["sustained spikes"]
    assert min(shown.sd_mv, key=shown.sd_mv.__getitem__) == "low-voltage fast"
    assert max(shown.peak_hz, key=shown.peak_hz.__getitem__) == "low-voltage fast"
    assert shown.peak_hz["sustained spikes"] == pytest.approx(4.5, abs=0.5)
    assert shown.peak_hz["quasi-sinusoidal"] == pytest.approx(11.0, abs=0.5)


def test_epileptor_seizes_with_its_period_or_rests() -> None:
    """Period 1933.1, rest at x1 = -1.462426 (computed independently)."""
    shown = found("Epileptor")
    assert shown.seizures == 4
    assert shown.period == pytest.approx(1933.1, rel=0.01)
    assert shown.x1[:, 0].max() > 1.0
    assert shown.x1[-1, 1] == pytest.approx(-1.462426, abs=1e-4)


def test_epileptor_2d_recruits_more_and_sooner_with_stronger_coupling() -> None:
    shown = found("Epileptor2D")
    assert shown.recruited[0] == 2
    assert shown.recruited[-1] == 5
    assert (np.diff(shown.recruited) >= 0).all()
    assert all((np.diff(each) > 0).all() for each in shown.onsets)  # one after another
    assert (np.diff([each[1] for each in shown.onsets]) < 0).all()


def test_k_ion_ex_rests_bursts_and_is_blocked() -> None:
    shown = found("KIonEx")
    assert epilepsy.BATHS_MM == (5.5, 12.0, 15.0, 25.0)
    assert shown.spikes[0] == shown.spikes[3] == 0
    assert min(shown.bursts[1:3]) >= 2
    assert min(shown.spikes[1:3]) > 50
    assert (np.ptp(shown.k_out, axis=0)[1:3] > 2.0).all()


def test_potassium_carries_both_kinds_into_seizures() -> None:
    shown = found("PotassiumWilsonCowan")
    hopf, snic = shown.Hopf, shown.SNIC
    for each in (hopf, snic):
        assert len(each.begins) >= 2
        assert np.diff(each.begins).min() > 30_000
    assert hopf.k[hopf.begins[1]] > epilepsy.K_HOPF_MM
    assert snic.k[snic.begins[1]] == pytest.approx(epilepsy.K_SNIC_MM, rel=0.02)
    begun = hopf.E[hopf.begins[1] - 500 :][:2000].reshape(-1, 100)  # oscillations of 26 Hz, in stretches of 100 ms
    assert np.ptp(begun[0]) < 0.1 * np.ptp(begun[-1])
    spikes = shown.spikes_ms[shown.spikes_ms > snic.begins[1] - 1000]
    spikes = spikes[spikes < snic.ends[1]]
    intervals = np.diff(spikes)
    assert intervals[-1] > 1.5 * intervals.min()  # slower and slower
    assert intervals[0] > 1.5 * intervals.min()
    assert snic.E[spikes[0] : spikes[0] + 100].max() > 0.9  # large from the first


def test_montbrio_switches_by_a_strong_pulse_only() -> None:
    shown = found("MontbrioPazoRoxin")
    for node, state in enumerate(("stable", "focus")):
        end = (shown.final_hz[node], shown.final_v[node])
        assert end == pytest.approx(populations.FIXED_POINTS[state], rel=1e-3)


def test_reduced_wong_wang_has_two_states_and_hysteresis() -> None:
    shown = found("ReducedWongWang")
    both = shown.high - shown.low > 0.3
    assert shown.strengths[both] == pytest.approx(np.arange(0.3, 0.91, 0.05))
    for S in (shown.low, shown.high):
        clear = abs(shown.strengths - 0.9) > 0.01  # at the fold it takes for ever
        by_theory = [populations.strength_for(each) for each in S[clear]]
        np.testing.assert_allclose(by_theory, shown.strengths[clear], atol=2e-3)
    assert shown.S[900].max() < 0.1
    assert shown.S[-1].min() > 0.7  # the drive is long over


def test_feedback_inhibition_keeps_3_hz() -> None:
    shown = found("WongWangExcInh")
    means, spread = shown.held[5000:].mean(axis=0), shown.held[5000:].std(axis=0).max()
    assert abs(means - populations.TARGET_HZ).max() < 5 * spread * np.sqrt(2 * 200 / 5000)  # correlated over 200 ms
    free = shown.free[5000:].mean(axis=0)
    assert free.max() > 10 * populations.TARGET_HZ
    assert np.corrcoef(free, shown.into)[0, 1] > 0.95


def test_kuramoto_synchronises_above_the_critical_coupling() -> None:
    shown, K = found("Kuramoto"), oscillators.COUPLINGS
    by_theory = oscillators.order_by_theory(K)
    assert by_theory[7] == pytest.approx(np.sqrt(0.5))
    assert abs(shown.r - by_theory)[K > 2.2].max() < 0.05
    below = K < 1.9  # what is left there is of this size: (N (1 - K / K_c)) ** -0.5
    assert (shown.r[below] < 1.3 / np.sqrt(300 * (1 - K[below] / 2))).all()
    assert shown.order[:, 0].max() < 0.05


def test_stuart_landau_has_the_radius_of_theory() -> None:
    """Within 4 standard deviations of a mean over 40 s."""
    radius, a = found("StuartLandau").radius, oscillators.DISTANCES
    by_theory = [oscillators.radius_by_theory(each) for each in a]
    spread = 0.5 * np.sqrt(2 / (40_000 * 2 * abs(a)))  # of r^2, exponentially distributed, correlated over 1 / (2 |a|)
    assert (abs(radius / by_theory - 1) < 4 * spread).all()
    assert by_theory[-1] == pytest.approx(np.sqrt(a[-1]), rel=0.01)
    assert by_theory[0] == pytest.approx(oscillators.SIGMA / np.sqrt(-a[0]), rel=0.02)


def test_generic_oscillator_is_excitable_or_oscillates() -> None:
    shown = found("Generic2dOscillator")
    assert shown.peaks[0] < 0.0 < 1.0 < shown.peaks[1]
    assert np.ptp(shown.V[-500:, :2]) < 0.01
    assert 8.0 < shown.hz < 10.0


def test_thalamus_and_cortex_make_alpha_and_spindles() -> None:
    """Linear theory has 9.7 and 13.9 Hz; a spectrum of 60 s is resolved to 0.25 Hz."""
    shown = found("thalamocortical")
    assert shown.alpha_hz == pytest.approx(9.7, abs=0.6)
    assert shown.sigma_hz == pytest.approx(13.9, abs=0.8)


def test_basal_ganglia_beat_in_beta_when_parkinsonian() -> None:
    shown = found("basal_ganglia")
    beats = shown.highest - shown.lowest
    assert beats[shown.strengths < 0.28].max() < 0.1
    assert beats[shown.strengths > 0.33].min() > 5.0
    assert 18.0 < shown.beta_hz < 22.0


# -- a model of one's own ----------------------------------------------------------------------------------------------


def test_own_model_is_short_right_and_keeps_the_contract() -> None:
    lines = inspect.getsource(own_model).splitlines()
    assert sum(bool(line.strip()) and not line.strip().startswith("#") for line in lines) < 40
    rng = np.random.default_rng(0)
    v, w, from_others = rng.normal(size=(3, 10))
    into = 0.5 + from_others + 0.01 * 30.0
    expected = [(v - v**3 / 3 - w + into) / 2.0, (v + 0.7 - 0.8 * w) / 25.0]
    slope = own_model.FitzHughNagumo().derivatives([v, w], [from_others, np.zeros(10)], drive_hz=30.0)
    np.testing.assert_allclose(slope, expected, rtol=1e-12)
    check_component(own_model.cortex)


def test_own_model_is_named_in_an_experiment_file() -> None:
    run = {"duration_ms": 5.0, "record": ["cortex.v"]}
    model = {"model": "own_model:FitzHughNagumo", "parameters": {"I": 0.4}}
    tables = {"run": run, "connectome": {"source": "tvb76"}, "components": {"cortex": model}}
    results = Experiment(tables, folder=ROOT / "examples").simulation().run(5.0)
    assert results["cortex.v"].values.shape == (50, 76)
