"""The application's state in, the facts that its log lost out, each with what that does."""

from collections.abc import Iterator
from dataclasses import dataclass

from isocost.domain.profile import MissingFact
from isocost.eventlog.replay import Replay
from isocost.eventlog.stages import StageFold


@dataclass(frozen=True, slots=True)
class Gap:
    """A missing fact; `is_by_design` if the writer never records it, so that nothing was lost."""

    fact: MissingFact
    is_by_design: bool = False


def gaps(replay: Replay) -> list[Gap]:
    """Return all that is missing, the gravest first."""
    return [
        *_application(replay),
        *_lines(replay),
        *_stages(replay),
        *_spark_jobs(replay),
        *_sql(replay),
        *_metrics(replay),
    ]


def is_quiet(replay: Replay) -> bool:
    """Say whether all that began has ended: spark jobs, stages, spark tasks, SQL executions."""
    return (
        all(job.is_ended for job in replay.spark_jobs.values())
        and all(stage.is_completed for stage in replay.stages.values())
        and all(execution.is_ended for execution in replay.sql.values())
    )


def _application(replay: Replay) -> Iterator[Gap]:
    if replay.start is None:
        yield Gap(
            MissingFact(
                "application start",
                "no SparkListenerApplicationStart; the beginning of the log is gone",
                "Start and runtime are estimated from the earliest time in the log.",
            )
        )
    if replay.other_application_ids:
        others = ", ".join(sorted(replay.other_application_ids))
        yield Gap(
            MissingFact(
                "a log of its own",
                f"the log also holds applications {others}",
                "Their stages and executors are mixed into these numbers.",
            )
        )
    if replay.end_ms is not None:
        return
    if replay.is_databricks:
        yield Gap(
            MissingFact(
                "application end",
                "Databricks writes none; runtime is up to the last spark job or SQL execution",
                "Time the cluster spent after that is not counted.",
            ),
            is_by_design=is_quiet(replay),
        )
    else:
        yield Gap(
            MissingFact(
                "application end",
                "no SparkListenerApplicationEnd; the log was cut or is still being written",
                "Runtime is estimated by the last spark job or SQL execution that ended; "
                "counts and sums are lower bounds.",
            )
        )


def _lines(replay: Replay) -> Iterator[Gap]:
    faults = replay.faults
    if faults.undecodable_line_count:
        kinds = ", ".join(f"{n} × {k}" for k, n in sorted(faults.undecodable_names.items()))
        yield Gap(
            MissingFact(
                f"{faults.undecodable_line_count} events",
                f"their lines are cut or damaged ({kinds})",
                "What they told is in no number.",
            )
        )
    if faults.foreign_line_count:
        yield Gap(
            MissingFact(
                f"{faults.foreign_line_count} lines",
                "they are no Spark events",
                "If they were events once, what they told is in no number.",
            )
        )
    if faults.oversized_line_count:
        yield Gap(
            MissingFact(
                f"{faults.oversized_line_count} lines",
                "longer than the reader's limit",
                "What they told is in no number.",
            )
        )
    if faults.duplicate_task_end_count:
        yield Gap(
            MissingFact(
                "nothing",
                f"{faults.duplicate_task_end_count} spark task ends stood there twice",
                "Each was counted once.",
            ),
            is_by_design=True,
        )


def _stages(replay: Replay) -> Iterator[Gap]:
    unended = [s for s in replay.stages.values() if not s.is_completed]
    if unended:
        yield Gap(
            MissingFact(
                f"end of {_named(unended)}",
                "no SparkListenerStageCompleted",
                "Their status is unfinished and their sums are lower bounds.",
            )
        )
    unsubmitted = [s for s in replay.stages.values() if not s.is_submitted]
    if unsubmitted:
        yield Gap(
            MissingFact(
                f"submission of {_named(unsubmitted)}",
                "no SparkListenerStageSubmitted",
                "Taken from the stage's end where there is one.",
            )
        )
    for stage, lost_count in lost_task_ends(replay):
        yield Gap(
            MissingFact(
                f"{lost_count} of {stage.expected_task_count} spark task ends of stage "
                f"{stage.stage_id}.{stage.attempt_id}",
                "the stage completed, yet they are not in the log",
                f"The stage's sums are about {lost_count / stage.expected_task_count:.1%} low; "
                "runtime is not affected.",
            )
        )
    untimed = [s for s in replay.stages.values() if s.untimed_count]
    for stage in untimed:
        yield Gap(
            MissingFact(
                f"durations of {stage.untimed_count} spark tasks of stage "
                f"{stage.stage_id}.{stage.attempt_id}",
                "they finish before they start, or have no time at all",
                "They are left out of the stage's durations.",
            )
        )


def lost_task_ends(replay: Replay) -> Iterator[tuple[StageFold, int]]:
    """Yield each stage attempt that succeeded with fewer partitions done than it has."""
    for stage in replay.stages.values():
        if stage.is_completed and stage.failure_reason is None:
            lost_count = stage.expected_task_count - stage.partition_count
            if lost_count > 0:
                yield stage, lost_count


def _spark_jobs(replay: Replay) -> Iterator[Gap]:
    unended = [j.spark_job_id for j in replay.spark_jobs.values() if not j.is_ended]
    if unended:
        yield Gap(
            MissingFact(
                f"end of spark jobs {_ids(unended)}",
                "no SparkListenerJobEnd",
                "Whether they succeeded is not known.",
            )
        )
    unstarted = [j.spark_job_id for j in replay.spark_jobs.values() if not j.is_started]
    if unstarted:
        yield Gap(
            MissingFact(
                f"start of spark jobs {_ids(unstarted)}",
                "no SparkListenerJobStart",
                "Their stages are not tied to them.",
            )
        )


def _sql(replay: Replay) -> Iterator[Gap]:
    unended = [e.execution_id for e in replay.sql.values() if not e.is_ended]
    if unended:
        yield Gap(
            MissingFact(
                f"end of SQL executions {_ids(unended)}",
                "no SparkListenerSQLExecutionEnd",
                "Their durations are not known.",
            )
        )


def _metrics(replay: Replay) -> Iterator[Gap]:
    if any(stage.without_cpu_count for stage in replay.stages.values()):
        yield Gap(
            MissingFact(
                "executor CPU time",
                f"Spark {replay.spark_version or 'of this version'} does not record it",
                "executor_cpu_s is not known.",
            ),
            is_by_design=True,
        )


def _named(stages: list[StageFold]) -> str:
    ids = sorted((s.stage_id, s.attempt_id) for s in stages)
    return "stages " + _shortened([f"{stage}.{attempt}" for stage, attempt in ids])


def _ids(ids: list[int]) -> str:
    return _shortened([str(i) for i in sorted(ids)])


def _shortened(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
