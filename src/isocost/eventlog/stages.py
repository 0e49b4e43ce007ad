"""Ended spark tasks of one stage attempt in, the stage's running sums and durations out.

Memory is bounded: whatever a stage's size, it keeps at most `2 * SAMPLE_SIZE` durations, one byte
for each partition and a handful of sums.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

import numpy as np

from isocost.domain.profile import QUANTILE_LEVELS, Distribution, TaskTotals
from isocost.eventlog.events import StageInfo, TaskEnd
from isocost.units import MS_PER_S, NS_PER_S

# Up to this many durations quantiles are exact. Beyond it they come from an even sample of at
# least half as many, whose median is off by less than 1 % of rank (0.5 / sqrt(16384) = 0.4 %).
SAMPLE_SIZE: Final = 16_384
# Spark's own limit on partitions is far higher; an index beyond this one is damage, not data.
MAX_PARTITIONS: Final = 20_000_000

SUCCESS: Final = "Success"
KILLED: Final = frozenset({"TaskKilled", "TaskCommitDenied"})
RESUBMITTED: Final = "Resubmitted"

_RUN = attrgetter(
    "run_ms",
    "deserialize_ms",
    "gc_ms",
    "serialize_ms",
    "memory_spilled_bytes",
    "disk_spilled_bytes",
)


@dataclass(slots=True)
class Sums:
    """Sums over a stage's ended spark tasks, in Spark's units."""

    run_ms: int = 0
    deserialize_ms: int = 0
    gc_ms: int = 0
    serialize_ms: int = 0
    memory_spilled_bytes: int = 0
    disk_spilled_bytes: int = 0
    cpu_ns: int = 0
    fetch_wait_ms: int = 0
    shuffle_read_bytes: int = 0
    shuffle_write_bytes: int = 0
    shuffle_write_ns: int = 0
    input_bytes: int = 0
    output_bytes: int = 0

    def totals(self) -> TaskTotals:
        """Return the sums in seconds and bytes."""
        return TaskTotals(
            executor_run_s=self.run_ms / MS_PER_S,
            executor_cpu_s=self.cpu_ns / NS_PER_S,
            gc_s=self.gc_ms / MS_PER_S,
            deserialize_s=self.deserialize_ms / MS_PER_S,
            shuffle_fetch_wait_s=self.fetch_wait_ms / MS_PER_S,
            shuffle_write_s=self.shuffle_write_ns / NS_PER_S,
            input_bytes=self.input_bytes,
            output_bytes=self.output_bytes,
            shuffle_read_bytes=self.shuffle_read_bytes,
            shuffle_write_bytes=self.shuffle_write_bytes,
            memory_spilled_bytes=self.memory_spilled_bytes,
            disk_spilled_bytes=self.disk_spilled_bytes,
        )


class Durations:
    """Durations by spark task ID, which Spark hands out in launch order; an even sample if many.

    The sample keeps the IDs that a growing power of two divides, so it depends on the spark tasks
    alone and not on the order in which they ended.
    """

    def __init__(self) -> None:
        self._task_ids = array("q")
        self._ms = array("q")
        self._stride = 1
        self.count = 0
        self.total_ms = 0
        self.shortest_ms = 0
        self.longest_ms = 0

    def add(self, task_ids: Sequence[int], ms: Sequence[int]) -> None:
        """Add spark tasks; both sequences have the shape (tasks,)."""
        if not ms:
            return
        shortest_ms, longest_ms = min(ms), max(ms)
        self.shortest_ms = min(self.shortest_ms, shortest_ms) if self.count else shortest_ms
        self.longest_ms = max(self.longest_ms, longest_ms)
        self.count += len(ms)
        self.total_ms += sum(ms)
        self._keep(task_ids, ms)

    def _keep(self, task_ids: Sequence[int], ms: Sequence[int]) -> None:
        if self._stride > 1:
            kept = [(i, d) for i, d in zip(task_ids, ms, strict=True) if i % self._stride == 0]
            task_ids, ms = [i for i, _ in kept], [d for _, d in kept]
        self._task_ids.extend(task_ids)
        self._ms.extend(ms)
        while len(self._ms) > 2 * SAMPLE_SIZE:
            self._thin()

    def _thin(self) -> None:
        self._stride *= 2
        ids = np.frombuffer(self._task_ids, dtype=np.int64)
        is_kept = ids % self._stride == 0
        ms = np.frombuffer(self._ms, dtype=np.int64)[is_kept]
        ids = ids[is_kept]
        self._task_ids, self._ms = array("q", ids.tobytes()), array("q", ms.tobytes())

    def distribution(self, max_value_count: int) -> Distribution:
        """Return count, sum and quantiles over all, and at most `max_value_count` values."""
        if not self.count:
            return Distribution(0, 0.0, (), ())
        order = np.argsort(np.frombuffer(self._task_ids, dtype=np.int64), kind="stable")
        seconds = np.frombuffer(self._ms, dtype=np.int64)[order] / MS_PER_S
        if len(seconds) == 0:
            seconds = np.array([self.total_ms / self.count / MS_PER_S])
        quantiles = np.quantile(seconds, QUANTILE_LEVELS)
        quantiles[0], quantiles[-1] = self.shortest_ms / MS_PER_S, self.longest_ms / MS_PER_S
        if len(seconds) > max_value_count:
            seconds = seconds[np.arange(max_value_count) * len(seconds) // max_value_count]
        return Distribution(
            count=self.count,
            total_s=self.total_ms / MS_PER_S,
            quantiles_s=tuple(float(q) for q in quantiles),
            values_s=tuple(float(s) for s in seconds),
        )


@dataclass(slots=True)
class StageFold:
    """What is known of one stage attempt so far.

    Attributes:
        untimed_count: successful attempts whose times make no duration; they are in no sum of
            durations.
    """

    stage_id: int
    attempt_id: int
    name: str = ""
    parent_ids: tuple[int, ...] = ()
    resource_profile_id: int = 0
    expected_task_count: int = 0
    is_submitted: bool = False
    is_completed: bool = False
    submission_ms: int | None = None
    completion_ms: int | None = None
    failure_reason: str | None = None
    first_launch_ms: int | None = None
    last_finish_ms: int | None = None
    ended_count: int = 0
    success_count: int = 0
    killed_count: int = 0
    speculative_count: int = 0
    untimed_count: int = 0
    without_cpu_count: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    peak_execution_bytes: int | None = None
    sums: Sums = field(default_factory=Sums)
    durations: Durations = field(default_factory=Durations)
    partitions: bytearray = field(default_factory=bytearray)

    def describe(self, info: StageInfo) -> None:
        """Take what a stage event says of the stage itself."""
        self.name = info.name
        self.parent_ids = tuple(info.parent_ids)
        self.expected_task_count = info.task_count
        self.resource_profile_id = info.resource_profile_id
        if info.submission_ms is not None:
            self.submission_ms = info.submission_ms
        if info.completion_ms is not None:
            self.completion_ms = info.completion_ms
        if info.failure_reason is not None:
            self.failure_reason = info.failure_reason

    @property
    def partition_count(self) -> int:
        """Distinct partitions that succeeded."""
        return self.partitions.count(1)

    def add(self, ends: Sequence[TaskEnd]) -> None:
        """Take ended spark tasks, each once."""
        self.ended_count += len(ends)
        succeeded = [end for end in ends if end.reason.name == SUCCESS]
        if len(succeeded) != len(ends):
            self._count_failures(end for end in ends if end.reason.name != SUCCESS)
        self.speculative_count += sum([end.info.is_speculative for end in ends])
        self._add_times(succeeded)
        self._add_metrics([end for end in ends if end.reason.name != RESUBMITTED])

    def _count_failures(self, ends: Iterable[TaskEnd]) -> None:
        for end in ends:
            if end.reason.name in KILLED:
                self.killed_count += 1
            else:
                self.failures[end.reason.name] += 1

    def _add_times(self, succeeded: Sequence[TaskEnd]) -> None:
        self.success_count += len(succeeded)
        infos = [end.info for end in succeeded]
        timed = [i for i in infos if 0 < i.launch_ms <= i.finish_ms]
        self.untimed_count += len(infos) - len(timed)
        self._mark_partitions([i.index for i in infos])
        if not timed:
            return
        launches, finishes = [i.launch_ms for i in timed], [i.finish_ms for i in timed]
        first_ms, last_ms = min(launches), max(finishes)
        if self.first_launch_ms is None or first_ms < self.first_launch_ms:
            self.first_launch_ms = first_ms
        if self.last_finish_ms is None or last_ms > self.last_finish_ms:
            self.last_finish_ms = last_ms
        self.durations.add(
            [i.task_id for i in timed],
            [f - s for s, f in zip(launches, finishes, strict=True)],
        )

    def _mark_partitions(self, indices: Sequence[int]) -> None:
        if not indices:
            return
        needed = min(max(indices), MAX_PARTITIONS) + 1 - len(self.partitions)
        if needed > 0:
            self.partitions.extend(bytes(needed))
        for index in indices:
            if 0 <= index <= MAX_PARTITIONS:
                self.partitions[index] = 1

    def _add_metrics(self, ends: Sequence[TaskEnd]) -> None:
        metrics = [end.metrics for end in ends if end.metrics is not None]
        if not metrics:
            return
        sums = self.sums
        run, deserialize, gc, serialize, spilled, disk = (
            sum(column) for column in zip(*map(_RUN, metrics), strict=True)
        )
        sums.run_ms += run
        sums.deserialize_ms += deserialize
        sums.gc_ms += gc
        sums.serialize_ms += serialize
        sums.memory_spilled_bytes += spilled
        sums.disk_spilled_bytes += disk
        cpu = [m.cpu_ns for m in metrics if m.cpu_ns is not None]
        sums.cpu_ns += sum(cpu)
        self.without_cpu_count += len(metrics) - len(cpu)
        peaks = [m.peak_execution_bytes for m in metrics if m.peak_execution_bytes is not None]
        if peaks:
            self.peak_execution_bytes = max(self.peak_execution_bytes or 0, *peaks)
        reads = [m.shuffle_read for m in metrics if m.shuffle_read is not None]
        sums.fetch_wait_ms += sum([r.fetch_wait_ms for r in reads])
        sums.shuffle_read_bytes += sum([r.remote_bytes + r.local_bytes for r in reads])
        writes = [m.shuffle_write for m in metrics if m.shuffle_write is not None]
        sums.shuffle_write_bytes += sum([w.written_bytes for w in writes])
        sums.shuffle_write_ns += sum([w.write_ns for w in writes])
        sums.input_bytes += sum([m.input.read_bytes for m in metrics if m.input is not None])
        sums.output_bytes += sum([m.output.written_bytes for m in metrics if m.output is not None])
