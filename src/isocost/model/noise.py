"""Repeated runs of one cluster in; how far runs that should be equal lie apart, out."""

from collections.abc import Sequence
from typing import Final

import numpy as np

# Robust sd of repeats: 1.6 % in the C3O data set, where one of twenty runs is 4 to 8 % off; the
# noise of shared clusters is larger. Worth four runs, then outvoted.
RUN_SD: Final = 0.03
RUN_DOF: Final = 4.0
# Never believe runs to be more alike than C3O's were.
LEAST_RUN_SD: Final = 0.01
# What one cluster does otherwise than its neighbours, in every run of it: with the noise of runs
# it makes up the 5 % that single runs of the Scout data set scatter about their curves.
CLUSTER_SD: Final = 0.04
# A disturbed run (lost executors, retries) tells little of an undisturbed one.
DISTURBED_SD: Final = 0.5


def run_sd(repeats: Sequence[Sequence[float]]) -> float:
    """Return the standard deviation of log runtime between runs of one cluster.

    The mean of an inverse-gamma posterior: prior `RUN_SD` worth `RUN_DOF` runs.

    Args:
        repeats: log runtimes of undisturbed runs, a sequence for each cluster.
    """
    scatter, freedom = 0.0, 0
    for values in repeats:
        if len(values) > 1:
            scatter += float(np.var(values)) * len(values)
            freedom += len(values) - 1
    return run_sd_from(scatter, freedom)


def run_sd_from(scatter: float, freedom: int) -> float:
    """Return the same from the sum of squares about each cluster's mean, and its freedom."""
    squares = RUN_DOF * RUN_SD**2 + scatter
    return max(LEAST_RUN_SD, float(np.sqrt(squares / (RUN_DOF + freedom))))
