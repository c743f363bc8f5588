"""What a point of a sweep costs beyond its simulation: a small network of masses at many values.

The same points are run by a loop that builds the experiment, runs it and saves its results, and by a sweep, on one process, in
turns; both must leave the same ``content_sha256``. The difference is what the sweep adds: the check before, recognising what
is there, features, the outcome of every point, the index. Besides: the sweep again when all is done, and on two workers.
Run: ``python benchmarks/sweep.py [--points 200] [--repeats 5]``
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.timing import met
from hybrid import Connectome, Results
from hybrid.experiment import Experiment
from hybrid.experiment.sweep import Sweep

AIM_MS = 5.0  # a point, beyond its simulation
FILE = """
[run]
duration_ms = 200
record = [{ port = "cortex.x1", every_ms = 1.0 }]

[connectome]
source = "regions.npz"
normalise = "in_strength"

[components.cortex]
model = "Epileptor"
coupling = { kind = "Difference", strength = 0.5 }
noise = { sigma = { x2 = 0.01 } }
"""


def by_hand(file: Path, points: int, folder: Path) -> float:
    """Milliseconds of the processor, a point, of building, running and saving."""
    began = time.process_time()
    for seed in range(points):
        experiment = Experiment.load(file, [f"run.seed={seed}"])
        experiment.simulation().run(experiment.document.run.duration_ms, out=folder / f"{seed:05d}.h5")
    return (time.process_time() - began) / points * 1e3


def swept(file: Path, points: int, folder: Path, workers: int = 1) -> float:
    """Milliseconds of the processor, a point, of the whole sweep, from the file to the index."""
    began = time.process_time()
    Sweep.of(file, {"run.seed": range(points)}, folder, features=["means"]).run(workers=workers)
    return (time.process_time() - began) / points * 1e3


def main() -> bool:
    """Print the table; true if the aim is met."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--points", type=int, default=200)
    arguments.add_argument("--repeats", type=int, default=5)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, file = Path(place), Path(place) / "regions.toml"
        file.write_text(FILE, encoding="utf-8")
        Connectome.synthetic(20, seed=1).save(folder / "regions.npz")
        by_hand(file, 2, folder / "compiles")
        times: dict[str, list[float]] = {"by hand": [], "swept": [], "all done": []}
        for k in range(asked.repeats):
            times["by hand"].append(by_hand(file, asked.points, folder / f"hand_{k}"))
            times["swept"].append(swept(file, asked.points, folder / f"sweep_{k}"))
            times["all done"].append(swept(file, asked.points, folder / f"sweep_{k}"))
        began = time.perf_counter()
        swept(file, asked.points, folder / "workers_0", workers=2)
        wall_s = time.perf_counter() - began
        for seed in range(0, asked.points, max(1, asked.points // 10)):
            files = [folder / "hand_0", folder / "sweep_0" / "points", folder / "workers_0" / "points"]
            hashes = {Results.load(each / f"{seed:05d}.h5").content_sha256 for each in files}
            assert len(hashes) == 1, "the sweep changes the results"
    found = {name: median(each) for name, each in times.items()}
    print(
        f"{asked.points} points of 20 Epileptors over 200 ms, milliseconds of the processor a point, median of {asked.repeats}"
    )
    for name, value in found.items():
        print(f"  {name:12s} {value:8.2f}")
    print(f"  on two workers the whole sweep takes {wall_s:.1f} s, their start included")
    extra = median(a - b for a, b in zip(times["swept"], times["by hand"], strict=True))
    print(f"  a sweep adds {extra:.2f} ms a point (aim: under {AIM_MS:g}): {met(extra < AIM_MS)}")
    return extra < AIM_MS


if __name__ == "__main__":
    main()
