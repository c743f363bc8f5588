"""Recording: complete, copied, and the same bits however time is cut into windows."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest

from hybrid.clock import Clock, Window
from hybrid.errors import ConfigurationError, TimeError
from hybrid.ports import Port
from hybrid.results.recorder import Every, Recorder, Recording
from hybrid.signals import Rates, Signal, Spikes, States

CLOCK = Clock(0.1)
SPIKES = Port("focus", "spikes", Spikes, 5, "out")
POTASSIUM = Port("focus", "potassium", States, 1, "out", unit="mM")
RATE = Port("cortex", "rate", Rates, 3, "out", labels=("A", "B", "C"))
RUN = Window(0, 2003)


def whole_run(seed: int = 7) -> dict[str, Signal]:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.02, (len(RUN), SPIKES.size))
    return {
        "spikes": Spikes.from_counts(RUN, counts),
        "potassium": States(RUN, 1, rng.normal(4, 1e3, (len(RUN), 1))),
        "rate": Rates(RUN, 3, rng.lognormal(0, 8, (len(RUN), 3))),
    }


def record(targets: list[Port | Every], signals: dict[str, Signal], cuts: list[int]) -> dict[str, Recording]:
    recorder = Recorder(CLOCK, targets)
    for start, stop in pairwise(cuts):
        window = Window(start, stop)
        part = {name: signal.during(window) for name, signal in signals.items()}
        recorder.take("focus", window, {name: part[name] for name in ("spikes", "potassium")})
        recorder.take("cortex", window, {"rate": part["rate"]})
    return recorder.finish(RUN)


CUTS = {
    "one window": [0, 2003],
    "every tick": list(range(2004)),
    "sixteens": [*range(0, 2003, 16), 2003],
    "uneven": [0, 1, 3, 9, 10, 11, 500, 513, 1024, 1999, 2003],
}


@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS.keys())
@pytest.mark.parametrize("every_ms", [0.2, 1.0, 0.7, 60.0])
def test_means_do_not_depend_on_the_cutting_bitwise(cuts: list[int], every_ms: float) -> None:
    signals = whole_run()
    found = record([Every(RATE, every_ms), Every(POTASSIUM, every_ms)], signals, cuts)
    every = round(every_ms / 0.1)
    for port in (RATE, POTASSIUM):
        values = signals[port.name].payload()[0]
        expected = []
        for start in range(0, len(RUN) - every + 1, every):  # the plain definition: add tick after tick, then divide
            total = np.zeros(port.size)
            for tick in range(start, start + every):
                total = total + values[tick]
            expected.append(total / every)
        recording = found[str(port)]
        assert recording.signal.payload()[0].tobytes() == np.array(expected).tobytes()
        assert recording.signal.window == Window(0, len(RUN) // every)
        assert recording.every == every
        assert recording.averaged
        np.testing.assert_allclose(recording.times_ms, np.arange(len(RUN) // every) * every_ms, rtol=1e-12)


@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS.keys())
def test_everything_else_does_not_depend_on_the_cutting_either(cuts: list[int]) -> None:
    signals = whole_run()
    found = record([SPIKES, POTASSIUM, Every(RATE, 0.3, average=False)], signals, cuts)
    for name in ("ticks", "ids", "counts"):
        np.testing.assert_array_equal(
            getattr(found["focus.spikes"].signal, name), getattr(signals["spikes"], name), strict=True
        )
    np.testing.assert_array_equal(found["focus.potassium"].signal.payload()[0], signals["potassium"].payload()[0])
    np.testing.assert_array_equal(found["cortex.rate"].signal.payload()[0], signals["rate"].payload()[0][::3])
    assert not found["cortex.rate"].averaged
    np.testing.assert_allclose(found["focus.spikes"].times_ms, signals["spikes"].payload()[0] * 0.1)
    np.testing.assert_allclose(found["cortex.rate"].times_ms[-1], 200.1)


def test_mean_of_one_line_is_summed_in_tick_order() -> None:
    # numpy's own sum over a contiguous column adds pairwise: 1 - 1 + 2**-60 ... shows the difference
    values = np.tile([[1e16], [1.0], [-1e16], [1.0]], (64, 1))
    recorder = Recorder(CLOCK, [Every(POTASSIUM, 25.6)])
    window = Window(0, 256)
    recorder.take("focus", window, {"potassium": States(window, 1, values)})
    total = 0.0
    for value in values[:, 0]:
        total += value
    assert total != values.sum()
    assert recorder.finish(window)["focus.potassium"].signal.payload()[0][0, 0] == total / 256


def test_stretch_that_the_run_does_not_complete_is_left_out() -> None:
    recorder = Recorder(CLOCK, [Every(RATE, 1.0)])
    recorder.take("cortex", Window(0, 9), {"rate": Rates(Window(0, 9), 3, 2.0)})
    recording = recorder.finish(Window(0, 9))["cortex.rate"]
    assert recording.signal.payload()[0].shape == (0, 3)
    assert recording.times_ms.size == 0


def test_components_may_reuse_their_buffers() -> None:
    buffer = np.ones((4, 3))
    recorder = Recorder(CLOCK, [RATE])
    for start in (0, 4):
        buffer[:] = start
        recorder.take("cortex", Window(start, start + 4), {"rate": Rates(Window(start, start + 4), 3, buffer)})
    buffer[:] = -1
    values = recorder.finish(Window(0, 8))["cortex.rate"].signal.payload()[0]
    np.testing.assert_array_equal(values[:, 0], [0] * 4 + [4] * 4)


def test_components_of_other_ranks_are_left_out() -> None:
    recorder = Recorder(CLOCK, [SPIKES, RATE])
    recorder.take("cortex", RUN, {"rate": Rates.silence(RUN, 3)})
    assert list(recorder.finish(RUN)) == ["cortex.rate"]


def test_recordings_travel_by_pickle() -> None:
    found = record([SPIKES, Every(RATE)], whole_run(), CUTS["uneven"])
    again = pickle.loads(pickle.dumps(found))
    assert again["cortex.rate"].port == RATE
    assert again["cortex.rate"].clock == CLOCK
    np.testing.assert_array_equal(again["cortex.rate"].signal.hz, found["cortex.rate"].signal.hz)
    np.testing.assert_array_equal(again["focus.spikes"].signal.ids, found["focus.spikes"].signal.ids)


@pytest.mark.parametrize("cut", [1, 7, 513, 1999])
def test_recorder_restored_from_its_state_continues_bitwise(cut: int) -> None:
    signals = whole_run()
    targets: list[Port | Every] = [SPIKES, Every(POTASSIUM, 0.7), Every(RATE, 0.3, average=False)]
    reference = record(targets, signals, CUTS["sixteens"])

    def take(recorder: Recorder, window: Window) -> None:
        for component in ("focus", "cortex"):
            recorder.take(component, window, {name: signal.during(window) for name, signal in signals.items()})

    first, second = Recorder(CLOCK, targets), Recorder(CLOCK, targets)
    take(first, Window(0, cut))
    saved = first.state()
    take(first, Window(cut, 2003))  # the state is a copy: going on does not change it
    first.finish(RUN)
    second.restore(saved)
    take(second, Window(cut, 2003))
    for name, recording in second.finish(RUN).items():
        for found, expected in zip(recording.signal.payload(), reference[name].signal.payload(), strict=True):
            assert found.tobytes() == expected.tobytes()


def test_what_cannot_be_recorded_is_refused() -> None:
    class Voltages(States):
        """A kind of one's own, which no file could name."""

    with pytest.raises(ConfigurationError, match="spikes cannot be decimated"):
        Recorder(CLOCK, [Every(SPIKES)])
    with pytest.raises(TimeError, match=r"0\.25 ms is no multiple of the tick"):
        Recorder(CLOCK, [Every(RATE, 0.25)])
    with pytest.raises(ConfigurationError, match="must be above 0"):
        Recorder(CLOCK, [Every(RATE, 0.0)])
    with pytest.raises(ConfigurationError, match="recorded twice"):
        Recorder(CLOCK, [RATE, Every(RATE, 1.0)])
    with pytest.raises(ConfigurationError, match="give a port"):
        Recorder(CLOCK, ["cortex.rate"])  # type: ignore[list-item]
    with pytest.raises(ConfigurationError, match="carries Voltages"):
        Recorder(CLOCK, [Port("a", "v", Voltages, 1, "out")])


def test_gaps_and_misfits_are_refused() -> None:
    recorder = Recorder(CLOCK, [RATE])
    recorder.take("cortex", Window(0, 4), {"rate": Rates.silence(Window(0, 4), 3)})
    with pytest.raises(ConfigurationError, match=r"over \[0, 4\), but then came \[5, 6\)"):
        recorder.take("cortex", Window(5, 6), {"rate": Rates.silence(Window(5, 6), 3)})
    with pytest.raises(ConfigurationError, match="should carry Rates of size 3"):
        recorder.take("cortex", Window(4, 6), {"rate": Rates.silence(Window(4, 6), 1)})
    with pytest.raises(ConfigurationError, match="should carry Rates of size 3"):
        recorder.take("cortex", Window(4, 6), {"rate": States.silence(Window(4, 6), 3)})
    with pytest.raises(ConfigurationError, match=r"over \[0, 4\), not over the run's \[0, 5\)"):
        recorder.finish(Window(0, 5))
