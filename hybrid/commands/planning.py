"""``hybrid plan`` and ``validate``: what is known of an experiment before it runs."""

from __future__ import annotations

import argparse
from typing import Any

from hybrid.commands.arguments import experiment
from hybrid.errors import ConfigurationError

MOST_RANKS = 100_000  # of a plan


def add(commands: Any) -> None:
    """The commands and their arguments."""
    plan = experiment(
        commands, "plan", _plan, "print the window, what sets it, the slack of every connection, the placement"
    )
    plan.add_argument("--ranks", type=int, default=1, help="plan for this many ranks")
    experiment(commands, "validate", _validate, "check an experiment file and all its wiring without running it")


def _plan(options: argparse.Namespace) -> None:
    from hybrid.experiment import Experiment
    from hybrid.run.plan import make_plan

    if options.ranks > MOST_RANKS:
        raise ConfigurationError(f"--ranks {options.ranks}: plan for at most {MOST_RANKS:,}")
    experiment = Experiment.load(options.file, options.overrides)
    run = experiment.document.run
    print(make_plan(experiment.brain(), options.ranks, window_ms=run.window_ms, placement=run.placement))


def _validate(options: argparse.Namespace) -> None:
    from hybrid.experiment import Experiment

    experiment = Experiment.load(options.file, options.overrides)
    simulation = experiment.simulation()
    simulation.brain.clock.ticks(experiment.document.run.duration_ms, "[run] duration_ms")
    print(f"{options.file}: valid; {simulation.brain!r}")
    circuits = [name for name, table in experiment.document.components.items() if table.circuit]
    if circuits:
        print(
            f"only a run can tell: whether the C++ of {', '.join(circuits)} compiles, and whether its steps are stable"
        )
