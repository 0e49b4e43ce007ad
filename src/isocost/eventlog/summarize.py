"""Event-log bytes in, one run profile out: the reader's public entry."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from isocost.domain.profile import (
    MissingFact,
    RunProfile,
    StageProfile,
    StageStatus,
)
from isocost.errors import NotAnEventLog, UnreadableLog
from isocost.eventlog import completeness
from isocost.eventlog.executors import executors_from_folds
from isocost.eventlog.lines import LineSplitter
from isocost.eventlog.parts import ApplicationLog, DamagedPart
from isocost.eventlog.replay import Replay
from isocost.eventlog.stages import StageFold
from isocost.eventlog.timeline import driver_s
from isocost.units import MS_PER_S

# Enough to replay a stage on other slots to within a spark task; a stage has 200 by default.
MAX_VALUES_PER_STAGE: Final = 2_000


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What to keep.

    Attributes:
        max_values_per_stage: spark task durations kept of one stage; more are sampled evenly.
    """

    max_values_per_stage: int = MAX_VALUES_PER_STAGE


def read_profile(log: ApplicationLog, options: ReadOptions | None = None) -> RunProfile:
    """Return the profile of one application attempt.

    Args:
        log: its parts, in the order they were written.
        options: what to keep; the defaults if None.

    Raises:
        NotAnEventLog: no line of it is a Spark event.
        UnreadableLog: there are events, but none that tells a time.
        DamagedPart: it is damaged before its first event.
    """
    reader = _Reader(log.location)
    for part in log.parts:
        reader.take_part(part.open())
    return reader.profile(options or ReadOptions(), log.missing)


def read_profile_from_chunks(
    chunks: Iterable[bytes], location: str = "event log", options: ReadOptions | None = None
) -> RunProfile:
    """Return the profile of one application from its decompressed bytes, in chunks of any size.

    Raises as `read_profile` does.
    """
    reader = _Reader(location)
    reader.take_part(chunks)
    return reader.profile(options or ReadOptions(), ())


class _Reader:
    """Feeds parts to a replay and keeps what was wrong with them."""

    def __init__(self, location: str) -> None:
        self._location = location
        self._replay = Replay()
        self._damages: list[DamagedPart] = []
        self._is_empty = True

    def take_part(self, chunks: Iterable[bytes]) -> None:
        """Read one part to its end or to where it is damaged."""
        splitter = LineSplitter()
        try:
            for chunk in chunks:
                self._is_empty = self._is_empty and not chunk
                self._replay.feed(splitter.feed(chunk))
                if self._replay.is_foreign:
                    raise self._not_an_event_log()
        except DamagedPart as damage:
            self._damages.append(damage)
        # A part that ends without a line break was cut, unless its last line is whole: then
        # nothing is lost. The decoder tells which.
        self._replay.feed([splitter.finish()])
        self._replay.faults.oversized_line_count += splitter.oversized_line_count

    def profile(self, options: ReadOptions, missing: tuple[MissingFact, ...]) -> RunProfile:
        """Return the profile of all that was taken."""
        replay = self._replay
        replay.finish()
        if not replay.is_event_log:
            if self._damages:
                raise self._damages[0]
            raise self._not_an_event_log()
        gaps = [completeness.Gap(fact) for fact in missing]
        gaps += [completeness.Gap(damage.as_missing()) for damage in self._damages]
        gaps += completeness.gaps(replay)
        return _profile(replay, gaps, options)

    def _not_an_event_log(self) -> NotAnEventLog:
        if self._is_empty:
            return NotAnEventLog(
                f"{self._location} is empty; expected the events of a Spark application, one JSON "
                "object a line. If the application has just started, wait until it has run; else "
                "check spark.eventLog.dir for the right file."
            )
        return NotAnEventLog(
            f"{self._location} holds no Spark events; expected lines such as "
            '{"Event":"SparkListenerApplicationStart",…}. Pass the file or directory that Spark '
            "wrote to spark.eventLog.dir, or the Databricks cluster log directory."
        )


def _profile(replay: Replay, gaps: list[completeness.Gap], options: ReadOptions) -> RunProfile:
    start_ms, end_ms = _start_ms(replay), _end_ms(replay)
    stages = tuple(
        _stage_profile(replay.stages[key], replay, options) for key in sorted(replay.stages)
    )
    runtime_s = max(0, end_ms - start_ms) / MS_PER_S
    executors = executors_from_folds(replay.executors.values(), replay.properties, start_ms)
    if executors.without_start:
        gaps.append(_lost_executors(executors.without_start))
    start = replay.start
    return RunProfile(
        application_id=_application_id(replay),
        attempt_id=start.attempt_id if start else None,
        application_name=start.name if start else str(replay.properties.get("spark.app.name", "")),
        spark_version=replay.spark_version or _version(replay.properties),
        started_at=datetime.fromtimestamp(start_ms / MS_PER_S, tz=UTC),
        runtime_s=runtime_s,
        is_runtime_estimated=start is None or replay.end_ms is None,
        is_complete=all(gap.is_by_design for gap in gaps),
        driver_s=driver_s(stages, runtime_s),
        slots_per_core=_slots_per_core(replay),
        stages=stages,
        executors=executors.spans,
        sql_execution_count=len(replay.sql),
        resource_profile_count=max(1, len(replay.task_cpus)),
        core_count_peak=executors.peaks.core_count,
        executor_count_peak=executors.peaks.executor_count,
        node_count_peak=executors.peaks.node_count,
        missing=tuple(gap.fact for gap in gaps),
    )


def _start_ms(replay: Replay) -> int:
    if replay.start is not None and replay.start.time_ms > 0:
        return replay.start.time_ms
    configured = str(replay.properties.get("spark.app.startTime", ""))
    if configured.isdecimal() and int(configured) > 0:
        return int(configured)
    if replay.earliest_ms is None:
        raise UnreadableLog(
            "The event log holds Spark events, but none with a time; expected at least an "
            "application start. It was cut too early: copy the file anew, or wait until the "
            "application has run."
        )
    return replay.earliest_ms


def _end_ms(replay: Replay) -> int:
    """Return when the application ended, or when it last is known to have finished any work.

    Without an application end that is the latest end of a spark job or SQL execution; spark tasks
    that ran on after it belong to work of unknown length. If none ended, it is the latest time.
    """
    if replay.end_ms is not None:
        return replay.end_ms
    ends = [job.completion_ms for job in replay.spark_jobs.values()]
    ends += [execution.end_ms for execution in replay.sql.values()]
    known = [end_ms for end_ms in ends if end_ms is not None]
    return max(known) if known else (replay.latest_ms or _start_ms(replay))


def _stage_profile(fold: StageFold, replay: Replay, options: ReadOptions) -> StageProfile:
    start_ms = _start_ms(replay)
    submission_ms = fold.submission_ms if fold.submission_ms is not None else fold.first_launch_ms
    return StageProfile(
        stage_id=fold.stage_id,
        attempt_id=fold.attempt_id,
        name=fold.name,
        parent_ids=fold.parent_ids,
        spark_job_id=replay.spark_job_of_stage.get(fold.stage_id),
        status=_status(fold),
        submitted_s=_relative_s(submission_ms, start_ms),
        completed_s=_relative_s(fold.completion_ms, start_ms),
        expected_task_count=fold.expected_task_count,
        task_count=fold.ended_count,
        failed_task_count=fold.failures.total(),
        durations=fold.durations.distribution(options.max_values_per_stage),
        totals=fold.sums.totals(),
        peak_execution_memory_bytes=fold.peak_execution_bytes,
        resource_profile_id=fold.resource_profile_id,
    )


def _status(fold: StageFold) -> StageStatus:
    if not fold.is_completed:
        return StageStatus.UNFINISHED
    return StageStatus.SUCCEEDED if fold.failure_reason is None else StageStatus.FAILED


def _relative_s(time_ms: int | None, start_ms: int) -> float | None:
    return None if time_ms is None else (time_ms - start_ms) / MS_PER_S


def _application_id(replay: Replay) -> str:
    if replay.start is not None and replay.start.application_id:
        return replay.start.application_id
    return str(replay.properties.get("spark.app.id", "unknown"))


def _version(properties: dict[str, Any]) -> str:
    return str(properties.get("spark.databricks.clusterUsageTags.sparkVersion", "unknown"))


def _slots_per_core(replay: Replay) -> float:
    """Return 1 / `spark.task.cpus`; the default resource profile knows it best."""
    cpus = replay.task_cpus.get(0)
    if cpus is None:
        configured = str(replay.properties.get("spark.task.cpus", "1"))
        cpus = float(configured) if configured.isdecimal() else 1.0
    return 1 / cpus if cpus > 0 else 1.0


def _lost_executors(executor_ids: tuple[str, ...]) -> completeness.Gap:
    return completeness.Gap(
        MissingFact(
            f"start of executors {', '.join(executor_ids[:10])}",
            "no SparkListenerExecutorAdded",
            "Their cores are taken from the other executors, their start from the first spark "
            "task seen.",
        )
    )
