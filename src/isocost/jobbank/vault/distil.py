"""A run profile in, the workload that it shows out: stages, spark jobs and the driver's time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from isocost.domain.profile import CachedRdd, RunProfile, StageProfile, StageStatus
from isocost.errors import InvalidInput
from isocost.jobbank.vault.distil_stage import Place, Recorder, rounded, stage_from_profile
from isocost.simulator.workload import SimulatedSparkJob, SimulatedSql, Workload

# Spark jobs of stages that no spark job names are numbered from here down.
_NAMELESS: Final = -1


@dataclass(frozen=True, slots=True)
class _SparkJobSpan:
    """When a spark job ran, whose number stands in the stages."""

    spark_job_id: int
    submitted_s: float
    completed_s: float
    sql_execution_id: int | None


def workload_from_profile(profile: RunProfile, name: str, *, cpu_speed: float = 1.0) -> Workload:
    """Return the application as the simulator runs it.

    Of a stage that was tried several times the attempt counts that succeeded; what the cluster
    did to the application (failures, lost nodes, spilling, collecting garbage) stays behind.

    Args:
        profile: of a whole run.
        name: of the workload.
        cpu_speed: of one recorded core against the simulator's reference machine.

    Raises:
        InvalidInput: if the run is not complete, or no stage of it succeeded.
    """
    stages = _succeeded(profile.stages)
    if not stages or not profile.is_complete:
        lacks = "; ".join(f"{m.what}: {m.reason}" for m in profile.missing) or "no stage succeeded"
        raise InvalidInput(
            f"The event log of {profile.application_id} shows no whole run ({lacks}). Wait until "
            "the run is over, or take the log of one that succeeded."
        )
    slot_count = max(1, round(profile.core_count_peak * profile.slots_per_core))
    recorder = Recorder(slot_count, cpu_speed)
    spans = _spans(profile, stages)
    kept = {stage.stage_id for stage in stages}
    caches = _caches(profile.cached_rdds, kept)
    simulated = []
    seen: set[int] = set()
    for stage in stages:
        made, source = caches.get(stage.stage_id, (0.0, None))
        parents = [i for i in stage.source_ids or stage.parent_ids if i in seen]
        source = source if source in seen else None
        if source is not None and not stage.totals.shuffle_read_bytes:
            parents = []  # what lies before the cache was not looked at again
        place = Place(tuple(dict.fromkeys(parents)), _spark_job_of(stage), made, source)
        simulated.append(stage_from_profile(stage, place, recorder))
        seen.add(stage.stage_id)
    executions = sorted({s.sql_execution_id for s in spans if s.sql_execution_id is not None})
    return Workload(
        name=name,
        stages=tuple(simulated),
        spark_jobs=_chained(spans),
        sql_executions=tuple(
            SimulatedSql(n, f"{name} query {place}", f"s3://warehouse/{name}")
            for place, n in enumerate(executions)
        ),
        start_s=rounded(spans[0].submitted_s),
        end_s=rounded(max(0.0, profile.runtime_s - max(s.completed_s for s in spans))),
    )


def _succeeded(stages: Iterable[StageProfile]) -> list[StageProfile]:
    """Return the attempt of each stage that ran most of it, in order of submission.

    It stands for the whole stage: of one that was repeated in part, the first attempt knew how
    many spark tasks there are.
    """
    best: dict[int, StageProfile] = {}
    counts: dict[int, int] = {}
    for stage in stages:
        known = counts.get(stage.stage_id, 0)
        counts[stage.stage_id] = max(known, stage.expected_task_count)
        if stage.status is not StageStatus.SUCCEEDED or not stage.durations.count:
            continue
        other = best.get(stage.stage_id)
        if other is None or stage.task_count > other.task_count:
            best[stage.stage_id] = stage
    whole = [replace(s, expected_task_count=counts[s.stage_id]) for s in best.values()]
    return sorted(whole, key=lambda s: (_submitted_s(s), s.stage_id))


def _spark_job_of(stage: StageProfile) -> int:
    return _NAMELESS - stage.stage_id if stage.spark_job_id is None else stage.spark_job_id


def _spans(profile: RunProfile, stages: Sequence[StageProfile]) -> list[_SparkJobSpan]:
    """Return the spark jobs that ran a stage, in order of submission."""
    told = {each.spark_job_id: each for each in profile.spark_jobs}
    members: dict[int, list[StageProfile]] = {}
    for stage in stages:
        members.setdefault(_spark_job_of(stage), []).append(stage)
    spans = []
    for number, own in members.items():
        known = told.get(number)
        submitted = known.submitted_s if known else None
        completed = known.completed_s if known else None
        spans.append(
            _SparkJobSpan(
                number,
                min(map(_submitted_s, own)) if submitted is None else submitted,
                max(map(_completed_s, own)) if completed is None else completed,
                own[0].sql_execution_id,
            )
        )
    return sorted(spans, key=lambda span: (span.submitted_s, span.spark_job_id))


def _chained(spans: Sequence[_SparkJobSpan]) -> tuple[SimulatedSparkJob, ...]:
    """Return the spark jobs, each after all that had ended when it was submitted.

    What one of these waited for itself need not be named again. Between the last of them and the
    submission the driver worked alone.
    """
    chained = []
    implied: dict[int, set[int]] = {}
    first_s = spans[0].submitted_s
    for n, span in enumerate(spans):
        ended = [s for s in spans[:n] if s.completed_s <= span.submitted_s]
        reached = set().union(*(implied[s.spark_job_id] for s in ended))
        after = [s for s in ended if s.spark_job_id not in reached]
        implied[span.spark_job_id] = reached | {s.spark_job_id for s in after}
        since_s = max((s.completed_s for s in after), default=first_s)
        chained.append(
            SimulatedSparkJob(
                span.spark_job_id,
                driver_s=rounded(max(0.0, span.submitted_s - since_s)),
                sql_execution_id=span.sql_execution_id,
                after_ids=tuple(s.spark_job_id for s in after),
            )
        )
    return tuple(chained)


def _caches(rdds: Sequence[CachedRdd], kept: set[int]) -> Mapping[int, tuple[float, int | None]]:
    """Return for each stage the bytes that it caches, and the stage whose cache it reads.

    The first stage with an RDD in its chain makes it; the later ones read it, and of several the
    one that was made last, since nothing before it needs to be looked at again.
    """
    made: dict[int, float] = {}
    source: dict[int, tuple[int, int]] = {}
    for rdd in rdds:
        stage_ids = [number for number in rdd.stage_ids if number in kept]
        if not stage_ids:
            continue
        maker, *readers = stage_ids
        size = float((rdd.memory_bytes or 0) + (rdd.disk_bytes or 0))
        made[maker] = made.get(maker, 0.0) + size
        for reader in readers:
            source[reader] = max(source.get(reader, (-1, -1)), (rdd.rdd_id, maker))
    return {
        number: (made.get(number, 0.0), source[number][1] if number in source else None)
        for number in {*made, *source}
    }


def _submitted_s(stage: StageProfile) -> float:
    return stage.submitted_s if stage.submitted_s is not None else stage.first_launch_s or 0.0


def _completed_s(stage: StageProfile) -> float:
    return stage.completed_s if stage.completed_s is not None else stage.last_finish_s or 0.0
