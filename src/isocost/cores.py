"""What a process may take of this machine's cores."""

import os
from collections.abc import Mapping
from typing import Final

# One BLAS thread a process: the cores are wanted by other projects, and more threads on matrices
# of our size cost 12 to 85 times what they save. Read from the environment when numpy is loaded.
ONE_BLAS_THREAD: Final[Mapping[str, str]] = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
}


def usable_cores() -> int:
    """Return how many cores this process may use, by its affinity mask; at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
