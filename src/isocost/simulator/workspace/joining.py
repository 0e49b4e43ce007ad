"""Several entries of a databricks job that share a cluster in, the one application they are out.

Databricks runs them in one Spark context: their spark jobs stand in one event log, one after the
other or side by side as the definition's dependencies say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from isocost.simulator.run import SimulatedRun
from isocost.simulator.workload import (
    SimulatedSparkJob,
    SimulatedSql,
    SimulatedStage,
    Workload,
)


@dataclass(frozen=True, slots=True)
class Joined:
    """One application made of several workloads.

    Attributes:
        spark_job_ids: of each task key, in the joined numbering.
    """

    workload: Workload
    spark_job_ids: Mapping[str, tuple[int, ...]]
    after: Mapping[str, tuple[str, ...]]


def join(
    name: str,
    workloads: Mapping[str, Workload],
    after: Mapping[str, Sequence[str]],
) -> Joined:
    """Return the application; `workloads` stand in an order that `after` allows."""
    if len(workloads) == 1:
        ((key, alone),) = workloads.items()
        ids = tuple(each.spark_job_id for each in alone.spark_jobs)
        return Joined(replace(alone, name=name), {key: ids}, {key: ()})
    stages: list[SimulatedStage] = []
    spark_jobs: list[SimulatedSparkJob] = []
    executions: list[SimulatedSql] = []
    ids_of: dict[str, tuple[int, ...]] = {}
    last_of: dict[str, tuple[int, ...]] = {}
    before = {key: tuple(other for other in after[key] if other in workloads) for key in workloads}
    for key, workload in workloads.items():
        shift = _Shift(
            max((each.stage_id for each in stages), default=-1) + 1,
            max((each.spark_job_id for each in spark_jobs), default=-1) + 1,
            max((each.sql_execution_id for each in executions), default=-1) + 1,
        )
        waits_for = tuple(number for other in before[key] for number in last_of[other])
        stages += [shift.stage(each) for each in workload.stages]
        spark_jobs += shift.spark_jobs(workload, waits_for)
        executions += [
            replace(each, sql_execution_id=each.sql_execution_id + shift.sql_by)
            for each in workload.sql_executions
        ]
        ids_of[key] = tuple(each.spark_job_id + shift.spark_job_by for each in workload.spark_jobs)
        last_of[key] = tuple(number + shift.spark_job_by for number in _last(workload))
    parts = list(workloads.values())
    joined = Workload(
        name=name,
        stages=tuple(stages),
        spark_jobs=tuple(spark_jobs),
        sql_executions=tuple(executions),
        code_version="+".join(each.code_version for each in parts),
        start_s=max(each.start_s for each in parts),
        end_s=max(each.end_s for each in parts),
    )
    return Joined(joined, ids_of, before)


def span_s(run: SimulatedRun, joined: Joined, key: str) -> tuple[float | None, float | None]:
    """Return when an entry began and ended, in seconds of the run; None where it did not."""
    ends = {each.spark_job_id: each for each in run.spark_jobs}
    own = [ends[number] for number in joined.spark_job_ids[key] if number in ends]
    is_over = len(own) == len(joined.spark_job_ids[key]) and not any(s.is_failed for s in own)
    begins = [_end_s(run, joined, other) for other in joined.after[key]]
    started = [begin for begin in begins if begin is not None]
    if len(started) < len(begins):
        return None, None
    begin_s = max(started, default=run.application_start_s)
    return begin_s, (_end_s(run, joined, key) if is_over else None)


def _end_s(run: SimulatedRun, joined: Joined, key: str) -> float | None:
    ends = {each.spark_job_id: each for each in run.spark_jobs}
    own = [ends.get(number) for number in joined.spark_job_ids[key]]
    spans = [span for span in own if span is not None and not span.is_failed]
    if len(spans) < len(own):
        return None
    last_s = max(span.ended_s for span in spans)
    is_last = last_s >= max(span.ended_s for span in run.spark_jobs)
    if is_last and run.application_end_s is not None:
        return run.application_end_s
    return last_s


def _last(workload: Workload) -> list[int]:
    """Return the spark jobs that no other waits for."""
    before = workload.predecessors()
    awaited = {number for numbers in before.values() for number in numbers}
    return [number for number in before if number not in awaited]


@dataclass(frozen=True, slots=True)
class _Shift:
    """What is added to a workload's numbers in the joined application."""

    stage_by: int
    spark_job_by: int
    sql_by: int

    def stage(self, stage: SimulatedStage) -> SimulatedStage:
        source = stage.cache_source_id
        return replace(
            stage,
            stage_id=stage.stage_id + self.stage_by,
            spark_job_id=stage.spark_job_id + self.spark_job_by,
            parent_ids=tuple(number + self.stage_by for number in stage.parent_ids),
            cache_source_id=None if source is None else source + self.stage_by,
        )

    def spark_jobs(
        self, workload: Workload, waits_for: tuple[int, ...]
    ) -> list[SimulatedSparkJob]:
        before = workload.predecessors()
        return [
            self._spark_job(each, before[each.spark_job_id], waits_for)
            for each in workload.spark_jobs
        ]

    def _spark_job(
        self, spark_job: SimulatedSparkJob, before: tuple[int, ...], waits_for: tuple[int, ...]
    ) -> SimulatedSparkJob:
        sql = spark_job.sql_execution_id
        return replace(
            spark_job,
            spark_job_id=spark_job.spark_job_id + self.spark_job_by,
            after_ids=tuple(number + self.spark_job_by for number in before) or waits_for,
            sql_execution_id=None if sql is None else sql + self.sql_by,
        )
