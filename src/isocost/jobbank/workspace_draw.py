"""A seed, a workload and a cloud's machines in; what its projects begin on, well spread, out.

Everything is drawn from the experiment's seed and the workload's name, so that neither the other
workloads of an experiment nor who carries it out change a draw. The clusters of one workload are
as far apart as they can be: each takes a size from a stratum of its own, and kinds of machines,
autoscaling, spot and disks take turns, in an order that is drawn.
"""

from collections.abc import Callable, Sequence
from math import exp, log
from typing import Final

import numpy as np

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.experiment import ColdShape, ColdStart
from isocost.errors import ClusterTooLarge
from isocost.jobbank.vault.growth import (
    LEAST_SPARK_TASKS,
    MOST_SPARK_TASKS,
    SIZES_GB,
    default_gb,
    scaled,
)
from isocost.jobbank.vault.recording import Recording, spark_task_count
from isocost.simulator.workspace.values import seed_of
from isocost.space.families import DEFAULT_BREADTH, family_of

# From what a person tries a job on first to what a team rents for its largest one.
LEAST_CORES: Final = 8
MOST_CORES: Final = 384
MOST_WORKERS: Final = 32  # as many as the product looks at, unless a user allows more
LARGEST_NODE_CORES: Final = 32
# Sizes that people give volumes; gp3's own least is 1 GiB, its usual 100.
DISKS_GIB: Final = (100, 250, 500)
# Of the clusters of one workload: every third scales by itself, every other is bought as spot.
_AUTOSCALING_FRACTION: Final = 1 / 3
_SPOT_FRACTION: Final = 0.5
# GiB of memory a core, half way between the clouds' 2, 4 and 8.
_KINDS_END: Final = (3.0, 6.0)
_MOST_DRAWS: Final = 24

Runs = Callable[[ColdStart], bool]


def drawn_gb(recording: Recording, seed: int) -> float:
    """Return a size of data at which the workload has 200 to 20,000 spark tasks.

    How many to aim for is drawn evenly over their logarithm. Its own size where none fits.
    """
    rng = np.random.default_rng(seed_of(seed, recording.name, "size"))
    aim = rng.uniform(log(LEAST_SPARK_TASKS), log(MOST_SPARK_TASKS))
    counts = {size: spark_task_count(scaled(recording, size)) for size in SIZES_GB}
    fitting = [s for s, n in counts.items() if LEAST_SPARK_TASKS <= n <= MOST_SPARK_TASKS]
    if not fitting:
        return default_gb(recording)
    return min(fitting, key=lambda size: (abs(log(counts[size]) - aim), size))


def drawn_cold_starts(
    workload: str, node_types: Sequence[NodeType], *, count: int, seed: int, runs: Runs
) -> tuple[ColdStart, ...]:
    """Return the clusters that a workload's projects begin on.

    Args:
        workload: its name.
        node_types: that can be rented.
        count: how many.
        seed: of the experiment.
        runs: whether the workload succeeds on one, as a recurring job's own cluster does.

    Raises:
        ClusterTooLarge: if the workload succeeds on none that was drawn.
    """
    rng = np.random.default_rng(seed_of(seed, workload, "cold starts"))
    kinds = _by_kind(node_types)
    strata, first_kind = rng.permutation(count), int(rng.integers(len(kinds)))
    scales = _some(rng, count, _AUTOSCALING_FRACTION)
    spots = _some(rng, count, _SPOT_FRACTION)
    found = []
    for place in range(count):
        of_kind = kinds[(first_kind + place) % len(kinds)]
        for attempt in range(_MOST_DRAWS):
            # One that failed is followed by others of any kind and size.
            stratum = strata[place] if not attempt else rng.integers(count)
            types = of_kind if not attempt else kinds[int(rng.integers(len(kinds)))]
            cores = _cores_of(rng, int(stratum), count)
            start = _drawn(
                rng, types, cores, is_scaling=bool(scales[place]), is_spot=bool(spots[place])
            )
            if start not in found and runs(start):
                found.append(start)
                break
        else:
            raise ClusterTooLarge(
                f"{workload} succeeds on none of {_MOST_DRAWS} clusters that were drawn for it: "
                "its data are too large for them. Leave this workload out."
            )
    return tuple(found)


def _by_kind(node_types: Sequence[NodeType]) -> list[list[NodeType]]:
    """Return usual machines by kind: memory per core, and whether they have disks of their own."""
    kinds: dict[tuple[int, bool], list[NodeType]] = {}
    for each in node_types:
        is_usual = (
            family_of(each.node_type_id) in DEFAULT_BREADTH.families
            and DEFAULT_BREADTH.min_cores <= each.cores <= LARGEST_NODE_CORES
            # The product offers ARM machines to whom has them only.
            and each.architecture != "arm64"
        )
        if is_usual:
            ratio = each.memory_gib / each.cores
            kind = sum(ratio >= end for end in _KINDS_END)
            kinds.setdefault((kind, each.local_disk_gib > 0), []).append(each)
    return [kinds[key] for key in sorted(kinds)]


def _some(rng: np.random.Generator, count: int, fraction: float) -> list[bool]:
    """Return which of `count` have something that a fraction of them has."""
    exact = count * fraction
    whole = int(exact) + int(rng.random() < exact - int(exact))
    return [place < whole for place in rng.permutation(count)]


def _cores_of(rng: np.random.Generator, stratum: int, count: int) -> float:
    share = (stratum + rng.random()) / count
    return exp(log(LEAST_CORES) + share * log(MOST_CORES / LEAST_CORES))


def _drawn(
    rng: np.random.Generator,
    node_types: Sequence[NodeType],
    cores: float,
    *,
    is_scaling: bool,
    is_spot: bool,
) -> ColdStart:
    fitting = [each for each in node_types if each.cores <= cores <= each.cores * MOST_WORKERS]
    chosen = fitting or list(node_types)
    families = sorted({family_of(each.node_type_id) for each in chosen})
    family = families[int(rng.integers(len(families)))]
    sizes = [each for each in chosen if family_of(each.node_type_id) == family]
    node_type = sizes[int(rng.integers(len(sizes)))]
    workers = min(MOST_WORKERS, max(1, round(cores / node_type.cores)))
    least = max(1, workers // int(rng.integers(2, 5))) if is_scaling and workers > 1 else None
    has_disks = rng.random() < 0.5 and not node_type.local_disk_gib
    disk_gib = DISKS_GIB[int(rng.integers(len(DISKS_GIB)))] if has_disks else 0
    return ColdStart(
        ClusterSpec(node_type.node_type_id, workers),
        shape=ColdShape(least_worker_count=least, is_spot=is_spot, disk_gib=disk_gib),
    )
