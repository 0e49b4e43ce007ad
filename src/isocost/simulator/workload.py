"""What an application asks of a cluster: its stages, what each costs, and how that grows.

All amounts are those of a whole stage at input scale 1. At scale `s` each is multiplied by `s` to
the power that `Growth` names for it, so a stage whose spark tasks stay equal and become more has
exponents of 1 throughout, and a stage with a fixed number of shuffle partitions has
`spark_task_count=0.0` and `memory=1.0`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from math import isfinite

from isocost.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Growth:
    """Exponents with which a stage's amounts grow with the size of the input.

    Attributes:
        spark_task_count: 1.0 where every spark task reads one piece of the input, 0.0 where the
            number of shuffle partitions is fixed.
        work: of CPU seconds, of the stage as a whole.
        data: of all bytes read and written, of the stage as a whole.
        memory: of the peak memory of one spark task.
    """

    spark_task_count: float = 1.0
    work: float = 1.0
    data: float = 1.0
    memory: float = 0.0


@dataclass(frozen=True, slots=True)
class SimulatedStage:
    """One stage at input scale 1; bytes and CPU seconds are those of all its spark tasks.

    Attributes:
        stage_id: unique in the workload; parents come before their children.
        spark_job_id: the spark job that runs it.
        parent_ids: stages whose shuffle output it reads.
        cpu_s: on one otherwise idle core of the reference machine (`machines.REFERENCE_COREMARK`
            a thread).
        input_bytes, output_bytes: from and to the object store, as they travel.
        memory_bytes: what one spark task needs at its peak to do without spilling.
        rigid_memory_fraction: how much of `memory_bytes` cannot be spilled; a spark task that is
            given less runs out of memory.
        skew: longest over median spark task; 1.0 means even.
        photon_fraction: how much of the CPU time Photon can take over.
        cached_bytes: what the stage leaves in the executors' storage memory.
        cache_source_id: stage whose cached output this one reads; what did not fit there is
            computed anew.
        operators: names of its SQL operators, from the leaf up.
    """

    stage_id: int
    spark_job_id: int
    name: str
    spark_task_count: int
    cpu_s: float
    parent_ids: tuple[int, ...] = ()
    input_bytes: float = 0.0
    output_bytes: float = 0.0
    shuffle_read_bytes: float = 0.0
    shuffle_write_bytes: float = 0.0
    memory_bytes: float = 0.0
    rigid_memory_fraction: float = 0.1
    skew: float = 1.0
    photon_fraction: float = 0.0
    cached_bytes: float = 0.0
    cache_source_id: int | None = None
    operators: tuple[str, ...] = ()
    growth: Growth = field(default_factory=Growth)

    def __post_init__(self) -> None:
        amounts = [value for name, value in _numbers(self) if name != "skew"]
        if (
            self.spark_task_count < 1
            or self.skew < 1.0
            or not all(isfinite(amount) and amount >= 0 for amount in amounts)
            or max(self.photon_fraction, self.rigid_memory_fraction) > 1.0
        ):
            raise InvalidInput(
                f"Stage {self.stage_id} ({self.name!r}) needs at least 1 spark task, a skew of at "
                "least 1, finite amounts of 0 or more and fractions of at most 1. "
                f"Correct the workload: {self}"
            )

    def at_scale(self, scale: float) -> "SimulatedStage":
        """Return the stage on an input of `scale` times the size."""
        if scale == 1.0:
            return self
        work, data = scale**self.growth.work, scale**self.growth.data
        return replace(
            self,
            spark_task_count=max(
                1, round(self.spark_task_count * scale**self.growth.spark_task_count)
            ),
            cpu_s=self.cpu_s * work,
            memory_bytes=self.memory_bytes * scale**self.growth.memory,
            input_bytes=self.input_bytes * data,
            output_bytes=self.output_bytes * data,
            shuffle_read_bytes=self.shuffle_read_bytes * data,
            shuffle_write_bytes=self.shuffle_write_bytes * data,
            cached_bytes=self.cached_bytes * data,
        )


@dataclass(frozen=True, slots=True)
class SimulatedSparkJob:
    """One spark job: starts `driver_s` after all of `after_ids` ended.

    Attributes:
        after_ids: spark jobs that the driver waits for; None means the one listed before.
        driver_s: what the driver does alone before: planning, listing files, collecting.
        driver_growth: exponent of `driver_s` against the size of the input.
        sql_execution_id: the SQL execution it belongs to; None for RDD code.
    """

    spark_job_id: int
    driver_s: float = 0.0
    sql_execution_id: int | None = None
    after_ids: tuple[int, ...] | None = None
    driver_growth: float = 0.0


@dataclass(frozen=True, slots=True)
class SimulatedSql:
    """One SQL execution; its plan is drawn from the operators of its stages.

    Attributes:
        source: location under which its leaves read; no query text.
    """

    sql_execution_id: int
    description: str
    source: str = "s3://warehouse"


@dataclass(frozen=True, slots=True)
class Workload:
    """An application: its spark jobs and stages, and what the driver does around them.

    Attributes:
        code_version: changes with the code; it becomes part of the SQL plans.
        start_s: between the application's start and its first spark job.
        end_s: between its last spark job and its end.
    """

    name: str
    stages: tuple[SimulatedStage, ...]
    spark_jobs: tuple[SimulatedSparkJob, ...]
    sql_executions: tuple[SimulatedSql, ...] = ()
    code_version: str = "1"
    start_s: float = 5.0
    end_s: float = 1.0

    def __post_init__(self) -> None:
        stage_ids = [stage.stage_id for stage in self.stages]
        spark_job_ids = [each.spark_job_id for each in self.spark_jobs]
        sql_ids = [each.sql_execution_id for each in self.sql_executions]
        self._refuse(_repeated(stage_ids, spark_job_ids, sql_ids), "stands there twice")
        used = {stage.spark_job_id for stage in self.stages}
        self._refuse(used - {*spark_job_ids}, "is a spark job of a stage, but not listed")
        self._refuse({*spark_job_ids} - used, "is a spark job without a stage")
        named = {each.sql_execution_id for each in self.spark_jobs} - {None}
        self._refuse(named - {*sql_ids}, "is a SQL execution of a spark job, but not listed")
        self._refuse(_not_before(self.stages), "is read by a stage listed before it, or by none")
        self._refuse(_waits_for_later(self.spark_jobs), "is waited for by an earlier spark job")
        if not self.stages:
            raise InvalidInput(f"Workload {self.name!r} has no stage. Give it at least one.")

    def _refuse(self, wrong: set[int] | set[int | None], fault: str) -> None:
        if wrong:
            first = min(map(str, wrong))
            raise InvalidInput(
                f"Workload {self.name!r} contradicts itself: {first} {fault}. "
                "Correct the workload."
            )

    def at_scale(self, scale: float) -> "Workload":
        """Return the workload on an input of `scale` times the size; raises InvalidInput."""
        if not (isfinite(scale) and scale > 0):
            raise InvalidInput(f"An input scale is above 0; got {scale}. Correct the conditions.")
        return replace(
            self,
            stages=tuple(stage.at_scale(scale) for stage in self.stages),
            spark_jobs=tuple(
                replace(each, driver_s=each.driver_s * scale**each.driver_growth)
                for each in self.spark_jobs
            ),
        )

    def predecessors(self) -> dict[int, tuple[int, ...]]:
        """Return for each spark job those it waits for."""
        ids = [each.spark_job_id for each in self.spark_jobs]
        before = [(), *((spark_job_id,) for spark_job_id in ids)]
        return {
            each.spark_job_id: before[n] if each.after_ids is None else each.after_ids
            for n, each in enumerate(self.spark_jobs)
        }


def _numbers(stage: SimulatedStage) -> list[tuple[str, float]]:
    return [
        (each.name, value)
        for each in fields(stage)
        if isinstance(value := getattr(stage, each.name), float)
    ]


def _repeated(*lists: Sequence[int]) -> set[int]:
    return {number for ids in lists for number in ids if ids.count(number) > 1}


def _not_before(stages: Sequence[SimulatedStage]) -> set[int]:
    """Return stage IDs that a stage reads although they do not stand before it."""
    seen: set[int] = set()
    wrong: set[int] = set()
    for stage in stages:
        sources = {*stage.parent_ids, *({stage.cache_source_id} - {None})}
        wrong |= {source for source in sources if source is not None and source not in seen}
        seen.add(stage.stage_id)
    return wrong


def _waits_for_later(spark_jobs: Sequence[SimulatedSparkJob]) -> set[int]:
    seen: set[int] = set()
    wrong: set[int] = set()
    for each in spark_jobs:
        wrong |= {*(each.after_ids or ())} - seen
        seen.add(each.spark_job_id)
    return wrong
