"""The state of a log read to its end in, its run profile out."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from isocost.domain.profile import (
    BusyCores,
    CoreTime,
    FailureCount,
    RunProfile,
    SparkJobProfile,
    SqlExecution,
    StageProfile,
    StageStatus,
)
from isocost.errors import UnreadableLog
from isocost.eventlog import completeness, plans
from isocost.eventlog.cluster import cluster_facts
from isocost.eventlog.completeness import Gap
from isocost.eventlog.critical import StageOrder
from isocost.eventlog.executors import Executors, executors_of
from isocost.eventlog.folds import SparkJobFold
from isocost.eventlog.reasons import short_reason
from isocost.eventlog.replay import Replay
from isocost.eventlog.sql import SqlFold, files_of
from isocost.eventlog.stages import StageFold
from isocost.eventlog.storage import cached_rdds
from isocost.eventlog.task_events import LATEST_MS
from isocost.eventlog.timeline import RunningStage, core_time, driver_s
from isocost.units import MS_PER_S

# All stages' durations together, 32 bytes each: keeps a profile of any log below some 13 MB.
MAX_VALUES: Final = 400_000
# As fine as a screen shows it.
BUSY_STEPS: Final = 240
_SUCCEEDED: Final = "JobSucceeded"
_CALL: Final = re.compile(r"\w+")


def assemble(replay: Replay, gaps: list[Gap], max_values_per_stage: int) -> RunProfile:
    """Return the profile of an application.

    Args:
        replay: its state, finished.
        gaps: what the log is known to lack so far; what is found here is added.
        max_values_per_stage: spark task durations to keep of one stage.

    Raises:
        UnreadableLog: no event tells a time.
    """
    return _Assembly(replay, max_values_per_stage).profile(gaps)


class _Assembly:
    """One log's state with the application's start, to which all times are relative."""

    def __init__(self, replay: Replay, max_values_per_stage: int) -> None:
        self._replay = replay
        self._start_ms = _start_ms(replay)
        self._runtime_s = max(0, _end_ms(replay, self._start_ms) - self._start_ms) / MS_PER_S
        self._max_values = _values_per_stage(replay, max_values_per_stage)
        self._task_cpus = _task_cpus(replay)
        self._failed_executions = {
            spark_job.sql_execution_id
            for spark_job in replay.spark_jobs.values()
            if spark_job.is_ended and spark_job.result != _SUCCEEDED
        }

    def profile(self, gaps: list[Gap]) -> RunProfile:
        replay, runtime_s = self._replay, self._runtime_s
        stages = tuple(self._stage(replay.stages[key]) for key in sorted(replay.stages))
        executors = executors_of(replay, self._start_ms)
        if executors.without_start:
            gaps.append(completeness.lost_executors(executors.without_start))
        order = StageOrder(stages)
        start = replay.start
        return RunProfile(
            application_id=_application_id(replay),
            attempt_id=start.attempt_id if start else None,
            application_name=start.name if start else _text(replay, "spark.app.name"),
            spark_version=replay.spark_version or "unknown",
            started_at=datetime.fromtimestamp(self._start_ms / MS_PER_S, tz=UTC),
            runtime_s=runtime_s,
            is_runtime_estimated=not _has_start(replay) or replay.end_ms is None,
            is_complete=all(gap.is_harmless for gap in gaps),
            driver_s=driver_s(stages, runtime_s),
            slots_per_core=1 / self._task_cpus,
            stages=stages,
            executors=executors.spans,
            sql_execution_count=len(replay.sql.executions),
            resource_profile_count=max(1, len(replay.task_cpus)),
            core_count_peak=executors.peaks.core_count,
            executor_count_peak=executors.peaks.executor_count,
            node_count_peak=executors.peaks.node_count,
            missing=tuple(gap.fact for gap in gaps),
            spark_jobs=tuple(self._spark_job(j) for _, j in sorted(replay.spark_jobs.items())),
            sql_executions=tuple(self._sql(e) for _, e in sorted(replay.sql.executions.items())),
            cached_rdds=cached_rdds(replay.rdds.values(), replay.block_bytes),
            cluster=cluster_facts(replay.properties),
            core_time=self._core_time(executors),
            busy_cores=self._busy_cores(),
            critical_path=order.critical_path(),
            ideal_runtime_s=order.ideal_runtime_s(runtime_s),
            plan_fingerprint=_plan_fingerprint(replay),
            input_fingerprint=plans.hashed(sorted(replay.sql.inputs))
            if replay.sql.inputs
            else None,
            is_cpu_known=not completeness.is_cpu_unknown(replay.stages.values()),
        )

    def _relative_s(self, time_ms: int | None) -> float | None:
        return None if time_ms is None else (time_ms - self._start_ms) / MS_PER_S

    def _stage(self, fold: StageFold) -> StageProfile:
        replay, stage_id = self._replay, fold.stage_id
        submission_ms = _first(fold.submission_ms, fold.first_launch_ms)
        durations = fold.durations.distribution(self._max_values)
        fold.durations.forget()  # to hold all of them twice would be the peak of the memory
        return StageProfile(
            stage_id=stage_id,
            attempt_id=fold.attempt_id,
            name=fold.name,
            parent_ids=fold.parent_ids,
            spark_job_id=replay.spark_job_of_stage.get(stage_id),
            status=_status(fold),
            submitted_s=self._relative_s(submission_ms),
            completed_s=self._relative_s(fold.completion_ms),
            expected_task_count=fold.expected_task_count,
            task_count=fold.ended_count,
            failed_task_count=fold.failures.total(),
            durations=durations,
            totals=fold.sums.totals(),
            peak_execution_memory_bytes=fold.peak_execution_bytes,
            resource_profile_id=fold.resource_profile_id,
            source_ids=replay.lineage.sources.get(stage_id, fold.parent_ids),
            sql_execution_id=replay.execution_of(fold),
            failure_reason=short_reason(fold.failure_reason) if fold.failure_reason else None,
            failures=tuple(FailureCount(*item) for item in sorted(fold.failures.items())),
            killed_task_count=fold.killed_count,
            speculative_task_count=fold.speculative_count,
            lost_task_count=completeness.lost_task_count(fold),
            first_launch_s=self._relative_s(fold.first_launch_ms),
            last_finish_s=self._relative_s(fold.last_finish_ms),
            operators=replay.sql.operators.get((stage_id, fold.attempt_id), ()),
            memory_peaks=fold.peaks.known(),
            is_cpu_known=fold.without_cpu_count == 0,
        )

    def _spark_job(self, fold: SparkJobFold) -> SparkJobProfile:
        return SparkJobProfile(
            spark_job_id=fold.spark_job_id,
            submitted_s=self._relative_s(fold.submission_ms),
            completed_s=self._relative_s(fold.completion_ms),
            is_succeeded=fold.result == _SUCCEEDED if fold.is_ended else None,
            failure_reason=short_reason(fold.failure_reason) if fold.failure_reason else None,
            sql_execution_id=fold.sql_execution_id,
        )

    def _sql(self, fold: SqlFold) -> SqlExecution:
        root_id = fold.root_execution_id
        return SqlExecution(
            execution_id=fold.execution_id,
            root_execution_id=None if root_id == fold.execution_id else root_id,
            started_s=self._relative_s(fold.start_ms),
            completed_s=self._relative_s(fold.end_ms),
            is_failed=self._is_failed(fold),
            description_hash=fold.description_hash,
            plan_fingerprint=fold.plan_fingerprint,
            description=fold.description,
            plan=fold.plan_text,
            **files_of(fold),
        )

    def _is_failed(self, fold: SqlFold) -> bool | None:
        """Say whether an execution failed; before Spark 3.4 only its spark jobs tell."""
        if fold.is_failed is not None or not fold.is_ended:
            return fold.is_failed
        return fold.execution_id in self._failed_executions

    def _core_time(self, executors: Executors) -> CoreTime | None:
        if not executors.spans:
            return None
        running = [
            stage
            for fold in self._replay.stages.values()
            if (stage := self._running(fold)) is not None
        ]
        return core_time(
            running,
            executors.spans,
            self._runtime_s,
            busy_core_s_until=self._busy_core_s_until,
        )

    def _busy_cores(self) -> BusyCores | None:
        if self._runtime_s <= 0:
            return None
        step_s = self._runtime_s / BUSY_STEPS
        until = self._busy_core_s_until([step_s * n for n in range(BUSY_STEPS + 1)])
        return BusyCores(step_s, tuple((b - a) / step_s for a, b in pairwise(until)))

    def _running(self, fold: StageFold) -> RunningStage | None:
        begin_s = self._relative_s(_first(fold.submission_ms, fold.first_launch_ms))
        if begin_s is None:
            return None
        end_s = self._relative_s(_first(fold.completion_ms, fold.last_finish_ms))
        launched_s = self._relative_s(fold.last_launch_ms)
        return RunningStage(
            begin_s=begin_s,
            launched_s=begin_s if launched_s is None else launched_s,
            end_s=max(begin_s, self._runtime_s if end_s is None else end_s),
            core_count=fold.expected_task_count * self._task_cpus,
        )

    def _busy_core_s_until(self, times_s: Sequence[float]) -> list[float]:
        times_ms = [self._start_ms + time_s * MS_PER_S for time_s in times_s]
        scale = self._task_cpus / MS_PER_S
        return [float(ms) * scale for ms in self._replay.tasks.busy.until_ms(times_ms)]


def _first(known_ms: int | None, otherwise_ms: int | None) -> int | None:
    """Return the first if it is known, else the second."""
    return otherwise_ms if known_ms is None else known_ms


def _has_start(replay: Replay) -> bool:
    return replay.start is not None and 0 < replay.start.time_ms <= LATEST_MS


def _start_ms(replay: Replay) -> int:
    if replay.start is not None and _has_start(replay):
        return replay.start.time_ms
    configured = _text(replay, "spark.app.startTime")
    if configured.isdecimal() and 0 < int(configured) <= LATEST_MS:
        return int(configured)
    if replay.earliest_ms is None:
        raise UnreadableLog(
            "The event log holds Spark events, but none with a time; expected at least an "
            "application start. It was cut too early: copy the file anew, or wait until the "
            "application has run."
        )
    return replay.earliest_ms


def _end_ms(replay: Replay, start_ms: int) -> int:
    """Return when the application ended, or when it last is known to have finished any work.

    Without an application end that is the latest end of a spark job or SQL execution; what ran on
    after it belongs to work of unknown length. If none ended, it is the latest time of any event.
    """
    if replay.end_ms is not None:
        return replay.end_ms
    ends = [fold.completion_ms for fold in replay.spark_jobs.values()]
    ends += [execution.end_ms for execution in replay.sql.executions.values()]
    known = [end_ms for end_ms in ends if end_ms is not None]
    return max(known) if known else (replay.latest_ms or start_ms)


def _values_per_stage(replay: Replay, wanted: int) -> int:
    """Return how many durations of each stage may be kept so that all together fit."""
    counts = sorted(fold.durations.kept_count for fold in replay.stages.values())
    left = MAX_VALUES
    for done, count in enumerate(counts):
        share = left // (len(counts) - done)
        if count > share:
            return min(wanted, share)
        left -= min(count, wanted)
    return wanted


def _status(fold: StageFold) -> StageStatus:
    if not fold.is_completed:
        return StageStatus.UNFINISHED
    return StageStatus.SUCCEEDED if fold.failure_reason is None else StageStatus.FAILED


def _application_id(replay: Replay) -> str:
    if replay.start is not None and replay.start.application_id:
        return replay.start.application_id
    return _text(replay, "spark.app.id") or "unknown"


def _text(replay: Replay, name: str) -> str:
    return str(replay.properties.get(name, ""))


def _task_cpus(replay: Replay) -> float:
    """Return the cores that one spark task takes; the default resource profile knows best."""
    cpus = replay.task_cpus.get(0)
    if cpus is None:
        try:
            cpus = float(_text(replay, "spark.task.cpus") or 1)
        except ValueError:
            cpus = 1.0
    return cpus if cpus > 0 else 1.0


def _plan_fingerprint(replay: Replay) -> str | None:
    """Return a hash of all distinct plans and of the RDD operations of stages without a plan.

    How often each runs is left out: loops run as often as the data asks for.
    """
    found = {e.plan_fingerprint for e in replay.sql.executions.values() if e.plan_fingerprint}
    for fold in replay.stages.values():
        if replay.execution_of(fold) is None and fold.operations:
            call = _CALL.match(fold.name)
            names = [call.group() if call else "", *fold.operations]
            found.add(plans.hashed(names))
    return plans.hashed(sorted(found)) if found else None
