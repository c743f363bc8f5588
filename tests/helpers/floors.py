"""The floors of the house: what may import what (DESIGN: an import may only point down)."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FLOORS = [
    {"errors", "cache", "bits"},
    {"clock", "units", "random", "elementary"},
    {"signals", "connectome"},
    {"ports"},
    {"component", "adapter"},
    {"circuits", "masses", "stimulus", "interface", "results", "testing"},
    {"brain"},
    {"run"},
    {"experiment"},
    {"cli", "commands", "console"},
]
ASIDE = {"analysis", "plot"}  # read results; only the command line and examples import them
ADAPTERS_MAY = {"adapter", "signals", "clock", "errors", "units"}
