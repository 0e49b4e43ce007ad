"""Experiments: a plan of the Job Bank, its trials and their life-cycles.

trial:       queued ──lease──▶ running ──finish──▶ succeeded
               ▲                 │ └───give_up──▶ set aside
               └────interrupt────┘   or hand_back, which is nobody's fault
experiment:  open ──pause──▶ paused ──resume──▶ open

A trial that is queued or running, and an experiment that is open or paused, may be cancelled.

Cold start, size of data and noise of a trial follow from the plan's seed, so the trials are the
same whoever carries them out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Final

from isocost.domain.cluster import ClusterSpec
from isocost.domain.lifecycle import advance
from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput

# A deadline beyond this many runtimes is none; the bound also keeps every deadline finite.
MAX_SLA_FACTOR: Final = 1e6

# The product's own policy; experiments made before others could be chosen had this one.
ENGINE_POLICY: Final = "engine"
# The platform whose machines, runs and bills are the simulator's.
WORKSPACE: Final = "workspace"
# The platform whose machines are rented for real, by a workspace of the user's.
DATABRICKS: Final = "databricks"
# Three years of a daily job; beyond it, a slip of the finger.
MOST_RUNS: Final = 1000
# A trial whose process died this often is what kills it.
MOST_ATTEMPTS: Final = 3

# Names become parts of file names, so they hold nothing a file system or a shell could misread.
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class TrialState(Enum):
    """Where a trial stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    SET_ASIDE = "set_aside"
    CANCELLED = "cancelled"


class TrialEvent(Enum):
    """What can happen to a trial."""

    LEASE = "lease"
    INTERRUPT = "interrupt"
    HAND_BACK = "hand_back"
    FINISH = "finish"
    GIVE_UP = "give_up"
    CANCEL = "cancel"


NEXT_TRIAL_STATE: Final[Mapping[tuple[TrialState, TrialEvent], TrialState]] = {
    (TrialState.QUEUED, TrialEvent.LEASE): TrialState.RUNNING,
    (TrialState.RUNNING, TrialEvent.INTERRUPT): TrialState.QUEUED,
    (TrialState.RUNNING, TrialEvent.HAND_BACK): TrialState.QUEUED,
    (TrialState.RUNNING, TrialEvent.FINISH): TrialState.SUCCEEDED,
    (TrialState.RUNNING, TrialEvent.GIVE_UP): TrialState.SET_ASIDE,
    (TrialState.QUEUED, TrialEvent.CANCEL): TrialState.CANCELLED,
    (TrialState.RUNNING, TrialEvent.CANCEL): TrialState.CANCELLED,
}


class ExperimentState(Enum):
    """Whether workers may take up trials of an experiment."""

    OPEN = "open"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class ExperimentEvent(Enum):
    """What a person can do to an experiment."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


NEXT_EXPERIMENT_STATE: Final[Mapping[tuple[ExperimentState, ExperimentEvent], ExperimentState]] = {
    (ExperimentState.OPEN, ExperimentEvent.PAUSE): ExperimentState.PAUSED,
    (ExperimentState.PAUSED, ExperimentEvent.RESUME): ExperimentState.OPEN,
    (ExperimentState.OPEN, ExperimentEvent.CANCEL): ExperimentState.CANCELLED,
    (ExperimentState.PAUSED, ExperimentEvent.CANCEL): ExperimentState.CANCELLED,
}


class SlaBasis(Enum):
    """What a deadline is derived from."""

    COLD_START = "cold_start"
    FASTEST = "fastest"
    MINUTES = "minutes"


@dataclass(frozen=True, slots=True)
class SlaRule:
    """How each trial gets its deadline, before its first run.

    Attributes:
        amount: a factor of what the cold start takes, or of what the fastest cluster takes, both
            by the simulator and without noise; or minutes.
    """

    basis: SlaBasis
    amount: float

    def __post_init__(self) -> None:
        if not 0 < self.amount <= MAX_SLA_FACTOR:
            raise InvalidInput(
                f"A deadline's factor or minutes are above 0 and at most {MAX_SLA_FACTOR:.0f}; "
                f"got {self.amount}. Write --sla 1.2, --sla fastest:1.5 or --sla 30min."
            )

    def __str__(self) -> str:
        match self.basis:
            case SlaBasis.COLD_START:
                return f"{self.amount:g}"
            case SlaBasis.FASTEST:
                return f"fastest:{self.amount:g}"
            case SlaBasis.MINUTES:
                return f"{self.amount:g}min"


@dataclass(frozen=True, slots=True)
class ColdShape:
    """What of a workspace's cluster its spec does not say.

    Attributes:
        least_worker_count: it scales by itself from so many workers to the spec's; None where the
            number is fixed.
        is_spot: its workers are spot machines where the cloud has some.
        disk_gib: volumes attached to each worker, in all; 0 for none, which only machines with
            disks of their own can do without.
    """

    least_worker_count: int | None = None
    is_spot: bool = False
    disk_gib: int = 0


@dataclass(frozen=True, slots=True)
class ColdStart:
    """The cluster a trial begins on, and the deadline it is given: by either way, or none.

    Attributes:
        sla_factor: the deadline is this factor times the cold start's own runtime; below 1 the
            job is late today, above 1 it has slack to be traded for money.
        max_runtime_s: the deadline itself.
        shape: what else there is to a workspace's cluster; None on other platforms.
    """

    spec: ClusterSpec
    sla_factor: float | None = None
    max_runtime_s: float | None = None
    shape: ColdShape | None = None

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
    """What an experiment does: every workload from every cold start under every policy.

    Attributes:
        cold_starts: the same for all workloads; empty where each trial has its own, drawn.
        runs_per_trial: parent included; 2 means parent → recommendation → child.
        miss_fraction: how often the deadline may be missed.
        goal: a trial is over once a run on this cluster has succeeded; for measuring a search
            whose best answer is known.
        policies: by name; those of one workload and cold start meet the same luck.
        seed: that all chance follows from.
        sla_rule: None where the cold starts say.
        drawn_count: how many cold starts are drawn for each workload, where none are listed.
        cloud: of workspaces; None on other platforms.
        workspace: the user's word for the real one that it runs in; None elsewhere.
    """

    platform: str
    workloads: tuple[str, ...]
    cold_starts: tuple[ColdStart, ...]
    runs_per_trial: int
    miss_fraction: float
    goal: ClusterSpec | None = None
    policies: tuple[str, ...] = (ENGINE_POLICY,)
    seed: int = 0
    sla_rule: SlaRule | None = None
    drawn_count: int = 0
    cloud: Cloud | None = None
    workspace: str | None = None

    def __post_init__(self) -> None:
        if not self.workloads or not (self.cold_starts or self.drawn_count > 0):
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

    @property
    def is_simulated(self) -> bool:
        """Whether its times come from a simulator, and so are never mixed with measured ones."""
        return self.platform == WORKSPACE


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named plan that trials were made from.

    Attributes:
        state: read by workers before they take up a trial.
    """

    name: str
    plan: ExperimentPlan
    created_at: datetime
    state: ExperimentState = ExperimentState.OPEN

    def __post_init__(self) -> None:
        check_experiment_name(self.name)

    def after(self, event: ExperimentEvent) -> "Experiment":
        """Return this experiment once `event` has happened; raises IllegalTransition."""
        return replace(self, state=advance(NEXT_EXPERIMENT_STATE, self.state, event))


def check_run_count(count: int) -> None:
    """Raise InvalidInput if nobody can want so many runs of each project."""
    if not 1 <= count <= MOST_RUNS:
        raise InvalidInput(
            f"A project has at least 1 run and at most {MOST_RUNS}; got {count}. Ask for 2 or "
            "more to see a recommendation tried."
        )


def check_experiment_name(name: str) -> None:
    """Raise InvalidInput if an experiment cannot be called so."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot name an experiment: use 1 to 64 letters, digits, dots, dashes and "
            "underscores, the first of them a letter or digit."
        )


@dataclass(frozen=True, slots=True)
class TrialTruth:
    """What only the simulator knows of a trial.

    Attributes:
        best_spec: the cheapest cluster in time; None where none is.
        best_usd: what a run on it costs, without noise; None where there is no best cluster.
        billed_usd: what the simulator's own books say each run cost, by run id.
        duration_s: of each run, from its request to its end, by run id.
        expected_usd: what a run on its cluster costs without noise, by run id; only of clusters
            on which that is in time.
    """

    best_spec: ClusterSpec | None
    best_usd: float | None
    billed_usd: Mapping[str, float]
    duration_s: Mapping[str, float] = field(default_factory=dict)
    expected_usd: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """One project carried through an experiment.

    Attributes:
        ordinal: the trial's place in the experiment, from 0.
        failure: why it was set aside.
        abstentions: why the model declined to recommend, by the run it was asked after.
        policy: who chooses the clusters.
        attempt_count: how often a process died, or failed, while carrying it.
        input_gb: size of the data that its workload reads; None for the workload's own.
        truth: None where there is no simulator that knows, and until the trial is over.
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
    policy: str = ENGINE_POLICY
    attempt_count: int = 0
    input_gb: float | None = None
    truth: TrialTruth | None = None

    def after(self, event: TrialEvent, *, failure: str | None = None) -> "Trial":
        """Return this trial once `event` has happened; raises IllegalTransition."""
        state = advance(NEXT_TRIAL_STATE, self.state, event)
        attempts = self.attempt_count + (event is TrialEvent.INTERRUPT)
        return replace(self, state=state, failure=failure, attempt_count=attempts)

    def with_abstention(self, run_id: str, reason: str) -> "Trial":
        """Return this trial, knowing that the model declined after `run_id`."""
        return replace(self, abstentions={**self.abstentions, run_id: reason})

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to this trial."""
        return self.state not in {TrialState.QUEUED, TrialState.RUNNING}
