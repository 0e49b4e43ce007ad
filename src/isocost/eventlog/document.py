"""A run profile and its findings in, the JSON object that command line and API show out.

Keys are stable: others rely on them. A number that is not known is null, and `missing` says why.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from typing import Any

from isocost.domain.finding import Finding
from isocost.domain.profile import (
    QUANTILE_LEVELS,
    ExecutorSpan,
    RunProfile,
    StageProfile,
)
from isocost.units import S_PER_HOUR

Document = dict[str, Any]


def profile_document(profile: RunProfile, findings: Iterable[Finding]) -> Document:
    """Return a profile as one JSON-ready object; without the single spark tasks' durations."""
    totals = profile.totals
    return {
        "application_id": profile.application_id,
        "attempt_id": profile.attempt_id,
        "application_name": profile.application_name,
        "spark_version": profile.spark_version,
        "is_complete": profile.is_complete,
        "missing": [asdict(fact) for fact in profile.missing],
        "is_runtime_estimated": profile.is_runtime_estimated,
        "started_at": _iso(profile.started_at),
        "runtime_s": profile.runtime_s,
        "driver_s": profile.driver_s,
        "ideal_runtime_s": profile.ideal_runtime_s,
        "executor_count_peak": profile.executor_count_peak,
        "core_count_peak": profile.core_count_peak,
        "node_count_peak": profile.node_count_peak,
        "executor_removed_count": profile.executor_removed_count,
        "task_count": profile.task_count,
        "failed_task_count": profile.failed_task_count,
        "failed_tasks": failures_of(profile),
        "killed_task_count": sum(stage.killed_task_count for stage in profile.stages),
        "speculative_task_count": sum(stage.speculative_task_count for stage in profile.stages),
        "stage_count": profile.completed_stage_count,
        "failed_stage_count": sum(stage.status.value == "failed" for stage in profile.stages),
        "spark_job_count": len(profile.spark_jobs),
        "failed_spark_job_count": sum(j.is_succeeded is False for j in profile.spark_jobs),
        "failed_spark_jobs": [_plain(asdict(j)) for j in profile.spark_jobs if j.failure_reason],
        "sql_execution_count": profile.sql_execution_count,
        "resource_profile_count": profile.resource_profile_count,
        "input_bytes": totals.input_bytes,
        "output_bytes": totals.output_bytes,
        "shuffle_read_bytes": totals.shuffle_read_bytes,
        "shuffle_write_bytes": totals.shuffle_write_bytes,
        "memory_spilled_bytes": totals.memory_spilled_bytes,
        "disk_spilled_bytes": totals.disk_spilled_bytes,
        "executor_run_s": totals.executor_run_s,
        "executor_cpu_s": totals.executor_cpu_s if profile.is_cpu_known else None,
        "gc_s": totals.gc_s,
        "core_hours": _core_hours(profile),
        "plan_fingerprint": profile.plan_fingerprint,
        "input_fingerprint": profile.input_fingerprint,
        "cluster": _cluster(profile),
        "findings": [finding_document(finding) for finding in findings],
        "critical_path": [asdict(step) for step in profile.critical_path],
        "stages": [stage_document(stage, profile) for stage in profile.stages],
        "executors": [_executor(span) for span in profile.executors],
        "sql_executions": [_plain(asdict(e)) for e in profile.sql_executions],
        "cached_rdds": [asdict(rdd) for rdd in profile.cached_rdds],
    }


def finding_document(finding: Finding) -> Document:
    """Return a finding as a JSON-ready object."""
    return _plain({
        "code": finding.code,
        "message": finding.message,
        "advice": finding.advice,
        "weight": finding.weight,
        "stage_id": finding.stage_id,
        "attempt_id": finding.attempt_id,
        "numbers": dict(finding.numbers),
        "threshold": finding.threshold,
        "limit": finding.limit,
    })


def stage_document(stage: StageProfile, profile: RunProfile) -> Document:
    """Return a stage attempt as a JSON-ready object."""
    totals = asdict(stage.totals)
    if not stage.is_cpu_known:
        totals["executor_cpu_s"] = None
    on_path = {(step.stage_id, step.attempt_id) for step in profile.critical_path}
    return {
        "stage_id": stage.stage_id,
        "attempt_id": stage.attempt_id,
        "name": stage.name,
        "status": stage.status.value,
        "failure_reason": stage.failure_reason,
        "spark_job_id": stage.spark_job_id,
        "sql_execution_id": stage.sql_execution_id,
        "parent_ids": stage.parent_ids,
        "source_ids": stage.source_ids,
        "is_on_critical_path": (stage.stage_id, stage.attempt_id) in on_path,
        "submitted_s": stage.submitted_s,
        "completed_s": stage.completed_s,
        "expected_task_count": stage.expected_task_count,
        "task_count": stage.task_count,
        "failed_task_count": stage.failed_task_count,
        "failed_tasks": {failure.reason: failure.count for failure in stage.failures},
        "killed_task_count": stage.killed_task_count,
        "speculative_task_count": stage.speculative_task_count,
        "lost_task_count": stage.lost_task_count,
        "task_duration_s": _durations(stage),
        **totals,
        "time_shares": asdict(stage.time_shares) if stage.time_shares else None,
        "peak_execution_memory_bytes": stage.peak_execution_memory_bytes,
        "memory_peaks": asdict(stage.memory_peaks) if stage.memory_peaks else None,
        "operators": [_plain(asdict(operator)) for operator in stage.operators],
    }


def _durations(stage: StageProfile) -> Document:
    durations = stage.durations
    quantiles = zip(QUANTILE_LEVELS, durations.quantiles_s, strict=False)
    return {
        "count": durations.count,
        "total_s": durations.total_s,
        "quantiles_s": {f"{level:g}": seconds for level, seconds in quantiles},
    }


def failures_of(profile: RunProfile) -> dict[str, int]:
    """Return how many spark task attempts failed, by reason, the most frequent first."""
    counts: dict[str, int] = {}
    for stage in profile.stages:
        for failure in stage.failures:
            counts[failure.reason] = counts.get(failure.reason, 0) + failure.count
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _core_hours(profile: RunProfile) -> Document | None:
    """Return what the cores did, in core-hours, the wasted ones by cause."""
    time = profile.core_time
    if time is None:
        return None
    return {
        "total": time.total_core_s / S_PER_HOUR,
        "busy": time.busy_core_s / S_PER_HOUR,
        "wasted": {
            "driver": time.driver_core_s / S_PER_HOUR,
            "skew": time.skew_core_s / S_PER_HOUR,
            "idle": time.idle_core_s / S_PER_HOUR,
        },
    }


def _cluster(profile: RunProfile) -> Document:
    if profile.cluster is None:
        return {}
    return _plain(asdict(profile.cluster)) | {"tags": dict(profile.cluster.tags)}


def _executor(span: ExecutorSpan) -> Document:
    return _plain(asdict(span))


def _plain(values: Document) -> Document:
    """Return the same with enums as their values."""
    return {
        name: value.value if isinstance(value, Enum) else value for name, value in values.items()
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
