"""A stage and the machines in, what each of its spark tasks takes and moves out.

Each spark task needs CPU seconds, bytes over the network, bytes on disks and memory. It takes as
long as these take alone, one after the other, or as long as the busiest shared resource of its
node allows, whichever is more: the asymptotic bounds of a closed queueing network (Denning and
Buzen, "The Operational Analysis of Queueing Network Models", 1978).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from isocost.simulator.machines import Machine
from isocost.simulator.run import Booleans, Floats
from isocost.simulator.workload import SimulatedStage

# One connection to an object store carries this much (Amazon S3 performance guidelines: 85 to
# 90 MB/s), and answers after 100 to 200 ms.
STORE_STREAM_BYTES_PER_S: Final = 87e6
STORE_LATENCY_S: Final = 0.15
# The driver's event loop takes this long over each start or end of a spark task: with spark tasks
# of 5 ms, decima-tpch's 100 executors end about 2,800 a second, however many there are.
DRIVER_EVENT_S: Final = 0.000_15
# Each executor that holds shuffle blocks is another request. Chosen with the warm-up below.
FETCH_SOURCE_S: Final = 0.000_1
# Data spill in serialised, compressed form: Spark's own counters show 2 to 5 times fewer bytes on
# disk than in memory; serialising and reading back run at some 200 MB/s a core.
SPILL_DISK_FRACTION: Final = 0.35
SPILL_BYTES_PER_CPU_S: Final = 200e6
# A collector's work grows with live over free memory (Appel, "Garbage collection can be faster
# than stack allocation", 1987). The factor gives the usual 3 % at half a heap.
GC_AT_HALF_HEAP: Final = 0.03
MAX_GC_FRACTION: Final = 0.5
LEAST_FREE_HEAP: Final = 0.06
# Photon against Spark's own engine on the operators it takes over: 3 (Behm et al., "Photon: A Fast
# Query Engine for Lakehouse Systems", SIGMOD 2022, report a mean of 4 on TPC-H).
PHOTON_GAIN: Final = 3.0
# The first spark task of a stage on a slot fetches the code. Over decima-tpch's stages with 2
# executors the first is 60 to 150 ms slower where later ones take some ms.
FIRST_FIXED_S: Final = 0.06
# Java compiles code bit by bit while it runs: later runs still pay a part, which falls with this
# power of how many there were. decima-tpch's short spark tasks are slow on 100 executors
# because each runs the code a few times only. Searched on its odd queries (benchmarks/README.md).
WARM_UP_FIXED_S: Final = 0.02
WARM_UP_FACTOR: Final = 2.0
WARM_UP_MOST_S: Final = 0.8
WARM_UP_DECAY: Final = 1.2
# Deserialising a known closure and sending the result.
LATER_FIXED_S: Final = 0.003
# How sharply the two bounds meet; 1 would add them, infinity take the larger.
_NORM: Final = 4.0
# Storage may not push execution below half of what they share (spark.memory.storageFraction).
_STORAGE_FRACTION: Final = 0.5


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a spark task shares its executor and node with.

    Attributes:
        busy_count: spark tasks on its node, itself included.
        executor_count: with shuffle blocks, over all nodes.
        node_count: over which data are spread.
    """

    machine: Machine
    busy_count: int
    executor_count: int
    node_count: int


@dataclass(frozen=True, slots=True)
class StageLoad:
    """A stage's amounts per spark task; arrays are (spark_tasks,).

    Attributes:
        share: each spark task's part of the stage's data and work; the mean is 1.
        cached_per_node_bytes: storage memory in use on each node while it runs.
        shuffle_on_disk_fraction: of the shuffle blocks that its nodes could not keep in memory.
    """

    stage: SimulatedStage
    share: Floats
    cpu_s: float
    input_bytes: float
    cached_per_node_bytes: float
    shuffle_on_disk_fraction: float


@dataclass(frozen=True, slots=True)
class Timing:
    """What the spark tasks of a stage take in some surroundings; arrays are (spark_tasks,).

    Attributes:
        run_s: with nothing left to chance; `warm_up_s` comes on top, its n-th part
            when the stage's code runs on a slot for the n-th time.
        is_out_of_memory: which of them cannot have the memory that they cannot do without.
    """

    run_s: Floats
    warm_up_s: Floats
    cpu_s: Floats
    gc_s: Floats
    fetch_wait_s: Floats
    write_s: Floats
    spilled_bytes: Floats
    peak_bytes: Floats
    is_out_of_memory: Booleans
    remote_fraction: float
    input_bytes: Floats
    output_bytes: Floats
    shuffle_read_bytes: Floats
    shuffle_write_bytes: Floats


def timing(load: StageLoad, around: Surroundings) -> Timing:
    """Return what the stage's spark tasks take in these surroundings."""
    stage, machine, count = load.stage, around.machine, load.stage.spark_task_count
    each = load.share / count
    remote_fraction = 1.0 - 1.0 / around.node_count
    need = stage.memory_bytes * load.share
    granted, spilled = _memory(load, around, need)
    cpu_s = each * load.cpu_s / machine.speed(around.busy_count)
    cpu_s = cpu_s + spilled / SPILL_BYTES_PER_CPU_S / machine.speed(around.busy_count)
    gc_s = cpu_s * _gc_fraction(load, around, float(np.mean(np.minimum(need, granted))))
    store = each * (load.input_bytes + stage.output_bytes)
    fetched = each * stage.shuffle_read_bytes * remote_fraction
    on_disk = load.shuffle_on_disk_fraction
    read_back = each * stage.shuffle_read_bytes * on_disk
    written = each * stage.shuffle_write_bytes * on_disk
    disk = read_back + written + 2.0 * spilled * SPILL_DISK_FRACTION
    sources = min(around.executor_count, count) if stage.shuffle_read_bytes else 0
    latency_s = sources * FETCH_SOURCE_S + (STORE_LATENCY_S if load.input_bytes else 0.0)
    waits_s = store / STORE_STREAM_BYTES_PER_S + fetched / machine.network_bytes_per_s
    alone = cpu_s + gc_s + waits_s + disk / machine.disk_bytes_per_s + latency_s
    crowd = around.busy_count * np.maximum(
        (store + fetched) / machine.network_bytes_per_s, disk / machine.disk_bytes_per_s
    )
    run_s = _either(alone, crowd) + LATER_FIXED_S
    stretch = np.divide(run_s, alone, out=np.ones_like(run_s), where=alone > 0)
    return Timing(
        run_s=run_s,
        warm_up_s=warm_up_s(cpu_s),
        cpu_s=cpu_s,
        gc_s=gc_s,
        fetch_wait_s=(fetched / machine.network_bytes_per_s + sources * FETCH_SOURCE_S) * stretch,
        write_s=written / machine.disk_bytes_per_s * stretch,
        spilled_bytes=spilled,
        peak_bytes=np.minimum(need, granted),
        is_out_of_memory=granted < stage.rigid_memory_fraction * need,
        remote_fraction=remote_fraction,
        input_bytes=each * load.input_bytes,
        output_bytes=each * stage.output_bytes,
        shuffle_read_bytes=each * stage.shuffle_read_bytes,
        shuffle_write_bytes=each * stage.shuffle_write_bytes,
    )


def warm_up_s(cpu_s: Floats) -> Floats:
    """Return how much longer code takes the first time that takes `cpu_s` once compiled."""
    result: Floats = np.minimum(WARM_UP_FIXED_S + WARM_UP_FACTOR * cpu_s, WARM_UP_MOST_S)
    return result


def _either(alone: Floats, crowd: Floats) -> Floats:
    """Return the larger bound, with the queueing in between where they are close."""
    sum_of_powers: Floats = alone**_NORM + crowd**_NORM
    result: Floats = sum_of_powers ** (1.0 / _NORM)
    return result


def _memory(load: StageLoad, around: Surroundings, need: Floats) -> tuple[Floats, Floats]:
    """Return what each spark task is granted, and how much of its data does not fit there."""
    unified = around.machine.unified_bytes
    stored = min(load.cached_per_node_bytes, _STORAGE_FRACTION * unified)
    # Spark grants each of N running spark tasks at most 1/N of its executor's pool.
    granted = np.full_like(need, (unified - stored) / around.busy_count)
    return granted, np.maximum(need - granted, 0.0)


def _gc_fraction(load: StageLoad, around: Surroundings, mean_held_bytes: float) -> float:
    live = load.cached_per_node_bytes + around.busy_count * mean_held_bytes
    occupied = min(live / around.machine.heap_bytes, 1.0 - LEAST_FREE_HEAP)
    return min(GC_AT_HALF_HEAP * occupied / (1.0 - occupied), MAX_GC_FRACTION)


def storage_bytes_per_node(stage: SimulatedStage, machine: Machine, busy_count: int) -> float:
    """Return how much a node can keep of what the stage caches."""
    wanted = stage.memory_bytes * busy_count
    return machine.unified_bytes - min(wanted, _STORAGE_FRACTION * machine.unified_bytes)


def shares(stage: SimulatedStage) -> Floats:
    """Return each spark task's part of its stage, the same in every run; the mean is 1.

    Log-normal, as wide as makes the longest of so many `skew` times the median.
    """
    count = stage.spark_task_count
    if stage.skew <= 1.0 or count < 2:
        return np.ones(count)
    # How keys fall is a property of the data: neither the run's seed nor the cluster counts.
    drawn = np.random.default_rng([stage.stage_id, count]).standard_normal(count)
    drawn -= np.median(drawn)
    spread: Floats = np.exp(drawn * np.log(stage.skew) / max(float(drawn.max()), 1e-9))
    result: Floats = spread / spread.mean()
    return result


def page_cache_miss_fraction(stage_bytes: float, machine: Machine, node_count: int) -> float:
    """Return which part of shuffle blocks has to go to disks and come back from there."""
    room = machine.page_cache_bytes * node_count
    return 0.0 if stage_bytes <= room else 1.0 - room / stage_bytes
