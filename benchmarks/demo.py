"""Where the time of the demonstration goes on one rank: all but the components themselves should cost little."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from hybrid.experiment import Experiment

FILE = Path(__file__).parent.parent / "examples" / "seizure_spread.toml"
AIM = 0.15  # of the running time for connections, exchange, recording and scheduling together


def main(repeats: int = 3, duration_ms: float = 5000.0) -> bool:
    """Print the table; true if the aim is met."""
    experiment = Experiment.load(FILE, [f"run.duration_ms={duration_ms}"])
    runs = [experiment.simulation().run(duration_ms) for _ in range(repeats + 1)][1:]  # the first compiles
    assert len({run.content_sha256 for run in runs}) == 1, "repeats differ"
    rows = [run.timing["ranks"][0] for run in runs]
    print(f"demonstration, {duration_ms / 1e3:g} s on one rank, median of {repeats} runs")
    for part in sorted(rows[0]["parts_s"], key=lambda part: -rows[0]["parts_s"][part]):
        seconds = median(row["parts_s"][part] for row in rows)
        share = median(row["parts_s"][part] / row["running_s"] for row in rows)
        print(f"  {part:12s} {seconds:7.3f} s {share:7.1%}")
    around = median(1 - (row["parts_s"]["focus"] + row["parts_s"]["cortex"]) / row["running_s"] for row in rows)
    factor = median(run.timing["real_time_factor"] for run in runs)
    print(f"  around the components: {around:.1%} (aim: under {AIM:.0%}); real-time factor {factor:.2f}")
    return around < AIM


if __name__ == "__main__":
    main()
