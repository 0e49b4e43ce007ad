"""A run profile and thresholds in, what a person could change about the application out."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from isocost.domain.finding import Finding, FindingCode
from isocost.domain.profile import ExecutorSpan, RemovalCause, RunProfile
from isocost.eventlog import stage_findings
from isocost.eventlog.thresholds import Thresholds
from isocost.units import BYTES_PER_GIB, BYTES_PER_MIB, PERCENT, S_PER_HOUR

Rule = Callable[[RunProfile, Thresholds], Iterator[Finding]]

# Executors that left because nobody needed them any more; all other causes took work with them.
_WANTED: Final = frozenset({RemovalCause.IDLE, RemovalCause.STOPPED_BY_DRIVER})


# What memory makes of a node's price: half the memory for the same cores (AWS m7i to c7i, on
# demand) costs 11 % less, so all of it is worth about a quarter.
MEMORY_PRICE_SHARE: Final = 0.25


def findings_of(profile: RunProfile, thresholds: Thresholds | None = None) -> tuple[Finding, ...]:
    """Return all findings, the weightiest first; none where the runtime is not known."""
    if profile.runtime_s <= 0:
        return ()
    limits = thresholds or Thresholds()
    found = [finding for rule in RULES for finding in rule(profile, limits)]
    return tuple(sorted(found, key=lambda f: (-f.weight, f.code.value, f.stage_id or 0)))


def gc_pressure(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find executors that spend their time collecting garbage."""
    run_s, gc_s = profile.totals.executor_run_s, profile.totals.gc_s
    if run_s <= 0 or gc_s / run_s < limits.gc_fraction:
        return
    yield Finding(
        code=FindingCode.GC_PRESSURE,
        message=f"Executors spend {gc_s / run_s * PERCENT:.0f} % of their run time on garbage "
        "collection.",
        advice="Give each core more memory, cache less, or use fewer large objects per partition.",
        weight=min(1.0, gc_s / run_s),
        numbers={"gc_s": gc_s, "executor_run_s": run_s},
        threshold="gc_fraction",
        limit=limits.gc_fraction,
    )


def idle_cores(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find cores that stay idle while stages run."""
    time = profile.core_time
    if time is None or time.total_core_s <= 0:
        return
    idle_core_s = time.idle_core_s + time.skew_core_s
    share = idle_core_s / time.total_core_s
    if share < limits.idle_fraction:
        return
    yield Finding(
        code=FindingCode.IDLE_CORES,
        message=f"{share * PERCENT:.0f} % of all core time ({idle_core_s / S_PER_HOUR:.2f} "
        "core-hours) is idle while stages run.",
        advice="Use fewer cores, or more and more even partitions in the stages on the critical "
        "path.",
        weight=share,
        numbers={
            "idle_core_s": time.idle_core_s,
            "skew_core_s": time.skew_core_s,
            "total_core_s": time.total_core_s,
        },
        threshold="idle_fraction",
        limit=limits.idle_fraction,
    )


def driver_bound(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find an application that mostly waits for its driver."""
    if not profile.stages or profile.driver_s < limits.driver_fraction * profile.runtime_s:
        return
    share = profile.driver_s / profile.runtime_s
    yield Finding(
        code=FindingCode.DRIVER_BOUND,
        message=f"For {profile.driver_s:.1f} s, {share * PERCENT:.0f} % of the runtime, no stage "
        "runs: the cluster waits for the driver.",
        advice="Look for code outside Spark (collect, pandas, file listing, commits) and for "
        "start-up time; more cores will not help.",
        weight=share,
        numbers={"driver_s": profile.driver_s, "runtime_s": profile.runtime_s},
        threshold="driver_fraction",
        limit=limits.driver_fraction,
    )


def memory_size(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find executors with far more memory than is used, or with too little."""
    memory_bytes = max((span.memory_bytes or 0 for span in profile.executors), default=0)
    used_bytes = _peak_use_bytes(profile)
    if not memory_bytes or used_bytes is None:
        return
    share = used_bytes / memory_bytes
    is_spilling = profile.totals.disk_spilled_bytes > 0
    # A lower bound proves no surplus, and Photon's memory is not in Spark's peaks.
    is_measured = profile.is_complete and not _uses_photon(profile)
    is_over = is_measured and share < limits.memory_low_fraction and not is_spilling
    is_under = share > limits.memory_high_fraction and is_spilling
    if not is_over and not is_under:
        return
    yield Finding(
        code=FindingCode.OVERSIZED_MEMORY if is_over else FindingCode.UNDERSIZED_MEMORY,
        message=f"At its peak an executor needs {used_bytes / BYTES_PER_GIB:.1f} of the "
        f"{memory_bytes / BYTES_PER_GIB:.1f} GiB for execution and storage.",
        advice="Choose a node type with less memory per core."
        if is_over
        else "Choose a node type with more memory per core, or use more partitions.",
        weight=MEMORY_PRICE_SHARE * (1 - share) if is_over else min(1.0, share),
        numbers={"peak_use_bytes": used_bytes, "memory_bytes": memory_bytes},
        threshold="memory_low_fraction" if is_over else "memory_high_fraction",
        limit=limits.memory_low_fraction if is_over else limits.memory_high_fraction,
    )


def out_of_memory(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find executors that ran out of memory."""
    lost = [s for s in profile.executors if s.removal_cause is RemovalCause.OUT_OF_MEMORY]
    if lost:
        yield Finding(
            code=FindingCode.UNDERSIZED_MEMORY,
            message=f"{len(lost)} executors were killed because they ran out of memory.",
            advice="Choose a node type with more memory per core, raise "
            "spark.executor.memoryOverhead, or use more partitions.",
            weight=1.0,
            numbers={"executor_count": len(lost)},
            threshold="memory_high_fraction",
            limit=limits.memory_high_fraction,
        )


def lost_executors(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find executors that left while they were still wanted."""
    lost = [
        span
        for span in profile.executors
        if span.removal_cause not in {None, *_WANTED}
        and (span.removed_s or 0.0) < profile.runtime_s
    ]
    if not lost:
        return
    causes = Counter(_cause(span) for span in lost)
    listed = ", ".join(f"{count} × {cause}" for cause, count in sorted(causes.items()))
    yield Finding(
        code=FindingCode.LOST_EXECUTORS,
        message=f"{len(lost)} of {len(profile.executors)} executors were lost: {listed}.",
        advice=_advice_on_loss(profile),
        weight=len(lost) / len(profile.executors),
        numbers={"lost_count": len(lost), "executor_count": len(profile.executors)},
        threshold="stage_share",
        limit=limits.stage_share,
    )


def failed_tasks(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find spark tasks that failed often enough to cost."""
    total, failed = profile.task_count, profile.failed_task_count
    if not total or failed / total < limits.failed_fraction:
        return
    reasons: Counter[str] = Counter()
    for stage in profile.stages:
        reasons.update({failure.reason: failure.count for failure in stage.failures})
    listed = ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common(4))
    yield Finding(
        code=FindingCode.FAILED_TASKS,
        message=f"{failed} of {total} spark task attempts failed: {listed}.",
        advice="Look at the first failure of each kind; Resubmitted and FetchFailed follow from "
        "lost executors.",
        weight=failed / total,
        numbers={"failed_task_count": failed, "task_count": total},
        threshold="failed_fraction",
        limit=limits.failed_fraction,
    )


def small_files(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find queries that read or write many small files."""
    for execution in profile.sql_executions:
        for is_input, count, total_bytes in (
            (True, execution.files_read_count, execution.files_read_bytes),
            (False, execution.files_written_count, execution.files_written_bytes),
        ):
            if not count or total_bytes is None or count < limits.small_file_count:
                continue
            mean_bytes = total_bytes / count
            if mean_bytes >= limits.small_file_bytes:
                continue
            yield Finding(
                code=FindingCode.SMALL_INPUT_FILES if is_input else FindingCode.SMALL_OUTPUT_FILES,
                message=f"SQL execution {execution.execution_id} "
                f"{'reads' if is_input else 'writes'} {count} files of "
                f"{mean_bytes / BYTES_PER_MIB:.1f} MiB in the mean.",
                advice="Compact the input (OPTIMIZE, or a rewrite into larger files)."
                if is_input
                else "Write fewer files: coalesce or repartition before the write.",
                weight=_share_of_execution(profile, execution.execution_id),
                numbers={"file_count": count, "mean_file_bytes": mean_bytes},
                threshold="small_file_bytes",
                limit=limits.small_file_bytes,
            )


RULES: Final[tuple[Rule, ...]] = (
    stage_findings.skew,
    stage_findings.spill,
    stage_findings.small_tasks,
    stage_findings.few_tasks,
    stage_findings.long_stage,
    stage_findings.retries,
    gc_pressure,
    idle_cores,
    driver_bound,
    memory_size,
    out_of_memory,
    lost_executors,
    failed_tasks,
    small_files,
)


def _peak_use_bytes(profile: RunProfile) -> float | None:
    """Return the most an executor can have held: measured, or its spark tasks' peaks together."""
    measured = [
        (stage.memory_peaks.execution_bytes or 0) + (stage.memory_peaks.storage_bytes or 0)
        for stage in profile.stages
        if stage.memory_peaks is not None
    ]
    slots = max((span.cores for span in profile.executors), default=0) * profile.slots_per_core
    told = [
        stage.peak_execution_memory_bytes * min(slots, stage.expected_task_count)
        for stage in profile.stages
        if stage.peak_execution_memory_bytes is not None
    ]
    if not told and not measured:
        return None
    cached_bytes = sum(rdd.memory_bytes or 0 for rdd in profile.cached_rdds)
    per_executor = cached_bytes / max(1, profile.executor_count_peak)
    return max([*measured, *(use + per_executor for use in told)])


def _uses_photon(profile: RunProfile) -> bool:
    return any(operator.is_photon for stage in profile.stages for operator in stage.operators)


def _cause(span: ExecutorSpan) -> str:
    return (span.removal_cause or RemovalCause.UNKNOWN).value


def _advice_on_loss(profile: RunProfile) -> str:
    availability = (profile.cluster.availability if profile.cluster else None) or ""
    if "SPOT" in availability.upper():
        return (
            "The cluster runs on spot capacity, which is the likely cause; compare its saving "
            "with the work repeated."
        )
    return "Look at the executors' own logs from just before they left."


def _share_of_execution(profile: RunProfile, execution_id: int) -> float:
    """Return the fraction of the runtime that an execution took; 0 where its times were lost."""
    for execution in profile.sql_executions:
        if execution.execution_id == execution_id:
            if execution.started_s is None or execution.completed_s is None:
                return 0.0
            seconds = execution.completed_s - execution.started_s
            return min(1.0, max(0.0, seconds / profile.runtime_s))
    return 0.0
