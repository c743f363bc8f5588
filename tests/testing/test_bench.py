"""The bench: the verdicts of every check, the picture, the exit code; and the example of an adapter of one's own."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from floors import ROOT
from shipped import OURS

import adapters
from adapters import Map, RateToConductance, RateToCurrent, RateToPoisson, SpikeToRate, Subset
from hybrid.cli import main
from hybrid.plot.bench import plot_adapter
from hybrid.testing import adapter_checks, check_adapter, verdicts

PNG = b"\x89PNG"
OWN = """
import numpy as np

from adapters import RateToPoisson, SpikeToRate
from hybrid import Adapter, Moments, Rates, Spikes
from toys import Accumulator


class OneDrawATick(RateToPoisson):
    def convert(self, signal):
        super().convert(signal)
        return Spikes.from_counts(signal.window, self._counts.random(signal.hz.shape) < 1e-3 * self._clock.tick_ms * signal.hz)


class RoundsByWindow(SpikeToRate):
    def convert(self, signal):
        rates = super().convert(signal)
        return Rates(rates.window, rates.size, rates.hz * (1 + 1e-13 * (len(rates.window) == 16)))


class Forgets(RateToPoisson):
    def restore(self, state):
        pass


class TakesNegative(Adapter):
    accepts, emits = Rates, Rates

    def prepare(self, clock, source, target, rng):
        self.clock = clock

    def convert(self, signal):
        return signal

    def expected(self, signal):
        return Moments(signal.total(self.clock), np.zeros(signal.size))


class Fails(RateToPoisson):
    def convert(self, signal):
        return {}["level"]


class Unrepeatable(RateToPoisson):
    def prepare(self, clock, source, target, rng):
        super().prepare(clock, source, target, np.random.default_rng())


class ForgetsItsLevel(Accumulator):
    def restore(self, state):
        pass


class Neither:
    pass
"""


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Runs ``hybrid check`` in a folder with modules of the user's own; gives exit code, verdict of each check, output."""
    (tmp_path / "own_bench.py").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "own_bench", raising=False)

    def run(*arguments):
        code = 0
        try:
            main(["check", *map(str, arguments)])
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        rows = [
            line[15:].split(maxsplit=1)
            for line in printed.out.splitlines()
            if line[15:22].strip() in ("ok", "BROKEN", "-")
        ]
        names = [line[:14].strip() for line in printed.out.splitlines() if line[15:22].strip() in ("ok", "BROKEN", "-")]
        return code, {name: row[0] for name, row in zip(names, rows, strict=True)}, printed.out, printed.err

    return run


@pytest.mark.parametrize(
    ("arguments", "checks"),
    [(("adapters:RateToPoisson", "--set", "fibres=3"), 11), (("SpikeToRate", "--set", "pool=mean"), 10)],
)
def test_ours_keep_all_checks_and_are_drawn(check, tmp_path, arguments, checks):
    code, found, out, err = check(*arguments, "--out", "new/bench.png")
    assert (code, err) == (0, "")
    assert len(found) == checks
    assert set(found.values()) == {"ok"}
    assert out.endswith("\npicture: new/bench.png\n")
    assert (tmp_path / "new" / "bench.png").read_bytes().startswith(PNG)


@pytest.mark.long  # the matrix tries each, in small
@pytest.mark.parametrize("kind", OURS)
def test_every_adapter_of_ours_keeps_all_checks_without_parameters(kind):
    assert [each for each in verdicts(adapter_checks(kind, ticks=300)) if not each.kept] == []


def test_every_adapter_of_ours_is_tried():
    files = {path.stem for path in (ROOT / "adapters").glob("[a-z]*.py")}
    assert {kind.__module__.removeprefix("adapters.") for kind in OURS} == files


@pytest.mark.parametrize(
    ("kind", "broken", "untried", "sentence"),
    [
        ("TakesNegative", "refusals", 0, "a rate of nan Hz was accepted"),
        ("Unrepeatable", "same seed", 4, "the same seed gives different outputs"),
        *(
            pytest.param(*each, marks=pytest.mark.long)  # test_each_check breaks every check
            for each in (
                ("OneDrawATick", "variance", 0, "at 1000 Hz its variance is 0."),
                ("RoundsByWindow", "cutting", 0, "it matters how time is cut: "),
                ("Forgets", "restore", 0, "a restored state does not continue as the original did"),
            )
        ),
    ],
)  # fmt: skip
def test_exactly_the_broken_check_is_told_and_the_code_is_1(check, kind, broken, untried, sentence):
    code, found, out, err = check(f"own_bench:{kind}", "--out", "bench.png")
    assert (code, err) == (1, "")
    assert [name for name, word in found.items() if word == "BROKEN"] == [broken]
    assert list(found.values()).count("-") == untried
    assert f"{broken:14s} BROKEN  {sentence}" in out
    assert out.endswith("picture: bench.png\n")


def test_an_adapter_that_raises_is_told_where_and_the_rest_is_not_tried(check, tmp_path):
    code, found, out, err = check("own_bench:Fails")
    assert (code, err) == (1, "")
    assert found.pop("signals") == found.pop("refusals") == "BROKEN"
    assert found.pop("describe") == "ok"
    assert set(found.values()) == {"-"}
    assert "signals        BROKEN  KeyError: 'level' (own_bench.py, line " in out
    assert "no picture: KeyError: 'level'" in out
    assert not list((tmp_path / "results").iterdir())


def test_components_are_tried_too(check):
    code, found, out, _ = check("toys:Accumulator", "--set", "name=a", "--set", "size=2")
    assert (code, set(found.values()), len(found)) == (0, {"ok"}, 11)
    assert "picture" not in out
    code, found, _, _ = check("own_bench:ForgetsItsLevel", "--set", "name=a")
    assert code == 1
    assert [name for name, word in found.items() if word == "BROKEN"] == ["restore"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["adapters:RateToPoison"], "UnknownNameError: adapters: 'RateToPoison' does not exist; did you mean 'RateToPoisson'?"),
        (["no_such_module:Thing"], "ConfigurationError: 'no_such_module:Thing': module 'no_such_module' cannot be imported"),
        (["RateToPoisson", "--set", "fibre=3"], "UnknownNameError: RateToPoisson: parameter 'fibre' does not exist"),
        (["RateToPoisson", "--set", "fibres=0"], "ConfigurationError: RateToPoisson: fibres = 0 must be a whole number"),
        (["RateToPoisson", "--set", "fibres"], "ConfigurationError: --set fibres: "),
        (["toys:Accumulator"], "ConfigurationError: toys:Accumulator needs name"),
        (["toys:Accumulator", "--set", "name=a", "--out", "a.png"], "ConfigurationError: toys:Accumulator is a component;"),
        (["own_bench:Neither"], "ConfigurationError: 'own_bench:Neither' is a class, but not derived from Adapter or Component"),
        (["SpikeToRate", "--out", "bench.pgn"], "ConfigurationError: cannot save bench.pgn"),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_exits_with_2(check, arguments, complaint):
    code, _, _, err = check(*arguments)
    assert code == 2
    assert err.startswith(complaint)
    assert err.count("\n") == 1


def curve(axes, label):
    return next(line for line in axes.get_lines() if line.get_label().startswith(label)).get_data()


# a first-order low-pass of Poisson spikes: 2 r / (1 + (2 pi f tau)^2), one-sided
@pytest.mark.parametrize(
    "make",
    [lambda: Map([[1, 0.5, 0], [0, 0.2, 0.2], [0, 0, 0]]), lambda: SpikeToRate(groups=[1, 2]), lambda: Subset([2])],
)
def test_an_adapter_for_so_many_lines_is_tried_with_so_many(make):
    assert all(each.kept for each in verdicts(adapter_checks(make, lines=3)))
    check_adapter(make, lines=3)
    assert len(plot_adapter(make, lines=3).axes) == 5


def test_the_picture_of_a_filter_agrees_with_theory():
    figure = plot_adapter(lambda: SpikeToRate(tau_ms=10))
    course, moments, spectrum, _, latency = figure.axes
    hz, power = curve(spectrum, "out")
    some = (hz > 5) & (hz < 500)
    np.testing.assert_allclose(power[some], 100 / (1 + (2 * np.pi * hz[some] * 0.01) ** 2), rtol=0.15)
    drawn = np.interp(hz[some], *curve(spectrum, "Poisson"))
    np.testing.assert_allclose(drawn, 100 / (1 + (2 * np.pi * hz[some] * 0.01) ** 2), rtol=0.02)
    assert "peak at 0 ms" in [text.get_text() for text in latency.texts]
    assert "no variance declared" in [text.get_text() for text in moments.texts]
    ms, out = curve(course, "out")
    assert out[(ms > 250) & (ms < 500)].mean() == pytest.approx(60, rel=0.15)


def test_the_picture_of_poisson_spikes_agrees_with_theory():
    figure = plot_adapter(lambda: RateToPoisson(fibres=2))
    _, moments, spectrum, lines, latency = figure.axes
    rates, declared = curve(moments, "mean, declared")
    np.testing.assert_allclose(declared, 2 * rates, rtol=1e-9)
    np.testing.assert_allclose(curve(moments, "variance, delivered")[1][6:], 2 * rates[6:], rtol=0.25)  # 4 sd of 640
    np.testing.assert_allclose(curve(spectrum, "out")[1][20:], 200, rtol=0.15)
    assert np.abs(lines.get_lines()[0].get_ydata()).max() < 5 / np.sqrt(11_796)
    assert "peak at 0 ms" in [text.get_text() for text in latency.texts]


# Campbell: the mean is w tau K r; the power of the current, one-sided, 2 K r |W(f)|^2 with W the transform of one spike's
# current, w tau / (1 + 2 pi i f tau) or e w tau / (1 + 2 pi i f tau)^2
@pytest.mark.parametrize(
    ("kind", "unit", "weight", "shape"),
    [(RateToCurrent, "nA", -0.2, "alpha"), (RateToConductance, "nS", 0.2, "exponential")],
)
def test_the_picture_of_a_synapse_agrees_with_theory(kind, unit, weight, shape):
    figure = plot_adapter(lambda: kind(weight, 10.0, shape, fibres=40))
    course, moments, spectrum, _, latency, own = figure.axes
    area, order = (weight * 0.01 * np.e, 2) if shape == "alpha" else (weight * 0.01, 1)
    assert [axes.get_ylabel() for axes in (course, own)] == ["Hz, mean of lines", f"{unit}, mean of lines"]
    assert moments.get_ylabel() == f"Mean ({unit}), variance ({unit}² s), per line"
    assert spectrum.get_ylabel() == f"Power ({unit}²/Hz)"
    np.testing.assert_allclose(own.get_ylim(), np.multiply(course.get_ylim(), area * 40))
    ms, out = curve(own, "out (right)")
    assert out[(ms > 250) & (ms < 500)].mean() == pytest.approx(area * 40 * 60, rel=0.02)
    rates, declared = curve(moments, "mean, declared" if weight > 0 else "minus the mean, declared")
    np.testing.assert_allclose(declared, abs(area) * 40 * rates, rtol=1e-9)
    np.testing.assert_allclose(curve(moments, "variance, declared")[1], area**2 * 40 * rates, rtol=1e-9)
    np.testing.assert_allclose(curve(moments, "variance, delivered")[1][6:], area**2 * 40 * rates[6:], rtol=0.25)
    hz, power = curve(spectrum, "out")
    some = (hz > 5) & (hz < 500)
    theory = 2 * 40 * 50 * area**2 / (1 + (2 * np.pi * hz * 0.01) ** 2) ** order
    np.testing.assert_allclose(power[some], theory[some], rtol=0.15)
    drawn = np.interp(hz[some], *curve(spectrum, "declared variance"))
    np.testing.assert_allclose(drawn, theory[some], rtol=0.04)
    peak = float(latency.texts[0].get_text().removeprefix("peak at ").removesuffix(" ms"))
    assert peak == pytest.approx(10.0 if shape == "alpha" else 0.0, abs=2.0 if shape == "alpha" else 0.0)


def test_an_adapter_that_takes_low_rates_only_is_given_such_and_both_signs_are_drawn():
    course, moments, *_ = plot_adapter(lambda: adapters.InverseSigmoid(80.0, clip=None)).axes
    assert curve(course, "stimulus")[1].max() == pytest.approx(40.0)
    rates, declared = curve(moments, "mean, declared")
    np.testing.assert_allclose(declared, 6 - np.log(80 / rates - 1) / 0.56, rtol=1e-9)
    assert (moments.get_yscale(), rates.max(), declared.min() < 0) == ("linear", pytest.approx(10**1.5), True)


def test_the_example_is_short_runs_and_keeps_its_contract(monkeypatch):
    example = ROOT / "examples" / "own_adapter.py"
    assert len(example.read_text(encoding="utf-8").splitlines()) <= 40
    done = subprocess.run([sys.executable, example], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "Bernoulli keeps the contract\n")
    monkeypatch.syspath_prepend(example.parent)
    from own_adapter import Bernoulli

    assert all(each.kept for each in verdicts(adapter_checks(Bernoulli)))
