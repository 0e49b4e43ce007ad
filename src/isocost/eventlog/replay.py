"""Lines of one event log in, the application's state out: what began, what ended, what was lost.

Events may be cut, doubled, missing or out of order, so nothing here depends on their order:
everything is keyed by its ID and folded in.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from isocost.eventlog import events
from isocost.eventlog.folds import ExecutorFold, Faults, RddFold, SparkJobFold
from isocost.eventlog.lineage import Lineage
from isocost.eventlog.lines import Stretch
from isocost.eventlog.sql import SqlBook
from isocost.eventlog.stages import StageFold
from isocost.eventlog.task_events import (
    LATEST_MS,
    TASK_END_PREFIX,
    TASK_START_PREFIX,
    TaskEnd,
    TaskStart,
    decode_task_ends,
    decode_task_start,
)
from isocost.eventlog.tasks import TaskBook

BATCH_SIZE: Final = 512  # decoded, they fit a processor's second-level cache with room to spare
# After so many lines without any event the file is something else: stop reading it.
FOREIGN_LINE_LIMIT: Final = 1000
# Cached blocks whose sizes are kept; an application that caches more is told by its partitions.
MAX_CACHED_BLOCKS: Final = 200_000
# Stages kept for each cached RDD; long loops name all that they ever cached in every stage.
MAX_CACHING_STAGES: Final = 1_000

_ADAPTIVE_UPDATE: Final = "SparkListenerSQLAdaptiveExecutionUpdate"


class Replay:
    """The state of one application, built up line by line.

    Attributes:
        block_bytes: RDD block ID → its latest size in memory and on disk, where the log tells.
        task_start_count: spark tasks launched; they are not told apart.
    """

    def __init__(self, *, keep_sql: bool = False) -> None:
        self.event_count = 0
        self.spark_version: str | None = None
        self.is_databricks = False
        self.start: events.ApplicationStart | None = None
        self.other_application_ids: set[str] = set()
        self.end_ms: int | None = None
        self.earliest_ms: int | None = None
        self.latest_ms: int | None = None
        self.properties: dict[str, Any] = {}
        self.stages: dict[tuple[int, int], StageFold] = {}
        self.spark_jobs: dict[int, SparkJobFold] = {}
        self.spark_job_of_stage: dict[int, int] = {}
        self.executors: dict[str, ExecutorFold] = {}
        self.block_managers: dict[str, events.BlockManagerAdded] = {}
        self.task_cpus: dict[int, float] = {}
        self.rdds: dict[int, RddFold] = {}
        self.block_bytes: dict[str, tuple[int, int]] = {}
        self.task_start_count = 0
        self.faults = Faults()
        self.sql = SqlBook()
        self.lineage = Lineage()
        self.tasks = TaskBook()
        self._ran_stage_ids: set[int] = set()
        self._ends: list[TaskEnd] = []
        self._last_start = b""
        self._routes = _routes(self, keep_sql=keep_sql)

    def feed(self, stretch: Stretch) -> None:
        """Take complete lines; the ends of spark tasks are set aside and taken all at once."""
        buffer, start, stop = stretch
        find, begins = buffer.find, buffer.startswith
        ends: list[tuple[int, int]] = []
        last_start = slice(0)
        while start < stop:
            end = find(b"\n", start, stop)
            if begins(TASK_END_PREFIX, start):
                ends.append((start, end))
            elif begins(TASK_START_PREFIX, start):
                self.task_start_count += 1
                last_start = slice(start, end)
            else:
                self._other(buffer[start:end])
            start = end + 1
        if last_start.stop:
            self._last_start = buffer[last_start]
        self._task_ends(buffer, ends)

    def finish(self) -> None:
        """Fold what is still held back; call once, after the last line."""
        self._fold_ends()
        self._touch_last_start()
        self._touch(self.tasks.earliest_ms)
        self._touch(self.tasks.latest_ms)
        self.sql.finish()
        self.lineage.settle_all(self._ran_stage_ids)

    @property
    def is_event_log(self) -> bool:
        """Whether any line was a Spark event."""
        return bool(self.event_count or self.task_start_count or self._ends or self.stages)

    @property
    def is_foreign(self) -> bool:
        """Whether so many lines were no events that the file must be something else."""
        return not self.is_event_log and self.faults.foreign_line_count > FOREIGN_LINE_LIMIT

    def _task_ends(self, buffer: bytes, lines: Sequence[tuple[int, int]]) -> None:
        """Take the lines `buffer[start:end]`, in batches that fit the processor's cache."""
        for first in range(0, len(lines), BATCH_SIZE):
            spans = lines[first : first + BATCH_SIZE]
            try:
                decoded = decode_task_ends(buffer, spans)
            except events.UNDECODABLE:
                decoded = [
                    event for span in spans if (event := self._task_end(buffer, span)) is not None
                ]
            self._ends += decoded
            if len(self._ends) >= BATCH_SIZE:
                self._fold_ends()

    def _task_end(self, buffer: bytes, span: tuple[int, int]) -> TaskEnd | None:
        try:
            return decode_task_ends(buffer, [span])[0]
        except events.UNDECODABLE:
            self._undecodable("SparkListenerTaskEnd")
            return None

    def _touch_last_start(self) -> None:
        """Take the time of the last start; the others are before it, and nobody needs them."""
        if self._last_start:
            try:
                self._touch(decode_task_start(self._last_start).info.launch_ms)
            except events.UNDECODABLE:
                self._undecodable("SparkListenerTaskStart")

    def _other(self, line: bytes) -> None:
        name = events.event_name(line)
        if name is None:
            self.faults.foreign_line_count += bool(line.strip())
            return
        self.event_count += 1
        if name == _ADAPTIVE_UPDATE:
            self.sql.update(line)
        elif (route := self._routes.get(name)) is not None:
            decode, take = route
            try:
                event = decode(line)
            except events.UNDECODABLE:
                self._undecodable(name)
            else:
                take(event)

    def _undecodable(self, name: str) -> None:
        self.faults.undecodable[name] = self.faults.undecodable.get(name, 0) + 1

    def _touch(self, time_ms: int | None) -> None:
        """Widen the span of known times; zero, negative and absurd times are no times."""
        if time_ms is None or not 0 < time_ms <= LATEST_MS:
            return
        if self.latest_ms is None or time_ms > self.latest_ms:
            self.latest_ms = time_ms
        if self.earliest_ms is None or time_ms < self.earliest_ms:
            self.earliest_ms = time_ms

    def _stage(self, stage_id: int, attempt_id: int) -> StageFold:
        key = (stage_id, attempt_id)
        fold = self.stages.get(key)
        if fold is None:
            fold = self.stages[key] = StageFold(stage_id, attempt_id)
        return fold

    def _spark_job(self, spark_job_id: int) -> SparkJobFold:
        return self.spark_jobs.setdefault(spark_job_id, SparkJobFold(spark_job_id))

    def _executor(self, executor_id: str) -> ExecutorFold:
        return self.executors.setdefault(executor_id, ExecutorFold(executor_id))

    def _fold_ends(self) -> None:
        self.tasks.fold(self._ends, self._stage)
        self._ends.clear()

    def on_log_start(self, event: events.LogStart) -> None:
        """Take Spark's version."""
        self.spark_version = event.spark_version

    def on_databricks_start(self, event: events.DatabricksStart) -> None:
        """Take the first line of a part that Databricks wrote."""
        self.is_databricks = True
        self.spark_version = event.spark_version
        self._touch(event.time_ms)

    def on_application_start(self, event: events.ApplicationStart) -> None:
        """Take the application's name and start."""
        self._touch(event.time_ms)
        if self.start is None:
            self.start = event
        elif event.application_id != self.start.application_id:
            self.other_application_ids.add(event.application_id or "?")

    def on_application_end(self, event: events.Timestamped) -> None:
        """Take the application's end."""
        self._touch(event.time_ms)
        self.end_ms = event.time_ms

    def on_environment(self, event: events.Environment) -> None:
        """Take Spark's configuration; later values win."""
        self.properties.update(event.properties)

    def on_resource_profile(self, event: events.ResourceProfileAdded) -> None:
        """Take how many cores a spark task of this profile needs."""
        cpus = event.per_task.get("cpus")
        self.task_cpus[event.profile_id] = cpus.amount if cpus is not None else 1.0

    def on_executor_added(self, event: events.ExecutorAdded) -> None:
        """Take an executor's arrival."""
        self._touch(event.time_ms)
        fold = self._executor(event.executor_id)
        fold.host, fold.core_count = event.info.host, event.info.core_count
        fold.resource_profile_id = event.info.resource_profile_id
        fold.added_ms = event.time_ms

    def on_executor_removed(self, event: events.ExecutorRemoved) -> None:
        """Take an executor's leave."""
        self._touch(event.time_ms)
        fold = self._executor(event.executor_id)
        fold.removed_ms, fold.removal_reason = event.time_ms, event.reason

    def on_block_manager_added(self, event: events.BlockManagerAdded) -> None:
        """Take an executor's memory."""
        self._touch(event.time_ms)
        self.block_managers[event.block_manager.executor_id] = event

    def on_job_start(self, event: events.JobStart) -> None:
        """Take a spark job with the stages it may need."""
        self._touch(event.submission_ms)
        fold = self._spark_job(event.spark_job_id)
        fold.is_started, fold.submission_ms = True, event.submission_ms
        fold.stage_ids = tuple(event.stage_ids)
        if event.properties is not None:
            fold.sql_execution_id = event.properties.execution_id()
        self.lineage.plan(event.stages)
        for stage_id in event.stage_ids:
            known = self.spark_job_of_stage.setdefault(stage_id, event.spark_job_id)
            self.spark_job_of_stage[stage_id] = min(known, event.spark_job_id)

    def on_job_end(self, event: events.JobEnd) -> None:
        """Take a spark job's end."""
        self._touch(event.completion_ms)
        fold = self._spark_job(event.spark_job_id)
        fold.is_ended, fold.completion_ms = True, event.completion_ms
        fold.result = event.result.name
        if event.result.exception is not None:
            fold.failure_reason = event.result.exception.message
        self.lineage.settle(fold.stage_ids, self._ran_stage_ids)
        fold.stage_ids = ()

    def on_stage_submitted(self, event: events.StageSubmitted) -> None:
        """Take a stage attempt's submission."""
        info = event.info
        fold = self._stage(info.stage_id, info.attempt_id)
        fold.is_submitted = True
        fold.describe(info)
        if event.properties is not None:
            fold.sql_execution_id = event.properties.execution_id()
        self._ran_stage_ids.add(info.stage_id)
        self.lineage.ran(info.stage_id, fold.own_rdd_id)
        self._touch(info.submission_ms)

    def on_stage_completed(self, event: events.StageCompleted) -> None:
        """Take a stage attempt's end, with what its operators counted."""
        info = event.info
        fold = self._stage(info.stage_id, info.attempt_id)
        fold.is_completed = True
        fold.describe(info)
        self._ran_stage_ids.add(info.stage_id)
        self._touch(info.completion_ms)
        for rdd in info.rdds:
            if rdd.storage.uses_memory or rdd.storage.uses_disk:
                self._cached(rdd, info.stage_id)
        execution_id = self.execution_of(fold)
        if execution_id is not None:
            key = (info.stage_id, info.attempt_id)
            self.sql.stage_values(execution_id, key, info.accumulables)

    def execution_of(self, stage: StageFold) -> int | None:
        """Return the SQL execution a stage belongs to, by its own word or its spark job's."""
        if stage.sql_execution_id is not None:
            return stage.sql_execution_id
        spark_job = self.spark_jobs.get(self.spark_job_of_stage.get(stage.stage_id, -1))
        return None if spark_job is None else spark_job.sql_execution_id

    def _cached(self, rdd: events.RddInfo, stage_id: int) -> None:
        fold = self.rdds.setdefault(rdd.rdd_id, RddFold(rdd.rdd_id))
        fold.scope, fold.partition_count = rdd.scope, rdd.partition_count
        fold.cached_partition_count = max(fold.cached_partition_count, rdd.cached_partition_count)
        fold.memory_bytes = max(fold.memory_bytes, rdd.memory_bytes)
        fold.disk_bytes = max(fold.disk_bytes, rdd.disk_bytes)
        if len(fold.stage_ids) < MAX_CACHING_STAGES:
            fold.stage_ids.append(stage_id)

    def on_unpersist(self, event: events.UnpersistRdd) -> None:
        """Take note that a cached RDD was let go."""
        self.rdds.setdefault(event.rdd_id, RddFold(event.rdd_id)).is_unpersisted = True

    def on_block_updated(self, event: events.BlockUpdated) -> None:
        """Take a cached block's size."""
        info = event.info
        if info.block_id.startswith("rdd_") and len(self.block_bytes) < MAX_CACHED_BLOCKS:
            self.block_bytes[info.block_id] = (info.memory_bytes, info.disk_bytes)

    def on_stage_metrics(self, event: events.StageExecutorMetrics) -> None:
        """Take one executor's memory peaks during a stage."""
        self._stage(event.stage_id, event.attempt_id).peaks.raise_to([event.metrics])

    def on_sql_start(self, event: events.SqlStart) -> None:
        """Take a SQL execution's start and plan."""
        self._touch(event.time_ms)
        self.sql.start(event)

    def on_sql_end(self, event: events.SqlEnd) -> None:
        """Take a SQL execution's end."""
        self._touch(event.time_ms)
        self.sql.end(event)

    def on_driver_values(self, event: events.DriverValues) -> None:
        """Take what the driver counted for a SQL execution."""
        self.sql.driver_values(event.execution_id, event.values)

    def on_task_end(self, event: TaskEnd) -> None:
        """Take a spark task's end that another writer spelled in its own way."""
        self._ends.append(event)
        if len(self._ends) >= BATCH_SIZE:
            self._fold_ends()

    def on_task_start(self, event: TaskStart) -> None:
        """Take a spark task's start that another writer spelled in its own way."""
        self.task_start_count += 1
        self._touch(event.info.launch_ms)


Route = tuple[Callable[[bytes], Any], Callable[[Any], None]]


def _routes(replay: Replay, *, keep_sql: bool) -> dict[str, Route]:
    """Return, by event name, how an event is decoded and who takes it; others are not read."""
    kinds: dict[str, tuple[type[msgspec.Struct], Callable[[Any], None]]] = {
        "LogStart": (events.LogStart, replay.on_log_start),
        "ApplicationStart": (events.ApplicationStart, replay.on_application_start),
        "ApplicationEnd": (events.Timestamped, replay.on_application_end),
        "EnvironmentUpdate": (events.Environment, replay.on_environment),
        "ResourceProfileAdded": (events.ResourceProfileAdded, replay.on_resource_profile),
        "ExecutorAdded": (events.ExecutorAdded, replay.on_executor_added),
        "ExecutorRemoved": (events.ExecutorRemoved, replay.on_executor_removed),
        "BlockManagerAdded": (events.BlockManagerAdded, replay.on_block_manager_added),
        "JobStart": (events.JobStart, replay.on_job_start),
        "JobEnd": (events.JobEnd, replay.on_job_end),
        "StageSubmitted": (events.StageSubmitted, replay.on_stage_submitted),
        "StageCompleted": (events.StageCompleted, replay.on_stage_completed),
        "StageExecutorMetrics": (events.StageExecutorMetrics, replay.on_stage_metrics),
        "UnpersistRDD": (events.UnpersistRdd, replay.on_unpersist),
        "BlockUpdated": (events.BlockUpdated, replay.on_block_updated),
        "SQLExecutionStart": (
            events.SqlStartWithText if keep_sql else events.SqlStart,
            replay.on_sql_start,
        ),
        "SQLExecutionEnd": (events.SqlEnd, replay.on_sql_end),
        "DriverAccumUpdates": (events.DriverValues, replay.on_driver_values),
        "TaskEnd": (TaskEnd, replay.on_task_end),
        "TaskStart": (TaskStart, replay.on_task_start),
    }
    routes: dict[str, Route] = {
        f"SparkListener{name}": (msgspec.json.Decoder(kind).decode, take)
        for name, (kind, take) in kinds.items()
    }
    databricks = msgspec.json.Decoder(events.DatabricksStart).decode
    routes["DBCEventLoggingListenerMetadata"] = (databricks, replay.on_databricks_start)
    return routes
