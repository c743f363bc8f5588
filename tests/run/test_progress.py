"""What is said while a run goes on: preparation in lines of its own, and the time left from the second window on."""

from __future__ import annotations

import io
import re
import time

import pytest
from toys import RampSource, Relay

from hybrid import Brain, Clock, Simulation, Window
from hybrid.run import progress
from hybrid.run.progress import Progress


class HandSet:
    """A clock that is set by hand."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)


def test_each_component_is_named_while_it_is_prepared(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_QUICK_S", 0.0)
    brain = Brain(0.1)
    brain.add(RampSource("source"))
    brain.add(Relay("relay"))
    brain.connect(brain["source"]["rate"], brain["relay"]["in"], delay_ms=1.0)
    Simulation(brain, progress=True).run(1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:3] == [
        "preparing relay (Relay) ...",
        "preparing source (RampSource) ...",
        "preparing source_to_relay (source.rate -> relay.in) ...",
    ]
    assert re.fullmatch(r"prepared in \d+\.\d s", lines[3])
    assert len(lines) == 4


def test_what_takes_long_is_named_and_what_is_quick_is_not(capsys, monkeypatch):
    class Slow(RampSource):
        def prepare(self, clock, rng):
            super().prepare(clock, rng)
            while "slow" not in (said := capsys.readouterr().err):
                time.sleep(0.01)
            assert said == "preparing slow (Slow) ...\n"

    monkeypatch.setattr(progress, "_QUICK_S", 0.3)
    brain = Brain(0.1)
    brain.add(RampSource("quick"))
    brain.add(Slow("slow"))
    Simulation(brain, progress=True).run(1)
    assert capsys.readouterr().err.startswith("prepared in ")


def test_a_quick_preparation_is_not_worth_a_line(capsys):
    shown = Progress(Clock(0.1), shown=True)
    shown.preparing("source")
    shown.prepared(0.1, Window(0, 10))
    shown.close()
    assert capsys.readouterr().err == ""


def test_nothing_is_said_unless_asked_for(capsys):
    brain = Brain(0.1)
    brain.add(RampSource("source"))
    Simulation(brain).run(1)
    assert capsys.readouterr().err == ""


def test_the_time_left_counts_neither_preparation_nor_the_first_window(monkeypatch, capsys):
    hand = HandSet(monkeypatch)
    shown = Progress(Clock(1.0), shown=True)
    hand.now = 5000.0
    shown.prepared(5000.0, Window(0, 1000))
    hand.now += 300.0
    shown.passed(Window(0, 100))  # compiled something: it tells nothing of the others
    hand.now += 20.0
    shown.passed(Window(100, 200))
    hand.now += 1.0
    shown.passed(Window(200, 300))  # too soon for another line
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["prepared in 5000.0 s", "200 of 1,000 ms, 160 s left"]


class Full(io.StringIO):
    """A terminal on a full device."""

    def isatty(self):
        return True

    def write(self, text):
        raise OSError(28, "No space left on device")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [Full(), closed(), None], ids=["full", "closed", "none"])
def test_no_run_ends_for_a_broken_standard_error(monkeypatch, stream):
    monkeypatch.setattr("sys.stderr", stream)
    brain = Brain(0.1)
    brain.add(RampSource("source"))
    assert Simulation(brain, progress=True, record=["source.rate"]).run(300)["source.rate"].hz.shape == (3000, 1)


def test_a_terminal_gets_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    brain = Brain(0.1)
    brain.add(RampSource("source"))
    Simulation(brain, progress=True).run(300)
    assert "300" in stream.getvalue()
    assert "ms" in stream.getvalue()
