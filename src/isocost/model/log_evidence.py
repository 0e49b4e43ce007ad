"""A run profile in; what it says of memory, processors and the run's soundness out."""

from dataclasses import dataclass
from typing import Final

from isocost.domain.profile import CachedRdd, RemovalCause, RunProfile

# Spilling a hundredth of what was read and shuffled costs no time that can be told from noise.
SPILL_THAT_COUNTS: Final = 0.01
# Executors that left for these reasons took work with them that had to be done again.
_LOSSES: Final = frozenset({
    RemovalCause.SPOT_LOSS,
    RemovalCause.NODE_LOST,
    RemovalCause.LOST_HEARTBEAT,
    RemovalCause.OUT_OF_MEMORY,
    RemovalCause.PROCESS_LOST,
})
# Retried spark tasks beyond this share of all make a run slower than its noise.
RETRIES_THAT_COUNT: Final = 0.02


@dataclass(frozen=True, slots=True)
class MemoryEvidence:
    """What one or more runs say of the working set, in usable memory over all nodes.

    Attributes:
        measured_gib: of the working set itself; 0.0 where none bends the curve.
        fits_gib: it fitted into as much.
        exceeds_gib: it did not fit into as much.
    """

    measured_gib: float | None = None
    fits_gib: float | None = None
    exceeds_gib: float | None = None


def memory_evidence(profile: RunProfile, usable_gib: float) -> MemoryEvidence:
    """Return what a run on a cluster of `usable_gib` says of the working set."""
    totals = profile.totals
    moved = totals.input_bytes + totals.shuffle_read_bytes + totals.shuffle_write_bytes
    has_spilled = totals.disk_spilled_bytes > SPILL_THAT_COUNTS * max(moved, 1)
    is_cache_whole = all(_is_in_memory(rdd) for rdd in profile.cached_rdds)
    measured = _working_set_gib(profile, usable_gib)
    if has_spilled or not is_cache_whole:
        return MemoryEvidence(measured_gib=measured, exceeds_gib=usable_gib)
    return MemoryEvidence(measured_gib=measured, fits_gib=usable_gib)


def cpu_share(profile: RunProfile) -> float | None:
    """Return the share of spark task time spent on the processor; None where it is not known."""
    totals = profile.totals
    if not profile.is_cpu_known or totals.executor_run_s <= 0:
        return None
    return min(1.0, totals.executor_cpu_s / totals.executor_run_s)


def has_other_code(mine: RunProfile | None, before: RunProfile | None) -> bool:
    """Return whether two runs are known to differ in their plan or Spark version."""
    if mine is None or before is None:
        return False
    plans = (mine.plan_fingerprint, before.plan_fingerprint)
    is_other_plan = None not in plans and plans[0] != plans[1]
    return is_other_plan or mine.spark_version != before.spark_version


def is_disturbed(profile: RunProfile) -> bool:
    """Return whether lost executors or retries made the run slower than such a run is."""
    has_lost = any(span.removal_cause in _LOSSES for span in profile.executors)
    retries = profile.failed_task_count / max(1, profile.task_count)
    return has_lost or retries > RETRIES_THAT_COUNT


def _is_in_memory(rdd: CachedRdd) -> bool:
    is_whole = rdd.cached_partition_count >= rdd.partition_count
    return rdd.is_unpersisted or (is_whole and not rdd.disk_bytes)


def _working_set_gib(profile: RunProfile, usable_gib: float) -> float | None:
    """Return the memory in which all that is cached fits; None where its size is not known.

    Spark keeps blocks in a region of its own, of which the log gives the size; nodes must be
    larger by what the region is smaller than the usable memory.
    """
    region_bytes = sum(span.memory_bytes or 0 for span in profile.executors)
    sizes = [_full_bytes(rdd) for rdd in profile.cached_rdds]
    known = [size for size in sizes if size is not None]
    if not known or len(known) < len(sizes) or not region_bytes:
        return None
    return sum(known) / region_bytes * usable_gib


def _full_bytes(rdd: CachedRdd) -> float | None:
    """Return what the RDD takes when all of its partitions are cached."""
    if rdd.memory_bytes is None or not rdd.cached_partition_count:
        return None
    held = rdd.memory_bytes + (rdd.disk_bytes or 0)
    return held * rdd.partition_count / rdd.cached_partition_count
