"""Lines of one event log in, the application's state out: what began, what ended, what was lost.

Events may be cut, doubled, missing or out of order, so nothing here depends on their order:
everything is keyed by its ID and folded in.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from isocost.eventlog import events
from isocost.eventlog.events import TASK_END_PREFIX, TASK_START_PREFIX, TaskEnd
from isocost.eventlog.stages import RESUBMITTED, StageFold

BATCH_SIZE: Final = 1024
# Task IDs are handed out from 0; beyond this the table of those seen would outgrow its use.
MAX_TASK_ID: Final = 50_000_000
# After so many lines without any event the file is something else: stop reading it.
FOREIGN_LINE_LIMIT: Final = 1000

_ENDED, _RESUBMITTED = 1, 2


@dataclass(slots=True)
class SparkJobFold:
    """What is known of one spark job; None where the log lost the event."""

    spark_job_id: int
    submission_ms: int | None = None
    completion_ms: int | None = None
    result: str | None = None
    is_started: bool = False
    is_ended: bool = False


@dataclass(slots=True)
class SqlFold:
    """What is known of one SQL execution."""

    execution_id: int
    start_ms: int | None = None
    end_ms: int | None = None
    is_started: bool = False
    is_ended: bool = False


@dataclass(slots=True)
class ExecutorFold:
    """One executor's stay, in milliseconds since 1970."""

    executor_id: str
    host: str = ""
    core_count: int | None = None
    added_ms: int | None = None
    first_seen_ms: int | None = None
    removed_ms: int | None = None
    removal_reason: str | None = None


@dataclass(slots=True)
class Faults:
    """What was wrong with the lines themselves."""

    undecodable_line_count: int = 0
    undecodable_names: dict[str, int] = field(default_factory=dict)
    foreign_line_count: int = 0
    duplicate_task_end_count: int = 0
    unterminated_part_count: int = 0
    oversized_line_count: int = 0


class Replay:
    """The state of one application, built up line by line."""

    def __init__(self) -> None:
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
        self.sql: dict[int, SqlFold] = {}
        self.executors: dict[str, ExecutorFold] = {}
        self.task_cpus: dict[int, float] = {}
        self.task_start_count = 0
        self.faults = Faults()
        self._ends: list[TaskEnd] = []
        self._last_starts: deque[bytes] = deque(maxlen=BATCH_SIZE)
        self._seen = bytearray(1 << 16)
        self._handlers: dict[str, Callable[[Any], None]] = {
            name: getattr(self, f"_on_{handler}") for name, (_, handler) in _DECODERS.items()
        }

    def feed(self, lines: Iterable[bytes]) -> None:
        """Take complete lines, without their line breaks."""
        ends, decode = self._ends, events.decode_task_end
        for line in lines:
            if line.startswith(TASK_END_PREFIX):
                try:
                    ends.append(decode(line))
                except msgspec.MsgspecError:
                    self._undecodable("SparkListenerTaskEnd")
                if len(ends) >= BATCH_SIZE:
                    self._fold_ends()
            elif line.startswith(TASK_START_PREFIX):
                self.task_start_count += 1
                self._last_starts.append(line)
            elif line and not line.isspace():
                self._other(line)

    def finish(self) -> None:
        """Fold what is still held back; call once, after the last line."""
        self._fold_ends()
        for line in self._last_starts:
            try:
                self._touch(events.decode_task_start(line).info.launch_ms)
            except msgspec.MsgspecError:
                self._undecodable("SparkListenerTaskStart")
        self._last_starts.clear()

    @property
    def is_event_log(self) -> bool:
        """Whether any line was a Spark event."""
        return bool(self.event_count or self.task_start_count or self._ends or self.stages)

    @property
    def is_foreign(self) -> bool:
        """Whether so many lines were no events that the file must be something else."""
        return not self.is_event_log and self.faults.foreign_line_count > FOREIGN_LINE_LIMIT

    def _other(self, line: bytes) -> None:
        name = events.event_name(line)
        if name is None:
            self.faults.foreign_line_count += 1
            return
        short_name = name.rpartition(".")[2]
        decoder = _DECODERS.get(short_name)
        self.event_count += 1
        if decoder is None:
            return
        try:
            event = decoder[0](line)
        except msgspec.MsgspecError:
            self._undecodable(short_name)
            return
        self._handlers[short_name](event)

    def _undecodable(self, name: str) -> None:
        self.faults.undecodable_line_count += 1
        names = self.faults.undecodable_names
        names[name] = names.get(name, 0) + 1

    def _touch(self, time_ms: int | None) -> None:
        """Widen the span of known times; zero and negative times are no times."""
        if time_ms is None or time_ms <= 0:
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

    def _sql(self, execution_id: int) -> SqlFold:
        return self.sql.setdefault(execution_id, SqlFold(execution_id))

    def _executor(self, executor_id: str) -> ExecutorFold:
        return self.executors.setdefault(executor_id, ExecutorFold(executor_id))

    def _fold_ends(self) -> None:
        groups: dict[tuple[int, int], list[TaskEnd]] = {}
        for end in self._ends:
            if self._is_new(end):
                groups.setdefault((end.stage_id, end.attempt_id), []).append(end)
        for (stage_id, attempt_id), ends in groups.items():
            self._stage(stage_id, attempt_id).add(ends)
            self._touch(max(end.info.finish_ms for end in ends))
            first_ms = min(end.info.launch_ms for end in ends)
            self._touch(first_ms)
            self._meet_executors(ends, first_ms)
        self._ends.clear()

    def _is_new(self, end: TaskEnd) -> bool:
        """Say whether this end was not seen before, and remember it.

        Spark ends an attempt a second time, as resubmitted, when its output was lost later: that
        is an event of its own and no duplicate.
        """
        task_id = end.info.task_id
        if not 0 <= task_id <= MAX_TASK_ID:
            return True
        if task_id >= len(self._seen):
            self._seen.extend(bytes(max(task_id + 1 - len(self._seen), len(self._seen))))
        mark = _RESUBMITTED if end.reason.name == RESUBMITTED else _ENDED
        if self._seen[task_id] & mark:
            self.faults.duplicate_task_end_count += 1
            return False
        self._seen[task_id] |= mark
        return True

    def _meet_executors(self, ends: Iterable[TaskEnd], first_ms: int) -> None:
        for executor_id, host in {(end.info.executor_id, end.info.host) for end in ends}:
            if executor_id and (fold := self._executor(executor_id)).first_seen_ms is None:
                fold.first_seen_ms = first_ms
                fold.host = fold.host or host

    def _on_log_start(self, event: events.LogStart) -> None:
        self.spark_version = event.spark_version

    def _on_databricks_start(self, event: events.DatabricksStart) -> None:
        self.is_databricks = True
        self.spark_version = event.spark_version
        self._touch(event.time_ms)

    def _on_application_start(self, event: events.ApplicationStart) -> None:
        self._touch(event.time_ms)
        if self.start is None:
            self.start = event
        elif event.application_id != self.start.application_id:
            self.other_application_ids.add(event.application_id or "?")

    def _on_application_end(self, event: events.Timestamped) -> None:
        self._touch(event.time_ms)
        self.end_ms = event.time_ms

    def _on_environment(self, event: events.Environment) -> None:
        self.properties.update(event.properties)

    def _on_resource_profile(self, event: events.ResourceProfileAdded) -> None:
        cpus = event.per_task.get("cpus")
        self.task_cpus[event.profile_id] = cpus.amount if cpus is not None else 1.0

    def _on_executor_added(self, event: events.ExecutorAdded) -> None:
        self._touch(event.time_ms)
        fold = self._executor(event.executor_id)
        fold.host, fold.core_count = event.info.host, event.info.core_count
        fold.added_ms = event.time_ms

    def _on_executor_removed(self, event: events.ExecutorRemoved) -> None:
        self._touch(event.time_ms)
        fold = self._executor(event.executor_id)
        fold.removed_ms, fold.removal_reason = event.time_ms, event.reason

    def _on_block_manager_added(self, event: events.BlockManagerAdded) -> None:
        self._touch(event.time_ms)

    def _on_job_start(self, event: events.JobStart) -> None:
        self._touch(event.submission_ms)
        fold = self._spark_job(event.spark_job_id)
        fold.is_started, fold.submission_ms = True, event.submission_ms
        for stage_id in event.stage_ids:
            known = self.spark_job_of_stage.setdefault(stage_id, event.spark_job_id)
            self.spark_job_of_stage[stage_id] = min(known, event.spark_job_id)

    def _on_job_end(self, event: events.JobEnd) -> None:
        self._touch(event.completion_ms)
        fold = self._spark_job(event.spark_job_id)
        fold.is_ended, fold.completion_ms = True, event.completion_ms
        fold.result = event.result.name

    def _on_stage_submitted(self, event: events.StageSubmitted) -> None:
        fold = self._stage(event.info.stage_id, event.info.attempt_id)
        fold.is_submitted = True
        fold.describe(event.info)
        self._touch(event.info.submission_ms)

    def _on_stage_completed(self, event: events.StageCompleted) -> None:
        fold = self._stage(event.info.stage_id, event.info.attempt_id)
        fold.is_completed = True
        fold.describe(event.info)
        self._touch(event.info.completion_ms)

    def _on_sql_start(self, event: events.SqlStart) -> None:
        self._touch(event.time_ms)
        fold = self._sql(event.execution_id)
        fold.is_started, fold.start_ms = True, event.time_ms

    def _on_sql_end(self, event: events.SqlEnd) -> None:
        self._touch(event.time_ms)
        fold = self._sql(event.execution_id)
        fold.is_ended, fold.end_ms = True, event.time_ms

    def _on_task_end(self, event: TaskEnd) -> None:
        self._ends.append(event)

    def _on_task_start(self, event: events.TaskStart) -> None:
        self.task_start_count += 1
        self._touch(event.info.launch_ms)


def _decoder(kind: type[msgspec.Struct]) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(kind).decode


# The events that are read, by name without package, with the method that takes them.
_DECODERS: Final[dict[str, tuple[Callable[[bytes], Any], str]]] = {
    "SparkListenerLogStart": (_decoder(events.LogStart), "log_start"),
    "DBCEventLoggingListenerMetadata": (_decoder(events.DatabricksStart), "databricks_start"),
    "SparkListenerApplicationStart": (_decoder(events.ApplicationStart), "application_start"),
    "SparkListenerApplicationEnd": (_decoder(events.Timestamped), "application_end"),
    "SparkListenerEnvironmentUpdate": (_decoder(events.Environment), "environment"),
    "SparkListenerResourceProfileAdded": (
        _decoder(events.ResourceProfileAdded),
        "resource_profile",
    ),
    "SparkListenerExecutorAdded": (_decoder(events.ExecutorAdded), "executor_added"),
    "SparkListenerExecutorRemoved": (_decoder(events.ExecutorRemoved), "executor_removed"),
    "SparkListenerBlockManagerAdded": (_decoder(events.BlockManagerAdded), "block_manager_added"),
    "SparkListenerJobStart": (_decoder(events.JobStart), "job_start"),
    "SparkListenerJobEnd": (_decoder(events.JobEnd), "job_end"),
    "SparkListenerStageSubmitted": (_decoder(events.StageSubmitted), "stage_submitted"),
    "SparkListenerStageCompleted": (_decoder(events.StageCompleted), "stage_completed"),
    "SparkListenerSQLExecutionStart": (_decoder(events.SqlStart), "sql_start"),
    "SparkListenerSQLExecutionEnd": (_decoder(events.SqlEnd), "sql_end"),
    "SparkListenerTaskEnd": (events.decode_task_end, "task_end"),
    "SparkListenerTaskStart": (events.decode_task_start, "task_start"),
}
