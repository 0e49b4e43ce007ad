"""Experiments: a plan of the Job Bank, its trials and their life-cycles.

trial:  queued ──lease──▶ running ──finish──▶ succeeded
▲                 │ └───give_up──▶ set aside
└────interrupt────┘
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Final

from isocost.domain.cluster import ClusterSpec
from isocost.domain.lifecycle import advance
from isocost.errors import InvalidInput

# A deadline beyond this many runtimes is none; the bound also keeps every deadline finite.
MAX_SLA_FACTOR: Final = 1e6

# Names become parts of file names, so they hold nothing a file system or a shell could misread.
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class TrialState(Enum):
    """Where a trial stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    SET_ASIDE = "set_aside"


class TrialEvent(Enum):
    """What can happen to a trial."""

    LEASE = "lease"
    INTERRUPT = "interrupt"
    FINISH = "finish"
    GIVE_UP = "give_up"


NEXT_TRIAL_STATE: Final[Mapping[tuple[TrialState, TrialEvent], TrialState]] = {
    (TrialState.QUEUED, TrialEvent.LEASE): TrialState.RUNNING,
    (TrialState.RUNNING, TrialEvent.INTERRUPT): TrialState.QUEUED,
    (TrialState.RUNNING, TrialEvent.FINISH): TrialState.SUCCEEDED,
    (TrialState.RUNNING, TrialEvent.GIVE_UP): TrialState.SET_ASIDE,
}


@dataclass(frozen=True, slots=True)
class ColdStart:
    """The cluster a trial begins on, and the deadline it is given: by either way, or none.

    Attributes:
        sla_factor: the deadline is this factor times the cold start's own runtime; below 1 the
            job is late today, above 1 it has slack to be traded for money.
        max_runtime_s: the deadline itself.
    """

    spec: ClusterSpec
    sla_factor: float | None = None
    max_runtime_s: float | None = None

    def __post_init__(self) -> None:
        if self.sla_factor is not None and self.max_runtime_s is not None:
            raise InvalidInput(
                f"A deadline was given twice: {self.sla_factor} times the first runtime, and "
                f"{self.max_runtime_s} s. Give one of the two."
            )
        if self.sla_factor is not None and not 0 < self.sla_factor <= MAX_SLA_FACTOR:
            raise InvalidInput(
                f"An SLA factor must be above 0 and at most {MAX_SLA_FACTOR:.0f}; got "
                f"{self.sla_factor}. Give the deadline as a multiple of the first run's runtime."
            )


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """What an experiment does: every workload from every cold start.

    Attributes:
        runs_per_trial: parent included; 2 means parent → recommendation → child.
        miss_fraction: how often the deadline may be missed.
        goal: a trial is over once a run on this cluster has succeeded; for measuring a search
            whose best answer is known.
    """

    platform: str
    workloads: tuple[str, ...]
    cold_starts: tuple[ColdStart, ...]
    runs_per_trial: int
    miss_fraction: float
    goal: ClusterSpec | None = None

    def __post_init__(self) -> None:
        if not self.workloads or not self.cold_starts:
            raise InvalidInput("An experiment needs at least one workload and one cold start.")
        if self.runs_per_trial < 1:
            raise InvalidInput(
                f"A trial needs at least 1 run; got {self.runs_per_trial}. "
                "Ask for 2 or more to see a recommendation tried."
            )
        if not 0 < self.miss_fraction < 1:
            raise InvalidInput(
                f"A miss fraction lies between 0 and 1, both exclusive; got {self.miss_fraction}."
            )


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named plan that trials were made from."""

    name: str
    plan: ExperimentPlan
    created_at: datetime

    def __post_init__(self) -> None:
        check_experiment_name(self.name)


def check_experiment_name(name: str) -> None:
    """Raise InvalidInput if an experiment cannot be called so."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot name an experiment: use 1 to 64 letters, digits, dots, dashes and "
            "underscores, the first of them a letter or digit."
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """One project carried through an experiment.

    Attributes:
        ordinal: the trial's place in the experiment, from 0.
        failure: why it was set aside.
        abstentions: why the model declined to recommend, by the run it was asked after.
    """

    trial_id: str
    experiment: str
    ordinal: int
    project_id: str
    workload: str
    cold_start: ColdStart
    state: TrialState = TrialState.QUEUED
    failure: str | None = None
    abstentions: Mapping[str, str] = field(default_factory=dict)

    def after(self, event: TrialEvent, *, failure: str | None = None) -> "Trial":
        """Return this trial once `event` has happened; raises IllegalTransition."""
        state = advance(NEXT_TRIAL_STATE, self.state, event)
        return replace(self, state=state, failure=failure)

    def with_abstention(self, run_id: str, reason: str) -> "Trial":
        """Return this trial, knowing that the model declined after `run_id`."""
        return replace(self, abstentions={**self.abstentions, run_id: reason})

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to this trial."""
        return self.state in {TrialState.SUCCEEDED, TrialState.SET_ASIDE}
