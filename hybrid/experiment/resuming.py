"""The experiment of an unfinished run, from what its checkpoints keep of the file."""

from __future__ import annotations

from pathlib import Path

from hybrid.errors import CheckpointError
from hybrid.experiment.experiment import Experiment
from hybrid.run.checkpoint import Generations, find_unfinished, read_setup


def unfinished_experiment(place: str | Path) -> Experiment:
    """As it was run, with all that ``--set`` replaced; ``place``: the folder of the unfinished run, or where it lies.

    Files that it names are looked for where they were; that they are the same is checked when the run goes on.

    Raises
    ------
    CheckpointError: no checkpoint there can be read, or the run was not begun from an experiment file.
    """
    generations = Generations(find_unfinished(place))
    problem = f"{generations.folder} holds no checkpoint; start the run anew"
    for tick in generations.ticks():
        try:
            _, setup = read_setup(generations.path(tick))
        except CheckpointError as error:
            problem = f"no checkpoint can be used: {error}"
            continue
        kept = setup.get("experiment")
        if not isinstance(kept, dict):
            raise CheckpointError(
                f"{generations.run} is of a run that a Python program began; go on there with Simulation(...).resume(...)"
            )
        try:
            return Experiment(kept["tables"], Path(kept["folder"]), kept["name"])
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"{generations.run} does not tell the experiment: {error}") from None
    raise CheckpointError(problem)
