"""What the matrix runs on every rank: one brain with everything the package ships in it."""

from __future__ import annotations

from matrix_cases import COVERED, TICK_MS, add_to

from hybrid import Brain, Simulation

DURATION_MS = 12.0


def crowd() -> Simulation:
    brain = Brain(TICK_MS)
    record = [port for name in COVERED for port in add_to(brain, name, f"{name}_")]
    return Simulation(brain, seed=1, record=record, on_drift="ignore", timeout_s=120)


def main() -> None:
    results = crowd().run(DURATION_MS)
    print(f"sha {results.content_sha256}", flush=True)


if __name__ == "__main__":
    main()
