"""``hybrid doctor`` on every rank; ``BITS_OF_RANK_1`` and ``PROCESSOR`` change what a rank finds."""

from __future__ import annotations

import os
import sys

from hybrid.cli import main
from hybrid.run.transport import launched_rank

if __name__ == "__main__":
    if launched_rank() == 1 and "BITS_OF_RANK_1" in os.environ:
        os.environ["HYBRID_BITS"] = os.environ["BITS_OF_RANK_1"]
    if "PROCESSOR" in os.environ:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    main(sys.argv[1:])
