"""What a user asks of the Job Bank on simulated workspaces in; every trial carried, out."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from isocost.domain.experiment import (
    WORKSPACE,
    ColdStart,
    ExperimentPlan,
    SlaRule,
    check_run_count,
)
from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput
from isocost.jobbank.plans import matching_workloads, spec_from_text
from isocost.jobbank.workspace_plans import Grounds, drawn_trials, named_start
from isocost.jobbank.workspace_policies import check_policies
from isocost.store.base import Store
from isocost.usecases.orchestrate import Crew, Standing, Watcher, carry_all
from isocost.usecases.trials import create_drawn

Claim = Callable[[str], AbstractContextManager[None]]

# Each is drawn with a simulation, or some; the strata of so many are 4 % of cores apart.
MOST_COLD_STARTS: Final = 100


class Onlooker(Watcher, Protocol):
    """Told how an experiment stands, and before that how far the drawing of its trials is."""

    def drawing(self, *, done: int, total: int) -> None:
        """Show for how many of all workloads cold starts are drawn."""
        ...


@dataclass(frozen=True, slots=True)
class AskedOfWorkspaces:
    """What a user wants an experiment on simulated workspaces to be.

    Attributes:
        workloads: names or shell patterns; all of TPC-DS if empty.
        cold_starts: clusters to begin on, as `TYPE:COUNT`; if empty, `cold_start_count` are drawn
            for each workload.
    """

    name: str
    workloads: Sequence[str]
    cold_start_count: int
    cold_starts: Sequence[str]
    runs_per_trial: int
    sla_rule: SlaRule
    miss_fraction: float
    policies: Sequence[str]
    seed: int
    cloud: Cloud


def planned(asked: AskedOfWorkspaces, grounds: Grounds) -> ExperimentPlan:
    """Return the plan; raises UserError if something in it does not exist or contradicts."""
    check_policies(asked.policies)
    check_run_count(asked.runs_per_trial)
    if not asked.cold_starts and not 1 <= asked.cold_start_count <= MOST_COLD_STARTS:
        raise InvalidInput(
            f"A workload needs at least 1 cold start and takes at most {MOST_COLD_STARTS}; got "
            f"{asked.cold_start_count}. For more projects take more workloads, or another --seed."
        )
    known = [recording.name for recording in grounds.recordings]
    return ExperimentPlan(
        platform=WORKSPACE,
        workloads=matching_workloads(
            asked.workloads or ("tpcds/*",), known, listed_by="isocost bank vault list"
        ),
        cold_starts=_named(asked, grounds),
        runs_per_trial=asked.runs_per_trial,
        miss_fraction=asked.miss_fraction,
        policies=tuple(asked.policies),
        seed=asked.seed,
        sla_rule=asked.sla_rule,
        drawn_count=0 if asked.cold_starts else asked.cold_start_count,
        cloud=asked.cloud,
    )


def _named(asked: AskedOfWorkspaces, grounds: Grounds) -> tuple[ColdStart, ...]:
    node_types = grounds.node_types(asked.cloud)
    return tuple(named_start(spec_from_text(text, node_types)) for text in asked.cold_starts)


def carry_out(
    store: Store,
    asked: AskedOfWorkspaces,
    crew: Crew,
    *,
    grounds: Grounds,
    claim: Claim,
    tell: Onlooker,
) -> Standing:
    """Create an experiment, or go on with the one of this name, and see every trial to its end.

    Args:
        store: to keep it in.
        asked: by the user.
        crew: carries the trials.
        grounds: that they are drawn from.
        claim: holds the experiment's name for this process.
        tell: hears how it stands, and how far its trials are drawn.

    Raises:
        Busy: another process is at it.
        UserError: something asked for does not exist or contradicts the stored experiment.
    """
    plan = planned(asked, grounds)
    with claim(asked.name):
        create_drawn(
            store,
            asked.name,
            plan,
            trials_of=lambda made: drawn_trials(made, grounds, tell=tell.drawing),
        )
        return carry_all(store, crew, asked.name, tell=tell)
