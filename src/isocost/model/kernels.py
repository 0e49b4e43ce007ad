"""Clusters in; how much what physics leaves unexplained has in common between them, out.

Sums of Matérn kernels over the logarithms of memory per core, cores, cores per node, core speed
and network, in squared log runtimes; the length scales are e-folds.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from isocost.model.points import Floats, Points

_SQRT_5: Final = float(np.sqrt(5.0))
# Memory is in GiB per core and relative to a general-purpose node's; any constant would do.
_MIDDLE_GIB_PER_CORE: Final = 4.0
# Log runtime over log input size beyond the 0.7 that the mean assumes: C3O's five programs have
# slopes of 0.3 to 1.1.
INPUT_SLOPE_MEAN: Final = 0.7
INPUT_SLOPE_SD: Final = 0.4
INPUT_RESIDUAL_SD: Final = 0.05
INPUT_LENGTH: Final = 0.5


@dataclass(frozen=True, slots=True)
class ResidualKernel:
    """Standard deviations of log runtime by what they vary with.

    Attributes:
        memory_per_core, cores, cores_per_node: smooth effects of each alone.
        hardware: of core speed and network beyond what physics says of them.
        local: of one cluster and its nearest neighbours.
        memory: rough effects of all memory together.
        cores_length, memory_length: e-folds.
        multiple: of all variances.
    """

    memory_per_core: float
    cores: float
    cores_per_node: float
    hardware: float
    local: float
    memory: float = 0.0
    cores_length: float = 1.0
    memory_length: float = 1.5
    multiple: float = 1.0

    @property
    def once(self) -> "ResidualKernel":
        """The kernel at a multiple of 1."""
        return replace(self, multiple=1.0)

    def between(self, a: Points, b: Points) -> Floats:
        """Return the covariance (points of a, points of b), the free level excluded."""
        per_core = _distances(_log_memory_per_core(a), _log_memory_per_core(b))
        cores = _distances(np.log(a.cores), np.log(b.cores))
        per_node = _distances(np.log(a.cores / a.nodes), np.log(b.cores / b.nodes))
        speed = _distances(np.log(a.speed), np.log(b.speed))
        network = _distances(np.log1p(a.network_gbps), np.log1p(b.network_gbps))
        total = self.memory_per_core**2 * _matern_52(per_core / 0.5)
        total += self.cores**2 * _matern_52(cores / self.cores_length)
        total += self.cores_per_node**2 * _matern_52(per_node / 0.7)
        hardware = np.hypot(speed / 0.2, network / 1.0)
        total += self.hardware**2 * np.exp(-hardware)
        local = (cores / 0.5) ** 2 + (per_core / 0.5) ** 2 + (per_node / 0.7) ** 2
        total += self.local**2 * np.exp(-np.sqrt(local + hardware**2))
        if self.memory:
            memory = _distances(np.log(a.usable_gib), np.log(b.usable_gib))
            total += self.memory**2 * np.exp(-memory / self.memory_length)
        return np.asarray(self.multiple * total)

    def at_one_point(self) -> float:
        """Return the variance of any single cluster."""
        parts = (self.memory_per_core, self.cores, self.cores_per_node, self.hardware)
        return self.multiple * sum(sd**2 for sd in (*parts, self.local, self.memory))


def input_covariance(a: Points, b: Points) -> Floats:
    """Return what the input size adds, (points of a, points of b)."""
    linear = INPUT_SLOPE_SD**2 * np.outer(a.log_input, b.log_input)
    apart = _distances(a.log_input, b.log_input) / INPUT_LENGTH
    return np.asarray(linear + INPUT_RESIDUAL_SD**2 * (_matern_52(apart)))


def input_variance(points: Points) -> Floats:
    """Return the variance that the input size adds to each point, (points,)."""
    return np.asarray(INPUT_SLOPE_SD**2 * points.log_input**2 + INPUT_RESIDUAL_SD**2)


def _log_memory_per_core(points: Points) -> Floats:
    per_core = points.node_memory_gib * points.nodes / points.cores
    return np.asarray(np.log(per_core / _MIDDLE_GIB_PER_CORE))


def _distances(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.abs(a[:, None] - b[None, :]))


def _matern_52(distance: Floats) -> Floats:
    scaled = _SQRT_5 * distance
    return np.asarray((1.0 + scaled + scaled * scaled / 3.0) * np.exp(-scaled))
