"""What happens to a recurring application over the calendar, and what holds for one run."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import isfinite
from typing import Final

from isocost.errors import InvalidInput
from isocost.simulator.workload import SimulatedStage, Workload

# Repeated runs of one job on one cluster: 1.6 % robust sd in C3O's data (5 repetitions each), up
# to some 10 % on shared hardware; see the range asked for in docs/explanation/simulator.md.
DEFAULT_NOISE_CV: Final = 0.03


@dataclass(frozen=True, slots=True)
class RunConditions:
    """What holds for one run.

    Attributes:
        input_scale: size of the input against the workload's own.
        noise_cv: coefficient of variation of the runtime of repeated runs (0.01 to 0.10).
        spot_losses_per_node_hour: how often the cloud takes a spot node away.
        slowdown: 1.0, or how many times slower the platform is today (a bad object store, noisy
            neighbours).
        is_capacity_missing: the cloud has no machines to give: the run fails before Spark starts.
    """

    input_scale: float = 1.0
    noise_cv: float = DEFAULT_NOISE_CV
    spot_losses_per_node_hour: float = 0.0
    slowdown: float = 1.0
    is_capacity_missing: bool = False

    def __post_init__(self) -> None:
        numbers = (self.input_scale, self.slowdown, self.noise_cv, self.spot_losses_per_node_hour)
        is_sound = all(isfinite(number) and number >= 0 for number in numbers)
        if not is_sound or min(self.input_scale, self.slowdown) <= 0:
            raise InvalidInput(
                "A run's input scale and slowdown are above 0, its noise and spot losses 0 or "
                f"more; got {self}. Correct the conditions."
            )


@dataclass(frozen=True, slots=True)
class SizeJump:
    """From `at` on, the input is `factor` times as large."""

    at: datetime
    factor: float


@dataclass(frozen=True, slots=True)
class Episode:
    """Trouble between two dates: spot losses, or a slow platform."""

    begin_at: datetime
    end_at: datetime
    spot_losses_per_node_hour: float = 0.0
    slowdown: float = 1.0


@dataclass(frozen=True, slots=True)
class CodeChange:
    """From `at` on, the application is another: its work changes by these factors.

    Attributes:
        added_operator: name of a SQL operator that the new code adds to the last stage of each
            SQL execution; empty for none.
    """

    at: datetime
    code_version: str
    work_factor: float = 1.0
    data_factor: float = 1.0
    memory_factor: float = 1.0
    added_operator: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A recurring application's life: how its input, its code and its surroundings change.

    Attributes:
        begin_at: when the input had the workload's own size.
        drift_per_day: growth of the input, as a fraction a day, compounded.
        weekday_factors: size of the input from Monday to Sunday, against the mean.
    """

    begin_at: datetime
    drift_per_day: float = 0.0
    weekday_factors: tuple[float, ...] = (1.0,) * 7
    jumps: tuple[SizeJump, ...] = ()
    code_changes: tuple[CodeChange, ...] = ()
    episodes: tuple[Episode, ...] = ()
    noise_cv: float = DEFAULT_NOISE_CV
    spot_losses_per_node_hour: float = 0.0

    def __post_init__(self) -> None:
        if len(self.weekday_factors) != 7:
            raise InvalidInput(
                f"A week has 7 factors, Monday first; got {len(self.weekday_factors)}. "
                "Correct the scenario."
            )

    def conditions_at(self, when: datetime) -> RunConditions:
        """Return what holds for a run that is requested at `when`."""
        days = (when - self.begin_at) / timedelta(days=1)
        scale = (1.0 + self.drift_per_day) ** days * self.weekday_factors[when.weekday()]
        for jump in self.jumps:
            scale *= jump.factor if when >= jump.at else 1.0
        troubles = [each for each in self.episodes if each.begin_at <= when < each.end_at]
        losses = [each.spot_losses_per_node_hour for each in troubles]
        return RunConditions(
            input_scale=scale,
            noise_cv=self.noise_cv,
            spot_losses_per_node_hour=max([self.spot_losses_per_node_hour, *losses]),
            slowdown=max([1.0, *(each.slowdown for each in troubles)]),
        )

    def workload_at(self, workload: Workload, when: datetime) -> Workload:
        """Return the application as its code is at `when`; changes apply in order of date."""
        for change in sorted(self.code_changes, key=lambda each: each.at):
            if when >= change.at:
                workload = _changed(workload, change)
        return workload


def _changed(workload: Workload, change: CodeChange) -> Workload:
    sql_of = {each.spark_job_id: each.sql_execution_id for each in workload.spark_jobs}
    last_of = {sql_of[stage.spark_job_id]: stage.stage_id for stage in workload.stages}
    return replace(
        workload,
        code_version=change.code_version,
        stages=tuple(
            _changed_stage(stage, change, is_last=stage.stage_id in last_of.values())
            for stage in workload.stages
        ),
    )


def _changed_stage(stage: SimulatedStage, change: CodeChange, *, is_last: bool) -> SimulatedStage:
    added = (change.added_operator,) if is_last and change.added_operator else ()
    return replace(
        stage,
        cpu_s=stage.cpu_s * change.work_factor,
        memory_bytes=stage.memory_bytes * change.memory_factor,
        shuffle_read_bytes=stage.shuffle_read_bytes * change.data_factor,
        shuffle_write_bytes=stage.shuffle_write_bytes * change.data_factor,
        operators=(*stage.operators, *added),
    )
