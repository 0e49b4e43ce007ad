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


# E-folds over which each effect fades. Twice the cores or half the memory per core is another
# regime; twice the memory of all nodes is not yet.
PER_CORE_LENGTH: Final = 0.5
CORES_LENGTH: Final = 1.0
PER_NODE_LENGTH: Final = 0.7
SPEED_LENGTH: Final = 0.2
NETWORK_LENGTH: Final = 1.0
MEMORY_LENGTH: Final = 1.5
LOCAL_CORES_LENGTH: Final = 0.5


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike clusters are in each respect, 1.0 for the same; arrays (points of a, points of b).

    The respects are those of `ResidualKernel`, all of whose instances share this.

    Attributes:
        a, b: what is compared.
    """

    a: Points
    b: Points
    memory_per_core: Floats
    cores: Floats
    cores_per_node: Floats
    hardware: Floats
    local: Floats
    memory: Floats


def likeness_of(a: Points, b: Points) -> Likeness:
    """Return how alike the clusters of a are to those of b."""
    per_core = _distances(_log_memory_per_core(a), _log_memory_per_core(b)) / PER_CORE_LENGTH
    cores = _distances(np.log(a.cores), np.log(b.cores))
    per_node = _distances(np.log(a.cores / a.nodes), np.log(b.cores / b.nodes)) / PER_NODE_LENGTH
    speed = _distances(np.log(a.speed), np.log(b.speed)) / SPEED_LENGTH
    network = _distances(np.log1p(a.network_gbps), np.log1p(b.network_gbps)) / NETWORK_LENGTH
    memory = _distances(np.log(a.usable_gib), np.log(b.usable_gib))
    hardware_squared = speed * speed + network * network
    local_squared = (cores / LOCAL_CORES_LENGTH) ** 2
    local_squared += per_core * per_core + per_node * per_node + hardware_squared
    return Likeness(
        a=a,
        b=b,
        memory_per_core=_matern_52(per_core),
        cores=_matern_52(cores / CORES_LENGTH),
        cores_per_node=_matern_52(per_node),
        hardware=np.exp(-np.sqrt(hardware_squared)),
        local=np.exp(-np.sqrt(local_squared)),
        memory=np.exp(-memory / MEMORY_LENGTH),
    )


@dataclass(frozen=True, slots=True)
class ResidualKernel:
    """Standard deviations of log runtime by what they vary with.

    Attributes:
        memory_per_core, cores, cores_per_node: smooth effects of each alone.
        hardware: of core speed and network beyond what physics says of them.
        local: of one cluster and its nearest neighbours.
        memory: rough effects of all memory together.
        multiple: of all variances.
    """

    memory_per_core: float
    cores: float
    cores_per_node: float
    hardware: float
    local: float
    memory: float = 0.0
    multiple: float = 1.0

    @property
    def noise_multiple(self) -> float:
        """Multiple of the variance of noise: with one curve a job, noise is what runs show."""
        return 1.0

    @property
    def once(self) -> "ResidualKernel":
        """The kernel at a multiple of 1."""
        return replace(self, multiple=1.0)

    def over(self, likeness: Likeness) -> Floats:
        """Return the covariance (points of a, points of b), the free level excluded."""
        total = self.memory_per_core**2 * likeness.memory_per_core
        total += self.cores**2 * likeness.cores
        total += self.cores_per_node**2 * likeness.cores_per_node
        total += self.hardware**2 * likeness.hardware
        total += self.local**2 * likeness.local
        if self.memory:
            total += self.memory**2 * likeness.memory
        return np.asarray(self.multiple * total)

    def at_one_point(self) -> float:
        """Return the variance of any single cluster."""
        parts = (self.memory_per_core, self.cores, self.cores_per_node, self.hardware)
        return self.multiple * sum(sd**2 for sd in (*parts, self.local, self.memory))

    def variance(self, points: Points) -> Floats:
        """Return the variance of each cluster, (points,): the same of all."""
        return np.full(len(points), self.at_one_point())


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
