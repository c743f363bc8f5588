"""What the tests of streamed recordings run on every rank: each way of recording, in memory or through files."""

from __future__ import annotations

import sys

from toys import Accumulator, RampSource, RandomSpikes

from hybrid import Brain, Every, Simulation

DURATION_MS = 60.0
WAYS = ("spikes", "ticks", "decimated", "means", "all")


def simulation(way: str = "all", window_ms: float | None = None) -> Simulation:
    """Three components, of which one is recorded in one way, or all in all of them."""
    brain = Brain(tick_ms=0.1)
    spikes = brain.add(RandomSpikes("cells", 40, hz=200.0))
    ramp = brain.add(RampSource("ramp", 5))
    masses = brain.add(Accumulator("masses", 5))
    brain.connect(ramp["rate"], masses["in"], delay_ms=1.5)
    wanted = {
        "spikes": spikes["spikes"],
        "ticks": ramp["rate"],
        "decimated": Every(masses["in"], every_ms=0.7, average=False),
        "means": Every(masses["rate"], every_ms=0.7),
    }
    record = list(wanted.values()) if way == "all" else [wanted[way]]
    return Simulation(brain, seed=3, record=record, window_ms=window_ms, timeout_s=60)


def main(out: str, buffers: str) -> None:
    """For each way and buffer, print the checksum that every rank finds, and whether a folder is left."""
    from pathlib import Path

    for way in WAYS:
        for buffer_mib in map(float, buffers.split(",")):
            path = Path(out) / f"{way}{buffer_mib:g}.h5"
            results = simulation(way).run(DURATION_MS, out=path, buffer_mib=buffer_mib)
            found = results[results.ports[0]].payload()[0].sum()
            print(f"\nsha {way} {buffer_mib:g} {results.content_sha256} {found:.17g}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
