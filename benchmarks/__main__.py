"""Runs every benchmark in one go, and says which aims were met."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks import demo
from hybrid.results import software_versions

HERE = Path(__file__).parent


def main() -> None:
    print({name: version for name, version in software_versions().items() if name != "provenance"})
    for script in ("circuits.py", "masses.py", "interface.py", "loop.py", "bits.py", "sweep.py", "scaling.py"):
        print(f"\n== {script} ==", flush=True)
        # in a process of its own: they set what a process can set once
        subprocess.run([sys.executable, str(HERE / script)], check=True)
    print("\n== demo.py ==", flush=True)
    demo.main()


if __name__ == "__main__":
    main()
