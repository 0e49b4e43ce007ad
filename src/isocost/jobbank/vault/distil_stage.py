"""One stage of a run profile in, the simulator's stage out, without what the simulator adds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from isocost.domain.profile import Operator, OperatorKind, StageProfile
from isocost.simulator import physics
from isocost.simulator.workload import SimulatedStage

# Half to nearly all of a query's CPU time is in operators that Photon has; the simulated
# workspace's own applications have 0.5 to 0.7.
_PHOTON_FRACTION: Final = 0.6
# Compiling leaves at least this part of what spark tasks of milliseconds spent on the CPU.
_LEAST_WORK_FRACTION: Final = 0.1
# Fewer or shorter spark tasks than these say nothing about skew: a pause of the garbage
# collector is as long.
_LEAST_SKEW_TASKS: Final = 4
_LEAST_SKEW_S: Final = 0.2
# Accumulators that the simulator's logs keep for a stage's operators: 3 each of 64.
_MOST_OPERATORS: Final = 16
_DIGITS: Final = 6
# From the leaf up.
_ORDER: Final = (
    OperatorKind.SCAN,
    OperatorKind.OTHER,
    OperatorKind.PYTHON,
    OperatorKind.JOIN,
    OperatorKind.AGGREGATE,
    OperatorKind.WINDOW,
    OperatorKind.SORT,
    OperatorKind.WRITE,
)
# What a plan has between stages or around operators.
_PLUMBING: Final = frozenset({
    "WholeStageCodegen",
    "ColumnarToRow",
    "InputAdapter",
    "RowToColumnar",
})


@dataclass(frozen=True, slots=True)
class Recorder:
    """What the stage was recorded with.

    Attributes:
        slot_count: spark tasks that ran at once.
        cpu_speed: of one core against the simulator's reference machine.
    """

    slot_count: int
    cpu_speed: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stage stands in its application.

    Attributes:
        spark_job_ids: of every stage that is kept, by its number.
        cached_bytes: that the stage leaves in storage memory.
        cache_source_id: stage that cached what this one reads.
    """

    parent_ids: tuple[int, ...]
    spark_job_id: int
    cached_bytes: float
    cache_source_id: int | None


def stage_from_profile(stage: StageProfile, place: Place, recorder: Recorder) -> SimulatedStage:
    """Return what the stage asks of any cluster."""
    totals = stage.totals
    is_python = runs_python(stage)
    photon_fraction = _PHOTON_FRACTION if _is_sql(stage) and not is_python else 0.0
    count = max(1, stage.expected_task_count or stage.task_count)
    # The totals hold attempts that failed or ran twice, and lack those that an attempt of the
    # stage before this one had ended; a run without failures has each spark task once.
    once = count / max(1, stage.task_count)
    work_s = once * busy_s(stage, is_python=is_python) * recorder.cpu_speed
    if any(operator.is_photon for operator in stage.operators):
        work_s /= 1.0 - photon_fraction * (1.0 - 1.0 / physics.PHOTON_GAIN)
    is_cached = place.cache_source_id is not None
    return SimulatedStage(
        stage_id=stage.stage_id,
        spark_job_id=place.spark_job_id,
        name=_name(stage),
        spark_task_count=count,
        cpu_s=rounded(work_without_warm_up_s(work_s, count, recorder.slot_count)),
        parent_ids=place.parent_ids,
        # Spark counts blocks that come from storage memory as input, too.
        input_bytes=0.0 if is_cached else rounded(once * totals.input_bytes),
        output_bytes=rounded(once * totals.output_bytes),
        shuffle_read_bytes=rounded(once * totals.shuffle_read_bytes),
        shuffle_write_bytes=rounded(once * totals.shuffle_write_bytes),
        memory_bytes=rounded(stage.peak_execution_memory_bytes or 0),
        skew=rounded(skew_of(stage.durations.values_s, recorder.slot_count)),
        photon_fraction=photon_fraction,
        cached_bytes=rounded(place.cached_bytes),
        cache_source_id=place.cache_source_id,
        operators=operator_names(stage.operators),
    )


def busy_s(stage: StageProfile, *, is_python: bool) -> float:
    """Return for how long the spark tasks kept a core busy, Python's part included.

    Spark counts the CPU time of the executor's own threads; where a Python worker does the work,
    only the run time tells of it.
    """
    totals = stage.totals
    waits_s = totals.gc_s + totals.shuffle_fetch_wait_s + totals.shuffle_write_s
    at_most_s = max(0.0, totals.executor_run_s - waits_s)
    if is_python or not stage.is_cpu_known:
        return at_most_s
    return min(totals.executor_cpu_s, totals.executor_run_s)


def runs_python(stage: StageProfile) -> bool:
    """Say whether Python workers did the stage's work: by an operator, or as an RDD of pyspark."""
    if any(operator.kind is OperatorKind.PYTHON for operator in stage.operators):
        return True
    # Call sites of pyspark's RDDs name a Python file; SQL's do so too where rows are collected.
    return not _is_sql(stage) and ".py:" in stage.name


def work_without_warm_up_s(work_s: float, count: int, slot_count: int) -> float:
    """Return the stage's CPU seconds once its code is compiled: the simulator adds the rest.

    The n-th spark task of a slot pays the n-th part, as in `physics.warm_up_s`; so the recorded
    mean per spark task is c + m·min(fixed + factor·c, most), and that is solved for c.
    """
    runs = np.arange(1, max(1, round(count / slot_count)) + 1)
    m = float(np.mean(runs**-physics.WARM_UP_DECAY))
    mean_s = work_s / count
    fixed, factor, most = (
        physics.WARM_UP_FIXED_S,
        physics.WARM_UP_FACTOR,
        physics.WARM_UP_MOST_S,
    )
    growing = (mean_s - m * fixed) / (1.0 + m * factor)
    compiled = growing if fixed + factor * growing < most else mean_s - m * most
    return count * max(compiled, _LEAST_WORK_FRACTION * mean_s)


def skew_of(durations_s: Sequence[float], slot_count: int) -> float:
    """Return longest over median spark task; the first on each slot, which compile, left out."""
    later = durations_s[slot_count:]
    if len(later) < _LEAST_SKEW_TASKS or max(later) < _LEAST_SKEW_S:
        return 1.0
    median = float(np.median(later))
    return max(1.0, max(later) / median) if median > 0 else 1.0


def operator_names(operators: Sequence[Operator]) -> tuple[str, ...]:
    """Return the operators' names from the leaf up, plumbing left out."""
    place: Mapping[OperatorKind, int] = {kind: n for n, kind in enumerate(_ORDER)}
    kept = [o for o in operators if o.kind in place and o.name not in _PLUMBING]
    ordered = sorted(kept, key=lambda o: (place[o.kind], o.name))
    return tuple(o.name.removeprefix("Photon") for o in ordered)[:_MOST_OPERATORS]


def rounded(amount: float) -> float:
    """Return an amount with six digits: more would only be noise in the file."""
    return float(f"{amount:.{_DIGITS}g}")


def _is_sql(stage: StageProfile) -> bool:
    return stage.sql_execution_id is not None


def _name(stage: StageProfile) -> str:
    """Return what the stage does; a call site names files of whoever recorded it."""
    kinds = {operator.kind for operator in stage.operators}
    words = [kind.value for kind in _ORDER if kind in kinds and kind is not OperatorKind.OTHER]
    call = stage.name.partition(" at ")[0].partition("$")[0].strip()
    return ", ".join(words) or call or "pass on"
