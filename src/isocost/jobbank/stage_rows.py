"""One trial's record in, a row for each stage attempt of its runs out."""

from isocost.domain.experiment import Trial
from isocost.domain.profile import StageProfile
from isocost.jobbank.lineage import TrialRecord
from isocost.jobbank.tables import StageRow

_MEDIAN, _P95, _LONGEST = 3, 5, 7  # places in QUANTILE_LEVELS


def stage_rows(record: TrialRecord) -> list[StageRow]:
    """Return a row for each stage attempt of the runs whose profile is there."""
    return [
        _stage_row(record.trial, run_id, stage)
        for run_id, profile in record.profiles.items()
        for stage in profile.stages
    ]


def _stage_row(trial: Trial, run_id: str, stage: StageProfile) -> StageRow:
    totals, quantiles_s = stage.totals, stage.durations.quantiles_s
    return StageRow(
        experiment=trial.experiment,
        trial_id=trial.trial_id,
        run_id=run_id,
        stage_id=stage.stage_id,
        attempt_id=stage.attempt_id,
        spark_job_id=stage.spark_job_id,
        status=stage.status.value,
        submitted_s=stage.submitted_s,
        completed_s=stage.completed_s,
        spark_task_count=stage.task_count,
        failed_spark_task_count=stage.failed_task_count,
        median_s=quantiles_s[_MEDIAN] if quantiles_s else None,
        p95_s=quantiles_s[_P95] if quantiles_s else None,
        longest_s=quantiles_s[_LONGEST] if quantiles_s else None,
        executor_run_s=totals.executor_run_s,
        executor_cpu_s=totals.executor_cpu_s if stage.is_cpu_known else None,
        gc_s=totals.gc_s,
        shuffle_fetch_wait_s=totals.shuffle_fetch_wait_s,
        input_bytes=totals.input_bytes,
        output_bytes=totals.output_bytes,
        shuffle_read_bytes=totals.shuffle_read_bytes,
        shuffle_write_bytes=totals.shuffle_write_bytes,
        memory_spilled_bytes=totals.memory_spilled_bytes,
        disk_spilled_bytes=totals.disk_spilled_bytes,
    )
