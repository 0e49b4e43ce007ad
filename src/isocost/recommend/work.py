"""A run profile in; the work it did, counted once and on a common kind of core, out.

Lost executors make spark tasks run twice and caches be filled again, faster cores need fewer
seconds, and a cluster with little memory reads again what fell out of its cache. None of this is
other work, so all of it is taken out before two runs are compared.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from isocost.domain.cluster import NodeType
from isocost.domain.profile import RemovalCause, RunProfile, StageProfile, StageStatus
from isocost.model.points import REFERENCE_COREMARK

# A stage's input may differ by this much more than the application's before it is held to have
# read something else, such as what had fallen out of a cache. Twice the weekdays' factors.
SAME_READ_LOG: Final = 0.12
# Executors that left for these reasons were taken away by the cloud.
_TAKEN: Final = frozenset({RemovalCause.SPOT_LOSS, RemovalCause.NODE_LOST})

_StageKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class StageWork:
    """One stage as if each of its spark tasks had run once; seconds are of a reference core."""

    cpu_s: float
    run_s: float
    read_bytes: float


@dataclass(frozen=True, slots=True)
class Work:
    """What an application did.

    Attributes:
        stages: by name and number among those of that name.
        read_bytes: its input, without what a full cache made it read again; 0.0 if not known.
        run_s: of all spark tasks, those included that ran in vain or twice.
        driver_s: of a reference core, while no stage ran.
        cores: mean number over the runtime.
        taken_count: executors that the cloud took away.
        is_cpu_known: False if the Spark version records no CPU time.
    """

    stages: Mapping[_StageKey, StageWork]
    read_bytes: float
    run_s: float
    driver_s: float
    cores: float
    taken_count: int
    is_cpu_known: bool

    @property
    def once_run_s(self) -> float:
        """Of all spark tasks, each counted once."""
        return sum(stage.run_s for stage in self.stages.values())


@dataclass(frozen=True, slots=True)
class WorkRatio:
    """Logarithms of one run's work over another's, each less that of the inputs.

    Attributes:
        cpu, run: over the stages that read alike; None where there is too little to compare.
        whole_run: over all, in vain or not.
        driver: None where either driver did too little to measure.
    """

    cpu: float | None
    run: float | None
    whole_run: float
    driver: float | None


# Starting an application takes some seconds of any driver; differences within them say nothing.
LEAST_DRIVER_S: Final = 3.0


def work_of(profile: RunProfile, node_type: NodeType) -> Work:
    """Return the work of a run whose workers are of this type."""
    speed = (node_type.coremark or 0.0) / node_type.cores / REFERENCE_COREMARK or 1.0
    stages = _stages(profile, speed)
    spans = profile.executors
    alive_core_s = sum(
        ((profile.runtime_s if s.removed_s is None else s.removed_s) - max(0.0, s.added_s))
        * s.cores
        for s in spans
    )
    return Work(
        stages=stages,
        read_bytes=_read_bytes(profile, stages),
        run_s=speed * sum(stage.totals.executor_run_s for stage in profile.stages),
        driver_s=speed * profile.driver_s,
        cores=alive_core_s / profile.runtime_s if profile.runtime_s > 0 else 0.0,
        taken_count=sum(span.removal_cause in _TAKEN for span in spans),
        is_cpu_known=profile.is_cpu_known,
    )


def input_bytes_of(profile: RunProfile) -> int | None:
    """Return what the application read, without what a cache made it read again; None of none.

    A log's own total grows where a cluster's memory holds less of a cache, which would look like
    more data to whoever learns from it.
    """
    return round(_read_bytes(profile, _stages(profile, speed=1.0))) or None


def ratio(mine: Work, other: Work) -> WorkRatio:
    """Return the logarithms of this run's work over another's."""
    log_read = _log_over(mine.read_bytes, other.read_bytes) or 0.0
    alike = [
        (stage, other.stages[key])
        for key, stage in mine.stages.items()
        if key in other.stages and _reads_alike(stage, other.stages[key], log_read)
    ]
    cpu = _log_over(sum(a.cpu_s for a, _ in alike), sum(b.cpu_s for _, b in alike))
    run = _log_over(sum(a.run_s for a, _ in alike), sum(b.run_s for _, b in alike))
    is_cpu_known = mine.is_cpu_known and other.is_cpu_known
    has_driver = min(mine.driver_s, other.driver_s) >= LEAST_DRIVER_S
    return WorkRatio(
        cpu=cpu - log_read if cpu is not None and is_cpu_known else None,
        run=run - log_read if run is not None else None,
        whole_run=(_log_over(mine.run_s, other.run_s) or 0.0) - log_read,
        driver=_log_over(mine.driver_s, other.driver_s) if has_driver else None,
    )


def _stages(profile: RunProfile, speed: float) -> dict[_StageKey, StageWork]:
    attempts: dict[int, list[StageProfile]] = defaultdict(list)
    for stage in profile.stages:
        attempts[stage.stage_id].append(stage)
    counts: dict[str, int] = defaultdict(int)
    stages = {}
    for stage_id in sorted(attempts):
        first = min(attempts[stage_id], key=lambda each: each.attempt_id)
        found = _once(attempts[stage_id], first.expected_task_count, speed)
        if found is not None:
            stages[first.name, counts[first.name]] = found
        counts[first.name] += 1
    return stages


def _once(stages: Sequence[StageProfile], expected: int, speed: float) -> StageWork | None:
    """Return what the spark tasks of a stage did that count; None if none succeeded."""
    ended = sum(stage.durations.count for stage in stages)
    whole_s = sum(stage.totals.duration_s for stage in stages)
    is_whole = any(stage.status is StageStatus.SUCCEEDED for stage in stages)
    if not ended or whole_s <= 0 or not is_whole:
        return None
    share = sum(stage.durations.total_s for stage in stages) / whole_s
    part = min(1.0, share) * expected / ended
    return StageWork(
        cpu_s=speed * part * sum(stage.totals.executor_cpu_s for stage in stages),
        run_s=speed * part * sum(stage.totals.executor_run_s for stage in stages),
        read_bytes=part * sum(stage.totals.input_bytes for stage in stages),
    )


def _read_bytes(profile: RunProfile, stages: Mapping[_StageKey, StageWork]) -> float:
    """Return the size of the input.

    With a cache, it is what one stage read most: later ones read again what did not fit.
    """
    reads = [stage.read_bytes for stage in stages.values()]
    return max(reads, default=0.0) if profile.cached_rdds else sum(reads)


def _reads_alike(mine: StageWork, other: StageWork, log_read: float) -> bool:
    apart = _log_over(mine.read_bytes, other.read_bytes)
    if apart is None:
        return not mine.read_bytes and not other.read_bytes
    return abs(apart - log_read) <= SAME_READ_LOG


def _log_over(mine: float, other: float) -> float | None:
    return log(mine / other) if mine > 0 and other > 0 else None
