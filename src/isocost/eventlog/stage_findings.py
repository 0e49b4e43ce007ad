"""A run profile and thresholds in, what could be changed about its stages out.

Each rule gives one finding about all the stages it matches: a loop that runs the same stage a
hundred times has one problem, not a hundred.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from isocost.domain.finding import Finding, FindingCode
from isocost.domain.profile import QUANTILE_LEVELS, RunProfile, StageProfile
from isocost.eventlog.thresholds import Thresholds
from isocost.units import BYTES_PER_GIB, MS_PER_S, PERCENT

_MEDIAN = QUANTILE_LEVELS.index(0.5)


@dataclass(frozen=True, slots=True)
class Match:
    """A stage that a rule matches, and how much of the runtime it costs."""

    stage: StageProfile
    cost_s: float

    @property
    def name(self) -> str:
        """The stage's ID as Spark's web page shows it."""
        suffix = f".{self.stage.attempt_id}" if self.stage.attempt_id else ""
        return f"stage {self.stage.stage_id}{suffix}"


@dataclass(frozen=True, slots=True)
class Rule:
    """The fixed part of a finding."""

    code: FindingCode
    advice: str
    threshold: str


_SKEW = Rule(
    FindingCode.SKEW,
    "Look for a key that holds most rows and salt, split or filter it; for joins turn on adaptive "
    "skew handling.",
    "skew_ratio",
)
_SPILL = Rule(
    FindingCode.SPILL,
    "Give each core more memory, or use more partitions so that each holds less.",
    "spill_ratio",
)
_SMALL_TASKS = Rule(
    FindingCode.SMALL_TASKS,
    "Use fewer partitions: coalesce, lower spark.sql.shuffle.partitions, or let adaptive "
    "execution merge them.",
    "small_task_s",
)
_FEW_TASKS = Rule(
    FindingCode.FEW_TASKS,
    "Use more partitions (repartition, spark.sql.shuffle.partitions, splittable files), or fewer "
    "cores.",
    "tasks_per_slot",
)
_LONG_STAGE = Rule(
    FindingCode.LONG_STAGE,
    "Start here: what this stage reads, joins and writes decides the runtime.",
    "long_stage_fraction",
)
_RETRIES = Rule(
    FindingCode.STAGE_RETRIES,
    "See why executors left; on spot capacity, decommissioning with shuffle migration or an "
    "external shuffle service keeps outputs.",
    "stage_share",
)


def skew(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find stages on the critical path that wait for a few long spark tasks."""
    found = [
        Match(stage, stage.durations.quantiles_s[-1] - stage.durations.quantiles_s[_MEDIAN])
        for stage in _critical(profile)
        if stage.durations.count > 1
        and stage.durations.quantiles_s[-1]
        >= limits.skew_ratio * stage.durations.quantiles_s[_MEDIAN]
    ]
    if worst := _worst(found, profile, limits):
        quantiles = worst.stage.durations.quantiles_s
        numbers = {"longest_s": quantiles[-1], "median_s": quantiles[_MEDIAN]}
        message = (
            f"{_many(found, 'waits', 'wait')} for a few long spark tasks: in {worst.name} the "
            f"longest takes {quantiles[-1]:.1f} s, the median one {quantiles[_MEDIAN]:.1f} s."
        )
        yield _finding(_SKEW, message, numbers, about=_About(found, profile, limits))


def spill(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find stages that write to disk what does not fit in memory."""
    found = [
        Match(stage, _seconds(stage))
        for stage in _timed(profile)
        if stage.totals.disk_spilled_bytes > limits.spill_ratio * _read_bytes(stage)
    ]
    if worst := _worst(found, profile, limits):
        spilled, read = worst.stage.totals.disk_spilled_bytes, _read_bytes(worst.stage)
        message = (
            f"{_many(found, 'spills', 'spill')} to disk: {worst.name} wrote "
            f"{spilled / BYTES_PER_GIB:.1f} GiB to read {read / BYTES_PER_GIB:.1f} GiB."
        )
        numbers = {"disk_spilled_bytes": spilled, "read_bytes": read}
        yield _finding(_SPILL, message, numbers, about=_About(found, profile, limits))


def small_tasks(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find stages cut into so many spark tasks that launching them is most of the work."""
    slots = max(1.0, profile.core_count_peak * profile.slots_per_core)
    found = [
        Match(stage, _seconds(stage))
        for stage in _timed(profile)
        if stage.durations.count >= limits.many_tasks_per_slot * slots
        and stage.durations.quantiles_s[_MEDIAN] < limits.small_task_s
    ]
    if worst := _worst(found, profile, limits):
        median_s = worst.stage.durations.quantiles_s[_MEDIAN]
        count = worst.stage.durations.count
        message = (
            f"{_many(found, 'has', 'have')} many small spark tasks: {worst.name} runs {count} of "
            f"{median_s * MS_PER_S:.0f} ms in the median on {slots:.0f} slots."
        )
        numbers = {"task_count": count, "median_s": median_s, "slot_count": slots}
        yield _finding(_SMALL_TASKS, message, numbers, about=_About(found, profile, limits))


def few_tasks(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find stages on the critical path with fewer spark tasks than there are slots."""
    slots = profile.core_count_peak * profile.slots_per_core
    # Between one and two spark tasks a slot, the second wave may still be a short one.
    enough = slots * limits.tasks_per_slot / 2
    found = [
        Match(stage, _working_s(stage) * (1 - stage.expected_task_count / enough))
        for stage in _critical(profile)
        if slots > 1 and stage.expected_task_count < enough
    ]
    if worst := _worst(found, profile, limits):
        count = worst.stage.expected_task_count
        message = (
            f"{_many(found, 'has', 'have')} fewer spark tasks than there are slots: {worst.name} "
            f"has {count} for {slots:.0f}."
        )
        numbers = {"task_count": float(count), "slot_count": slots}
        yield _finding(_FEW_TASKS, message, numbers, about=_About(found, profile, limits))


def long_stage(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find a stage that is most of the runtime."""
    found = [
        Match(stage, _seconds(stage))
        for stage in _timed(profile)
        if _seconds(stage) >= limits.long_stage_fraction * profile.runtime_s
    ]
    if worst := _worst(found, profile, limits):
        share = _seconds(worst.stage) / profile.runtime_s
        message = (
            f"{worst.name.capitalize()} takes {_seconds(worst.stage):.1f} s, "
            f"{share * PERCENT:.0f} % of the runtime."
        )
        numbers = {"stage_s": _seconds(worst.stage), "runtime_s": profile.runtime_s}
        yield _finding(_LONG_STAGE, message, numbers, about=_About([worst], profile, limits))


def retries(profile: RunProfile, limits: Thresholds) -> Iterator[Finding]:
    """Find stages that ran again, whatever it cost."""
    found = [Match(s, _seconds(s)) for s in profile.stages if s.attempt_id > 0]
    if found:
        message = (
            f"{_many(found, 'is a repetition', 'are repetitions')}: outputs of the attempt before "
            "were lost."
        )
        numbers = {"stage_count": float(len(found))}
        yield _finding(_RETRIES, message, numbers, about=_About(found, profile, limits))


@dataclass(frozen=True, slots=True)
class _About:
    """What a finding is about."""

    found: Sequence[Match]
    profile: RunProfile
    limits: Thresholds


def _finding(rule: Rule, message: str, numbers: Mapping[str, float], *, about: _About) -> Finding:
    cost_s = sum(match.cost_s for match in about.found)
    worst = max(about.found, key=lambda match: match.cost_s)
    return Finding(
        code=rule.code,
        message=message,
        advice=rule.advice,
        weight=min(1.0, cost_s / about.profile.runtime_s),
        numbers={"stage_count": float(len(about.found)), "cost_s": cost_s, **numbers},
        threshold=rule.threshold,
        limit=getattr(about.limits, rule.threshold),
        stage_id=worst.stage.stage_id,
        attempt_id=worst.stage.attempt_id,
    )


def _worst(found: Sequence[Match], profile: RunProfile, limits: Thresholds) -> Match | None:
    """Return the dearest match if all together cost enough to be worth a word."""
    if sum(match.cost_s for match in found) < limits.stage_share * profile.runtime_s:
        return None
    return max(found, key=lambda match: match.cost_s, default=None)


def _many(found: Sequence[Match], one: str, several: str) -> str:
    return f"A stage {one}" if len(found) == 1 else f"{len(found)} stages {several}"


def _timed(profile: RunProfile) -> list[StageProfile]:
    """Return the stages that took time and ended spark tasks."""
    return [s for s in profile.stages if s.durations.count and _seconds(s) > 0]


def _critical(profile: RunProfile) -> list[StageProfile]:
    """Return those of them that the runtime waited for."""
    on_path = {(step.stage_id, step.attempt_id) for step in profile.critical_path}
    return [s for s in _timed(profile) if (s.stage_id, s.attempt_id) in on_path]


def _working_s(stage: StageProfile) -> float:
    """Return the time from the first launch on; before it the stage waits for others' slots."""
    if stage.first_launch_s is None or stage.last_finish_s is None:
        return _seconds(stage)
    return stage.last_finish_s - stage.first_launch_s


def _seconds(stage: StageProfile) -> float:
    if stage.submitted_s is None or stage.completed_s is None:
        return 0.0
    return max(0.0, stage.completed_s - stage.submitted_s)


def _read_bytes(stage: StageProfile) -> int:
    return stage.totals.input_bytes + stage.totals.shuffle_read_bytes
