"""The application's state in, the facts that its log lost out, each with what that does."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from isocost.domain.profile import MissingFact
from isocost.eventlog.replay import Replay
from isocost.eventlog.stages import RESUBMITTED, StageFold, Sums
from isocost.eventlog.task_events import LATEST_MS

# Sums beyond this are damage, not data: an exbibyte, or 36 years in nanoseconds.
PLAUSIBLE_SUM: Final = 2**60
MAX_NAMES: Final = 10
_ALL_SUMS: Final = attrgetter(*(item.name for item in fields(Sums)))


@dataclass(frozen=True, slots=True)
class Gap:
    """A missing fact; `is_harmless` if the numbers are all there without it."""

    fact: MissingFact
    is_harmless: bool = False


def gap(what: str, reason: str, effect: str, *, is_harmless: bool = False) -> Gap:
    """Return a gap."""
    return Gap(MissingFact(what, reason, effect), is_harmless)


def gaps(replay: Replay) -> list[Gap]:
    """Return all that is missing, the gravest first."""
    return [found for check in _CHECKS for found in check(replay)]


def is_quiet(replay: Replay) -> bool:
    """Say whether all that began has ended: spark jobs, stages, spark tasks, SQL executions."""
    return (
        all(fold.is_ended for fold in replay.spark_jobs.values())
        and all(stage.is_completed for stage in replay.stages.values())
        and all(execution.is_ended for execution in replay.sql.executions.values())
    )


def lost_task_count(stage: StageFold) -> int:
    """Return how many partitions of a stage that succeeded have no successful end in the log.

    A stage attempt after the first may be helped out by spark tasks of the one before, which were
    still running: their ends then stand there, and this is an upper bound.
    """
    if not stage.is_completed or stage.failure_reason is not None:
        return 0
    return max(0, stage.expected_task_count - stage.partition_count)


def _application_start(replay: Replay) -> Iterator[Gap]:
    if replay.start is None:
        yield gap(
            "application start",
            "no SparkListenerApplicationStart: the beginning of the log is gone",
            "Start and runtime are estimated from the earliest time in the log.",
        )
    elif not 0 < replay.start.time_ms <= LATEST_MS:
        yield gap(
            "application start time",
            f"SparkListenerApplicationStart says {replay.start.time_ms}",
            "Start and runtime are estimated from the earliest time in the log.",
        )
    if replay.other_application_ids:
        yield gap(
            "a log of its own",
            "the log also holds " + _shortened(sorted(replay.other_application_ids)),
            "Their stages and executors are mixed into these numbers.",
        )


def _application_end(replay: Replay) -> Iterator[Gap]:
    if replay.end_ms is not None:
        if replay.start is not None and replay.end_ms < replay.start.time_ms:
            yield gap(
                "a plausible application end",
                "the application ends before it starts",
                "Runtime is 0; the machine's clock was set back.",
            )
    elif replay.is_databricks:
        yield gap(
            "application end",
            "Databricks writes none",
            "Runtime is up to the last end of a spark job or SQL execution; "
            "time the cluster spent after that is not counted.",
            is_harmless=is_quiet(replay),
        )
    else:
        yield gap(
            "application end",
            "no SparkListenerApplicationEnd: the log was cut or is still being written",
            "Runtime is up to the last end of a spark job or SQL execution, else up to the "
            "latest time in the log; counts and sums are lower bounds.",
        )


def _lines(replay: Replay) -> Iterator[Gap]:
    faults = replay.faults
    undecodable_count = sum(faults.undecodable.values())
    if undecodable_count:
        kinds = _shortened([f"{n} {kind}" for kind, n in sorted(faults.undecodable.items())])
        yield gap(
            f"{undecodable_count} events",
            f"their lines are cut or damaged: {kinds}",
            "What they told is in no number.",
        )
    if faults.foreign_line_count:
        yield gap(
            f"{faults.foreign_line_count} lines",
            "they are no Spark events, or damaged beyond recognition",
            "What they told is in no number.",
        )
    if faults.oversized_line_count:
        yield gap(
            f"{faults.oversized_line_count} lines",
            "they are longer than the reader's limit",
            "What they told is in no number.",
        )
    if replay.tasks.duplicate_count:
        yield gap(
            "nothing",
            f"{replay.tasks.duplicate_count} ends of spark tasks stand there twice",
            "Each was counted once.",
            is_harmless=True,
        )
    if replay.sql.undecodable_plan_count:
        yield gap(
            f"plans of {replay.sql.undecodable_plan_count} SQL executions",
            "their lines are cut or damaged",
            "The operators of their stages are those of an earlier plan, or not known.",
        )


def _stage_events(replay: Replay) -> Iterator[Gap]:
    unended = [s for s in replay.stages.values() if not s.is_completed]
    if unended:
        yield gap(
            f"end of {_named(unended)}",
            "no SparkListenerStageCompleted",
            "Their status is unfinished and their sums are lower bounds.",
        )
    unsubmitted = [s for s in replay.stages.values() if not s.is_submitted]
    if unsubmitted:
        yield gap(
            f"submission of {_named(unsubmitted)}",
            "no SparkListenerStageSubmitted",
            "Taken from the stage's end, or from its first spark task.",
        )


def _stage_tasks(replay: Replay) -> Iterator[Gap]:
    for stage in replay.stages.values():
        name = f"stage {stage.stage_id}.{stage.attempt_id}"
        if lost_count := lost_task_count(stage):
            share = lost_count / stage.expected_task_count
            yield gap(
                f"{lost_count} of {stage.expected_task_count} spark task ends of {name}",
                "the stage completed, yet they are not in the log",
                f"The stage's counts and sums are {share:.1%} low; its times are right.",
            )
        if stage.untimed_count:
            yield gap(
                f"durations of {stage.untimed_count} spark tasks of {name}",
                "they finish before they start, or have no time at all",
                "They are left out of the stage's durations.",
            )
        if not _is_plausible(stage):
            yield gap(
                f"plausible metrics of {name}",
                "a sum is negative or beyond 2^60",
                "The stage's sums cannot be trusted.",
            )


def _unended_attempts(replay: Replay) -> Iterator[Gap]:
    """Tell attempts that no partition misses: most often those that failed."""
    stages = replay.stages.values()
    resubmitted_count = sum(stage.failures[RESUBMITTED] for stage in stages)
    known_count = sum(stage.ended_count + lost_task_count(stage) for stage in stages)
    known_count += replay.tasks.duplicate_count - resubmitted_count
    count = replay.task_start_count - known_count
    if count > 0:
        yield gap(
            f"ends of {count} started spark task attempts that no stage misses",
            "they failed, were killed or still ran when the log stopped",
            "Up to so many attempts more may have failed or been killed.",
            is_harmless=True,
        )


def _is_plausible(stage: StageFold) -> bool:
    sums: tuple[int, ...] = _ALL_SUMS(stage.sums)
    return min(sums) >= 0 and max(sums) < PLAUSIBLE_SUM


def _spark_jobs(replay: Replay) -> Iterator[Gap]:
    folds = replay.spark_jobs.values()
    if unended := [f.spark_job_id for f in folds if not f.is_ended]:
        yield gap(
            f"end of spark jobs {_ids(unended)}",
            "no SparkListenerJobEnd",
            "Whether they succeeded is not known.",
        )
    if unstarted := [f.spark_job_id for f in folds if not f.is_started]:
        # Spark jobs without partitions run no stage; some Spark versions log only their end.
        is_harmless = all(s.stage_id in replay.spark_job_of_stage for s in replay.stages.values())
        yield gap(
            f"start of spark jobs {_ids(unstarted)}",
            "no SparkListenerJobStart",
            "None of the stages is theirs; no number lacks them."
            if is_harmless
            else "Their stages are not tied to them.",
            is_harmless=is_harmless,
        )


def _sql(replay: Replay) -> Iterator[Gap]:
    executions = replay.sql.executions.values()
    if unended := [e.execution_id for e in executions if not e.is_ended]:
        yield gap(
            f"end of SQL executions {_ids(unended)}",
            "no SparkListenerSQLExecutionEnd",
            "Their durations are not known.",
        )
    if unstarted := [e.execution_id for e in executions if not e.is_started]:
        yield gap(
            f"start of SQL executions {_ids(unstarted)}",
            "no SparkListenerSQLExecutionStart",
            "Their plans are not known; the plan's fingerprint lacks them.",
        )


def _metrics(replay: Replay) -> Iterator[Gap]:
    if is_cpu_unknown(replay.stages.values()):
        yield gap(
            "executor CPU time",
            f"Spark {replay.spark_version or 'of this version'} does not record it",
            "executor_cpu_s and the shares of CPU and I/O are not known.",
            is_harmless=True,
        )


def is_cpu_unknown(stages: Iterable[StageFold]) -> bool:
    """Say whether any spark task told its metrics but no CPU time."""
    return any(stage.without_cpu_count for stage in stages)


def lost_executors(executor_ids: tuple[str, ...]) -> Gap:
    """Return the gap of executors whose arrival the log lost."""
    return gap(
        f"start of executors {_shortened(list(executor_ids))}",
        "no SparkListenerExecutorAdded",
        "Their cores are taken from the other executors or the configuration, their start from "
        "the first time they are named.",
    )


_CHECKS: Final[tuple[Callable[[Replay], Iterator[Gap]], ...]] = (
    _application_start,
    _application_end,
    _lines,
    _stage_events,
    _stage_tasks,
    _unended_attempts,
    _spark_jobs,
    _sql,
    _metrics,
)


def _named(stages: list[StageFold]) -> str:
    ids = sorted((s.stage_id, s.attempt_id) for s in stages)
    return "stages " + _shortened([f"{stage}.{attempt}" for stage, attempt in ids])


def _ids(ids: list[int]) -> str:
    return _shortened([str(i) for i in sorted(ids)])


def _shortened(names: list[str]) -> str:
    shown = ", ".join(names[:MAX_NAMES])
    return shown if len(names) <= MAX_NAMES else f"{shown} and {len(names) - MAX_NAMES} more"
