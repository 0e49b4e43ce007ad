"""Ended spark tasks of one stage attempt in, the stage's running sums and durations out.

Memory is bounded: whatever a stage's size, it keeps a sample of its durations, one byte for each
partition and a handful of sums.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import sub
from sys import intern
from typing import Final

import numpy as np

from isocost.domain.profile import MemoryPeaks, TaskTotals
from isocost.eventlog.durations import Durations
from isocost.eventlog.events import StageInfo
from isocost.eventlog.storage import scope_name
from isocost.eventlog.task_events import (
    LATEST_MS,
    ExecutorMetrics,
    TaskEnd,
    TaskInfo,
    TaskMetrics,
)
from isocost.units import MS_PER_S, NS_PER_S

# Spark's own limit on partitions is far higher; an index beyond this one is damage, not data.
MAX_PARTITIONS: Final = 20_000_000

# Up to here a loop is faster than the calls into NumPy.
_FEW: Final = 32

SUCCESS: Final = "Success"
RESUBMITTED: Final = "Resubmitted"
# Spark counts these apart from failures: a speculative twin was faster, or a stage was cancelled.
KILLED: Final = frozenset({"TaskKilled", "TaskCommitDenied"})


@dataclass(slots=True)
class Sums:
    """Sums over a stage's ended spark tasks, in Spark's units."""

    duration_ms: int = 0
    run_ms: int = 0
    deserialize_ms: int = 0
    gc_ms: int = 0
    serialize_ms: int = 0
    result_fetch_ms: int = 0
    memory_spilled_bytes: int = 0
    disk_spilled_bytes: int = 0
    cpu_ns: int = 0
    fetch_wait_ms: int = 0
    shuffle_read_bytes: int = 0
    shuffle_write_bytes: int = 0
    shuffle_write_ns: int = 0
    input_bytes: int = 0
    input_record_count: int = 0
    output_bytes: int = 0
    output_record_count: int = 0

    def add(self, metrics: Sequence[TaskMetrics]) -> None:
        """Add what some spark tasks measured of themselves.

        One pass a field: list comprehensions beat any loop over the tasks threefold.
        """
        self.run_ms += sum([m.run_ms for m in metrics])
        self.deserialize_ms += sum([m.deserialize_ms for m in metrics])
        self.gc_ms += sum([m.gc_ms for m in metrics])
        self.serialize_ms += sum([m.serialize_ms for m in metrics])
        self.memory_spilled_bytes += sum([m.memory_spilled_bytes for m in metrics])
        self.disk_spilled_bytes += sum([m.disk_spilled_bytes for m in metrics])
        self.cpu_ns += sum([m.cpu_ns for m in metrics if m.cpu_ns])
        self._add_shuffle(metrics)
        self._add_tables(metrics)

    def add_times(self, infos: Sequence[TaskInfo]) -> None:
        """Add the durations of spark tasks that measured themselves."""
        self.duration_ms += sum([i.finish_ms - i.launch_ms for i in infos])
        fetched = [i for i in infos if i.getting_result_ms]
        self.result_fetch_ms += sum([max(0, i.finish_ms - i.getting_result_ms) for i in fetched])

    def _add_shuffle(self, metrics: Sequence[TaskMetrics]) -> None:
        reads = [m.shuffle_read for m in metrics if m.shuffle_read]
        self.fetch_wait_ms += sum([r.fetch_wait_ms for r in reads])
        self.shuffle_read_bytes += sum([r.remote_bytes for r in reads])
        self.shuffle_read_bytes += sum([r.local_bytes for r in reads])
        writes = [m.shuffle_write for m in metrics if m.shuffle_write]
        self.shuffle_write_bytes += sum([w.written_bytes for w in writes])
        self.shuffle_write_ns += sum([w.write_ns for w in writes])

    def _add_tables(self, metrics: Sequence[TaskMetrics]) -> None:
        read = [m.input for m in metrics if m.input and m.input.read_bytes]
        self.input_bytes += sum([i.read_bytes for i in read])
        self.input_record_count += sum([i.record_count for i in read])
        written = [m.output for m in metrics if m.output and m.output.written_bytes]
        self.output_bytes += sum([o.written_bytes for o in written])
        self.output_record_count += sum([o.record_count for o in written])

    def totals(self) -> TaskTotals:
        """Return the sums in seconds and bytes.

        Scheduler delay is what remains of the duration, as in Spark's own web page.
        """
        told_ms = self.run_ms + self.deserialize_ms + self.serialize_ms + self.result_fetch_ms
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
            duration_s=self.duration_ms / MS_PER_S,
            scheduler_delay_s=max(0, self.duration_ms - told_ms) / MS_PER_S,
            result_serialize_s=self.serialize_ms / MS_PER_S,
            result_fetch_s=self.result_fetch_ms / MS_PER_S,
            input_record_count=self.input_record_count,
            output_record_count=self.output_record_count,
        )


@dataclass(slots=True)
class Peaks:
    """The most that one executor held during the stage; 0 where it was not measured."""

    heap_bytes: int = 0
    execution_bytes: int = 0
    storage_bytes: int = 0
    off_heap_bytes: int = 0
    process_bytes: int = 0

    def raise_to(self, metrics: Sequence[ExecutorMetrics]) -> None:
        """Take executors' peaks, at least one."""
        execution = [m.on_heap_execution_bytes + m.off_heap_execution_bytes for m in metrics]
        storage = [m.on_heap_storage_bytes + m.off_heap_storage_bytes for m in metrics]
        self.heap_bytes = max(self.heap_bytes, max([m.heap_bytes for m in metrics]))
        self.execution_bytes = max(self.execution_bytes, max(execution))
        self.storage_bytes = max(self.storage_bytes, max(storage))
        self.off_heap_bytes = max(self.off_heap_bytes, max([m.off_heap_bytes for m in metrics]))
        self.process_bytes = max(self.process_bytes, max([m.process_bytes for m in metrics]))

    def known(self) -> MemoryPeaks | None:
        """Return what was measured; None if nothing was."""
        if not self.heap_bytes and not self.process_bytes:
            return None
        return MemoryPeaks(
            heap_bytes=self.heap_bytes or None,
            execution_bytes=self.execution_bytes,
            storage_bytes=self.storage_bytes,
            off_heap_bytes=self.off_heap_bytes or None,
            process_bytes=self.process_bytes or None,
        )


@dataclass(slots=True)
class StageFold:
    """What is known of one stage attempt so far, in milliseconds since 1970.

    Attributes:
        untimed_count: successful attempts whose times make no duration; they are in no sum of
            durations.
        without_cpu_count: attempts with metrics but without CPU time.
    """

    stage_id: int
    attempt_id: int
    name: str = ""
    parent_ids: tuple[int, ...] = ()
    source_ids: tuple[int, ...] | None = None
    own_rdd_id: int | None = None
    operations: tuple[str, ...] = ()
    sql_execution_id: int | None = None
    resource_profile_id: int = 0
    expected_task_count: int = 0
    is_submitted: bool = False
    is_completed: bool = False
    submission_ms: int | None = None
    completion_ms: int | None = None
    failure_reason: str | None = None
    first_launch_ms: int | None = None
    last_launch_ms: int | None = None
    last_finish_ms: int | None = None
    ended_count: int = 0
    killed_count: int = 0
    speculative_count: int = 0
    untimed_count: int = 0
    without_cpu_count: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    peak_execution_bytes: int | None = None
    sums: Sums = field(default_factory=Sums)
    peaks: Peaks = field(default_factory=Peaks)
    durations: Durations = field(default_factory=Durations)
    partitions: bytearray = field(default_factory=bytearray)

    def describe(self, info: StageInfo) -> None:
        """Take what a stage event says of the stage itself."""
        self.name = intern(info.name)  # loops run the same line again and again
        self.parent_ids = tuple(info.parent_ids)
        self.expected_task_count = info.task_count
        self.resource_profile_id = info.resource_profile_id
        if info.rdds and not self.operations:
            self.own_rdd_id = info.rdds[0].rdd_id
            self.operations = tuple(scope_name(rdd.scope) for rdd in info.rdds)
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

    def add(self, ends: Sequence[TaskEnd], *, is_plain: bool = False) -> None:
        """Take ended spark tasks, each once.

        Args:
            ends: of this stage attempt, at least one.
            is_plain: all of them succeeded and were measured and timed.
        """
        self.ended_count += len(ends)
        infos = [end.info for end in ends]
        self.speculative_count += [i.is_speculative for i in infos].count(True)
        if not is_plain:
            infos = [end.info for end in ends if end.reason.name == SUCCESS]
            self._count_failures(end for end in ends if end.reason.name != SUCCESS)
            ends = [e for e in ends if e.reason.name != RESUBMITTED and e.metrics is not None]
        self._mark_partitions([i.index for i in infos])
        ended = infos if is_plain else timed(infos)
        self.untimed_count += len(infos) - len(ended)
        if ended:
            self._add_times(ended)
        if ends:
            self._add_metrics(ends)
            self.sums.add_times(ended if is_plain else timed([end.info for end in ends]))

    def _count_failures(self, ends: Iterable[TaskEnd]) -> None:
        for end in ends:
            if end.reason.name in KILLED:
                self.killed_count += 1
            else:
                self.failures[end.reason.name] += 1

    def _add_times(self, infos: Sequence[TaskInfo]) -> None:
        launches, finishes = [i.launch_ms for i in infos], [i.finish_ms for i in infos]
        first_ms = min(launches)
        if self.first_launch_ms is None or first_ms < self.first_launch_ms:
            self.first_launch_ms = first_ms
        self.last_launch_ms = max(max(launches), self.last_launch_ms or 0)
        self.last_finish_ms = max(max(finishes), self.last_finish_ms or 0)
        self.durations.add([i.task_id for i in infos], list(map(sub, finishes, launches)))

    def _mark_partitions(self, indices: Sequence[int]) -> None:
        if not indices:
            return
        highest = max(indices)
        if min(indices) < 0 or highest > MAX_PARTITIONS:
            indices = [i for i in indices if 0 <= i <= MAX_PARTITIONS]
            if not indices:
                return
            highest = max(indices)
        missing = highest + 1 - len(self.partitions)
        if missing > 0:
            self.partitions.extend(bytes(max(missing, len(self.partitions))))
        if len(indices) <= _FEW:
            for index in indices:
                self.partitions[index] = 1
        else:
            np.frombuffer(self.partitions, dtype=np.uint8)[np.array(indices)] = 1

    def _add_metrics(self, ends: Sequence[TaskEnd]) -> None:
        metrics = [end.metrics for end in ends if end.metrics]
        self.sums.add(metrics)
        self.without_cpu_count += sum([m.cpu_ns is None for m in metrics])
        peaks = [m.peak_execution_bytes for m in metrics if m.peak_execution_bytes is not None]
        if peaks:
            self.peak_execution_bytes = max(max(peaks), self.peak_execution_bytes or 0)
        polled = [end.executor_metrics for end in ends if end.executor_metrics]
        polled = [executor for executor in polled if executor.heap_bytes]
        if polled:
            self.peaks.raise_to(polled)


def timed(infos: Sequence[TaskInfo]) -> Sequence[TaskInfo]:
    """Return those whose times make a duration."""
    return [i for i in infos if 0 < i.launch_ms <= i.finish_ms <= LATEST_MS]
